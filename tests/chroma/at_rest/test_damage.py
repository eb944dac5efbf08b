"""Damage gives sentences, never a crash, a hang, code run or a giant allocation."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from chromadrill.chroma.at_rest import Store, StoreUnknown, StoreUnreadable
from chromadrill.chroma.at_rest.graph import LogTail, graph_problems
from chromadrill.chroma.at_rest.index import HnswIndex
from chromadrill.chroma.at_rest.integrity import integrity_problems
from chromadrill.chroma.at_rest.structure import structure_problems
from tests.chroma.at_rest.churn import SPACES, churn, hnsw
from tests.chroma.at_rest.servers import Json, Server, file_states, sql


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Six churned collections: three spaces, below (1000) and above (100) the threshold."""
    path = tmp_path_factory.mktemp("healthy") / "d"
    with Server(path) as server:
        for space in SPACES:
            for threshold in (100, 1000):
                name = f"{space}-{threshold}"
                collection = server.create(name, configuration=hnsw(space, threshold))
                churn(server, collection, 9, 16, 5)
    return path


@pytest.fixture
def copy(healthy: Path, tmp_path: Path) -> Path:
    shutil.copytree(healthy, tmp_path / "d")
    return tmp_path / "d"


def live_rows(directory: Path) -> list[tuple[int, int]]:
    """(place of its label in data_level0.bin, label) of every live row.

    Rows are filled in parallel, in another order each time, and a deleted one's label changes
    nothing: a test that damages a fixed row would miss now and then.
    """
    index = HnswIndex(directory)
    owned = np.isin(index.sorted_labels, index.owned) & ~index.is_deleted[index.order]
    rows = sorted(
        zip(index.order[owned].tolist(), index.sorted_labels[owned].tolist(), strict=True)
    )
    return [(row_size(directory) * (row + 1) - 8, label) for row, label in rows]


def segment(path: Path, name: str) -> Path:
    with Store.open(path) as store:
        info = next(i for i in store.collections() if i.name == name)
        row = store.segment(info, "VECTOR")
        assert row is not None
        return path / row.id


def read_everything(path: Path) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Read everything: (collection -> problems, collection -> rows without a vector)."""
    before = file_states(path)
    problems: dict[str, list[str]] = {}
    without: dict[str, int] = {}
    with Store.open(path) as store:
        for info in store.collections():
            try:
                problems[info.name] = structure_problems(store, info)
            except (StoreUnknown, StoreUnreadable) as error:
                problems[info.name] = [str(error)]
            try:
                without[info.name] = sum(len(p.without_vector) for p in store.pages(info))
            except (StoreUnknown, StoreUnreadable) as error:
                without[info.name] = -1
                problems[info.name].append(str(error))
    assert file_states(path) == before
    return problems, without


def patch(file: Path, offset: int, data: bytes) -> object:
    with file.open("r+b") as handle:
        handle.seek(offset)
        return handle.write(data)


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def row_size(directory: Path) -> int:
    return int(struct.unpack_from("<Q", (directory / "header.bin").read_bytes(), 28)[0])


def test_a_healthy_store_is_silent(copy: Path) -> None:
    problems, without = read_everything(copy)
    assert not any(problems.values())
    assert not any(without.values())
    with Store.open(copy) as store:
        assert integrity_problems(store.db, store.path) == []


FILES: dict[str, Callable[[Path], object]] = {
    "directory removed": shutil.rmtree,
    "pickle removed": lambda d: (d / "index_metadata.pickle").unlink(),
    "header removed": lambda d: (d / "header.bin").unlink(),
    "header zeroed": lambda d: patch(d / "header.bin", 0, bytes(100)),
    "header of noise": lambda d: (d / "header.bin").write_bytes(random.Random(1).randbytes(100)),
    "header cut": lambda d: os.truncate(d / "header.bin", 40),
    "absurd row count": lambda d: patch(d / "header.bin", 20, struct.pack("<Q", 2**60)),
    "absurd row size": lambda d: patch(d / "header.bin", 28, struct.pack("<Q", 2**60)),
    "entry point outside": lambda d: patch(d / "header.bin", 56, struct.pack("<I", 10**6)),
    "top level changed": lambda d: patch(d / "header.bin", 52, struct.pack("<i", 9)),
    "level0 cut": lambda d: os.truncate(d / "data_level0.bin", 4000),
    "level0 empty": lambda d: os.truncate(d / "data_level0.bin", 0),
    "level0 zeroed": lambda d: (d / "data_level0.bin").write_bytes(
        bytes((d / "data_level0.bin").stat().st_size)
    ),
    "link outside": lambda d: patch(d / "data_level0.bin", 4, struct.pack("<I", 10**6)),
    "link count absurd": lambda d: patch(d / "data_level0.bin", 0, struct.pack("<H", 60000)),
    "label changed": lambda d: patch(
        d / "data_level0.bin", live_rows(d)[0][0], struct.pack("<Q", 4_000_000)
    ),
    "label doubled": lambda d: patch(
        d / "data_level0.bin", live_rows(d)[0][0], struct.pack("<Q", live_rows(d)[1][1])
    ),
    "vector not a number": lambda d: [
        patch(d / "data_level0.bin", row_size(d) * r + 132, struct.pack("<f", float("nan")))
        for r in range(20)
    ],
    "links cut": lambda d: os.truncate(d / "link_lists.bin", 20),
    "links of noise": lambda d: (d / "link_lists.bin").write_bytes(
        random.Random(1).randbytes((d / "link_lists.bin").stat().st_size)
    ),
    "pickle empty": lambda d: os.truncate(d / "index_metadata.pickle", 0),
    "pickle cut": lambda d: os.truncate(d / "index_metadata.pickle", 900),
    "pickle of a list": lambda d: (d / "index_metadata.pickle").write_bytes(pickle.dumps([1])),
    "pickle of an older sync": lambda d: (d / "index_metadata.pickle").write_bytes(
        pickle.dumps({"id_to_label": {"r0": 1}, "label_to_id": {1: "r0"}})
    ),
    "a pipe instead": lambda d: pipe(d / "header.bin"),
    "a pipe for the vectors": lambda d: pipe(d / "data_level0.bin"),
}  # fmt: skip


@pytest.mark.parametrize("damage", FILES)
def test_damaged_index_files_are_named_and_only_in_their_collection(
    copy: Path, damage: str
) -> None:
    FILES[damage](segment(copy, "cosine-100"))
    problems, _ = read_everything(copy)
    assert problems.pop("cosine-100")
    assert not any(problems.values())


def age_pickle(directory: Path) -> None:
    """The pickle of the flush before the last one: it does not know the newest row."""
    file = directory / "index_metadata.pickle"
    maps = pickle.loads(file.read_bytes())
    newest = max(maps["label_to_id"])
    del maps["id_to_label"][maps["label_to_id"].pop(newest)]
    file.write_bytes(pickle.dumps({**maps, "total_elements_added": newest - 1}))


def test_lists_of_links_that_end_behind_the_rows_of_the_pickle_are_cut_off(copy: Path) -> None:
    directory = segment(copy, "cosine-100")
    age_pickle(directory)
    links = directory / "link_lists.bin"
    os.truncate(links, links.stat().st_size - 4)
    problems, _ = read_everything(copy)
    assert any("link_lists.bin is cut off" in sentence for sentence in problems["cosine-100"])


def test_deletion_that_is_in_the_rows_and_not_in_the_pickle_is_seen(copy: Path) -> None:
    directory = segment(copy, "cosine-100")
    patch(
        directory / "data_level0.bin",
        live_rows(directory)[0][0] // row_size(directory) * row_size(directory) + 2,
        b"\1",
    )
    problems, _ = read_everything(copy)
    assert any("marked deleted" in sentence for sentence in problems["cosine-100"])


@pytest.mark.parametrize(
    ("log", "sentences"),
    [
        (LogTail(np.array([], np.int64), 0), ["label", "row"]),
        (LogTail(np.array([9_999], np.int64), 0), ["row"]),
        (LogTail(np.array([], np.int64), 1), ["label"]),
        (LogTail(np.array([9_999], np.int64), 1), []),
    ],
)
def test_pickle_that_is_newer_than_the_rows_is_explained_by_the_log_alone(
    copy: Path, log: LogTail, sentences: list[str]
) -> None:
    index = HnswIndex(segment(copy, "cosine-100"))
    last = index.owned.max()  # a deletion took it out of the pickle, and a write put another in
    index.owned = np.append(index.owned[index.owned != last], 9_999)
    index.added = 9_999
    problems = graph_problems(index, True, np.zeros(index.row_count, np.bool_), log)
    expected = {
        "label": "1 labels of its pickle have no row",
        "row": "1 rows carry labels that its pickle does not know",
    }
    assert problems == [expected[sentence] for sentence in sentences]


def test_lengths_are_judged_for_cosine_alone(copy: Path) -> None:
    for name in ("l2-100", "ip-100", "cosine-100"):
        file = segment(copy, name) / "length.bin"
        file.write_bytes(bytes(file.stat().st_size))
    problems, _ = read_everything(copy)
    assert problems.pop("cosine-100")
    assert not any(problems.values())


def test_index_files_below_the_threshold_are_not_judged(copy: Path) -> None:
    shutil.rmtree(segment(copy, "l2-1000"))
    os.truncate(segment(copy, "ip-1000") / "data_level0.bin", 10)
    problems, without = read_everything(copy)
    assert not any(problems.values())
    assert not any(without.values())


TABLES = {
    "queue emptied": ("DELETE FROM embeddings_queue", True),
    "queue tail lost": (
        "DELETE FROM embeddings_queue WHERE seq_id > (SELECT max(seq_id) - 9 "
        "FROM embeddings_queue)",
        True,
    ),
    "records lost": ("DELETE FROM embeddings WHERE id % 50 = 0", True),
    "documents lost": (
        "DELETE FROM embedding_metadata WHERE id % 50 = 0 AND key = 'chroma:document'", True),
    "document changed": (
        "UPDATE embedding_metadata SET string_value = 'X' WHERE id % 50 = 0 "
        "AND key = 'chroma:document'", True),
    "full text emptied": ("DELETE FROM embedding_fulltext_search", True),
    "vector segments lost": ("DELETE FROM segments WHERE scope = 'VECTOR'", True),
    "metadata segments lost": ("DELETE FROM segments WHERE scope = 'METADATA'", True),
    "max_seq_id beyond the log": ("UPDATE max_seq_id SET seq_id = seq_id + 100000", True),
    "dimension changed": ("UPDATE collections SET dimension = 7", True),
    "schema broken": ("UPDATE collections SET schema_str = '{'", True),
    "seq_id of text": ("UPDATE embeddings SET seq_id = 'x' WHERE id % 50 = 0", True),
    "seq_id of a fraction": ("UPDATE embeddings SET seq_id = 1.5 WHERE id % 50 = 0", True),
    "seq_id beyond the segment's": (
        "UPDATE embeddings SET seq_id = seq_id + 100000 WHERE id % 50 = 0", True),
    "two types": ("UPDATE embedding_metadata SET int_value = 1 WHERE key = 's'", True),
    "invalid utf-8": (
        "UPDATE embedding_metadata SET string_value = CAST(x'ff41' AS TEXT) WHERE key = 's'", True),
    "queue vectors cut": (
        "UPDATE embeddings_queue SET vector = substr(vector, 1, 5) WHERE vector IS NOT NULL", True),
    "queue ids changed": ("UPDATE embeddings_queue SET id = id || 'x'", True),
    "tenant lost": ("PRAGMA foreign_keys=OFF; DELETE FROM tenants", False),
    "database lost": ("PRAGMA foreign_keys=OFF; DELETE FROM databases", False),
}  # fmt: skip


@pytest.mark.parametrize("damage", TABLES)
def test_damaged_tables_are_named(copy: Path, damage: str) -> None:
    statements, in_structure = TABLES[damage]
    sql(copy, *statements.split("; "))
    problems, without = read_everything(copy)
    if in_structure:
        assert any(problems.values()) or any(without.values())
    else:
        with Store.open(copy) as store:
            assert integrity_problems(store.db, store.path)


def test_a_full_text_index_that_differs_is_found(copy: Path) -> None:
    sql(copy, "UPDATE embedding_fulltext_search_data SET block = x'00' WHERE id > 10")
    with Store.open(copy) as store:
        assert any("full-text" in line for line in integrity_problems(store.db, store.path))


def test_a_missing_empty_or_foreign_store_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable, match="not a directory"):
        Store.open(tmp_path / "nowhere")
    with pytest.raises(StoreUnreadable, match="holds no"):
        Store.open(tmp_path)
    file = tmp_path / "chroma.sqlite3"
    for content in (b"", b"x" * 9000, b"SQLite format 3\0" + b"\xff" * 5000):
        file.write_bytes(content)
        with pytest.raises(StoreUnreadable):
            Store.open(tmp_path)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(StoreUnreadable, match="regular"):
        Store.open(tmp_path)
    file.unlink()
    sql(tmp_path, "CREATE TABLE t(a)")
    with pytest.raises(StoreUnreadable, match="no Chroma tables"):
        Store.open(tmp_path)


def test_a_newer_format_is_unknown(copy: Path) -> None:
    sql(copy, "INSERT INTO migrations VALUES ('sysdb', 11, 'x', 'x', 'x')")
    with pytest.raises(StoreUnknown, match="newer"):
        Store.open(copy)


def test_a_hostile_pickle_runs_nothing_and_is_unknown(copy: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/owned",)

    for protocol in (0, 2, 4, 5):
        file = segment(copy, "l2-100") / "index_metadata.pickle"
        file.write_bytes(pickle.dumps({"id_to_label": Evil()}, protocol))
        with Store.open(copy) as store:
            infos = {i.name: i for i in store.collections()}
            with pytest.raises(StoreUnknown, match="more than plain data"):
                list(store.pages(infos["l2-100"]))
            with pytest.raises(StoreUnknown):
                structure_problems(store, infos["l2-100"])
            assert structure_problems(store, infos["ip-100"]) == []
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80\x03}r\xff\xff\xff\xff.",
        b"\x80\x04\x96" + b"\xff" * 8 + b".",
        b"\x80\x03X\xff\xff\xff\xff.",
        pytest.param(b"\x80\x03" + b"}" * 10**6 + b".", marks=pytest.mark.slow),  # 5 s
        b"\x80\x03" + b"(" * 10**6 + b"u.",
        b"\x80\x03\x8d" + b"\xff" * 7 + b"\x7f.",
    ],
    ids=["memo", "bytearray", "text", "dicts", "marks", "long text"],
)
def test_a_pickle_bomb_allocates_little(copy: Path, bomb: bytes) -> None:
    (segment(copy, "l2-100") / "index_metadata.pickle").write_bytes(bomb)
    tracemalloc.start()
    problems, _ = read_everything(copy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problems["l2-100"]
    assert peak < 300e6


@pytest.mark.parametrize("seed", range(25))
def test_random_damage_gives_sentences_and_no_other_exception(copy: Path, seed: int) -> None:
    rng = random.Random(seed)
    files = sorted(f for f in copy.rglob("*") if f.is_file() and f.stat().st_size)
    for _ in range(6):
        file = copy / "chroma.sqlite3" if rng.random() < 0.5 else rng.choice(files)
        if rng.random() < 0.1:
            os.truncate(file, rng.randrange(file.stat().st_size))
            break
        for _ in range(8):
            patch(file, rng.randrange(file.stat().st_size), rng.randbytes(rng.choice((1, 8, 64))))
    try:
        read_everything(copy)
        with Store.open(copy) as store:
            store.tenants(), store.databases(), integrity_problems(store.db, store.path)
    except (StoreUnreadable, StoreUnknown) as error:
        message = str(error)
    else:
        message = "."
    assert message.endswith(".")


def test_the_pickle_reader_agrees_with_python_on_every_protocol() -> None:
    from chromadrill.chroma.at_rest.pickles import read_dict

    data: Json = {
        "id_to_label": {f"r{i}é": i * 1000 for i in range(5000)},
        "label_to_id": {i: f"r{i}é" for i in range(5000)},
        "n": None, "b": True, "big": 2**50, "neg": -5, "f": 1.5, "e": {},
    }  # fmt: skip
    for protocol in (2, 3, 4, 5):
        assert read_dict(pickle.dumps(data, protocol)) == data


def test_normalising_matches_the_sequential_float32_sum() -> None:
    from chromadrill.chroma.at_rest.vectors import normalise

    rows = np.random.default_rng(0).standard_normal((50, 33)).astype(np.float32)
    _, lengths = normalise(rows)
    for row, length in zip(rows, lengths, strict=True):
        total = np.float32(0)
        for value in row:
            total = np.float32(total + np.float32(value * value))
        assert np.sqrt(total) == length
