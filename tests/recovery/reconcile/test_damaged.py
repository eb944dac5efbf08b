"""A store that was damaged by hand: vectors that no page gives, records that the database lost."""

import os
import sqlite3

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.disasters.files import SEGMENT_DELETED
from chromadrill.targets.process.target import ProcessTarget
from tests.recovery.reconcile.word_model import WordModel

pytestmark = pytest.mark.slow


@pytest.fixture
def chroma_home(tmp_path):
    """A server of this test's own: it is damaged."""
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


def test_lost_index_and_lost_rows_are_named(compare, store, chroma_home):
    texts = [f"document {n} of many" for n in range(2500)]
    ids = [f"m{n}" for n in range(2500)]
    for start in range(0, 2500, 500):
        part = slice(start, start + 500)
        store.chroma.upsert(
            store.collection(), ids=ids[part], vectors=WordModel().embed(texts[part]),
            documents=texts[part],
        )  # fmt: skip
        store.sql(
            "insert into manual_content (id, content) select * from unnest(%s::text[], %s::text[])",
            [ids[part], texts[part]],
        )
    assert compare()[0] == 0

    SEGMENT_DELETED.inject(chroma_home)
    code, answer, lines = compare()
    assert code == 1, answer
    assert answer["differences"]["no vector"] >= 2000
    assert {tuple(line["kinds"]) for line in lines} == {("no vector",)}

    chroma_home.stop()
    with chroma_home.volume() as volume, sqlite3.connect(volume / "chroma.sqlite3") as database:
        database.execute("update embedding_metadata set string_value = 'altered' where string_value"
                         " = 'document 7 of many'")  # fmt: skip
        database.execute("delete from embeddings where embedding_id in ('m8', 'm9')")
    chroma_home.start()
    with Chroma(chroma_home.url) as chroma:
        assert chroma.count(chroma.collection(Scope(), "docs")) == 2558
    _, answer, lines = compare()
    kinds = {line["id"]: line["kinds"] for line in lines}
    assert (kinds["m7"], kinds["m8"], kinds["m9"]) == (["stale text"], ["missing"], ["missing"])
