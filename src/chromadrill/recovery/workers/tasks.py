"""What goes to a worker and what comes back: values that can be sent to another process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from chromadrill.core.model import JSON
from chromadrill.core.protocols import Model
from chromadrill.recovery.sources.key_ranges import SharedInstant
from chromadrill.recovery.sources.rows import KeyRange


@dataclass(frozen=True, slots=True)
class WorkerSetup:
    """What a worker needs once. `load`: a function of a module, or a partial of one.

    `instant`: where the worker reads its documents; None: they are sent to it.
    """

    load: Callable[[], Model]
    instant: SharedInstant | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Documents to embed: `ids` of the range `keys`, or with `texts` the documents themselves."""

    number: int
    ids: tuple[str, ...]
    keys: KeyRange | None = None
    texts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class WorkerFailure:
    """Why a worker could not do a task. `is_source`: it could not read its documents."""

    sentence: str
    next_step: str = ""
    is_source: bool = False


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What became of a task: `vectors` of shape (ids, dimension) in the order of its ids, or a failure.

    `digests`: of the documents that were embedded. `identity`: of the model that embedded them.
    `places`: where a service failed midway, those of the ids that `vectors` and `digests` are of.
    """

    number: int
    worker: str
    vectors: np.ndarray | None = None
    digests: tuple[bytes, ...] = ()
    identity: JSON = field(default_factory=dict)
    seconds: float = 0.0
    failure: WorkerFailure | None = None
    places: tuple[int, ...] = ()


def document_digest(text: str) -> bytes:
    """16 bytes by which two readers know that they have read the same document."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
