"""Cubic Bézier curves, as Graphviz writes the lines of an SVG: three pieces joined into one line with round corners."""

import re

RADIUS = 14  # pixels
Curve = list[complex]  # the first point, and three for each segment


def join(out: str, up: str, on: str) -> str:
    """Join the `d` of three paths into one. The second may run backward, and is clipped at the corners."""
    whole, middle, own = read(out), read(up), read(on)
    if abs(middle[-1] - whole[-1]) < abs(middle[0] - whole[-1]):
        middle.reverse()
    for piece, corner in ((middle, whole[-1]), (own, own[0])):
        behind, ahead = shorten(whole[::-1], corner), shorten(piece, corner)
        turn = [side[0] + direction(side) * abs(corner - side[0]) * 2 / 3 for side in (behind, ahead)]
        whole = [*behind[::-1], *turn, *ahead]
    return write(whole)


def read(path: str) -> Curve:
    numbers = [float(x) for x in re.findall(r"-?[\d.]+", path)]
    return [complex(x, y) for x, y in zip(numbers[::2], numbers[1::2])]


def write(curve: Curve) -> str:
    first, *others = (f"{point.real:.2f},{point.imag:.2f}" for point in curve)
    return f"M{first}C{' '.join(others)}"


def direction(curve: Curve) -> complex:
    """Give the direction against a curve at its beginning."""
    back = curve[0] - curve[1]
    return back / abs(back) if back else 0


def shorten(curve: Curve, corner: complex) -> Curve:
    """Cut off what lies within RADIUS of the corner at which a curve begins; of a short curve, less than half."""
    radius = min(RADIUS, abs(curve[-1] - corner) / 2)
    while len(curve) > 4 and abs(curve[3] - corner) < radius:
        curve = curve[3:]
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        inside = abs(split(curve[:4], middle)[0] - corner) < radius
        low, high = (middle, high) if inside else (low, middle)
    return split(curve[:4], low) + curve[4:]


def split(segment: Curve, t: float) -> Curve:
    """Give the part of a segment from `t` to its end, after de Casteljau."""
    a, b, c, d = segment
    ab, bc, cd = a + (b - a) * t, b + (c - b) * t, c + (d - c) * t
    abc, bcd = ab + (bc - ab) * t, bc + (cd - bc) * t
    return [abc + (bcd - abc) * t, bcd, cd, d]
