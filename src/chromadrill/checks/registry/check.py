"""What is known of one check, and of one limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckGroup(StrEnum):
    """What a check is about; reports sort and summarise by it."""

    CONTENT = "content"  # against the fingerprint: a restore without these is not proven
    FILES = "files"
    ANSWERS = "answers"
    TIME = "time"
    DRILL = "drill"
    REBUILD = "rebuild"
    COPIES = "copies of a running server"
    POWER = "power cuts"
    LATENCY = "latency"
    LOAD = "load"
    MONITORING = "monitoring"
    BACKUPS = "backups"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Limit:
    """A key of `[objectives]` as the auditor's table lists it.

    `runbook`: whose objective it is, "" where every scenario is judged by it. `not_for`: the
    runbook id whose limit is stricter, and cannot be set.
    """

    key: str
    title: str
    controls: tuple[str, ...]
    runbook: str = ""
    not_for: str = ""

    @property
    def unit(self) -> str:
        return self.key.rpartition("_")[2]


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `figure`: the key of the run's summary and history that it feeds.

    `trend`: the resolution of that figure, where drills are compared by it. `restores`: a pass shows
    that something was restored. `title`: the name as a reader meets it, with the field's own word.
    """

    name: str
    question: str
    meaning: str
    command: str
    group: CheckGroup
    limits: tuple[Limit, ...] = ()
    figure: str = ""
    trend: float | None = None
    restores: bool = False
    title: str = ""
