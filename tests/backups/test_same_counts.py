"""A snapshot of a platform whose files cannot be read: what was written meanwhile is told by counts."""

import numpy as np
import pytest

from chromadrill.backups.same_counts import count_difference
from chromadrill.backups.under_writers import FirstReading, read_again
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope

ZERO = np.zeros((1, 8), np.float32)


@pytest.fixture(scope="module")
def before(server):
    with Chroma(server.url) as chroma:
        return live.fingerprint(chroma, [Scope()])


def test_snapshot_during_which_nobody_wrote_needs_no_second_reading(server, before):
    assert count_difference(server.url, before) == ""
    assert read_again(server.url, FirstReading(before)) == (None, {})


def test_sick_server_to_which_nobody_wrote_is_refused_with_its_own_error(server, before):
    with pytest.raises(Unavailable, match="a check failed"):
        read_again(server.url, FirstReading(before, Unavailable("a check failed")))


def test_snapshot_during_which_somebody_wrote_says_what_stood_still(server, before):
    with Chroma(server.url) as chroma:
        docs = chroma.collection(Scope(), "docs")
        chroma.upsert(docs, ids=["late"], vectors=ZERO, documents=["late"])
    assert "docs had 30 records, and 31 after the snapshot" in count_difference(server.url, before)
    after, facts = read_again(server.url, FirstReading(before))
    (docs,) = facts["stable"]["collections"].values()
    assert (after.records, docs) == (31, {"stable": 30, "moved": 1})
    assert "96.8 % of 31 records stood still" in facts["stable"]["sentence"]


def test_snapshot_of_which_nearly_nothing_stood_still_is_unproven(server, before):
    with Chroma(server.url) as chroma:
        docs = chroma.collection(Scope(), "docs")
        chroma.delete(docs, [f"r{n}" for n in range(25)])
    with pytest.raises(Unavailable, match=r"is there, but unproven: .*docs had 30"):
        read_again(server.url, FirstReading(before))


def test_server_that_is_not_there_is_not_ready(server):
    assert is_ready(server.url, [Scope()])
    assert not is_ready("http://127.0.0.1:9", [Scope()])
