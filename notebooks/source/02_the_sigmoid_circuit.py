# %% [markdown] lang="en"
# # 2. The sigmoid circuit
#
# **Goal.** Cut a function into gates wherever that is convenient, write its backward pass line by line, and get right the
# two things that go wrong there: paths that meet, and the order of the walk.
#
# You need: [lesson 1](01_a_derivative_is_a_nudge.ipynb). You get: staged backpropagation, the method by which every
# gradient in these lessons is derived. About 60 minutes.
#
# The examples and the notation are those of Stanford's CS231n,
# [Backpropagation, Intuitions](https://cs231n.github.io/optimization-2/); numbers such as (8) are that text's own.

# %% [markdown] lang="zh"
# # 2. Sigmoid 电路
#
# **目标。** 学会在方便的地方把函数切成一个个门，逐行写出它的反向传播，并且把最容易出错的两件事做对：路径汇合，以及行走的次序。
#
# 预备知识：[第 1 课](01_a_derivative_is_a_nudge.ipynb)。学完之后：你会分段反向传播，后面所有的梯度都是这样推出来的。大约 60 分钟。
#
# 例子和记号取自斯坦福 CS231n 课程讲义
# [Backpropagation, Intuitions](https://cs231n.github.io/optimization-2/)；(8) 这样的编号是原文自己的。

# %%
import numpy as np

from autograd import Tensor, draw, sigmoid, stage, toposort
from checks.lesson_02 import check_order, check_quotient, check_tanh_gate

# %% [markdown] lang="en"
# ## Four gates
#
# A *neuron* with two inputs: weigh them, add, and press the sum into the interval from 0 to 1. ($w_2$ has no input; it is
# called the *bias*.)
#
# $$f(w, x) = \sigma(w_0 x_0 + w_1 x_1 + w_2), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# Take $w = (2, -3, -3)$ and $x = (-1, -2)$. Then $z = -2 + 6 - 3 = 1$. Read $\sigma$ as four gates, one after the
# other: scale by $-1$, exponential, shift by 1, reciprocal. Their local gradients are in any table of derivatives ($x$ is now
# whatever enters the gate):
#
# $$\frac{d}{dx}(a x) = a, \qquad \frac{d}{dx} e^x = e^x, \qquad \frac{d}{dx}(c + x) = 1,
# \qquad \frac{d}{dx}\frac{1}{x} = -\frac{1}{x^2}.$$
#
# Forward: $1 \to -1 \to e^{-1} = 0.37 \to 1.37 \to 0.73$. Backward from 1:

# %% [markdown] lang="zh"
# ## 四个门
#
# 一个有两个输入的**神经元**：加权，求和，再把和压进 0 到 1 之间。（$w_2$ 没有对应的输入，叫作**偏置**。）
#
# $$f(w, x) = \sigma(w_0 x_0 + w_1 x_1 + w_2), \qquad \sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# 取 $w = (2, -3, -3)$，$x = (-1, -2)$，于是 $z = -2 + 6 - 3 = 1$。把 $\sigma$ 看成接连的四个门：乘以 $-1$、取指数、加 1、
# 取倒数。它们的局部梯度在任何一张导数表里都查得到（这里的 $x$ 指进入门的那个数）：
#
# $$\frac{d}{dx}(a x) = a, \qquad \frac{d}{dx} e^x = e^x, \qquad \frac{d}{dx}(c + x) = 1,
# \qquad \frac{d}{dx}\frac{1}{x} = -\frac{1}{x^2}.$$
#
# 前向：$1 \to -1 \to e^{-1} = 0.37 \to 1.37 \to 0.73$。反向从 1 出发：

# %% equations=["CS231n neuron", "CS231n scale", "CS231n exponential", "CS231n shift", "CS231n reciprocal"]
w0, x0, w1, x1, w2 = 2.0, -1.0, -3.0, -2.0, -3.0
z = w0 * x0 + w1 * x1 + w2
minus = -1 * z
e = np.exp(minus)
den = 1 + e
f = 1 / den

df = 1.0
dden = -1 / den**2 * df  # reciprocal
de = 1 * dden  # shift
dminus = e * de  # exponential
dz = -1 * dminus  # scale
print(f"f = {f:.2f}   dden, de, dminus, dz = {dden:.2f}, {de:.2f}, {dminus:.2f}, {dz:.2f}")
print(f"dw = {x0 * dz:.2f}, {x1 * dz:.2f}, {dz:.2f}   dx = {w0 * dz:.2f}, {w1 * dz:.2f}")

# %% [markdown] lang="en"
# The same by the engine, drawn as in the course's figure. Numbers are cut to two digits, so 1.4 is the 1.37 above; `v5` and
# `v6` are values that have no name of their own.

# %% [markdown] lang="zh"
# 让引擎算一遍，画法仿照讲义里的图。图上的数只留两位有效数字，所以 1.4 就是上面的 1.37；`v5` 和 `v6` 是没有名字的中间值。


# %%
def variables(**values):
    return [Tensor(value, requires_grad=True, name=name) for name, value in values.items()]


w0, x0, w1, x1, w2 = variables(w0=2.0, x0=-1.0, w1=-3.0, x1=-2.0, w2=-3.0)
z = w0 * x0 + w1 * x1 + w2
f = 1 / (1 + np.exp(-z))
f.backward()
draw(f, names=locals(), style="circuit", precision=2)

# %% [markdown] lang="en"
# ## One gate instead
#
# Four gates in a row are a function of one variable, so they can be one gate, provided that we know its derivative. It is the
# product of the four local gradients, $-\frac{1}{(1 + e^{-x})^2} \cdot 1 \cdot e^{-x} \cdot (-1)$:
#
# $$\frac{d\sigma}{dx} = \frac{e^{-x}}{(1 + e^{-x})^2}
# = \left(\frac{1 + e^{-x} - 1}{1 + e^{-x}}\right)\left(\frac{1}{1 + e^{-x}}\right) = (1 - \sigma(x))\,\sigma(x)$$
#
# At $\sigma = 0.73$: $(1 - 0.73) \cdot 0.73 = 0.20$. One line in place of four.

# %% [markdown] lang="zh"
# ## 合成一个门
#
# 连成一串的四个门就是一个一元函数，所以只要知道它的导数，就可以合成一个门。这个导数就是四个局部梯度之积
# $-\frac{1}{(1 + e^{-x})^2} \cdot 1 \cdot e^{-x} \cdot (-1)$：
#
# $$\frac{d\sigma}{dx} = \frac{e^{-x}}{(1 + e^{-x})^2}
# = \left(\frac{1 + e^{-x} - 1}{1 + e^{-x}}\right)\left(\frac{1}{1 + e^{-x}}\right) = (1 - \sigma(x))\,\sigma(x)$$
#
# 在 $\sigma = 0.73$ 处：$(1 - 0.73) \cdot 0.73 = 0.20$。四行变成一行。

# %% equations=["CS231n sigmoid"]
w0, x0, w1, x1, w2 = variables(w0=2.0, x0=-1.0, w1=-3.0, x1=-2.0, w2=-3.0)
z = w0 * x0 + w1 * x1 + w2
compressed = sigmoid(z)
compressed.backward()
slope = (1 - compressed.data) * compressed.data
print(f"dz = {slope:.4f} by the formula, {z.grad:.4f} by the engine")
print(f"{len(toposort([f]))} nodes with four gates, {len(toposort([compressed]))} with one")
draw(compressed, names=locals(), style="circuit", precision=2)

# %% [markdown] lang="en"
# What does compressing buy? Fewer **nodes**, as the values of a graph are called, to store and to walk. And the formula needs nothing but the output, which the
# forward pass has already computed. But the best reason is numerical. At $z = -800$ the four gates meet
# $e^{800}$, which is more than a computer's largest number. The value survives, $1/\infty = 0$. The gradient does not:
# $-1/\infty^2 \cdot \infty = 0 \cdot \infty$ is not a number, and one such NaN spoils every weight that it reaches.

# %% [markdown] lang="zh"
# 合并有什么好处？图里的每个值叫一个**节点**，现在要存、要走的节点少了；公式只用到输出，而前向早已把它算好。但最重要的理由在数值上。在 $z = -800$ 处，
# 四个门会遇到 $e^{800}$，超出了计算机能表示的最大数。函数值倒没事，$1/\infty = 0$；梯度却完了：
# $-1/\infty^2 \cdot \infty = 0 \cdot \infty$ 不是一个数（NaN），而一个 NaN 会毁掉它碰到的所有权重。

# %%
for name, gate in [
    ("four gates", lambda z: 1 / (1 + np.exp(-z))),
    ("one gate", sigmoid),
]:
    z = Tensor(-800.0, requires_grad=True)
    with np.errstate(over="ignore", invalid="ignore"):  # NumPy would warn
        out = gate(z)
        out.backward()
    print(f"{name:10}   value {out.data}   gradient {z.grad}")

# %% [markdown] lang="en"
# **Exercise 1.** The hyperbolic tangent is $\sigma$ stretched to the interval from −1 to 1, $\tanh(x) = 2\sigma(2x) - 1$. Find its
# local gradient in terms of the output $t = \tanh(x)$, and write its backward pass. `g` is the gradient from above.

# %% [markdown] lang="zh"
# **练习 1.** 双曲正切就是把 $\sigma$ 拉伸到 −1 与 1 之间：$\tanh(x) = 2\sigma(2x) - 1$。用输出 $t = \tanh(x)$ 表示它的局部梯度，
# 并写出反向传播。`g` 是上游传来的梯度。


# %% tags=["exercise"]
def tanh_gate(x, g):
    t = np.tanh(x)
    dx = ...
    return dx


check_tanh_gate(tanh_gate)


# %% tags=["solution"]
def tanh_gate(x, g):
    t = np.tanh(x)
    # σ = (t + 1) / 2 at 2x, so dt/dx = 2 · 2 · (1 - σ) σ = (1 - t)(1 + t)
    dx = g * (1 - t * t)
    return dx


check_tanh_gate(tanh_gate)

# %% [markdown] lang="en"
# ## In stages
#
# Now a function that no one would differentiate in one piece, and that is good for nothing but practice:
#
# $$f(x, y) = \frac{x + \sigma(y)}{\sigma(x) + (x + y)^2}$$
#
# Don't look for $\partial f / \partial x$. Cut $f$ into eight stages, each of which has a local gradient that you can
# write down without thinking, and keep the value of each stage. Then walk back, (8) to (1), one line for each use of
# each variable. (`df` $= 1$, so we leave it out.) `x` is used three times, in (2), (3) and (4), so it receives three
# contributions, and they **add up**.

# %% [markdown] lang="zh"
# ## 分段进行
#
# 下面这个函数没有人愿意整个去求导，它除了练手也没有别的用处：
#
# $$f(x, y) = \frac{x + \sigma(y)}{\sigma(x) + (x + y)^2}$$
#
# 别去找 $\partial f / \partial x$ 的整体公式。把 $f$ 切成八段，每段的局部梯度都能不假思索地写出来，并把每段的值留好。
# 然后从 (8) 走回 (1)，每个变量每被用到一次，就写一行（`df` 是 1，省去不写）。`x` 被用了三次，在 (2)、(3)、(4)，所以它收到三份梯度，三份要**相加**。

# %% equations=["CS231n staged", "CS231n (1)", "CS231n (2)", "CS231n (3)", "CS231n (4)", "CS231n (5)", "CS231n (6)", "CS231n (7)", "CS231n (8)"]
x, y = 3.0, -4.0

sigy = 1 / (1 + np.exp(-y))  # (1)
num = x + sigy  # (2)
sigx = 1 / (1 + np.exp(-x))  # (3)
xpy = x + y  # (4)
xpysqr = xpy**2  # (5)
den = sigx + xpysqr  # (6)
invden = 1 / den  # (7)
f = num * invden  # (8)

dnum = invden  # (8)
dinvden = num  # (8)
dden = -1 / den**2 * dinvden  # (7)
dsigx = 1 * dden  # (6)
dxpysqr = 1 * dden  # (6)
dxpy = 2 * xpy * dxpysqr  # (5)
dx = 1 * dxpy  # (4)
dy = 1 * dxpy  # (4)
dx += (1 - sigx) * sigx * dsigx  # (3)
dx += 1 * dnum  # (2)
dsigy = 1 * dnum  # (2)
dy += (1 - sigy) * sigy * dsigy  # (1)
print(f"f = {f:.6f}   dx = {dx:.6f}   dy = {dy:.6f}")

# %% [markdown] lang="en"
# The engine's graph of the same stages. Look at `x`: three edges leave it, and the three contributions written on them sum
# to its gradient.

# %% [markdown] lang="zh"
# 引擎为同样的各段画出的图。看 `x`：有三条边从它出发，写在边上的三份贡献之和，就是它的梯度。


# %%
def staged(x, y):
    sigy = sigmoid(y)
    num = x + sigy
    sigx = sigmoid(x)
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1 / den
    return num * invden


x, y = variables(x=3.0, y=-4.0)
f = staged(x, y)
f.backward()
stages = "sigy num sigx xpy xpysqr den invden f".split()
for name, node in zip(stages, toposort([f])[2:]):  # in the order of their making
    node.name = name
draw(f)

# %% [markdown] lang="en"
# `stage` prints a function's gradient as code in this very style, so that you can hold your own derivation next to it.
# Compare its backward part, shown here, with the twelve lines above. (`out` is the result $f$, `dout` its gradient, 1.)

# %% [markdown] lang="zh"
# `stage` 会用同样的写法把函数的梯度打印成代码，你可以拿来和自己的推导逐行对照。下面只显示反向部分，请和上面的十二行比一比。（`out` 是结果 $f$，`dout` 是它的梯度 1。）

# %%
print(stage(staged, 3.0, -4.0).source.partition("# backward")[2])

# %% [markdown] lang="en"
# **Exercise 2.** Your turn, with $f(x, y) = \dfrac{\sigma(x)\, y}{1 + (x - y)^2}$. The stages are given. Write the backward
# pass, and watch for variables that are used twice.

# %% [markdown] lang="zh"
# **练习 2.** 轮到你了：$f(x, y) = \dfrac{\sigma(x)\, y}{1 + (x - y)^2}$。各段已经给出，请写出反向传播，留心被用到两次的变量。


# %% tags=["exercise"]
def quotient_backward(x, y):
    s = 1 / (1 + np.exp(-x))
    num = s * y
    d = x - y
    den = 1 + d**2
    f = num / den

    dnum = ...  # through f = num / den
    dden = ...
    dd = ...  # through den = 1 + d**2
    dx = ...  # through d = x - y
    dy = ...
    ds = ...  # through num = s * y
    dy += ...
    dx += ...  # through s = σ(x)
    return dx, dy


check_quotient(quotient_backward)


# %% tags=["solution"]
def quotient_backward(x, y):
    s = 1 / (1 + np.exp(-x))
    num = s * y
    d = x - y
    den = 1 + d**2

    dnum = 1 / den  # through f = num / den
    dden = -num / den**2
    dd = 2 * d * dden  # through den = 1 + d**2
    dx = dd  # through d = x - y
    dy = -dd
    ds = y * dnum  # through num = s * y
    dy += s * dnum
    dx += (1 - s) * s * ds  # through s = σ(x)
    return dx, dy


check_quotient(quotient_backward)

# %% [markdown] lang="en"
# ## Where paths meet: `+=`
#
# Why add? Nudge $x$ by $h$, and *every* stage that uses $x$ moves. To first order the moves add up. That is the
# chain rule for several variables: if $x$ feeds $u_1, u_2, \dots$, then
#
# $$\frac{\partial f}{\partial x} = \sum_i \frac{\partial f}{\partial u_i}\,\frac{\partial u_i}{\partial x} .$$
#
# The smallest example on which forgetting it is wrong is $f = x \cdot x$ at $x = 3$. Each of the two edges sends
# 3. Their sum is $6 = 2x$. An engine that writes `=` keeps the last one and says 3.

# %% [markdown] lang="zh"
# ## 路径汇合处：`+=`
#
# 为什么是相加？把 $x$ 推动 $h$，**每一个**用到 $x$ 的段都会动，按一阶估计，这些移动量相加。这就是多元链式法则：
# 如果 $x$ 流入 $u_1, u_2, \dots$，那么
#
# $$\frac{\partial f}{\partial x} = \sum_i \frac{\partial f}{\partial u_i}\,\frac{\partial u_i}{\partial x} .$$
#
# 忘了相加就会出错的最小例子是 $f = x \cdot x$，取 $x = 3$。两条边各送来 3，和是 $6 = 2x$。若引擎写成 `=`，就只剩最后一份，得 3。

# %%
x = Tensor(3.0, requires_grad=True)
f = x * x
f.backward()
draw(f, names=locals())

# %% [markdown] lang="en"
# In the staged example, `=` instead of `+=` in lines (2) and (1) loses what came before. A nudge tells which is right:

# %% [markdown] lang="zh"
# 在上面的分段例子里，如果 (2) 和 (1) 两行写成 `=`，先到的就丢了。轻推一下，便知谁对：

# %%
h = 1e-5
nudged = (staged(3 + h, -4.0) - staged(3 - h, -4.0)) / (2 * h)
print(f"∂f/∂x:   with += {dx:.6f}   with = {dnum:.6f}   by a nudge {nudged:.6f}")

# %% [markdown] lang="en"
# The same holds from call to call: each `backward()` adds to `.grad`, it does not overwrite. Two calls give twice the gradient.
# That is useful (the gradient of a long sum, part by part) and a classic bug (training that repeats forward and backward, and
# forgets to clear the gradients in between).

# %% [markdown] lang="zh"
# 先后几次调用也是如此：每次 `backward()` 都往 `.grad` 上加，而不是覆盖。调用两次，梯度就是两倍。这很有用（一个很长的和，可以分段求梯度），
# 也是一个经典的 bug（训练时反复前向、反向，却忘了中间把梯度清零）。

# %%
f.backward()
print("after a second backward():", x.grad)
x.grad = None
f.backward()
print("set to None, then once:   ", x.grad)

# %% [markdown] lang="en"
# ## The order of the walk
#
# A node may hand on its gradient only when it has *all* of it. Take $a = 1$, $b = a + a$, $c = b + b$. So $c = 4a$, and the
# gradient of $a$ is 4. By hand: $c$ sends $b$ 1 and again 1; now $b$ has 2 and sends it to $a$ twice.
#
# An engine that hands on whatever arrives, at once, sends from $b$ when it has 1, and again when it has 2, so that $a$ collects
# $1 + 1 + 2 + 2$. (`local_gradients()` is what a node of our engine knows: for each *parent*, a node that it was computed from, a
# function that turns the node's gradient into what it sends there.)

# %% [markdown] lang="zh"
# ## 行走的次序
#
# 一个节点要等梯度**全部**到齐，才能往下传。取 $a = 1$，$b = a + a$，$c = b + b$，于是 $c = 4a$，$a$ 的梯度是 4。手算：
# $c$ 给 $b$ 送去 1，再送去 1；现在 $b$ 有 2，给 $a$ 送两次。
#
# 若引擎一收到就往下传，那么 $b$ 在有 1 的时候传一遍，有 2 的时候又传一遍，$a$ 收到的就是 $1 + 1 + 2 + 2$。
# （`local_gradients()` 是引擎里一个节点所知道的一切：对每个**父节点**，即算出它时用到的节点，有一个函数，把本节点的梯度变成要送给父节点的那份。）


# %%
def hasty(node, g, gradients):
    gradients[node] = gradients.get(node, 0.0) + g
    for parent, send in node.local_gradients():
        hasty(parent, send(gradients[node]), gradients)


a = Tensor(1.0, requires_grad=True, name="a")
b = a + a
c = b + b
gradients = {}
hasty(c, 1.0, gradients)
print(f"the gradient of a: {gradients[a]}, but c = 4a")

# %% [markdown] lang="en"
# Handing on only *what is new* gives 4, but walks every path, and a chain of $n$ such doublings has $2^n$ of them. The
# right way is a **topological order**: each node once, and only after all nodes that send to it.

# %% [markdown] lang="zh"
# 如果每次只传**新到的**那部分，结果是 4，但每条路径都要走一遍，而 $n$ 次这样的加倍就有 $2^n$ 条路径。
# 正确的办法是**拓扑序**：每个节点只走一次，并且排在所有给它送梯度的节点之后。


# %%
def backward(order):
    gradients = {order[0]: 1.0}
    for node in order:
        for parent, send in node.local_gradients():
            gradients[parent] = gradients.get(parent, 0.0) + send(gradients[node])
    return gradients


order = toposort([c])[::-1]  # our engine's order, from the result to the inputs
print([float(node.data) for node in order], "the gradient of a:", backward(order)[a])
c.name, b.name = "c", "b"
c.backward()
draw(c)

# %% [markdown] lang="en"
# **Exercise 3.** Find such an order yourself; `root` is the result. `node.parents` are the nodes that a node was computed from. A
# depth-first walk does it: visit a node's parents, with all that they were computed from, then put the node itself into the
# list. Which way round must the list be returned?

# %% [markdown] lang="zh"
# **练习 3.** 自己求出这样一个次序；`root` 是结果。`node.parents` 是算出该节点时用到的那些节点。深度优先即可：
# 先访问它的父节点，连同算出父节点所用到的一切，再把它自己放进列表。
# 最后返回的列表应该朝哪个方向？


# %% tags=["exercise"]
def backward_order(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            ...  # what comes before the node itself?
            order.append(node)

    visit(root)
    return ...


check_order(backward_order)


# %% tags=["solution"]
def backward_order(root):
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order[::-1]


check_order(backward_order)

# %% [markdown] lang="en"
# `visit` calls itself, so a graph that is deeper than Python's stack (a thousand gates in a row) stops it. Our
# engine needs no walk at all: a node is always younger than its parents, so it sorts the nodes by the order in which they
# were made.
#
# With local gradients, `+=` and a topological order you now have all of backpropagation. What remains is to let a node hold a
# matrix.
#
# **Where to go next.** [Lesson 3](03_from_scalars_to_matrices.ipynb) does that, builds an engine in one page, and trains a network
# with it. Elsewhere: the section "Backprop in practice" of the [CS231n notes](https://cs231n.github.io/optimization-2/);
# [staged code](../docs/staged.md) of larger functions, an LSTM cell among them.

# %% [markdown] lang="zh"
# `visit` 会调用自己，所以当图的深度超过 Python 的调用栈时（一千个门连成一串），它就停了。我们的引擎根本不用走：节点总比它的父节点年轻，
# 按创建的先后排序即可。
#
# 有了局部梯度、`+=` 和拓扑序，你就掌握了反向传播的全部。剩下的，是让一个节点装得下矩阵。
#
# **接下来。** [第 3 课](03_from_scalars_to_matrices.ipynb)正是讲这个，用一页代码写出一个引擎，并用它训练一个网络。延伸阅读：
# [CS231n 讲义](https://cs231n.github.io/optimization-2/)的 “Backprop in practice” 一节；
# 更大函数的[分段代码](../docs/staged.md)，其中包括一个 LSTM 单元。
