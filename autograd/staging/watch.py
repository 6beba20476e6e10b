"""What a function reads besides its arguments, so that compiled code notices when something there has changed.

Seen are the variables around the function and the functions that it calls: closures, globals, defaults, `self`; in
these, lists, dicts and attributes; all as far as the code that ran has their names.
"""

import os
import random
import sys
import sysconfig
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
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


class Wrapper:
    """What stands for a function of the user's, `function`; of it nothing else is looked at."""

    function: Callable[..., Any]


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


def namespace_of(thing: Any) -> dict[str, Any]:
    """Give an object's own attributes, past a __getattr__ that gives something for every name."""
    try:
        return object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return {}


def attribute(thing: Any, key: str) -> Any:
    own = namespace_of(thing)
    return own[key] if key in own else getattr(type(thing), key, MISSING)


def slot_of_class(thing: Any, key: str) -> Any:
    return getattr(thing, key, MISSING)


def items(thing: Any, key: Any) -> tuple[Any, ...]:
    return (*thing, *thing.values()) if isinstance(thing, dict) else tuple(thing)


def contents(array: np.ndarray, key: Any) -> Any:
    return array.shape, array.dtype.str, array.tobytes()


class Codes:
    """The code that ran, and what each had in hand: its arguments and what it was returned.

    known    the objects that were there before, by id; others are of no account
    objects  by code: the objects that it had in hand, with a name
    globals  by code: the variables of its module
    """

    def __init__(self, known: dict[int, Any]):
        self.known = known
        self.objects: dict[CodeType, dict[int, tuple[str, Any]]] = {}
        self.globals: dict[CodeType, dict[str, Any]] = {}

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and not is_library(code.co_filename):
            self.globals[code] = frame.f_globals
            for name, thing in frame.f_locals.items():
                self.in_hand(code, type(thing).__name__ if name == "self" else name, thing)
        elif event == "return" and frame.f_back and frame.f_back.f_code in self.objects:
            self.in_hand(frame.f_back.f_code, code.co_name, argument)

    def in_hand(self, code: CodeType, name: str, thing: Any) -> None:
        objects = self.objects.setdefault(code, {})
        if id(thing) in self.known:
            objects[id(thing)] = name, thing

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
    """All that is found from a function on; with `codes`, as far as code that ran names it.

    Code can take an attribute of what it has in hand if its name stands in the code. So each object is looked at with
    the names of a code, by way of which it was found.

    slots                         what to look at again
    tensors, arrays, generators   what was found on the way, with a name
    seen                          all objects, by id
    """

    def __init__(self, roots: Sequence[tuple[str, Any]], codes: Codes | None = None):
        self.codes = codes
        self.slots: list[Slot] = []
        self.tensors: dict[Tensor, str] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.generators: dict[np.random.Generator, str] = {}
        self.seen: dict[int, Any] = {}
        self.queue: list[tuple[str, Any, CodeType | None]] = [(name, thing, None) for name, thing in roots]
        if codes:
            for ran, variables in codes.globals.items():
                self.namespace("", variables, ran.co_names, ran)
                self.queue += [(name, thing, ran) for name, thing in codes.objects.get(ran, {}).values()]
        looked_at: set[tuple[int, CodeType | None]] = set()
        for name, thing, code in self.queue:  # grows while it is walked
            if (id(thing), code) not in looked_at and not isinstance(thing, OPAQUE):
                looked_at.add((id(thing), code))
                self.seen[id(thing)] = thing
                self.visit(name, thing, code)
        self.slots = list({(id(slot.holder), slot.key, slot.read): slot for slot in self.slots}.values())

    def add(
        self, holder: Any, key: Any, read: Callable[[Any, Any], Any], name: str, code: CodeType | None = None
    ) -> Any:
        found = read(holder, key)
        self.slots.append(Slot(holder, key, read, found, name))
        if found is not MISSING and read is not contents:
            self.queue.append((name, found, code))
        return found

    def namespace(self, prefix: str, namespace: dict[str, Any], names: Iterable[str], code: CodeType | None) -> None:
        for name in names:
            if name in namespace:
                self.add(namespace, name, entry, f"{prefix}{name}", code)

    def visit(self, name: str, thing: Any, code: CodeType | None) -> None:
        dot = f"{name}." if name else ""
        if isinstance(thing, Tensor):
            self.tensors[thing] = name
        elif isinstance(thing, np.random.Generator):
            self.generators[thing] = name
        elif isinstance(thing, np.ndarray):
            self.arrays[name] = thing
            if self.codes:
                self.add(thing, None, contents, name)
        elif isinstance(thing, Wrapper):
            self.queue.append((name, thing.function, code))
        elif isinstance(thing, FunctionType):
            self.function(name, thing)
        elif isinstance(thing, MethodType):
            self.queue += [(name, thing.__func__, code), (name, thing.__self__, code)]
        elif isinstance(thing, partial):
            self.queue += [(name, part, code) for part in (thing.func, thing.args, thing.keywords)]
        elif isinstance(thing, tuple):
            self.queue += [(f"{name}[{i}]", part, code) for i, part in enumerate(thing)]
        elif isinstance(thing, (list, dict, set)):
            self.queue += [(f"{name}[...]", part, code) for part in self.add(thing, None, items, name)]
        elif isinstance(thing, ModuleType):
            if code and not is_library(getattr(thing, "__file__", None)):
                self.namespace(dot, vars(thing), code.co_names, code)
        else:
            self.attributes(dot, thing, code)

    def function(self, name: str, function: FunctionType) -> None:
        code = function.__code__
        if is_library(code.co_filename) or self.codes and code not in self.codes.globals:
            return
        if self.codes is None:
            self.namespace("", function.__globals__, names_in(code), None)
        for variable, cell in zip(code.co_freevars, function.__closure__ or ()):
            self.add(cell, None, held, variable, code)
        self.queue += [(name, function.__defaults__, code), (name, function.__kwdefaults__, code)]

    def attributes(self, dot: str, thing: Any, code: CodeType | None) -> None:
        if self.codes and code is None:
            return
        own, kinds = namespace_of(thing), type(thing).__mro__
        in_class = {key: x for kind in kinds for key, x in vars(kind).items() if not key.startswith("__")}
        in_slots = {key for kind in kinds for key in np.atleast_1d(getattr(kind, "__slots__", ())).tolist()}
        data = sorted(key for key, x in in_class.items() if not callable(x) and key not in in_slots)
        for key in dict.fromkeys([*own, *data]):
            if code is None or key in code.co_names:
                self.add(thing, key, attribute, f"{dot}{key}", code)
        for key in sorted(in_slots):
            if code is None or key in code.co_names:
                self.add(thing, key, slot_of_class, f"{dot}{key}", code)
        if self.codes is None:
            methods = [*in_class.values(), *(vars(kind).get("__call__") for kind in kinds)]
            self.queue += [(dot, x, None) for x in methods if isinstance(x, FunctionType)]


def names_in(code: CodeType) -> list[str]:
    """List the names that stand in code, and in the code inside it."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [*code.co_names, *(name for part in inner for name in names_in(part))]


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
    return array.shape, zlib.crc32(array.tobytes())
