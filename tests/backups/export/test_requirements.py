"""An export says what a target must allow, and a restore looks first: before anything is written."""

import hashlib
import json
import os
import re
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from chromadrill.backups import catalog
from chromadrill.backups.detect import open_existing
from chromadrill.backups.export import backup_method
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.requirements import LargestRecords
from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.drill import backup_proof
from chromadrill.targets.process.target import ProcessTarget

ODD = Scope("default_tenant", "ten ant")  # as chromadb's AdminClient creates it, and no server does
EU, US = Scope("acme", "eu-west"), Scope("acme", "us-east")
LARGE = 1_300_000  # characters of the largest document


def fill(chroma, scope, name, documents):
    chroma.upsert(
        chroma.create_collection(scope, name),
        ids=[f"{name}-{n}" for n in range(len(documents))],
        vectors=np.random.default_rng(2).normal(size=(len(documents), 4)).astype(np.float32),
        documents=documents,
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Four databases, one with a name that no API creates, one with a large document."""
    target = ProcessTarget(tmp_path_factory.mktemp("source") / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        chroma.create_tenant("acme")
        for scope in (EU, US, Scope("default_tenant", "ten-ant")):
            chroma.create_database(scope)
        fill(chroma, EU, "docs", ["europe one", "europe two", "europe three"])
        fill(chroma, US, "docs", ["america one", "america two"])
        fill(chroma, Scope("default_tenant", "ten-ant"), "odd", ["a text", "another text"])
        fill(chroma, Scope(), "large", ["short text", "word " * (LARGE // 5)])
    target.stop()
    with target.volume() as data, closing(sqlite3.connect(data / "chroma.sqlite3")) as db:
        db.execute("UPDATE databases SET name = ? WHERE name = 'ten-ant'", (ODD.database,))
        db.commit()
    target.start()
    yield target
    target.remove()


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    target = ProcessTarget(tmp_path_factory.mktemp("target") / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


@pytest.fixture
def empty(target):
    """A server without collections."""
    yield target
    with Chroma(target.url) as chroma:
        for tenant in ("default_tenant", "acme"):
            for database in chroma.databases(tenant):
                for info in chroma.collections(Scope(tenant, database)):
                    chroma.delete_collection(info.scope, info.name)


@pytest.fixture
def run(capfd):
    """The exit code of a command, and all that it said."""

    def command(*words):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run(invoke, list(map(str, words)))
        return ended.value.code, "".join(capfd.readouterr())

    return command


@pytest.fixture
def backup(run, source, tmp_path):
    """Export these databases to a file of this name, and return the file and what was said."""

    def export(*scopes, name="e.jsonl", options=()):
        typed = [word for scope in scopes for word in ("--scope", scope)]
        path = tmp_path / name
        words = ("backup", "--url", source.url, "--all", *typed, "--output-file", path)
        code, text = run(*words, *options)
        assert code == cli.DONE, text
        return path, text

    return export


def inventory(target, *scopes):
    """The collections of these databases, by key; none where the database is not there."""
    with Chroma(target.url) as chroma:
        there = [scope for scope in scopes if scope.database in chroma.databases(scope.tenant)]
        return {info.key for scope in there for info in chroma.collections(scope)}


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.zst", "e.json", "folder"])
def test_export_says_what_a_target_must_allow(backup, name):
    path, text = backup(ODD, Scope(), name=name, options=["--json"])
    answer = json.loads(text[text.index("{") : text.rindex("}") + 1])
    wanted = answer["requires"]
    assert open_export(path).about["requires"] == wanted
    record = wanted["largest_records"]["default_tenant/default_database/large"]
    assert record["id"] == "large-1"
    assert LARGE < record["request_bytes"] < LARGE + 300
    assert wanted["refused_names"] == [{"kind": "database", "name": "default_tenant/ten ant"}]
    assert any("1 MiB" in note and "large-1" in note for note in answer["notes"])
    assert any("ten ant" in note and "--scope" in note for note in answer["notes"])


def test_backup_says_it_to_people_too(backup):
    _, text = backup(ODD, Scope())
    assert "large-1" in text
    assert "'default_tenant/ten ant' cannot return under its name" in text


@pytest.mark.slow
def test_size_in_the_export_is_that_of_the_request(backup, empty, run):
    path, _ = backup(Scope())
    (record,) = LargestRecords.of(open_export(path)).by_collection.values()
    with faulty_proxy(empty.url) as gateway:
        gateway.largest_body = record.request_bytes
        code, text = run("restore", "--url", gateway.url, "--input-file", path)
        assert code == cli.DONE, text


@pytest.mark.slow
@pytest.mark.parametrize("requires", ["as written", b"", b',"requires":[]', b',"requires":null'])
def test_restore_into_a_server_that_takes_less_is_refused_before_anything_is_written(
    backup, empty, run, requires
):
    path, _ = backup(Scope(), EU)
    if requires != "as written":  # a file of a version that did not say it
        restate(path, requires)
    with faulty_proxy(empty.url) as gateway:
        gateway.largest_body = 1_000_000
        code, text = run("restore", "--url", gateway.url, "--input-file", path)
        assert code == cli.UNKNOWN
        assert "large-1" in text
        assert "max_payload_size_bytes" in text
        assert "same command" not in text
        assert not [one for one in gateway.requests if one.startswith(("PUT", "DELETE"))]
        assert {one for one in gateway.requests if one.startswith("POST")} <= {"POST get"}
    # what does not hold that record is not kept from coming back
    with faulty_proxy(empty.url) as gateway:
        gateway.largest_body = 1_000_000
        code, text = run("restore", "--url", gateway.url, "--input-file", path, "--scope", EU)
        assert code == cli.DONE, text


def restate(path, requires):
    """Put `requires` in the place of that field, and seal the file anew."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[-2] = re.sub(rb',"requires":.*\n$', requires + b"}}\n", lines[-2])
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    lines[-1] = re.sub(rb'"sha256":"[0-9a-f]+"', b'"sha256":"' + digest.encode() + b'"', lines[-1])
    path.write_bytes(b"".join(lines))


def test_database_that_no_api_creates_is_named_first_and_comes_back_as_another(backup, empty, run):
    path, _ = backup(ODD, EU)
    code, text = run("restore", "--url", empty.url, "--input-file", path)
    assert code == cli.UNKNOWN
    assert "'default_tenant/ten ant'" in text
    assert "--scope" in text
    assert not inventory(empty, Scope(), ODD, EU)
    new = Scope("default_tenant", "ten-ant")
    words = ("--scope", f"{ODD}={new}", "--scope", EU)
    code, text = run("restore", "--url", empty.url, "--input-file", path, *words)
    assert code == cli.DONE, text
    assert inventory(empty, new, EU) == {f"{new}/odd", f"{EU}/docs"}


@pytest.mark.slow
def test_restore_of_a_snapshot_keeps_what_is_there_where_the_export_cannot_return(
    backup, empty, tmp_path
):
    folder, _ = backup(ODD, name="snapshot")
    snapshot = catalog.open_backup(folder)
    with Chroma(empty.url) as chroma:
        fill(chroma, Scope(), "kept", ["a text"])
    empty.stop()
    for put_back in (backup_method.put_back, backup_method.put_back_via_api):
        with pytest.raises(Unavailable, match="ten ant"):
            put_back(snapshot, empty)
    empty.start()
    assert inventory(empty, Scope()) == {f"{Scope()}/kept"}


@pytest.mark.slow
def test_record_that_no_server_takes_by_default_is_proven_on_one_that_does(
    backup, tmp_path, monkeypatch
):
    path, _ = backup(Scope())
    # then the server of the proof takes what it must, and no more
    monkeypatch.setattr(backup_proof, "CHROMA_BYTES", 1000)
    verdicts = backup_proof.prove(open_existing(path, tmp_path)).verdicts
    assert {verdict.outcome for verdict in verdicts} <= {"pass", "not_run"}


@pytest.mark.slow
def test_export_of_one_database_of_a_tenant_is_proven_without_the_others(backup, tmp_path):
    path, _ = backup(EU)
    verdicts = backup_proof.prove(open_existing(path, tmp_path)).verdicts
    assert {verdict.outcome for verdict in verdicts} <= {"pass", "not_run"}


# ---- several --scope ----------------------------------------------------------------------------
@pytest.mark.slow
def test_named_databases_of_an_export_are_restored_and_no_others(backup, empty, run):
    path, _ = backup(EU, US, Scope())
    words = ("restore", "--url", empty.url, "--input-file", path)
    code, text = run(*words, "--scope", EU, "--scope", US)
    assert code == cli.DONE, text
    assert inventory(empty, EU, US, Scope()) == {f"{EU}/docs", f"{US}/docs"}
    code, text = run(*words, "--scope", Scope())
    assert code == cli.DONE, text
    assert inventory(empty, Scope()) == {f"{Scope()}/large"}


@pytest.mark.slow
def test_database_that_the_export_does_not_hold_is_where_all_of_it_goes(backup, empty, run):
    path, _ = backup(EU, Scope())
    code, text = run("restore", "--url", empty.url, "--input-file", path, "--scope", US)
    assert code == cli.DONE, text
    assert inventory(empty, US) == {f"{US}/docs", f"{US}/large"}


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (["acme/eu-west", "acme/nowhere"], "holds no such database. It holds"),
        (["acme/eu-west", "acme/eu-west"], "named twice"),
        (["acme/eu-west=acme/ü"], "is no name for Chroma"),
        (["acme/eu-west=acme/us-east", "acme/us-east"], "collections of one name together"),
        (["nonsense"], "TENANT/DATABASE"),
    ],
)
def test_words_that_fit_no_database_are_refused(backup, run, typed, reason):
    path, _ = backup(EU, US)
    scopes = [word for text in typed for word in ("--scope", text)]
    code, text = run("restore", "--url", "http://127.0.0.1:9", "--input-file", path, *scopes)
    assert code == cli.USAGE
    assert reason in text


def test_named_databases_alone_are_validated(backup, source, run, tmp_path):
    file = tmp_path / "f"
    scopes = [word for scope in (EU, US, Scope()) for word in ("--scope", scope)]
    code, text = run("fingerprint", "--url", source.url, *scopes, "--output", file)
    assert code == cli.DONE, text
    words = ("validate", "--url", source.url, "--all", "--fingerprint", file)
    code, text = run(*words, "--scope", EU, "--scope", US)
    assert code == cli.DONE, text
    code, text = run(*words, "--scope", "acme/nowhere")
    assert code == cli.USAGE
    assert "holds no such database" in text
