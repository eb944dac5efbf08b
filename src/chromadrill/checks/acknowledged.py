"""What was acknowledged, held against what is there: the writes that are lost, and their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chromadrill.core.model import Acknowledged


def lost_writes(ledger: Sequence[Acknowledged], present: Mapping[str, int]) -> list[Acknowledged]:
    """The acknowledged writes that are not there, oldest first. `present`: record id -> value.

    A later value than the acknowledged one is that of a later write, or of the one in flight: no
    loss. A deletion is lost where its record is there.
    """
    deleted = {write.id for write in ledger if write.is_deletion}
    return [write for write in ledger if _is_lost(write, present, deleted)]


def holes_in(ledger: Sequence[Acknowledged], present: Mapping[str, int]) -> list[Acknowledged]:
    """Lost writes that are older than one that is there: one client wrote them in their order.

    What is there and in no line of the ledger was in flight at the end, and is the newest.
    """
    lines = {(write.id, write.value): number for number, write in enumerate(ledger)}
    newest = max((lines.get(item, len(ledger)) for item in present.items()), default=-1)
    deleted = {write.id for write in ledger if write.is_deletion}
    return [
        write
        for number, write in enumerate(ledger)
        if number < newest and _is_lost(write, present, deleted)
    ]


def _is_lost(write: Acknowledged, present: Mapping[str, int], deleted: set[str]) -> bool:
    if write.is_deletion:
        return write.id in present
    return write.id not in deleted and present.get(write.id, -1) < write.value
