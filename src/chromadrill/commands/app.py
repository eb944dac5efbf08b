"""The front door: `chromadrill COMMAND`."""

from __future__ import annotations

import importlib
import sys

from chromadrill.core import cli

COMMANDS = ("ops", "monitor", "report", "triage", "simulate")


def main() -> None:
    """Hand over to the command that the first word names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        cli.say(f"chromadrill: no command {name!r}; {', '.join(COMMANDS)}")
        sys.exit(cli.USAGE)
    command = importlib.import_module(f"chromadrill.commands.{name}")
    cli.run(command.main, sys.argv[2:])
