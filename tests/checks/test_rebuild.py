"""Each check of a rebuild turns red for what it is there for, and says of which records."""

import numpy as np
import pytest

from chromadrill.checks.rebuild import (
    fresh_embeddings,
    retrieval,
    same_as_lost,
    same_rows,
    same_settings,
)
from chromadrill.chroma.fingerprint.digests import NO_RECORDS, record_table
from chromadrill.core.model import Hits, Outcome
from chromadrill.core.records.streams import RecordsInMemory
from tests.conftest import page, printed

ROWS = RecordsInMemory(record_table(page(without_vector=(0, 1, 2))))


def rebuilt(**changes):
    return printed(page(**changes)).records


def test_rows_that_are_the_sources_pass():
    assert same_rows("k", ROWS, rebuilt()).outcome is Outcome.PASS


def test_floats_that_a_server_moved_are_the_sources_with_or_without_a_point():
    def rows(*values):
        return RecordsInMemory(record_table(page(metadatas=[{"e": value} for value in values])))

    written = rows(3.0000000000000003e-35, 0.10000000000000002, 1.0000000000000002e16)
    assert same_rows("k", rows(3e-35, 0.1, 1e16), written).outcome is Outcome.PASS
    other = same_rows("k", rows(3e-35, 0.1, 1e16), rows(3.1e-35, 0.1, 10**16))
    assert "metadata of 2 ids: a, c" in other.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"documents": ["one", "two!", None]}, "document of 1 ids: b"),
        ({"documents": ["one", "", None]}, "document of 1 ids: b"),
        ({"metadatas": [{"n": 1}, {"n": 2}, None]}, "metadata of 1 ids: b"),
        ({"metadatas": [{"n": True}, {"n": 2.0}, None]}, "metadata of 1 ids: a"),
        ({"ids": ["a", "b", "d"]}, "missing record of 1 ids: c"),
        ({"ids": ["a", "b", "d"]}, "extra record of 1 ids: d"),
        ({"ids": ["a", "b", "b"]}, "missing record of 1 ids: c"),
    ],
    ids=range(7),
)
def test_every_way_in_which_rows_differ_is_named(changes, message):
    verdict = same_rows("k", ROWS, rebuilt(**changes))
    assert verdict.outcome is Outcome.FAIL
    assert message in verdict.message


def test_nothing_compared_is_unknown():
    assert same_rows("k", NO_RECORDS, NO_RECORDS).outcome is Outcome.UNKNOWN
    assert fresh_embeddings("k", []).outcome is Outcome.UNKNOWN
    assert same_as_lost(printed(page(ids=["x", "y", "z"])), printed()).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("wrong", [0.9998, -1.0, float("nan")])
def test_one_vector_that_is_not_the_models_fails(wrong):
    verdict = fresh_embeddings("k", [("a", 1.0), ("b", wrong)])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.differences[0].ids == ("b",)
    assert fresh_embeddings("k", [("a", 1.0), ("b", 0.99991)]).outcome is Outcome.PASS


def test_vectors_of_the_lost_database_may_drift_as_batches_do_and_no_more():
    vectors = np.random.default_rng(1).normal(size=(3, 384)).astype(np.float32)
    before = printed(page(vectors=vectors))
    drifted = printed(page(vectors=vectors * np.float32(1 + 1e-6)))
    other = vectors.copy()
    other[1] = np.roll(other[1], 1)

    assert same_as_lost(before, drifted).outcome is Outcome.PASS
    verdict = same_as_lost(before, printed(page(vectors=other)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.differences[0].ids == ("b",)


def test_documents_that_the_source_changed_since_are_told_and_not_judged():
    changed = printed(page(documents=["one", "newer", None], vectors=page().vectors + 0))
    verdict = same_as_lost(printed(), changed)
    assert verdict.outcome is Outcome.PASS
    assert "newer in the source" in verdict.message


def test_records_that_only_the_lost_database_had_make_it_unknown():
    verdict = same_as_lost(printed(), printed(page(ids=["a", "b", "new"])))
    assert verdict.outcome is Outcome.UNKNOWN
    assert "c" in verdict.message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "cosine"}, "space"),
        ({"metadata": {"v": 2}}, "metadata"),
        ({"metadata": None}, "metadata"),
        ({"configuration": {"hnsw": {"space": "l2", "ef_search": 7}}}, "ef_search"),
    ],
    ids=range(4),
)
def test_settings_other_than_wanted_or_lost_are_named(changes, message):
    before, after = printed(), printed(**changes)
    for verdict in (same_settings(before.info, after.info), same_as_lost(before, after)):
        assert verdict.outcome is Outcome.FAIL
        assert message in verdict.message


def test_index_of_a_key_that_only_one_ones_records_have_is_no_other_setting():
    bare = printed(schema={"keys": {}, "defaults": {"int": 1}}).info
    learned = printed(schema={"keys": {"n": {"int": 1}}, "defaults": {"int": 1}}).info
    set_so = printed(schema={"keys": {"n": {"int": 2}}, "defaults": {"int": 1}}).info
    for one, other in ((learned, bare), (bare, learned)):
        assert same_settings(one, other).outcome is Outcome.PASS
    for one, other in ((set_so, bare), (bare, set_so)):
        assert same_settings(one, other).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("after", "outcomes"),
    [
        (Hits(200, 92, 166), ["pass", "pass"]),
        (Hits(200, 99, 170), ["pass", "pass"]),
        (Hits(200, 90, 164), ["pass", "pass"]),
        (Hits(200, 89, 166), ["fail", "pass"]),
        (Hits(200, 92, 163), ["pass", "fail"]),
        (Hits(0, 0, 0), ["unknown", "unknown"]),
    ],
    ids=range(6),
)
def test_questions_must_find_their_documents_as_often_as_before(after, outcomes):
    before = [Hits(200, 92, 166)] * 3
    assert [str(verdict.outcome) for verdict in retrieval(before, after)] == outcomes


def test_worst_of_the_healthy_answers_is_wanted_and_the_spread_counts_once():
    unsteady = [Hits(200, 92, 166), Hits(200, 84, 158)]
    assert retrieval(unsteady, Hits(200, 84, 158))[0].outcome is Outcome.PASS
    assert retrieval(unsteady, Hits(200, 81, 158))[0].outcome is Outcome.FAIL


def test_source_that_was_asked_once_shows_nothing_of_its_spread():
    assert retrieval([Hits(200, 92, 166)], Hits(200, 92, 166))[0].outcome is Outcome.UNKNOWN


def test_questions_that_found_nothing_before_show_nothing():
    assert retrieval([Hits(10, 0, 0)] * 2, Hits(10, 0, 0))[0].outcome is Outcome.UNKNOWN


def test_vectors_that_were_copied_unseen_are_counted():
    verdict = fresh_embeddings("k", [("a", 1.0)], unseen=7)
    assert "7 vectors were copied unseen" in verdict.message
    assert "unseen" not in fresh_embeddings("k", [("a", 1.0)]).message
