"""What a forecast is made from: the source's size and lengths, and the parts of a small rebuild."""

import numpy as np
import pytest

from chromadrill.checks.rebuild_parts import Range
from chromadrill.core.errors import Unavailable
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.measured_parts import (
    embedding_seconds,
    reading_seconds,
    rebuild_parts,
    texts_of_lengths,
)
from chromadrill.recovery.scaling import RecoveryTimes
from chromadrill.recovery.sources.source_size import size_of_table, size_of_texts
from tests.recovery.rebuild.conftest import ROWS
from tests.recovery.rebuild.hash_model import HashModel


def test_size_of_a_table_is_its_rows_and_the_lengths_of_its_documents(table):
    size = size_of_table(table.url, SourceTable(batch=10))
    assert (size.name, size.records, size.is_users) == ("manual_content", 60, True)
    assert size.lengths == tuple(len(content) for _, content, _ in ROWS[:40])
    assert size.as_json()["documents_looked_at"] == 40
    split = SourceTable(batch=10, split="tests.recovery.rebuild.own_functions:words_of_two")
    assert size_of_table(table.url, split).records == 120
    table.sql("truncate manual_content")
    assert size_of_table(table.url, SourceTable()) is None
    with pytest.raises(Unavailable):
        size_of_table(table.url, SourceTable(table="nothing"))


def test_texts_have_the_lengths_of_the_source_up_to_what_a_model_reads():
    texts = texts_of_lengths("abc " * 1000, [10, 500, 9000], 60)
    assert {len(text) for text in texts} == {10, 500, 1000}
    assert {len(text) for text in texts_of_lengths("abc", [10], 5)} == {3}


def test_seconds_of_a_document_are_of_whole_batches():
    model = HashModel()
    seconds = embedding_seconds(model, "abc " * 1000, [100])
    assert 0 < seconds.low <= seconds.high
    assert len(model.texts) == 1 + 4 * 8


def test_parts_of_a_collection_that_was_written_and_proven(table):
    table.rebuild()
    read = reading_seconds(table.chroma, table.collection())
    assert 0 < read.low <= read.high < 1
    parts = rebuild_parts(Range(0.02, 0.03), read, [0.001, 0.002, 0.003], [1.5], 60)
    assert parts.write == Range(0.0015, 0.0025)
    assert parts.written == 60
    assert parts.query.high == pytest.approx((1.5 - 120 * read.low) / 60)
    fast = rebuild_parts(Range(0, 0), Range(1, 1), [0.1], [0.5], 60)
    assert fast.query == Range(0, 0)  # a proof is not faster than its reading


def test_times_of_several_sizes_give_the_parts_of_the_largest():
    times = RecoveryTimes(
        writes=[(1000, 1.0), (2000, 3.0), (6000, 9.0)],
        proofs=[(1000, 2.0), (6000, 8.0)],
        read=Range(0.0001, 0.0001),
    )
    parts = times.parts(Range(0.02, 0.03))
    assert (parts.written, parts.embed) == (6000, Range(0.02, 0.03))
    assert parts.write.low == pytest.approx(np.quantile([0.001, 0.0015, 0.0015], 0.25))
    with pytest.raises(Unavailable, match="no size was measured"):
        RecoveryTimes().parts(Range(0, 0))


def test_own_documents_of_a_drill_are_nobodys_source():
    size = size_of_texts("the drill's own", ["abc", "abcdef"])
    assert (size.records, size.lengths, size.is_users) == (2, (3, 6), False)
