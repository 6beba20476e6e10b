# %% [markdown] lang="en"
# # 4. An LSTM as a computation graph
#
# **Goal.** Write the backward pass of an LSTM by hand, gate by gate, and know which test would catch which mistake in it.
#
# You need: lessons 1 to 3. You get: every gradient of an LSTM as a product of what you already know, a critical eye for
# gradient checks, and three dialects of the LSTM side by side. About 90 minutes.
#
# The notation and the numbers of equations are those of the assignment "Building your Recurrent Neural Network" in
# [deeplearning.ai's course on sequence models](https://www.coursera.org/learn/nlp-sequence-models). The second LSTM is Nico
# Jimenez's [Simple LSTM](https://nicodjimenez.github.io/2014/08/08/lstm.html).

# %% [markdown] lang="zh"
# # 4. 把 LSTM 画成计算图
#
# **目标。** 亲手写出 LSTM 的反向传播，一个门一个门地写，并且知道哪种检验能抓住哪种错误。
#
# 预备知识：第 1 至 3 课。学完之后：LSTM 的每个梯度在你眼里都只是几个熟悉的因子相乘；你会用挑剔的眼光看待梯度检验；
# 还会看到 LSTM 的三种“方言”并排放在一起。大约 90 分钟。
#
# 记号和公式编号取自 [deeplearning.ai 序列模型课程](https://www.coursera.org/learn/nlp-sequence-models)的作业
# “Building your Recurrent Neural Network”。第二种 LSTM 是 Nico Jimenez 的
# [Simple LSTM](https://nicodjimenez.github.io/2014/08/08/lstm.html)。

# %%
import numpy as np

import nn
from autograd import Tensor, draw, gradcheck, sigmoid
from checks.lesson_04 import (
    check_gates, check_simple_lstm, check_weights, check_worst_error,
)  # fmt: skip
from nn.bptt import unroll
from nn.textbook import ColumnLSTMCell, SimpleLSTMCell, first_component_loss

# %% [markdown] lang="en"
# ## A number that is remembered
#
# A *recurrent* network reads a sequence, one step at a time, and carries a state from step to step. In an LSTM (long
# short-term memory) the state has two parts: $c$, the memory, and $a$, what is shown of it. Three *gates*, now not operations but
# numbers between 0 and 1, decide what happens to the memory. The forget gate $\Gamma_f$ says how much of the old memory stays, the update
# gate $\Gamma_i$ how much of a new candidate $\tilde c$ comes in, the output gate $\Gamma_o$ how much is shown:
#
# $$c = \Gamma_f\, c_{prev} + \Gamma_i\, \tilde c, \qquad a = \Gamma_o \tanh c .$$
#
# With numbers: a memory of 2, of which 0.9 stays, and a candidate of $-0.4$, half of which comes in:
# $c = 0.9 \cdot 2 + 0.5 \cdot (-0.4) = 1.6$. A quarter is shown: $a = 0.25 \cdot \tanh 1.6 = 0.25 \cdot 0.9217 = 0.2304$.
# There is nothing in this but ×, + and tanh, so you can walk back through it as in lesson 2. Write `f`, `i`, `o` for the
# gates and `cc` for the candidate.

# %% [markdown] lang="zh"
# ## 记住一个数
#
# **循环**网络一步一步地读一个序列，并把一个状态从这一步带到下一步。LSTM（长短期记忆）的状态有两部分：$c$ 是记忆，$a$ 是记忆对外输出的部分。
# 三个**门**（这里不再指运算，而是三个 0 到 1 之间的数）决定记忆的去留。遗忘门 $\Gamma_f$ 决定旧记忆留下多少，更新门 $\Gamma_i$
# 决定新候选值 $\tilde c$ 进来多少，输出门 $\Gamma_o$ 决定输出多少：
#
# $$c = \Gamma_f\, c_{prev} + \Gamma_i\, \tilde c, \qquad a = \Gamma_o \tanh c .$$
#
# 代入数字：记忆是 2，留下九成；候选值是 $-0.4$，进来一半：$c = 0.9 \cdot 2 + 0.5 \cdot (-0.4) = 1.6$。输出四分之一：
# $a = 0.25 \cdot \tanh 1.6 = 0.25 \cdot 0.9217 = 0.2304$。这里只有 ×、+ 和 tanh，所以可以像第 2 课那样往回走。
# 代码里用 `f`、`i`、`o` 表示三个门，用 `cc` 表示候选值。

# %%
f, i, cc, o, c_prev = 0.9, 0.5, -0.4, 0.25, 2.0
c = f * c_prev + i * cc
a = o * np.tanh(c)
da = 1.0
do = np.tanh(c) * da  # through a = o * tanh(c)
dc = o * (1 - np.tanh(c) ** 2) * da
df, dc_prev = c_prev * dc, f * dc  # through c = f * c_prev + i * cc
di, dcc = cc * dc, i * dc
print(f"c = {c:.4f}   a = {a:.4f}   dc = {dc:.4f}   do = {do:.4f}")
print(f"df = {df:.4f}   dc_prev = {dc_prev:.4f}   di = {di:.4f}   dcc = {dcc:.4f}")

# %% [markdown] lang="en"
# The same by the engine, and the picture. Follow the line from $c$ back to `c_prev`: one multiplication by the forget gate. (`v1` to
# `v3` are values without a name.)

# %% [markdown] lang="zh"
# 让引擎算一遍，并画出图来。看从 $c$ 回到 $c_{prev}$ 的那条线：只乘了一次遗忘门。（`v1` 到 `v3` 是没有名字的中间值。）

# %%
f, i, cc, o, c_prev = (Tensor(v, requires_grad=True) for v in (0.9, 0.5, -0.4, 0.25, 2.0))
c = f * c_prev + i * cc
a = o * np.tanh(c)
a.backward()
draw(a, names=locals())

# %% [markdown] lang="en"
# ## Six equations
#
# Where do the gates come from? Each is a small layer that looks at the input $x^{\langle t\rangle}$ and at what was shown
# before, $a^{\langle t-1\rangle}$, one above the other in one column:
#
# $$\begin{aligned}
# \Gamma_f &= \sigma(W_f\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_f) & (1) \\
# \Gamma_i &= \sigma(W_i\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_i) & (2) \\
# \tilde c &= \tanh(W_c\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_c) & (3) \\
# c^{\langle t\rangle} &= \Gamma_f * c^{\langle t-1\rangle} + \Gamma_i * \tilde c & (4) \\
# \Gamma_o &= \sigma(W_o\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_o) & (5) \\
# a^{\langle t\rangle} &= \Gamma_o * \tanh c^{\langle t\rangle} & (6)
# \end{aligned}$$
#
# Here $*$ multiplies entry by entry, and each column is one of $m$ examples; $x$ has $n_x$ rows, $a$ and $c$ have $n_a$, so that
# each $W$ is $n_a \times (n_a + n_x)$. (The course also writes $\Gamma_u$ for $\Gamma_i$.) Our `ColumnLSTMCell` has the same
# letters; its `W` holds $W_f, W_i, W_c, W_o$ on top of each other, so that one product serves all four.

# %% [markdown] lang="zh"
# ## 六个公式
#
# 门从哪里来？每个门都是一个小小的层，它看的是当前输入 $x^{\langle t\rangle}$ 和上一步的输出 $a^{\langle t-1\rangle}$，
# 两者上下叠成一列：
#
# $$\begin{aligned}
# \Gamma_f &= \sigma(W_f\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_f) & (1) \\
# \Gamma_i &= \sigma(W_i\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_i) & (2) \\
# \tilde c &= \tanh(W_c\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_c) & (3) \\
# c^{\langle t\rangle} &= \Gamma_f * c^{\langle t-1\rangle} + \Gamma_i * \tilde c & (4) \\
# \Gamma_o &= \sigma(W_o\,[a^{\langle t-1\rangle}; x^{\langle t\rangle}] + b_o) & (5) \\
# a^{\langle t\rangle} &= \Gamma_o * \tanh c^{\langle t\rangle} & (6)
# \end{aligned}$$
#
# 这里 $*$ 是逐元素相乘，每一列是 $m$ 个样本中的一个；$x$ 有 $n_x$ 行，$a$ 和 $c$ 有 $n_a$ 行，所以每个 $W$ 都是
# $n_a \times (n_a + n_x)$。（课程里 $\Gamma_i$ 有时也写作 $\Gamma_u$。）我们的 `ColumnLSTMCell`
# 用的是同样的字母；它的 `W` 把 $W_f, W_i, W_c, W_o$ 上下叠在一起，一次乘法就算出四份。

# %% equations=["deeplearning.ai (1)", "deeplearning.ai (2)", "deeplearning.ai (3)", "deeplearning.ai (4)", "deeplearning.ai (5)", "deeplearning.ai (6)"]
n_x, n_a, m, T = 2, 3, 4, 3
rng = np.random.default_rng(4)
cell = ColumnLSTMCell(n_x, n_a, rng=rng)
x = rng.standard_normal((T, n_x, m))  # T steps of m columns
a_prev, c_prev = rng.standard_normal((2, n_a, m))

W_f, W_i, W_c, W_o = np.split(cell.W.data, 4)
b_f, b_i, b_c, b_o = np.split(cell.b.data, 4)
ax = np.concatenate([a_prev, x[0]])
f = sigmoid(W_f @ ax + b_f)  # (1)
i = sigmoid(W_i @ ax + b_i)  # (2)
cc = np.tanh(W_c @ ax + b_c)  # (3)
c = f * c_prev + i * cc  # (4)
o = sigmoid(W_o @ ax + b_o)  # (5)
a = o * np.tanh(c)  # (6)

a0, c0 = Tensor(a_prev, requires_grad=True), Tensor(c_prev, requires_grad=True)
x1 = Tensor(x[0], requires_grad=True)
a1, c1 = cell(x1, (a0, c0))
print("the cell computes the same:", np.allclose(a1.data, a), np.allclose(c1.data, c))

# %% [markdown] lang="en"
# To look at the backward pass of one step alone, we need the gradients that arrive from later steps, `da` and `dc`. Make
# them up, and let the engine start from $L = \sum (da * a + dc * c)$: the gradient that it sends to $a$ is `da`, and what
# it sends to $c$ directly is `dc`.

# %% [markdown] lang="zh"
# 要单独看一步的反向传播，需要从后面各步传来的梯度 `da` 和 `dc`。随便造两个数组，让引擎从 $L = \sum (da * a + dc * c)$ 出发：
# 它传给 $a$ 的梯度就是 `da`，直接传给 $c$ 的就是 `dc`。

# %%
da, dc = (Tensor(rng.standard_normal((n_a, m))) for _ in range(2))
L = (da * a1 + dc * c1).sum()
L.backward()
draw(L, names=locals())

# %% [markdown] lang="en"
# The four gates side by side, the memory in its frame; `[0:3]` are the first three rows of $z$. Note where lines meet: $c$
# receives two gradients, and $z$ four, one from each gate, each for its own three rows.
#
# ## Identity by identity
#
# Write $\delta c$ for **all** that arrives at $c$: from the next step, `dc`, and through $a = \Gamma_o \tanh c$,
#
# $$\delta c = dc + da * \Gamma_o * (1 - \tanh^2 c) .$$
#
# From $c = \Gamma_f * c_{prev} + \Gamma_i * \tilde c$ every factor gets $\delta c$ times the other factor. One step further
# back, σ multiplies by $\Gamma(1 - \Gamma)$ and tanh by $1 - \tilde c^2$. The course writes $d\gamma$ and $dp\tilde c$ for the
# results, the gradients of what stands *inside* σ and tanh; we call it $z$:
#
# $$\begin{aligned}
# dz_o = d\gamma_o &= da * \tanh c \;*\; \Gamma_o (1 - \Gamma_o) & (7) \\
# dz_c = dp\tilde c &= \delta c * \Gamma_i \;*\; (1 - \tilde c^2) & (8) \\
# dz_i = d\gamma_u &= \delta c * \tilde c \;*\; \Gamma_i (1 - \Gamma_i) & (9) \\
# dz_f = d\gamma_f &= \delta c * c_{prev} \;*\; \Gamma_f (1 - \Gamma_f) & (10)
# \end{aligned}$$
#
# The course spells $\delta c$ out in (8), (9), (10) and (20) each time. In copies of its first edition (8) to (10) lack the
# brackets around this sum, and (8) ends in $1 - \tanh^2 \tilde c$. Both are wrong, as you can now tell; the exercise knows
# these mistakes, too.
#
# **Exercise 1.** Write (7) to (10). `cc` is $\tilde c$.

# %% [markdown] lang="zh"
# 四个门并排，记忆在自己的框里；`[0:3]` 是 $z$ 的前三行。注意线在哪里汇合：$c$ 收到两份梯度；
# $z$ 收到四份，每个门一份，各管自己的三行。
#
# ## 一条一条地求
#
# 用 $\delta c$ 表示到达 $c$ 的**全部**梯度：一份来自下一步，即 `dc`，另一份经由 $a = \Gamma_o \tanh c$：
#
# $$\delta c = dc + da * \Gamma_o * (1 - \tanh^2 c) .$$
#
# 由 $c = \Gamma_f * c_{prev} + \Gamma_i * \tilde c$，每个因子得到 $\delta c$ 乘以另一个因子。再往回走一步：σ 乘以
# $\Gamma(1 - \Gamma)$，tanh 乘以 $1 - \tilde c^2$。课程把结果记作 $d\gamma$ 和 $dp\tilde c$，也就是对 σ 和 tanh **里面**那个量的梯度；
# 我们把那个量叫作 $z$：
#
# $$\begin{aligned}
# dz_o = d\gamma_o &= da * \tanh c \;*\; \Gamma_o (1 - \Gamma_o) & (7) \\
# dz_c = dp\tilde c &= \delta c * \Gamma_i \;*\; (1 - \tilde c^2) & (8) \\
# dz_i = d\gamma_u &= \delta c * \tilde c \;*\; \Gamma_i (1 - \Gamma_i) & (9) \\
# dz_f = d\gamma_f &= \delta c * c_{prev} \;*\; \Gamma_f (1 - \Gamma_f) & (10)
# \end{aligned}$$
#
# 课程在 (8)、(9)、(10)、(20) 中每次都把 $\delta c$ 完整写出。在流传的第一版里，(8) 到 (10) 漏掉了这个和式外面的括号，
# (8) 的末尾还写成了 $1 - \tanh^2 \tilde c$。现在你看得出来，两处都错了；下面的练习也认得这两个错误。
#
# **练习 1.** 写出 (7) 到 (10)。`cc` 就是 $\tilde c$。


# %% tags=["exercise"]
def gates_backward(da, dc, c_prev, f, i, cc, o, c):
    dc = ...  # δc: all that arrives at c
    dz_f = ...
    dz_i = ...
    dz_c = ...
    dz_o = ...
    return dz_f, dz_i, dz_c, dz_o


check_gates(gates_backward)


# %% tags=["solution"]
def gates_backward(da, dc, c_prev, f, i, cc, o, c):
    dc = dc + da * o * (1 - np.tanh(c) ** 2)
    dz_f = dc * c_prev * f * (1 - f)
    dz_i = dc * cc * i * (1 - i)
    dz_c = dc * i * (1 - cc**2)
    dz_o = da * np.tanh(c) * o * (1 - o)
    return dz_f, dz_i, dz_c, dz_o


check_gates(gates_backward)

# %% [markdown] lang="en"
# What is left is lesson 3. With $z = W [a; x] + b$ and $dz$ stacked like $W$: a matrix product has the gradients
# $dW = dz\,[a; x]^\top$ and $d[a; x] = W^\top dz$, and $b$, which was added to every column, collects from all of them:
#
# $$\begin{aligned}
# dW_f &= dz_f\,[a_{prev}; x]^\top, \quad dW_i,\ dW_c,\ dW_o \text{ likewise} & (11), (12), (13), (14) \\
# db_f &= \textstyle\sum_{columns} dz_f, \quad db_i,\ db_c,\ db_o \text{ likewise} & (15), (16), (17), (18) \\
# da_{prev} &= W_f^\top dz_f + W_i^\top dz_i + W_c^\top dz_c + W_o^\top dz_o, \quad \text{with the first } n_a \text{ columns of each } W & (19) \\
# dc_{prev} &= \delta c * \Gamma_f & (20) \\
# dx &= \text{the same as (19), with the other columns} & (21)
# \end{aligned}$$
#
# **Exercise 2.** Write all but (20), stacked: `dz` has the shape $(4 n_a, m)$, like $z$.

# %% [markdown] lang="zh"
# 剩下的就是第 3 课的内容。设 $z = W [a; x] + b$，$dz$ 与 $W$ 一样叠放：矩阵乘积的梯度是 $dW = dz\,[a; x]^\top$ 和
# $d[a; x] = W^\top dz$；$b$ 加到了每一列上，所以它的梯度是各列之和：
#
# $$\begin{aligned}
# dW_f &= dz_f\,[a_{prev}; x]^\top, \quad dW_i,\ dW_c,\ dW_o \text{ 同理} & (11), (12), (13), (14) \\
# db_f &= \textstyle\sum_{columns} dz_f, \quad db_i,\ db_c,\ db_o \text{ 同理} & (15), (16), (17), (18) \\
# da_{prev} &= W_f^\top dz_f + W_i^\top dz_i + W_c^\top dz_c + W_o^\top dz_o, \quad \text{取各 } W \text{ 的前 } n_a \text{ 列} & (19) \\
# dc_{prev} &= \delta c * \Gamma_f & (20) \\
# dx &= \text{同 (19)，取其余各列} & (21)
# \end{aligned}$$
#
# **练习 2.** 写出除 (20) 以外的各式，一次算完叠在一起的四份：`dz` 的形状与 $z$ 一样，是 $(4 n_a, m)$。


# %% tags=["exercise"]
def weights_backward(dz, W, ax, n_a):
    dW = ...
    db = ...  # a column, as b is
    dax = ...
    da_prev = ...
    dx = ...
    return dW, db, da_prev, dx


check_weights(weights_backward)


# %% tags=["solution"]
def weights_backward(dz, W, ax, n_a):
    dW = dz @ ax.T
    db = dz.sum(axis=1, keepdims=True)
    dax = W.T @ dz
    da_prev = dax[:n_a]
    dx = dax[n_a:]
    return dW, db, da_prev, dx


check_weights(weights_backward)

# %% [markdown] lang="en"
# ## By hand against autograd
#
# All of it in one function, and each result beside the engine's from the picture above:

# %% [markdown] lang="zh"
# ## 手算对照自动微分
#
# 把它们合成一个函数，再把每个结果与上图中引擎的结果对照：


# %% equations=["deeplearning.ai (7)", "deeplearning.ai (8)", "deeplearning.ai (9)", "deeplearning.ai (10)", "deeplearning.ai (11)", "deeplearning.ai (12)", "deeplearning.ai (13)", "deeplearning.ai (14)", "deeplearning.ai (15)", "deeplearning.ai (16)", "deeplearning.ai (17)", "deeplearning.ai (18)", "deeplearning.ai (19)", "deeplearning.ai (20)", "deeplearning.ai (21)"]
def step_backward(da, dc, step):
    ax, c_prev, f, i, cc, o, c = step
    dc = dc + da * o * (1 - np.tanh(c) ** 2)  # δc
    dz_o = da * np.tanh(c) * o * (1 - o)  # (7)
    dz_c = dc * i * (1 - cc**2)  # (8)
    dz_i = dc * cc * i * (1 - i)  # (9)
    dz_f = dc * c_prev * f * (1 - f)  # (10)
    dz = np.concatenate([dz_f, dz_i, dz_c, dz_o])
    dW = dz @ ax.T  # (11), (12), (13), (14)
    db = dz.sum(axis=1, keepdims=True)  # (15), (16), (17), (18)
    dax = cell.W.data.T @ dz  # (19) above (21)
    return dW, db, dax[:n_a], dc * f, dax[n_a:]  # dc * f: (20)


by_hand = step_backward(da.data, dc.data, (ax, c_prev, f, i, cc, o, c))
for name, ours, t in zip(("W", "b", "a", "c", "x"), by_hand, (cell.W, cell.b, a0, c0, x1)):
    print(f"d{name}, shape {t.grad.shape!s:8} agrees: {np.allclose(ours, t.grad)}")

# %% [markdown] lang="en"
# ## A sequence, and the question of 1/m
#
# Now three steps, and at the end an answer to a question of yes or no, $\hat y = \sigma(W_y a^{\langle T\rangle} + b_y)$. Its
# loss is the *cross-entropy*, the mean of $-y \log \hat y - (1 - y) \log(1 - \hat y)$ over the $m$ examples, which grows as
# $\hat y$ moves away from the right answer $y$, 0 or 1. What stands inside σ, the *logit*, receives a simple gradient:
#
# $$\frac1m \left(-\frac{y}{\hat y} + \frac{1 - y}{1 - \hat y}\right) \hat y\,(1 - \hat y) = \frac1m (\hat y - y) .$$
#
# (The engine's function takes σ and log in one, so that no number overflows: with $\mathrm{softplus}(z) = \log(1 + e^z)$,
# $-\log \sigma(z)$ is $\mathrm{softplus}(-z)$ and $-\log(1 - \sigma(z))$ is $\mathrm{softplus}(z)$. Both are in the picture.)
#
# Backward, the steps run in reverse order. Each adds its part to $dW$ and hands $da$ and $dc$ to the step before. The panel
# at the bottom of the picture shows this sum; the small dashed `W` and `b` stand for those in the panel. (`unroll` runs the
# cell over the steps and gives $(a, c)$ after each.)

# %% [markdown] lang="zh"
# ## 一个序列，以及 1/m 的问题
#
# 现在走三步，最后回答一个“是或否”的问题：$\hat y = \sigma(W_y a^{\langle T\rangle} + b_y)$。损失是**交叉熵**，
# 即 $-y \log \hat y - (1 - y) \log(1 - \hat y)$ 对 $m$ 个样本的平均；正确答案 $y$ 是 0 或 1，$\hat y$ 离它越远，损失越大。
# 损失对 σ 里面那个量（叫作 logit）的梯度很简单：
#
# $$\frac1m \left(-\frac{y}{\hat y} + \frac{1 - y}{1 - \hat y}\right) \hat y\,(1 - \hat y) = \frac1m (\hat y - y) .$$
#
# （引擎的这个函数把 σ 和 log 合在一起算，免得溢出：令 $\mathrm{softplus}(z) = \log(1 + e^z)$，则 $-\log \sigma(z)$ 是
# $\mathrm{softplus}(-z)$，$-\log(1 - \sigma(z))$ 是 $\mathrm{softplus}(z)$。图里两个都有。）
#
# 反向时各步倒着走，每一步把自己那份加进 $dW$，再把 $da$ 和 $dc$ 交给前一步。图的下方画出了这个求和，
# 各步里虚线的小 `W` 和 `b` 就代表那里的两个。（`unroll` 让单元走完各步，给出每一步之后的 $(a, c)$。）

# %%
W_y, b_y = nn.Parameter(rng.standard_normal((1, n_a))), nn.Parameter([[0.3]])
y = np.array([[1.0, 0.0, 0.0, 1.0]])
states = unroll(cell, x)
loss = nn.binary_cross_entropy_with_logits(W_y @ states[-1][0] + b_y, y)
cell.zero_grad()
loss.backward()
draw(loss, names=locals())

# %% [markdown] lang="en"
# Texts in this notation often start from $\hat y - y$, the gradient of *each example's own* loss, and divide at the weights:
# $dW_f = \frac1m\, dz_f\,[a; x]^\top$. The engine knows nothing of examples. It differentiates the mean, so its $da$ carries
# the factor $1/m$ from the start. The weights agree; the states differ by the factor $m$.

# %% [markdown] lang="zh"
# 用这套记号的文章常常从 $\hat y - y$ 出发，那是**每个样本自己的**损失的梯度，到权重处再除以 $m$：
# $dW_f = \frac1m\, dz_f\,[a; x]^\top$。引擎不知道什么叫样本，它只是对平均值求导，所以它的 $da$ 一开始就带着因子 $1/m$。
# 两者权重的梯度相同，状态的梯度相差 $m$ 倍。

# %% equations=["deeplearning.ai 1/m"]
a = c = np.zeros((n_a, m))
steps = []
for x_t in x:
    ax, c_prev = np.concatenate([a, x_t]), c
    z_f, z_i, z_c, z_o = np.split(cell.W.data @ ax + cell.b.data, 4)
    f, i, cc, o = sigmoid(z_f), sigmoid(z_i), np.tanh(z_c), sigmoid(z_o)
    c = f * c_prev + i * cc
    a = o * np.tanh(c)
    steps.append((ax, c_prev, f, i, cc, o, c))

da = W_y.data.T @ (sigmoid(W_y.data @ a + b_y.data) - y)  # of each example's own loss
dc = np.zeros((n_a, m))
print("da / the engine's:", np.unique((da / states[-1][0].grad).round(6)))
summed = 0  # over the steps and the examples
for step in reversed(steps):
    dW, db, da, dc, dx = step_backward(da, dc, step)
    summed = summed + dW
print("1/m · dW agrees with the engine's:", np.allclose(summed / m, cell.W.grad))

# %% [markdown] lang="en"
# ## The checker, and what it can hide
#
# Agreeing with the engine proves little if both rest on the same wrong idea. A nudge does not (lesson 1). `gradcheck` nudges
# every entry of $W$ and $b$ and compares; the ratio in its table should be 1, up to rounding. The function is the six equations once more,
# and runs on arrays and Tensors alike.

# %% [markdown] lang="zh"
# ## 检验器，以及它会掩盖什么
#
# 与引擎一致并不说明多少问题，万一两边都基于同一个错误的想法呢？轻推则不会错（第 1 课）。`gradcheck` 把 $W$ 和 $b$ 的每个元素都推一下，
# 再作比较；除去舍入误差，表中的比值应该是 1。下面的函数就是那六个公式，对数组和 Tensor 都能运行。


# %%
def loss_of(W, b):
    a = c = np.zeros((n_a, m))
    for x_t in x:
        z = W @ np.concatenate([a, x_t]) + b
        c = sigmoid(z[:n_a]) * c + sigmoid(z[n_a : 2 * n_a]) * np.tanh(z[2 * n_a : -n_a])
        a = sigmoid(z[-n_a:]) * np.tanh(c)
    return nn.binary_cross_entropy_with_logits(W_y.data @ a + b_y.data, y)


gradcheck(loss_of, cell.W, cell.b, order=1)

# %% [markdown] lang="en"
# Most people write such a checker themselves, and boil the comparison down to one number. The wrong number hides the
# mistake. Here are the nudged gradient of $W$ and three backward passes with a fault each:
#
# 1. **A mean of signed errors.** $dW_f$ and $dW_i$ exchanged: every wrong entry is made up for by another one.
# 2. **An absolute tolerance.** The gradient of a tiny loss: twice too large, and `np.allclose` says True, since
#    by default it forgives $10^{-8}$ everywhere. After many time steps gradients *are* tiny (lesson 5).
# 3. **An angle.** The forgotten $1/m$: the direction is perfect, and so is the correlation. Only the ratio tells, and it tells
#    everything: a *constant* ratio of 4, with $m = 4$, is a forgotten mean. Random ratios are a wrong formula.

# %% [markdown] lang="zh"
# 很多人自己写检验器，最后把比较浓缩成一个数。选错了这个数，错误就藏起来了。下面是用轻推得到的 $W$ 的梯度，以及三个各有一处毛病的反向传播：
#
# 1. **带符号误差的平均。** 把 $dW_f$ 和 $dW_i$ 弄反了：每个错误的元素都被另一个抵消。
# 2. **绝对容差。** 损失极小时的梯度：大了一倍，`np.allclose` 却说 True，因为它默认处处容许 $10^{-8}$。
# 时间步一多，梯度**确实**会变得极小（第 5 课）。
# 3. **夹角。** 忘了 $1/m$：方向完全正确，相关系数也完美。只有比值能揭穿，而且一语道破：比值恒等于 4，而 $m = 4$，
# 那就是忘了取平均。比值杂乱无章，才是公式错了。

# %%
W, b, h = cell.W.data, cell.b.data, 1e-5
numeric = np.zeros_like(W)
for place in np.ndindex(W.shape):
    nudge = np.zeros_like(W)
    nudge[place] = h
    numeric[place] = (loss_of(W + nudge, b) - loss_of(W - nudge, b)).item() / (2 * h)

right = cell.W.grad
swapped = right[[3, 4, 5, 0, 1, 2, 6, 7, 8, 9, 10, 11]]  # the rows of f and i
signed = swapped - numeric
print(f"1. |mean of (swapped - numeric)|: {abs(signed.mean()):.6f}")
print(
    f"   worst {np.abs(signed).max():.4f}, among gradients up to {np.abs(right).max():.4f}"
)
print("2. allclose(2 · tiny, tiny):", np.allclose(2 * 1e-7 * right, 1e-7 * numeric))
cosine = np.vdot(summed, numeric) / np.linalg.norm(summed) / np.linalg.norm(numeric)
ratio = summed / numeric
print(f"3. cosine of the angle: {cosine:.6f}")
print(f"   ratio from {ratio.min():.4f} to {ratio.max():.4f}")

# %% [markdown] lang="en"
# A fourth one has nothing to do with the number. **A special point.** At the first step $c_{prev} = 0$, so $dz_f = 0$,
# whatever you wrote in (10): look at the forget gate of step 1 in the picture, ◀ 0. Check at random states, over several steps.
#
# **Exercise 3.** Compute a number that hides none of the first three: the *largest relative* error. The distance of two
# entries is divided by the larger of their absolute values.

# %% [markdown] lang="zh"
# 第四个与选哪个数无关：**特殊点。** 第一步的 $c_{prev} = 0$，于是无论 (10) 写成什么，$dz_f$ 都是 0：看图中第 1 步的遗忘门，◀ 0。
# 检验要用随机的状态，并且走上好几步。
#
# **练习 3.** 算出一个数，让前三种错误都无处可藏：**最大相对误差**。两个元素之差的绝对值，除以两者绝对值中较大的那个。


# %% tags=["exercise"]
def worst_error(analytic, numeric):
    difference = ...
    scale = ...  # entry by entry
    return ...


check_worst_error(worst_error)


# %% tags=["solution"]
def worst_error(analytic, numeric):
    difference = np.abs(analytic - numeric)
    scale = np.maximum(np.abs(analytic), np.abs(numeric))
    return np.max(difference / scale)


check_worst_error(worst_error)

# %% [markdown] lang="en"
# ## Three dialects
#
# The same machine is written in different ways. Before you compare numbers, compare conventions:
#
# | | deeplearning.ai, `ColumnLSTMCell` | Simple LSTM, `SimpleLSTMCell` | PyTorch, `nn.LSTM` |
# | --- | --- | --- | --- |
# | state | $a$, $c$ | $h$, $s$ | $h$, $c$ |
# | gates, as stacked | $\Gamma_f, \Gamma_i, \tilde c, \Gamma_o$ | $g, i, f, o$, a matrix each | $i, f, g, o$ |
# | $W$ meets | $[a; x]$ | $[x; h]$ | $x$ and $h$, a matrix each |
# | examples | columns | one at a time | rows |
# | biases | one | one | two, which are added |
# | output | $\Gamma_o * \tanh c$ | $o * s$, **no tanh** | $o * \tanh c$ |
# | loss of the text | mean over $m$ examples | sum over the steps | – |
#
# The first and the third compute the same function; a conversion only moves rows and transposes. The second does not.

# %% [markdown] lang="zh"
# ## 三种方言
#
# 同一台机器有几种写法。比较数字之前，先比较约定：
#
# | | deeplearning.ai，`ColumnLSTMCell` | Simple LSTM，`SimpleLSTMCell` | PyTorch，`nn.LSTM` |
# | --- | --- | --- | --- |
# | 状态 | $a$, $c$ | $h$, $s$ | $h$, $c$ |
# | 门（按叠放次序） | $\Gamma_f, \Gamma_i, \tilde c, \Gamma_o$ | $g, i, f, o$，各一个矩阵 | $i, f, g, o$ |
# | $W$ 乘的是 | $[a; x]$ | $[x; h]$ | $x$ 和 $h$，各一个矩阵 |
# | 样本 | 按列 | 一次一个 | 按行 |
# | 偏置 | 一个 | 一个 | 两个，相加 |
# | 输出 | $\Gamma_o * \tanh c$ | $o * s$，**没有 tanh** | $o * \tanh c$ |
# | 原文的损失 | 对 $m$ 个样本取平均 | 对各步求和 | – |
#
# 第一种和第三种算的是同一个函数，互相转换只需调换行的次序并转置。第二种则不同。

# %%
lstm = nn.LSTM(n_x, n_a)
lstm.load_state_dict(cell.pytorch_state_dict("_l0"))
output, _ = lstm(np.swapaxes(x, 1, 2))  # rows, as PyTorch has them
ours = np.stack([a.data.T for a, _ in states])
print("PyTorch's form: the output is the same:", np.allclose(output.data, ours))

simple, theirs = SimpleLSTMCell(n_x, n_a, rng=rng), nn.LSTMCell(n_x, n_a)
theirs.load_state_dict(simple.pytorch_state_dict())
h0, s0, x1 = (Tensor(rng.standard_normal(n)) for n in (n_a, n_a, n_x))
(h1, s1), (other_h, other_c) = simple(x1, (h0, s0)), theirs(x1, (h0, s0))
print("Simple LSTM:    the memory is the same:", np.allclose(s1.data, other_c.data))
print("                the output is the same:", np.allclose(h1.data, other_h.data))

# %% [markdown] lang="en"
# ## The Simple LSTM
#
# In Nico Jimenez's letters, with $x_c(t) = [x(t); h(t-1)]$:
#
# $$\begin{aligned}
# g(t) &= \tanh(W_g x_c(t) + b_g), & i(t), f(t), o(t) &= \sigma(W_{i,f,o}\, x_c(t) + b_{i,f,o}), \\
# s(t) &= g(t) * i(t) + s(t-1) * f(t), & h(t) &= s(t) * o(t) .
# \end{aligned}$$
#
# Each step has a loss $l(t)$, and $L = \sum_{t=1}^T l(t)$. The article's useful idea is the loss **from step $t$ on**, since
# $h(t)$ can't change what was before:
#
# $$L(t) = \sum_{s=t}^{T} l(s), \qquad L(t) = l(t) + L(t+1), \qquad
# \frac{dL}{dh(t)} = \frac{dL(t)}{dh(t)} = \frac{dl(t)}{dh(t)} + \frac{dL(t+1)}{dh(t)} .$$
#
# (The index $s$ of this sum is a step, not the memory.) The memory is a parent of two, $h(t)$ and $s(t+1)$, so two terms arrive:
#
# $$\frac{dL(t)}{ds(t)} = \frac{dL(t)}{dh(t)} * o(t) + \frac{dL(t+1)}{ds(t)}, \qquad
# \frac{dL(t+1)}{ds(t)} = \frac{dL(t+1)}{ds(t+1)} * f(t+1) ,$$
#
# the second with $h(t)$ held fixed, for its part is in the first term. The factor $f$ is all that happens to a gradient on its way along $s$. The article calls this path the *constant error
# carousel*; lesson 5 is about why it matters.
#
# **Exercise 4.** Write one step of it. `dh` is $dL(t)/dh(t)$, complete; `ds_next` is $dL(t+1)/ds(t)$.

# %% [markdown] lang="zh"
# ## Simple LSTM
#
# 用 Nico Jimenez 的字母，记 $x_c(t) = [x(t); h(t-1)]$：
#
# $$\begin{aligned}
# g(t) &= \tanh(W_g x_c(t) + b_g), & i(t), f(t), o(t) &= \sigma(W_{i,f,o}\, x_c(t) + b_{i,f,o}), \\
# s(t) &= g(t) * i(t) + s(t-1) * f(t), & h(t) &= s(t) * o(t) .
# \end{aligned}$$
#
# 每一步有一个损失 $l(t)$，总损失 $L = \sum_{t=1}^T l(t)$。文章里有个好用的想法：**从第 $t$ 步起**的损失，因为 $h(t)$ 改变不了之前的事：
#
# $$L(t) = \sum_{s=t}^{T} l(s), \qquad L(t) = l(t) + L(t+1), \qquad
# \frac{dL}{dh(t)} = \frac{dL(t)}{dh(t)} = \frac{dl(t)}{dh(t)} + \frac{dL(t+1)}{dh(t)} .$$
#
# （这个求和的下标 $s$ 是步数，不是记忆。）记忆有两个去向，$h(t)$ 和 $s(t+1)$，所以到达它的有两项：
#
# $$\frac{dL(t)}{ds(t)} = \frac{dL(t)}{dh(t)} * o(t) + \frac{dL(t+1)}{ds(t)}, \qquad
# \frac{dL(t+1)}{ds(t)} = \frac{dL(t+1)}{ds(t+1)} * f(t+1) ,$$
#
# 后一式把 $h(t)$ 看作不变，因为它那一份已经在前一式的第一项里了。梯度沿着 $s$ 往回走，途中只乘因子 $f$。文章把这条路叫作**恒定误差传送带**（constant error carousel）；它为什么重要，第 5 课再讲。
#
# **练习 4.** 写出其中一步。`dh` 是完整的 $dL(t)/dh(t)$，`ds_next` 是 $dL(t+1)/ds(t)$。


# %% tags=["exercise"]
def simple_backward(dh, ds_next, s_prev, g, i, f, o, s):
    ds = ...  # all that arrives at s
    dz_g = ...  # z stands inside tanh or σ, as above
    dz_i = ...
    dz_f = ...
    dz_o = ...
    ds_prev = ...  # what the step before receives along s
    return dz_g, dz_i, dz_f, dz_o, ds_prev


check_simple_lstm(simple_backward)


# %% tags=["solution"]
def simple_backward(dh, ds_next, s_prev, g, i, f, o, s):
    ds = o * dh + ds_next
    dz_g = ds * i * (1 - g**2)
    dz_i = ds * g * i * (1 - i)
    dz_f = ds * s_prev * f * (1 - f)
    dz_o = dh * s * o * (1 - o)
    ds_prev = ds * f
    return dz_g, dz_i, dz_f, dz_o, ds_prev


check_simple_lstm(simple_backward)

# %% [markdown] lang="en"
# Its loss is the squared distance of $h(t)$'s first entry to a target, $l(t) = (h_1(t) - y(t))^2$. Here is the article's
# recursion over four steps beside the engine's gradients of $h(t)$ and $s(t)$.

# %% [markdown] lang="zh"
# 它的损失是 $h(t)$ 的第一个分量与目标值之差的平方，$l(t) = (h_1(t) - y(t))^2$。下面是文章的递推走四步，与引擎给出的 $h(t)$、$s(t)$
# 的梯度对照。

# %% equations=["Simple LSTM g", "Simple LSTM gates", "Simple LSTM s", "Simple LSTM h", "Simple LSTM concatenation", "Simple LSTM loss", "Simple LSTM total", "Simple LSTM from t on", "Simple LSTM later", "Simple LSTM recursion", "Simple LSTM dh", "Simple LSTM ds"]
T, ys = 4, [-0.5, 0.2, 0.1, -0.5]
xs = rng.standard_normal((T, n_x))
states = unroll(simple, xs)
total = first_component_loss([h for h, _ in states], ys)
total.backward()

W = {k: getattr(simple, f"W_{k}").data for k in "gifo"}
b = {k: getattr(simple, f"b_{k}").data for k in "gifo"}
h = s = np.zeros(n_a)
steps = []
for x_t in xs:
    x_c, s_prev = np.hstack([x_t, h]), s
    z = {k: W[k] @ x_c + b[k] for k in "gifo"}
    g, i, f, o = np.tanh(z["g"]), sigmoid(z["i"]), sigmoid(z["f"]), sigmoid(z["o"])
    s = g * i + s_prev * f
    h = s * o
    steps.append((s_prev, g, i, f, o, s, h))

dh_next = ds_next = np.zeros(n_a)
L = 0.0
for t in reversed(range(T)):
    s_prev, g, i, f, o, s, h = steps[t]
    L = (h[0] - ys[t]) ** 2 + L  # L(t) = l(t) + L(t+1)
    dh = 2 * (h - ys[t]) * np.eye(n_a)[0] + dh_next  # dl/dh + dL(t+1)/dh
    ds = dh * o + ds_next
    h_t, s_t = states[t]
    print(f"t = {t + 1}: L(t) = {L:.4f}, ", end="")
    print("dh, ds agree:", np.allclose(dh, h_t.grad), np.allclose(ds, s_t.grad))
    dz = {"g": ds * i * (1 - g**2), "i": ds * g * i * (1 - i)}
    dz |= {"f": ds * s_prev * f * (1 - f), "o": dh * s * o * (1 - o)}
    dh_next = sum(W[k].T @ dz[k] for k in "gifo")[n_x:]
    ds_next = ds * f
print(f"L(1) = {L:.4f}, the engine's loss = {total.item():.4f}")

# %% [markdown] lang="en"
# The gradient of a weight $w$, with $M$ entries of $h$, is then
#
# $$\frac{dL}{dw} = \sum_{t=1}^{T} \sum_{i=1}^{M} \frac{dL(t)}{dh_i(t)}\,\frac{dh_i(t)}{dw} .$$
#
# Read $dh_i(t)/dw$ with care: it holds the earlier $h$ fixed, since what flows through them is in $dL(t)/dh_i(t)$ already, but
# not the earlier $s$. The code does just that. `detach` makes a constant of $h(t-1)$.

# %% [markdown] lang="zh"
# 设 $h$ 有 $M$ 个分量，于是权重 $w$ 的梯度是
#
# $$\frac{dL}{dw} = \sum_{t=1}^{T} \sum_{i=1}^{M} \frac{dL(t)}{dh_i(t)}\,\frac{dh_i(t)}{dw} .$$
#
# $dh_i(t)/dw$ 要仔细理解：更早的 $h$ 看作不变，因为经由它们的影响已经在 $dL(t)/dh_i(t)$ 里了；更早的 $s$ 则不能看作不变。
# 代码正是这样做的：`detach` 把 $h(t-1)$ 变成常数。

# %% equations=["Simple LSTM weights"]
in_full, state, sum_over_t = simple.W_g.grad.copy(), None, 0
for x_t, (h_t, _) in zip(xs, states):
    h, s = simple(x_t, state)
    sum_over_t = sum_over_t + (h_t.grad * h).sum()  # Σ_i dL(t)/dh_i · h_i
    state = h.detach(), s
simple.zero_grad()
sum_over_t.backward()
print("Σ_t Σ_i dL(t)/dh_i dh_i/dW_g agrees:", np.allclose(simple.W_g.grad, in_full))

# %% [markdown] lang="en"
# The first step of it as a picture. Compare with the cell above: the output gate multiplies $s$ itself.

# %% [markdown] lang="zh"
# 画出它的第一步。与前面的单元比较：输出门直接乘在 $s$ 上。

# %%
first = unroll(simple, xs[:1])
L = first_component_loss([h for h, _ in first], ys[:1])
draw(L, names=locals(), gradients="compute", expand="*")

# %% [markdown] lang="en"
# The author's repository has a toy task: four inputs of 50 random numbers are to give $-0.5, 0.2, 0.1, -0.5$. It prints a loss
# of 7.535e-01 at first and 2.611e-06 after 100 steps. Our cell repeats this to the last digit, if we repeat a quirk: the code
# resets the random seed before *every* array, so all four gates start with equal weights. That is a special point again.
# Write $i$ there where $f$ belongs, and no check at the start will notice. Training breaks the tie. (`SGD` is the step downhill
# of lesson 3, `lr` its rate.)

# %% [markdown] lang="zh"
# 作者的代码库里有个小任务：四个输入，各是 50 个随机数，要求分别输出 $-0.5, 0.2, 0.1, -0.5$。它打印的损失起初是 7.535e-01，
# 100 步之后是 2.611e-06。我们的单元可以一位不差地重现，只要连它的一个怪癖也一起重现：那份代码在生成**每个**数组之前都重置随机种子，
# 所以四个门的初始权重完全相同。这又是一个特殊点：在那里把该写 $f$ 的地方写成 $i$，检验也看不出来。训练会打破这种对称。（`SGD` 就是第 3 课里下坡的一步，`lr` 是它的 `rate`。）

# %%
toy, draws = SimpleLSTMCell(50, 100), np.random.RandomState(0)
arrays = {}
for name, parameter in toy.named_parameters():
    draws.seed(0)  # the quirk
    arrays[name] = draws.rand(*parameter.shape) * 0.2 - 0.1
toy.load_state_dict(arrays)
xs = [draws.rand(50) for _ in ys]
optimizer = nn.optim.SGD(toy.parameters(), lr=0.1)
for step in range(100):
    outputs = [h for h, _ in unroll(toy, xs)]
    loss = first_component_loss(outputs, ys)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step in (0, 9, 49, 99):
        numbers = " ".join(f"{h.data[0]:8.5f}" for h in outputs)
        print(f"step {step:2}: {numbers}   loss = {loss.item():.3e}")

# %% [markdown] lang="en"
# You can now write, check and debug the backward pass of an LSTM. The engine does it for you, and so does
# [staged code](../docs/staged.md): `stage` writes the backward pass of a function as plain NumPy, a line per identity.
#
# **Where to go next.** [Lesson 5](05_backpropagation_through_time.ipynb) follows gradients over many steps: why they vanish or
# explode, what truncation does to them, and why the path along $c$ carries so much farther. Elsewhere: Hochreiter &
# Schmidhuber, [Long short-term memory](https://doi.org/10.1162/neco.1997.9.8.1735) (1997).

# %% [markdown] lang="zh"
# 现在你会写、会检验、会调试 LSTM 的反向传播了。引擎能替你做，[分段代码](../docs/staged.md)也能：`stage` 把一个函数的反向传播写成普通的
# NumPy 代码，一条恒等式一行。
#
# **接下来。** [第 5 课](05_backpropagation_through_time.ipynb)跟着梯度走很多步：它为什么消失或爆炸，截断会给它带来什么，
# 为什么沿着 $c$ 的那条路能走得远得多。延伸阅读：Hochreiter 与 Schmidhuber 的论文
# [Long short-term memory](https://doi.org/10.1162/neco.1997.9.8.1735)（1997）。
