"""Questions in words about the standard dataset, with answers known by exact computation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.metric import true_space
from chromadrill.datasets.probes import KnownAnswer
from chromadrill.datasets.vectors import SeededEmbedder
from chromadrill.model import Page, Scope

MOST_RECORDS = 20_000  # above this an exact answer costs more than it is worth here
SEEDS = (7, 8)  # those of datasets.standard
SAMPLED = 5


def questions(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> list[KnownAnswer]:
    """At most `wanted` questions of the largest collection, if it holds our standard dataset.

    Nothing where it does not. A question's known answer is its exact nearest record, by brute
    force over all vectors; a question that the source itself gets wrong today is left out. Only
    reads. Raises CallFailed.
    """
    infos = [(chroma.count(i), i) for s in scopes for i in chroma.collections(s)]
    count, info = max(infos, key=lambda each: each[0], default=(0, None))
    if info is None or not 0 < count <= MOST_RECORDS:
        return []
    embedder = recognised(chroma.page(info, limit=4 * SAMPLED, offset=0))
    if embedder is None:
        return []
    pages = list(chroma.pages(info))
    ids = [each for page in pages for each in page.ids]
    documents = [each for page in pages for each in page.documents]
    vectors = np.concatenate([page.vectors for page in pages])
    told = [row for row, document in enumerate(documents) if document]
    chosen = [told[at] for at in np.unique(np.linspace(0, len(told) - 1, wanted).astype(int))]
    asked = embedder.embed([_question(ids[row], str(documents[row])) for row in chosen])
    nearest = _nearest(true_space(chroma, info), vectors, asked)
    made = [
        KnownAnswer(info.scope, info.name, ids[row], documents[row], [float(x) for x in vector])
        for row, vector in zip(nearest, asked, strict=True)
    ]
    return [each for each in made if not each.asked_of(chroma, info)]


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
