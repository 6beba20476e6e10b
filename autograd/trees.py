"""Nested lists, tuples and dicts of arrays, taken apart and put together again."""

from typing import Any

Tree = Any  # an array, or lists, tuples and dicts of trees


def leaves(tree: Tree) -> list[Any]:
    """List the arrays of a tree, in order; of a dict, in the order of its keys."""
    if isinstance(tree, dict):
        return [leaf for branch in tree.values() for leaf in leaves(branch)]
    if isinstance(tree, (list, tuple)):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [tree]


def rebuild(tree: Tree, values: list[Any]) -> Tree:
    """Make a tree of the same form, taking (and removing) its leaves from the front of `values`."""
    if isinstance(tree, dict):
        return {key: rebuild(branch, values) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        branches = [rebuild(branch, values) for branch in tree]
        if isinstance(tree, list):
            return branches
        return type(tree)(*branches) if hasattr(tree, "_fields") else tuple(branches)
    return values.pop(0)
