"""Questions about the standard dataset have exact answers; other data is not taken for it."""

import dataclasses
import json
import os

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.standard import DEFAULT, standard
from chromadrill.workload.load import plan
from chromadrill.workload.queries.ground_truth import detect_embedder, ground_truth_questions
from tests.workload.wrong_answers import other_ids

pytestmark = pytest.mark.slow  # loads half of the standard dataset


@pytest.fixture(scope="module")
def chroma(tmp_path_factory):
    """A server with two collections of the standard dataset, cosine and ip."""
    target = ProcessTarget(tmp_path_factory.mktemp("standard") / "home", owner=os.getpid())
    target.start()
    whole = standard(1200)
    in_default = tuple(p for p in whole.collections if p.scope == DEFAULT)
    with Chroma(target.url, timeout_s=60) as client:
        dataclasses.replace(whole, collections=in_default).load(client)
        yield client
    target.remove()


def test_questions_have_the_nearest_record_of_all_as_answer(chroma):
    questions = ground_truth_questions(chroma, [DEFAULT], 20)
    assert len(questions.right) >= 15
    assert len(questions.right) + len(questions.missed) <= questions.tried == 20
    info = chroma.collection(DEFAULT, questions.info.name)
    stored = {
        i: v for page in chroma.pages(info) for i, v in zip(page.ids, page.vectors, strict=True)
    }
    for question in questions.right:
        vector = np.array(question.vector)
        best = max(stored, key=lambda i: stored[i] @ vector / np.linalg.norm(stored[i]))
        assert question.record == best
        assert (
            vector @ stored[best] / np.linalg.norm(vector) / np.linalg.norm(stored[best]) < 0.9999
        )


def test_records_with_other_vectors_are_not_ours(chroma):
    info = chroma.collection(DEFAULT, "bmad_embeddings")
    page = chroma.page(info, limit=20, offset=0)
    assert detect_embedder(page) is not None
    other = dataclasses.replace(page, vectors=page.vectors[::-1])
    assert detect_embedder(other) is None
    assert detect_embedder(dataclasses.replace(page, documents=[None] * 20)) is None


def test_the_standard_dataset_with_every_question_wrong_is_a_fail_and_not_asked_otherwise(chroma):
    def wrong_for_questions(data):  # a record's own vector (distance 0) is answered rightly
        raw = json.loads(data)
        own = bool(raw.get("distances")) and abs(raw["distances"][0][0]) < 1e-4
        return data if own else other_ids(data)

    with faulty_proxy(chroma.url) as proxy, Chroma(proxy.url, timeout_s=60) as client:
        proxy.alter = wrong_for_questions
        with pytest.raises(plan.AnswersWrong, match="standard dataset"):
            plan.choose_questions(client, [DEFAULT])
