"""Module and Parameter: what a model consists of, found by walking its attributes."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd import Tensor, scope


class Parameter(Tensor):
    """A Tensor that is learned: a float leaf that requires a gradient. A module finds it among its attributes."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, name: str | None = None):
        super().__init__(data, requires_grad=requires_grad, name=name)


class Module:
    """A part of a model: parameters and other modules as attributes, and `forward`, which computes.

    Calling the module runs `forward` inside a scope that bears the module's name: the attribute that holds it in its
    parent, or its class. A picture frames what was computed there.

    Lists and tuples of modules are walked as well. Attributes whose name starts with an underscore are not.
    """

    training = True

    def forward(self, *args: Any, **options: Any) -> Any:
        raise TypeError(f"{type(self).__name__} does not define forward().")

    def __call__(self, *args: Any, **options: Any) -> Any:
        with scope(getattr(self, "_name", type(self).__name__)):
            return self.forward(*args, **options)

    def __setattr__(self, attribute: str, value: Any) -> None:
        object.__setattr__(self, attribute, value)
        for name, child in parts(attribute, value):
            if isinstance(child, Parameter):
                child.name = child.name or name
            elif not hasattr(child, "_name"):
                child._name = name

    def children(self) -> Iterator[tuple[str, "Module | Parameter"]]:
        """Yield (attribute, value) for the modules and parameters held directly; "layers.0" for a part of a list."""
        for attribute, value in vars(self).items():
            if not attribute.startswith("_"):
                yield from parts(attribute, value)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """Yield (dotted path, module) for this module and all below it."""
        yield prefix, self
        for name, child in self.children():
            if isinstance(child, Module):
                yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted path, parameter), in the order of definition; a parameter held twice comes under both names."""
        for path, module in self.named_modules():
            for name, child in module.children():
                if isinstance(child, Parameter):
                    yield f"{path}.{name}" if path else name, child

    def parameters(self) -> list[Parameter]:
        """List every parameter once."""
        return list(dict.fromkeys(parameter for _, parameter in self.named_parameters()))

    def summary(self) -> str:
        """Give a table of the parameters: path, shape, number of entries; shared ones count once in the total."""
        rows = [(name, str(p.shape), f"{p.size:,}") for name, p in self.named_parameters()]
        rows.append(("total", "", f"{sum(p.size for p in self.parameters()):,}"))
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join(f"{name:{widths[0]}}  {shape:{widths[1]}}  {size:>{widths[2]}}" for name, shape, size in rows)

    def zero_grad(self) -> None:
        """Forget every parameter's gradient."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> "Module":
        """Switch this module and all below it to training (dropout acts) or, with False, to evaluation."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """Switch to evaluation: train(False)."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Give a copy of every parameter's array, under its dotted path, as PyTorch names them."""
        return {name: parameter.data.copy() for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Take over the arrays of `state`, cast to the dtype of each parameter.

        Raises KeyError for missing or (if strict) unexpected names, ValueError for a wrong shape; nothing is loaded
        then.
        """
        own = dict(self.named_parameters())
        missing = [name for name in own if name not in state] if strict else []
        unexpected = [name for name in state if name not in own] if strict else []
        if missing or unexpected:
            raise KeyError(
                f"the state does not fit this {type(self).__name__}: missing {missing or 'nothing'}, "
                f"unexpected {unexpected or 'nothing'}. It has {list(own)}."
            )
        arrays = {name: np.asarray(array) for name, array in state.items() if name in own}
        for name, array in arrays.items():
            if array.shape != own[name].shape:
                raise ValueError(f"{name} has shape {own[name].shape} here and {array.shape} in the state.")
        for name, array in arrays.items():
            own[name].data = array

    def __repr__(self) -> str:
        inner = [
            f"  {name}: {child!r}".replace("\n", "\n  ") for name, child in self.children() if isinstance(child, Module)
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return head + ")" if not inner else "\n".join([head, *inner, ")"])

    def extra_repr(self) -> str:
        """Say what the repr shows between the parentheses: sizes and options."""
        return ""


def parts(attribute: str, value: Any) -> Iterator[tuple[str, "Module | Parameter"]]:
    """Yield the modules and parameters that an attribute holds, with their names."""
    if isinstance(value, (Module, Parameter)):
        yield attribute, value
    elif isinstance(value, (list, tuple)):
        for index, part in enumerate(value):
            if isinstance(part, (Module, Parameter)):
                yield f"{attribute}.{index}", part


def uniform(rng: np.random.Generator | None, bound: float, shape: tuple[int, ...], dtype: Any) -> Parameter:
    """Make a parameter with entries drawn uniformly from [-bound, bound), PyTorch's default for linear layers."""
    rng = np.random.default_rng() if rng is None else rng
    return Parameter(rng.uniform(-bound, bound, shape).astype(dtype))
