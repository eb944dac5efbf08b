"""Real text that every machine has: the docstrings of Python's standard library."""

from __future__ import annotations

import ast
import functools
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SHORTEST = 40


@dataclass(frozen=True, slots=True)
class Document:
    """A docstring and where it stands. `kind` is module, class or function."""

    id: str
    text: str
    module: str
    kind: str
    line: int


@functools.cache
def documents() -> tuple[Document, ...]:
    """Every docstring over 40 characters of the standard library's top-level modules and packages.

    Read by parsing, never by importing; tests and site-packages left out; ordered by module and
    line, so the same on every run of one Python. That takes 1.5 s of processor time, once a process.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    collected: list[Document] = []
    for name in sorted(sys.stdlib_module_names):
        for path in _sources(root, name):
            collected.extend(_docstrings(path, root))
    return tuple(collected)


def _sources(root: Path, name: str) -> list[Path]:
    if (root / f"{name}.py").is_file():
        return [root / f"{name}.py"]
    skip = {"test", "tests", "idle_test", "lib2to3", "turtledemo", "idlelib", "ensurepip"}
    if name in skip:
        return []
    return sorted(
        path for path in (root / name).rglob("*.py") if not skip & set(path.relative_to(root).parts)
    )


def _docstrings(path: Path, root: Path) -> Iterator[Document]:
    module = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return
    for node, name in _definitions(tree, module):
        text = ast.get_docstring(node, clean=True) or ""
        if len(text) > SHORTEST:
            line = getattr(node, "lineno", 1)
            kind = {"Module": "module", "ClassDef": "class"}.get(type(node).__name__, "function")
            yield Document(f"{name}:{line}", text, module, kind, line)


Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _definitions(tree: ast.Module, module: str) -> Iterator[tuple[Definition, str]]:
    """The module and everything it defines, each with its dotted name."""
    yield tree, module
    stack: list[tuple[ast.AST, str]] = [(tree, module)]
    while stack:
        parent, prefix = stack.pop()
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}.{node.name}"
                yield node, name
                stack.append((node, name))
