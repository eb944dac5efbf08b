"""Hold a rebuilt collection against its source: rows, answers, and a sample embedded again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from chromadrill.checks.rebuild import fresh_embeddings, same_rows
from chromadrill.checks.suite import judge
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.chroma.fingerprint.digests import NO_RECORDS, record_table
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo, CollectionPrint, Outcome, Page, Verdict
from chromadrill.core.progress import Progress
from chromadrill.core.protocols import Model
from chromadrill.core.records.sorter import Sorter
from chromadrill.core.records.spool import Spool
from chromadrill.embedding.likeness import cosine
from chromadrill.recovery.embedded_ids import EmbeddedIds
from chromadrill.recovery.sources.rows import Row, RowSource

SAMPLE = 64  # documents embedded again, spread over the source


@dataclass(frozen=True, slots=True)
class RebuildProof:
    """The collection as it is now, its verdicts, and the sample's milliseconds, one by one."""

    collection: CollectionPrint
    verdicts: list[Verdict]
    single_ms: tuple[float, ...]


def prove(
    chroma: Chroma,
    source: RowSource,
    model: Model,
    info: CollectionInfo,
    *,
    rows: int,
    fresh: EmbeddedIds,
    least_cosine: float,
    progress: Progress,
) -> RebuildProof:
    """Read the source and the collection once more, run the check suite, embed a sample. Only reads.

    `fresh`: ids whose vectors were made just now; all others were copied.
    """
    chosen = set(np.linspace(0, rows - 1, min(SAMPLE, rows)).astype(int).tolist())
    with progress("prove", 2 * rows) as advance:
        source_rows, sample, at = Sorter(Spool()), list[Row](), 0
        for batch in source.rows():
            source_rows.add(row_table(batch))
            sample += [row for n, row in enumerate(batch, at) if n in chosen]
            at += len(batch)
            advance(len(batch))
        observation = live.observe(chroma, [info.scope], only=[info.key], advance=advance)
    collection = observation.fingerprint.collections.get(info.key)
    if collection is None:
        collection = CollectionPrint(info, 0, NO_RECORDS)
    cosines, single_ms = _embed_again(chroma, model, collection.info, sample)
    # what the suite does not judge without a fingerprint is judged here, against the source
    suite = [v for v in judge(observation, None) if v.outcome is not Outcome.NOT_RUN]
    verdicts = [
        same_rows(info.key, source_rows.records(), collection.records),
        fresh_embeddings(
            info.key,
            cosines,
            unseen=rows - len(fresh) - fresh.lacks([row.id for row in sample]),
            least=least_cosine,
        ),
        *suite,
    ]
    return RebuildProof(collection, verdicts, single_ms)


def has_wrong_vectors(verdicts: list[Verdict]) -> bool:
    """Whether vectors are not the model's. No further run with the same documents would mend that."""
    return any(v.check == "fresh embeddings" and v.outcome is Outcome.FAIL for v in verdicts)


def row_table(rows: list[Row]) -> pa.Table:
    """Rows of a source as a fingerprint's records, without vectors."""
    return record_table(
        Page(
            ids=[row.id for row in rows],
            documents=[row.content for row in rows],
            metadatas=[row.metadata for row in rows],
            uris=[row.uri for row in rows],
            vectors=np.zeros((len(rows), 1), np.float32),
            without_vector=tuple(range(len(rows))),
        )
    )


def _embed_again(
    chroma: Chroma, model: Model, info: CollectionInfo, sample: list[Row]
) -> tuple[list[tuple[str, float]], tuple[float, ...]]:
    """(id, cosine of stored and fresh vector), and milliseconds: one document at a time, warm."""
    if not sample:
        return [], ()
    raw = chroma.get(info, ids=[row.id for row in sample], include=("embeddings",))
    stored = dict(zip(raw["ids"], raw.get("embeddings") or [], strict=False))
    model.embed([sample[0].content])  # the first call of a process is slower
    cosines, took = [], []
    for row in sample:
        started = now()
        (fresh,) = model.embed([row.content])
        took.append(1000 * (now() - started))
        vector = stored.get(row.id)
        cosines.append((row.id, _likeness(vector, fresh)))
    return cosines, tuple(took)


def _likeness(stored: Sequence[float] | None, fresh: np.ndarray) -> float:
    """The cosine; 1 for equal vectors, as a model may give zeros for an empty document."""
    if stored is None:
        return float("nan")
    vector = np.asarray(stored, np.float32)
    return 1.0 if np.array_equal(vector, fresh) else cosine(vector, fresh)
