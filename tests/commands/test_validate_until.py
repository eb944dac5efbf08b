"""`chromadrill validate --fingerprint B --until A`: a copy of a server that clients wrote to."""

import itertools
import json
import shutil
import sqlite3
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Scope
from tests.conftest import fill, filled_server
from tests.gateway import gateway


def write(target, ids, *, text):
    with Chroma(target.url) as chroma:
        chroma.upsert(
            chroma.collection(Scope(), "docs"),
            ids=ids,
            vectors=np.full((len(ids), 8), len(text), np.float32),
            documents=[f"{text} {record}" for record in ids],
            metadatas=None,
        )


def fingerprint(target, path):
    assert invoke(["fingerprint", "--url", target.url, "--output", str(path)]) == 0
    return str(path)


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    """A fingerprint, writes, a copy as files and as an export, writes, a fingerprint."""
    folder = tmp_path_factory.mktemp("window")
    with filled_server(folder / "server") as target:
        before = fingerprint(target, folder / "before")
        second = now()
        wait_until(lambda: now() > second + 1.1, within_s=5, name="the next second")
        write(target, ["r1", "r2", "new1"], text="between")
        with Chroma(target.url) as chroma:
            chroma.delete(chroma.collection(Scope(), "docs"), ["r3"])
            chroma.create_collection(Scope(), "made", hnsw={"space": "l2"})
            chroma.create_tenant("other")
            chroma.create_database(Scope("other", "theirs"))
            chroma.create_collection(Scope("other", "theirs"), "mail", hnsw={"space": "l2"})
        export = folder / "export.jsonl"
        assert invoke(["backup", "--url", target.url, "--all", "--output-file", str(export)]) == 0
        target.stop()
        with target.volume() as data:
            shutil.copytree(data, folder / "copy")
        target.start()
        write(target, ["r2", "r4", "new2"], text="afterwards")
        after = fingerprint(target, folder / "after")
        yield SimpleNamespace(
            before=before, after=after, copy=folder / "copy", export=export, url=target.url
        )


def validate(window, *place, capsys, until=True):
    more = ["--until", window.after] if until else []
    arguments = ["validate", "--all", *map(str, place), "--fingerprint", window.before, *more]
    capsys.readouterr()
    code = invoke([*arguments, "--json"])
    answer = json.loads(capsys.readouterr().out)
    return code, answer, {verdict["check"]: verdict for verdict in answer["verdicts"]}


@pytest.mark.slow
def test_copy_of_files_served_and_restarted_is_proven_with_its_coverage(window, capsys):
    code, answer, verdicts = validate(window, "--path", window.copy, "--serve", capsys=capsys)
    assert code == 0
    assert answer["coverage"]["proven"] == 26  # of 30: r1 to r4 moved, and two were added
    assert (answer["coverage"]["moved"], answer["coverage"]["unexplained"]) == (6, 0)
    assert answer["coverage"]["in_between"] == 1  # r2 was written again after the copy
    assert verdicts["records"]["message"].endswith(
        "6 moved while the copy was taken, 1 of them with a version between both, whose content"
        " nothing can check"
    )
    assert verdicts["coverage"]["actual"] == pytest.approx(100 * 26 / 32, abs=0.01)
    assert verdicts["alive (restarted)"]["outcome"] == "pass"


def test_people_are_told_what_lies_between_which_files_and_how_much(window, capsys):
    arguments = ["--path", str(window.copy), "--fingerprint", window.before]
    assert invoke(["validate", "--all", *arguments, "--until", window.after]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert window.before in first
    assert window.after in first
    assert "81.2 % of 32 records proven exactly, 18.8 % moved while it was taken" in last
    assert "only files were read" in last


@pytest.mark.parametrize("packed", [False, True], ids=["export", "tar"])
def test_export_and_tar_are_held_between_the_same_fingerprints(window, capsys, tmp_path, packed):
    place = window.export
    if packed:
        place = tmp_path / "copy.tar.gz"
        with tarfile.open(place, "w:gz") as tar:
            tar.add(window.copy, "chroma")
    code, answer, _ = validate(window, "--path", place, capsys=capsys)
    assert code == 0
    assert (answer["coverage"]["proven"], answer["coverage"]["in_between"]) == (26, 1)


@pytest.mark.slow
def test_tenant_that_no_fingerprint_covers_is_named_as_not_compared(window, capsys):
    for more in ([], ["--serve"]):
        _, _, verdicts = validate(window, "--path", window.copy, *more, capsys=capsys)
        assert verdicts["coverage"]["message"].endswith(
            "; 1 of the copy's tenants not compared (other)"
        )


def test_server_itself_is_held_between_them(window, capsys):
    code, answer, verdicts = validate(window, "--url", window.url, capsys=capsys)
    assert code == 0
    assert answer["coverage"]["unexplained"] == 0
    assert verdicts["distances"]["outcome"] == "pass"


@pytest.fixture
def damaged(window, tmp_path):
    """A function: the copy with an SQL statement run on it."""

    def damage(sql):
        copy = tmp_path / "damaged"
        shutil.copytree(window.copy, copy)
        with sqlite3.connect(copy / "chroma.sqlite3") as database:
            assert database.execute(sql).rowcount > 0
        database.close()
        return copy

    return damage


RECORD = "(SELECT id FROM embeddings WHERE embedding_id = 'r20')"


@pytest.mark.parametrize(
    "sql",
    [
        f"UPDATE embedding_metadata SET int_value = 7 WHERE key = 'n' AND id = {RECORD}",
        f"DELETE FROM embedding_metadata WHERE key = 'even' AND id = {RECORD}",
    ],
    ids=["altered", "metadata lost"],
)
def test_record_that_did_not_move_and_is_another_is_a_fail_named(window, damaged, capsys, sql):
    code, _, verdicts = validate(window, "--path", damaged(sql), capsys=capsys)
    assert code == 1
    assert verdicts["records"]["outcome"] == "fail"
    assert "r20" in verdicts["records"]["message"]


def test_one_fingerprint_alone_is_unknown_with_its_coverage_where_the_log_goes_on(window, capsys):
    code, answer, verdicts = validate(window, "--path", window.copy, until=False, capsys=capsys)
    assert code == 2
    assert "--until" in verdicts["records"]["message"]
    assert answer["coverage"]["proven"] == 27


def test_one_fingerprint_alone_still_fails_what_no_client_can_do(window, capsys, tmp_path):
    copy = tmp_path / "damaged"
    shutil.copytree(window.copy, copy)
    database = sqlite3.connect(copy / "chroma.sqlite3")
    database.execute("DELETE FROM embeddings_queue WHERE id = 'r20'")
    database.commit()
    database.close()
    code, *_ = validate(window, "--path", copy, until=False, capsys=capsys)
    assert code == 1


def test_copy_made_before_the_first_fingerprint_is_called_older(window, capsys):
    swapped = ["--fingerprint", window.after, "--until", window.after]
    code = invoke(["validate", "--all", "--path", str(window.copy), *swapped])
    assert code == 1
    out = capsys.readouterr().out
    assert "new2" in out


def test_fingerprints_in_the_wrong_order_are_refused_with_the_right_one(window):
    with pytest.raises(UsageError, match="Exchange them") as error:
        invoke(
            [
                *("validate", "--all", "--path", str(window.copy)),
                *("--fingerprint", window.after, "--until", window.before),
            ]
        )
    assert f"--fingerprint {window.before} --until {window.after}" in str(error.value)


def test_until_alone_is_refused(window):
    with pytest.raises(UsageError, match="--until needs --fingerprint"):
        invoke(["validate", "--all", "--path", str(window.copy), "--until", window.after])


@pytest.mark.slow
def test_fingerprint_of_a_server_that_clients_write_to_is_a_recording(server, tmp_path, capsys):
    """Its records change between being read and being asked: it does not disagree with itself."""
    turns = itertools.count()

    def rewrite(_, path):
        if path.endswith(f"{moving.id}/query"):
            vectors = np.random.default_rng(next(turns)).normal(size=(30, 8)).astype(np.float32)
            ids = [f"r{n}" for n in range(30)]
            chroma.upsert(moving, ids=ids, vectors=vectors, documents=ids, metadatas=None)

    with Chroma(server.url) as chroma, gateway(_=server.url) as front:
        moving = fill(chroma, "moving")
        front.refuse = rewrite
        try:
            code = invoke(["fingerprint", "--url", front.url, "--output", str(tmp_path / "f")])
        finally:
            chroma.delete_collection(Scope(), "moving")
    assert code == 0
    assert "clients write to this server" in capsys.readouterr().out
