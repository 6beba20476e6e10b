"""Write docs/staged.md: functions, their gradients by hand, and the code that stage() makes of them."""

import inspect
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests" / "autograd")]

from staging.derivations import EXAMPLES, Example, cell, column, rnn, simple  # noqa: E402

from autograd import stage  # noqa: E402

OUTSIDE = {"rnn": rnn, "cell": cell, "column": column, "simple": simple}
INTRODUCTION = """# Staged code

`stage(f, *example)` runs `f` once and prints what it computed as NumPy code, forward and backward, to be held against
a derivation by hand. Here are the circuits of [CS231n](https://cs231n.github.io/optimization-2/), two steps of a
recurrent network, and an LSTM cell in three forms: each as a function, by hand, and as `stage` prints it.

In the printed code `dq` is the gradient of `q`. Each statement of the backward pass is what one op sends to one of its
arguments; the comment is the statement of the forward pass that it comes from. A value that is used twice receives
twice, by `+=`, or by `dx = dx + ...` where `dx` is still the same array as another gradient. Shapes are those of the
example; the first lines check them. The code needs nothing but NumPy.

`python docs/staged.py` writes this page; the tests compare it, and the numbers of each pair.
"""


def code(text: str) -> str:
    return f"```python\n{text.strip()}\n```\n"


def chapter(example: Example) -> str:
    """Write one example."""
    f = inspect.getsource(example.f)
    made = [f"`{name}` is `{model!r}`.\n" for name, model in OUTSIDE.items() if re.search(rf"\b{name}\(", f)]
    by_hand = inspect.getsource(example.by_hand).replace("  # noqa: E731", "")
    staged = stage(example.f, *example.arguments).source
    parts = [f"## {example.title}\n", *made, code(f), "By hand:\n", code(by_hand), "Staged:\n", code(staged)]
    return "\n".join(parts)


def page() -> str:
    """Write the page."""
    return "\n".join([INTRODUCTION, *map(chapter, EXAMPLES)])


if __name__ == "__main__":
    HERE.joinpath("staged.md").write_text(page(), encoding="utf-8")
