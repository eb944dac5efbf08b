"""The pages of docs/reference/ that are made from the code: python ci/reference.py [--check]."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from checks_page import checks_page
from commands_page import commands_page
from pytest_page import pytest_page
from record_page import record_page
from salvage_page import salvage_page
from settings_page import settings_page
from track_record import track_record_page

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"


def pages() -> dict[Path, str]:
    return {
        PAGES / "commands.md": commands_page(),
        PAGES / "checks.md": checks_page(),
        PAGES / "settings.md": settings_page(),
        PAGES / "pytest.md": pytest_page(),
        PAGES / "record.md": record_page(),
        PAGES / "track-record.md": track_record_page(),
        PAGES / "salvage.md": salvage_page(),
    }


def main(arguments: list[str]) -> int:
    stale = 0
    for path, text in pages().items():
        before = path.read_text("utf-8") if path.is_file() else ""
        if before == text:
            continue
        stale += 1
        if "--check" in arguments:
            lines = before.splitlines(), text.splitlines()
            changes = difflib.unified_diff(*lines, "as it is", "as the code says", n=1, lineterm="")
            sys.stderr.write("\n".join(changes))
            sys.stderr.write(f"\n{path.relative_to(ROOT)} is stale: python ci/reference.py\n")
        else:
            path.write_text(text, "utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
