"""`commands.md`: every command of `chromadrill`, from its typer application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentences import cell, sentence
from typer.main import get_command

from chromadrill.commands.app import app

ROOT = Path(__file__).parents[1]


def commands_page() -> str:
    root: Any = get_command(app)
    lines = [COMMANDS, "\n| script | the same as |", "|---|---|"]
    for script in sorted((ROOT / "scripts").glob("*.py")):
        if match := re.search(r'script\("(\w+)"\)', script.read_text("utf-8")):
            lines.append(f"| `python scripts/{script.name}` | `chromadrill {match[1]}` |")
    for audience, names in root.audiences.items():
        lines.append(f"\n## {audience}")
        for name in names:
            lines += usage(f"chromadrill {name}", root.commands[name].load())
    return "\n".join(lines) + "\n"


def usage(path: str, command: Any) -> Iterator[str]:
    """What a command does, its arguments and options; then the same of its actions."""
    context = command.context_class(command, info_name=path)
    records = [parameter.get_help_record(context) for parameter in command.params]
    yield f"\n{'####' if path.count(' ') > 1 else '###'} `{path}`\n"
    yield " ".join((command.help or "").split())
    if any(records):
        yield "\n| option | meaning |\n|---|---|"
    for spelling, text in filter(None, records):
        yield f"| `{cell(spelling)}` | {meaning_of(text)} |"
    for name, action in getattr(command, "commands", {}).items():
        yield from usage(f"{path} {name}", action.load() if hasattr(action, "load") else action)


def meaning_of(help_text: str) -> str:
    """`the server  [env var: CHROMA_URL]` as sentences."""
    match = re.search(r"\s*\[((?:default|env var|required)[^\]]*)\]$", help_text)
    notes = match[1].replace("env var: ", "also ").split("; ") if match else []
    parts = [help_text[: match.start()] if match else help_text, *notes]
    return " ".join(sentence(part) for part in parts if part)


COMMANDS = """\
<!-- Made by ci/reference.py from the commands. -->
# Commands

`chromadrill COMMAND --help` says the same in the terminal. `python -m chromadrill COMMAND` is the same
command. In a clone, so is its script.

| exit code | meaning |
|---|---|
| 0 | proven, done |
| 1 | it differs, failed, or was refused; a refusal has touched nothing |
| 2 | could not tell |
| 64 | usage error |
| 130 | ended by Ctrl-C (`load` judges what it has by then); 143: ended by SIGTERM |"""
