"""`pytest.md`: options and marks of `fixtures/`, environments of `tox.ini`."""

from __future__ import annotations

import argparse
import configparser
import importlib
import sys
from pathlib import Path
from typing import Any

from sentences import sentence

from chromadrill.core.protocols import CAPABILITIES

ROOT = Path(__file__).parents[1]


class Options:
    """Stands in for pytest's parser, and keeps what fixtures/ add to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def getgroup(self, name: str, description: str = "") -> Options:
        return self

    def addoption(self, name: str, *, help: str, metavar: str = "", **more: Any) -> None:
        if help == argparse.SUPPRESS:  # an old name, which is refused
            return
        takes = "" if more.get("action") == "store_true" else f"={metavar or name[2:].upper()}"
        self.lines.append(f"| `{name}{takes}` | {sentence(help)} |")


def pytest_page() -> str:
    sys.path.insert(0, str(ROOT))
    options = Options()
    for name in importlib.import_module("conftest").pytest_plugins:
        plugin = importlib.import_module(name)
        if hasattr(plugin, "pytest_addoption"):
            plugin.pytest_addoption(options)
    marks = importlib.import_module("fixtures.marks")
    lines = [PYTEST, "## Options", "", "| option | meaning |", "|---|---|", *options.lines]
    lines += ["", "## Marks of a suite", "", "| mark | what it runs |", "|---|---|"]
    lines += [f"| `{mark.name}` | {sentence(mark.meaning)} |" for mark in marks.MARKS]
    lines += ["", "## Marks of a scenario", "", "| mark | meaning |", "|---|---|"]
    for mark in marks.OF_SCENARIOS:
        name, _, meaning = mark.partition(": ")
        lines.append(f"| `{name}` | {sentence(meaning)} |")
    lines += ["", "## Capabilities of a target", "", "| capability | meaning |", "|---|---|"]
    for name, protocol in CAPABILITIES.items():
        meaning = (protocol.__doc__ or "").partition("\n\n")[0].partition(": ")[2]
        lines.append(f"| `{name}` | {sentence(meaning)} |")
    lines += ["", "## Environments of tox", "", "| command | meaning |", "|---|---|"]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    for section in tox.sections():
        if ":" in section:
            name, description = section.partition(":")[2], tox[section]["description"]
            lines.append(f"| `tox run -e {name}` | {sentence(description)} |")
    return "\n".join([*lines, PYTEST_FOOT])


PYTEST = """\
<!-- Made by ci/reference.py from fixtures/ and tox.ini. -->
# pytest and tox

`pytest -m MARK` runs one suite of `suites/`. `-n` works only with `-m sabotage`:
parallel load would distort the timings. Write an option's value behind an equals sign: after a space
pytest takes the path of `--backup` for a folder of tests.
"""
PYTEST_FOOT = """
Arguments go after `--`: `tox run -e drill -- --records 20000`. tox passes on `DRILL_*`, `CHROMA_*` and a
few more variables, and no others.
"""
