"""Do RNN, LSTM and GRU read handwritten digits?

scikit-learn's digits: 1,797 images of 8 × 8 pixels, read row by row, 8 steps of 8 numbers; the last state decides. A
fifth is held out with the seed. 64 units, Adam with a learning rate of 0.005 that falls along a cosine to 0, batches of
32, 30 epochs, the gradient's norm clipped to 1, float32. Needs scikit-learn, for the images only: pip install
'.[digits]'.

    python benchmarks/digits.py             # seeds 0 to 4
    python benchmarks/digits.py 7           # another seed
"""

import sys
import time

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import nn
from autograd import no_grad

UNITS, LR, BATCH, EPOCHS, HELD_OUT = 64, 5e-3, 32, 30, 0.2


def accuracy(kind: str, seed: int) -> float:
    """Train one network; return the part of the digits held out that it recognizes."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    at = round(HELD_OUT * len(images))
    held_out, train = order[:at], order[at:]
    rnn = getattr(nn, kind)(8, UNITS, rng=rng, dtype=np.float32)
    linear = nn.Linear(UNITS, 10, rng=rng, dtype=np.float32)

    def logits(rows):
        output, _ = rnn(images[rows].swapaxes(0, 1))
        return linear(output[-1])

    optimizer = nn.optim.Adam([*rnn.parameters(), *linear.parameters()], LR)
    batches = -(-len(train) // BATCH)
    schedule = nn.optim.Schedule(optimizer, nn.optim.cosine_decay(EPOCHS * batches))
    for _ in tqdm(range(EPOCHS), desc=kind, leave=False, disable=None):
        for rows in np.array_split(rng.permutation(train), batches):
            optimizer.zero_grad()
            nn.cross_entropy(logits(rows), digits.target[rows]).backward(retain_graph=False)
            nn.clip_grad_norm_(optimizer.parameters, 1.0)
            optimizer.step()
            schedule.step()
    with no_grad():
        return float(np.mean(logits(held_out).data.argmax(axis=1) == digits.target[held_out]))


if __name__ == "__main__":
    seeds = [int(seed) for seed in sys.argv[1:]] or range(5)
    for kind in ("RNN", "LSTM", "GRU"):
        began = time.perf_counter()
        reached = [accuracy(kind, seed) for seed in seeds]
        seconds = (time.perf_counter() - began) / len(reached)
        print(f"{kind}: {', '.join(f'{right:.1%}' for right in reached)}  ({seconds:.1f} s each)", flush=True)
