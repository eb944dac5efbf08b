"""What clients saw and wrote, what a deployment uses, and the fault that was injected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chromadrill.core.model.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One write that the server acknowledged: UTC epoch seconds, and the record's digests.

    `is_deletion`: the record was removed; its id is not written again.
    """

    at: float
    collection: str
    id: str
    document: str
    value: int
    is_deletion: bool = False


@dataclass(frozen=True, slots=True)
class HotCopy:
    """One try of a method to copy a running server, and what was then seen of the copy.

    `began`, `ended`: UTC epoch seconds. `ledger`: the writes acknowledged until it ended, in their
    order. `stalled_s`: the longest that the writer waited between two acknowledgements meanwhile.
    `present`: whole writes found in the copy, id -> value. `refused`: why the method gave no copy.
    `store_bytes`: of the directory that was copied. `held_s`: the longest that no write was taken for
    it. None: not told. `usual_s`: the longest wait of the writer in as long a time just before.
    """

    method: str
    began: float
    ended: float
    ledger: tuple[Acknowledged, ...]
    stalled_s: float
    refused: str | None = None
    present: Mapping[str, int] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    store_bytes: int | None = None
    held_s: float | None = None
    usual_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Samples:
    """Latencies in milliseconds as the client saw them, with what went wrong, raw."""

    milliseconds: tuple[float, ...]
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hits:
    """Questions with known right documents: how many were asked, and how many found theirs.

    `first`: as the first answer; `ten`: among the first ten.
    """

    asked: int
    first: int
    ten: int


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One tick of the prober: monotonic seconds (due and done), and what it saw.

    `result` is right, wrong, error or timeout. `late_s`: how long after it was due the tick began;
    nobody looked in that time. `cpu_s`: processor time that the prober itself had taken by then.
    """

    due: float
    done: float
    result: str
    detail: str = ""
    late_s: float = 0.0
    cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch in which a client saw one result, or in which nobody looked (`unwatched`).

    Monotonic seconds.
    """

    begin: float
    end: float
    result: str


@dataclass(frozen=True, slots=True)
class ClientView:
    """What a client saw from `begin` to `end` (monotonic seconds), without gaps."""

    begin: float
    end: float
    windows: tuple[Window, ...]

    def seconds(self, *results: str) -> float:
        """How long it saw one of `results`."""
        return sum(w.end - w.begin for w in self.windows if w.result in results)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a deployment uses, of what it may; a limit of None: there is none.

    `restarts` and `oom_kills` are counted from the deployment's first start; None: the platform
    does not tell.
    """

    memory_bytes: int | None
    memory_limit_bytes: int | None
    disk_bytes: int
    disk_limit_bytes: int | None
    restarts: int | None
    oom_kills: int | None


@dataclass(frozen=True, slots=True)
class FaultInjection:
    """A disaster that was injected: when (monotonic and UTC epoch seconds), and who saw it."""

    disaster: str
    what: str
    at: float
    epoch: float
    seen: str | None = None
    seen_after_s: float | None = None
