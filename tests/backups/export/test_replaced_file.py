"""A good export outlives the collection that was dropped and made again without a record."""

import numpy as np
import pytest

from chromadrill.backups.export.formats import open_export
from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.model import Scope


def backup(server, path, *words):
    """The exit code of an export of everything."""
    with pytest.raises(SystemExit) as ended:
        cli.run(invoke, ["backup", "--url", server.url, "--output-file", str(path), *words])
    return ended.value.code


@pytest.fixture
def chroma(server):
    """A collection `memory` of five records beside the server's own."""
    with Chroma(server.url) as client:
        fill(client)
        yield client
        client.delete_collection(Scope(), "memory")


def fill(chroma):
    info = chroma.create_collection(Scope(), "memory")
    vectors = np.eye(5, dtype=np.float32)
    chroma.upsert(info, ids=list("abcde"), vectors=vectors, documents=["text"] * 5)
    return info


def empty(chroma):
    chroma.delete(chroma.collection(Scope(), "memory"), list("abcde"))


def recreate(chroma):
    chroma.delete_collection(Scope(), "memory")
    chroma.create_collection(Scope(), "memory")


def rename(chroma):
    chroma.rename_collection(chroma.collection(Scope(), "memory"), "memory-2")
    chroma.create_collection(Scope(), "memory")


def drop_renamed(chroma):
    if "memory-2" in {info.name for info in chroma.collections(Scope())}:
        chroma.delete_collection(Scope(), "memory-2")


@pytest.mark.parametrize("lose", [empty, recreate, rename])
@pytest.mark.parametrize("name", ["e.jsonl", "e.json", "e.parquet", "e.jsonl.zst"])
def test_file_with_the_records_is_kept(server, chroma, tmp_path, capsys, lose, name):
    path = tmp_path / name
    words = ("--collection-name", "memory")
    assert backup(server, path, *words) == cli.DONE
    whole = path.read_bytes()
    lose(chroma)
    assert backup(server, path, *words) == cli.UNKNOWN
    message = capsys.readouterr().err
    assert "memory had 5 records and has none" in message
    assert ("under a new id" in message) == (lose is not empty)
    assert path.read_bytes() == whole
    assert backup(server, path, *words, "--replace") == cli.UNKNOWN  # written, and no backup
    assert open_export(path).fingerprint.records == 0
    drop_renamed(chroma)


def test_collection_that_went_is_named_and_one_that_shrank_is_not(server, chroma, tmp_path, capsys):
    path = tmp_path / "e.jsonl"
    assert backup(server, path, "--all") == cli.DONE
    chroma.delete(chroma.collection(Scope(), "memory"), list("abcd"))
    assert backup(server, path, "--all") == cli.DONE
    assert backup(server, path, "--collection-name", "docs") == cli.UNKNOWN
    assert "memory had 1 records and is not in it" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"{}", "cut"])
def test_file_that_could_not_be_restored_is_replaced(server, chroma, tmp_path, content):
    path = tmp_path / "e.jsonl"
    assert backup(server, path, "--collection-name", "memory") == cli.DONE
    path.write_bytes(path.read_bytes()[:-9] if content == "cut" else content)
    recreate(chroma)
    assert backup(server, path, "--collection-name", "memory") == cli.UNKNOWN
    assert open_export(path).fingerprint.records == 0


def test_restore_of_nothing_is_not_proven(server, chroma, tmp_path, capsys):
    path = tmp_path / "e.jsonl"
    recreate(chroma)
    assert backup(server, path, "--collection-name", "memory") == cli.UNKNOWN
    words = ["restore", "--url", server.url, "--input-file", str(path)]
    with pytest.raises(SystemExit) as ended:
        cli.run(invoke, words)
    assert ended.value.code == cli.UNKNOWN
    assert "no record in any of 1 collections" in capsys.readouterr().out


def test_loop_of_links_is_refused_in_a_sentence(server, tmp_path, capsys):
    path = tmp_path / "e.jsonl"
    path.symlink_to(path)
    assert backup(server, path, "--all") == cli.USAGE
    assert "loop of links" in capsys.readouterr().err
