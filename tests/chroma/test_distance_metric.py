"""The metric is measured: what a listing says is believed only where no answer can tell."""

import dataclasses

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.core.model import Scope


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
@pytest.mark.parametrize("zeros", [0, 1, 8, 12])
def test_zero_vectors_in_front_hide_no_metric(server, space, zeros):
    with Chroma(server.url) as chroma:
        info = chroma.create_collection(Scope(), "measured", hnsw={"space": space})
        try:
            vectors = np.ones((zeros + 2, 4), np.float32)
            vectors[:zeros] = 0
            ids = [f"r{n:02}" for n in range(zeros + 2)]
            chroma.upsert(info, ids=ids, vectors=vectors, documents=ids)
            for listed in ("l2", "cosine", "ip"):
                assert true_space(chroma, dataclasses.replace(info, space=listed)) == space
        finally:
            chroma.delete_collection(Scope(), "measured")


@pytest.mark.parametrize("space", ["l2", "cosine", "ip"])
def test_zero_vectors_alone_tell_whether_it_is_l2(server, space):
    with Chroma(server.url) as chroma:
        info = chroma.create_collection(Scope(), "measured", hnsw={"space": space})
        try:
            ids = [f"r{n}" for n in range(3)]
            chroma.upsert(info, ids=ids, vectors=np.zeros((3, 4), np.float32), documents=ids)
            listed = dataclasses.replace(info, space="l2", metadata=None)
            assert true_space(chroma, info) == space
            assert (true_space(chroma, listed) == "l2") is (space == "l2")
        finally:
            chroma.delete_collection(Scope(), "measured")
