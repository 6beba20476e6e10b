"""Show a number for each word of a text: as a background colour in a terminal, else as a signed bar."""

from collections.abc import Sequence

__all__ = ["bars", "coloured", "LEGEND"]

# From the 256 colours of a terminal, light to strong; blue and orange are told apart by the colour-blind as well.
BLUE, ORANGE = (195, 153, 117, 75, 33), (230, 223, 216, 209, 202)
BLACK = 16
LEGEND = "blue: towards positive; orange and underlined: towards negative"


def coloured(text: str, spans: Sequence[tuple[int, int]], values: Sequence[float]) -> str:
    """Return the text with ANSI colours behind the words at `spans`, (start, end) in order: one value for each.

    The colours are relative to the largest value: blue for positive ones, orange and underlined for negative ones. A
    word of less than a tenth of the largest stays plain. Control characters of the text itself are replaced, so that
    it can't command the terminal.
    """
    largest = max(map(abs, values), default=0.0)
    shown, end = "", 0
    for (start, stop), value in zip(spans, values, strict=True):
        strength = int(abs(value) / largest * len(BLUE) * 0.999 + 0.5) if largest else 0
        word = printable(text[start:stop])
        if strength:
            colour = (BLUE if value > 0 else ORANGE)[strength - 1]
            word = f"\x1b[{'4;' * (value < 0)}38;5;{BLACK};48;5;{colour}m{word}\x1b[0m"
        shown += printable(text[end:start]) + word
        end = stop
    return shown + printable(text[end:])


def bars(words: Sequence[str], values: Sequence[float], width: int = 20) -> str:
    """Return a line for each word: its value with a sign, a bar as long as the value is large, the word."""
    largest = max(map(abs, values), default=0.0)
    lines = []
    for word, value in zip(words, values, strict=True):
        bar = ("+" if value > 0 else "-") * round(abs(value) / largest * width if largest else 0)
        lines.append(f"{value:+8.3f}  {bar:{width}}  {printable(word)}")
    return "\n".join(lines)


def printable(text: str) -> str:
    """Replace what could command a terminal, or break the line, by a space."""
    return "".join(character if character.isprintable() else " " for character in text)
