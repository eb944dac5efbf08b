"""Questions in words about the standard dataset, with answers known by exact computation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.core.model import Page, Scope
from chromadrill.workload.data.seeded_embedder import SeededEmbedder
from chromadrill.workload.queries.known_answer import KnownAnswer, spread
from chromadrill.workload.queries.self_queries import (
    QuestionSet,
    largest_collection,
    split_questions,
)

MOST_RECORDS = 20_000  # above this an exact answer costs more than it is worth here
SEEDS = (7, 8)  # those of data.standard
SAMPLED = 5


def ground_truth_questions(
    chroma: Chroma, scopes: Sequence[Scope], wanted: int
) -> QuestionSet | None:
    """At most `wanted` questions of the largest collection; None if it is not our standard dataset.

    A question's known answer is its exact nearest record, by brute force over all vectors. Only
    reads. Raises CallFailed.
    """
    count, info = largest_collection(chroma, scopes)
    if info is None or count > MOST_RECORDS:
        return None
    embedder = detect_embedder(chroma.page(info, limit=4 * SAMPLED, offset=0))
    if embedder is None:
        return None
    pages = list(chroma.pages(info))
    ids = [record for page in pages for record in page.ids]
    documents = [document for page in pages for document in page.documents]
    vectors = np.concatenate([page.vectors for page in pages])
    documented = [row for row, document in enumerate(documents) if document]
    rows = [documented[at] for at in spread(len(documented), wanted)]
    asked = embedder.embed([_question(ids[row], str(documents[row])) for row in rows])
    space = true_space(chroma, info)
    questions = []
    for row, vector in zip(_nearest(space, vectors, asked), asked, strict=True):
        question_vector = [float(x) for x in vector]
        question = KnownAnswer(info.scope, info.name, ids[row], documents[row], question_vector)
        questions.append((question, vectors[row]))
    split = split_questions(chroma, info, space, questions)
    return QuestionSet(info, count, len(questions), split.right, split.missed, split.unreached)


def detect_embedder(page: Page) -> SeededEmbedder | None:
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
