"""An example call of an op, and the values it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd import OPS, Op

# what functions of ours compute, on arrays and without the engine
FORMULAS: dict[Callable[..., Any], Callable[..., Any]] = {}
rng = np.random.default_rng(7)


def normal(*shape):
    return np.array(rng.normal(size=shape))


def positive(*shape):
    return np.array(rng.uniform(0.5, 2, shape))


def nonzero(*shape):
    return positive(*shape) * rng.choice([-1, 1], shape)


def spread(*shape, offset=0.05):
    """Values a tenth apart from each other and, with another offset, from those of another array."""
    n = int(np.prod(shape))
    return (rng.permutation(n).reshape(shape) - n // 2) / 10 + offset


def is_input(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


@dataclass(frozen=True, eq=False)
class Case:
    """One call. `case(*inputs)` repeats it with other arrays, or Tensors, in the place of its inputs."""

    function: Callable[..., Any]  # as users call it
    formula: Callable[..., Any]  # the same on arrays, without the engine
    args: tuple[Any, ...]
    options: dict[str, Any]

    @property
    def op(self) -> Op:
        return OPS[self.function if self.function in OPS else self.function.__wrapped__]

    @property
    def inputs(self) -> list[np.ndarray]:
        flat = [b for a in self.args for b in (a if isinstance(a, list) else [a])]
        return [a.copy() for a in flat if is_input(a)]

    def arguments(self, inputs: tuple[Any, ...]) -> list[Any]:
        queue = iter(inputs)
        place = lambda a: next(queue) if is_input(a) else a  # noqa: E731
        return [[place(b) for b in a] if isinstance(a, list) else place(a) for a in self.args]

    def __call__(self, *inputs: Any) -> Any:
        return self.function(*self.arguments(inputs), **self.options)

    def expected(self, *inputs: Any) -> Any:
        return self.formula(*self.arguments(inputs), **self.options)

    def __str__(self) -> str:
        def show(a: Any) -> str:
            if isinstance(a, np.ndarray):
                return "x".join(map(str, a.shape)) or "0d"
            return "+".join(map(show, a)) if isinstance(a, list) else str(a).replace(" ", "")

        options = [f"{name}={value}".replace(" ", "") for name, value in self.options.items()]
        return f"{self.op.name}({','.join([*map(show, self.args), *options])})"


def case(function: Callable[..., Any], *args: Any, **options: Any) -> Case:
    return Case(function, FORMULAS.get(function, function), args, options)
