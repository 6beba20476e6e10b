"""Calling an op: run NumPy on the arrays, make a node of the result. A call is specialised by arity, for speed."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from .explain import explain, giving_an_array, refuse_misfit, wrong_result
from .op import OPS, Op
from .tensor import NO_OPTIONS, Tensor, modes

FIRST, SECOND, BOTH = (0,), (1,), (0, 1)


def define(
    function: Callable[..., Any], *local_gradients: Callable[..., Any] | None, **properties: Any
) -> Callable[..., Any]:
    """Teach the engine an op: `define(np.tanh, lambda g, out, x: g * (1 - out * out))`.

    function         on arrays: NumPy's or your own
    local_gradients  one per array argument, `f(g, out, x, y, ..., **options)`: what the argument receives when the
                     upstream gradient is `g`; None for an argument without a gradient. Written with operators and
                     functions that are ops themselves, it can be differentiated again. Broadcasting and dtype are
                     undone for you.
    properties       `symbol`, `forward`, `add_into`, `elementwise`, `variadic`, `options`: see `Op`

    Returns the function that takes Tensors as well as arrays. (A function of NumPy's own can be called under its old
    name, too.) A second definition for the same function replaces the first.
    """
    refuse_misfit(function, local_gradients, **properties)
    op = OPS[function] = Op(function, *local_gradients, **properties)
    plain = not op.variadic and not op.options and not op.keyword_only
    if not home(function).startswith(("numpy", "_operator", f"{__package__}.ops")):
        op.forward = giving_an_array(op.forward)
        plain = False  # looks at every result, too
    arity = 0 if op.variadic else len(local_gradients)
    build = {1: unary if plain else unary_with_options, 2: binary if plain else general}.get(arity, general)
    op.call = update_wrapper(build(op), function, updated=())
    return op.call


def home(function: Callable[..., Any]) -> str:
    """Name the module of a function; NumPy's ufuncs have not always known theirs."""
    return str(getattr(function, "__module__", "numpy"))


def differentiable(*local_gradients: Callable[..., Any] | None, **properties: Any) -> Callable[..., Any]:
    """Make an op of the function below: `@differentiable(lambda g, out, x: g * (x > 0))`. Arguments as for define()."""
    return lambda function: define(function, *local_gradients, **properties)


def unary(op: Op) -> Callable[..., Any]:
    """Build the call of an op of one array and no options."""
    forward, flows = op.forward, op.differentiable

    def call(x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            return x.__array_function__(op.function, (), (x,), {}) if is_symbol(x) else forward(x)
        value = x._data
        try:
            out = forward(value)
        except Exception as error:
            raise explain(error, op.name, (x,)) from None
        if x._requires_grad and flows and (record := modes.record):
            args = (x,)
            return record(op, out, args, (value,), NO_OPTIONS, args, FIRST)
        return modes.leave(op, out, (x,), NO_OPTIONS)

    return call


def unary_with_options(op: Op) -> Callable[..., Any]:
    """Build the call of an op of one array and options."""
    forward, flows, of_others = op.forward, op.differentiable, general(op)

    def call(*args: Any, **options: Any) -> Tensor:
        if not args or not isinstance(args[0], Tensor):
            return of_others(*args, **options)
        (x,) = arrays = op.bind(args, options)
        try:
            out = forward(x._data, **options)
        except Exception as error:
            raise explain(error, op.name, arrays) from None
        if isinstance(out, Tensor) or out.dtype.kind not in "fiub":
            raise wrong_result(op.name, out)
        if x._requires_grad and flows and out.dtype.kind == "f" and (record := modes.record):
            return record(op, out, arrays, (x._data,), options, arrays, FIRST)
        return modes.leave(op, out, arrays, options)

    return call


def binary(op: Op) -> Callable[..., Any]:
    """Build the call of an op of two arrays and no options."""
    forward = op.forward
    x_rule, y_rule = (rule is not None for rule in op.local_gradients)

    def call(x: Any, y: Any) -> Tensor:
        x_flows = y_flows = False
        a, b = x, y
        if isinstance(x, Tensor):
            a, x_flows = x._data, x._requires_grad and x_rule
        elif type(x) is list:
            x = a = np.array(x)
        if isinstance(y, Tensor):
            b, y_flows = y._data, y._requires_grad and y_rule
        elif type(y) is list:
            y = b = np.array(y)
        try:
            out = forward(a, b)
        except Exception as error:
            raise explain(error, op.name, (x, y)) from None
        if x_flows and (record := modes.record):
            args = (x, y)
            if y_flows:
                return record(op, out, args, (a, b), NO_OPTIONS, args, BOTH)
            return record(op, out, args, (a, b), NO_OPTIONS, (x,), FIRST)
        if y_flows and (record := modes.record):
            return record(op, out, (x, y), (a, b), NO_OPTIONS, (y,), SECOND)
        return modes.leave(op, out, (x, y), NO_OPTIONS) if isinstance(x, Tensor) or isinstance(y, Tensor) else out

    return call


def general(op: Op) -> Callable[..., Any]:
    """Build the call of an op with options, or of many arrays."""
    ours = not home(op.function).startswith("numpy")
    forward, variadic, rules = op.forward, op.variadic, op.local_gradients

    def call(*args: Any, **options: Any) -> Tensor:
        arrays = op.bind(args, options)
        tensors = [x for x in arrays if isinstance(x, Tensor)]
        if ours and not tensors and (symbols := [*filter(is_symbol, arrays)]):
            return symbols[0].__array_function__(op.function, (), arrays, options)
        values = tuple([x._data if isinstance(x, Tensor) else x for x in arrays])
        try:
            out = forward(values, **options) if variadic else forward(*values, **options)
        except Exception as error:
            raise explain(error, op.name, arrays) from None
        if isinstance(out, Tensor) or tensors and out.dtype.kind not in "fiub":
            raise wrong_result(op.name, out)
        if tensors and out.dtype.kind == "f" and (record := modes.record):
            of = rules * len(arrays) if variadic else rules
            flows = [isinstance(x, Tensor) and x._requires_grad and rule is not None for x, rule in zip(arrays, of)]
            if positions := tuple([i for i, flow in enumerate(flows) if flow]):
                return record(op, out, arrays, values, options, tuple([arrays[i] for i in positions]), positions)
        return modes.leave(op, out, arrays, options) if tensors else out

    return call


def is_symbol(x: Any) -> bool:
    """Tell what takes NumPy's calls and is neither array nor Tensor: it takes those of our functions as well."""
    return hasattr(x, "__array_function__") and not isinstance(x, (np.ndarray, Tensor))
