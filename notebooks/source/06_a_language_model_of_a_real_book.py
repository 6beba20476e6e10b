# %% [markdown] lang="en"
# # 6. A language model of a real book
#
# **Goal.** Train an LSTM to guess the next character of H. G. Wells' *The Time Machine*, measure it against plain counting,
# let it write, and see how far back its gradients and its memory reach.
#
# You need: lessons 4 and 5. You get: a model of language that you have trained yourself, and a sober view of what it is
# worth. About 75 minutes; the training takes half a minute of them.

# %% [markdown] lang="zh"
# # 6. 一本真书的语言模型
#
# **目标。** 训练一个 LSTM 去猜 H. G. 威尔斯《时间机器》的下一个字符，拿它与单纯的计数比一比，让它自己写几句，
# 再看它的梯度和记忆能追溯多远。
#
# 预备知识：第 4、5 课。学完之后：你会有一个亲手训练的语言模型，也会对它的价值有清醒的认识。大约 75 分钟，其中训练只占半分钟。

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

import nn
from autograd import Tensor, draw, no_grad
from checks.lesson_06 import check_discounted, check_perplexity, check_temperature
from nn.language_run import evaluate
from nn.plot import plot_gradient_norms
from nn.text import (
    Vocabulary,
    generate,
    perplexity,
    split,
    time_machine,
    windows,
    windows_in_order,
)

# %% [markdown] lang="en"
# ## A book is a row of numbers
#
# The book has 179,000 characters, 70 different ones. Each gets a number, its **id**. The model reads the first nine tenths; the
# last tenth stays unread until it is examined.

# %% [markdown] lang="zh"
# ## 一本书就是一串数
#
# 这本书有 17.9 万个字符，其中不同的有 70 个。每个字符得到一个编号，即 **id**。模型只读前十分之九；最后十分之一留作考试，事先不看。

# %%
text = time_machine()
vocabulary = Vocabulary.from_text(text)
ids = vocabulary.encode(text)
train_ids, validation_ids = split(ids)
print(f"{len(text):,} characters, {len(vocabulary)} of them different")
print("The Time ->", vocabulary.encode("The Time"))
print(repr(text[100:160]))

# %% [markdown] lang="en"
# ## Perplexity, by hand
#
# A language model gives each possible next character a probability, given all before it. By the product rule, the
# probability of a text $c_1 \dots c_T$ is
#
# $$P(c_1 \dots c_T) = \prod_{t=1}^{T} p(c_t \mid c_1 \dots c_{t-1}) .$$
#
# Take three characters to which a model gave $\tfrac12$, $\tfrac14$ and $\tfrac18$. Together that is $\tfrac1{64}$, the same
# as if it had given each of them $\tfrac14$: it was as unsure as if it chose among **4** equally likely characters. This
# number is the **perplexity**. In general, with logarithms because the product of a whole book is too small for a computer,
#
# $$\text{perplexity} = \exp\Bigl(-\frac1T \sum_{t=1}^{T} \ln p(c_t \mid c_1 \dots c_{t-1})\Bigr) .$$
#
# In the exponent stands the **cross-entropy**, the loss that we minimize. A network gives not probabilities but **logits**
# $z$, any numbers at all, and $p_i = e^{z_i} / \sum_j e^{z_j}$, the *softmax*. Here logits are chosen so that the three characters
# get just these probabilities:

# %% [markdown] lang="zh"
# ## 困惑度：先手算
#
# 语言模型根据前面所有字符，给每个可能的下一个字符一个概率。由乘法公式，一段文本 $c_1 \dots c_T$ 的概率是
#
# $$P(c_1 \dots c_T) = \prod_{t=1}^{T} p(c_t \mid c_1 \dots c_{t-1}) .$$
#
# 设模型给三个字符的概率是 $\tfrac12$、$\tfrac14$、$\tfrac18$。乘起来是 $\tfrac1{64}$，和每个都给 $\tfrac14$ 一样：
# 它的犹豫程度，相当于在 **4** 个等可能的字符里挑一个。这个数就叫**困惑度**（perplexity）。一整本书的乘积小得计算机存不下，
# 所以用对数来写：
#
# $$\text{perplexity} = \exp\Bigl(-\frac1T \sum_{t=1}^{T} \ln p(c_t \mid c_1 \dots c_{t-1})\Bigr) .$$
#
# 指数上的那个数是**交叉熵**，也就是我们要最小化的损失。网络给出的不是概率，而是 **logits** $z$，可以是任意的数，
# 再由 $p_i = e^{z_i} / \sum_j e^{z_j}$（即 **softmax**）变成概率。下面选的 logits 恰好让三个字符得到上述概率：

# %%
p = [[1 / 2, 1 / 4, 1 / 4], [1 / 4, 1 / 4, 1 / 2], [1 / 8, 3 / 8, 1 / 2]]
logits = Tensor(np.log(p), requires_grad=True)
came = [0, 1, 0]  # the characters that came; they had 1/2, 1/4 and 1/8
loss = nn.cross_entropy(logits, came)
loss.backward()
print("by the engine:", perplexity(loss.item()))
print("by hand:      ", 64 ** (1 / 3))
print("gradient, times T = 3:\n", 3 * logits.grad)

# %% [markdown] lang="en"
# The gradient is worth a look: row by row it is $p_i - 1$ at the character that came and $p_i$ elsewhere. Push up what came,
# push down the rest, each by how wrong it was.
#
# **Exercise 1.** Write the perplexity. `z[t]` are the logits at step $t$, `y[t]` is the id that came. Subtract each row's
# maximum before the exponential: $e^{1000}$ is more than a computer can hold, and the quotient doesn't change.
# (`a[np.arange(len(y)), y]` picks the entry `y[t]` of each row `t` of `a`.)

# %% [markdown] lang="zh"
# 这个梯度值得看一眼：每一行里，来的那个字符处是 $p_i - 1$，其余是 $p_i$。把来了的往上推，把没来的往下压，错多少推多少。
#
# **练习 1.** 写出困惑度。`z[t]` 是第 $t$ 步的 logits，`y[t]` 是实际来的 id。取指数之前，先减去每一行的最大值：
# $e^{1000}$ 计算机存不下，而商不会因此改变。（`a[np.arange(len(y)), y]` 从 `a` 的每一行 `t` 取出第 `y[t]` 个元素。）


# %% tags=["exercise"]
def perplexity_of(z, y):
    z = z - z.max(axis=1, keepdims=True)
    log_p = ...  # of every character, at every step
    return ...


check_perplexity(perplexity_of)


# %% tags=["solution"]
def perplexity_of(z, y):
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return np.exp(-log_p[np.arange(len(y)), y].mean())


check_perplexity(perplexity_of)

# %% [markdown] lang="en"
# ## What counting alone reaches
#
# Before we train anything: how good is a table? An **n-gram** model looks at the last $n - 1$ characters and asks what
# came after them in the training text. The trouble is what has never been seen: it would get probability 0, and the
# perplexity would be infinite. So take a bit, $D$, from each count and give it to the model with one character less,
#
# $$p(c \mid h) = \frac{\max(\text{count}(hc) - D,\, 0) + D\,T(h)\,p(c \mid h')}{\sum_{c'} \text{count}(hc')} .$$
#
# $T(h)$ is the number of different characters seen after $h$, and $h'$ is $h$ without its first character. (Where $h$ itself
# was never seen, $p(c \mid h')$ answers alone.) By hand: after $h$ came *a* twice, *b* once, *c* never; $D = \tfrac34$, and the shorter context says
# $(\tfrac12, \tfrac14, \tfrac14)$. Two characters gave $\tfrac34$ each, so $\tfrac32$ is shared out:
#
# $$p = \tfrac13\,\bigl(\tfrac54 + \tfrac34,\;\; \tfrac14 + \tfrac38,\;\; 0 + \tfrac38\bigr)
# = \bigl(\tfrac{16}{24}, \tfrac{5}{24}, \tfrac{3}{24}\bigr) .$$
#
# **Exercise 2.** Write it for all characters at once. `counts[c]` says how often `c` came after $h$, `lower[c]` is
# $p(c \mid h')$.

# %% [markdown] lang="zh"
# ## 光靠计数能走多远
#
# 先别急着训练：一张表能做到什么程度？**n 元模型**（n-gram）只看最后 $n - 1$ 个字符，查训练文本里它们后面跟过什么。
# 麻烦在于没见过的字符：概率会是 0，困惑度就成了无穷大。所以从每个计数里扣下一点 $D$，交给少看一个字符的模型：
#
# $$p(c \mid h) = \frac{\max(\text{count}(hc) - D,\, 0) + D\,T(h)\,p(c \mid h')}{\sum_{c'} \text{count}(hc')} .$$
#
# $T(h)$ 是 $h$ 之后出现过的不同字符的个数，$h'$ 是 $h$ 去掉第一个字符。（$h$ 本身没出现过时，就由 $p(c \mid h')$ 独自作答。）手算：$h$ 后面 *a* 来过两次，*b* 一次，*c* 没来过；
# $D = \tfrac34$，较短的上文给出 $(\tfrac12, \tfrac14, \tfrac14)$。两个字符各交出 $\tfrac34$，于是有 $\tfrac32$ 可分：
#
# $$p = \tfrac13\,\bigl(\tfrac54 + \tfrac34,\;\; \tfrac14 + \tfrac38,\;\; 0 + \tfrac38\bigr)
# = \bigl(\tfrac{16}{24}, \tfrac{5}{24}, \tfrac{3}{24}\bigr) .$$
#
# **练习 2.** 一次写出所有字符的概率。`counts[c]` 是 `c` 在 $h$ 之后出现的次数，`lower[c]` 是 $p(c \mid h')$。


# %% tags=["exercise"]
def discounted(counts, lower, D):
    T = ...  # how many different characters were counted
    return ...


check_discounted(discounted)


# %% tags=["solution"]
def discounted(counts, lower, D):
    T = np.sum(counts > 0)
    return (np.maximum(counts - D, 0) + D * T * lower) / counts.sum()


check_discounted(discounted)

# %% [markdown] lang="en"
# `nn.ngram` does this for whole texts, in the form of Kneser and Ney: for the shorter contexts it counts in how *many
# different* places a character has stood, not how often. These perplexities on the unread tenth are the floors for our
# network. Order 0 knows nothing, order 1 only how frequent each character is:

# %% [markdown] lang="zh"
# `nn.ngram` 对整篇文本做这件事，用的是 Kneser–Ney 的形式：对较短的上文，它数的是一个字符在**多少种不同**的地方出现过，而不是出现了多少次。
# 下面是在没读过的那十分之一上的困惑度，也就是我们的网络要超过的底线。0 阶一无所知，1 阶只知道每个字符的频率：

# %%
floors = nn.ngram.floors(train_ids, validation_ids, len(vocabulary), range(8))
for n, value in floors.items():
    print(f"order {n}: perplexity {value:5.2f}")

# %% [markdown] lang="en"
# ## The model
#
# Each character becomes a learned vector, its *embedding*, an LSTM reads the vectors one after the other, and a linear map turns its state
# into 70 logits, one for each character that might come next. The target is the text itself, one step further on. Here with a tiny
# model and four characters, so that it fits into a picture:

# %% [markdown] lang="zh"
# ## 模型
#
# 每个字符变成一个学出来的向量，即它的**嵌入**（embedding），LSTM 一个接一个地读这些向量，再由一个线性映射把它的状态变成 70 个 logits，每个可能的下一个字符一个。
# 目标就是文本自己，往后错一位。下面用一个极小的模型和四个字符，好放进一张图里：

# %%
tiny = nn.LanguageModel(len(vocabulary), 3, 2, rng=np.random.default_rng(0))
x, y = train_ids[4:8], train_ids[5:9]
print("reads", repr(vocabulary.decode(x)), "  is to say", repr(vocabulary.decode(y)))
logits, _ = tiny(x[:, None])
loss = nn.cross_entropy(logits[:, 0], y)
loss.backward()
print(f"perplexity before training: {perplexity(loss.item()):.1f}")
draw(loss, names={"loss": loss}, max_width=1100)

# %% [markdown] lang="en"
# From left to right goes time (two of the four steps are folded into the box in the middle), through it the state: $h$ in
# pink, the memory $c$ in blue. All four predictions count equally in the loss. Before training the model hesitates among
# all 70 characters, as it should.
#
# ## Training, a window at a time
#
# A graph over the whole book would have 161,000 time steps. Instead we read in **windows** of 32 characters. The state is
# handed from one window to the next, so what is remembered may come from further back; but it is *detached* in between, so no
# gradient crosses the border. That is the truncated backpropagation through time of lesson 5. To keep NumPy busy, 32 places
# of the book are read side by side, a *batch*: arrays of shape (steps, batch). The book is read five times, in five *epochs*.
# Three more tools: Adam, which gives each weight a step size of its own; a learning rate (lesson 3's `rate`) that falls along a
# cosine; and the clipping of gradients whose norm is above 1.

# %% [markdown] lang="zh"
# 从左到右是时间（四步中有两步折叠在中间的方框里），穿过它的是状态：粉色的 $h$，蓝色的记忆 $c$。四个预测在损失里分量相同。
# 训练之前，模型在全部 70 个字符之间犹豫，理应如此。
#
# ## 训练：一次一个窗口
#
# 整本书的图会有 16.1 万个时间步。所以我们按 32 个字符的**窗口**来读。状态从一个窗口交给下一个，因此记住的东西可以来自更远处；
# 但中间做了 detach，梯度不会越过边界。这就是第 5 课所说的截断。为了不让 NumPy 闲着，
# 书的 32 处并排着读，叫作一**批**（batch）：数组的形状是（步数，批量）。全书读五遍，即五个 **epoch**。
# 另外还有三样工具：Adam，给每个权重自己的步长；沿余弦下降的学习率（就是第 3 课的 `rate`）；
# 以及梯度裁剪，把范数超过 1 的梯度缩回来。

# %%
EPOCHS, STEPS, BATCH, RATE = 5, 32, 32, 0.01
model = nn.LanguageModel(len(vocabulary), 128, 32, rng=np.random.default_rng(0))
optimizer = nn.optim.Adam(model.parameters(), betas=(0.9, 0.99))
batches = list(windows_in_order(train_ids, BATCH, STEPS))
steps, losses, after_epoch = EPOCHS * len(batches), [], []
for epoch in range(EPOCHS):
    state = None
    for x, y in batches:
        optimizer.lr = RATE * (1 + math.cos(math.pi * len(losses) / steps)) / 2
        logits, state = model(x, state)
        state = nn.bptt.detach(state)
        loss = nn.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        nn.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    after_epoch.append(perplexity(evaluate(model, validation_ids)))
    print(f"epoch {epoch + 1}: perplexity {after_epoch[-1]:.2f} on the unread tenth")

# %%
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
axes.plot(np.exp(losses), linewidth=0.7, label="training, window by window")
ends = len(batches) * np.arange(1, EPOCHS + 1)
axes.plot(ends, after_epoch, "o-", label="validation")
for n in (2, 3, 4, 5):
    axes.axhline(floors[n], color="gray", linewidth=0.8, linestyle="--")
    axes.text(steps * 1.01, floors[n], f"{n}-gram", va="center", fontsize=8)
axes.set(xlabel="step", ylabel="perplexity", yscale="log", xlim=(0, steps))
axes.set_ylim(3.8, 25)
axes.set_yticks([4, 5, 7, 10, 15, 20], [4, 5, 7, 10, 15, 20])
axes.minorticks_off()
axes.legend()
plt.show()

# %% [markdown] lang="en"
# After half a minute the network is past the 4-gram on the unread tenth (*validation*), though not past the 5-gram: where there is so little text, counting is
# a strong opponent. Twice as many units get further: `make demo` (about three minutes) trains 256 and reaches 4.3, below
# the 5-gram's 4.54.
#
# ## Let it write
#
# To write, draw a character with the probabilities that the model gives, feed it back as the next input, and so on. With a
# **temperature** $\tau$ one makes it bolder or more careful:
#
# $$p_i = \frac{e^{z_i / \tau}}{\sum_j e^{z_j / \tau}} .$$
#
# By hand, for $z = (2, 1, 0)$: at $\tau = 1$ the weights are $e^2 : e : 1$, which gives $(0.67, 0.24, 0.09)$. At
# $\tau = \tfrac12$ they are $e^4 : e^2 : 1$, and $(0.87, 0.12, 0.02)$: the likely gets likelier. As $\tau \to 0$ the
# likeliest takes all; as $\tau \to \infty$ all become equal.
#
# **Exercise 3.** Write it for an array `z`. Mind large logits, as before.

# %% [markdown] lang="zh"
# 半分钟之后，在没读过的十分之一（validation）上，网络超过了 4 元模型，但还没超过 5 元模型：文本这么少，计数是个强劲的对手。
# 单元加一倍，就能走得更远：`make demo`（约三分钟）训练 256 个单元，达到 4.3，低于 5 元模型的 4.54。
#
# ## 让它写
#
# 写作的办法：按模型给出的概率抽一个字符，把它当作下一个输入喂回去，如此反复。用一个**温度** $\tau$ 可以让它更大胆或更谨慎：
#
# $$p_i = \frac{e^{z_i / \tau}}{\sum_j e^{z_j / \tau}} .$$
#
# 手算 $z = (2, 1, 0)$：$\tau = 1$ 时权重之比为 $e^2 : e : 1$，即 $(0.67, 0.24, 0.09)$；$\tau = \tfrac12$ 时为
# $e^4 : e^2 : 1$，即 $(0.87, 0.12, 0.02)$：可能的变得更可能。$\tau \to 0$ 时，最可能的独占；$\tau \to \infty$ 时，大家均等。
#
# **练习 3.** 对数组 `z` 写出它。和前面一样，当心很大的 logits。


# %% tags=["exercise"]
def with_temperature(z, tau):
    p = ...
    return p


check_temperature(with_temperature)


# %% tags=["solution"]
def with_temperature(z, tau):
    p = np.exp((z - z.max()) / tau)
    return p / p.sum()


check_temperature(with_temperature)

# %% [markdown] lang="en"
# What comes after "The Time Trav"? And after "The Time Traveller "? The model is sure of the first and leaves the second open:

# %% [markdown] lang="zh"
# “The Time Trav” 后面是什么？“The Time Traveller ” 后面呢？前者模型很有把握，后者它留有余地：

# %%
figure, panels = plt.subplots(2, 1, figsize=(8, 4.4), layout="constrained")
for axes, prefix in zip(panels, ("The Time Trav", "The Time Traveller ")):
    with no_grad():
        logits, _ = model(vocabulary.encode(prefix)[:, None])
    z = logits.data[-1, 0].astype(float)
    top = np.argsort(-z)[:16]
    for i, tau in enumerate((0.5, 1.0, 2.0)):
        p = np.exp((z - z.max()) / tau)
        axes.bar(
            np.arange(16) + 0.27 * (i - 1), (p / p.sum())[top], 0.27, label=f"τ = {tau}"
        )
    axes.set_xticks(range(16), [repr(vocabulary.symbols[i])[1:-1] for i in top])
    axes.set(title=f"after {prefix!r}", ylabel="probability", ylim=(0, 1))
panels[0].legend()
plt.show()

# %%
for tau in (0.0, 0.5, 1.0, 1.5):
    written = generate(
        model, vocabulary, "The Time Traveller", 160, tau, np.random.default_rng(1)
    )
    print(f"τ = {tau}:\n{written}\n")

# %% [markdown] lang="en"
# At 0 it runs in a circle: after "the sun" the likeliest is "the sun". At 0.5 most words are words. At 1, where it draws as it
# believes the book was written, it invents many; at 1.5 spelling goes. None of it means anything.
#
# ## How far does anything reach?
#
# Two questions. First: **which gradients flow how far?** Take one prediction, at character 100, and the norm of the gradient of
# its loss with respect to the state at each earlier character, $\lVert \partial L_{100} / \partial h_t \rVert$ and
# $\lVert \partial L_{100} / \partial c_t \rVert$. `nn.bptt.gradient_norms` finds the states in the graph. Beside our
# model: the same before its training, and a plain RNN, also untrained. (float64, so that small numbers are still numbers.)

# %% [markdown] lang="zh"
# 温度为 0 时它在原地打转：“the sun” 后面最可能的还是 “the sun”。0.5 时多数词都是真词。1 是按它心目中这本书的写法来抽，
# 会生造许多词；到 1.5，拼写就散了。这些话都没有意义。
#
# ## 一切能追溯多远
#
# 两个问题。其一：**哪些梯度能流多远？** 取第 100 个字符处的一个预测，看它的损失对之前每个字符处的状态的梯度范数：
# $\lVert \partial L_{100} / \partial h_t \rVert$ 和 $\lVert \partial L_{100} / \partial c_t \rVert$。
# `nn.bptt.gradient_norms` 会在图里找到这些状态。与我们的模型并排的，是它训练之前的样子，和一个同样没训练过的普通 RNN。
# （用 float64，这样很小的数也还是数。）

# %%
wide = {"rng": np.random.default_rng(0), "dtype": np.float64}
models = {
    "RNN, untrained": nn.LanguageModel(len(vocabulary), 128, 32, "rnn", **wide),
    "LSTM, untrained": nn.LanguageModel(len(vocabulary), 128, 32, **wide),
    "LSTM, trained": nn.LanguageModel(len(vocabulary), 128, 32, **wide),
}
models["LSTM, trained"].load_state_dict(
    {name: p.astype(np.float64) for name, p in model.state_dict().items()}
)
x, y = validation_ids[:100], validation_ids[1:101]
norms = {}
for name, each in models.items():
    logits, _ = each(x[:, None])
    loss = nn.cross_entropy(logits[-1], y[-1:])
    for path, values in nn.bptt.gradient_norms(loss).items():
        norms[f"{name}: {path[-1]}"] = values
    for path, gate in nn.bptt.gate_saturation(loss).items() if "LSTM" in name else ():
        if path.endswith("f"):  # above 0.9 counts as open
            often = np.sum(gate.right > 0.5)
            print(f"{name}: {often} of 128 forget gates are open most of the time")
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
plot_gradient_norms(norms, axes)
plt.show()

# %% [markdown] lang="en"
# Read it from the right. Untrained, all fall by a constant factor per step, as lesson 5 said: straight lines on this scale, the
# RNN's the steepest. The trained LSTM falls as fast at first, since the last few characters decide, but then levels off: many
# of its memory cells have learned to keep their forget gates open most of the time, and along these the gradient goes on, thin
# but alive, for a whole line of the book. At the border of a training window of 32 characters it would have been cut:

# %% [markdown] lang="zh"
# 从右往左读。没训练过的模型，每退一步乘一个常数因子，正如第 5 课所说：在这个刻度下是直线，RNN 的最陡。训练过的 LSTM
# 起初降得一样快，因为起决定作用的是最后几个字符；但随后就平缓下来：不少记忆单元学会了在多数时候让遗忘门开着，梯度就沿着它们继续走，
# 细若游丝却没有断，能走过书里的整整一行。若在训练时，到了 32 个字符的窗口边界，它就被切断了：

# %%
state = None
for part in (slice(0, 68), slice(68, 100)):  # the last window has 32 characters
    logits, state = models["LSTM, trained"](x[part, None], nn.bptt.detach(state))
loss = nn.cross_entropy(logits[-1], y[-1:])
(cut,) = (v for path, v in nn.bptt.gradient_norms(loss).items() if path.endswith("c"))
full = norms["LSTM, trained: c"]
print(f"steps in the graph: {len(cut)} of {len(full)}")
print("the same over these steps:", np.allclose(cut, full[-32:]))
print(f"norm where it is cut, relative to the last step: {full[-33] / full[-1]:.1e}")

# %% [markdown] lang="en"
# What the truncation cuts off is tiny, and yet it is all that there is to learn from about the distant past. So the second
# question:
# **how much context does the model use?** Give it only the last $k$ characters, from an empty state, and see how well it
# predicts the next one. An n-gram has $k = n - 1$, so both fit into one plot. (2,000 characters of the unread tenth.)

# %% [markdown] lang="zh"
# 被截掉的部分很小，但关于久远的过去，能学的也只有这些。于是有第二个问题：**模型用到了多少上文？** 从空状态开始，
# 只给它最后 $k$ 个字符，看它猜下一个猜得多准。n 元模型相当于 $k = n - 1$，所以两者可以画在一张图里。（取未读部分的 2000 个字符。）

# %%
contexts, by_model = [1, 2, 3, 4, 6, 8, 16, 32, 64], []
for k in contexts:
    x, y = windows(validation_ids, 64 - k, 2064 - k, k)
    with no_grad():
        logits, _ = model(x.T)
        by_model.append(perplexity(nn.cross_entropy(logits[-1], y[:, -1]).item()))
by_counting = []
for n in range(2, 8):
    p = nn.ngram.probabilities(train_ids, validation_ids[:2064], len(vocabulary), order=n)
    by_counting.append(perplexity(-np.log(p[64:]).mean()))
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
axes.plot(contexts, by_model, "o-", label="our LSTM")
axes.plot(range(1, 7), by_counting, "s--", label="n-grams")
axes.set(xscale="log", xlabel="characters of context, k", ylabel="perplexity")
axes.set_xticks(contexts, contexts)
axes.minorticks_off()
axes.legend()
plt.show()

# %% [markdown] lang="en"
# The two pictures agree: up to about eight characters each one helps, and what stands further back does nothing for this model,
# although its state carries it and a little gradient arrives from there. And given the same few characters, counting is
# better: a table has nothing to learn. (A little of the gap at small $k$ is unfair: an empty state is rare in the network's
# training.) Where the LSTM wins, with 256 units, it does so because it need not have *seen* a context to make use of it.
#
# **Where to go next.** Change one thing and run it again: `"gru"` or `"rnn"` as the cell of the model, windows of 8 or 64, 256
# units. `chalkgrad train my_book.txt` trains on a text of yours and prints the same floors beside its perplexity.
# [Lesson 7](07_sentiment.ipynb) lets the same network judge instead of write. Elsewhere: Andrej Karpathy's essay
# [The Unreasonable Effectiveness of Recurrent Neural Networks](https://karpathy.github.io/2015/05/21/rnn-effectiveness/), and
# the chapter on [recurrent networks](https://d2l.ai/chapter_recurrent-neural-networks/index.html) in *Dive into Deep Learning*,
# which trains on this same book.

# %% [markdown] lang="zh"
# 两张图说的是一回事：大约八个字符以内，多一个就多一分用处；再往前的，对这个模型就不起作用了，尽管状态里带着它们，
# 也有一点点梯度从那里传来。而给同样几个字符，计数做得更好：一张表什么也不用学。
# （$k$ 很小时的差距有一点不公平：训练时很少遇到空状态。）256 个单元的 LSTM 之所以能赢，是因为它不必**见过**某段上文，也能利用它。
#
# **接下来。** 改动一处，再跑一遍：把模型的单元换成 `"gru"` 或 `"rnn"`，窗口换成 8 或 64，单元换成 256 个。
# `chalkgrad train my_book.txt` 会在你自己的文本上训练，并把同样的底线印在困惑度旁边。
# [第 7 课](07_sentiment.ipynb)让同样的网络不写作，改当评委。延伸阅读：Andrej Karpathy 的文章
# [The Unreasonable Effectiveness of Recurrent Neural Networks](https://karpathy.github.io/2015/05/21/rnn-effectiveness/)，
# 以及《动手学深度学习》的[循环神经网络](https://zh.d2l.ai/chapter_recurrent-neural-networks/index.html)一章，训练用的是同一本书。
