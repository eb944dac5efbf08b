"""A suite of a test's own, run by the product's pytest in a process of its own."""

import json
import os
import runpy

from tests.forked import run_forked
from tests.recovery.rebuild.conftest import ROOT


def run_suite(folder, text, *words, program=("pytest",), **environment):
    """`program` with `words` on a file of this text; reports are in `folder`/reports."""
    suite = folder / "test_suite.py"
    suite.write_text(text)
    names = runpy.run_path(str(ROOT / "conftest.py"))["pytest_plugins"]
    inherited = {name: value for name, value in os.environ.items() if "XDIST" not in name}
    return run_forked(
        *program, *words, "-c", ROOT / "pyproject.toml",
        *(word for name in names for word in ("-p", name)),
        suite,
        environment={**inherited, "DRILL_REPORTS": str(folder / "reports"), **environment},
        cwd=ROOT,
    )  # fmt: skip


def record_of(folder):
    """The record of the only run there."""
    (record,) = (folder / "reports").glob("2*/drill.json")
    return json.loads(record.read_bytes())
