"""Shell inside YAML, given to shellcheck: python ci/run_blocks.py FILE..."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

# GitHub runs `bash -e {0}`; GitLab runs the lines of a list in one shell
HEAD = "#!/usr/bin/env bash\nset -e\n"
BLOCKS = {"run", "script", "before_script", "after_script"}


def blocks(node: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Every script below `node`, with its place."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items if isinstance(node, dict | list) else ():
        place = f"{where}.{key}" if where else str(key)
        if key in BLOCKS and isinstance(value, str):
            yield place, value
        elif key in BLOCKS and isinstance(value, list):
            yield place, "\n".join(str(each) for each in value)
        elif isinstance(value, dict | list):
            yield from blocks(value, place)


def main(files: list[str]) -> int:
    checked = wrong = 0
    for file in files:
        for place, script in blocks(yaml.safe_load(Path(file).read_text("utf-8"))):
            checked += 1
            # what GitHub pastes into a script is no longer a value but a program
            pasted = "${{" in script
            command = ["shellcheck", "--shell=bash", "-"]
            done = subprocess.run(command, input=HEAD + script, text=True, capture_output=True)
            if pasted or done.returncode:
                wrong += 1
                why = "an expression is pasted into shell: pass it by env" if pasted else ""
                sys.stderr.write(f"{file}: {place}: {why}\n{done.stdout}")
    if not checked:
        sys.stderr.write("no shell found: were these the right files?\n")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
