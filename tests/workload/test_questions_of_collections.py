"""Questions in words, where each collection names the function that embeds them."""

import json

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.settings import Embedding, Settings
from chromadrill.core.settings.schema import Questions
from chromadrill.workload.queries.configured_questions import configured_questions
from tests.embedding.conftest import one_service, service
from tests.embedding.servers import WordModel
from tests.front_door import enter

__all__ = ["one_service", "service"]
TEXTS = [f"text {n} about {'abc'[n % 3]}" for n in range(12)]


@pytest.fixture
def chroma(server):
    with Chroma(server.url) as client:
        yield client


def make(chroma, name, function):
    info = chroma.create_collection(
        Scope(), name, hnsw={"space": "cosine"}, embedding_function=function
    )
    ids = [f"{name}-{number}" for number in range(len(TEXTS))]
    vectors = np.array(WordModel().embed(TEXTS))
    chroma.upsert(info, ids=ids, vectors=vectors, documents=TEXTS)


def test_each_question_is_embedded_by_the_function_of_its_collection(
    chroma, service, server, tmp_path, monkeypatch, capsys
):
    make(chroma, "by-tei", service.tei())
    make(chroma, "by-nobody", None)
    lines = [
        {"collection": name, "text": TEXTS[number], "right": [f"{name}-{number}"]}
        for name in ("by-tei", "by-nobody")
        for number in range(3)
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = Settings(
        questions=Questions(file=str(path)),
        embedding=Embedding(function="collection", retry_wait_s=0),
    )
    for name, value in {"FUNCTION": "collection", "RETRY_WAIT_S": "0"}.items():
        monkeypatch.setenv(f"DRILL_EMBEDDING__{name}", value)
    try:
        counts = configured_questions(settings).ask(chroma)
        (verdict,) = configured_questions(settings).verdicts(chroma)
        ended = enter(capsys, "questions", "ask", "--url", server.url, "--file", path, "--json")
    finally:
        for name in ("by-tei", "by-nobody"):
            chroma.delete_collection(Scope(), name)
    assert counts.states["found"] == 3
    assert counts.states["unasked"] == 3
    assert verdict.outcome is not Outcome.FAIL
    assert "by-nobody names no embedding function" in verdict.message
    assert ended.answer["questions"]["states"] == {"found": 3, "unasked": 3}
