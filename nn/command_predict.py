"""`chalkgrad predict`: is a text positive, and which of its words say so?"""

import argparse
import os
import sys

import numpy as np

from . import heat
from .command import complain
from .sentiment_run import SentimentRun
from .words import words


def predict_command(options: argparse.Namespace) -> int:
    try:
        model, vocabulary, metadata = SentimentRun.load(options.checkpoint)
        found = list(words(options.text))
        if not found:
            raise ValueError(f"there is no word in the text {options.text!r}")
    except ValueError as error:
        return complain(error)
    length = metadata["settings"]["length"]
    ids = vocabulary.encode(options.text, length)
    found = found[-length:]
    z, values = model.by_word(ids)
    positive = 1 / (1 + np.exp(-np.float64(z)))
    print(f"{'positive' if z > 0 else 'negative'}: {max(positive, 1 - positive):.1%} sure\n")
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        print(f"{heat.coloured(options.text, [match.span() for match in found], values.tolist())}\n\n{heat.LEGEND}")
    else:
        print("gradient × input of the logit, by word; + towards positive, - towards negative\n")
        print(heat.bars([match[1] for match in found], values.tolist()))
    unknown = dict.fromkeys(match[1].lower() for match, i in zip(found, ids.tolist()) if i == 1)
    if unknown:
        print(f"\nnot known to the model: {heat.printable(', '.join(unknown))}")
    return 0
