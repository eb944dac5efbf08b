"""The parts of a rebuild, measured on a small collection: for the forecast of a large one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.checks.rebuild_parts import QUERIES, Range, RebuildParts
from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now
from chromadrill.core.model import CollectionInfo
from chromadrill.core.protocols import Embedder

AT_ONCE = 64  # vectors of a request, as workers hand them over
BATCH, BATCHES = 8, 4  # documents embedded together when the rate is measured, and how often
READS = 2
TRUNCATED = 1000  # characters: about what a model of 256 tokens reads of a document


def embedding_seconds(
    model: Embedder,
    letters: str,
    lengths: Sequence[int],
    *,
    batch: int = BATCH,
    batches: int = BATCHES,
) -> Range:
    """A document's seconds, in the fastest and in the slowest batch. A batch of 8 is on one core.

    `letters` are cut into documents of such lengths as `lengths` has.
    """
    texts = texts_of_lengths(letters, lengths, batch * batches)
    model.embed(texts[:1])  # the first call of a process is slower
    seconds = []
    for at in range(0, len(texts), batch):
        started = now()
        model.embed(texts[at : at + batch])
        seconds.append((now() - started) / batch)
    return Range(min(seconds), max(seconds))


def texts_of_lengths(letters: str, lengths: Sequence[int], count: int) -> list[str]:
    """Documents cut of `letters`, from its beginning again where it ends."""
    chosen = np.random.default_rng(7).choice(lengths, count)
    texts, at = [], 0
    for length in chosen:
        size = max(1, min(int(length), TRUNCATED, len(letters)))
        at = at if at + size <= len(letters) else 0
        texts.append(letters[at : at + size])
        at += size
    return texts


def reading_seconds(chroma: Chroma, info: CollectionInfo) -> Range:
    """Seconds of a record when the collection is paged through."""
    seconds = []
    for _ in range(READS):
        started = now()
        count = sum(len(page.ids) for page in chroma.pages(info))
        seconds.append((now() - started) / max(1, count))
    return Range(min(seconds), max(seconds))


def rebuild_parts(
    embed: Range, read: Range, write_s: Sequence[float], proof_s: Sequence[float], written: int
) -> RebuildParts:
    """`write_s`: seconds of a vector, of several requests or fillings. `proof_s`: of whole proofs.

    `written`: records of the collection that was written and proven.
    """
    asked = min(max(1, written), QUERIES)
    query = Range(
        max(0.0, min(proof_s) - 2 * written * read.high) / asked,
        max(0.0, max(proof_s) - 2 * written * read.low) / asked,
    )
    quartiles = np.quantile(write_s, (0.25, 0.75))
    return RebuildParts(embed, Range(*map(float, quartiles)), written, read, query)
