"""Fingerprints, and observations that are compared with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chromadrill.core.model.database import JSON, CollectionInfo, Scope

if TYPE_CHECKING:  # pyarrow takes long to import, and every command imports the model
    from chromadrill.core.records.streams import Records

SAME_PLACE = 1e-5  # distances this close are one place: ten copies of a text tie


@dataclass(frozen=True, slots=True)
class Answer:
    """One reference query: a question, the answer computed over the records, and the server's own.

    `kind` is neighbours, filter, filtered neighbours or text. `question` never holds users' text:
    a document's words are named by record id, start and length. `expected` and `answered` are
    distances (neighbours) or [count, digest of the set of ids] (filter, text); `answered` is None
    where no server was asked. `read_error` says why the server did not answer. `rounding` is how far a
    right server's distance to each of `expected` may be off for its sum in float32; no file keeps it.
    """

    kind: str
    question: JSON
    expected: tuple[Any, ...]
    answered: tuple[Any, ...] | None = None
    read_error: str | None = None
    rounding: tuple[float, ...] = field(default=(), compare=False)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.question}"

    @property
    def neighbours_found(self) -> int:
        """How many of the expected neighbours the server returned.

        They are compared by distance, since neighbours at one distance are equal.
        """
        if not self.expected:
            return 0
        reach = self.expected[-1][1]
        limit = reach + SAME_PLACE + 1e-4 * abs(reach)
        return sum(distance <= limit for _, distance in self.answered or ())


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

    @property
    def self_share(self) -> float:
        """The part of the asked records that found themselves; 1.0 where none was asked."""
        return self.self_found / self.self_asked if self.self_asked else 1.0


@dataclass(frozen=True, slots=True)
class CollectionPrint:
    """The fingerprint of one collection.

    `records` are tables in the order of ids, read from wherever they lie. Their columns: id, document
    (16 bytes), document_length, metadata (canonical JSON text), uri (16 bytes), vector (16 bytes) and
    sketch (8 float32: fixed random projections of the vector, which measure a drift without keeping
    the vector).
    """

    info: CollectionInfo
    count: int
    records: Records
    answers: tuple[Answer, ...] = ()
    recall: Recall | None = None


AT_REST, AT_REST_IN_PART = "at rest", "at rest, in part"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a database holds and how it answers: everything that a restored copy is compared with.

    Each record is as it was at some time from `taken_at` to `finished_at`. None: nobody noted the end,
    as in files of older releases. `taken`: "live"; "recording", live while others wrote, without
    reference queries; "at rest", of all that lies in the files; or "at rest, in part".
    """

    taken_at: str
    taken: str
    versions: Mapping[str, str]
    scopes: tuple[Scope, ...]
    databases: tuple[Scope, ...]
    collections: Mapping[str, CollectionPrint]
    finished_at: str | None = None

    @property
    def covers_every_tenant(self) -> bool:
        """Whether a tenant that it does not name was not there: a server lists no tenants."""
        return self.taken == AT_REST

    @property
    def records(self) -> int:
        """Records of all collections."""
        return sum(collection.count for collection in self.collections.values())


@dataclass(frozen=True, slots=True)
class ReadError:
    """A check of the check suite that could not be checked, where and why."""

    step: str
    where: str
    message: str
    reading: bool = True  # False: the harness could not look (UNKNOWN); True: the server failed


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a database afterwards; facts only. Judged by the checks.

    `access_error`: why the observation ended early, where the data were not to blame. The collections
    of `fingerprint` had been read to their end by then. `newest_write`: when the newest entry was put
    into the log of writes, where files were read and the log is not empty. `unread_tenants`: in the
    files, and of none of the scopes that were asked for.
    """

    fingerprint: Fingerprint
    read_errors: tuple[ReadError, ...] = ()
    missing_tenants: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    access_error: str | None = None
    newest_write: str | None = None
    unread_tenants: tuple[str, ...] = ()
