"""Lines of three pieces, joined."""

from itertools import pairwise

import pytest

from autograd.drawing.curve import RADIUS, join, read, split, write

OUT = "M240,-246C280,-246 318,-246 356,-246"
UP = "M356,-247C356,-247 356,-339 356,-450 356,-450 356,-600 356,-651"  # clipped by a pixel at both ends


@pytest.mark.parametrize("on", ["M356,-652C400,-652 440,-652 480,-652", "M356,-652C358,-652 360,-652 363,-652",
                                "M356,-652C356,-700 420,-700 420,-640 420,-600 440,-600 450,-600"])  # fmt: skip
def test_joined(on):
    """The line begins and ends where its pieces do, has no gap and no corner, and turns within the radius."""
    line = read(join(OUT, UP, on))
    assert line[0] == read(OUT)[0] and line[-1] == read(on)[-1]
    assert len(line) % 3 == 1
    for before, at, after in zip(line[2:-1:3], line[3:-1:3], line[4::3]):
        arriving, leaving = at - before, after - at
        if abs(arriving) > 0.1 and abs(leaving) > 0.1:  # the same direction
            assert (arriving * leaving.conjugate()).real > 0.99 * abs(arriving) * abs(leaving)
    corner = complex(356, -246)
    points = [split(line[i : i + 4], t / 20)[0] for i in range(0, len(line) - 1, 3) for t in range(20)]
    assert max(abs(b - a) for a, b in pairwise(points)) < 20
    assert RADIUS / 3 < min(abs(point - corner) for point in points) < RADIUS


def test_any_direction():
    """The second piece may run either way."""
    on = "M356,-652C400,-652 440,-652 480,-652"
    assert join(OUT, write(read(UP)[::-1]), on) == join(OUT, UP, on)
