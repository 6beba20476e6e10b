# %% [markdown] lang="en"
# # 7. Sentiment
#
# **Goal.** Turn a sentence into one number, the probability that its opinion is positive, hold it against plain counting, and
# ask the gradient which words decided.
#
# You need: lessons 4 and 5; lesson 6 helps. You get: texts of different lengths in one batch, done right, and a way to question a
# network. About 60 minutes.

# %% [markdown] lang="zh"
# # 7. 情感分类
#
# **目标。** 把一句话变成一个数：它表达的看法是正面的概率；拿它与单纯的计数比一比；再问一问梯度，是哪些词说了算。
#
# 预备知识：第 4、5 课；学过第 6 课更好。学完之后：你会正确地把长短不一的文本放进一个批次，还会盘问一个网络。大约 60 分钟。

# %%
import matplotlib.pyplot as plt
import numpy as np

import nn
from autograd import Tensor, draw, grad
from checks.lesson_07 import (
    check_by_word,
    check_last_state,
    check_mean_pooling,
    check_word_weights,
)
from nn import heat, naive_bayes, reviews
from nn.plot import plot_gradient_norms
from nn.sentiment_run import evaluate
from nn.words import WordVocabulary, batches_by_length, pad, words

# %% [markdown] lang="en"
# ## Opinions as data
#
# 3,000 sentences from three sites, about phones, films and restaurants, half of them positive (1), half negative (0). A fifth is
# held out. Each word becomes an **id**; a word that occurs only once is `<unk>`, unknown. If you have IMDB's 50,000 reviews
# (the file `aclImdb_v1.tar.gz`, 84 MB, from [Stanford](https://ai.stanford.edu/~amaas/data/sentiment/)), write its path
# instead of `"uci"`; the end of the lesson says how long it takes.

# %% [markdown] lang="zh"
# ## 作为数据的看法
#
# 来自三个网站的 3000 个句子，谈手机、电影和餐馆，一半正面（1），一半负面（0）。五分之一留作测试。每个词变成一个 **id**；
# 只出现过一次的词算作 `<unk>`，即未知。如果你有 IMDB 的 5 万条影评（[斯坦福大学](https://ai.stanford.edu/~amaas/data/sentiment/)的
# `aclImdb_v1.tar.gz`，84 MB），就把 `"uci"` 换成它的路径；课末会说要花多久。

# %%
SOURCE = "uci"  # or "rt", 10,662 snippets of film reviews, or the path of aclImdb_v1.tar.gz
train, test = reviews.read(SOURCE)
if test is None:
    train, test = reviews.split(train, 0.2, np.random.default_rng(0))
vocabulary = WordVocabulary.from_texts(train.texts, 10_000)
for text, label in zip(train.texts[:3], train.labels):
    print(label, text[:200])
ids = vocabulary.encode(train.texts[0])[:6]
print(f"{len(vocabulary):,} words;", *zip(ids.tolist(), vocabulary.decode(ids)))

# %% [markdown] lang="en"
# ## The floor: count words
#
# **Naive Bayes** weighs each word by how much more often it stands in positive texts than in negative ones, and adds up. With
# $n_k(w)$ the count of word $w$ in class $k$, $n_k$ the count of all words there and $V$ the number of different words,
#
# $$\text{weight}(w) = \ln\frac{n_1(w) + 1}{n_1 + V} - \ln\frac{n_0(w) + 1}{n_0 + V} .$$
#
# By hand: positive are *good phone* and *good*, negative is *bad phone*. So $V = 3$, $n_1 = 3$, $n_0 = 2$, and *good* weighs
# $\ln\tfrac36 - \ln\tfrac15 = \ln 2.5 = 0.92$, *phone* $\ln\tfrac26 - \ln\tfrac25 = -0.18$, *bad* $\ln\tfrac16 - \ln\tfrac25
# = -0.88$. Two texts of three were positive, which adds $\ln\tfrac21 = 0.69$. A text *good phone* has
# $0.69 + 0.92 - 0.18 = 1.43$: positive. (Naive: as if words came independently of each other. The 1 that is added keeps a word that
# one class never used from deciding alone.)

# %% [markdown] lang="zh"
# ## 底线：数词
#
# **朴素贝叶斯**给每个词一个权重：它在正面文本里比在负面文本里常见多少；然后加起来。记 $n_k(w)$ 为词 $w$ 在类别 $k$ 中的次数，
# $n_k$ 为该类别的总词数，$V$ 为不同词的个数：
#
# $$\text{weight}(w) = \ln\frac{n_1(w) + 1}{n_1 + V} - \ln\frac{n_0(w) + 1}{n_0 + V} .$$
#
# 手算：正面的是 *good phone* 和 *good*，负面的是 *bad phone*。于是 $V = 3$，$n_1 = 3$，$n_0 = 2$；*good* 的权重是
# $\ln\tfrac36 - \ln\tfrac15 = \ln 2.5 = 0.92$，*phone* 是 $\ln\tfrac26 - \ln\tfrac25 = -0.18$，*bad* 是
# $\ln\tfrac16 - \ln\tfrac25 = -0.88$。三句中有两句是正面的，再加 $\ln\tfrac21 = 0.69$。文本 *good phone* 得
# $0.69 + 0.92 - 0.18 = 1.43$：正面。（“朴素”是指假定词与词互不相关。加上的那个 1，是为了不让某一类从没用过的词一票定案。）

# %%
tiny_texts, tiny_labels = ["good phone", "good", "bad phone"], [1, 1, 0]
print(naive_bayes.log_odds(tiny_texts, tiny_labels, ["good phone", "bad"]).round(2))
floor = naive_bayes.accuracy(*train, *test)
print(f"on the sentences held out: {floor:.1%} right")

# %% [markdown] lang="en"
# **Exercise 1.** Write the weights of all words at once. `n_1[w]` and `n_0[w]` say how often word `w` stands in positive and in
# negative texts.

# %% [markdown] lang="zh"
# **练习 1.** 一次写出所有词的权重。`n_1[w]` 和 `n_0[w]` 是词 `w` 在正面和负面文本中出现的次数。


# %% tags=["exercise"]
def word_weights(n_1, n_0):
    V = len(n_1)
    return ...


check_word_weights(word_weights)


# %% tags=["solution"]
def word_weights(n_1, n_0):
    V = len(n_1)
    return np.log((n_1 + 1) / (n_1.sum() + V)) - np.log((n_0 + 1) / (n_0.sum() + V))


check_word_weights(word_weights)

# %% [markdown] lang="en"
# Counting can't tell "good, not bad" from "bad, not good": the same words, the same sum. A network that reads in order could.
#
# ## From words to vectors to a decision
#
# Each word's id picks a learned vector, its *embedding*, an LSTM reads the vectors, its states $h_1 \dots h_T$ become *one* vector for the text,
# and a linear map turns that into one number, the logit $z$. The text is positive with probability $\sigma(z)$. The loss is
# the negative logarithm of the probability of the truth $y$, and its gradient is as simple as it gets:
#
# $$L = -y \ln \sigma(z) - (1 - y) \ln\bigl(1 - \sigma(z)\bigr), \qquad \frac{\partial L}{\partial z} = \sigma(z) - y .$$
#
# By hand: at $z = \ln 3$, $\sigma(z) = \tfrac34$. If the text is positive, the loss is $\ln\tfrac43 = 0.288$ and the
# gradient $-\tfrac14$; if it is negative, $\ln 4 = 1.386$ and $\tfrac34$.

# %% [markdown] lang="zh"
# 计数分不清 “good, not bad” 和 “bad, not good”：词一样，和也一样。按次序读的网络有可能分清。
#
# ## 从词到向量，再到判断
#
# 每个词的 id 取出一个学出来的向量，即它的**嵌入**（embedding），LSTM 逐个读这些向量，它的状态 $h_1 \dots h_T$ 合成代表整段文本的**一个**向量，
# 再由线性映射变成一个数，即 logit $z$。文本为正面的概率是 $\sigma(z)$。损失是真实答案 $y$ 的概率的负对数，它的梯度再简单不过：
#
# $$L = -y \ln \sigma(z) - (1 - y) \ln\bigl(1 - \sigma(z)\bigr), \qquad \frac{\partial L}{\partial z} = \sigma(z) - y .$$
#
# 手算：$z = \ln 3$ 时 $\sigma(z) = \tfrac34$。如果文本是正面的，损失为 $\ln\tfrac43 = 0.288$，梯度为 $-\tfrac14$；
# 如果是负面的，损失为 $\ln 4 = 1.386$，梯度为 $\tfrac34$。

# %%
for y in (1.0, 0.0):
    z = Tensor(np.log(3.0), requires_grad=True)
    loss = nn.binary_cross_entropy_with_logits(z, y)
    loss.backward()
    print(f"y = {y:.0f}:  L = {loss.item():.3f}   ∂L/∂z = {z.grad:.2f}")

# %% [markdown] lang="en"
# The whole classifier, tiny, on a text of three words:

# %% [markdown] lang="zh"
# 整个分类器，缩到极小，读一个三个词的句子：

# %%
tiny = nn.SentimentClassifier(len(vocabulary), 2, 2, rng=np.random.default_rng(0))
z = tiny(vocabulary.encode("not very good")[:, None])
loss = nn.binary_cross_entropy_with_logits(z, np.array([0.0]))
loss.backward()
draw(loss, names={"loss": loss})

# %% [markdown] lang="en"
# ## Two ways to make one vector out of many
#
# In the picture, only the **last state**, $h_3$, goes on to the decision. It has read everything, and must have remembered it; and
# on the way back the gradient (◀) shrinks from $h_3$ to $h_2$ to $h_1$. The other way: take the **mean** of all states. Then each
# word has a short path to the decision, and its gradient need not travel far. The difference, in networks that are not trained
# yet, on a hundred words:

# %% [markdown] lang="zh"
# ## 由多合一的两种办法
#
# 图中通向判断的只有**最后的状态** $h_3$：它读过了一切，但也得全都记住才行；而往回走时，梯度（◀）从 $h_3$ 到 $h_2$ 再到 $h_1$
# 越来越小。另一种办法是取所有状态的**平均**：
# 这样每个词到判断的路都很短，梯度不必走远。下面用还没训练过的网络读一百个词，看看差别：

# %%
ids = np.concatenate([vocabulary.encode(text) for text in train.texts[:10]])[:100]
norms = {}
for pooling in ("last", "mean"):
    model = nn.SentimentClassifier(
        len(vocabulary), 32, 32, pooling=pooling, rng=np.random.default_rng(0)
    )
    for path, values in nn.bptt.gradient_norms(model(ids[:, None]).sum()).items():
        if path.endswith("h"):
            norms[f"{pooling}: h"] = values
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
plot_gradient_norms(norms, axes)
plt.show()

# %% [markdown] lang="en"
# With the last state, a straight line as in lesson 5: what the first word's state gets is smaller than what the last one gets by
# a factor of $10^{20}$. With the mean, all get the same. On long texts this decides. Our sentences have a dozen words, so
# which way is better here is a question for an experiment. First, though, texts of different lengths.
#
# ## Padding, and why it must not matter
#
# The columns of an array are all equally long. Short texts are filled up with id 0, `<pad>`, and the true lengths are kept
# beside:

# %% [markdown] lang="zh"
# 取最后的状态，得到的是第 5 课里那样的直线：第一个词处的状态得到的梯度，比最后一个词处的小 $10^{20}$ 倍。取平均，则处处一样。
# 文本很长时，这一点举足轻重。
# 我们的句子只有十来个词，哪种办法更好，要由实验来回答。不过先得解决文本长短不一的问题。
#
# ## 补齐，以及为什么它不该有影响
#
# 数组里大家只能一样长。短文本用 id 0（`<pad>`）补齐，真实长度另外记下：

# %%
three = ["Great!", "Not very good at all.", "I like it."]
batch, lengths = pad([vocabulary.encode(text) for text in three])
print("lengths", lengths, " a row for each step, a column for each text:")
print(batch)

# %% [markdown] lang="en"
# By hand: a text of two words has the states 1 and 3, and, since another text in the batch has three words, a third one, 9,
# which means nothing. Its mean is $(1 + 3) / 2 = 2$, not $13/3$, and its last state is 3, not 9. A **mask**, 1 for a word
# and 0 for `<pad>`, says so in an array: $(1 \cdot 1 + 1 \cdot 3 + 0 \cdot 9) / (1 + 1 + 0) = 2$. And the gradient of what is
# multiplied by 0 is 0.
#
# **Exercise 2.** Write the mean of the states `h`, shape (T, B, H) for T steps, B texts and H entries of a state, over each
# text's own steps. Beyond a text's end `h` may hold anything. (`np.arange(T)[:, None]` is the column of the step numbers.)

# %% [markdown] lang="zh"
# 手算：一段两个词的文本，状态是 1 和 3；因为同批的另一段有三个词，它便有了第三个状态 9，毫无意义。它的平均是
# $(1 + 3) / 2 = 2$，不是 $13/3$；它最后的状态是 3，不是 9。用**掩码**（mask）可以把这写进数组，词为 1，`<pad>` 为 0：
# $(1 \cdot 1 + 1 \cdot 3 + 0 \cdot 9) / (1 + 1 + 0) = 2$。而乘过 0 的东西，梯度也是 0。
#
# **练习 2.** 写出状态 `h` 在每段文本自己那些步上的平均；`h` 的形状是 (T, B, H)，即 T 步、B 段文本、每个状态 H 个元素。
# 文本结束之后，`h` 里可能是任何东西。（`np.arange(T)[:, None]` 是由步数组成的一列。）


# %% tags=["exercise"]
def mean_pooling(h, lengths):
    mask = ...  # (T, B): which steps belong to which text
    return ...


check_mean_pooling(mean_pooling)


# %% tags=["solution"]
def mean_pooling(h, lengths):
    mask = np.arange(len(h))[:, None] < lengths
    return (h * mask[:, :, None]).sum(axis=0) / lengths[:, None]


check_mean_pooling(mean_pooling)

# %% [markdown] lang="en"
# **Exercise 3.** Write the state after each text's own last word, shape (B, H).

# %% [markdown] lang="zh"
# **练习 3.** 取每段文本读完自己最后一个词时的状态，形状为 (B, H)。


# %% tags=["exercise"]
def last_state(h, lengths):
    return ...


check_last_state(last_state)


# %% tags=["solution"]
def last_state(h, lengths):
    return h[lengths - 1, np.arange(len(lengths))]


check_last_state(last_state)

# %% [markdown] lang="en"
# The test that every such model must pass: **a text in a batch is judged as it is alone**. And what happens without the
# lengths: the LSTM reads `<pad>` as if it were a word, so what a text is worth depends on its neighbours.

# %% [markdown] lang="zh"
# 这类模型必须通过的检验：**一段文本放在批次里，判断要和单独放着时一样**。如果不给长度，LSTM 就会把 `<pad>` 当成词来读，
# 于是一段文本的得分竟取决于它的邻居。

# %%
for pooling in ("last", "mean"):
    model = nn.SentimentClassifier(
        len(vocabulary), 32, 32, pooling=pooling, rng=np.random.default_rng(1)
    )
    alone = [model(vocabulary.encode(text)[:, None]).item() for text in three]
    together = model(batch, lengths)
    together.sum().backward()
    print(pooling)
    print("  alone          ", np.round(alone, 5))
    print("  in a batch     ", together.data.round(5))
    print("  without lengths", model(batch).data.round(5))
    print("  largest gradient of <pad>:", np.abs(model.embedding.weight.grad[0]).max())

# %% [markdown] lang="en"
# ## Training
#
# Batches of 32 texts of about the same length, so that little is filled up. With 2,400 sentences and a vector to learn for each
# of 1,900 words, a network soon knows its texts by heart. **Dropout** works against that: in training, half of the entries of
# each word's vector are left out at random. To see how much is luck, each way is trained three times, from other first weights
# (a *seed*):

# %% [markdown] lang="zh"
# ## 训练
#
# 每批 32 段长度相近的文本，这样补齐的就少。2400 个句子，却要给 1900 个词各学一个向量，网络很快就会把文本背下来。
# **dropout** 用来对付这一点：训练时，每个词向量随机丢掉一半的分量。为了看清有多少是运气，每种办法都从不同的初始权重
# （不同的**种子**，seed）出发，训练三次：

# %%
EPOCHS, SEEDS = 6, 3
train_ids = [vocabulary.encode(text, 200) for text in train.texts]  # at most 200 words
test_ids = [vocabulary.encode(text, 200) for text in test.texts]
train_y, test_y = train.labels.astype(np.float32), test.labels.astype(np.float32)
sizes = [len(ids) for ids in train_ids]
models, curves = {}, {}
for pooling in ("last", "mean"):
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        model = nn.SentimentClassifier(
            len(vocabulary), 32, 32, pooling=pooling, dropout=0.5, rng=rng
        )
        optimizer = nn.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.99))
        curve = curves[pooling, seed] = []
        for _ in range(EPOCHS):
            for rows in batches_by_length(sizes, 32, rng):
                z = model(*pad([train_ids[row] for row in rows]))
                loss = nn.binary_cross_entropy_with_logits(z, train_y[rows])
                optimizer.zero_grad()
                loss.backward()
                nn.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            model.eval()
            texts = (train_ids, train_y), (test_ids, test_y)
            curve.append([evaluate(model, *part)[1] for part in texts])
            model.train()
        models[pooling, seed] = model.eval()
for pooling in ("last", "mean"):
    final = [curves[pooling, seed][-1][1] for seed in range(SEEDS)]
    print(f"{pooling}: {', '.join(f'{a:.1%}' for a in final)}, mean {np.mean(final):.1%}")
print(f"naive Bayes: {floor:.1%}")

# %%
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (pooling, seed), curve in curves.items():
    color = {"last": "C0", "mean": "C1"}[pooling]
    for part, style in enumerate((":", "-")):
        label = f"{pooling}, {('training', 'held out')[part]}" if seed == 0 else None
        accuracy = np.array(curve)[:, part]
        axes.plot(range(1, EPOCHS + 1), accuracy, style, color=color, label=label)
axes.axhline(floor, color="gray", linestyle="--", label="naive Bayes, held out")
axes.set(xlabel="epoch", ylabel="part judged right", xticks=range(1, EPOCHS + 1))
axes.legend()
plt.show()

# %% [markdown] lang="en"
# On average, neither way beats counting. The dotted lines say why: nearly all that was trained on is judged right. With so few texts, the
# networks learn the texts, not the language. And the difference between the two ways may be luck. Of 600 sentences, an accuracy of
# 80 % has a standard error of $\sqrt{0.8 \cdot 0.2 / 600} = 1.6\,\%$, and three seeds of the *same* way differ by more. Where
# texts have a dozen words, the far words are not far. (`benchmarks/sentiment.py` takes five splits and says the same: last
# state 80.4 %, mean 78.7 %, naive Bayes 82.6 %.)
#
# ## Does the order of words matter?

# %% [markdown] lang="zh"
# 平均来看，两种办法都没胜过计数。点线说明了原因：训练过的句子几乎全判对了。文本这么少，网络学会的是这些文本，而不是语言。
# 两种办法之间的差别，可能只是运气：600 个句子，80% 的正确率，标准误差是 $\sqrt{0.8 \cdot 0.2 / 600} = 1.6\,\%$，
# 而**同一种**办法的三个种子之间差得比这还多。句子只有十来个词，远处的词也远不到哪里去。（`benchmarks/sentiment.py`
# 用五种划分，结论相同：最后的状态 80.4%，平均 78.7%，朴素贝叶斯 82.6%。）
#
# ## 词的次序重要吗？

# %%
judge, other = models["last", 0], models["mean", 0]
sentences = [
    "The food was good, not bad.",
    "The food was bad, not good.",
    "Not bad at all!",
    "I love this phone, but the battery is terrible.",
]
counted = naive_bayes.log_odds(*train, sentences)
print("naive Bayes   last   mean")
for text, z in zip(sentences, counted):
    ids = vocabulary.encode(text)[:, None]
    print(f"{z:11.2f} {judge(ids).item():6.2f} {other(ids).item():6.2f}   {text}")
often = sum("not bad" in text.lower() for text in train.texts)
print(f"\nsentences with 'not bad' to learn from: {often}")

# %% [markdown] lang="en"
# Counting gives the first two the same number, as it must. The networks give them different ones: the order of words reaches them.
# But nothing good has come of it. Both take all of the first three for complaints, since *not* and *bad* stand in bad reviews,
# and of *not bad* there was a single example. What the texts don't show, no network learns.
#
# ## Which words decided?
#
# The logit $z$ is a function of the words' vectors $x_1 \dots x_T$, so ask its gradient. By how much would $z$ fall if the
# vector of word $t$ became 0? To first order, by
#
# $$s_t = \sum_d x_{td}\, \frac{\partial z}{\partial x_{td}} ,$$
#
# which is called *gradient × input* ([Shrikumar et al., 2016](https://arxiv.org/abs/1605.01713)). Positive where the word speaks
# for "positive". By hand: let every word be one number, *not* $= -1$ and *bad* $= -2$, and the judge multiply,
# $z = x_1 x_2 = 2$. The gradients are $x_2 = -2$ and $x_1 = -1$, so $s_1 = (-1)(-2) = 2$ and $s_2 = (-2)(-1) = 2$.
# Without either of them $z$ would be 0, a fall by 2: right for both, although they don't add up to $z$.

# %% [markdown] lang="zh"
# 前两句，计数给出同一个数，只能如此。两个网络给出的不同：词的次序传到了它们那里。可是并没有带来什么好处：前三句都被它们当成了差评，
# 因为 *not* 和 *bad* 总出现在差评里，而 *not bad* 的例子只有一个。文本里没有的，网络学不到。
#
# ## 是哪些词说了算？
#
# logit $z$ 是各词向量 $x_1 \dots x_T$ 的函数，那就去问它的梯度。如果第 $t$ 个词的向量变成 0，$z$ 会下降多少？一阶近似是
#
# $$s_t = \sum_d x_{td}\, \frac{\partial z}{\partial x_{td}} ,$$
#
# 这叫**梯度 × 输入**（[Shrikumar 等，2016](https://arxiv.org/abs/1605.01713)）。词在为“正面”说话时，它是正的。
# 手算：设每个词只是一个数，*not* $= -1$，*bad* $= -2$，评委把它们相乘，$z = x_1 x_2 = 2$。梯度是 $x_2 = -2$ 和 $x_1 = -1$，
# 于是 $s_1 = (-1)(-2) = 2$，$s_2 = (-2)(-1) = 2$。去掉任何一个，$z$ 都成为 0，即下降 2：两个都说对了，
# 虽然它们加起来不等于 $z$。

# %%
x = Tensor([-1.0, -2.0], requires_grad=True)
z = x[0] * x[1]
z.backward()
print("gradient:", x.grad, "  times the input:", x.data * x.grad)

# %% [markdown] lang="en"
# **Exercise 4.** Write it. `judge(x)` gives $z$, a Tensor, for a Tensor of word vectors; `vectors` has the shape (T, D), T words
# of D numbers, and the result (T,).

# %% [markdown] lang="zh"
# **练习 4.** 写出它。给 `judge(x)` 一个由词向量组成的 Tensor，它就给出 Tensor $z$；`vectors` 的形状是 (T, D)，即 T 个词、每个 D 个数；
# 结果的形状是 (T,)。


# %% tags=["exercise"]
def by_word(judge, vectors):
    x = Tensor(vectors, requires_grad=True)
    dx = ...  # the gradient of judge(x) with respect to x, an array
    return ...


check_by_word(by_word)


# %% tags=["solution"]
def by_word(judge, vectors):
    x = Tensor(vectors, requires_grad=True)
    dx = grad(judge(x), [x])[0].data
    return (x.data * dx).sum(axis=1)


check_by_word(by_word)

# %% [markdown] lang="en"
# A trained classifier has it as `by_word`. Two of the sentences above, as the network with the last state reads them:

# %% [markdown] lang="zh"
# 训练好的分类器自带这个方法，就叫 `by_word`。上面的两个句子，取最后状态的网络是这样读的：

# %%
for text in sentences[2:]:
    names = [match[1] for match in words(text)]
    z, scores = judge.by_word(vocabulary.encode(text))
    print(f"z = {z:.2f}")
    print(heat.bars(names, scores.tolist()) + "\n")

# %% [markdown] lang="en"
# The second reads as one would hope: *love* for, *terrible* against, and more so. In the first, the scores add up to $-1.1$, and $z$
# is $-4.4$: the words say the same, so with any one of them gone the others still do. A small score doesn't prove that a word
# had no part.
#
# How good is the first order? Set each word's vector to 0 in turn, and read again:

# %% [markdown] lang="zh"
# 第二句读得正如所愿：*love* 支持，*terrible* 反对，而且分量更重。第一句的各项加起来是 $-1.1$，而 $z$ 是 $-4.4$：
# 几个词说的是一回事，去掉任何一个，其余的照说不误。所以分数小，并不证明这个词没起作用。
#
# 一阶近似有多好？逐个把每个词的向量换成 0，重读一遍：

# %%
text = sentences[3]
names = [match[1] for match in words(text)]
x = judge.embedding(vocabulary.encode(text)[:, None]).data
z, scores = judge.by_word(vocabulary.encode(text))
falls = []
for t in range(len(x)):
    without = x.copy()
    without[t] = 0
    falls.append(z - judge.judge(Tensor(without)).item())
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
at = np.arange(len(names))
axes.bar(at - 0.2, scores, 0.4, label="gradient × input")
axes.bar(at + 0.2, falls, 0.4, label="fall of z without the word")
axes.axhline(0, color="gray", linewidth=0.8)
axes.set_xticks(at, names, rotation=40)
axes.set(ylabel="for (+) or against (−) positive")
axes.legend()
plt.show()

# %% [markdown] lang="en"
# Here the order of importance is right, and so are the signs. Where a word means much, the line that the gradient continues leaves the
# curve: σ and tanh bend. The gradient costs one backward pass for all words together; leaving out costs a forward pass for each.
# And both tell what moves *this network*, not what the sentence means.
#
# **Where to go next.** `chalkgrad train --task sentiment -o opinion.safetensors` trains such a judge, and
# `chalkgrad predict opinion.safetensors "Not bad at all!"` colours the words. On IMDB, set `EPOCHS, SEEDS = 3, 1`; that takes
# a quarter of an hour. There 25,000 long reviews teach a vector for each of 10,000 words, and naive Bayes with single words stands at 83.6 %
# ([Wang & Manning, 2012](https://aclanthology.org/P12-2018/)). [Lesson 8](08_inside_the_engine.ipynb) looks into the engine
# that did all of this.

# %% [markdown] lang="zh"
# 这里轻重次序没错，正负号也没错。一个词分量很重时，梯度所延伸的直线就离开了曲线：σ 和 tanh 是弯的。梯度只要一次反向传播，
# 所有词就都有了；逐个去掉则每个词都要前向算一遍。而两者说的都是什么在左右**这个网络**，不是句子是什么意思。
#
# **接下来。** `chalkgrad train --task sentiment -o opinion.safetensors` 训练一个这样的评委，
# `chalkgrad predict opinion.safetensors "Not bad at all!"` 给词涂上颜色。用 IMDB 时，设 `EPOCHS, SEEDS = 3, 1`，
# 大约需要一刻钟。那里有 25000 条长影评来教 10000 个词的向量，而只看单个词的朴素贝叶斯是 83.6%
# （[Wang 与 Manning，2012](https://aclanthology.org/P12-2018/)）。[第 8 课](08_inside_the_engine.ipynb)去看完成了这一切的引擎内部。
