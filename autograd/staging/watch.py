"""What a function reads besides its arguments, so that compiled code notices when something there has changed.

Seen are the variables around the function and the functions that it calls: closures, globals, defaults, `self`; in
these, lists, dicts and attributes; all as far as the code that ran has their names.
"""

import os
import random
import sys
import sysconfig
import zlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import BuiltinFunctionType, CellType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..tensor import Tensor

LIBRARIES = tuple(f"{folder}{os.sep}" for folder in (Path(__file__).parents[1], *np.__path__))
STANDARD, INSTALLED = (sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib"))
SIMPLE = (int, float, str, bytes, type(None), complex, np.generic, np.dtype)
OPAQUE = (*SIMPLE, type, BuiltinFunctionType, np.ufunc, CodeType)
MISSING = object()


class Slot(NamedTuple):
    """A place that holds an object: `read(holder, key)`; for a list, all that it holds."""

    holder: Any
    key: Any
    read: Callable[[Any, Any], Any]
    held: Any
    name: str

    def changed(self) -> bool:
        now = self.read(self.holder, self.key)
        return now is not self.held and not alike(now, self.held)


def alike(x: Any, y: Any) -> bool:
    """Tell whether two objects are the same, or numbers or strings that are equal."""
    if x is y:
        return True
    if type(x) is not type(y):
        return False
    if type(x) is tuple:
        return len(x) == len(y) and all(map(alike, x, y))
    if isinstance(x, MethodType):
        return bool(x == y)
    return isinstance(x, SIMPLE) and (x == y or x != x and y != y)


def held(cell: CellType, key: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return MISSING


def entry(namespace: dict[str, Any], key: str) -> Any:
    return namespace.get(key, MISSING)


def attribute(thing: Any, key: str) -> Any:
    own = getattr(thing, "__dict__", {})
    return own[key] if key in own else getattr(type(thing), key, MISSING)


def slot_of_class(thing: Any, key: str) -> Any:
    return getattr(thing, key, MISSING)


def items(thing: Any, key: Any) -> tuple[Any, ...]:
    return (*thing, *thing.values()) if isinstance(thing, dict) else tuple(thing)


def contents(array: np.ndarray, key: Any) -> Any:
    return array.shape, array.dtype.str, array.tobytes()


class Codes:
    """The code that ran: which functions, and the names that stand in them.

    globals  a module's variables, and those of them that the code names
    """

    def __init__(self) -> None:
        self.seen: set[CodeType] = set()
        self.names: set[str] = set()
        self.globals: dict[int, tuple[dict[str, Any], dict[str, None]]] = {}

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or code in self.seen:
            return
        self.seen.add(code)
        if not is_library(code.co_filename):
            self.names.update(code.co_names)
            self.globals.setdefault(id(frame.f_globals), (frame.f_globals, {}))[1].update(dict.fromkeys(code.co_names))

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what runs in this thread."""
        hooks = (sys.getprofile, sys.setprofile), (sys.gettrace, sys.settrace)
        free = next((install for installed, install in hooks if installed() is None), None)
        if free is None:
            raise RuntimeError("a profiler and a debugger leave no room to see which functions run")
        free(self.note)
        try:
            yield
        finally:
            free(None)


class Surroundings:
    """All that is found from a function on.

    names       attributes and variables to go by; None for all
    slots       what to look at again
    tensors, arrays, generators   what was found on the way, with a name
    """

    def __init__(self, roots: Any, codes: "Codes | None" = None):
        self.codes = codes
        self.slots: list[Slot] = []
        self.tensors: dict[Tensor, str] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.generators: dict[np.random.Generator, str] = {}
        self.seen: dict[int, Any] = {}
        self.queue: list[tuple[str, Any]] = list(roots)
        for namespace, names in codes.globals.values() if codes else ():
            self.namespace("", namespace, names)
        for name, thing in self.queue:  # grows while it is walked
            if id(thing) not in self.seen and not isinstance(thing, OPAQUE):
                self.seen[id(thing)] = thing
                self.visit(name, thing)

    def wanted(self, name: str) -> bool:
        return self.codes is None or name in self.codes.names

    def add(self, holder: Any, key: Any, read: Callable[[Any, Any], Any], name: str) -> Any:
        found = read(holder, key)
        self.slots.append(Slot(holder, key, read, found, name))
        if found is not MISSING and read is not contents:
            self.queue.append((name, found))
        return found

    def namespace(self, prefix: str, namespace: dict[str, Any], names: Any) -> None:
        for name in names:
            if name in namespace:
                self.add(namespace, name, entry, f"{prefix}{name}")

    def visit(self, name: str, thing: Any) -> None:
        dot = f"{name}." if name else ""
        if isinstance(thing, Tensor):
            self.tensors[thing] = name
        elif isinstance(thing, np.random.Generator):
            self.generators[thing] = name
        elif isinstance(thing, np.ndarray):
            self.arrays[name] = thing
            if self.codes:
                self.add(thing, None, contents, name)
        elif isinstance(thing, FunctionType):
            self.function(name, thing)
        elif isinstance(thing, MethodType):
            self.queue += [(name, thing.__func__), (name, thing.__self__)]
        elif isinstance(thing, partial):
            self.queue += [(name, thing.func), (name, thing.args), (name, thing.keywords)]
        elif isinstance(thing, tuple):
            self.queue += [(f"{name}[{i}]", part) for i, part in enumerate(thing)]
        elif isinstance(thing, (list, dict, set)):
            for part in self.add(thing, None, items, name):
                self.queue.append((f"{name}[...]", part))
        elif isinstance(thing, ModuleType):
            if self.codes and not is_library(getattr(thing, "__file__", None)):
                self.namespace(dot, vars(thing), [key for key in vars(thing) if key in self.codes.names])
        else:
            self.attributes(dot, thing)

    def function(self, name: str, function: FunctionType) -> None:
        if is_library(function.__code__.co_filename) or self.codes and function.__code__ not in self.codes.seen:
            return
        if self.codes is None:
            self.namespace("", function.__globals__, function.__code__.co_names)
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            self.add(cell, None, held, variable)
        self.queue += [(name, function.__defaults__), (name, function.__kwdefaults__)]

    def attributes(self, dot: str, thing: Any) -> None:
        own = getattr(thing, "__dict__", {})
        kind = type(thing)
        in_class = {key for base in kind.__mro__ for key, x in vars(base).items() if not callable(x)}
        in_slots = {key for base in kind.__mro__ for key in np.atleast_1d(getattr(base, "__slots__", ())).tolist()}
        for key in dict.fromkeys([*own, *sorted(in_class - in_slots)]):
            if self.wanted(key) and not key.startswith("__"):
                self.add(thing, key, attribute, f"{dot}{key}")
        for key in sorted(in_slots):
            if self.wanted(key) and not key.startswith("__"):
                self.add(thing, key, slot_of_class, f"{dot}{key}")
        for function in (vars(base).get(key) for base in kind.__mro__ for key in ("__call__", "forward")):
            if self.codes is None and isinstance(function, FunctionType):
                self.queue.append((dot, function))


def is_library(file: str | None) -> bool:
    """Tell the files whose variables no function is expected to read: of Python, NumPy and this package."""
    if file is None or file.startswith(("<frozen", *LIBRARIES)):
        return True
    return file.startswith(STANDARD) and not file.startswith(INSTALLED)


class Before:
    """The surroundings before a function runs, to see afterwards what it has done to them."""

    def __init__(self, roots: list[tuple[str, Any]]):
        self.reach = Surroundings(roots)
        self.slots = {(id(slot.holder), slot.key): slot for slot in self.reach.slots}
        self.sums = {name: checksum(array) for name, array in self.reach.arrays.items()}
        self.states = {rng: rng.bit_generator.state for rng in self.reach.generators}
        self.hidden = hidden_states()

    def restore(self) -> None:
        """Put random number generators back to where they were."""
        for rng, state in self.states.items():
            rng.bit_generator.state = state
        random.setstate(self.hidden[0])
        np.random.set_state(self.hidden[1])  # noqa: NPY002 - whatever the function uses

    def done(self, after: Surroundings, made: Container[Tensor]) -> str:
        """Say what the function has done that code can't do again; nothing if there is no such thing.

        made  the Tensors that it computed
        """
        for rng, state in self.states.items():
            if str(rng.bit_generator.state) != str(state):
                name = self.reach.generators[rng]
                return f"it draws random numbers from {name} with NumPy; use autograd.uniform({name}, shape)"
        if str(hidden_states()) != str(self.hidden):
            return "it draws from NumPy's or Python's global random numbers; use autograd.uniform(rng, shape)"
        for tensor, name in after.tensors.items():
            if tensor in made:
                return f"it keeps a Tensor that it computed, in {name}; return it instead"
        for slot in after.slots:
            was = self.slots.get((id(slot.holder), slot.key))
            if was and not alike(was.held, slot.held):
                return f"it changes {slot.name}"
        for name, array in self.reach.arrays.items():
            if checksum(array) != self.sums[name]:
                return f"it writes into the array {name}"
        return ""


def hidden_states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()  # noqa: NPY002


def checksum(array: np.ndarray) -> Any:
    return array.shape, zlib.crc32(np.ascontiguousarray(array).tobytes())
