"""Which vectors are embedded again: whatever a memory contradicts, and a sample of the unknown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.chroma.fingerprint.digests import record_table
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Page
from chromadrill.recovery.reconcile.chosen_vectors import ByText, choose_vectors
from chromadrill.recovery.reconcile.vector_memory import VectorMemory

RNG = np.random.default_rng(3)
RIGHT = {text: RNG.normal(size=16).astype(np.float32) for text in "abcdefgh"}
WRONG = RNG.normal(size=16).astype(np.float32)
# text, whether its vector is right, and by what the store has stretched it
RECORD = st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.sampled_from([1.0, 3.0]))


def by_text(records):
    """Records of (text, right, length), named r0, r1, ..."""
    page = Page(
        ids=[f"r{n}" for n in range(len(records))],
        documents=[text for text, _, _ in records],
        metadatas=[None] * len(records),
        uris=[None] * len(records),
        vectors=np.stack(
            [length * (RIGHT[text] if right else WRONG) for text, right, length in records]
        ),
    )
    collected = ByText()
    collected.add(record_table(page))
    return collected.records()


def digests(texts):
    page = record_table(Page(list(texts), list(texts), [None] * len(texts), [None] * len(texts),
                             np.ones((len(texts), 2), np.float32)))  # fmt: skip
    return [digest.hex() for digest in page["document"].to_pylist()]


def memory_of(texts, path=None):
    memory = VectorMemory(path, "model")
    if texts:
        memory.add(digests(texts), np.stack([RIGHT[text] for text in texts]))
    return memory


def ids(some):
    return sorted(record for part in some.parts() for record in part)


@given(
    st.lists(RECORD, min_size=1, max_size=30),
    st.lists(st.sampled_from("abcdefgh"), unique=True),
    st.none() | st.integers(0, 5),
)
def test_every_contradiction_is_a_suspect_and_no_right_vector_is(records, known, sample):
    chosen = choose_vectors(by_text(records), memory_of(known), sample, np.random.default_rng(1))
    named = list(enumerate(records))
    wrong = [f"r{n}" for n, (text, right, _) in named if text in known and not right]
    mixed = {text for text in RIGHT if len({right for one, right, _ in records if one == text}) > 1}
    doubtful = [f"r{n}" for n, (text, _, _) in named if text not in known and text in mixed]
    unknown = [f"r{n}" for n, (text, _, _) in named if text not in known and text not in mixed]
    assert ids(chosen.suspects) == sorted(wrong + doubtful)
    assert chosen.remembered == sum(text in known and right for text, right, _ in records)
    assert set(ids(chosen.sample)) <= set(unknown)
    assert chosen.sample.count == (len(unknown) if sample is None else min(sample, len(unknown)))
    assert ids(chosen.right) == sorted(
        f"r{n}" for n, (text, right, _) in named if text in known and right
    )


def test_memory_is_the_same_after_it_was_saved_and_grows(tmp_path):
    path = tmp_path / "new folder" / "vectors.arrow"
    memory_of("abc", path).save()
    memory = VectorMemory(path, "model")
    memory.add(digests("cd"), np.stack([RIGHT["c"], RIGHT["d"]]))
    memory.save()
    again = VectorMemory(path, "model")
    kept = [record for table in again.tables() for record in table["id"].to_pylist()]
    assert kept == sorted(digests("abcd"))
    chosen = choose_vectors(by_text([(t, True, 1.0) for t in "abcde"]), again, 0, RNG)
    assert (chosen.remembered, chosen.suspects.count) == (4, 0)


def test_memory_of_another_model_is_forgotten_and_another_file_refused(tmp_path):
    path = tmp_path / "vectors.arrow"
    memory_of("abc", path).save()
    other = VectorMemory(path, "another")
    assert "is of model, not of another" in other.forgot
    assert list(other.tables()) == []
    path.write_bytes(b"no memory at all")
    with pytest.raises(Unavailable, match="no memory of vectors"):
        VectorMemory(path, "model")
    with pytest.raises(Unavailable, match="cannot be written"):
        VectorMemory(path / "below a file", "model")
