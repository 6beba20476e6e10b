# %% [markdown] lang="en"
# # 5. Backpropagation through time
#
# **Goal.** Follow a gradient back through many time steps: compute it, say why it vanishes or explodes, cut it short on
# purpose and know the price, and see why it travels so much farther in an LSTM.
#
# You need: lessons 1 to 4; what an eigenvalue is, an expectation and a variance. You get: the gradients of a recurrent network in closed form, and the
# reason for the LSTM. About 90 minutes.
#
# The notation and the numbers of equations are those of "Backpropagation Through Time" in
# [Dive into Deep Learning](https://d2l.ai/chapter_recurrent-neural-networks/bptt.html), section 8.7 in most editions.

# %% [markdown] lang="zh"
# # 5. 通过时间反向传播
#
# **目标。** 跟着梯度往回走许多个时间步：把它算出来，说清它为什么消失或爆炸；学会有意截断它，并且知道代价；
# 再看看它在 LSTM 里为什么能走得远得多。
#
# 预备知识：第 1 至 4 课，以及特征值、期望和方差的概念。学完之后：你会写出循环网络梯度的闭合形式，也明白 LSTM 为何而设。大约 90 分钟。
#
# 记号和公式编号取自[《动手学深度学习》](https://zh.d2l.ai/chapter_recurrent-neural-networks/bptt.html)的“通过时间反向传播”一节，
# 即多数版本中的 8.7 节。

# %%
import matplotlib.pyplot as plt
import numpy as np

import nn
from autograd import Tensor, draw, grad, scope, sigmoid
from checks.lesson_05 import (
    check_along_memory, check_hidden_gradients, check_randomized, check_unrolled,
)  # fmt: skip
from nn.bptt import (
    detach, gradient_norms, randomized_truncation, spectral_radius, truncated_bptt, unroll,
)  # fmt: skip
from nn.plot import plot_gradient_norms
from nn.textbook import LinearRNNCell

# %% [markdown] lang="en"
# ## Three steps, one weight
#
# A recurrent network computes each state from the one before, with the *same* weight at every step, and each output from
# its state. The loss is the mean over the steps:
#
# $$\begin{aligned}
# h_t &= f(x_t, h_{t-1}, w_h), \qquad o_t = g(h_t, w_o) & (8.7.1) \\
# L &= \frac1T \sum_{t=1}^T l(y_t, o_t) & (8.7.2)
# \end{aligned}$$
#
# Take $h_t = w_h h_{t-1} + x_t$ and $o_t = w_o h_t$, with $w_h = 2$, $w_o = 1$, $h_0 = 0$ and three inputs of 1. Then
# $h = 1, 3, 7$. By the chain rule
#
# $$\frac{\partial L}{\partial w_h} = \frac1T \sum_{t=1}^T \frac{\partial l(y_t, o_t)}{\partial o_t}\,
# \frac{\partial g(h_t, w_o)}{\partial h_t}\, \frac{\partial h_t}{\partial w_h}, \tag{8.7.3}$$
#
# and the last factor is the difficult one. $w_h$ stands in $h_t$ once in plain sight, and again inside $h_{t-1}$:
#
# $$\frac{\partial h_t}{\partial w_h} = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h}
# + \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial h_{t-1}}\, \frac{\partial h_{t-1}}{\partial w_h} . \tag{8.7.4}$$
#
# Here that is $h_{t-1} + w_h\, \partial h_{t-1}/\partial w_h$, so $0$, then $1 + 2 \cdot 0 = 1$, then $3 + 2 \cdot 1 = 5$.
# Check: $h_3 = 1 + w_h + w_h^2$ has the slope $1 + 2 w_h = 5$. Let $l$ be $\frac12 (o - y)^2$ and $y = 1, 2, 5$.

# %% [markdown] lang="zh"
# ## 三步，一个权重
#
# 循环网络由前一个状态算出后一个状态，每一步用的都是**同一个**权重；再由状态算出输出。损失是对各步取平均：
#
# $$\begin{aligned}
# h_t &= f(x_t, h_{t-1}, w_h), \qquad o_t = g(h_t, w_o) & (8.7.1) \\
# L &= \frac1T \sum_{t=1}^T l(y_t, o_t) & (8.7.2)
# \end{aligned}$$
#
# 取 $h_t = w_h h_{t-1} + x_t$，$o_t = w_o h_t$，其中 $w_h = 2$，$w_o = 1$，$h_0 = 0$，三个输入都是 1。于是 $h = 1, 3, 7$。由链式法则
#
# $$\frac{\partial L}{\partial w_h} = \frac1T \sum_{t=1}^T \frac{\partial l(y_t, o_t)}{\partial o_t}\,
# \frac{\partial g(h_t, w_o)}{\partial h_t}\, \frac{\partial h_t}{\partial w_h}, \tag{8.7.3}$$
#
# 难的是最后一个因子。$w_h$ 在 $h_t$ 里明着出现一次，又藏在 $h_{t-1}$ 里面：
#
# $$\frac{\partial h_t}{\partial w_h} = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h}
# + \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial h_{t-1}}\, \frac{\partial h_{t-1}}{\partial w_h} . \tag{8.7.4}$$
#
# 在这里就是 $h_{t-1} + w_h\, \partial h_{t-1}/\partial w_h$，依次为 $0$、$1 + 2 \cdot 0 = 1$、$3 + 2 \cdot 1 = 5$。
# 验算：$h_3 = 1 + w_h + w_h^2$，斜率是 $1 + 2 w_h = 5$。设 $l = \frac12 (o - y)^2$，$y = 1, 2, 5$。

# %% equations=["D2L (8.7.1)", "D2L (8.7.2)", "D2L (8.7.3)", "D2L (8.7.4)"]
w_h, w_o, T = 2.0, 1.0, 3
xs, ys = [1.0, 1.0, 1.0], [1.0, 2.0, 5.0]
h = dh = L = dL = 0.0
for x, y in zip(xs, ys):
    dh = h + w_h * dh  # (8.7.4), with h of the step before
    h = w_h * h + x  # (8.7.1)
    o = w_o * h
    L += (o - y) ** 2 / 2 / T  # (8.7.2)
    dL += (o - y) * w_o * dh / T  # (8.7.3)
    print(f"h = {h:.0f}   ∂h/∂w_h = {dh:.0f}   o - y = {o - y:.0f}")
print(f"L = {L:.4f}   ∂L/∂w_h = {dL:.4f}")

# %% [markdown] lang="en"
# The same by the engine. It knows nothing of time: to it, the three steps are one graph, in which `w_h` happens to be used
# three times. That is all of *backpropagation through time*: unroll, then backpropagate. (`scope` draws a frame around a step;
# the small dashed `w_h` and `w_o` stand for those in the panel.)

# %% [markdown] lang="zh"
# 让引擎算一遍。它不知道什么是时间：在它眼里，三步就是一张图，`w_h` 恰好在图里用了三次。**通过时间反向传播**不过如此：展开，然后反向传播。
# （`scope` 给一步画上框；虚线的小 `w_h`、`w_o` 代表下方框里的两个。）

# %%
w_h, w_o = (Tensor(v, requires_grad=True, name=k) for k, v in (("w_h", 2.0), ("w_o", 1.0)))
h, L = Tensor(0.0, name="h0"), 0.0
for t, (x, y) in enumerate(zip(xs, ys), start=1):
    with scope(f"t={t}"):
        h = w_h * h + x
        h.name = f"h{t}"
        o = w_o * h
        o.name = f"o{t}"
        L = L + (o - y) ** 2 / (2 * T)
L.backward()
draw(L, names=locals())

# %% [markdown] lang="en"
# Follow the line of the states from right to left: each gradient is what comes from the step's own output, plus $w_h = 2$
# times the gradient of the state after it. $\frac23$, then $\frac13 + 2 \cdot \frac23 = \frac53$, then $0 + 2 \cdot \frac53
# = \frac{10}{3}$. The panel below sums what $w_h$ gets at each use, $\partial L/\partial h_t \cdot h_{t-1}$: $0 + \frac53 +
# 2 = \frac{11}{3}$.
#
# This is the sum (8.7.3) in another order. (8.7.4) walks forward in time and carries a number for each pair of an entry of
# the state and a weight; the engine walks backward and carries one for each entry of the state. With a million weights that
# decides.
#
# ## The recursion, unrolled
#
# How far back does $\partial h_t/\partial w_h$ reach? Abbreviate
#
# $$a_t = \frac{\partial h_t}{\partial w_h}, \qquad b_t = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h}, \qquad
# c_t = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial h_{t-1}} . \tag{8.7.6}$$
#
# Then (8.7.4) is $a_t = b_t + c_t\, a_{t-1}$ with $a_0 = 0$, and putting it into itself again and again gives
#
# $$a_t = b_t + \sum_{i=1}^{t-1} \Big( \prod_{j=i+1}^{t} c_j \Big)\, b_i . \tag{8.7.5}$$
#
# **Exercise 1.** Write (8.7.5) for the last step, $t = T$, without the recursion. In Python `b[0]` is $b_1$. (`np.prod`
# multiplies all entries, and gives 1 if there are none.)

# %% [markdown] lang="zh"
# 沿着状态那条线从右往左看：每个状态的梯度，等于来自本步输出的那份，加上后一个状态的梯度的 $w_h = 2$ 倍。依次为 $\frac23$、
# $\frac13 + 2 \cdot \frac23 = \frac53$、$0 + 2 \cdot \frac53 = \frac{10}{3}$。下方的框把 $w_h$ 每次使用所得的
# $\partial L/\partial h_t \cdot h_{t-1}$ 加起来：$0 + \frac53 + 2 = \frac{11}{3}$。
#
# 这就是 (8.7.3) 的和，只是次序不同。(8.7.4) 顺着时间走，状态的每个元素与每个权重都要配上一个数；引擎逆着时间走，状态的每个元素只要一个数。
# 当权重有一百万个时，这就是决定性的差别。
#
# ## 把递推展开
#
# $\partial h_t/\partial w_h$ 往回能追溯多远？简记
#
# $$a_t = \frac{\partial h_t}{\partial w_h}, \qquad b_t = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h}, \qquad
# c_t = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial h_{t-1}} . \tag{8.7.6}$$
#
# 于是 (8.7.4) 就是 $a_t = b_t + c_t\, a_{t-1}$，$a_0 = 0$。把它反复代入自身，得到
#
# $$a_t = b_t + \sum_{i=1}^{t-1} \Big( \prod_{j=i+1}^{t} c_j \Big)\, b_i . \tag{8.7.5}$$
#
# **练习 1.** 对最后一步 $t = T$ 写出 (8.7.5)，不用递推。Python 里的 `b[0]` 是 $b_1$。（`np.prod` 把所有元素相乘；没有元素时得 1。）


# %% tags=["exercise"]
def unrolled(b, c):
    a = b[-1]
    for i in range(len(b) - 1):
        a = a + ...
    return a


check_unrolled(unrolled)


# %% tags=["solution"]
def unrolled(b, c):
    a = b[-1]
    for i in range(len(b) - 1):
        a = a + np.prod(c[i + 1 :]) * b[i]
    return a


check_unrolled(unrolled)

# %% [markdown] lang="en"
# With the names of (8.7.6) put back, that is
#
# $$\frac{\partial h_t}{\partial w_h} = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h} + \sum_{i=1}^{t-1} \Big(
# \prod_{j=i+1}^{t} \frac{\partial f(x_j, h_{j-1}, w_h)}{\partial h_{j-1}} \Big)
# \frac{\partial f(x_i, h_{i-1}, w_h)}{\partial w_h} . \tag{8.7.7}$$
#
# Compute it for a network that isn't linear, $h_t = \tanh(w_h h_{t-1} + x_t)$: $b_t = (1 - h_t^2)\, h_{t-1}$ and
# $c_t = (1 - h_t^2)\, w_h$.

# %% [markdown] lang="zh"
# 把 (8.7.6) 的记号代回去，就是
#
# $$\frac{\partial h_t}{\partial w_h} = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h} + \sum_{i=1}^{t-1} \Big(
# \prod_{j=i+1}^{t} \frac{\partial f(x_j, h_{j-1}, w_h)}{\partial h_{j-1}} \Big)
# \frac{\partial f(x_i, h_{i-1}, w_h)}{\partial w_h} . \tag{8.7.7}$$
#
# 用一个非线性的网络来算：$h_t = \tanh(w_h h_{t-1} + x_t)$，这时 $b_t = (1 - h_t^2)\, h_{t-1}$，$c_t = (1 - h_t^2)\, w_h$。

# %% equations=["D2L (8.7.5)", "D2L (8.7.6)", "D2L (8.7.7)"]
T = 8
weight, state = Tensor(0.9, requires_grad=True), Tensor(0.0)
h, a, b, c = 0.0, 0.0, [], []
for t, x in enumerate(np.random.default_rng(5).standard_normal(T)):
    h_before, h = h, np.tanh(0.9 * h + x)
    b.append((1 - h**2) * h_before)  # (8.7.6)
    c.append((1 - h**2) * 0.9)
    a = b[t] + c[t] * a
    in_full = b[t] + sum(np.prod(c[i + 1 :]) * b[i] for i in range(t))  # (8.7.5), (8.7.7)
    state = np.tanh(weight * state + x)
    (engine,) = grad(state, [weight])
    print(
        f"∂h{t + 1}/∂w: recursion {a:7.4f}, sum {in_full:7.4f}, engine {engine.data:7.4f}"
    )
products = [np.prod(c[i + 1 :]) for i in range(T - 1)]
print("the products in the last sum:", np.round(products, 4))

# %% [markdown] lang="en"
# Look at the last line. What the weight did at step 1 counts with a factor of next to nothing. A long product of
# numbers below 1 is small, and that is the whole secret of the *vanishing gradient*.
#
# ## Matrices: the linear network
#
# Now states are vectors, and the $c_j$ matrices. Without tanh and biases everything can be written down:
#
# $$\begin{aligned}
# h_t &= W_{hx} x_t + W_{hh} h_{t-1}, \qquad o_t = W_{qh} h_t & (8.7.9) \\
# L &= \frac1T \sum_{t=1}^T l(o_t, y_t) & (8.7.10)
# \end{aligned}$$
#
# `LinearRNNCell` has these names. As above, let $l$ be half the square of the error, here summed over the entries.

# %% [markdown] lang="zh"
# 看最后一行：权重在第 1 步的作用，到这里乘上的因子几乎是零。许多小于 1 的数相乘，结果很小。**梯度消失**的全部秘密就在这里。
#
# ## 换成矩阵：线性网络
#
# 现在状态是向量，$c_j$ 是矩阵。没有 tanh，没有偏置，一切都可以明白写出来：
#
# $$\begin{aligned}
# h_t &= W_{hx} x_t + W_{hh} h_{t-1}, \qquad o_t = W_{qh} h_t & (8.7.9) \\
# L &= \frac1T \sum_{t=1}^T l(o_t, y_t) & (8.7.10)
# \end{aligned}$$
#
# `LinearRNNCell` 用的就是这些名字。与前面一样，设 $l$ 为误差平方的一半，这里对各元素求和。

# %%
d, n, q, T = 2, 3, 2, 3  # features of x, h and o
rng = np.random.default_rng(5)
xs, ys = rng.standard_normal((T, d)), rng.standard_normal((T, q))
cell = LinearRNNCell(d, n, q, rng=rng)
states, h, L = [], None, 0.0
for t, (x, y) in enumerate(zip(xs, ys), start=1):
    x, y = Tensor(x, name=f"x{t}"), Tensor(y, name=f"y{t}")
    with scope(f"t={t}"):
        h = cell.forward(x, h)
        o = cell.readout(h)
        L = L + ((o - y) ** 2).sum() / (2 * T)
    h.name, o.name = f"h{t}", f"o{t}"
    states.append(h)
L.backward()
draw(L, names=locals())

# %% [markdown] lang="en"
# Walk back through it. Each output feeds one term of the mean; $W_{qh}$ is used $T$ times; the last state has one child,
# each earlier one has two, its output and the next state:
#
# $$\begin{aligned}
# \frac{\partial L}{\partial o_t} &= \frac{\partial l(o_t, y_t)}{T \cdot \partial o_t} & (8.7.11) \\
# \frac{\partial L}{\partial W_{qh}} &= \sum_{t=1}^T \frac{\partial L}{\partial o_t}\, h_t^\top & (8.7.12) \\
# \frac{\partial L}{\partial h_T} &= W_{qh}^\top \frac{\partial L}{\partial o_T} & (8.7.13) \\
# \frac{\partial L}{\partial h_t} &= W_{hh}^\top \frac{\partial L}{\partial h_{t+1}} + W_{qh}^\top \frac{\partial L}{\partial o_t}, \qquad t < T & (8.7.14)
# \end{aligned}$$
#
# **Exercise 2.** Write (8.7.13) and (8.7.14). `do` has the $\partial L/\partial o_t$ as its rows; return the
# $\partial L/\partial h_t$ in the same way.

# %% [markdown] lang="zh"
# 沿图往回走。每个输出只进入平均值中的一项；$W_{qh}$ 用了 $T$ 次；最后一个状态只有一个去向，之前的每个状态都有两个：本步的输出和下一个状态：
#
# $$\begin{aligned}
# \frac{\partial L}{\partial o_t} &= \frac{\partial l(o_t, y_t)}{T \cdot \partial o_t} & (8.7.11) \\
# \frac{\partial L}{\partial W_{qh}} &= \sum_{t=1}^T \frac{\partial L}{\partial o_t}\, h_t^\top & (8.7.12) \\
# \frac{\partial L}{\partial h_T} &= W_{qh}^\top \frac{\partial L}{\partial o_T} & (8.7.13) \\
# \frac{\partial L}{\partial h_t} &= W_{hh}^\top \frac{\partial L}{\partial h_{t+1}} + W_{qh}^\top \frac{\partial L}{\partial o_t}, \qquad t < T & (8.7.14)
# \end{aligned}$$
#
# **练习 2.** 写出 (8.7.13) 和 (8.7.14)。`do` 的各行是 $\partial L/\partial o_t$；请同样按行返回 $\partial L/\partial h_t$。


# %% tags=["exercise"]
def hidden_gradients(do, W_hh, W_qh):
    dh = np.zeros((len(do), len(W_hh)))
    dh[-1] = ...
    for t in reversed(range(len(do) - 1)):
        dh[t] = ...
    return dh


check_hidden_gradients(hidden_gradients)


# %% tags=["solution"]
def hidden_gradients(do, W_hh, W_qh):
    dh = np.zeros((len(do), len(W_hh)))
    dh[-1] = W_qh.T @ do[-1]
    for t in reversed(range(len(do) - 1)):
        dh[t] = W_hh.T @ dh[t + 1] + W_qh.T @ do[t]
    return dh


check_hidden_gradients(hidden_gradients)

# %% [markdown] lang="en"
# Unrolled, as in exercise 1, the recursion becomes a sum over all later outputs; and the weights collect, over the steps,
# what lesson 3 says about a matrix product:
#
# $$\begin{aligned}
# \frac{\partial L}{\partial h_t} &= \sum_{i=t}^{T} \big(W_{hh}^\top\big)^{T-i}\, W_{qh}^\top\, \frac{\partial L}{\partial o_{T+t-i}} & (8.7.15) \\
# \frac{\partial L}{\partial W_{hx}} &= \sum_{t=1}^T \frac{\partial L}{\partial h_t}\, x_t^\top, \qquad
# \frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial h_t}\, h_{t-1}^\top & (8.7.16)
# \end{aligned}$$
#
# (Dimension analysis finds a misprint: some copies give the last one the shape $h \times d$. It is $W_{hh}$'s, $h \times h$.)
# All of it, beside the engine:

# %% [markdown] lang="zh"
# 像练习 1 那样展开，递推就变成对之后所有输出求和；而各权重按第 3 课的矩阵乘积公式，逐步收集自己的梯度：
#
# $$\begin{aligned}
# \frac{\partial L}{\partial h_t} &= \sum_{i=t}^{T} \big(W_{hh}^\top\big)^{T-i}\, W_{qh}^\top\, \frac{\partial L}{\partial o_{T+t-i}} & (8.7.15) \\
# \frac{\partial L}{\partial W_{hx}} &= \sum_{t=1}^T \frac{\partial L}{\partial h_t}\, x_t^\top, \qquad
# \frac{\partial L}{\partial W_{hh}} = \sum_{t=1}^T \frac{\partial L}{\partial h_t}\, h_{t-1}^\top & (8.7.16)
# \end{aligned}$$
#
# （量纲分析能揪出一处误印：有的版本把最后一个的形状写成 $h \times d$。它应当与 $W_{hh}$ 同形，是 $h \times h$。）全部算一遍，与引擎对照：

# %% equations=["D2L (8.7.9)", "D2L (8.7.10)", "D2L (8.7.11)", "D2L (8.7.12)", "D2L (8.7.13)", "D2L (8.7.14)", "D2L (8.7.15)", "D2L (8.7.16)"]
W_hx, W_hh, W_qh = cell.W_hx.data, cell.W_hh.data, cell.W_qh.data
x, y = (np.vstack([np.zeros(rows.shape[1]), rows]) for rows in (xs, ys))  # x[t] is x_t
h, o, do, dh = (np.zeros((T + 1, size)) for size in (n, q, q, n))
loss = 0.0
for t in range(1, T + 1):
    h[t] = W_hx @ x[t] + W_hh @ h[t - 1]  # (8.7.9)
    o[t] = W_qh @ h[t]
    loss += np.sum((o[t] - y[t]) ** 2) / 2 / T  # (8.7.10)
    do[t] = (o[t] - y[t]) / T  # (8.7.11)
dh[T] = W_qh.T @ do[T]  # (8.7.13)
for t in reversed(range(1, T)):
    dh[t] = W_hh.T @ dh[t + 1] + W_qh.T @ do[t]  # (8.7.14)
dW_qh = sum(np.outer(do[t], h[t]) for t in range(1, T + 1))  # (8.7.12)
dW_hx = sum(np.outer(dh[t], x[t]) for t in range(1, T + 1))  # (8.7.16)
dW_hh = sum(np.outer(dh[t], h[t - 1]) for t in range(1, T + 1))

power = np.linalg.matrix_power
for t in range(1, T + 1):  # (8.7.15)
    terms = [power(W_hh.T, T - i) @ W_qh.T @ do[T + t - i] for i in range(t, T + 1)]
    in_full, engine = np.allclose(sum(terms), dh[t]), np.allclose(states[t - 1].grad, dh[t])
    print(
        f"∂L/∂h{t} agrees with the sum of {len(terms)}: {in_full}, with the engine: {engine}"
    )
print(f"L = {loss:.6f}, engine: {L.item():.6f}")
for name, by_hand in (("W_hx", dW_hx), ("W_hh", dW_hh), ("W_qh", dW_qh)):
    print(f"∂L/∂{name} agrees: {np.allclose(getattr(cell, name).grad, by_hand)}")

# %% [markdown] lang="en"
# ## Powers of a matrix
#
# In (8.7.15) the product of numbers has become a power, $(W_{hh}^\top)^k$ for $k$ steps back. What does a high power do to a
# vector? If $M$ is symmetric with eigenvalues $|\lambda_1| > |\lambda_2| \ge \dots$ and eigenvectors $v_1, v_2, \dots$, write
# $g = \sum_i \gamma_i v_i$. Each factor $M$ multiplies each part by its own eigenvalue:
#
# $$M^k g = \sum_i \gamma_i\, \lambda_i^k\, v_i .$$
#
# So $M^k$ has the eigenvalues $\lambda_i^k$. The largest, $|\lambda_1|$, is called the *spectral radius*. Unless
# $\gamma_1 = 0$, which for a random $g$ has probability 0, the first term wins in the end: the vector turns towards $v_1$,
# and every step multiplies its length by $|\lambda_1|$.

# %% [markdown] lang="zh"
# ## 矩阵的幂
#
# 在 (8.7.15) 里，数的连乘变成了幂：往回 $k$ 步，就是 $(W_{hh}^\top)^k$。高次幂会对向量做什么？设 $M$ 对称，特征值
# $|\lambda_1| > |\lambda_2| \ge \dots$，特征向量 $v_1, v_2, \dots$。把 $g$ 写成 $g = \sum_i \gamma_i v_i$，每乘一次 $M$，
# 每个分量就乘上自己的特征值：
#
# $$M^k g = \sum_i \gamma_i\, \lambda_i^k\, v_i .$$
#
# 所以 $M^k$ 的特征值是 $\lambda_i^k$。最大的 $|\lambda_1|$ 叫作**谱半径**。只要 $\gamma_1 \ne 0$（对随机的 $g$，$\gamma_1 = 0$ 的概率为 0），
# 第一项终将胜出：向量转向 $v_1$ 的方向，每一步长度乘以 $|\lambda_1|$。

# %%
Q, _ = np.linalg.qr(rng.standard_normal((4, 4)))  # four directions at right angles
M = Q @ np.diag([1.1, -0.7, 0.4, 0.1]) @ Q.T
g = rng.standard_normal(4)
print(f"the spectral radius of M is {spectral_radius(M):.4f}")
for k in (0, 1, 2, 5, 10, 20, 40):
    now, then = power(M, k) @ g, power(M, k + 1) @ g
    size = np.linalg.norm(now)
    growth, cosine = np.linalg.norm(then) / size, abs(Q[:, 0] @ now) / size  # with v1
    print(
        f"k = {k:2}   |M^k g| = {size:7.3f}   grows by {growth:.4f}   |cos| = {cosine:.6f}"
    )

# %% [markdown] lang="en"
# The last column is the cosine of the angle with $v_1$. After ten steps, four numbers have become one: how long. Which way the
# gradient pointed is forgotten. (A matrix that isn't symmetric does much the same: in the long run lengths grow like
# $|\lambda_1|^k$.)
#
# Now gradients of a network. `unroll` runs a cell over forty inputs, and the loss looks at the last state alone.
# `gradient_norms` computes $\lVert \partial L/\partial h_t \rVert$ for every step. On the left the linear network, with
# $W_{hh}$ scaled to three spectral radii. On the right the same matrices with tanh around them.

# %% [markdown] lang="zh"
# 最后一列是与 $v_1$ 夹角的余弦。十步之后，四个数只剩下一个：长度。梯度原来指向哪里，已经忘了。
# （不对称的矩阵也大致如此：长远来看，长度按 $|\lambda_1|^k$ 变化。）
#
# 现在看网络的梯度。`unroll` 让一个单元走完四十步输入，损失只看最后一个状态。`gradient_norms` 对每一步计算
# $\lVert \partial L/\partial h_t \rVert$。左边是线性网络，$W_{hh}$ 缩放到三种谱半径；右边是同样的矩阵，外面套上 tanh。

# %%
T, n = 40, 8
xs, W = rng.standard_normal((T, 2)), rng.standard_normal((n, n))
linear, squashed = LinearRNNCell(2, n, 1, rng=rng), nn.RNNCell(2, n, bias=False, rng=rng)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for place, cell, weight in (
    (axes[0], linear, linear.W_hh),
    (axes[1], squashed, squashed.weight_hh),
):
    for radius in (1.2, 1.0, 0.8):
        weight.data = W * radius / spectral_radius(W)
        h = unroll(cell, xs)
        norms = gradient_norms(h[-1].sum(), {f"radius {radius}": h})
        plot_gradient_norms(norms, place)
axes[0].set_title("linear")
axes[1].set(title="tanh", ylabel="")
plt.show()

# %% [markdown] lang="en"
# Read from right to left, as the gradient travels. A logarithmic scale turns $\lambda^k$ into a straight line, and on the left
# that is what you see: up for 1.2, *exploding*; down for 0.8, *vanishing*; neither for 1.0. (The bend at the right end
# is the time that the largest eigenvalue takes to win.) With tanh, each step also multiplies by slopes of at most 1, and
# even 1.2 fades: a radius above 1 is no longer enough for an explosion.
#
# Explosions are easy to notice and to cure: `nn.clip_grad_norm_` scales a gradient down that is too long (lesson 6 does). A
# vanished gradient can't be scaled back. A number of $10^{-5}$ drowns in what the near steps contribute.
#
# ## Cutting it short
#
# A gradient that fades anyway need not be followed to the end; and the memory for a graph of a whole book isn't there. One can
#
# - **compute it in full**;
# - **cut after a fixed number of steps**, $\tau$: leave the terms of (8.7.7) with $i \le t - \tau$ out. `detach` does it: it
#   gives a state's value without its history;
# - **cut at random**. Draw $\xi_t = 0$ with probability $1 - \pi$, else $\xi_t = 1/\pi$, so that $E[\xi_t] = 1$, and let the
#   gradient pass from step to step with this factor:
#
# $$z_t = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h}
# + \xi_t\, \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial h_{t-1}}\, z_{t-1}, \qquad z_0 = 0 . \tag{8.7.8}$$
#
# The text prints $\partial h_{t-1}/\partial w_h$ in place of our $z_{t-1}$. Both have the expectation $\partial
# h_t/\partial w_h$. But only with $z_{t-1}$ does the recursion end where $\xi_t = 0$.
#
# Here are the three, as in the text's figure, for the first letters of *The Time Machine*:

# %% [markdown] lang="zh"
# 从右往左读，梯度就是这样走的。对数刻度把 $\lambda^k$ 变成直线，左图正是如此：1.2 往上走，**爆炸**；0.8 往下走，**消失**；1.0 两者都不是。
# （右端有一点弯，那是最大的特征值胜出之前的一段。）有了 tanh，每一步还要乘以至多为 1 的斜率，连 1.2 也渐渐变小：
# 谱半径大于 1 已经不足以引起爆炸。
#
# 爆炸容易察觉，也容易治：`nn.clip_grad_norm_` 把过长的梯度缩短（第 6 课会用到）。消失的梯度却放大不回来：$10^{-5}$ 这样的数，
# 会淹没在近处各步的贡献里。
#
# ## 截断
#
# 反正会衰减的梯度，不必追到底；况且一整本书的计算图，内存也装不下。有三种办法：
#
# - **完整计算**；
# - **走固定步数就截断**，步数为 $\tau$：略去 (8.7.7) 中 $i \le t - \tau$ 的项。`detach` 就是做这个的：它给出状态的值，但不带历史；
# - **随机截断**。以概率 $1 - \pi$ 取 $\xi_t = 0$，否则取 $\xi_t = 1/\pi$，这样 $E[\xi_t] = 1$；梯度每过一步就乘上这个因子：
#
# $$z_t = \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial w_h}
# + \xi_t\, \frac{\partial f(x_t, h_{t-1}, w_h)}{\partial h_{t-1}}\, z_{t-1}, \qquad z_0 = 0 . \tag{8.7.8}$$
#
# 原文印的是 $\partial h_{t-1}/\partial w_h$，我们写的是 $z_{t-1}$。两者的期望都是
# $\partial h_t/\partial w_h$，但只有用 $z_{t-1}$，递推才会真的在 $\xi_t = 0$ 处终止。
#
# 仿照原文的图，用《时间机器》开头的字母来看这三种办法：

# %%
text, pi, tau = "the time machine by h g wells", 0.8, 5
cuts = np.random.default_rng(0).random(len(text)) >= pi
print("at random:  ", "".join("|" * int(cut) + letter for letter, cut in zip(text, cuts)))
print("every five: ", "|".join(text[i : i + tau] for i in range(0, len(text), tau)))
print("in full:    ", text)

# %% [markdown] lang="en"
# **Exercise 3.** Write (8.7.8): $z_T$ from the $b_t$, $c_t$ and $\xi_t$.

# %% [markdown] lang="zh"
# **练习 3.** 写出 (8.7.8)：由各个 $b_t$、$c_t$、$\xi_t$ 求 $z_T$。


# %% tags=["exercise"]
def randomized(b, c, xi):
    z = 0.0
    for b_t, c_t, xi_t in zip(b, c, xi):
        z = ...
    return z


check_randomized(randomized)


# %% tags=["solution"]
def randomized(b, c, xi):
    z = 0.0
    for b_t, c_t, xi_t in zip(b, c, xi):
        z = b_t + xi_t * c_t * z
    return z


check_randomized(randomized)

# %% [markdown] lang="en"
# `randomized_truncation` puts such a factor between two states. It passes the value on as it is, and multiplies the
# gradient by $\xi$. Here are $h_3$ and its gradients in the small network of the beginning, with $\pi = \frac12$. This draw
# let the gradient pass at $t = 3$, doubled, and cut it off at $t = 2$:

# %% [markdown] lang="zh"
# `randomized_truncation` 在两个状态之间放上这样一个因子：值原样通过，梯度乘以 $\xi$。
# 下面是开头的小网络里的 $h_3$ 和它的梯度，取 $\pi = \frac12$。这次抽样让梯度在 $t = 3$ 处加倍通过，在 $t = 2$ 处截断：

# %%
w_h = Tensor(2.0, requires_grad=True, name="w_h")
h, draws = Tensor(0.0, name="h0"), np.random.default_rng(0)
for t in (1, 2, 3):
    with scope(f"t={t}"):
        carried = randomized_truncation(h, 0.5, draws) if t > 1 else h
        h = w_h * carried + 1.0
        h.name = f"h{t}"
h.backward()
draw(h)

# %% [markdown] lang="en"
# The gradient of $w_h$ is 7. With $\xi_3 = 0$ it would have been 3. One is as probable as the other, and their mean is 5,
# as it must be. (That $\xi_2$ doesn't matter is due to $h_0 = 0$.)
#
# ## Bias and variance, measured
#
# What does a cut cost? Take a network with tanh and a loss at each of 30 steps. `truncated_bptt` with `k1=1` lets every
# loss reach back `k2` steps.

# %% [markdown] lang="zh"
# $w_h$ 的梯度是 7。若 $\xi_3 = 0$，就会是 3。两种情形的概率相同，平均值是 5，正是应有的结果。（$\xi_2$ 在这里不起作用，因为 $h_0 = 0$。）
#
# ## 测量偏差与方差
#
# 截断的代价是什么？取一个带 tanh 的网络，30 步，每步都有损失。`truncated_bptt` 取 `k1=1` 时，每个损失往回走 `k2` 步。

# %%
T, n, rng = 30, 4, np.random.default_rng(5)
cell = nn.RNNCell(2, n, bias=False, rng=rng)
W = rng.standard_normal((n, n))
cell.weight_hh.data = W * 0.9 / spectral_radius(W)
pairs = list(zip(0.5 * rng.standard_normal((T, 2)), rng.standard_normal(T)))


def step(pair, h):
    x, y = pair
    h = cell(Tensor(x), h)
    return (h[0] - y) ** 2 / T, h


def cut_after(k):
    cell.zero_grad()
    for chunk in truncated_bptt(step, pairs, None, k1=1, k2=k):
        pass  # a place to update the weights, if one trains
    return cell.weight_hh.grad.copy()


full, length = cut_after(T), np.linalg.norm
for k in (1, 3, 5, 10, 20):
    error = length(cut_after(k) - full) / length(full)
    print(f"k2 = {k:2}: off by {error:5.1%} of the full gradient's length")

# %% [markdown] lang="en"
# The error shrinks as fast as the gradient vanishes. Now 400 random truncations, with a $\pi$ that lets a gradient travel
# just as many steps *on average*, $1/(1 - \pi)$.

# %% [markdown] lang="zh"
# 梯度消失得多快，误差就缩小得多快。现在抽取 400 次随机截断，选取 $\pi$，使梯度**平均**走的步数 $1/(1 - \pi)$ 与之相同。


# %% equations=["D2L (8.7.8)"]
def cut_at_random(pi, rng):
    cell.zero_grad()
    h, total = None, 0.0
    for pair in pairs:
        loss, h = step(pair, randomized_truncation(h, pi, rng))  # ξ_t of (8.7.8)
        total = total + loss
    total.backward(retain_graph=False)
    return cell.weight_hh.grad.copy()


N, lengths = 400, (3, 5, 10)
random = {k: np.array([cut_at_random(1 - 1 / k, rng) for _ in range(N)]) for k in lengths}
for k, draws in random.items():
    mean = draws.mean(axis=0)
    error = length(mean - full) / length(full)
    spread = np.sqrt(((draws - mean) ** 2).sum(axis=(1, 2)).mean()) / length(full)
    print(f"π = {1 - 1 / k:.3f}: one draw is off by {spread:6.1%}, ", end="")
    print(f"the mean by {error:5.1%} ({spread / N**0.5:.1%} expected)")

# %%
figure, axes = plt.subplots(1, 3, figsize=(9, 2.9), sharey=True, layout="constrained")
at = np.unravel_index(np.abs(cut_after(3) - full).argmax(), full.shape)  # one entry of W_hh
for place, k in zip(axes, lengths):
    draws = random[k][:, *at]
    bins = np.linspace(full[at] - 0.15, full[at] + 0.15, 61)
    place.hist(draws, bins, color="#c9dcef", label="at random")
    place.axvline(draws.mean(), color="#1f4e79", label="their mean")
    place.axvline(full[at], color="black", linestyle=":", label="in full")
    place.axvline(cut_after(k)[at], color="#b23a00", linestyle="--", label="fixed")
    place.set(title=f"{k} steps", xlabel="gradient of one weight")
axes[0].set_ylabel("draws")
axes[0].legend(fontsize="small")
plt.show()

# %% [markdown] lang="en"
# The fixed cut is wrong in the same way each time: *bias*. The random cut is right on average; the error of its mean is about
# what 400 draws leave. But a single draw is much worse than the fixed cut: *variance*. (Some draws lie outside the plots.)
# It comes from the factors $1/\pi$. A term from $k$ steps back survives with probability $\pi^k$, and is then multiplied by
# $\pi^{-k}$; if each step has the local gradient $c$, its variance grows like $(c^2/\pi)^k$. That is why the random cut,
# fair as it is, is rarely used. Texts are read in chunks, `k1 = k2`, with a `detach` between them:

# %% [markdown] lang="zh"
# 固定截断每次错得一样：**偏差**。随机截断平均起来是对的，均值的误差只有 400 次抽样自然会留下的那么大；但单独一次抽样比固定截断差得多：**方差**。（有些抽样落在图外。）
# 根源在因子 $1/\pi$：$k$ 步之前的一项以概率 $\pi^k$ 幸存，幸存后被放大到 $\pi^{-k}$ 倍；设每步的局部梯度为 $c$，方差就按 $(c^2/\pi)^k$ 增长。
# 所以随机截断虽然公正，却很少有人用。实际上人们把文本切成段来读，即 `k1 = k2`，段与段之间做一次 `detach`：

# %%
chunk, h, total = 10, None, 0.0
for t, pair in enumerate(pairs):
    loss, h = step(pair, detach(h) if t % chunk == 0 else h)
    total = total + loss
cell.zero_grad()
total.backward()
by_detach = cell.weight_hh.grad.copy()
cell.zero_grad()
chunks = list(truncated_bptt(step, pairs, None, k1=chunk, k2=chunk))
print("steps of the chunks:", [(c.steps[0] + 1, c.steps[-1] + 1) for c in chunks])
print("the same gradient:", np.allclose(cell.weight_hh.grad, by_detach))

# %% [markdown] lang="en"
# ## Why the LSTM's state carries
#
# Truncation lives with vanishing. The LSTM was made against it. Its memory doesn't go through a matrix and a tanh at each
# step, but through a gate (lesson 4):
#
# $$c_t = f_t * c_{t-1} + i_t * g_t, \qquad h_t = o_t * \tanh c_t .$$

# %% [markdown] lang="zh"
# ## LSTM 的状态为什么传得远
#
# 截断是与梯度消失共处，LSTM 则是为对付它而设计的。它的记忆每一步不经过矩阵和 tanh，而是经过一个门（第 4 课）：
#
# $$c_t = f_t * c_{t-1} + i_t * g_t, \qquad h_t = o_t * \tanh c_t .$$

# %%
rng = np.random.default_rng(1)
states = unroll(nn.LSTMCell(2, 4, bias=False, rng=rng), rng.standard_normal((3, 2)))
L = (states[-1][0] ** 2).sum()
L.backward()
draw(L, names=locals())

# %% [markdown] lang="en"
# Two paths lead back from step to step. The one along $h$ is an RNN's: through $W_{hh}$, and through σ or tanh. The one along
# $c$ has a single multiplication per step, by $f_t$, and nothing else. So if only this path counted,
#
# $$\frac{\partial c_T}{\partial c_t} = \prod_{j=t+1}^{T} f_j \qquad \text{(entry by entry)} .$$
#
# It is (8.7.7)'s product again, with one difference: its factors are the output of σ, between 0 and 1, so it can't explode,
# and it is the network that chooses them, at every step and for every unit anew. A gate of 0.98 keeps $0.98^{40} = 45\,\%$
# over 40 steps.
#
# **Exercise 4.** For one unit, that is one entry of $c$, with gates $f_1, \dots, f_T$: give $\partial c_T/\partial c_t$ along $c$ for $t = 1, \dots,
# T$, as an array.

# %% [markdown] lang="zh"
# 从一步回到前一步有两条路。沿 $h$ 的那条与 RNN 一样：穿过 $W_{hh}$，再穿过 σ 或 tanh。沿 $c$ 的那条每步只有一次乘法，乘以 $f_t$，此外什么也没有。
# 所以，如果只算这条路，
#
# $$\frac{\partial c_T}{\partial c_t} = \prod_{j=t+1}^{T} f_j \qquad \text{（逐元素）} .$$
#
# 这又是 (8.7.7) 的连乘，但有一点不同：因子是 σ 的输出，在 0 和 1 之间，所以不会爆炸；而且因子由网络自己选，每一步、每个单元都重新选。
# 门若是 0.98，40 步之后还剩 $0.98^{40} = 45\,\%$。
#
# **练习 4.** 一个单元（$c$ 的一个元素）的门依次是 $f_1, \dots, f_T$：对 $t = 1, \dots, T$ 求沿 $c$ 的 $\partial c_T/\partial c_t$，以数组返回。


# %% tags=["exercise"]
def along_memory(f):
    dc = np.ones(len(f))
    for t in reversed(range(len(f) - 1)):
        dc[t] = ...
    return dc


check_along_memory(along_memory)


# %% tags=["solution"]
def along_memory(f):
    dc = np.ones(len(f))
    for t in reversed(range(len(f) - 1)):
        dc[t] = f[t + 1] * dc[t + 1]
    return dc


check_along_memory(along_memory)

# %% [markdown] lang="en"
# The engine can say how much comes along $c$ alone: close the other path by a `detach` of $h$, and compare with the
# products of the gates.

# %% [markdown] lang="zh"
# 单沿 $c$ 传来多少，引擎可以回答：对 $h$ 做 `detach`，封住另一条路，再与各个门的乘积比较。

# %%
T, rng = 40, np.random.default_rng(1)
lstm, xs = nn.LSTMCell(2, 8, forget_bias=3, rng=rng), rng.standard_normal((T, 2))
h, c = Tensor(np.zeros(8)), Tensor(np.zeros(8))
gates, memory = [], []
for x in xs:
    h = detach(h)
    _, z_f, _, _ = np.split(lstm.affine(Tensor(x), h).data, 4)
    gates.append(sigmoid(z_f))
    h, c = lstm(Tensor(x), (h, c))
    memory.append(c)
for t, dc in enumerate(grad(c.sum(), memory), start=1):
    if t in (1, 20, 30, 39, 40):
        product = np.prod(gates[t:], axis=0)
        agrees = np.allclose(dc.data, product)
        print(f"∂c40/∂c{t}: {product.mean():.3f} on average, engine agrees: {agrees}")

# %% [markdown] lang="en"
# Now both paths, and the RNN beside it. The bias of the forget gate, $b_f$, says where the gates start: $\sigma(0) = 0.5$,
# $\sigma(1) = 0.73$, $\sigma(3) = 0.95$. In PyTorch and here it starts near 0 unless you say otherwise; many set it to 1
# (`forget_bias=1`). The loss looks at the last state only.

# %% [markdown] lang="zh"
# 现在两条路都打开，旁边再放上 RNN。遗忘门的偏置 $b_f$ 决定门从哪里开始：$\sigma(0) = 0.5$，$\sigma(1) = 0.73$，$\sigma(3) = 0.95$。
# 在 PyTorch 和这里，若不指定，它从 0 附近开始；很多人把它设为 1（`forget_bias=1`）。损失只看最后一个状态。

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
models = {
    "LSTM, b_f = 3": nn.LSTM(2, 8, forget_bias=3, rng=np.random.default_rng(1)),
    "LSTM, b_f = 1": nn.LSTM(2, 8, forget_bias=1, rng=np.random.default_rng(1)),
    "LSTM, b_f = 0": nn.LSTM(2, 8, forget_bias=0, rng=np.random.default_rng(1)),
    "RNN": nn.RNN(2, 8, rng=np.random.default_rng(1)),
}
for name, model in models.items():
    output, _ = model(xs)
    for path, norms in gradient_norms(output[-1].sum()).items():
        letter = path.rpartition("/")[2]
        plot_gradient_norms({name: norms}, axes["hc".index(letter)])
        print(f"{name:13} |∂L/∂{letter}_t|, first step / last: {norms[0] / norms[-1]:.1e}")
axes[0].set_title("hidden state h")
axes[1].set(title="memory c", ylabel="")
plt.show()

# %% [markdown] lang="en"
# The LSTM with $b_f = 0$ loses 40 % of its gradient at each step, the RNN 60 %. With open gates an LSTM keeps two thirds of it
# in $c$ over all forty. That is the point: the architecture does not carry the gradient by itself, it *allows* the network to,
# where learning finds that useful. At the early steps there is more gradient in $c$ than in $h$, for $c$ is what leads on.
#
# Nothing protects the path along $h$ from exploding. That is why the gradients of LSTMs are clipped, too.
#
# **Where to go next.** [Lesson 6](06_a_language_model_of_a_real_book.ipynb) trains these networks on a book, chunk by
# chunk, and measures how far back they learn to look. Elsewhere: Pascanu, Mikolov & Bengio, [On the difficulty of training
# recurrent neural networks](https://arxiv.org/abs/1211.5063) (2013); Tallec & Ollivier, [Unbiasing truncated
# backpropagation through time](https://arxiv.org/abs/1705.08209) (2017).

# %% [markdown] lang="zh"
# $b_f = 0$ 的 LSTM 每步损失四成梯度，RNN 损失六成。门一打开，LSTM 的 $c$ 走完四十步还剩三分之二。要点正在于此：结构本身并不保证梯度传得远，它只是**允许**
# 网络这样做，只要学习发现这样有用。在靠前的各步，$c$ 的梯度比 $h$ 的大，因为通往后面的路是 $c$。
#
# 沿 $h$ 的那条路仍可能爆炸，所以训练 LSTM 时也要裁剪梯度。
#
# **接下来。** [第 6 课](06_a_language_model_of_a_real_book.ipynb)用一本书一段一段地训练这些网络，并测量它们学会往回看多远。延伸阅读：
# Pascanu、Mikolov 与 Bengio 的 [On the difficulty of training recurrent neural networks](https://arxiv.org/abs/1211.5063)（2013）；
# Tallec 与 Ollivier 的 [Unbiasing truncated backpropagation through time](https://arxiv.org/abs/1705.08209)（2017）。
