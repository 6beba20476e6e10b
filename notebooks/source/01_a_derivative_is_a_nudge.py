# %% [markdown] lang="en"
# # 1. A derivative is a nudge
#
# **Goal.** Read every derivative as the answer to one question, *if I nudge this number, how far does the result
# move?*, and chain such answers backward through a circuit.
#
# You need: Python, and the derivative of a function of one variable. You get: the chain rule as a picture, and a way to
# test any gradient. About 45 minutes.
#
# The examples and the notation are those of Stanford's CS231n,
# [Backpropagation, Intuitions](https://cs231n.github.io/optimization-2/).

# %% [markdown] lang="zh"
# # 1. 导数就是轻轻一推
#
# **目标。** 把每个导数都读成一个问题的答案：**把这个数轻推一下，结果会动多少？** 再学会把这些答案沿着电路一节一节往回串起来。
#
# 预备知识：Python，以及一元函数的导数。学完之后：你能在图上看见链式法则，并且会检验任何一个梯度。大约 45 分钟。
#
# 例子和记号取自斯坦福 CS231n 课程讲义
# [Backpropagation, Intuitions](https://cs231n.github.io/optimization-2/)。

# %%
import matplotlib.pyplot as plt
import numpy as np

from autograd import Tensor, draw, gradcheck
from checks.lesson_01 import check_circuit, check_max_gate, check_numerical_gradient

# %% [markdown] lang="en"
# ## One product, one nudge
#
# Take $f(x, y) = xy$ at $x = 4$, $y = -3$. So $f = -12$. Now nudge $x$ by $h = 0.001$ and leave $y$ alone:
# $4.001 \times (-3) = -12.003$. The result moved by $-0.003$, which is $-3$ times the nudge. In the limit of ever smaller
# nudges this ratio is the derivative,
#
# $$\frac{\partial f}{\partial x} = \lim_{h \to 0} \frac{f(x + h, y) - f(x, y)}{h} = y,
# \qquad \frac{\partial f}{\partial y} = x .$$
#
# The round $\partial$ in place of $d$ says that $f$ has other variables, and that they stand still.

# %% [markdown] lang="zh"
# ## 一个乘积，轻推一下
#
# 取 $f(x, y) = xy$，在 $x = 4$、$y = -3$ 处，$f = -12$。现在把 $x$ 推动 $h = 0.001$，$y$ 保持不动：
# $4.001 \times (-3) = -12.003$。结果移动了 $-0.003$，正好是推动量的 $-3$ 倍。让推动量越来越小，
# 这个比值的极限就是导数：
#
# $$\frac{\partial f}{\partial x} = \lim_{h \to 0} \frac{f(x + h, y) - f(x, y)}{h} = y,
# \qquad \frac{\partial f}{\partial y} = x .$$
#
# 用圆体的 $\partial$ 而不用 $d$，表示 $f$ 还有别的变量，而它们保持不动。

# %% equations=["CS231n limit"]
x, y, h = 4.0, -3.0, 0.001
f = x * y
print(f"f = {f},  with x nudged {(x + h) * y:.6f},  with y nudged {x * (y + h):.6f}")
print(f"move / nudge:  by x {((x + h) * y - f) / h:.6f},  by y {(x * (y + h) - f) / h:.6f}")

# %% [markdown] lang="en"
# Our engine, `autograd`, finds the same two numbers without nudging. A `Tensor` is a number, or an array, that remembers how
# it was computed; `backward()` walks back along that memory and leaves in `.grad` of each Tensor made with
# `requires_grad=True` its **gradient**: how far the result moves per nudge of it.

# %% [markdown] lang="zh"
# 我们的引擎 `autograd` 不用推也能得到这两个数。`Tensor` 是一个记得自己怎么算出来的数（或数组）；`backward()` 沿着这份记忆往回走，
# 在每个用 `requires_grad=True` 建立的 Tensor 的 `.grad` 里写下它的**梯度**：它每动一点，结果会动多少。

# %% equations=["CS231n product"]
x = Tensor(4.0, requires_grad=True)
y = Tensor(-3.0, requires_grad=True)
f = x * y
f.backward()
print("∂f/∂x =", x.grad, "  ∂f/∂y =", y.grad)

# %% [markdown] lang="en"
# And this is what the engine remembers. Read it from left to right for values (▶), from right to left for gradients (◀). A
# nudge of $f$ moves $f$ by itself, so its own gradient is 1. On each edge stands first the **local gradient** (∂), what the
# multiplication knows about itself, whatever it is a part of; below it, what goes back along the edge. (`names=locals()`
# labels the boxes with the names of your variables.)

# %% [markdown] lang="zh"
# 引擎记住的就是下面这张图。从左往右读是数值（▶），从右往左读是梯度（◀）。$f$ 动多少，$f$ 自己就动多少，所以它自己的梯度是 1。
# 每条边上先写着**局部梯度**（∂）：这是乘法对自己的了解，与它是什么的一部分无关；下面写着沿这条边传回去的数。
# （`names=locals()` 让方框以你的变量名为标签。）

# %%
draw(f, names=locals())

# %% [markdown] lang="en"
# ## Three gates
#
# Call a computation a *circuit*, and an operation in it a *gate*. Three of them go a long way, and each has a character that
# is worth knowing by heart:
#
# $$\begin{aligned}
# f &= x + y: & \partial f/\partial x &= 1, & \partial f/\partial y &= 1 \\
# f &= x\,y: & \partial f/\partial x &= y, & \partial f/\partial y &= x \\
# f &= \max(x, y): & \partial f/\partial x &= \mathbb{1}(x \ge y), & \partial f/\partial y &= \mathbb{1}(y \ge x)
# \end{aligned}$$
#
# Here $\mathbb{1}(\dots)$ is 1 if the condition holds, and otherwise 0. Check the third with a nudge. At $x = 4$, $y = 2$ the
# maximum is 4. Nudge $x$: it moves along. Nudge $y$ to 2.001: it stays 4, so the derivative is 0. That says nothing about
# pushing $y$ to 7. **A derivative only knows about nudges.**

# %% [markdown] lang="zh"
# ## 三种门
#
# 把一个计算叫作**电路**，其中的一个运算叫作**门**。有三种门用处极大，各有脾气，值得记牢：
#
# $$\begin{aligned}
# f &= x + y: & \partial f/\partial x &= 1, & \partial f/\partial y &= 1 \\
# f &= x\,y: & \partial f/\partial x &= y, & \partial f/\partial y &= x \\
# f &= \max(x, y): & \partial f/\partial x &= \mathbb{1}(x \ge y), & \partial f/\partial y &= \mathbb{1}(y \ge x)
# \end{aligned}$$
#
# 其中 $\mathbb{1}(\dots)$ 在条件成立时为 1，否则为 0。用轻推来验证第三个。在 $x = 4$、$y = 2$ 处最大值是 4。推 $x$，它跟着动；
# 把 $y$ 推到 2.001，它还是 4，所以导数是 0。至于把 $y$ 一下子推到 7 会怎样，导数什么也没说。**导数只管轻推。**

# %% equations=["CS231n sum", "CS231n max"]
for gate in (np.add, np.multiply, np.maximum):
    x, y = Tensor(4.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    gate(x, y).backward()
    print(f"{gate.__name__:8}   ∂f/∂x = {x.grad}   ∂f/∂y = {y.grad}")

# %% [markdown] lang="en"
# ## The chain rule is a multiplication
#
# Now two gates: $f = (x + y)\,z$ at $x = -2$, $y = 5$, $z = -4$. Name the value in between: $q = x + y = 3$, $f = qz = -12$.
# Each gate knows its local gradients at once:
#
# $$\frac{\partial f}{\partial q} = z = -4, \quad \frac{\partial f}{\partial z} = q = 3, \qquad
# \frac{\partial q}{\partial x} = 1, \quad \frac{\partial q}{\partial y} = 1 .$$
#
# What does $x$ do to $f$? A nudge of $x$ by $h$ moves $q$ by $1 \cdot h$, and a nudge of $q$ by $h$ moves $f$ by
# $-4 \cdot h$. One after the other, that is a product:
#
# $$\frac{\partial f}{\partial x} = \frac{\partial f}{\partial q}\,\frac{\partial q}{\partial x} = -4 \cdot 1 = -4 .$$
#
# In code, the **backward pass** repeats the forward pass in reverse order. Write `dq` for $\partial f / \partial q$: the
# numerator is always the final result.

# %% [markdown] lang="zh"
# ## 链式法则就是乘法
#
# 现在用两个门：$f = (x + y)\,z$，取 $x = -2$、$y = 5$、$z = -4$。给中间值起个名字：$q = x + y = 3$，$f = qz = -12$。
# 每个门立刻就知道自己的局部梯度：
#
# $$\frac{\partial f}{\partial q} = z = -4, \quad \frac{\partial f}{\partial z} = q = 3, \qquad
# \frac{\partial q}{\partial x} = 1, \quad \frac{\partial q}{\partial y} = 1 .$$
#
# 那么 $x$ 怎样影响 $f$？$x$ 动 $h$，$q$ 就动 $1 \cdot h$；$q$ 动 $h$，$f$ 就动 $-4 \cdot h$。一环扣一环，就是相乘：
#
# $$\frac{\partial f}{\partial x} = \frac{\partial f}{\partial q}\,\frac{\partial q}{\partial x} = -4 \cdot 1 = -4 .$$
#
# 写成代码，**反向传播**就是把前向的每一步倒着再走一遍。用 `dq` 表示 $\partial f / \partial q$：分子永远是最终结果。

# %% equations=["CS231n chain rule"]
x, y, z = -2.0, 5.0, -4.0
q = x + y  # forward, from the inputs to the result
f = q * z
df = 1.0  # backward, from the result to the inputs; a nudge of f moves f by itself
dq = z * df  # through f = q * z
dz = q * df
dx = 1.0 * dq  # through q = x + y
dy = 1.0 * dq
print(f"f = {f}   dx = {dx}   dy = {dy}   dz = {dz}   (on the way: q = {q}, dq = {dq})")

# %% [markdown] lang="en"
# The same by the engine. On every edge: the gradient that comes from the right, times the local gradient, is what goes on
# to the left.

# %% [markdown] lang="zh"
# 让引擎来算一遍。在每条边上：右边传来的梯度，乘以局部梯度，就是继续往左传的梯度。

# %%
x, y, z = (Tensor(value, requires_grad=True) for value in (-2.0, 5.0, -4.0))
q = x + y
f = q * z
f.backward()
draw(f, names=locals())

# %% [markdown] lang="en"
# CS231n draws gates as circles and puts the numbers on the wires. Same circuit, same numbers:

# %% [markdown] lang="zh"
# CS231n 的画法是把门画成圆圈，把数写在导线上。电路一样，数也一样：

# %%
draw(f, names=locals(), style="circuit")

# %% [markdown] lang="en"
# Walk through it backward, one edge at a time, with the buttons or the arrow keys. (On a page that runs no scripts, the
# steps stand below the picture in words.)

# %% [markdown] lang="zh"
# 用按钮或方向键，一条边一条边地往回走一遍。（在不运行脚本的网页上，图下面有每一步的文字说明。）

# %%
draw(f, names=locals()).step()

# %% [markdown] lang="en"
# Nothing in this needs to see the whole circuit. A gate receives one number from above (that is, from the side of the result),
# multiplies it by what it knows about itself, and hands the products on. That is all of backpropagation; the rest of these lessons applies it to larger
# gates.
#
# **Exercise 1.** Write the backward pass of the max gate. `g` is the gradient that arrives from above, $\partial f /
# \partial \max(x, y)$. Leave the tie $x = y$ aside.

# %% [markdown] lang="zh"
# 整个过程里，没有哪个门需要看见整张电路。它从上游（也就是结果那一侧）收到一个数，乘上自己知道的局部梯度，再把乘积交下去。反向传播就是这么回事；
# 后面各课只是把它用到更大的门上。
#
# **练习 1.** 写出 max 门的反向传播。`g` 是从上游传来的梯度 $\partial f / \partial \max(x, y)$。$x = y$ 的情形先不管。


# %% tags=["exercise"]
def max_gate(x, y, g):
    dx = ...  # replace the three dots
    dy = ...
    return dx, dy


check_max_gate(max_gate)


# %% tags=["solution"]
def max_gate(x, y, g):
    dx = g if x > y else 0.0
    dy = g if y > x else 0.0
    return dx, dy


check_max_gate(max_gate)

# %% [markdown] lang="en"
# At a tie, max has a corner and no derivative. CS231n's formula gives 1 to both inputs; our engine gives ½ to each, so
# that a nudge of *both* by $h$ is predicted right: the maximum then moves by $h$, not by $2h$.
#
# **Exercise 2.** All three gates in one circuit of CS231n, $f = 2\,(xy + \max(z, w))$. Write its backward pass, line by
# line in reverse order, as above. At $(3, -4, 2, -1)$ the course's figure shows $dx = -8$, $dy = 6$, $dz = 2$, $dw = 0$.

# %% [markdown] lang="zh"
# 在 $x = y$ 处 max 有个尖角，没有导数。CS231n 的公式给两个输入各 1；我们的引擎各给 ½，这样**同时**推动两者 $h$ 时，
# 预测才是对的：最大值动 $h$，而不是 $2h$。
#
# **练习 2.** 三种门都在的一个 CS231n 电路：$f = 2\,(xy + \max(z, w))$。像上面那样，一行一行倒着写出它的反向传播。
# 在 $(3, -4, 2, -1)$ 处，讲义的图上写的是 $dx = -8$、$dy = 6$、$dz = 2$、$dw = 0$。


# %% tags=["exercise"]
def circuit_backward(x, y, z, w):
    p, m = x * y, max(z, w)
    s = p + m
    f = 2 * s
    df = 1.0
    ds = ...  # through f = 2 * s
    dp = ...  # through s = p + m
    dm = ...
    dx = ...  # through p = x * y
    dy = ...
    dz = ...  # through m = max(z, w)
    dw = ...
    return dx, dy, dz, dw


check_circuit(circuit_backward)


# %% tags=["solution"]
def circuit_backward(x, y, z, w):
    df = 1.0
    ds = 2 * df  # through f = 2 * s
    dp = 1.0 * ds  # through s = p + m: the add gate distributes
    dm = 1.0 * ds
    dx = y * dp  # through p = x * y: the multiply gate swaps
    dy = x * dp
    dz = dm if z > w else 0.0  # through m = max(z, w): the max gate routes
    dw = dm if w > z else 0.0
    return dx, dy, dz, dw


check_circuit(circuit_backward)

# %% [markdown] lang="en"
# Here is the circuit. Find the three characters in it: + **distributes** its gradient, × **swaps** its inputs, max
# **routes** to one of them. ($\partial\ z > w = 1$ says: the condition $z > w$ holds, so 1. `w` is orange, because the picture
# takes such a letter for a *parameter*, a number that training changes; see the end of this lesson.)

# %% [markdown] lang="zh"
# 电路画出来是这样。在图里找出三种脾气：+ 把梯度**分发**给所有输入，× 把两个输入**互换**后相乘，max 只**转交**给其中一个。
# （$\partial\ z > w = 1$ 的意思是：条件 $z > w$ 成立，所以是 1。`w` 是橙色的，因为图把这样的字母当作**参数**，即训练所要改变的数，见本课末尾。）

# %% equations=["CS231n patterns"]
x, y, z, w = (Tensor(value, requires_grad=True) for value in (3.0, -4.0, 2.0, -1.0))
f = 2 * (x * y + np.maximum(z, w))
f.backward()
draw(f, names=locals(), style="circuit")

# %% [markdown] lang="en"
# ## Testing a gradient: nudge to both sides
#
# A gradient that you derived can be wrong; a nudge cannot. But which nudge? Take $f(x) = x^3$ at $x = 2$, where the
# derivative is $3x^2 = 12$, and a coarse $h = 0.1$:
#
# $$\frac{2.1^3 - 2^3}{0.1} = 12.61, \qquad \frac{2.1^3 - 1.9^3}{0.2} = 12.01 .$$
#
# Taylor's series says why the second is so much better. With $f(x \pm h) = f \pm h f' + \tfrac{h^2}{2} f'' \pm
# \tfrac{h^3}{6} f''' + \dots$
#
# $$\frac{f(x+h) - f(x)}{h} = f' + \frac{h}{2} f'' + \dots, \qquad
# \frac{f(x+h) - f(x-h)}{2h} = f' + \frac{h^2}{6} f''' + \dots$$
#
# In the **central** quotient the term with $f''$ cancels. Here $\tfrac{h}{2} f'' = 0.6$ and $\tfrac{h^2}{6} f''' = 0.01$
# account for the errors above.
#
# Can't one just take $h$ tiny? No: a computer keeps 16 digits, and $f(x+h) - f(x)$ loses most of them when the two are
# nearly equal. The smaller $h$, the larger this loss, $10^{-16} / h$.

# %% [markdown] lang="zh"
# ## 检验梯度：两边都推
#
# 自己推导的梯度可能出错，轻推不会。可是怎么推呢？取 $f(x) = x^3$，在 $x = 2$ 处导数是 $3x^2 = 12$，用一个粗糙的 $h = 0.1$：
#
# $$\frac{2.1^3 - 2^3}{0.1} = 12.61, \qquad \frac{2.1^3 - 1.9^3}{0.2} = 12.01 .$$
#
# 第二个为什么准这么多？看泰勒展开：由 $f(x \pm h) = f \pm h f' + \tfrac{h^2}{2} f'' \pm \tfrac{h^3}{6} f''' + \dots$ 得
#
# $$\frac{f(x+h) - f(x)}{h} = f' + \frac{h}{2} f'' + \dots, \qquad
# \frac{f(x+h) - f(x-h)}{2h} = f' + \frac{h^2}{6} f''' + \dots$$
#
# 在**中心差分**里，含 $f''$ 的项抵消了。这里 $\tfrac{h}{2} f'' = 0.6$，$\tfrac{h^2}{6} f''' = 0.01$，正好解释了上面的误差。
#
# 那把 $h$ 取得极小行不行？不行：计算机只保留 16 位数字，两个几乎相等的数相减，$f(x+h) - f(x)$ 会丢掉大部分有效位。
# $h$ 越小丢得越多，误差约为 $10^{-16} / h$。

# %%
h = 10.0 ** np.arange(-12, 0.1, 0.25)
one_sided = ((2 + h) ** 3 - 2**3) / h
central = ((2 + h) ** 3 - (2 - h) ** 3) / (2 * h)
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.loglog(h, np.abs(one_sided - 12), "o-", markersize=3, label="one-sided: falls like h")
axes.loglog(h, np.abs(central - 12), "s-", markersize=3, label="central: falls like h²")
axes.set(xlabel="h", ylabel="error of the derivative of x³ at 2")
axes.legend()
plt.show()

# %% [markdown] lang="en"
# Read the plot from the right: both errors fall as $h$ shrinks, the central one twice as steeply, until rounding takes
# over and they climb again. The best $h$ of the central quotient lies near $10^{-5}$, where the two errors are equal,
# $h^2 = 10^{-16} / h$, and leaves about ten correct digits.
#
# **Exercise 3.** Write the numerical gradient of a function of several numbers. `x` is an array; nudge one entry at a
# time.

# %% [markdown] lang="zh"
# 从右往左读这张图：$h$ 变小，两条误差都下降，中心差分的斜率是另一条的两倍；直到舍入误差占了上风，又都往上爬。
# 中心差分最好的 $h$ 在 $10^{-5}$ 附近，那里两种误差相等，$h^2 = 10^{-16} / h$；这时约有十位数字是对的。
#
# **练习 3.** 写出多元函数的数值梯度。`x` 是一个数组；每次只推动其中一个元素。


# %% tags=["exercise"]
def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        nudge = np.zeros(len(x))
        nudge[i] = h
        gradient[i] = ...
    return gradient


check_numerical_gradient(numerical_gradient)


# %% tags=["solution"]
def numerical_gradient(f, x, h=1e-5):
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        nudge = np.zeros(len(x))
        nudge[i] = h
        gradient[i] = (f(x + nudge) - f(x - nudge)) / (2 * h)
    return gradient


check_numerical_gradient(numerical_gradient)

# %% [markdown] lang="en"
# The engine's own checker does this to any function of Tensors and says which entry differs, and how. `analytic` is the
# gradient of the backward pass, `numeric` that of the nudge. Both are multiplied by one random number, which would be one for each
# result if there were many; so look at the ratios.

# %% [markdown] lang="zh"
# 引擎自带的检验器能对任何 Tensor 函数做这件事，并指出是哪个元素不对、差在哪里。`analytic` 是反向传播得到的梯度，
# `numeric` 是轻推得到的。两者都乘了同一个随机数（结果若有多个，则各乘一个），所以请看最后的比值（ratio）。

# %%
for name, t in zip("xyzw", (x, y, z, w)):
    t.name = name
gradcheck(lambda x, y, z, w: 2 * (x * y + np.maximum(z, w)), x, y, z, w, order=1)

# %% [markdown] lang="en"
# Why compute gradients backward at all, if nudging works? A neural network may be a function of a million numbers, its
# *weights*. One numerical gradient of it takes two million forward passes. The backward pass finds all million derivatives in
# one walk, at the price of about two more forward passes.
#
# ## What a gradient is for
#
# If the circuit "wants" a larger $f$, the signs say where to push: at $(-2, 5, -4)$ the gradient of $(x + y)\,z$ is
# $(-4, -4, 3)$, so lower $x$ and $y$, raise $z$. Move each input by a hundredth of its own gradient. To first order $f$ rises
# by $0.01 \cdot ((-4)^2 + (-4)^2 + 3^2) = 0.41$:

# %% [markdown] lang="zh"
# 既然轻推就行，何必反着算？神经网络可以是一百万个数的函数，这些数叫**权重**；算一次数值梯度要跑两百万遍前向，反向传播走一趟就全有了，
# 代价大约只是再跑两遍前向。
#
# ## 梯度有什么用
#
# 如果电路“想要”更大的 $f$，梯度的符号就告诉你往哪边推：在 $(-2, 5, -4)$ 处，$(x + y)\,z$ 的梯度是 $(-4, -4, 3)$，
# 所以减小 $x$ 和 $y$，增大 $z$。让每个输入移动自己梯度的百分之一，按一阶估计，$f$ 会上升
# $0.01 \cdot ((-4)^2 + (-4)^2 + 3^2) = 0.41$：

# %%
x, y, z = (Tensor(value, requires_grad=True) for value in (-2.0, 5.0, -4.0))
f = (x + y) * z
f.backward()
predicted = 0.01 * (x.grad**2 + y.grad**2 + z.grad**2)
for t in (x, y, z):
    t.data += 0.01 * t.grad
after = (x + y) * z
print(f"f rose by {after.data - f.data:.4f}, from {f.data} to {after.data:.4f}")
print(f"predicted {predicted:.4f}")

# %% [markdown] lang="en"
# With a minus sign in place of the plus, and a measure of error in place of $f$, this loop is how every neural network
# learns. You will run it in lesson 3.
#
# **Where to go next.** [Lesson 2](02_the_sigmoid_circuit.ipynb) splits one function into gates and merges it again, and shows
# the two things that a backward pass can get wrong: paths that meet, and the order of the walk. Elsewhere: the
# [CS231n notes](https://cs231n.github.io/optimization-2/) that this lesson follows, and Andrej Karpathy's lecture on
# [micrograd](https://github.com/karpathy/micrograd), which builds such an engine from nothing.

# %% [markdown] lang="zh"
# 把加号换成减号，把 $f$ 换成误差，这个循环就是一切神经网络学习的方式。第 3 课你会亲手运行它。
#
# **接下来。** [第 2 课](02_the_sigmoid_circuit.ipynb)把一个函数拆成几个门再合回去，并展示反向传播会在哪两件事上出错：
# 路径的汇合，以及行走的次序。延伸阅读：本课所依据的 [CS231n 讲义](https://cs231n.github.io/optimization-2/)，
# 以及 Andrej Karpathy 讲解 [micrograd](https://github.com/karpathy/micrograd) 的课程，从零开始写出这样一个引擎。
