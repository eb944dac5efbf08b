"""Questions in words about the standard dataset, with answers known by exact computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.core.model import Page, Scope
from chromadrill.workload.data.seeded_embedder import SeededEmbedder
from chromadrill.workload.queries.known_answer import KnownAnswer, largest
from chromadrill.workload.queries.self_queries import sorted_out

MOST_RECORDS = 20_000  # above this an exact answer costs more than it is worth here
SEEDS = (7, 8)  # those of datasets.standard
SAMPLED = 5


@dataclass(frozen=True, slots=True)
class Questions:
    """`tried` were asked; `right` are answered rightly, `missed` are the records that were not."""

    tried: int
    right: tuple[KnownAnswer, ...]
    missed: tuple[str, ...]


def questions(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> Questions | None:
    """At most `wanted` questions of the largest collection; None if it is not our standard dataset.

    A question's known answer is its exact nearest record, by brute force over all vectors. Only
    reads. Raises CallFailed.
    """
    count, info = largest(chroma, scopes)
    if info is None or count > MOST_RECORDS:
        return None
    embedder = recognised(chroma.page(info, limit=4 * SAMPLED, offset=0))
    if embedder is None:
        return None
    pages = list(chroma.pages(info))
    ids = [each for page in pages for each in page.ids]
    documents = [each for page in pages for each in page.documents]
    vectors = np.concatenate([page.vectors for page in pages])
    told = [row for row, document in enumerate(documents) if document]
    chosen = [told[at] for at in np.unique(np.linspace(0, len(told) - 1, wanted).astype(int))]
    asked = embedder.embed([_question(ids[row], str(documents[row])) for row in chosen])
    space = true_space(chroma, info)
    tried = []
    for row, vector in zip(_nearest(space, vectors, asked), asked, strict=True):
        known = [float(x) for x in vector]
        answer = KnownAnswer(info.scope, info.name, ids[row], documents[row], known)
        tried.append((answer, vectors[row]))
    right, missed = sorted_out(chroma, info, space, tried)
    return Questions(len(tried), right, missed)


def recognised(page: Page) -> SeededEmbedder | None:
    """The embedder that made these records from their documents, if it was one of ours."""
    rows = [
        row
        for row, document in enumerate(page.documents)
        if document and row not in page.without_vector
    ][:SAMPLED]
    if len(rows) < SAMPLED:
        return None
    stored = _directions(page.vectors[rows])
    for seed in SEEDS:
        embedder = SeededEmbedder(page.vectors.shape[1], seed)
        again = _directions(embedder.embed([str(page.documents[row]) for row in rows]))
        # direction alone: a cosine collection may keep its vectors normalised
        if np.allclose(stored, again, atol=1e-4):
            return embedder
    return None


def _question(record: str, document: str) -> str:
    name = record.partition(":")[0]
    first, _, _ = document.partition(". ")
    return f"what does {name} do: {' '.join(first.split())}"


def _directions(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths))


def _nearest(space: str, vectors: np.ndarray, asked: np.ndarray) -> list[int]:
    """The row of `vectors` nearest to each question, exactly."""
    if space == "cosine":
        closeness = _directions(asked) @ _directions(vectors).T
    else:
        closeness = asked @ vectors.T
        if space == "l2":
            closeness = closeness - (vectors**2).sum(axis=1) / 2
    return [int(row) for row in closeness.argmax(axis=1)]
