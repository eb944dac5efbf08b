"""The product's commands, run as a person runs them."""

import os
from pathlib import Path

import pytest

from chromadrill.commands.app import invoke
from chromadrill.core import cli
from tests.forked import run_forked

ROOT = Path(__file__).parents[2]


def exit_code(*words):
    """The exit code of a command in this process, with its errors said as a user reads them."""
    with pytest.raises(SystemExit) as ended:
        cli.run(invoke, words)
    return ended.value.code


def run_command(*arguments, environment=None, cwd=None):
    """`chromadrill` in a process of its own; `environment` is added to what is inherited."""
    given = {**_without("CHROMA_", "DRILL_"), **(environment or {})}
    return run_forked("chromadrill", *arguments, environment=given, cwd=cwd)


def script(name, *arguments, **environment):
    """A file of scripts/ in a process of its own."""
    given = {**_without("CHROMA_", "DATABASE_", "DRILL_"), **environment}
    return run_forked(ROOT / "scripts" / name, *arguments, environment=given)


def drill(*arguments, reports, **environment):
    """pytest on the product's suites, in a process of its own."""
    given = {**_without("PYTEST_XDIST", "DRILL_"), "DRILL_REPORTS": str(reports), **environment}
    return run_forked("pytest", *arguments, environment=given, cwd=ROOT)


def _without(*prefixes):
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
