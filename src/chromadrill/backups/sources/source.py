"""A source of backups: what it can do, and which of its artefacts are meant."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from chromadrill.core.clock import parse_time
from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import Artefact

NEWEST, RANDOM = "newest", "random"


class BackupSource(Protocol):
    """`name`: of the table `[backups.NAME]`. `where`: the place in words, without a password."""

    @property
    def name(self) -> str: ...

    @property
    def where(self) -> str: ...

    def artefacts(self) -> list[Artefact]:
        """All artefacts, newest first. Raises Unavailable where the place cannot be read."""
        ...

    def size_of(self, artefact: Artefact) -> int | None:
        """Bytes that a fetch brings to this machine, 0 where it is here; None: nobody knows."""
        ...

    def fetch(self, artefact: Artefact, into: Path) -> Path:
        """The path of the artefact: in the empty folder `into`, or where it lies on this machine.

        What lies outside of `into` is the original, and only read. Raises Unavailable with a sentence
        where it cannot be had whole.
        """
        ...


def newest_first(artefacts: Sequence[Artefact]) -> list[Artefact]:
    """The artefacts in the order of their times; of the same time, by id."""
    by_id = sorted(artefacts, key=lambda artefact: artefact.id)
    return sorted(by_id, key=lambda artefact: parse_time(artefact.created_at), reverse=True)


def require_some(artefacts: Sequence[Artefact], where: str) -> None:
    """Raise Unavailable for a source that holds no backup at all."""
    if not artefacts:
        raise Unavailable(
            f"{where} holds no backup.",
            next_step="Is the place right, and has the backup job run?",
        )


def pick(artefacts: Sequence[Artefact], which: str, *, seed: int | None = None) -> Artefact:
    """The artefact `which`: newest, random, or an id. `seed`: of the choice by chance.

    Raises UsageError for an id that is not there. `artefacts` are not empty, newest first.
    """
    if which == NEWEST:
        return artefacts[0]
    if which == RANDOM:
        return random.Random(seed).choice(artefacts)
    for artefact in artefacts:
        if artefact.id == which:
            return artefact
    beginnings = [
        artefact for artefact in artefacts if len(which) > 3 and artefact.id.startswith(which)
    ]
    if len(beginnings) == 1:  # as restic and git take the beginning of an id
        return beginnings[0]
    known = [NEWEST, RANDOM, *(artefact.id for artefact in artefacts)]
    raise UsageError(f"--pick {which}: no such backup. {did_you_mean(which, known)}")
