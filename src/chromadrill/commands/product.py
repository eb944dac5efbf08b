"""Where suites, fixtures and load profiles are, and pytest and locust on them.

The engine knows neither: this process becomes theirs. Signals reach them directly, and their exit
code is that of the command.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import chromadrill
from chromadrill.core.errors import Unavailable

# what a clone has, and a wheel in chromadrill/product/
PARTS = ("pyproject.toml", "conftest.py", "suites", "fixtures/launch.py", "loadtests")


def product_folder() -> Path:
    """The clone that is the working directory, else what came with the installed package."""
    package = Path(chromadrill.__file__).resolve().parent
    for folder in (Path.cwd(), package / "product", package.parents[1]):
        if all((folder / part).exists() for part in PARTS):
            return folder
    raise Unavailable(
        f"No suites beside {package}: this installation is incomplete.",
        next_step="Install the wheel, or run this in a clone.",
    )


def run_pytest(mark: str, options: Mapping[str, object], more: Sequence[str]) -> NoReturn:
    """Become pytest on the suites. `options`: ours, as typed; `more`: what goes on to pytest."""
    folder = product_folder()
    args = [
        str(folder),
        # without it pytest would look for its configuration from the arguments on
        *("-c", str(folder / "pyproject.toml")),
        *_without_folders_of_pytest(more),
        *("-m", mark),
        *_arguments(options),
        *more,
    ]
    # -P: the folder of the file is no place to import from
    _become([sys.executable, "-P", str(folder / "fixtures" / "launch.py"), *args])


def run_locust(options: Mapping[str, object], more: Sequence[str]) -> NoReturn:
    """Become locust on the load profiles."""
    folder = product_folder() / "loadtests"
    _become([sys.executable, "-m", "locust", "-f", str(folder), *_arguments(options), *more])


def _without_folders_of_pytest(more: Sequence[str]) -> list[str]:
    """Nothing but reports/ and .chromadrill/ is left in the user's folder.

    Trap: pytest-benchmark makes the folder of its storage though it keeps nothing there.
    """
    typed = any(word.startswith("--benchmark-") for word in more)
    storage = [] if typed else [f"--benchmark-storage=file://{tempfile.gettempdir()}"]
    return ["-p", "no:cacheprovider", *storage]


def _arguments(options: Mapping[str, object]) -> list[str]:
    """`--name=value`: after a space pytest would take the value for a folder of tests."""
    return [
        name if value is True else f"{name}={value}"
        for name, value in options.items()
        if value is not None and value is not False
    ]


def _become(command: Sequence[str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], list(command))  # noqa: S606
