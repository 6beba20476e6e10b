"""Tensor: an array that remembers how it was computed.

Every op in `OPS` accepts Tensors, called as NumPy (`np.tanh(t)`), as a method (`t.tanh()`) or as an operator (`t * 2`).
Its result is a new node of the computation graph.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from . import explain
from .chainrule import apply_rule, backpropagate, contribution
from .graph import clock
from .op import COMPOSITES, Op, find_rule

ArrayLike = Union["Tensor", np.ndarray, np.generic, float, int, bool, Sequence[Any]]


class Modes(threading.local):
    """What the current thread is doing."""

    record: Callable[..., "Tensor"] | None = None  # what makes a node; None under no_grad()
    leave: Callable[..., "Tensor"]  # what makes a leaf of a result that no gradient flows through
    apply: Callable[..., Any] = staticmethod(apply_rule)  # what computes a local gradient
    draw: Callable[..., "Tensor"]  # what makes a leaf of random numbers
    scope: "scope | None" = None

    def __init__(self) -> None:
        self.entered: list[scope | None] = []  # the scopes to come back to


modes = Modes()


@contextmanager
def no_grad() -> Iterator[None]:
    """Compute without recording: results are constants. Works as `with no_grad():` and as `@no_grad()`."""
    before, modes.record = modes.record, None
    try:
        yield
    finally:
        modes.record = before


class scope:
    """Name a part of the computation: `with scope("t=3"):`. Nodes made inside remember it, a picture frames them.

    Scopes nest. Each object is one frame, and stays where it was entered first: enter it again, and both parts stand
    in it.
    """

    __slots__ = ("name", "parent", "used")

    def __init__(self, name: str):
        if not isinstance(name, str):
            raise TypeError(f"scope() takes the name of a part of the computation, a str; {type(name).__name__} came.")
        self.name = name
        self.parent: scope | None = None
        self.used = False

    def __enter__(self) -> "scope":
        if not self.used:
            self.parent, self.used = modes.scope, True
        modes.entered.append(modes.scope)
        modes.scope = self
        return self

    def __exit__(self, *exception: object) -> None:
        modes.scope = modes.entered.pop()

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.parent.path, self.name) if self.parent else (self.name,)

    def __repr__(self) -> str:
        return f"scope({'/'.join(self.path)!r})"


class BackwardScope(scope):
    """Where grad(create_graph=True) computes what `node` sends back. Its path is that of the node's own scope.

    outputs    of the forward pass: what the pass started from
    gradients  (node, number of its gradient, array) for every node that the pass has reached. Not the gradient itself:
               it stands in a scope of the pass, so that would be a reference cycle
    """

    __slots__ = ("node", "outputs", "gradients")

    def __init__(self, node: "Tensor", outputs: "list[Tensor]", gradients: "list[tuple[Tensor, int, Any]]"):
        self.name, self.parent = (node.scope.name, node.scope.parent) if node.scope else ("backward", None)
        self.node, self.outputs, self.gradients = node, outputs, gradients


class Tensor:
    """A node of the computation graph: an array, how it was computed, and its gradient.

    Tensor(data, requires_grad=False, name=None) copies `data`: a number, nested lists, or an array, of float, int or
    bool dtype. Python floats become float64. Only float tensors can require a gradient.

    data           the value, an ndarray; assign to it (`t.data -= 0.1 * t.grad`) to change a leaf
    grad           the gradient that backward() has added up, an ndarray of the same shape and dtype, or None
    requires_grad  whether gradients flow to this tensor
    name           what a picture and an error call it
    op, args, kwargs  the op that computed it (None for a leaf), its arguments and options
    values         the arrays of the arguments as they were at that time
    parents        those arguments into which a gradient flows
    scope          the innermost `with scope(...)` in which it was computed
    number         its place in the order of creation

    Nothing is computed in place: `t += 1` binds the name to a new node, and the old one with its graph stays as it is.
    """

    __slots__ = (
        "_data", "_grad", "_requires_grad", "name", "op", "args", "kwargs", "values",
        "parents", "positions", "scope", "number", "changed", "hooks",
    )  # fmt: skip

    def __init__(self, data: ArrayLike, requires_grad: bool = False, name: str | None = None):
        if isinstance(data, Tensor):
            if data._requires_grad:
                raise TypeError(explain.CUT_FROM_GRAPH.format(data.label))
            data = data.data
        array = np.array(explain.array_of_numbers(data, "Tensor()"))
        if name is not None and not isinstance(name, str):
            raise TypeError(f"the name of a Tensor is a str; {name!r} came.")
        self._data: Any = array if array.ndim else array[()]  # NumPy computes with scalars faster than with 0-d arrays
        self._grad: Any = None
        self.op: Op | None = None
        self.scope: scope | None = None
        self.name = name
        self.args: tuple[Any, ...] = ()
        self.values: tuple[Any, ...] = ()
        self.parents: tuple[Tensor, ...] = ()
        self.positions: tuple[int, ...] = ()
        self.kwargs = NO_OPTIONS
        self.changed = 0
        self.hooks: list[list[Callable[[Any], Any]]] | None = None
        self.number = clock.tick()
        self._requires_grad: bool = False
        if requires_grad:
            self.requires_grad = requires_grad

    @property
    def data(self) -> np.ndarray:
        if type(self._data) is not np.ndarray:
            self._data = np.asarray(self._data)
        return self._data

    @data.setter
    def data(self, value: ArrayLike) -> None:
        if value is not self._data:
            value = explain.array_of_numbers(value, f"the data of {self.label}")
            if self.dtype.kind != "f" and value.dtype.kind == "f":
                raise TypeError(explain.FRACTIONS.format(self.label, self.dtype))
            value = np.array(value, dtype=self.dtype)
            if value.shape != self.shape:
                raise ValueError(f"the new data of {self.label} has shape {value.shape}; it must have the same.")
            self._data = value
        self.changed = clock.last_change = clock.tick()

    @property
    def grad(self) -> np.ndarray | None:
        if type(self._grad) is tuple:  # borrowed from the backward pass: make it our own before somebody writes to it
            self._grad = np.array(self._grad[0])
        elif isinstance(self._grad, np.generic):
            self._grad = np.asarray(self._grad)
        return self._grad

    @grad.setter
    def grad(self, value: ArrayLike | None) -> None:
        if value is not None and value is not self._grad:
            value = np.array(explain.array_of_numbers(value, f"the grad of {self.label}"), dtype=self.dtype)
            if value.shape != self.shape:
                raise ValueError(f"the new grad of {self.label} has shape {value.shape}; it must have the same.")
        self._grad = value

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        if self.op is not None:
            raise RuntimeError(explain.LEAF_ONLY.format(self.label))
        if flag and self.dtype.kind != "f":
            raise TypeError(explain.FLOATS_ONLY.format(self.dtype))
        if not isinstance(flag, (bool, np.bool_)):
            raise TypeError(f"requires_grad is True or False; {flag!r} came. A name is given by Tensor(x, name='x').")
        self._requires_grad = bool(flag)

    def requires_grad_(self, flag: bool = True) -> "Tensor":
        """Set `requires_grad` and return the tensor itself."""
        self.requires_grad = flag
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def dtype(self) -> np.dtype:
        return self._data.dtype

    @property
    def is_leaf(self) -> bool:
        return self.op is None

    @property
    def label(self) -> str:
        """How an error refers to this tensor: its name or op, and its shape."""
        who = f"tensor {self.name!r}" if self.name else f"result of {self.op.name}" if self.op else "unnamed tensor"
        return f"the {who} of shape {self.shape}"

    # ---- gradients ----

    def backward(
        self, gradient: ArrayLike | None = None, retain_graph: bool = True, stop_at: "Sequence[Tensor]" = ()
    ) -> None:
        """Run the chain rule from this tensor back to the leaves.

        Adds (`+=`) to the `.grad` of every node that leads here the gradient of this tensor with respect to it, leaves
        and intermediates alike. A call never sees what an earlier one has added: calling twice gives exactly twice the
        gradient, at every node. Set `.grad = None` to start anew.

        gradient      upstream gradient, of this tensor's shape; by default 1, for a tensor of one element
        retain_graph  if False, cut each node's links on the way: what nobody else holds is freed, and the graph
                      can't be gone through again
        stop_at       tensors that receive their gradient and send nothing on

        Raises RuntimeError if no gradient flows here, if the graph was freed, or if `.data` of a tensor was changed
        after it had been used; ValueError if the gradient is missing or misshapen. `.grad` is then as it was.
        """
        backward([self], [gradient], retain_graph, stop_at)

    def upstream(self, gradient: ArrayLike | None) -> "Tensor":
        """Check an upstream gradient for this tensor; None stands for 1, if the tensor has one element."""
        if gradient is None:
            if self.size != 1:
                raise ValueError(explain.NO_UPSTREAM.format(self.label))
            return constant(np.ones_like(self._data)[()])
        if isinstance(gradient, Tensor):
            tensor = gradient
        else:
            array = explain.array_of_numbers(gradient, f"the upstream gradient of {self.label}")
            tensor = constant(np.array(array, dtype=self.dtype)[()])
        if tensor.shape != self.shape:
            raise ValueError(f"the upstream gradient of {self.label} must have its shape; it has {tensor.shape}.")
        return tensor if tensor.dtype == self.dtype else tensor.astype(self.dtype)

    def local_gradients(self) -> list[tuple["Tensor", Callable[[Any], Any]]]:
        """List `(parent, closure)` for every argument into which a gradient flows, one pair per use.

        `closure(g)` is what this node sends that parent when its own gradient is `g`: an ndarray for an array or a
        number, a Tensor (differentiable again) for a Tensor.
        """

        def closure(position: int) -> Callable[[Any], Any]:
            def send(g: Any) -> Any:
                checked = self.upstream(g)
                if isinstance(g, Tensor):
                    return contribution(self, position, checked, record=True)
                return np.asarray(contribution(self, position, checked._data))

            return send

        return [(parent, closure(position)) for parent, position in zip(self.parents, self.positions)]

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """Have `hook(g)` called with this tensor's complete gradient in every backward pass; return what undoes it.

        g is an ndarray, or a Tensor in grad(create_graph=True). What the hook returns takes its place, before it is
        added to `.grad` and sent on; None leaves it as it is. Hooks run in the order in which they were registered.
        """
        if not self._requires_grad:
            raise RuntimeError(f"no gradient flows to {self.label}, so a hook on it would never be called.")
        if not callable(hook):
            raise TypeError(f"a hook is a function of the gradient; {type(hook).__name__} came.")
        entry = [hook]  # a list of its own, so that the same function can be registered twice
        self.hooks = [*(self.hooks or []), entry]

        def remove() -> None:
            self.hooks = [other for other in self.hooks or () if other is not entry] or None

        return remove

    def zero_grad(self) -> None:
        """Forget the gradient: set `.grad` to None."""
        self._grad = None

    def detach(self) -> "Tensor":
        """Give a leaf with a copy of the array, through which no gradient flows back."""
        node = constant(np.array(self._data)[()])
        node.name = self.name
        return node

    def as_index(self) -> np.ndarray:
        """Give a copy of the array, to pick entries by: an index has no gradient."""
        return np.array(self._data)

    if TYPE_CHECKING:  # what ops/methods.py attaches: the table's functions, spelled as operators and methods

        def _of_one(self) -> "Tensor": ...
        def _of_two(self, other: Any) -> "Tensor": ...
        def _reduction(self, axis: Any = None, *, keepdims: bool = False) -> "Tensor": ...
        def _with_options(self, *args: Any, **options: Any) -> "Tensor": ...
        def __getitem__(self, index: Any) -> "Tensor": ...
        def __divmod__(self, other: Any) -> "tuple[Tensor, Tensor]": ...
        def nonzero(self) -> tuple[np.ndarray, ...]: ...

        T: "Tensor"
        mT: "Tensor"
        __rdivmod__ = __divmod__
        __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _of_two
        __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = _of_two
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lt__ = __le__ = __gt__ = __ge__ = _of_two
        __neg__ = __pos__ = __abs__ = __invert__ = _of_one
        abs = flatten = ravel = negative = positive = reciprocal = square = sqrt = cbrt = exp = exp2 = expm1 = _of_one
        log = log2 = log10 = log1p = absolute = fabs = sin = cos = tan = arcsin = arccos = arctan = sinh = _of_one
        cosh = tanh = arcsinh = arccosh = arctanh = degrees = radians = rad2deg = deg2rad = sinc = inv = det = _of_one
        svdvals = sigmoid = softplus = silu = relu = erf = _of_one
        dot = add = subtract = multiply = divide = remainder = fmod = power = float_power = logaddexp = _of_two
        logaddexp2 = copysign = hypot = maximum = minimum = fmax = fmin = matmul = inner = vecdot = matvec = _of_two
        vecmat = arctan2 = solve = _of_two
        sum = mean = prod = max = min = amax = amin = median = any = all = argmax = argmin = logsumexp = _reduction
        reshape = transpose = compress = clip = take = round = argsort = choose = diagonal = repeat = _with_options
        searchsorted = sort = scatter_add = nan_to_num = var = std = trace = softmax = log_softmax = _with_options
        vector_norm = tensordot = expand_dims = squeeze = swapaxes = moveaxis = flip = rot90 = roll = _with_options
        tril = triu = broadcast_to = astype = copy = pad = cumsum = cumprod = pinv = cholesky = _with_options
        eigvalsh = leaky_relu = elu = gelu = _with_options

    # ---- NumPy in, NumPy out ----

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise explain.unsupported(ufunc, method, options)
        return COMPOSITES[ufunc](*inputs) if ufunc in COMPOSITES else find_rule(ufunc).call(*inputs)

    def __array_function__(self, function: Callable[..., Any], types: Any, args: Any, options: dict[str, Any]) -> Any:
        if function in COMPOSITES:
            try:
                return COMPOSITES[function](*args, **options)
            except Exception as error:
                if not str(error).startswith(function.__name__):
                    error.add_note(f"in {function.__name__}(), which is written with other ops")
                raise
        return find_rule(function).call(*args, **options)

    def __array__(self, *args: Any, **options: Any) -> np.ndarray:
        raise TypeError(explain.NO_ARRAY)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(explain.NO_ASSIGNMENT)

    def __delitem__(self, index: Any) -> None:
        raise TypeError(explain.NO_DELETION)

    def item(self) -> float | int | bool:
        """Give the value of a tensor of one element as a Python number."""
        if self.size != 1:
            raise ValueError(f"only a tensor of one element is a number; this one has shape {self.shape}.")
        return self._data.item()

    def __float__(self) -> float:
        return float(self.number_without_history("float(t) and math.sin(t)"))

    def __int__(self) -> int:
        return int(self.number_without_history("int(t)"))

    def __index__(self) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise TypeError(explain.NO_INDEX.format(self.label, self.dtype))
        return int(self._data)

    def __round__(self, digits: int | None = None) -> float | int:
        return round(self.number_without_history("round(t)"), digits)

    def number_without_history(self, what: str) -> float | int | bool:
        """Refuse to turn into a number where that would cut the graph: math.sin(t) and array[0] = t do it unasked."""
        if self._requires_grad or self.size != 1:
            raise explain.no_number(what, self)
        return self._data.item()

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(explain.NO_TRUTH.format(self.shape))
        return bool(self._data)

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("a tensor of shape () has no length.")
        return self.shape[0]

    def __contains__(self, value: Any) -> bool:
        return value in self.data

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        if spec and self.size != 1:
            raise TypeError(f"the format {spec!r} is for one number, not {self.label}. Format the entries, or {{t}}.")
        return format(self._data.item(), spec) if spec else repr(self)

    def __repr__(self) -> str:
        numbers = np.array2string(np.asarray(self._data), separator=", ", prefix="Tensor(", threshold=100, precision=6)
        parts = [numbers]
        if self.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={self.dtype}")
        if self.name is not None:
            parts.append(f"name={self.name!r}")
        if self.op is not None:
            parts.append(f"op={self.op.name}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"Tensor({', '.join(parts)})"

    def __reduce__(self) -> Any:
        if self.op is not None:
            raise TypeError(explain.PART_OF_GRAPH.format(self.label))
        return restore_leaf, (type(self), np.array(self._data), self._requires_grad, self.name, self.grad)


def restore_leaf(kind: type[Tensor], data: np.ndarray, requires_grad: bool, name: str | None, grad: Any) -> Tensor:
    leaf = kind.__new__(kind)
    Tensor.__init__(leaf, data, requires_grad, name)
    leaf.grad = grad
    return leaf


# ---- making nodes ----

NO_OPTIONS: dict[str, Any] = {}
new_node = Tensor.__new__


def constant(data: Any) -> Tensor:
    """Make a leaf around an array, without copying it."""
    node = new_node(Tensor)
    node._data = data
    node._grad = node.name = node.op = node.scope = None
    node._requires_grad = False
    node.args = node.values = node.parents = node.positions = ()
    node.kwargs = NO_OPTIONS
    node.number = clock.tick()
    node.changed = 0
    node.hooks = None
    return node


def record(
    op: Op, data: Any, args: tuple, values: tuple, kwargs: dict[str, Any], parents: tuple, positions: tuple
) -> Tensor:
    """Make a node that a gradient flows through."""
    node = new_node(Tensor)
    node._data = data
    node._grad = node.name = None
    node._requires_grad = True
    node.op = op
    node.args = args
    node.values = values
    node.kwargs = kwargs
    node.parents = parents
    node.positions = positions
    node.scope = modes.scope
    node.number = clock.tick()
    node.changed = 0
    node.hooks = None
    return node


def leave(op: Op, data: Any, args: tuple, kwargs: dict[str, Any]) -> Tensor:
    """Make a leaf of a result through which no gradient flows; how it was computed is forgotten."""
    return constant(data)


def draw(rng: np.random.Generator, shape: int | tuple[int, ...], dtype: Any) -> Tensor:
    """Make a leaf of random numbers from [0, 1)."""
    return constant(rng.random(shape, dtype))


Modes.record = staticmethod(record)
Modes.leave = staticmethod(leave)
Modes.draw = staticmethod(draw)


def backward(
    tensors: Sequence[Tensor],
    gradients: Sequence[ArrayLike | None] | None = None,
    retain_graph: bool = True,
    stop_at: Sequence[Tensor] = (),
) -> None:
    """Run the chain rule from several tensors at once, as `Tensor.backward` does from one.

    tensors    roots; what leads to more than one of them receives the sum
    gradients  the upstream gradient of each root, of its shape; None for 1
    """
    explain.refuse_others(tensors, Tensor, "backward()")
    explain.refuse_others(stop_at, Tensor, "stop_at")
    if not tensors:
        raise ValueError("backward() needs a tensor to start from; an empty list came.")
    if gradients is None:
        gradients = [None] * len(tensors)
    if not isinstance(gradients, (list, tuple)):
        raise TypeError(f"backward() takes a list with one gradient for each tensor; {type(gradients).__name__} came.")
    if len(tensors) != len(gradients):
        raise ValueError(f"{len(tensors)} tensors need as many gradients; {len(gradients)} came.")
    for tensor in tensors:
        if not tensor._requires_grad:
            raise RuntimeError(explain.NO_FLOW.format(tensor.label))
    # copies: the caller may go on writing to its arrays
    seeds = [np.array(tensor.upstream(g)._data)[()] for tensor, g in zip(tensors, gradients)]
    for node, g, owned in backpropagate(tensors, seeds, free=not retain_graph, stop_at=set(stop_at), apply=modes.apply):
        if node._grad is not None:
            node._grad = node.grad + g
        elif isinstance(g, np.generic):
            node._grad = g
        elif node.op is None:
            node._grad = g if owned else np.array(g)
        else:
            node._grad = (g,)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    upstream: ArrayLike | Sequence[ArrayLike | None] | None = None,
    create_graph: bool = False,
) -> tuple[Tensor, ...]:
    """Compute the gradient of the outputs (of their sum, weighted by `upstream`) with respect to each input.

    outputs       one Tensor or several; of one element each, unless `upstream` gives their gradients
    inputs        Tensors with requires_grad=True, leaves or intermediates
    upstream      None, or one gradient for each output, of its shape (None for 1)
    create_graph  record the backward pass: the gradients can then be differentiated, drawn and staged themselves

    Returns a tuple of Tensors, one per input and of its shape and dtype; zeros where an input does not influence the
    outputs. No `.grad` is touched. Raises ValueError for an input that does not require a gradient.
    """
    outputs = list(outputs) if isinstance(outputs, Sequence) else [outputs]
    inputs = [inputs] if isinstance(inputs, (Tensor, np.ndarray, dict, str)) else list(inputs)
    if not outputs:
        raise ValueError("grad() needs an output to start from; an empty list came.")
    for y in outputs:
        if not isinstance(y, Tensor):
            raise TypeError(explain.NOT_COMPUTED.format(type(y).__name__))
    if upstream is None or isinstance(upstream, (Tensor, np.ndarray, np.generic, float, int)):
        upstream = [upstream] * (1 if upstream is not None else len(outputs))
    if len(upstream) != len(outputs):
        raise ValueError(explain.UPSTREAMS.format(len(outputs), len(upstream)))
    for x in inputs:
        if not (isinstance(x, Tensor) and x._requires_grad):
            what = x.label if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(explain.NOT_RECORDED.format(what))
    seeds = [output.upstream(g) for output, g in zip(outputs, upstream)]
    flowing = [(output, seed) for output, seed in zip(outputs, seeds) if output._requires_grad]
    found: dict[Tensor, Any] = dict.fromkeys(inputs)
    gradients: list[tuple[Tensor, int, Any]] = []
    scope_before, record_before = modes.scope, modes.record
    modes.record = record_before or record  # create_graph=True is obeyed under no_grad(), too
    try:
        for node, g, owned in backpropagate(
            starts := [output for output, _ in flowing],
            [seed if create_graph else seed._data for _, seed in flowing],
            wanted=inputs,
            record=create_graph,
            apply=modes.apply,
        ):
            if create_graph:  # what is recorded next is the backward of this node
                modes.scope = BackwardScope(node, starts, gradients)
                if node in found and not g._requires_grad:  # nothing records a constant, so it gets its scope here
                    g = constant(g._data)
                    g.scope = modes.scope
                gradients.append((node, g.number, g._data))
            if node in found:
                found[node] = g if create_graph else constant(g if owned or isinstance(g, np.generic) else np.array(g))
    finally:
        modes.scope, modes.record = scope_before, record_before
    return tuple(constant(np.zeros_like(x._data)) if found[x] is None else found[x] for x in inputs)
