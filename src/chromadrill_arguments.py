"""Lets `--backup PATH` and `--drill-config FILE` be typed with a space.

Trap: before any plug-in is loaded, pytest takes the value of an option it does not know yet for a
folder of tests, makes that its root and never sees our configuration. Registered as a pytest
plug-in, this starts pytest once more with the two joined: `--backup=PATH`.
"""

from __future__ import annotations

import os
import sys

OPTIONS = ("--backup", "--drill-config")


def joined(words: list[str]) -> list[str]:
    """`--backup PATH` becomes `--backup=PATH`; everything else stays."""
    found: list[str] = []
    for word in words:
        if found and found[-1] in OPTIONS and not word.startswith("-"):
            found[-1] = f"{found[-1]}={word}"
        else:
            found.append(word)
    return found


def pytest_addoption(parser: object) -> None:
    """Start again with joined words: the first hook of a plug-in, before output is captured."""
    words = sys.argv[1:]
    fixed = joined(words)
    if fixed != words:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *fixed])  # noqa: S606
