"""The product's commands, run as a person runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.commands.app import invoke
from chromadrill.core import cli

ROOT = Path(__file__).parents[2]


def exit_code(*words):
    """The exit code of a command in this process, with its errors said as a user reads them."""
    with pytest.raises(SystemExit) as ended:
        cli.run(invoke, words)
    return ended.value.code


def run_command(*arguments, **more):
    """`chromadrill` in a process of its own; `environment` is added to what is inherited."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("CHROMA_", "DRILL_"))}
    environment = {**inherited, **more.pop("environment", {})}
    return subprocess.run(
        [sys.executable, "-m", "chromadrill", *arguments],
        env=environment, capture_output=True, text=True, check=False, **more,
    )  # fmt: skip


def script(name, *arguments):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHROMA_", "DRILL_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *arguments],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )


def drill(*arguments, reports, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_XDIST", "DRILL_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env={**clean, "DRILL_REPORTS": str(reports), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
