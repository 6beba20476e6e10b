"""Does our LSTM judge texts as well as counting words does, and as PyTorch's?

As `chalkgrad train --task sentiment` trains it, with the settings it has by itself: a fifth of the texts is set apart
with the seed to test with, a tenth of the others chooses the epoch. Naive Bayes counts in all that are not set apart.

    python benchmarks/sentiment.py              # uci_sentiment, seeds 0 to 4, both poolings
    python benchmarks/sentiment.py rt 0         # rt_polarity, one seed
"""

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from nn import naive_bayes, reviews
from nn.sentiment_run import SentimentRun, SentimentSettings, evaluate
from nn.train import train


def measure(source: str, pooling: str, seed: int) -> tuple[float, float, float]:
    """Train once; return the accuracy on the texts set apart, naive Bayes' on the same, and the seconds it took."""
    run = SentimentRun(reviews.read(source), SentimentSettings(pooling=pooling, seed=seed))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        path = Path(folder, "model.safetensors")
        train(run, path)
        model, _, _ = SentimentRun.load(path)
    seconds = time.perf_counter() - began
    return evaluate(model, *run.encode(run.test))[1], naive_bayes.accuracy(*run.learned, *run.test), seconds


if __name__ == "__main__":
    source = sys.argv[1] if len(sys.argv) > 1 else "uci"
    seeds = [int(seed) for seed in sys.argv[2:]] or range(5)
    for pooling in ("last", "mean"):
        rows = []
        for seed in seeds:
            rows.append(measure(source, pooling, seed))
            right, floor, seconds = rows[-1]
            print(
                f"{source} {pooling} seed {seed}: {right:.1%}, naive Bayes {floor:.1%}  ({seconds:.0f} s)", flush=True
            )
        right, floor, seconds = np.mean(rows, axis=0)
        print(
            f"{source} {pooling} mean of {len(rows)}: {right:.1%}, naive Bayes {floor:.1%}  ({seconds:.0f} s)",
            flush=True,
        )
