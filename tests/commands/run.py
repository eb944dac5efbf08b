"""The product's commands, run as a person runs them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def script(name, *words):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("CHROMA_", "DRILL_"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / name), *words],
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )


def drill(*words, reports, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_XDIST", "DRILL_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env={**clean, "DRILL_REPORTS": str(reports), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
