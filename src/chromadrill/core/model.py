"""The nouns of a drill: plain frozen values, no I/O. Every arrow of the house carries one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

JSON = dict[str, Any]


# ---- verdicts -----------------------------------------------------------------------------------
class Outcome(StrEnum):
    """PASS, FAIL, UNKNOWN; `not_run` marks a check nobody asked for and never merges."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_RUN = "not_run"

    @classmethod
    def merge(cls, outcomes: Iterable[Outcome]) -> Outcome:
        """FAIL > UNKNOWN > PASS. Nothing judged is UNKNOWN: a drill that did nothing is not green."""
        seen = {outcome for outcome in outcomes if outcome is not cls.NOT_RUN}
        for outcome in (cls.FAIL, cls.UNKNOWN, cls.PASS):
            if outcome in seen:
                return outcome
        return cls.UNKNOWN


@dataclass(frozen=True, slots=True)
class Difference:
    """One named difference between what was and what is.

    `kind` is missing, extra or changed; `field` says of what (record, document, metadata, uri,
    vector, count, configuration, ...); `ids` are all the records concerned; `examples` holds up to
    ten (id, before, after), where both sides are at hand.
    """

    collection: str
    field: str
    kind: str
    ids: tuple[str, ...] = ()
    examples: tuple[tuple[str, str, str], ...] = ()
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.ids:
            shown = ", ".join(self.ids[:10]) + (", ..." if len(self.ids) > 10 else "")
            text = f"{self.collection}: {self.kind} {self.field} of {len(self.ids)} ids: {shown}"
        else:
            text = f"{self.collection}: {self.field} {self.kind}"
        if self.before is not None or self.after is not None:
            text += f" (was {self.before}, is {self.after})"
        elif self.examples:
            record, before, after = self.examples[0]
            text += f" (e.g. {record}: was {before}, is {after})"
        return text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says: outcome, actual against limit with its unit, and a sentence."""

    check: str
    outcome: Outcome
    message: str
    actual: float | None = None
    limit: float | None = None
    unit: str | None = None
    differences: tuple[Difference, ...] = ()

    @classmethod
    def passed(cls, check: str, message: str, **numbers: Any) -> Self:
        return cls(check, Outcome.PASS, message, **numbers)

    @classmethod
    def failed(cls, check: str, message: str, **numbers: Any) -> Self:
        return cls(check, Outcome.FAIL, message, **numbers)

    @classmethod
    def unknown(cls, check: str, message: str, **numbers: Any) -> Self:
        return cls(check, Outcome.UNKNOWN, message, **numbers)

    @classmethod
    def not_run(cls, check: str, message: str) -> Self:
        return cls(check, Outcome.NOT_RUN, message)


# ---- what a database holds ----------------------------------------------------------------------
@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """A tenant and one of its databases; written TENANT/DATABASE."""

    tenant: str = "default_tenant"
    database: str = "default_database"

    @classmethod
    def parse(cls, text: str) -> Self:
        # a tenant's name may hold a slash, a database's may not
        tenant, slash, database = text.rpartition("/")
        if not (tenant and slash and database):
            raise ValueError(f"a scope is written TENANT/DATABASE, got '{text}'")
        return cls(tenant, database)

    def __str__(self) -> str:
        return f"{self.tenant}/{self.database}"


HNSW_DEFAULTS = {
    "space": "l2",
    "ef_construction": 100,
    "ef_search": 100,
    "max_neighbors": 16,
    "resize_factor": 1.2,
    "sync_threshold": 1000,
}


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """One collection as the inventory shows it.

    `configuration` and `schema` are the JSON objects of the API (None where unknown); `space` is
    the metric that queries really use, which is not always the one that `configuration` claims.
    """

    id: str
    name: str
    tenant: str
    database: str
    dimension: int | None
    metadata: JSON | None
    configuration: JSON | None
    schema: JSON | None
    space: str

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant, self.database)

    @property
    def key(self) -> str:
        """TENANT/DATABASE/NAME: the name of a collection in every report."""
        return f"{self.tenant}/{self.database}/{self.name}"

    @property
    def listing_decides(self) -> bool:
        """Whether `configuration` says what the index really is.

        It does not where it shows the bare defaults and the metadata says otherwise: collections
        made before 1.0 list the defaults whatever they use (measured: a 0.6.3 directory under 1.5.9
        lists l2 and answers cosine). Nor where there is none to read (a server of 1.0).
        """
        index = (self.configuration or {}).get("hnsw")
        if (self.configuration or {}).get("spann"):
            return True
        if index is None:
            return False
        bare = all(index.get(key, value) == value for key, value in HNSW_DEFAULTS.items())
        return not bare or not any(key.startswith("hnsw:") for key in self.metadata or ())


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of one collection, in columns of equal length n.

    `vectors` is float32 of shape (n, dimension). A row whose vector could not be read is zero and
    named in `without_vector`; one known only to within an ulp is named in `approximate`.
    """

    ids: list[str]
    documents: list[str | None]
    metadatas: list[JSON | None]
    uris: list[str | None]
    vectors: np.ndarray
    without_vector: tuple[int, ...] = ()
    approximate: tuple[int, ...] = ()


# ---- fingerprints -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Answer:
    """One probe: a question, the answer computed over the records, and the server's own.

    `kind` is neighbours, filter, filtered neighbours or text. `question` never holds users' text:
    a document's words are named by record id, start and length. `expected` and `answered` are
    distances (neighbours) or [count, digest of the set of ids] (filter, text); `answered` is None
    where no server was asked. `trouble` says why the server did not answer.
    """

    kind: str
    question: JSON
    expected: tuple[Any, ...]
    answered: tuple[Any, ...] | None = None
    read_error: str | None = None

    @property
    def name(self) -> str:
        return f"{self.kind} {self.question}"


@dataclass(frozen=True, slots=True)
class Recall:
    """How well a collection finds its neighbours and itself, by its own server.

    `found` of `wanted` exact neighbours were returned; `self_found` of `self_asked` records were
    among the ten nearest to their own vector.
    """

    found: int
    wanted: int
    self_found: int
    self_asked: int
    self_missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectionPrint:
    """The fingerprint of one collection.

    `records` is a table sorted by id with the columns id, document (16 bytes), document_length,
    metadata (canonical JSON text), uri (16 bytes), vector (16 bytes) and sketch (8 float32: fixed
    random projections of the vector, which measure a drift without keeping the vector).
    """

    info: CollectionInfo
    count: int
    records: pa.Table
    answers: tuple[Answer, ...] = ()
    recall: Recall | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a database holds and how it answers: everything a restored copy is held against."""

    taken_at: str
    taken: str  # "live" or "at rest"
    versions: Mapping[str, str]
    scopes: tuple[Scope, ...]
    databases: tuple[Scope, ...]
    collections: Mapping[str, CollectionPrint]

    @property
    def records(self) -> int:
        """Records of all collections."""
        return sum(each.count for each in self.collections.values())


@dataclass(frozen=True, slots=True)
class ReadError:
    """A check of the check suite that could not be checked, where and why."""

    step: str
    where: str
    message: str
    reading: bool = True  # False: the harness could not look (UNKNOWN); True: the server failed


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a database afterwards; facts only. Judged by the checks."""

    fingerprint: Fingerprint
    read_errors: tuple[ReadError, ...] = ()
    missing_tenants: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


# ---- what a drill does --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Backup:
    """An artefact made by a backup method, with its fingerprint and manifest beside it."""

    id: str
    path: str
    method: str
    created_at: str
    bytes: int


# ---- backup posture -----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Plan:
    """How often a backup is to be made: daily, weekly or monthly; `at` HH:MM in UTC, None: any."""

    every: str
    at: str | None
    keep_days: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a platform does by itself; `keep_days` None: for ever, `at` None: it does not say."""

    every: str
    at: str | None
    keep_days: float | None


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """A backup as its store lists it. `bytes` None: it does not say. ISO 8601, UTC."""

    id: str
    created_at: str
    bytes: int | None


@dataclass(frozen=True, slots=True)
class BackupStore:
    """What is seen of the place where backups are. `schedules` None: it has none to ask for.

    `fixed`: whose limits are not ours to set (a platform's name), "" where they are.
    """

    where: str
    backups: tuple[StoreEntry, ...]
    schedules: tuple[Schedule, ...] | None = None
    used_bytes: int | None = None
    size_bytes: int | None = None
    fixed: str = ""


@dataclass(frozen=True, slots=True)
class ProvenRestore:
    """What a drill's record proves of restores: all of its RB-2 and RB-8 together.

    `seconds`: the slowest that passed; None where none was timed. `at`: when the run ended (ISO 8601,
    UTC). `environment`: where it was, None where the record does not say.
    """

    kind: str
    run: str
    outcome: Outcome
    seconds: float | None
    at: str
    environment: str | None = None
    simulated: bool = False


# ---- what a client sees -------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One write that the server acknowledged: UTC epoch seconds, and the record's digests."""

    at: float
    collection: str
    id: str
    document: str
    value: int


@dataclass(frozen=True, slots=True)
class HotCopy:
    """One try of a method to copy a running server, and what was then seen of the copy.

    `began`, `ended`: UTC epoch seconds. `ledger`: the writes acknowledged until it ended, in their
    order. `stalled_s`: the longest that the writer waited between two acknowledgements meanwhile.
    `present`: whole writes found in the copy, id -> value. `refused`: why the method gave no copy.
    """

    method: str
    began: float
    ended: float
    ledger: tuple[Acknowledged, ...]
    stalled_s: float
    refused: str | None = None
    present: Mapping[str, int] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()


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
    nobody looked in that time.
    """

    due: float
    done: float
    result: str
    detail: str = ""
    late_s: float = 0.0


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
        return sum(each.end - each.begin for each in self.windows if each.result in results)


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
