"""The pages in which a store is read change nothing of what is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from chromadrill.chroma.at_rest import Store, StoreUnreadable
from tests.chroma.at_rest.churn import SPACES, churn, hnsw
from tests.chroma.at_rest.servers import Server, sql


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "d"
    with Server(path) as server:
        for space in SPACES:
            churn(server, server.create(f"in-{space}", configuration=hnsw(space, 10)), 3, 16, 5)
    return path


def test_pages_of_every_size_hold_the_same_vectors(store: Path) -> None:
    with Store.open(store) as opened:
        for info in opened.collections():
            wanted = np.concatenate([page.vectors for page in opened.pages(info, 1000)])
            assert len(wanted), info.name
            for size in (1, 2, 7):
                pages = list(opened.pages(info, size))
                assert (np.concatenate([page.vectors for page in pages]) == wanted).all()
                assert not any(page.without_vector for page in pages)


def stored(opened: Store, size: int) -> list[tuple[object, ...]]:
    return [
        row
        for info in opened.collections()
        for page in opened.pages(info, size)
        for row in zip(page.ids, page.documents, page.metadatas, page.uris, strict=True)
    ]


@pytest.mark.parametrize("moved", ["0", "id % 3 = 0", "key = 'f'"])
def test_pages_of_every_size_hold_the_same_metadata_wherever_its_rows_lie(
    store: Path, tmp_path: Path, moved: str
) -> None:
    with Store.open(store) as opened:
        wanted = stored(opened, 1000)
    copy = shutil.copytree(store, tmp_path / "d")
    sql(copy, f"UPDATE embedding_metadata SET rowid = rowid + 1000000 WHERE {moved}")
    with Store.open(copy) as opened:
        assert [stored(opened, size) for size in (1, 2, 7, 1000)] == [wanted] * 4
    assert {type(value) for *_, metadata, _ in wanted for value in (metadata or {}).values()} >= {
        bool, float, int, str
    }  # fmt: skip


def test_some_records_of_a_range_are_those_asked_for(store: Path) -> None:
    with Store.open(store) as opened:
        for info in opened.collections():
            ids = [id_ for page in opened.pages(info) for id_ in page.ids][:9:2]
            assert sorted(opened.sample(info, 0, ids).ids) == sorted(ids)


def test_record_that_the_log_alone_holds_is_whole_however_often_it_is_read(
    store: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(store, tmp_path / "d")
    sql(
        copy,
        "INSERT INTO embeddings_queue (operation, topic, id, vector, encoding, metadata)"
        ' SELECT 0, topic, \'new\', vector, encoding, \'{"chroma:document":"text","n":1}\''
        " FROM embeddings_queue WHERE vector IS NOT NULL LIMIT 1",
    )
    with Store.open(copy) as opened:
        read = []
        for info in opened.collections():
            for page in (opened.sample(info, 1000), opened.sample(info, 0, ["new"]),
                         *opened.pages(info)):  # fmt: skip
                read += [(page.documents[row], page.metadatas[row])
                         for row, id_ in enumerate(page.ids) if id_ == "new"]  # fmt: skip
    assert read == [("text", {"n": 1})] * 3


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE embedding_metadata SET key = x'6b' WHERE key = 'f'",
        "UPDATE embedding_metadata_array SET string_value = x'ff' WHERE key = 'l'",
        "UPDATE embedding_metadata SET string_value = x'01' WHERE key = 'chroma:document'",
        "UPDATE embeddings SET embedding_id = x'ff' WHERE embedding_id = 'r1'",
    ],
    ids=["key", "item of a list", "document", "id"],
)
def test_bytes_where_the_database_keeps_text_are_said(
    store: Path, tmp_path: Path, statement: str
) -> None:
    copy = shutil.copytree(store, tmp_path / "d")
    sql(copy, statement)
    with Store.open(copy) as opened:
        info = next(i for i in opened.collections() if i.name == "in-l2")
        with pytest.raises(StoreUnreadable, match="something else than text"):
            list(opened.pages(info))
