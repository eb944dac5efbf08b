"""`[source] split`: records of a row by a function of the user's; its mistakes are sentences."""

import itertools
from functools import partial

import pytest

from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.model import Scope
from chromadrill.core.settings import SourceTable
from chromadrill.recovery.vectors_from.open_lenders import open_lenders
from tests.recovery.rebuild import own_functions
from tests.recovery.rebuild.conftest import ROWS, assert_passed
from tests.recovery.rebuild.worker_models import LoggedModel, texts_of


def by(function, **more):
    return SourceTable(batch=25, split=f"tests.recovery.rebuild.own_functions:{function}", **more)


@pytest.mark.slow
def test_row_becomes_its_pieces_with_stable_ids(table):
    result = table.rebuild(mapping=by("words_of_two"))

    assert_passed(result)
    assert result.rows == len(table.records()) == 120
    assert table.records()["r7:0"] == ("document 7", ROWS[7][2])
    assert table.records()["r7:1"][0].startswith("about ")
    again = table.rebuild(mapping=by("words_of_two"))
    assert (again.embedded, again.changed) == (0, False)
    assert_passed(again)


@pytest.mark.slow
def test_pieces_have_ids_metadata_and_uris_of_their_own(table):
    assert_passed(table.rebuild(mapping=by("named_pieces")))
    assert table.records()["r3/about-2"] == ("about", {"part": 2, **ROWS[3][2]})


@pytest.mark.slow
def test_only_pieces_that_changed_are_embedded_and_those_that_went_are_gone(table):
    table.rebuild(mapping=by("words_of_two"))
    table.sql("update manual_content set content = 'document 7' where id = 'r7'")
    table.sql("update manual_content set content = 'document 8 new words' where id = 'r8'")
    result = table.rebuild(mapping=by("words_of_two"))

    assert_passed(result)
    assert (result.rows, result.embedded) == (119, 1)
    assert "r7:1" not in table.records()


@pytest.mark.slow
def test_extra_records_of_an_earlier_run_are_removed(table):
    table.rebuild(mapping=by("words_of_two"))
    table.chroma.rename_collection(table.collection(), "docs.rebuilding")
    table.sql("delete from manual_content where id < 'r3'")
    result = table.rebuild(mapping=by("words_of_two"))

    assert_passed(result)
    assert result.embedded == 0
    assert not any(record < "r3" for record in table.records())


def test_row_without_records_is_told(table):
    result = table.rebuild(mapping=by("none_of_odd_rows"))
    assert_passed(result)
    assert result.rows == 30


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("raises", r"row 'r7': tests\..*:raises raised ZeroDivisionError: "),
        ("text_alone", "row 'r0': .* returned a value of type str, no list of records"),
        ("no_content", "row 'r0': .* the key 'text'. Known: content, id, metadata, uri"),
        ("empty_id", "row 'r0': .* gave record 0 no text as its id: ''"),
        ("odd_metadata", "row 'r0': Chroma keeps no metadata under the key ''"),
        ("same_id_everywhere", "gives 1 ids to more than one record: 'piece'"),
        ("at_random", "row 'r0': .* is not deterministic: called twice with this row"),
    ],
)
def test_mistake_of_the_function_is_a_sentence_with_the_row(table, function, message):
    with pytest.raises(Refused, match=message) as refusal:
        table.rebuild(mapping=by(function))
    assert refusal.value.sentence.startswith("PostgreSQL ")
    assert table.names() == []


def test_split_that_gives_other_records_the_next_time_is_named(table, monkeypatch):
    monkeypatch.setattr(own_functions, "CALLS", itertools.count())
    with pytest.raises(Refused, match="by_a_counter is not deterministic: it gives other records"):
        table.rebuild(mapping=by("by_a_counter"))
    assert "docs" not in table.names()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["", "primary key"], ids=["documents are sent", "ranges are read"])
def test_workers_embed_the_records_and_not_the_rows(table, tmp_path, key):
    if key:
        table.sql("alter table manual_content add primary key (id)")
    result = table.rebuild(mapping=by("words_of_two"), load=partial(LoggedModel, tmp_path))

    assert_passed(result)
    assert result.embedded == 120
    embedded = [text for log in texts_of(tmp_path) for text in log]
    assert set(embedded) <= {text for text, _ in table.records().values()}
    assert len(embedded) == 120 - 8  # the first batch is timed in this process


@pytest.mark.slow
def test_workers_embed_what_no_lender_has(table, tmp_path):
    info = table.chroma.create_collection(Scope(), "lender", hnsw={"space": "cosine"})
    texts = [text for _, text, _ in ROWS[:50]]
    ids = [str(number) for number in range(50)]
    table.chroma.upsert(info, ids=ids, vectors=table.model.embed(texts), documents=texts)
    with open_lenders(table.chroma, ["lender"], Scope(), "docs") as lenders:
        result = table.rebuild(lenders=lenders, load=partial(LoggedModel, tmp_path))

    assert_passed(result)
    assert (result.copied, result.embedded) == (50, 10)
    assert sum(map(len, texts_of(tmp_path))) == 10 - 8  # the first batch is timed in this process


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("no.such.module:function", "cannot be imported: ModuleNotFoundError"),
        ("tests.recovery.rebuild.own_functions:nothing", "cannot be imported: AttributeError"),
        ("tests.recovery.rebuild.own_functions:NO_FUNCTION", "is no function"),
    ],
)
def test_function_that_is_not_there_is_a_usage_error(table, split, message):
    with pytest.raises(UsageError, match=message):
        table.rebuild(mapping=SourceTable(split=split))
