"""python -m chromadrill.simulator PLATFORM: `railway`, or `betterstack` (its APIs, an empty account)."""

from __future__ import annotations

import sys

from chromadrill import cli
from chromadrill.errors import UsageError


def main(arguments: list[str] | None = None) -> int:
    """Hand over to the platform's own command."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["betterstack"]:
        from chromadrill.simulator.betterstack.command import main as betterstack

        return betterstack(words[1:])
    if words[:1] == ["railway"]:
        from chromadrill.simulator.railway.command import main as railway

        return railway(words)
    raise UsageError("Name the platform: python -m chromadrill.simulator railway|betterstack")


if __name__ == "__main__":
    cli.run(main)
