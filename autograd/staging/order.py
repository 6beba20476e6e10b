"""The passes that make a traced program fast, in their order."""

from .columns import columns_at_once, columns_joined
from .passes import common, constants, dead_code, simple
from .speed import (
    column_sums,
    copies,
    early,
    gates,
    halves,
    picked,
    places,
    products,
    rows,
    stack,
    sums_of_products,
    transposes,
    views_first,
)

FAST = (
    dead_code, constants, copies, simple, gates, products, column_sums, common, halves, picked, places,
    sums_of_products, common, views_first, stack, early, rows, simple, common, columns_at_once, columns_joined,
    transposes, dead_code,
)  # fmt: skip
NUMPY = {rows, columns_at_once, columns_joined}  # not for kernels, which go through all that a step has row by row
