"""Walking a graph of nodes. A node is known only by its `parents` and its creation `number`."""

import itertools
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

Node = Any


class Clock:
    """Count the nodes as they are made, and remember when an array was last changed in place."""

    def __init__(self) -> None:
        self.tick = itertools.count(1).__next__
        self.last_change = 0


clock = Clock()


def toposort(roots: Iterable[Node]) -> list[Node]:
    """List every node that leads to a root, each after its parents, the roots last.

    A node is made after its parents, so the order of creation is a topological order. No recursion: a graph may be a
    million nodes deep.
    """
    if hasattr(roots, "parents"):
        raise TypeError("toposort() takes several nodes: toposort([loss]) instead of toposort(loss).")
    order = list(dict.fromkeys(roots))
    seen = set(order)
    for node in order:  # grows while it is walked
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                order.append(parent)
    order.sort(key=attrgetter("number"))
    return order


class Freed:
    """The parents of a node whose links `backward(retain_graph=False)` has cut."""

    def __iter__(self) -> Iterator[Node]:
        raise RuntimeError(
            "this graph was freed by backward(retain_graph=False), which cuts the links between the nodes as it goes. "
            "To go through it again, call the first backward() with retain_graph=True, or compute the loss anew."
        )


FREED = Freed()
