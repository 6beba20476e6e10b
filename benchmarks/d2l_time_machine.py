"""Does an RNN of ours reach the perplexity that Dive into Deep Learning reports for The Time Machine?

The setting of its section 9.6, https://d2l.ai/chapter_recurrent-neural-networks/rnn-concise.html: the text as letters
a to z and spaces, one-hot, with <unk> as the 28th symbol; the overlapping windows of 32 characters that begin at
positions 0 to 9,999 for training, the next 5,000 for validation, each from a zero state; one layer of 32 units; batches
of 1,024 in a new order each epoch; SGD with learning rate 1; the gradient's norm clipped to 1; 100 epochs.

    python benchmarks/d2l_time_machine.py           # both cells, float32
    python benchmarks/d2l_time_machine.py rnn 1     # one cell, another seed
"""

import sys
import time

import numpy as np
from tqdm import tqdm

from autograd import no_grad
from nn import clip_grad_norm_, cross_entropy
from nn.language_model import LanguageModel
from nn.optim import SGD
from nn.text import Vocabulary, letters, perplexity, time_machine, windows

STEPS, UNITS, BATCH, EPOCHS, LR, CLIP = 32, 32, 1024, 100, 1.0, 1.0
REPORTED = {"rnn": 7.4}


def validation_perplexity(cell: str, seed: int) -> float:
    """Train one model and return its perplexity on the validation windows."""
    text = letters(time_machine())
    vocabulary = Vocabulary.from_text(text, unknown="<unk>")
    ids = vocabulary.encode(text)
    x, y = windows(ids, 0, 10_000, STEPS)
    x_validation, y_validation = windows(ids, 10_000, 15_000, STEPS)
    rng = np.random.default_rng(seed)
    model = LanguageModel(len(vocabulary), UNITS, None, cell, rng=rng)
    optimizer = SGD(model.parameters(), LR)
    for _ in tqdm(range(EPOCHS), desc=cell, leave=False, disable=None):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            logits, _ = model(x[rows].T)
            optimizer.zero_grad()
            cross_entropy(logits, y[rows].T).backward(retain_graph=False)
            clip_grad_norm_(optimizer.parameters, CLIP)
            optimizer.step()
    with no_grad():
        logits, _ = model(x_validation.T)
        return perplexity(cross_entropy(logits, y_validation.T).item())


if __name__ == "__main__":
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for cell in sys.argv[1:2] or ["rnn", "lstm"]:
        began = time.perf_counter()
        reached = validation_perplexity(cell, seed)
        reported = f"; D2L reports {REPORTED[cell]}" if cell in REPORTED else ""
        seconds = time.perf_counter() - began
        print(f"{cell}: validation perplexity {reached:.2f}{reported}  ({seconds:.0f} s, seed {seed})", flush=True)
