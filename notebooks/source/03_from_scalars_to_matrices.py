# %% [markdown] lang="en"
# # 3. From scalars to matrices
#
# **Goal.** Let a node hold a matrix: derive the gradients of a matrix product and of broadcasting, build an engine in
# ninety lines, and train a network with it.
#
# You need: [lesson 2](02_the_sigmoid_circuit.ipynb), the product of two matrices, NumPy's arrays and Python's classes. You get: every gradient of an ordinary
# network, and a reason why nobody computes with single numbers. About 90 minutes.
#
# The product and its notation ($dD$ for $\partial L / \partial D$) are from Stanford's CS231n,
# [Gradients for vectorized operations](https://cs231n.github.io/optimization-2/#mat); the network on two moons is that of
# Andrej Karpathy's [micrograd](https://github.com/karpathy/micrograd).

# %% [markdown] lang="zh"
# # 3. 从标量到矩阵
#
# **目标。** 让一个节点装得下矩阵：推导矩阵乘积和广播的梯度，用九十行代码写出一个引擎，并用它训练一个网络。
#
# 预备知识：[第 2 课](02_the_sigmoid_circuit.ipynb)，两个矩阵的乘积，以及 NumPy 的数组和 Python 的类。学完之后：普通网络里的每个梯度你都会求，
# 也会明白为什么没有人用单个的数来算。大约 90 分钟。
#
# 矩阵乘积及其记号（$dD$ 表示 $\partial L / \partial D$）取自斯坦福 CS231n 的
# [Gradients for vectorized operations](https://cs231n.github.io/optimization-2/#mat)；双月数据上的网络取自 Andrej Karpathy 的
# [micrograd](https://github.com/karpathy/micrograd)。

# %%
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, draw, no_grad, relu, toposort
from checks.lesson_03 import check_linear, check_matmul, check_mean

# %% [markdown] lang="en"
# ## D = W X, element by element
#
# A matrix product is nothing but many multiply gates and add gates. Take the smallest that shows everything, and let the
# result $L$ weigh its two entries differently. ($L$ stands for *loss*: in training the result is a number that says how wrong
# a network is.)
#
# $$W = \begin{pmatrix} 1 & 2 \end{pmatrix}, \quad X = \begin{pmatrix} 3 & 4 \\ 5 & 6 \end{pmatrix}, \quad
# D = WX = \begin{pmatrix} 13 & 16 \end{pmatrix}, \quad L = D_{11} + 10\, D_{12}.$$
#
# So $dD = (1\ \ 10)$. The entry $W_{11}$ is used twice: in $D_{11}$, times $X_{11} = 3$, and in $D_{12}$, times
# $X_{12} = 4$. By lesson 2 its gradient is the sum over its uses, $1 \cdot 3 + 10 \cdot 4 = 43$. Likewise $W_{12}$ gets
# $1 \cdot 5 + 10 \cdot 6 = 65$. The entry $X_{21}$ is used once, times $W_{12}$, so it gets $1 \cdot 2 = 2$.
#
# The same with letters. From $D_{ij} = \sum_k W_{ik} X_{kj}$,
#
# $$dW_{ik} = \sum_j dD_{ij}\, X_{kj}, \qquad dX_{kj} = \sum_i W_{ik}\, dD_{ij},$$
#
# and these sums are matrix products themselves, because $X_{kj} = (X^\top)_{jk}$ and $W_{ik} = (W^\top)_{ki}$:
#
# $$dW = dD\, X^\top, \qquad dX = W^\top dD .$$

# %% [markdown] lang="zh"
# ## D = W X，逐个元素地看
#
# 矩阵乘积不过是许多乘法门和加法门。取一个最小但什么都有的例子，并让结果 $L$ 对两个元素各有轻重。
# （$L$ 代表**损失**（loss）：训练时，结果就是一个说明网络错得多厉害的数。）
#
# $$W = \begin{pmatrix} 1 & 2 \end{pmatrix}, \quad X = \begin{pmatrix} 3 & 4 \\ 5 & 6 \end{pmatrix}, \quad
# D = WX = \begin{pmatrix} 13 & 16 \end{pmatrix}, \quad L = D_{11} + 10\, D_{12}.$$
#
# 于是 $dD = (1\ \ 10)$。元素 $W_{11}$ 被用了两次：在 $D_{11}$ 里乘以 $X_{11} = 3$，在 $D_{12}$ 里乘以 $X_{12} = 4$。
# 按第 2 课，它的梯度是各次使用之和：$1 \cdot 3 + 10 \cdot 4 = 43$。同理 $W_{12}$ 得到 $1 \cdot 5 + 10 \cdot 6 = 65$。
# 元素 $X_{21}$ 只用了一次，乘的是 $W_{12}$，所以得到 $1 \cdot 2 = 2$。
#
# 换成字母写。由 $D_{ij} = \sum_k W_{ik} X_{kj}$ 得
#
# $$dW_{ik} = \sum_j dD_{ij}\, X_{kj}, \qquad dX_{kj} = \sum_i W_{ik}\, dD_{ij},$$
#
# 而由于 $X_{kj} = (X^\top)_{jk}$、$W_{ik} = (W^\top)_{ki}$，这些求和本身又是矩阵乘积：
#
# $$dW = dD\, X^\top, \qquad dX = W^\top dD .$$

# %% equations=["CS231n matrix product"]
W = np.array([[1.0, 2.0]])
X = np.array([[3.0, 4.0], [5.0, 6.0]])
dD = np.array([[1.0, 10.0]])

dW, dX = np.zeros_like(W), np.zeros_like(X)
for i, k, j in np.ndindex(1, 2, 2):  # a multiply gate each: D[i, j] += W[i, k] * X[k, j]
    dW[i, k] += dD[i, j] * X[k, j]
    dX[k, j] += W[i, k] * dD[i, j]
print("dW", dW.tolist(), "  dX", dX.tolist())

# %% [markdown] lang="en"
# As single numbers the graph has fourteen nodes, the six inputs and eight gates:

# %% [markdown] lang="zh"
# 用单个的数来画，图里有十四个节点：六个输入，八个门。


# %%
def number(name, value):
    return Tensor(value, requires_grad=True, name=name)


W11, W12 = number("W11", 1.0), number("W12", 2.0)
X11, X12 = number("X11", 3.0), number("X12", 4.0)
X21, X22 = number("X21", 5.0), number("X22", 6.0)
D11 = W11 * X11 + W12 * X21
D12 = W11 * X12 + W12 * X22
L = D11 + 10 * D12
L.backward()
draw(L, names=locals(), style="circuit")

# %% [markdown] lang="en"
# As matrices it has six. On the edges into `D` stand the two formulas: what comes from above, ◀, is multiplied by $X^\top$ from
# the right, or by $W^\top$ from the left. Small squares are the entries of an array, orange for positive and blue for
# negative ones. Below them stand the mean ± standard deviation of the values, and the length of the gradient,
# $\lVert dW \rVert = \sqrt{43^2 + 65^2} = 77.9$.

# %% [markdown] lang="zh"
# 用矩阵来画只有六个。进入 `D` 的两条边上写着那两个公式：上游传来的梯度 ◀，从右边乘 $X^\top$，或者从左边乘 $W^\top$。
# 小方格是数组的元素，橙色为正，蓝色为负。下面写着数值的平均 ± 标准差，以及梯度的长度
# $\lVert dW \rVert = \sqrt{43^2 + 65^2} = 77.9$。

# %%
W = Tensor([[1.0, 2.0]], requires_grad=True)
X = Tensor([[3.0, 4.0], [5.0, 6.0]], requires_grad=True)
D = W @ X
L = (D * [[1.0, 10.0]]).sum()
L.backward()
print("dW", W.grad.tolist(), "  dX", X.grad.tolist())
draw(L, names=locals())

# %% [markdown] lang="en"
# ## Dimension analysis
#
# Nobody remembers which factor is transposed. There is no need to: a gradient has the shape of what it is the gradient of,
# and only one product fits. In CS231n's example $W$ is $5 \times 10$, $X$ is $10 \times 3$, and $dD$, like $D$, is
# $5 \times 3$. To get $5 \times 10$ out of $dD$ ($5 \times 3$) and $X$ ($10 \times 3$) there is one way, $dD\, X^\top$.
#
# The trick has a blind spot: if all matrices are square, everything fits. So choose different sizes when you test. And it
# can't see a factor that is missing; for that there is the nudge.

# %% [markdown] lang="zh"
# ## 量纲分析
#
# 谁也记不住该转置哪个因子，也不必记：梯度的形状与它所对应的量相同，而合适的乘法只有一种。在 CS231n 的例子里，
# $W$ 是 $5 \times 10$，$X$ 是 $10 \times 3$，$dD$ 和 $D$ 一样是 $5 \times 3$。要从 $dD$（$5 \times 3$）和 $X$（$10 \times 3$）
# 得到 $5 \times 10$，只有 $dD\, X^\top$ 这一种办法。
#
# 这个窍门有个盲区：如果矩阵都是方阵，怎么乘都合适，所以测试时要让各个尺寸互不相同。另外，漏掉一个系数它也看不出来；那就靠轻推。

# %% equations=["CS231n matrix gradients"]
rng = np.random.default_rng(0)
W = Tensor(rng.standard_normal((5, 10)), requires_grad=True)
X = Tensor(rng.standard_normal((10, 3)), requires_grad=True)
D = W @ X
dD = rng.standard_normal(D.shape)  # suppose that the rest of the circuit sends this
D.backward(dD)
dW, dX = dD @ X.data.T, W.data.T @ dD
print(dW.shape, np.allclose(dW, W.grad), dX.shape, np.allclose(dX, X.grad))

# %% [markdown] lang="en"
# **Exercise 1.** Write the backward pass of the matrix product. (Try it by the shapes before you scroll up.)

# %% [markdown] lang="zh"
# **练习 1.** 写出矩阵乘积的反向传播。（先凭形状试一试，再往上翻。）


# %% tags=["exercise"]
def matmul_gate(W, X, dD):
    dW = ...
    dX = ...
    return dW, dX


check_matmul(matmul_gate)


# %% tags=["solution"]
def matmul_gate(W, X, dD):
    dW = dD @ X.T
    dX = W.T @ dD
    return dW, dX


check_matmul(matmul_gate)

# %% [markdown] lang="en"
# ## Broadcasting is a fan-out
#
# NumPy adds a vector $b$ of three entries to a matrix of four rows by using $b$ four times. Used four times means: four
# contributions, added up. So the gradient of $b$ is the **sum over the axis along which it was copied**. The same for an
# axis of length 1 that was stretched.

# %% [markdown] lang="zh"
# ## 广播就是分叉
#
# NumPy 把三个元素的向量 $b$ 加到四行的矩阵上时，把 $b$ 用了四次。用四次就有四份梯度，要相加。所以 $b$ 的梯度，
# 是**沿着它被复制的那个轴求和**。长度为 1 而被拉长的轴也一样。

# %%
X = Tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
b = Tensor([1.0, 2.0, 3.0], requires_grad=True)
column = Tensor(np.ones((4, 1)), requires_grad=True)
Y = (X + b) * column
dY = np.array([[1.0, 10.0, 100.0]] * 4)
Y.backward(dY)
print("b", b.grad, b.grad.shape, "  column", column.grad.ravel(), column.grad.shape)
print("by hand", dY.sum(axis=0), ((X.data + b.data) * dY).sum(axis=1))

# %% [markdown] lang="en"
# **Exercise 2.** A *linear layer* makes $n_{out}$ weighted sums of the same $n_{in}$ inputs. In the layout of PyTorch and of our
# `nn.Linear` each row of $X$ is one example: $Y = X W^\top + b$ with $X$ of shape $(N, n_{in})$, $W$ of shape $(n_{out}, n_{in})$ and $b$ of shape $(n_{out})$. Write its backward
# pass.

# %% [markdown] lang="zh"
# **练习 2.** **线性层**对同样的 $n_{in}$ 个输入做 $n_{out}$ 个加权和。布局与 PyTorch 和我们的 `nn.Linear` 相同，$X$ 的每行是一个样本：$Y = X W^\top + b$，
# 其中 $X$ 的形状是 $(N, n_{in})$，$W$ 是 $(n_{out}, n_{in})$，$b$ 是 $(n_{out})$。写出它的反向传播。


# %% tags=["exercise"]
def linear_backward(X, W, b, dY):
    dX = ...
    dW = ...
    db = ...
    return dX, dW, db


check_linear(linear_backward)


# %% tags=["solution"]
def linear_backward(X, W, b, dY):
    dX = dY @ W
    dW = dY.T @ X
    db = dY.sum(axis=0)
    return dX, dW, db


check_linear(linear_backward)

# %% [markdown] lang="en"
# **Exercise 3.** And the other way round. `Y = X.mean(axis=1)` makes one number of each row. Given its gradient `g`, one
# number per row, what does $X$ receive? (`g[:, None]` makes a column of `g`.)

# %% [markdown] lang="zh"
# **练习 3.** 再反过来。`Y = X.mean(axis=1)` 把每一行变成一个数。已知它的梯度 `g`（每行一个数），$X$ 收到的是什么？
# （`g[:, None]` 把 `g` 变成一列。）


# %% tags=["exercise"]
def mean_gate(X, g):
    dX = ...
    return dX


check_mean(mean_gate)


# %% tags=["solution"]
def mean_gate(X, g):
    n = X.shape[1]
    dX = np.repeat(g[:, None] / n, n, axis=1)
    return dX


check_mean(mean_gate)

# %% [markdown] lang="en"
# ## An engine, for numbers
#
# You know enough to write one. A `Value` holds a number, the values it was computed from, and for each of these a function that
# turns its own gradient into what that parent receives. `backward` is lesson 2: topological order (here: youngest first),
# local gradients, `+=`. New is the gate $\mathrm{relu}(x) = \max(0, x)$; `fit` does nothing yet, it is for arrays.

# %% [markdown] lang="zh"
# ## 一个引擎，先给标量用
#
# 你已经能自己写一个了。一个 `Value` 里存着一个数、计算它的那些值，以及对其中每一个的一个函数：把自己的梯度变成那个父节点该收到的一份。
# `backward` 就是第 2 课：拓扑序（这里是年轻的在前）、局部梯度、`+=`。
# 新的门是 $\mathrm{relu}(x) = \max(0, x)$；`fit` 暂时什么也不做，它是为数组准备的。


# %%
class Value:
    """A number that remembers how it was computed."""

    clock = itertools.count()

    def __init__(self, data, parents=(), sends=()):
        self.data, self.parents, self.sends = data, parents, sends
        self.grad, self.number = 0.0, next(self.clock)

    def new(self, data, parents=(), sends=()):
        return data if isinstance(data, Value) else type(self)(data, parents, sends)

    def __add__(self, other):
        other = self.new(other)
        return self.new(self.data + other.data, (self, other), (lambda g: g, lambda g: g))

    def __mul__(self, other):
        other = self.new(other)
        sends = (lambda g: g * other.data, lambda g: g * self.data)
        return self.new(self.data * other.data, (self, other), sends)

    def __pow__(self, n):
        return self.new(self.data**n, (self,), (lambda g: g * n * self.data ** (n - 1),))

    def exp(self):
        e = np.exp(self.data)
        return self.new(e, (self,), (lambda g: g * e,))

    def relu(self):
        on = self.data > 0
        return self.new(self.data * on, (self,), (lambda g: g * on,))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -self.new(other)

    def __truediv__(self, other):
        return self * self.new(other) ** -1.0

    def __rsub__(self, other):
        return self.new(other) - self

    def __rtruediv__(self, other):
        return self.new(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def fit(self, g):
        return g

    def backward(self):
        nodes, new = {self}, [self]
        while new:
            for parent in new.pop().parents:
                if parent not in nodes:
                    nodes.add(parent)
                    new.append(parent)
        gradients = dict.fromkeys(nodes, 0.0) | {self: 1.0}
        for node in sorted(nodes, key=lambda node: node.number, reverse=True):
            node.grad = node.grad + gradients[node]
            for parent, send in zip(node.parents, node.sends):
                gradients[parent] = gradients[parent] + parent.fit(send(gradients[node]))


# %% [markdown] lang="en"
# Every example so far, by this engine (`leaf` makes its inputs) and by ours: the largest difference between their gradients,
# and the gradients.

# %% [markdown] lang="zh"
# 到目前为止的每个例子，用这个引擎（它的输入由 `leaf` 建立）和我们的引擎各算一遍：两者梯度的最大差别，以及梯度。


# %%
def compare(leaf, name, f, *values):
    mine = [leaf(value) for value in values]
    ours = [Tensor(value, requires_grad=True) for value in values]
    f(*mine).backward()
    f(*ours).backward()
    worst = max(np.abs(x.grad - t.grad).max() for x, t in zip(mine, ours))
    print(f"{name:28} {worst:.0e}   {[np.round(x.grad, 4).tolist() for x in mine]}")


def sigma(x):
    return 1 / (1 + (-x).exp())


def circuit(x, y, z, w):
    return 2 * (x * y + w + (z - w).relu())  # max(z, w) = w + relu(z - w)


def neuron(w0, x0, w1, x1, w2):
    return sigma(w0 * x0 + w1 * x1 + w2)


def staged(x, y):
    return (x + sigma(y)) / (sigma(x) + (x + y) ** 2)


compare(Value, "x y", lambda x, y: x * y, 4.0, -3.0)
compare(Value, "(x + y) z", lambda x, y, z: (x + y) * z, -2.0, 5.0, -4.0)
compare(Value, "2 (x y + max(z, w))", circuit, 3.0, -4.0, 2.0, -1.0)
compare(Value, "σ(w0 x0 + w1 x1 + w2)", neuron, 2.0, -1.0, -3.0, -2.0, -3.0)
compare(Value, "(x + σ(y)) / (σ(x) + (x+y)²)", staged, 3.0, -4.0)
compare(Value, "x x", lambda x: x * x, 3.0)
compare(Value, "(a + a) + (a + a)", lambda a: (b := a + a) + b, 1.0)

# %% [markdown] lang="en"
# ## The same engine, for arrays
#
# What must change? Less than one might think. The gates `+`, `*`, `**`, `exp` and `relu` work entry by entry, so they are right as
# they stand. New are the matrix product, a sum, and one line in which every gradient is made to fit the shape of its
# node again: broadcasting undone, in one place for all gates.

# %% [markdown] lang="zh"
# ## 同一个引擎，改给数组用
#
# 要改的比想象的少。`+`、`*`、`**`、`exp`、`relu` 这些门逐元素工作，原样就是对的。新增的只有矩阵乘积、求和，
# 以及让每个梯度重新变回节点形状的一步：撤销广播，在一个地方为所有的门做完。


# %%
class Array(Value):
    """An array that remembers how it was computed."""

    __array_ufunc__ = None  # NumPy leaves `ndarray * Array` to us

    def __init__(self, data, parents=(), sends=()):
        super().__init__(np.asarray(data, dtype=float), parents, sends)

    def __matmul__(self, other):
        other = self.new(other)
        sends = (lambda g: g @ other.data.T, lambda g: self.data.T @ g)
        return self.new(self.data @ other.data, (self, other), sends)

    def sum(self):
        return self.new(self.data.sum(), (self,), (lambda g: g * np.ones_like(self.data),))

    def fit(self, g):
        shape = self.data.shape
        front = tuple(range(g.ndim - len(shape)))  # axes that broadcasting put in front
        g = g.sum(axis=front)
        stretched = tuple(i for i, n in enumerate(shape) if n == 1)
        return g.sum(axis=stretched, keepdims=True)


def weighed(W, X):
    return ((W @ X) * np.array([[1.0, 10.0]])).sum()


def broadcast(X, b, column):
    return ((X + b) * column).sum()


compare(Array, "D = W X", weighed, [[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]])
compare(Array, "(X + b) column", broadcast, np.ones((2, 2)), [1.0, 2.0], [[3.0], [4.0]])

# %% [markdown] lang="en"
# ## Two moons
#
# Now let a network learn. A hundred points in two interlocked half circles, a class (+1 or −1) for each. The network of
# micrograd's demonstration: two inputs, two layers of 16 neurons (those of lesson 2, with relu in place of $\sigma$), one score.
# The loss asks that the score have the sign of the class with a margin of 1: the mean of
# $\max(0,\ 1 - \text{class} \cdot \text{score})$. (micrograd adds a small penalty on the weights; we leave it out.)
#
# Training is the end of lesson 1 with a minus sign: the weights start at random, the biases at 0, and each step moves them by
# `rate` times their gradient, downhill. The rate shrinks from 1 to 0.1.

# %% [markdown] lang="zh"
# ## 双月
#
# 现在让一个网络学点东西。一百个点，排成两个互相咬合的半圆，每个点有一个类别（+1 或 −1）。网络与 micrograd 的演示相同：两个输入，
# 两层各 16 个神经元（就是第 2 课的那种，只是用 relu 代替 $\sigma$），一个得分。损失要求得分与类别同号，并且至少有 1 的余量：对
# $\max(0,\ 1 - \text{类别} \cdot \text{得分})$ 取平均。（micrograd 还对权重加了一点惩罚，这里省去。）
#
# 训练就是第 1 课的结尾换成减号：权重从随机值出发，偏置从 0 出发，每一步都朝下坡移动 `rate` 乘以各自的梯度。`rate` 从 1 逐渐减到 0.1。

# %%
rng = np.random.default_rng(1)
angle = np.linspace(0, np.pi, 50)
upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
points = np.concatenate([upper, [1.0, 0.5] - upper]) + 0.1 * rng.standard_normal((100, 2))
classes = np.repeat([1.0, -1.0], 50)[:, None]
shapes = [(2, 16), (16,), (16, 16), (16,), (16, 1), (1,)]
start = [
    rng.uniform(-1, 1, shape) if len(shape) == 2 else np.zeros(shape) for shape in shapes
]


def network(X, W1, b1, W2, b2, W3, b3):
    h = (X @ W1 + b1).relu()
    h = (h @ W2 + b2).relu()
    return h @ W3 + b3


def margin_loss(score):
    return (1 - score * classes).relu().sum() / 100


def train(leaf, steps):
    weights, losses = [leaf(w) for w in start], []
    for k in range(steps):
        loss = margin_loss(network(leaf(points), *weights))
        loss.backward()
        rate = 1 - 0.9 * k / 100
        weights = [leaf(w.data - rate * w.grad) for w in weights]  # downhill
        losses.append(float(loss.data))
    return weights, losses, loss


def variable(data):
    return Tensor(data, requires_grad=True)


weights, losses, _ = train(variable, 100)
_, by_hand, _ = train(Array, 100)
for k in (0, 1, 2, 10, 50, 99):
    print(f"step {k:2}   loss {losses[k]:.6f}   by the engine above {by_hand[k]:.6f}")

# %% [markdown] lang="en"
# Ninety lines train a neural network. Here is what it has learned:

# %% [markdown] lang="zh"
# 九十行代码训练出了一个神经网络。它学到的是：

# %%
across, up = np.meshgrid(np.linspace(-1.7, 2.7, 120), np.linspace(-1.3, 1.8, 100))
with no_grad():  # values only, nothing is remembered
    score = network(Tensor(np.dstack([across, up])), *weights).data[..., 0]
    right = np.sign(network(Tensor(points), *weights).data) == classes
figure, (left, curve) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.contourf(across, up, np.sign(score), levels=1, colors=["#f6d5c3", "#c9dcef"])
left.scatter(*points[:50].T, s=12, marker="o", color="#1f4e79", label="+1")
left.scatter(*points[50:].T, s=12, marker="^", color="#b23a00", label="−1")
left.set_title(f"{right.mean():.0%} of the points on their side")
left.legend()
curve.semilogy(losses)
curve.set(xlabel="step", ylabel="loss")
plt.show()

# %% [markdown] lang="en"
# And its graph, the whole step: from the points to the loss, and back to the gradient of every weight. `Σ to (16,)` is the sum over
# the rows that broadcasting asks for. The dashed edge brings a constant, to which no gradient goes; dots stand for what was cut off.

# %% [markdown] lang="zh"
# 这是它的图，完整的一步：从数据点到损失，再回到每个权重的梯度。`Σ to (16,)` 就是广播所要求的对各行求和。
# 虚线带来的是常数，没有梯度传给它；省略号表示没有画完。

# %%
X = Tensor(points)
W1, b1, W2, b2, W3, b3 = (Tensor(w, requires_grad=True) for w in start)
loss = margin_loss(network(X, W1, b1, W2, b2, W3, b3))
loss.backward()
draw(loss, names=locals())

# %% [markdown] lang="en"
# ## The same network, number by number
#
# micrograd computes with single numbers: a neuron is a loop over its inputs, a layer a loop over neurons, the data a loop over
# points. Let our engine do that, with the same start, and compare.

# %% [markdown] lang="zh"
# ## 同一个网络，一个数一个数地算
#
# micrograd 用单个的数来算：神经元是对输入的循环，层是对神经元的循环，数据是对点的循环。让我们的引擎也这样做，起点相同，比较一下。


# %%
def weighted_sum(inputs, weights, bias):
    return sum((x * w for x, w in zip(inputs, weights)), bias)


def train_numbers(steps):
    layers = [np.vstack([W, b]).T for W, b in zip(start[::2], start[1::2])]
    layers = [[[variable(w) for w in row] for row in layer] for layer in layers]
    numbers = [w for layer in layers for row in layer for w in row]
    losses = []
    for k in range(steps):
        loss = 0.0
        for point, target in zip(points.tolist(), classes.ravel().tolist()):
            h = point
            for layer in layers:  # a row for each neuron: its weights, then its bias
                scores = [weighted_sum(h, weights, bias) for *weights, bias in layer]
                h = [relu(score) for score in scores]
            loss = loss + relu(1 - target * scores[0])
        loss = loss / 100
        loss.backward()
        rate = 1 - 0.9 * k / 100
        for w in numbers:
            w.data -= rate * w.grad
            w.grad = None
        losses.append(loss.item())
    return losses, loss


begin = time.perf_counter()
losses_numbers, loss_numbers = train_numbers(3)
between = time.perf_counter()
_, losses_arrays, loss_arrays = train(variable, 3)
end = time.perf_counter()
print("losses, number by number:", np.round(losses_numbers, 6))
print("losses, with arrays:     ", np.round(losses_arrays, 6))
print(f"nodes: {len(toposort([loss_numbers])):,} and {len(toposort([loss_arrays]))}")
print("arrays are more than 100 times faster:", between - begin > 100 * (end - between))

# %% [markdown] lang="en"
# The same losses, from tens of thousands of nodes instead of twenty. The arithmetic is the same; what is saved is a Python object
# and a few function calls for each multiplication. On our machine the factor was between 1,500 and 4,000. (Print
# `(between - begin) / (end - between)` for yours. It is not printed here, because it changes from run to run.)
#
# **Where to go next.** Lesson 4 puts the gates of lesson 2 and the products of this one together to an LSTM, and derives its
# gradients by hand. Elsewhere: the [CS231n notes](https://cs231n.github.io/optimization-2/#mat);
# [micrograd](https://github.com/karpathy/micrograd); and our own engine, which is this one with care for speed, types and errors:
# start at [autograd/op.py](../autograd/op.py).

# %% [markdown] lang="zh"
# 损失相同，节点却从几万个变成二十个。算术是一样的；省下的是每次乘法都要付出的一个 Python 对象和几次函数调用。在我们的机器上，
# 这个倍数在 1500 到 4000 之间。（想看你机器上的数，打印 `(between - begin) / (end - between)`。每次运行都会变，所以这里不打印。）
#
# **接下来。** 第 4 课把第 2 课的门和本课的乘积组装成 LSTM，并手工推导它的梯度。延伸阅读：
# [CS231n 讲义](https://cs231n.github.io/optimization-2/#mat)；[micrograd](https://github.com/karpathy/micrograd)；
# 以及我们自己的引擎，它就是上面这个，再加上对速度、类型和报错的用心：从 [autograd/op.py](../autograd/op.py) 读起。
