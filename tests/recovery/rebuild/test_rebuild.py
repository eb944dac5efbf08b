"""A collection made again from its rows: all of it, typed, embedded once."""

import dataclasses
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from chromadrill.chroma.fingerprint import live
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Outcome, Scope
from tests.recovery.rebuild.conftest import ROWS, assert_passed
from tests.recovery.rebuild.hash_model import HashModel

SINCE = datetime(2026, 6, 1, tzinfo=UTC)


def not_passed(result):
    return [v.check for v in result.verdicts if v.outcome is not Outcome.PASS]


def test_lost_collection_comes_back_with_every_row_typed(table):
    result = table.rebuild()

    assert_passed(result)
    assert (result.rows, result.embedded, result.copied, result.changed) == (60, 60, 0, True)
    assert table.records() == {i: (c, m) for i, c, m in ROWS}
    assert type(table.records()["r2"][1]["f"]) is float
    assert table.names() == ["docs"]
    assert table.collection().metadata["embedding_weights_sha256"] == table.model.weights_sha256


@pytest.mark.slow
def test_second_rebuild_of_the_unchanged_source_embeds_and_changes_nothing(table):
    table.rebuild()
    before = table.collection().id
    result = table.rebuild()

    assert (result.embedded, result.copied, result.changed) == (0, 0, False)
    assert_passed(result)
    assert table.collection().id == before
    assert table.names() == ["docs"]


@pytest.mark.slow
def test_only_what_changed_is_embedded_and_the_old_copy_is_kept(table):
    table.rebuild()
    table.sql("update manual_content set content = 'new words' where id = 'r7'")
    table.sql("update manual_content set metadata = '{\"only\": 1}' where id = 'r8'")
    table.sql("delete from manual_content where id = 'r9'")
    table.sql("insert into manual_content values ('r99', 'ninety-nine', null)")
    table.model.texts.clear()
    result = table.rebuild()

    assert_passed(result)
    assert (result.embedded, result.copied) == (2, 58)
    records = table.records()
    assert records["r7"][0] == "new words"
    assert records["r8"][1] == {"only": 1}
    assert records["r99"] == ("ninety-nine", None)
    assert "r9" not in records
    assert result.old.endswith("docs.before-rebuild")
    assert len(table.records("docs.before-rebuild")) == 60


class ZerosForNothing(HashModel):
    """As a bag of words makes them."""

    def vector(self, text):
        return np.zeros(self.dimension, np.float32) if text == "-" else super().vector(text)


@pytest.mark.slow
def test_zeros_that_the_model_makes_of_a_document_are_the_models_own(table):
    table.sql("update manual_content set content = '-' where id = 'r7'")
    table.model = ZerosForNothing()
    result = table.rebuild()
    assert_passed(result)
    assert (result.embedded, result.changed) == (60, True)


@pytest.mark.slow
def test_copied_vectors_that_nobody_looked_at_are_told(table):
    table.sql("insert into manual_content select 'more' || n, 'text ' || n, null"
              " from generate_series(1, 20) n")  # fmt: skip
    message = {v.check: v.message for v in table.rebuild().verdicts}["fresh embeddings"]
    assert "unseen" not in message  # all were made just now

    table.sql("update manual_content set content = content || '!' where id like 'more%'")
    message = {v.check: v.message for v in table.rebuild().verdicts}["fresh embeddings"]
    # 80 rows, of which 20 are new and 64 are sampled
    unseen = int(re.search(r"(\d+) vectors were copied unseen", message)[1])
    assert 80 - 20 - 64 < unseen <= 80 - 64


@pytest.mark.slow
def test_kept_copy_is_never_overwritten_unasked(table):
    table.rebuild()
    table.sql("update manual_content set content = 'one' where id = 'r1'")
    table.rebuild()
    table.sql("update manual_content set content = 'two' where id = 'r1'")
    with pytest.raises(Refused, match="still there"):
        table.rebuild()
    assert table.records()["r1"][0] == "one"

    result = table.rebuild(drop_old=True)
    assert result.changed
    assert table.names() == ["docs"]


@pytest.mark.slow
def test_since_embeds_rows_that_changed_and_refuses_to_embed_older_ones(table):
    table.rebuild()
    table.sql(
        "update manual_content set content = 'new', updated_at = '2026-07-01' where id = 'r3'"
    )
    result = table.rebuild(since=SINCE)
    assert (result.embedded, result.copied) == (1, 59)

    table.sql("update manual_content set content = 'unsaid' where id = 'r4'")
    with pytest.raises(Refused, match=r"1 rows have not changed since.*r4"):
        table.rebuild(since=SINCE, drop_old=True)


@pytest.mark.slow
def test_regenerate_embeds_everything_anew_and_mends_wrong_vectors(table):
    table.rebuild()
    info = table.collection()
    wrong = np.ones((60, 16), np.float32)
    raw = table.chroma.get(info, include=("documents", "metadatas"))
    table.chroma.upsert(info, ids=raw["ids"], vectors=wrong, documents=raw["documents"])

    unmended = table.rebuild()
    assert "fresh embeddings" in not_passed(unmended)
    result = table.rebuild(fresh=True)
    assert_passed(result)
    assert result.embedded == 60


def test_another_model_of_the_same_width_is_refused(table):
    table.rebuild()
    before = table.collection().id
    for fresh in (False, True):
        with pytest.raises(Refused, match=r"not .*by hash"):
            table.rebuild(model=HashModel("other"), fresh=fresh)
    assert table.collection().id == before


def test_collection_that_names_no_model_is_asked_whose_vectors_it_has(table):
    info = table.chroma.create_collection(Scope(), "docs", hnsw={"space": "cosine"})
    texts = [c for _, c, _ in ROWS]
    table.chroma.upsert(
        info,
        ids=[i for i, _, _ in ROWS],
        vectors=HashModel("other").embed(texts),
        documents=texts,
    )
    with pytest.raises(Refused, match="does not say which model"):
        table.rebuild()
    table.chroma.upsert(
        info, ids=[i for i, _, _ in ROWS], vectors=table.model.embed(texts), documents=texts
    )
    result = table.rebuild()
    assert_passed(result)
    assert result.copied == 60


def test_other_dimension_is_refused(table):
    info = table.chroma.create_collection(Scope(), "docs")
    table.chroma.upsert(info, ids=["x"], vectors=np.ones((1, 3), np.float32), documents=["d"])
    with pytest.raises(Refused, match="3 dimensions"):
        table.rebuild()


@pytest.mark.slow
def test_settings_and_vectors_of_the_lost_database_are_held_against_its_fingerprint(table):
    table.rebuild(space="l2")
    key = f"{Scope()}/docs"
    lost = live.fingerprint(table.chroma, [Scope()]).collections[key]
    table.chroma.delete_collection(Scope(), "docs")

    result = table.rebuild(lost=lost)
    assert_passed(result)
    assert result.verdicts[-1].check == "lost database"
    assert table.collection().space == "l2"

    table.sql("delete from manual_content where id = 'r5'")
    result = table.rebuild(lost=lost)
    assert not_passed(result) == ["lost database"]
    assert "r5" in result.verdicts[-1].message
    assert result.verdicts[-1].outcome is Outcome.UNKNOWN
    assert (result.changed, result.staged) == (False, True)
    assert len(table.records()) == 60

    result = table.rebuild()  # deleted on purpose, says who leaves the fingerprint away
    assert (result.changed, result.embedded, len(table.records())) == (True, 0, 59)


def print_with(table, **changes):
    """The fingerprint of `docs`, its info changed so."""
    present = live.fingerprint(table.chroma, [Scope()]).collections[f"{Scope()}/docs"]
    return dataclasses.replace(present, info=dataclasses.replace(present.info, **changes))


@pytest.mark.slow
def test_vectors_that_are_not_the_lost_ones_never_take_the_name(table):
    table.rebuild()
    info = table.collection()
    ids = [i for i, _, _ in ROWS]
    other = np.roll(table.model.embed([c for _, c, _ in ROWS]), 1, axis=1)
    table.chroma.upsert(info, ids=ids, vectors=other, documents=[c for _, c, _ in ROWS])
    lost = print_with(table)
    right = table.model.embed([c for _, c, _ in ROWS])
    table.chroma.upsert(info, ids=ids, vectors=right, documents=[c for _, c, _ in ROWS])
    table.sql("update manual_content set content = 'new' where id = 'r1'")

    result = table.rebuild(lost=lost, drop_old=True)
    assert (not_passed(result), result.changed, result.staged) == (["lost database"], False, True)
    assert table.collection().id == info.id
    assert table.records()["r1"][0] != "new"


@pytest.mark.slow
def test_metric_and_metadata_that_are_not_the_lost_ones_never_take_the_name(table):
    table.rebuild()
    before = table.collection().id
    metadata = {**table.collection().metadata, "owner": "somebody"}
    table.sql("update manual_content set content = 'new' where id = 'r1'")
    for changes in ({"space": "l2"}, {"metadata": metadata}):
        result = table.rebuild(lost=print_with(table, **changes))
        assert (not_passed(result), result.changed) == (["lost database"], False)
        assert table.collection().id == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hnsw", "more", "difference"),
    [
        ({"space": "l2"}, {}, "'l2'|space"),
        ({"space": "cosine", "ef_search": 7}, {}, "ef_search"),
        ({"space": "cosine"}, {"embedding_weights_sha256": None}, "weights"),
        ({"space": "cosine"}, {"owner": "somebody"}, "owner"),
    ],
    ids=["metric", "index settings", "no model", "metadata"],
)
def test_what_an_earlier_run_began_otherwise_is_not_gone_on_with(table, hnsw, more, difference):
    table.rebuild()
    before = table.collection()
    metadata = {k: v for k, v in {**before.metadata, **more}.items() if v is not None}
    begun = table.chroma.create_collection(Scope(), "docs.rebuilding", hnsw=hnsw, metadata=metadata)
    vector = table.model.embed(["x"])
    table.chroma.upsert(begun, ids=["x"], vectors=vector, documents=["x"])
    with pytest.raises(Refused, match=f"(?s)docs.rebuilding.*({difference})"):
        table.rebuild()
    assert table.collection() == before
    assert "docs.rebuilding" in table.names()

    table.chroma.delete(begun, ["x"])  # an empty one holds nobody's work
    assert_passed(table.rebuild())
    assert table.collection().space == "cosine"


@pytest.mark.slow
def test_copy_whose_collection_was_removed_is_not_given_the_name_unasked(table):
    table.rebuild()
    table.chroma.rename_collection(table.collection(), "docs.before-rebuild")
    with pytest.raises(Refused, match=r"no swap was left half done(.|\n)*name='docs'.*--drop-old"):
        table.rebuild()
    assert table.names() == ["docs.before-rebuild"]

    assert table.rebuild(drop_old=True).changed
    assert table.names() == ["docs"]


@pytest.mark.slow
def test_server_that_fails_in_the_midst_leaves_the_collection_and_what_was_embedded(
    table, chroma_home
):
    table.rebuild()
    table.sql("update manual_content set content = content || '!'")
    before = table.records()

    class Failing(HashModel):
        def embed(self, texts):
            if len(self.texts) > 30:
                chroma_home.kill()
            return super().embed(texts)

    try:
        with pytest.raises(Unavailable, match="was not changed"):
            table.rebuild(model=Failing())
    finally:
        chroma_home.start()
    assert table.records() == before
    result = table.rebuild()
    assert_passed(result)
    assert 20 < result.resumed < 60
    assert result.embedded == 60 - result.resumed


@pytest.mark.slow
def test_rows_that_change_meanwhile_are_not_half_in(table):
    class Meddling(HashModel):
        def embed(inner, texts):
            table.sql("update manual_content set content = 'later'")
            table.sql("insert into manual_content values (gen_random_uuid()::text, 'later', null)")
            return HashModel.embed(inner, texts)

    result = table.rebuild(model=Meddling())
    assert_passed(result)
    assert table.records() == {i: (c, m) for i, c, m in ROWS}


@pytest.mark.slow
def test_stored_documents_are_a_source_too(table):
    from chromadrill.recovery.rebuild import rebuild
    from chromadrill.recovery.rebuild_task import RebuildTask
    from chromadrill.recovery.sources.stored_documents import stored_documents

    table.rebuild()
    info = table.collection()
    source = stored_documents(table.chroma, [info], "docs")
    result = rebuild(table.chroma, source, table.model, RebuildTask(Scope(), "docs", fresh=True))
    assert_passed(result)
    assert result.embedded == 60
    assert table.records() == {i: (c, m) for i, c, m in ROWS}
    assert dataclasses.replace(info, id="") == dataclasses.replace(table.collection(), id="")


@pytest.mark.slow
def test_wrong_vectors_are_not_gone_on_with(table):
    table.rebuild()
    info = table.collection()
    raw = table.chroma.get(info, include=("documents",))
    wrong = np.ones((60, 16), np.float32)
    table.chroma.upsert(info, ids=raw["ids"], vectors=wrong, documents=raw["documents"])
    table.sql("update manual_content set content = 'new' where id = 'r1'")

    result = table.rebuild()
    assert (not_passed(result)[0], result.discarded, result.changed) == (
        "fresh embeddings",
        True,
        False,
    )
    assert table.names() == ["docs"]
