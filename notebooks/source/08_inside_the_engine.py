# %% [markdown] lang="en"
# # 8. Inside the engine
#
# **Goal.** Teach the engine a function that it doesn't know, and follow it everywhere: into a graph, back through it, back
# once more, into a picture and into generated code.
#
# You need: lessons 1 to 3. You get: the four ideas that the engine is made of, and a feeling for what they cost. About 60
# minutes.

# %% [markdown] lang="zh"
# # 8. 引擎内部
#
# **目标。** 教会引擎一个它不认识的函数，并一路跟着它走：进入计算图，沿图反向走一遍，再走一遍，画进图里，写进生成的代码里。
#
# 预备知识：第 1 至 3 课。学完之后：你会明白引擎由哪四个想法构成，并且对它们的代价心里有数。大约 60 分钟。

# %%
import inspect
import math

import matplotlib.pyplot as plt
import numpy as np

from autograd import OPS, Tensor, compile, define, draw, grad, gradcheck, stage, toposort
from checks.lesson_08 import (
    check_angle,
    check_backward_pass,
    check_hessian_vector,
    check_layer,
)

# %% [markdown] lang="en"
# ## One op, from a formula to a gradient
#
# An *op*, an operation, is a kind of gate. The *softsign* squashes a number into $(-1, 1)$, as tanh does, but only divides:
#
# $$s = \frac{x}{1 + |x|}, \qquad \frac{ds}{dx} = \frac{1}{(1 + |x|)^2} = (1 - |s|)^2 .$$
#
# By hand: at $x = 1$, $s = \tfrac12$ and the slope is $\tfrac14$; at $x = -3$, $s = -\tfrac34$ and the slope is
# $\tfrac1{16}$. The last form of the slope, written with the output ($1 - |s| = \tfrac{1}{1 + |x|}$), costs no division: the
# forward pass has done the work.
#
# The engine needs exactly this: the function on arrays, and one **rule** for each argument, which turns the gradient `g`
# that arrives from above into what the argument receives. A rule is given `g`, the output `out` and the arguments.

# %% [markdown] lang="zh"
# ## 一个运算：从公式到梯度
#
# 一个**运算**（op）就是一种门。**softsign** 和 tanh 一样把一个数压进 $(-1, 1)$，但只用到除法：
#
# $$s = \frac{x}{1 + |x|}, \qquad \frac{ds}{dx} = \frac{1}{(1 + |x|)^2} = (1 - |s|)^2 .$$
#
# 先手算：$x = 1$ 时 $s = \tfrac12$，斜率 $\tfrac14$；$x = -3$ 时 $s = -\tfrac34$，斜率 $\tfrac1{16}$。
# 最右边的写法用输出来表示斜率（$1 - |s| = \tfrac{1}{1 + |x|}$），不必再做除法：前向已经算好了。
#
# 引擎需要的正是这些：一个作用在数组上的函数，再给每个自变量一条**规则**，把上游传来的梯度 `g` 变成这个自变量应得的梯度。
# 规则拿到的是 `g`、输出 `out` 和各个自变量。

# %%
softsign = define(
    lambda x: x / (1 + np.abs(x)),
    lambda g, out, x: g * (1 - np.abs(out)) ** 2,
    symbol="softsign",
)
x = Tensor([1.0, -3.0], requires_grad=True, name="x")
s = softsign(x)
s.sum().backward()
print("s     =", s.data)
print("ds/dx =", x.grad)

# %% [markdown] lang="en"
# That is all; the table of ops that came with the engine is filled in the same way. `OPS` maps a NumPy function to its op,
# and these are three of its rows:

# %% [markdown] lang="zh"
# 这就够了；引擎自带的运算表也是这样一行行填出来的。`OPS` 把一个 NumPy 函数对应到它的运算，下面是其中三行：

# %%
for function in (np.multiply, np.exp, np.tanh):
    print(inspect.getsource(OPS[function].local_gradients[0]), end="")

# %% [markdown] lang="en"
# ## What the author of an op gets for it
#
# **A second opinion.** The numerical checker knows nothing of the rule. It tests the derivative and the derivative of the
# derivative (`order` 1 and 2), each times a random number; so look at the ratios. Below it, the same op with a slip, `out` in
# place of `np.abs(out)`: right at $x = 1$, where the two agree, and 49 times too large at $-3$. (A report of failure lists only
# what differs.)

# %% [markdown] lang="zh"
# ## 写一个运算，换来什么
#
# **一份独立的检验。** 数值检验器对规则一无所知。它检验导数，也检验导数的导数（`order` 为 1 和 2），各乘了一个随机数，所以请看比值。
# 下面再给同一个运算写错一处，用 `out` 代替 `np.abs(out)`：在 $x = 1$ 处两者相等，所以没错；在 $-3$ 处却是正确值的 49 倍。
# （没通过时，报告只列出不一致的项。）

# %%
slip = define(
    lambda x: x / (1 + np.abs(x)),
    lambda g, out, x: g * (1 - out) ** 2,
    symbol="slip",
)
print(gradcheck(softsign, Tensor([1.0, -3.0])))
print(gradcheck(slip, Tensor([1.0, -3.0])))

# %% [markdown] lang="en"
# **Broadcasting.** The rule of `np.multiply` is `g * y`. If `x` was one number and `y` an array, this has the shape of the
# array; the engine sums it to the shape of `x`, in one place, for all ops. **A picture.** The formula on the edge below is the
# rule itself: the engine ran it on symbols instead of arrays.

# %% [markdown] lang="zh"
# **广播。** `np.multiply` 的规则是 `g * y`。如果 `x` 是一个数而 `y` 是数组，结果就有数组的形状；引擎统一在一个地方把它求和，
# 还原成 `x` 的形状，所有运算都不必操心。**一张图。** 下图边上的公式就是规则本身：引擎把它作用在符号上，而不是数组上。

# %%
w = Tensor(0.5, requires_grad=True)
x = Tensor([1.0, -3.0, 2.0], requires_grad=True)
a = w * x
s = softsign(a)
f = s.sum()
f.backward()
draw(f, names=locals())

# %% [markdown] lang="en"
# **Exercise 1.** The angle under which one sees the point $(x, y)$ from the origin is $\theta = \arctan(y / x)$ for
# $x > 0$; NumPy's `arctan2(y, x)` extends it to the whole plane. Write its two rules, `y` first, and simplify them until
# they hold at $x = 0$ as well. `g` is the gradient that arrives.

# %% [markdown] lang="zh"
# **练习 1.** 从原点看点 $(x, y)$ 的角度，当 $x > 0$ 时是 $\theta = \arctan(y / x)$；NumPy 的 `arctan2(y, x)` 把它推广到整个平面。
# 写出它的两条规则，先 `y` 后 `x`，并化简到在 $x = 0$ 处也成立。`g` 是上游传来的梯度。


# %% tags=["exercise"]
def angle_rules(g, y, x):
    dy = ...
    dx = ...
    return dy, dx


check_angle(angle_rules)


# %% tags=["solution"]
def angle_rules(g, y, x):
    dy = (
        g * x / (x**2 + y**2)
    )  # d arctan(r) = dr / (1 + r²), with r = y / x and dr = dy / x
    dx = -g * y / (x**2 + y**2)
    return dy, dx


check_angle(angle_rules)

# %% [markdown] lang="en"
# ## How NumPy finds the engine
#
# Nothing in `np.exp(t)` mentions us. Before NumPy computes, it asks its arguments whether one of them wants the job: ufuncs,
# which work entry by entry, ask by `__array_ufunc__`, other functions by `__array_function__`. A spy that only reports what
# it is asked, given to a function that was written for arrays, the *softmax*, which turns any numbers into positive ones with
# the sum 1:

# %% [markdown] lang="zh"
# ## NumPy 怎样找到引擎
#
# `np.exp(t)` 里没有一个字提到我们。NumPy 在计算之前，会先问它的参数里有没有谁愿意接手：逐元素计算的 ufunc 通过
# `__array_ufunc__` 来问，其余函数通过 `__array_function__` 来问。派一个只汇报“被问到了什么”的密探，
# 交给一个原本为数组写的函数 **softmax**，它把任意几个数变成总和为 1 的正数：


# %%
class Spy(np.lib.mixins.NDArrayOperatorsMixin):  # turns v - w into np.subtract(v, w)
    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        print(f"__array_ufunc__    {ufunc.__name__}")
        return self

    def __array_function__(self, function, types, args, options):
        print(f"__array_function__ {function.__name__}")
        return self


def softmax(v):
    z = np.exp(v - np.max(v))
    return z / np.sum(z)


print("array: ", softmax(np.array([0.0, 1.0, 1.0])).round(4))
_ = softmax(Spy())

# %% [markdown] lang="en"
# A Tensor answers the same two questions: it looks the function up in `OPS`, computes with the arrays, and notes what it did.
# So the softmax above, without a change, has a gradient:

# %% [markdown] lang="zh"
# Tensor 回答的是同样两个问题：在 `OPS` 里查到这个函数，用数组算出结果，并记下自己做了什么。
# 所以上面的 softmax 一个字不改，就有了梯度：

# %%
v = Tensor([0.0, 1.0, 1.0], requires_grad=True)
p = softmax(v)
p1 = p[1]
p1.backward()
draw(p1, names=locals())

# %% [markdown] lang="en"
# (Through max only rounding error comes back, ▼: subtracting the maximum keeps exp from overflowing, and does not change the
# result.)
#
# Where nobody is asked, the engine can't answer. Python's `math.sin(t)` and an assignment into an array want a plain number,
# and with the number the history would be lost, so it refuses instead of giving a wrong gradient:

# %% [markdown] lang="zh"
# （经过 max 传回来的只有舍入误差，图上标着 ▼：减去最大值是为了让 exp 不溢出，并不改变结果。）
#
# 没人来问，引擎也就无从回答。Python 的 `math.sin(t)`、往数组里赋值，要的都是一个普通的数；给了数，历史就丢了。
# 所以引擎宁可拒绝，也不给出错误的梯度：

# %%
try:
    math.sin(p1)
except TypeError as error:
    print(error)

# %% [markdown] lang="en"
# ## What a node remembers
#
# Each result is a **node**: its op, its arguments, and a number that counts up as nodes are made. Nothing else is needed to
# walk back. A node is younger than its arguments, so sorting by number *is* a topological sort, and the backward pass goes
# through it from the end. Here $f = s(x)\,x$ at $x = 1$, in which $x$ is used twice. By hand,
#
# $$\frac{df}{dx} = \underbrace{s'(x)\,x}_{\text{through } s} + \underbrace{s(x)}_{\text{directly}}
# = \tfrac14 + \tfrac12 = \tfrac34 .$$

# %% [markdown] lang="zh"
# ## 一个节点记住了什么
#
# 每个结果都是一个**节点**：它的运算、它的自变量，外加一个随节点产生而递增的编号。往回走不再需要别的。
# 节点总比它的自变量年轻，所以按编号排序**就是**拓扑排序，反向传播从末尾开始逐个处理。
# 看 $f = s(x)\,x$ 在 $x = 1$ 处，其中 $x$ 用了两次。手算：
#
# $$\frac{df}{dx} = \underbrace{s'(x)\,x}_{\text{经过 } s} + \underbrace{s(x)}_{\text{直接}}
# = \tfrac14 + \tfrac12 = \tfrac34 .$$

# %%
x = Tensor(1.0, requires_grad=True, name="x")
s = softsign(x)
s.name = "s"
f = s * x
f.name = "f"
for node in toposort([f]):
    print(node.name, "=", node.op.name if node.op else "input", end="")
    print("".join(f"   sends {p.name} {send(1.0)}·g" for p, send in node.local_gradients()))
f.backward()
draw(f)

# %% [markdown] lang="en"
# **Exercise 2.** Write the backward pass. `node.local_gradients()` lists, for each use of a parent, the parent and a function
# `send`: `send(g)` is what the parent receives through this use if the node's own gradient is `g`. One line is missing.
# (`gradients.get(parent, 0)` is what has arrived so far.)

# %% [markdown] lang="zh"
# **练习 2.** 写出反向传播。`node.local_gradients()` 对父节点的每一次使用，列出这个父节点和一个函数 `send`：
# 如果节点自己的梯度是 `g`，父节点经由这次使用收到的就是 `send(g)`。只缺一行。
# （`gradients.get(parent, 0)` 是到目前为止已经收到的。）


# %% tags=["exercise"]
def backward_pass(f, x):
    x = Tensor(x, requires_grad=True)
    out = f(x)
    gradients = {out: np.ones(out.shape)}
    for node in reversed(toposort([out])):
        for parent, send in node.local_gradients():
            gradients[parent] = ...
    return gradients[x]


check_backward_pass(backward_pass)


# %% tags=["solution"]
def backward_pass(f, x):
    x = Tensor(x, requires_grad=True)
    out = f(x)
    gradients = {out: np.ones(out.shape)}
    for node in reversed(toposort([out])):
        for parent, send in node.local_gradients():
            gradients[parent] = gradients.get(parent, 0) + send(gradients[node])
    return gradients[x]


check_backward_pass(backward_pass)

# %% [markdown] lang="en"
# ## The backward pass is a computation, too
#
# The rules are NumPy code. Called with arrays they give numbers; called with Tensors they build a graph, by the very protocols
# of above. That is what `create_graph=True` does. (`grad(f, [x])` is `backward` that returns the gradients, instead of leaving
# them in `.grad`.) By hand, for $f = x^3$ at $x = 2$:
#
# $$f = 8, \qquad \frac{df}{dx} = 3x^2 = 12, \qquad \frac{d^2 f}{dx^2} = 6x = 12 .$$

# %% [markdown] lang="zh"
# ## 反向传播本身也是计算
#
# 规则是 NumPy 代码。用数组调用它，得到数；用 Tensor 调用它，就通过上面那两个协议建起一张图。`create_graph=True` 做的就是这件事。
# （`grad(f, [x])` 与 `backward` 相同，只是把梯度返回，而不写进 `.grad`。）
# 手算 $f = x^3$ 在 $x = 2$ 处：
#
# $$f = 8, \qquad \frac{df}{dx} = 3x^2 = 12, \qquad \frac{d^2 f}{dx^2} = 6x = 12 .$$

# %%
x = Tensor(2.0, requires_grad=True)
f = x**3
(dx,) = grad(f, [x], create_graph=True)
(ddx,) = grad(dx, [x])
print("f", f.data, "  df/dx", dx.data, "  d²f/dx²", ddx.data)
draw(dx, names=locals())

# %% [markdown] lang="en"
# The upper row is the forward pass, the lower one the backward pass; a dashed line is a value that the forward pass has left
# for it. Now $f = \tanh(wx)$, and `dx.backward()` afterwards: each box also shows how $\partial f / \partial x$ moves
# if that number is nudged, the gradient of a gradient.

# %% [markdown] lang="zh"
# 上面一行是前向，下面一行是反向；虚线是前向留给反向的值。再看 $f = \tanh(wx)$，并且接着调用 `dx.backward()`：
# 每个方框里还写着，推动这个数时 $\partial f / \partial x$ 会怎样变，也就是梯度的梯度。

# %%
w, x = Tensor(0.5, requires_grad=True), Tensor(1.0, requires_grad=True)
z = w * x
f = np.tanh(z)
(dx,) = grad(f, [x], create_graph=True)
dx.backward()
draw(dx, names=locals())

# %% [markdown] lang="en"
# What is it good for? The second derivatives of a function of $n$ numbers form a matrix, the *Hessian* $H$, and often one needs
# only its product with a vector. If $\nabla f$ is the vector of all $\partial f / \partial x_j$, the slope of $f$ along $v$ is
# $\nabla f \cdot v$, a number; its gradient is $Hv$, since
#
# $$\frac{\partial}{\partial x_i} \sum_j \frac{\partial f}{\partial x_j} v_j
# = \sum_j \frac{\partial^2 f}{\partial x_i\, \partial x_j} v_j = (Hv)_i .$$
#
# **Exercise 3.** Compute $Hv$ with two gradients and no matrix.

# %% [markdown] lang="zh"
# 这有什么用？$n$ 个数的函数，其二阶导数组成一个矩阵，即 **Hessian 矩阵** $H$，而人们往往只需要它与一个向量的乘积。
# 记 $\nabla f$ 为各个 $\partial f / \partial x_j$ 组成的向量，则 $f$ 沿 $v$ 的斜率是 $\nabla f \cdot v$，一个数；再对它求梯度就是 $Hv$，因为
#
# $$\frac{\partial}{\partial x_i} \sum_j \frac{\partial f}{\partial x_j} v_j
# = \sum_j \frac{\partial^2 f}{\partial x_i\, \partial x_j} v_j = (Hv)_i .$$
#
# **练习 3.** 用两次梯度算出 $Hv$，不出现矩阵。


# %% tags=["exercise"]
def hessian_vector(f, x, v):
    x = Tensor(x, requires_grad=True)
    (g,) = grad(f(x), [x], create_graph=True)
    slope = ...  # of f along v
    (hv,) = ...
    return hv.data


check_hessian_vector(hessian_vector)


# %% tags=["solution"]
def hessian_vector(f, x, v):
    x = Tensor(x, requires_grad=True)
    (g,) = grad(f(x), [x], create_graph=True)
    slope = (g * v).sum()  # of f along v
    (hv,) = grad(slope, [x])
    return hv.data


check_hessian_vector(hessian_vector)

# %% [markdown] lang="en"
# ## The same as code
#
# A graph can also be written down as a program, and one that was derived by hand looks no different.
#
# **Exercise 4.** One layer with a squared error, $a = xW$, $h = \tanh a$, $e = h - t$, $L = \sum e^2$. `x` is $n \times k$,
# `W` is $k \times m$. Write the backward pass, a line for each line of the forward pass, in reverse order.

# %% [markdown] lang="zh"
# ## 写成代码
#
# 一张图也可以写成一段程序，和手工推导出来的没有两样。
#
# **练习 4.** 一层网络加平方误差：$a = xW$，$h = \tanh a$，$e = h - t$，$L = \sum e^2$。`x` 是 $n \times k$，`W` 是 $k \times m$。
# 写出反向传播：前向有几行，反向就有几行，次序相反。


# %% tags=["exercise"]
def layer_backward(x, W, t):
    a = x @ W
    h = np.tanh(a)
    e = h - t
    de = ...  # through L = sum of e²
    dh = ...
    da = ...
    dx = ...  # through a = x @ W; the shapes leave one way only
    dW = ...
    return dx, dW


check_layer(layer_backward)


# %% tags=["solution"]
def layer_backward(x, W, t):
    a = x @ W
    h = np.tanh(a)
    e = h - t
    de = 2 * e
    dh = de
    da = dh * (1 - h**2)
    dx = da @ W.T
    dW = x.T @ da
    return dx, dW


check_layer(layer_backward)

# %% [markdown] lang="en"
# `stage` runs a function once and writes down both passes, as NumPy that needs nothing of ours. The comment behind a line says
# which line of the forward pass it goes through. Hold your own lines against it:

# %% [markdown] lang="zh"
# `stage` 把一个函数运行一遍，写下前向和反向，只用 NumPy，不依赖我们的任何东西。每行后面的注释说明它穿过的是前向的哪一行。
# 拿你自己写的来对照：


# %%
def loss(x, W, t):
    h = np.tanh(x @ W)
    e = h - t
    return (e**2).sum()


rng = np.random.default_rng(0)
x, W, t = (rng.standard_normal(shape) for shape in ((2, 3), (3, 4), (2, 4)))
staged = stage(loss, x, W, t)
print(staged)

# %% [markdown] lang="en"
# ## Where the work is
#
# Count in the code above: the forward pass has one matrix product, the backward pass two, one for each argument. Matrix
# products are nearly all of the arithmetic of a large network, hence the rule of thumb that **backward costs twice as much as
# forward**.
#
# The rest is bookkeeping: making nodes, and walking over them. Its cost goes by the number of nodes, whatever is in them. So
# count both in a network that computes ten steps, $h_t = \tanh(x_t W_x + h_{t-1} W_h)$, for more and more units, which are the
# entries of $x_t$ and $h_t$: the nodes stay, the multiplications grow with the square.

# %% [markdown] lang="zh"
# ## 工夫花在哪里
#
# 在上面的代码里数一数：前向有一次矩阵乘法，反向有两次，每个自变量一次。大网络的算术几乎全是矩阵乘法，
# 于是有了那条经验法则：**反向的代价是前向的两倍**。
#
# 剩下的是记账：造节点，再走过它们。这部分只看节点的个数，不管里面装着什么。所以在一个算 10 步的网络
# $h_t = \tanh(x_t W_x + h_{t-1} W_h)$ 里，让单元（$x_t$ 和 $h_t$ 的元素）越来越多，把两者都数一数：节点不变，乘法随平方增长。

# %%
sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256]
nodes, products = [], []
for units in sizes:
    Wx, Wh = (Tensor(np.zeros((units, units)), requires_grad=True) for _ in range(2))
    h = np.zeros((1, units))
    for _ in range(10):
        h = np.tanh(np.ones((1, units)) @ Wx + h @ Wh)
    graph = toposort([h])
    nodes.append(len(graph))
    matmuls = [node for node in graph if node.op is OPS[np.matmul]]
    products.append(sum(matmul.args[1].size for matmul in matmuls))  # row times matrix
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.loglog(sizes, products, "o-", label="multiplications")
axes.loglog(sizes, nodes, "s-", label="nodes")
axes.set(xlabel="units", ylabel="in one forward pass", xticks=sizes, xticklabels=sizes)
axes.minorticks_off()
axes.legend()
plt.show()

# %% [markdown] lang="en"
# Here a scalar node costs about 1.8 µs, forward and backward (`python benchmarks/op_cost.py` measures it), and in that time
# one processor core does several thousand multiplications. The 42 nodes are therefore most of the work on the left of the plot
# and next to nothing on the right. That is why lesson 3 gains so much from arrays: as scalars, *each* multiplication is a node.
# Times differ from run to run, so none are printed here; measure in a cell of your own, with `%timeit h.backward(h.data)`.
#
# On the left of the plot one wants the code without the bookkeeping. `compile` runs what `stage` prints, into arrays that it
# has planned beforehand; the numbers are the same, to the last bit:

# %% [markdown] lang="zh"
# 在这里，一个标量节点前向加反向约需 1.8 微秒（`python benchmarks/op_cost.py` 可以测出），这段时间里一个处理器核心能做几千次乘法。
# 所以在图的左端，42 个节点就是大部分的工作量；在右端，它们微不足道。第 3 课里换成数组快那么多，原因就在这里：写成标量，
# **每一次**乘法都是一个节点。时间每次运行都不同，所以这里不打印；请自己新建一格，用 `%timeit h.backward(h.data)` 来测。
#
# 在图的左端，人们想要的是去掉记账的代码。`compile` 运行的就是 `stage` 打印的那段代码，存放结果的数组也事先安排好；
# 算出的数一位不差：

# %%
inputs = x, Tensor(W, requires_grad=True), t
fast = compile(loss)
gradients = []
for function in (loss, fast):
    out = function(*inputs)
    out.backward()
    gradients.append(inputs[1].grad)
    inputs[1].zero_grad()
print("the same bits:", np.array_equal(*gradients))

# %% [markdown] lang="en"
# Four ideas, then: an op is a NumPy function with its rules; NumPy itself leads every call to them; a node is younger than its
# parents; and a rule computes with whatever it is given, numbers, Tensors or symbols.
#
# **Where to go next.** Read the engine: `autograd/op.py`, `graph.py`, `chainrule.py`, `tensor.py`, `call.py`, in this
# order; it is one sitting. `docs/design.md` gives the reasons, `docs/staged.md` has the generated code of whole LSTM cells next
# to derivations by hand. Then define an op that your own work needs, and let `gradcheck` judge it. Or back to
# [lesson 1](01_a_derivative_is_a_nudge.ipynb), this time as the teacher.

# %% [markdown] lang="zh"
# 所以是四个想法：一个运算就是一个 NumPy 函数加上它的规则；NumPy 自己会把每次调用引到规则那里；节点总比父节点年轻；
# 规则给什么就算什么，数、Tensor、符号都行。
#
# **接下来。** 读引擎的源码：按 `autograd/op.py`、`graph.py`、`chainrule.py`、`tensor.py`、`call.py` 的次序，坐下来一次就能读完。
# `docs/design.md` 讲为什么这样写，`docs/staged.md` 里有整个 LSTM 单元的生成代码，旁边是手工推导。然后为你自己的工作定义一个运算，
# 让 `gradcheck` 来评判。或者回到[第 1 课](01_a_derivative_is_a_nudge.ipynb)，这一次由你来当老师。
