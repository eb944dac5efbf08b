"""Long vectors: what float32 rounds off is no damage, and what float64 computes is exact."""

import dataclasses
import os

import numpy as np
import pytest

from chromadrill.checks.answers import right_distances
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.chroma.fingerprint.nearest import distances
from chromadrill.core.model import Outcome, Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import KEY

RNG = np.random.default_rng(1)
COLLECTIONS = {
    "long": ("l2", RNG.normal(0, 1e6, (60, 384))),
    "far-from-zero": ("l2", 1e6 + RNG.normal(0, 1, (60, 384))),
    # ten records that are each other's neighbours, at products near 0
    "right-angled": ("ip", 1e3 * np.linalg.qr(RNG.normal(size=(384, 10)))[0].T),
    "right-angled-and-long": ("ip", 1e6 * np.linalg.qr(RNG.normal(size=(384, 10)))[0].T),
}


# one record is far longer than all others: it widens nobody's limit but its own
OUTLIER = RNG.normal(size=(40, 64))
OUTLIER /= np.linalg.norm(OUTLIER, axis=1, keepdims=True)
OUTLIER[7] *= 1e6
COLLECTIONS["one-long"] = ("ip", OUTLIER)


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    """What a real server answers about each of COLLECTIONS."""
    target = ProcessTarget(tmp_path_factory.mktemp("long") / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        for name, (space, vectors) in COLLECTIONS.items():
            ids = [f"r{row}" for row in range(len(vectors))]
            collection = chroma.create_collection(Scope(), name, hnsw={"space": space})
            chroma.upsert(collection, ids=ids, vectors=np.ascontiguousarray(vectors, np.float32))
        yield live.observe(chroma)
    target.remove()


@pytest.mark.parametrize("name", COLLECTIONS)
def test_distances_of_a_healthy_server_pass_however_long_the_vectors_are(observed, name):
    verdict = judged(observed, of(observed, name))
    assert verdict.outcome is Outcome.PASS, verdict.message


@pytest.mark.parametrize("name", COLLECTIONS)
def test_distance_that_is_a_thousandth_off_is_fail_however_long_the_vectors_are(observed, name):
    right = of(observed, name)
    first = next(answer for answer in right.answers if answer.kind == "neighbours")
    wrong = tuple([record, 1.001 * distance + 0.001] for record, distance in first.answered)
    answers = [dataclasses.replace(first, answered=wrong), *right.answers]
    assert judged(observed, dataclasses.replace(right, answers=answers)).outcome is Outcome.FAIL


def of(observed, name):
    return observed.fingerprint.collections[KEY.replace("docs", name)]


def judged(observed, one):
    alone = dataclasses.replace(observed.fingerprint, collections={one.info.key: one})
    return right_distances(dataclasses.replace(observed, fingerprint=alone), alone)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_a_record_is_at_no_distance_from_itself_however_long_it_is(offset):
    vectors = (offset + RNG.normal(0, 1e6 - offset + 1, (20, 384))).astype(np.float32)
    assert np.diagonal(distances(vectors, vectors, "l2")).tolist() == [0.0] * 20
