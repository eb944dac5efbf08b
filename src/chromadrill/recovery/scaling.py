"""How recovery grows: rebuilds and volume restores of several sizes, timed, for a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chromadrill.checks.forecast import EmbeddingRate
from chromadrill.checks.rebuild_parts import Range, RebuildParts
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Outcome, Scope
from chromadrill.core.protocols import Embedder
from chromadrill.recovery.fill import Filler
from chromadrill.recovery.measured_parts import (
    AT_ONCE,
    embedding_seconds,
    reading_seconds,
    rebuild_parts,
)
from chromadrill.recovery.rebuild import rebuild
from chromadrill.recovery.rebuild_task import RebuildTask
from chromadrill.recovery.sources.rows import RowSource
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.labelled_questions import Library
from chromadrill.workload.data.seeded_embedder import SeededEmbedder
from chromadrill.workload.queries.known_answer import first_wrong
from chromadrill.workload.queries.self_queries import self_queries

NAME = "forecast"
REPEATS = 2
GROUP, GROUPS = 16, 8  # documents embedded together when the rate is measured, and how often


@dataclass(slots=True)
class RecoveryTimes:
    """(records, seconds) of rebuilds without their embedding, and of volume restores.

    `writes`: of fillings as workers hand batches over. `proofs`: what they took of a rebuild. `read`: of
    the largest, seconds a record.
    """

    rebuilds: list[tuple[int, float]] = field(default_factory=list)
    restores: list[tuple[int, float]] = field(default_factory=list)
    writes: list[tuple[int, float]] = field(default_factory=list)
    proofs: list[tuple[int, float]] = field(default_factory=list)
    read: Range | None = None

    def parts(self, embed: Range) -> RebuildParts:
        """Of the largest size; `embed`: seconds of a document. Raises Unavailable without a size."""
        if not self.read:
            raise Unavailable("no size was measured: [forecast] sizes.")
        largest = max(size for size, _ in self.writes)
        return rebuild_parts(
            embed,
            self.read,
            [seconds / size for size, seconds in self.writes],
            [seconds for size, seconds in self.proofs if size == largest],
            largest,
        )


class CostlessModel(SeededEmbedder):
    """Makes vectors that cost next to nothing, in place of a model: what is timed is all the rest."""

    revision, weights_sha256, configuration_sha256 = "none", "none", None

    def facts(self) -> JSON:
        return {"name": self.name}


def measure(
    times: RecoveryTimes, target: ProcessTarget, source: RowSource, records: int, dimension: int
) -> None:
    """Rebuild and restore `records` on an empty target, twice each, and add the times.

    The target is empty again afterwards.

    Raises Unavailable where a rebuild is not proven: its time says nothing then.
    """
    task = RebuildTask(Scope(), NAME)
    model = CostlessModel(dimension)
    with Chroma(target.url, timeout_s=60) as chroma:
        times.writes.append((records, _filling_seconds(chroma, source, model)))
    for number in range(REPEATS):
        with Chroma(target.url, timeout_s=60) as chroma:
            started = now()
            result = rebuild(chroma, source, model, task)
            times.rebuilds.append((records, now() - started))
            times.proofs.append((records, result.seconds["prove"]))
            if outcome_of(result.verdicts) is not Outcome.PASS or result.rows != records:
                raise Unavailable(f"a rebuild of {records} records was not proven: not measured.")
            times.read = reading_seconds(chroma, chroma.collection(Scope(), NAME))
            if number + 1 < REPEATS:
                chroma.delete_collection(Scope(), NAME)
    snapshot = target.snapshot()
    with Chroma(target.url) as chroma:
        questions = self_queries(chroma, [Scope()], 3).right
    for _ in range(REPEATS):
        started = now()
        target.stop()
        target.restore(snapshot.id)
        target.start()
        with Chroma(target.url) as chroma:
            wrong = first_wrong(chroma, questions)
            times.restores.append((records, now() - started))
            if wrong or not questions:
                raise Unavailable(f"a restore of {records} records answers wrong: {wrong}.")
    with Chroma(target.url) as chroma:
        chroma.delete_collection(Scope(), NAME)


def _filling_seconds(chroma: Chroma, source: RowSource, model: CostlessModel) -> float:
    info = chroma.create_collection(Scope(), NAME, hnsw={"space": "cosine"})
    filler = Filler(chroma, source, model, None, None, AT_ONCE)
    started = now()
    for rows in source.rows():
        filler.fill(info, rows, lambda done: None)
    seconds = now() - started
    chroma.delete_collection(Scope(), NAME)
    return seconds


def embedding_rate(model: Embedder, content: Library, lengths: Sequence[int]) -> EmbeddingRate:
    """Seconds that a document of such lengths takes, in the fastest and in the slowest batch."""
    letters = " ".join(content.texts)
    seconds = embedding_seconds(model, letters, lengths, batch=GROUP, batches=GROUPS)
    return EmbeddingRate(seconds.low, seconds.high)
