"""chromadrill simulate PLATFORM: `railway`, or `betterstack` (its APIs, an empty account)."""

from __future__ import annotations

import sys

from chromadrill.core import cli
from chromadrill.core.errors import UsageError


def main(arguments: list[str] | None = None) -> int:
    """Hand over to the platform's own command."""
    words = sys.argv[1:] if arguments is None else arguments
    if words[:1] == ["betterstack"]:
        from chromadrill.commands.simulate_betterstack import main as betterstack

        return betterstack(words[1:])
    if words[:1] == ["railway"]:
        from chromadrill.commands.simulate_railway import main as railway

        return railway(words)
    raise UsageError("Name the platform: chromadrill simulate railway|betterstack")


if __name__ == "__main__":
    cli.run(main)
