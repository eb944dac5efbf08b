"""What a red or open check means for on-call, and the command that comes next."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.checks.registry import advice
from chromadrill.checks.registry.commands import AGAIN
from chromadrill.core.model import JSON


def next_step(verdicts: Sequence[JSON], error: str | None) -> JSON | None:
    """{check, meaning, command} of the first check that is not green, FAIL before UNKNOWN."""
    for outcome in ("fail", "unknown"):
        for verdict in verdicts:
            if verdict["outcome"] == outcome:
                meaning, command = advice(verdict["check"])
                return {"check": verdict["check"], "meaning": meaning, "command": command}
    if error:
        return {"check": None, "meaning": "The scenario itself broke.", "command": AGAIN}
    return None


def fill_placeholders(step: JSON | None, target: str | None, url: str | None) -> JSON | None:
    """Put the target's name and URL into the command, where they are known."""
    if step is None:
        return None
    command = step["command"]
    for place, value in (("TARGET", target), ("URL", url)):
        command = command.replace(place, value or place)
    return {**step, "command": command}
