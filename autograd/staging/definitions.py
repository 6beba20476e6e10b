"""Definitions of the functions that NumPy lacks, for code that runs without this package.

An op's function is written in NumPy. Its source is taken as it stands, with what it needs from around it: other
functions, tables of numbers. So there is one definition, which the engine runs and the printed code repeats.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..ops.indexing import plain

LONG = 100  # characters of a docstring's first line that are kept


class NotWritable(Exception):
    """A function whose source can't be given, and why."""


def numpy_name(function: Callable[..., Any]) -> str | None:
    """Give the name under which NumPy has a function: np.tanh, np.linalg.inv."""
    short = "abs" if function is np.absolute else function.__name__
    for module, prefix in ((np, "np"), (np.linalg, "np.linalg")):
        if getattr(module, short, None) is function:
            return f"{prefix}.{short}"
    return None


class Definitions:
    """The functions that a piece of code calls and NumPy lacks, each behind those that it calls itself.

    foreign  functions whose source can't be given, by name: the namespace that runs the code has to hold them
    """

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.objects: dict[str, Any] = {}
        self.foreign: dict[str, Callable[..., Any]] = {}

    def name_of(self, function: Any, name: str | None = None) -> str:
        """Give the name to call a function by, and see to its definition."""
        known = numpy_name(function)
        if known:
            return known
        function = inspect.unwrap(function)
        name = next((n for n, known in self.objects.items() if known is function), name or function.__name__)
        if name in self.objects and self.objects[name] is not function:
            name = next(f"{name}{i}" for i in range(2, 99) if f"{name}{i}" not in self.objects)
        if name not in self.objects:
            try:
                needed = Definitions()
                needed.sources, needed.objects = dict(self.sources), dict(self.objects)
                source = needed.source(function, name)
            except (NotWritable, OSError, TypeError, SyntaxError):
                self.foreign[name] = self.objects[name] = function
            else:
                self.sources, self.objects = needed.sources | {name: source}, needed.objects | {name: function}
        return name

    def source(self, function: FunctionType, name: str) -> str:
        """Write a function without annotations, decorators and comments; add what it calls to `sources` first."""
        if not isinstance(function, FunctionType) or function.__closure__:
            raise NotWritable("it is not a plain function, or it holds variables from around it")
        definition = find(function)
        outside = {key: function.__globals__[key] for key in names_in(definition) if key in function.__globals__}
        definition = Standalone(outside, self).visit(definition)
        definition.name = name
        return ast.unparse(ast.fix_missing_locations(definition))

    def add_table(self, name: str, numbers: Any) -> None:
        self.sources[name] = f"{name} = {numbers!r}"
        self.objects[name] = numbers


def find(function: FunctionType) -> ast.FunctionDef:
    """Parse a function's source; a lambda, found by where its body stands, becomes a def."""
    lines, first = inspect.getsourcelines(function)
    if function.__name__ != "<lambda>":
        (definition,) = ast.parse(textwrap.dedent("".join(lines))).body
        if not isinstance(definition, ast.FunctionDef):
            raise NotWritable("its source is not that of a function")
        return definition
    module = inspect.getmodule(function)
    everything = inspect.getsource(module) if module else "".join(lines)
    spans = set(function.__code__.co_positions())
    for node in ast.walk(ast.parse(everything)):
        if isinstance(node, ast.Lambda):
            body = node.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in spans:
                (definition,) = ast.parse("def function(): pass").body
                assert isinstance(definition, ast.FunctionDef)
                definition.args, definition.body = node.args, [ast.Return(value=body)]
                return definition
    raise NotWritable("its lambda was not found")


def names_in(definition: ast.FunctionDef) -> list[str]:
    """List the names that a function reads and does not bind itself, in order."""
    arguments = {arg.arg for arg in ast.walk(definition) if isinstance(arg, ast.arg)}
    names = [node for node in ast.walk(definition) if isinstance(node, ast.Name)]
    bound = arguments | {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return list(dict.fromkeys(node.id for node in names if node.id not in bound))


class Standalone(ast.NodeTransformer):
    """Makes a function independent of its module: what it names from there is defined beside it, or written out."""

    def __init__(self, outside: dict[str, Any], definitions: Definitions):
        self.outside, self.definitions = outside, definitions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list, node.returns = [], None
        for arg in ast.walk(node.args):
            if isinstance(arg, ast.arg):
                arg.annotation = None
        text = ast.get_docstring(node)
        if text is not None:
            node.body = node.body[1:]
            first = text.partition("\n")[0]
            if len(first) <= LONG:
                node.body.insert(0, ast.Expr(ast.Constant(first)))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if self.named(node.func) is plain:  # turns Tensors in an index into arrays, which they are here
            return self.visit(node.args[0])
        value = self.evaluated(node)
        return self.generic_visit(node) if value is None else value

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = self.evaluated(node)
        if value is not None:
            return value
        if self.named(node.value) is np:
            return ast.Attribute(ast.Name("np", ast.Load()), node.attr, ast.Load())
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        thing = self.named(node)
        if thing is None:
            return node
        if isinstance(thing, (bool, int, float)):
            return ast.Constant(thing)
        if isinstance(thing, (list, tuple)) and all(isinstance(x, (int, float)) for x in thing):
            self.definitions.add_table(node.id, thing)
            return node
        if callable(thing):
            name = self.definitions.name_of(thing, node.id)
            if name in self.definitions.foreign:
                raise NotWritable(f"{name} can't be written")
            return ast.parse(name, mode="eval").body
        raise NotWritable(f"it uses {node.id}, a {type(thing).__name__}")

    def named(self, node: ast.AST) -> Any:
        return self.outside.get(node.id) if isinstance(node, ast.Name) else None

    def evaluated(self, node: ast.expr) -> ast.expr | None:
        """Write a number out that is made with `math` from numbers: math.sqrt(2)."""
        modules = [self.named(x) for x in ast.walk(node) if isinstance(x, ast.Name)]
        if not any(isinstance(module, ModuleType) and module is math for module in modules):
            return None
        if any(module is not math for module in modules):
            if isinstance(node, ast.Attribute):
                raise NotWritable("it computes with the module math")
            return None
        number = eval(compile(ast.Expression(node), "<number>", "eval"), {"math": math})
        if not isinstance(number, (int, float)):
            raise NotWritable("it computes with the module math")
        return ast.Constant(number)
