"""The next step after damage was found in files: what `chromadrill salvage` would bring back."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from chromadrill.backups.data_place import data_directory
from chromadrill.commands.output import NEXT
from chromadrill.core.errors import DrillError
from chromadrill.core.files import size_of
from chromadrill.core.model import Outcome, Verdict
from chromadrill.core.plural import plural
from chromadrill.recovery.salvage.bring_back import look_at
from chromadrill.recovery.salvage.findings import Findings, Place

# a store of this many bytes is looked through in a second or two; a larger one is not read again
CHEAP_BYTES = 64 << 20
DAMAGE = ("integrity", "structure")  # checks that fail where files are damaged


def is_damaged(verdicts: Sequence[Verdict]) -> bool:
    """Whether the files themselves are damaged, and not only others than before."""
    return any(v.check in DAMAGE and v.outcome is Outcome.FAIL for v in verdicts)


def salvage_command(path: Path) -> str:
    """The command that looks at what is left of a data directory."""
    return shlex.join(["chromadrill", "salvage", str(path)])


def salvage_step(path: Path) -> str:
    """The command, after NEXT; before that what would come back, where that is cheap to know."""
    data = data_directory(path)
    sentence = ""
    try:
        if size_of(data) <= CHEAP_BYTES:
            sentence = _sentence(look_at(data).findings)
    except (DrillError, OSError):  # it says so itself when it is run
        pass
    return f"{sentence}{NEXT}{salvage_command(path)}"


def _sentence(findings: Findings) -> str:
    if not findings.has_anything:
        return ""
    queued = sum(
        one.places[place]
        for one in findings.collections
        for place in (Place.QUEUE, Place.BOTH_EQUAL, Place.BOTH_DIFFERENT)
        if not one.is_whole
    )
    taken = f"{findings.taken:,} of {plural(findings.records, 'record')}"
    rest = f", {queued:,} of the damaged from the queue" if queued else ""
    return f" Salvage would bring back {taken}{rest}."
