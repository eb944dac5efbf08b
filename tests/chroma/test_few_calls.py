"""A small collection is fingerprinted in few calls, and is asked the same questions as in many."""

from collections import Counter

import numpy as np
import pytest

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Scope


@pytest.fixture
def calls(monkeypatch):
    """How often each kind of call was made, by the last part of its path."""
    counts = Counter()
    send = Chroma.send

    def counted(self, method, path, body, *more):
        kind = path.rpartition("/")[2]
        counts[kind, "text" if "where_document" in (body or {}) else ""] += 1
        return send(self, method, path, body, *more)

    monkeypatch.setattr(Chroma, "send", counted)
    return counts


def fingerprint_of(server, scope=None):
    with Chroma(server.url) as chroma:
        return live.fingerprint(chroma, [scope or Scope()])


def questions_of(fingerprint):
    (collection,) = fingerprint.collections.values()
    return [(answer.kind, answer.question) for answer in collection.answers]


def test_questions_of_a_small_collection_are_those_that_are_chosen_one_call_each(
    server, monkeypatch
):
    held = questions_of(fingerprint_of(server))
    monkeypatch.setattr(live, "HELD", 0)
    assert held == questions_of(fingerprint_of(server))
    assert {kind for kind, _ in held} == {"neighbours", "filter", "filtered neighbours", "text"}


def test_records_are_read_once_to_choose_questions_and_to_grade_them(server, calls):
    fingerprint = fingerprint_of(server)
    filters = sum(kind == "filter" for kind, _ in questions_of(fingerprint))
    pages = calls["get", ""] - filters
    assert pages <= 3, f"{pages} pages of 30 records were read"


def test_neighbours_by_one_filter_are_asked_for_together(server, calls):
    fingerprint = fingerprint_of(server)
    asked = [q["where"] for kind, q in questions_of(fingerprint) if kind == "filtered neighbours"]
    filters = {repr(where) for where in asked}
    assert len(asked) == 9
    # and one for all neighbours, one for self-recall, one for the metric
    assert calls["query", ""] <= len(filters) + 3


def test_words_that_many_documents_share_are_asked_for_once(server, calls):
    scope = Scope("default_tenant", "letters")
    with Chroma(server.url) as chroma:
        chroma.create_database(scope)
        info = chroma.create_collection(scope, "letters")
        chroma.upsert(
            info,
            ids=[f"r{n}" for n in range(30)],
            vectors=np.random.default_rng(1).normal(size=(30, 4)).astype(np.float32),
            documents=["Yours sincerely"] * 30,
        )
    (letters,) = fingerprint_of(server, scope).collections.values()
    answers = [answer for answer in letters.answers if answer.kind == "text"]
    assert len(answers) == 30
    assert all(
        answer.answered == answer.expected and answer.answered[0] == 30 for answer in answers
    )
    assert calls["get", "text"] == 1


def test_shared_words_that_cannot_be_asked_for_are_answered_for_no_document(server, monkeypatch):
    def refuse(self, collection, **question):
        raise CallFailed("POST get", 500, "no such function: fts")

    monkeypatch.setattr(Chroma, "matching_ids", refuse)
    with Chroma(server.url) as chroma:
        observation = live.observe(chroma, [Scope()])
    (docs,) = observation.fingerprint.collections.values()
    texts = [answer for answer in docs.answers if answer.kind == "text"]
    assert texts
    assert all(answer.answered is None for answer in texts)
    assert "text" in {error.step for error in observation.read_errors}
