"""RB-6: how fast does this target answer, and is it slower than it was? Every answer is checked."""

import numpy as np
import pytest

from chromadrill.checks.latency import every_under, finds_own_records
from chromadrill.checks.objectives import at_least, p90_under, within
from chromadrill.chroma.connection import connect
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Scope
from chromadrill.workload.data.seeded_embedder import SeededEmbedder
from chromadrill.workload.data.stdlib import documents
from chromadrill.workload.queries import query_kinds
from chromadrill.workload.queries.timed import GradedCall, TimedAnswers

pytestmark = [pytest.mark.latency, pytest.mark.runbook("RB-6")]

RESTARTS = CREATIONS = 3
BATCHES, BATCH = 50, 100  # upserts, records in each
EMBEDDINGS = 100


@pytest.mark.parametrize(
    ("series", "calls_of"),
    [
        pytest.param("search", query_kinds.searches, id="search"),
        pytest.param("filtered search", query_kinds.filtered_searches, id="filtered-search"),
        pytest.param("get by id", query_kinds.gets, id="get-by-id"),
    ],
)
def test_reading_is_fast_and_no_slower_than_before(
    drill, chroma, self_questions, measure, judge_trend_of, objectives, series, calls_of
):
    """A warm server answers right, in time, and as fast as when its baseline was accepted."""
    right, number = self_questions.right, objectives.search_samples
    calls = calls_of(chroma, self_questions.info, right) if right else []
    if right and not calls:
        pytest.skip("no record has metadata to filter by")
    timed = measure(series, calls, number)
    samples, p90_ms = timed.samples, objectives.search_p90_ms
    drill.judge(
        finds_own_records(
            self_questions.tried,
            len(right),
            self_questions.missed,
            unreached=len(self_questions.unreached),
        ),
        p90_under(samples, p90_ms, at_least=number, check=f"{series} p90"),
        every_under(f"every {series}", samples, objectives.query_ms, at_least=number),
        *judge_trend_of(series, timed),
    )


def test_your_questions_are_answered_fast(
    drill, chroma, right_questions, measure, judge_trend_of, objectives
):
    """The questions of `[questions]`: a warm server answers them right, in time, and as before."""
    number, calls = objectives.search_samples, []
    for question in right_questions.right:
        info = chroma.collection(question.scope, question.collection)
        calls += query_kinds.searches(chroma, info, [question])
    timed = measure("question", calls, number)
    samples, p90_ms = timed.samples, objectives.search_p90_ms
    drill.judge(
        right_questions.verdict,
        p90_under(samples, p90_ms, at_least=number, check="question p90"),
        every_under("every question", samples, objectives.query_ms, at_least=number),
        *judge_trend_of("question", timed),
    )


def test_batches_are_written_fast_and_are_there(drill, chroma, measure, objectives, run_name):
    """Batches of 100 records with documents and vectors; all of them are read back."""
    texts = [document.text for document in documents()[: (BATCHES + 10) * BATCH]]
    vectors = SeededEmbedder(384).embed(texts)
    name = f"drill-{run_name}-upserts"
    info = chroma.create_collection(Scope(), name, hnsw={"space": "cosine"})

    def batch(start):
        rows = slice(start, start + BATCH)
        ids = [f"r{n}" for n in range(start, start + len(texts[rows]))]
        return GradedCall(
            lambda: chroma.upsert(info, ids=ids, vectors=vectors[rows], documents=texts[rows]),
            lambda raw: "",  # what was acknowledged is read back below
        )

    try:
        batches = [batch(start) for start in range(0, len(texts), BATCH)]
        timed = measure("upsert", batches, BATCHES)
        stored = {}
        for page in chroma.pages(chroma.collection(Scope(), name)):
            stored |= dict(zip(page.ids, page.documents, strict=True))
        right = sum(stored.get(f"r{n}") == text for n, text in enumerate(texts))
    finally:
        chroma.delete_collection(Scope(), name)
    drill.judge(
        p90_under(timed.samples, objectives.upsert_p90_ms, at_least=BATCHES, check="upsert p90"),
        at_least("upserted records", right, len(texts), unit="records"),
    )


def test_collection_is_created_in_time(drill, chroma, objectives, run_name):
    """The slowest of three; each is there afterwards, and empty."""
    took_s, not_empty = [], []
    for number in range(CREATIONS):
        name = f"drill-{run_name}-new-{number}"
        started = now()
        chroma.create_collection(Scope(), name)
        took_s.append(now() - started)
        try:
            if chroma.count(chroma.collection(Scope(), name)):
                not_empty.append(name)
        finally:
            chroma.delete_collection(Scope(), name)
    drill.judge(
        within("collection creation", max(took_s), objectives.collection_creation_s,
               what=f"the slowest of {CREATIONS} creations"),
        at_least("created and empty", CREATIONS - len(not_empty), CREATIONS, unit="collections"),
    )  # fmt: skip


@pytest.mark.needs("restart")
def test_server_starts_in_time_and_so_does_its_first_query(
    drill, cold_target, self_questions, objectives
):
    """The slowest of three restarts, to the first right answer; cold where starting asks nothing."""
    right = self_questions.right
    if not right:
        pytest.skip("no record answers as it should: there is nothing to ask after a restart")
    starts_s, answers = [], TimedAnswers()
    for number in range(RESTARTS):
        with drill.when(f"restart {number + 1}"):
            cold_target.stop()
            started = now()
            try:
                cold_target.start()
            except DrillError as error:
                drill.note("not started", why=str(error))
                starts_s.append(None)
                break
            with connect(cold_target.url) as chroma:  # a new client, as cold as the server
                question = right[number % len(right)]
                answers.time(*query_kinds.searches(chroma, self_questions.info, [question]))
            # cold but wrong is no start: the check of the first query says what was wrong
            is_right = not answers.samples([]).errors
            starts_s.append(now() - started if is_right else None)
    slowest_s = None if None in starts_s else max(starts_s)
    drill.judge(
        within("startup", slowest_s, objectives.startup_s, what="start to the first right answer"),
        every_under("cold first query", answers.samples(), objectives.query_ms, at_least=RESTARTS),
    )


def test_embedding_is_fast(drill, embedder, measure, objectives):
    """One document at a time, warm; each vector is what the model makes of it in a batch, too."""
    texts = [document.text[:500] for document in documents()[::40][:EMBEDDINGS]]
    expected = embedder.embed(texts)

    def embedding(text, vector):
        def wrong(raw):
            cosine = float(raw["vector"] @ vector)
            return "" if cosine >= 0.9999 else f"not the vector of its batch: cosine {cosine:.4f}"

        return GradedCall(lambda: {"vector": embedder.embed([text])[0]}, wrong)

    drill.note("embedder", **embedder.facts())
    calls = [embedding(text, vector) for text, vector in zip(texts, expected, strict=True)]
    timed = measure("embedding", calls, EMBEDDINGS)
    lengths = np.linalg.norm(expected, axis=1)
    drill.judge(
        p90_under(
            timed.samples,
            objectives.embedding_p90_ms,
            at_least=EMBEDDINGS,
            check="embedding p90",
        ),
        at_least(
            "vectors of unit length",
            int(np.sum(np.abs(lengths - 1) < 1e-3)),
            len(texts),
            unit="vectors",
        ),
    )
