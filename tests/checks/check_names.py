"""The names of checks that the code gives to verdicts, read from its syntax trees.

A name is a text; a `{}` in it stands for what is known at run time alone. It is followed through
local variables, parameters and the calls that give them. `opaque` holds what cannot be followed.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

MAKERS = {"Verdict", "passed", "failed", "unknown", "not_run", "make", "maker"}
ROOT = Path(__file__).parents[2]
# the questions of triage have a table of their own: monitoring/diagnosis/decision_tree.py
ELSEWHERE = ROOT / "src/chromadrill/monitoring/diagnosis"
ROOMS = ("src/chromadrill", "fixtures", "suites", "loadtests", "scripts")


@dataclass
class Names:
    """`texts`: name -> where it stands. `opaque`: file -> expressions that cannot be followed."""

    texts: dict[str, str] = field(default_factory=dict)
    opaque: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def names() -> Names:
    """All names of checks in the product's rooms."""
    modules = [
        (path.relative_to(ROOT), ast.parse(path.read_text("utf-8")))
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if not path.is_relative_to(ELSEWHERE)
    ]
    return _Reader(modules).read()


class _Reader:
    def __init__(self, modules: list[tuple[Path, ast.Module]]) -> None:
        self.result = Names()
        self.calls: dict[str, list[tuple[Path, ast.Call, list[ast.AST]]]] = defaultdict(list)
        self.modules = dict(modules)
        self.done: set[tuple[Path, str, str]] = set()
        for path, module in modules:
            for call, scopes in _calls(module, [module]):
                self.calls[_name_of(call)].append((path, call, scopes))

    def read(self) -> Names:
        for maker in MAKERS:
            for path, call, scopes in self.calls[maker]:
                if maker == "Verdict" or _is_verdict(call.func, maker, scopes):
                    self.follow(path, _argument(call, 0, "check"), scopes)
        return self.result

    def follow(self, path: Path, value: ast.AST | None, scopes: list[ast.AST]) -> None:
        where = f"{path}:{getattr(value, 'lineno', 0)}"
        match value:
            case None:
                return
            case ast.Constant(value=str(text)):
                self.result.texts[text] = where
            case ast.JoinedStr(values=parts):
                self.result.texts[_template(parts)] = where
            case ast.IfExp(body=one, orelse=other):
                self.follow(path, one, scopes)
                self.follow(path, other, scopes)
            case ast.Name(id=name):
                self.variable(path, name, scopes)
            case _:
                self.result.opaque[str(path)].add(ast.unparse(value))

    def variable(self, path: Path, name: str, scopes: list[ast.AST]) -> None:
        """A local, a parameter (then whatever callers give), or a constant of the module."""
        for depth in range(len(scopes) - 1, -1, -1):
            scope, outer = scopes[depth], scopes[: depth + 1]
            values = list(_values(scope, name, scopes[0]))
            if values:
                for value in values:
                    self.follow(path, value, outer)
                return
            if isinstance(scope, ast.FunctionDef) and _has(scope, name):
                self.parameter(path, scope, name, outer)
                return
        self.result.opaque[str(path)].add(name)

    def parameter(
        self, path: Path, function: ast.FunctionDef, name: str, scopes: list[ast.AST]
    ) -> None:
        key = (path, function.name, name)
        if key in self.done:
            return
        self.done.add(key)
        positional = [arg.arg for arg in function.args.args]
        is_method = positional[:1] in (["self"], ["cls"])
        at = positional.index(name) - is_method if name in positional else None
        default = _default(function, name)
        self.follow(path, default, scopes[:-1])
        calls = [
            call
            for call in self.calls[function.name]
            if call[0] == path or _imports(self.modules[call[0]]).may_call(path.stem, function.name)
        ]
        if not calls:
            self.result.opaque[str(path)].add(name)
        for other, call, around in calls:
            self.follow(other, _argument(call, at, name), around)


@cache
def _imports(module: ast.Module) -> _Imports:
    return _Imports(module)


class _Imports:
    """What a module imports: functions by their module's name, and modules with all that they have."""

    def __init__(self, module: ast.Module) -> None:
        self.functions: set[tuple[str, str]] = set()
        self.modules: set[str] = set()
        self.attributes: set[str] = set()
        for node in ast.walk(module):
            if isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                name = (node.module or "").rpartition(".")[2]
                self.functions |= {(name, alias.name) for alias in node.names}
                self.modules |= {alias.name for alias in node.names}

    def may_call(self, module: str, function: str) -> bool:
        return (module, function) in self.functions or (
            module in self.modules and function in self.attributes
        )


def _calls(node: ast.AST, scopes: list[ast.AST]) -> Iterator[tuple[ast.Call, list[ast.AST]]]:
    for child in ast.iter_child_nodes(node):
        inner = [*scopes, child] if isinstance(child, ast.FunctionDef) else scopes
        if isinstance(child, ast.Call):
            yield child, inner
        yield from _calls(child, inner)


def _name_of(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.IfExp(body=ast.Attribute(attr=name)):
            return name
    return ""


def _is_verdict(func: ast.AST, maker: str, scopes: list[ast.AST]) -> bool:
    """`Verdict.passed(...)`, or `make(...)` where `make` is one of these."""
    makers = [func, *(value for scope in scopes for value in _values(scope, maker))]
    return any("Verdict." in ast.unparse(candidate) for candidate in makers)


def _argument(call: ast.Call, at: int | None, name: str) -> ast.AST | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if at is not None and at < len(call.args):
        argument = call.args[at]
        return None if isinstance(argument, ast.Starred) else argument
    return None


def _template(parts: list[ast.expr]) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def _has(function: ast.FunctionDef, name: str) -> bool:
    return any(arg.arg == name for arg in (*function.args.args, *function.args.kwonlyargs))


def _default(function: ast.FunctionDef, name: str) -> ast.AST | None:
    args = function.args
    pairs = zip(reversed(args.args), reversed(args.defaults), strict=False)
    pairs = [*pairs, *zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    return next((value for arg, value in pairs if arg.arg == name and value), None)


@cache
def _bindings(scope: ast.AST) -> list[ast.Assign | ast.For | ast.comprehension]:
    return [n for n in ast.walk(scope) if isinstance(n, ast.Assign | ast.For | ast.comprehension)]


def _values(scope: ast.AST, name: str, module: ast.AST | None = None) -> Iterator[ast.AST]:
    """What is assigned to `name` in this scope: plainly, in a tuple, or by a loop over a table.

    A loop over a name is one over the table of that name in the `module`.
    """
    for node in _bindings(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _parts(target, node.value, name)
        else:
            tables = [node.iter]
            if isinstance(node.iter, ast.Name) and module is not None:
                tables = list(_values(module, node.iter.id))
            for table in tables:
                for row in table.elts if isinstance(table, ast.Tuple) else ():
                    yield from _parts(node.target, row, name)


def _parts(target: ast.AST, value: ast.AST, name: str) -> Iterator[ast.AST]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _parts(one, other, name)
