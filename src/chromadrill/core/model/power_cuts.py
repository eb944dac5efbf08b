"""A power cut, or a kill, of a server that was written to: when it was, and what it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chromadrill.core.model.clients import Acknowledged


class CutClass(StrEnum):
    """What a power cut left. UNJUDGED: the harness could not say."""

    WHOLE = "WHOLE"
    LOST = "LOST"
    DOES_NOT_START = "DOES NOT START"
    CRASHES = "CRASHES WHEN ASKED"
    WRONG = "WRONG ANSWERS"
    UNJUDGED = "UNJUDGED"


@dataclass(frozen=True, slots=True)
class ServedData:
    """What a server on the recovered data did: the first (`served`) or a second time (`restarted`).

    `present`: whole writes that it gave back, id -> value. `torn`: records without their own document,
    metadata or vector. `not_found`: of `sampled` records those that do not find themselves. `errors`:
    answers that were none. `start_error`: why it did not start. `died`: it ended while it was asked.
    """

    present: Mapping[str, int] = field(default_factory=dict)
    count: int = 0
    torn: int = 0
    sampled: int = 0
    not_found: int = 0
    errors: tuple[str, ...] = ()
    start_error: str | None = None
    died: bool = False


@dataclass(frozen=True, slots=True)
class PowerCut:
    """One cut, or one kill: UTC epoch seconds, and the writes acknowledged until then, in their order.

    `since_write_s`, `since_flush_s`: since the last acknowledged write, and, until the cut was asked
    for, since the last time that the server wrote index files; None: there was none. `frozen_s`: how
    long the server's file system was frozen for it; None: it was not. `at_rest`: what the check suite
    found in the recovered files before the first start; None: nothing. `written_on`: what was given
    back after the restart when records had been written anew; None: not tried. `replayed`: of a damaged
    one, what a server gave back whose index was made anew from its queue; None: the queue was not
    whole. `salvaged`: what salvage brings out of a damaged one, at rest. `error`: why the harness has
    no answer.
    """

    number: int
    at: float
    ledger: tuple[Acknowledged, ...]
    since_write_s: float | None
    since_flush_s: float | None
    frozen_s: float | None = None
    at_rest: str | None = None
    served: ServedData | None = None
    restarted: ServedData | None = None
    written_on: ServedData | None = None
    replayed: ServedData | None = None
    salvaged: ServedData | None = None
    error: str | None = None
