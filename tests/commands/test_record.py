"""`chromadrill record`: a server is read, whatever it is, and its recordings are kept."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from chromadrill.backups.recordings import Recordings
from chromadrill.chroma import permissions
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.permissions import Permission, access_to
from chromadrill.core.model import Scope
from tests.front_door import enter
from tests.gateway import gateway

KEY = "default_tenant/default_database/docs"
CANARY = "document number 7"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith(("CHROMA_", "DRILL_"))]:
        monkeypatch.delenv(variable)
    return tmp_path


@pytest.fixture(scope="module")
def front(server):
    with gateway(_=server.url) as front:
        yield front


def write_settings(text):
    Path("drill.toml").write_text(text)


def production(url, more=""):
    write_settings(
        f'[environments.production]\nrole = "production"\nurl = "{url}"\n'
        f'[backups.nightly]\ntarget = "production"\n{more}'
    )


def files(folder="recordings/nightly"):
    return sorted(path.name for path in Path(folder).iterdir())


# ---- what is recorded, and how ------------------------------------------------------------------
def test_production_is_recorded_by_reads_alone_and_slowly(front, capsys):
    production(front.url)
    front.reset()
    ended = enter(capsys, "record", "--json")
    assert ended.code == 0, ended.text
    (name,) = files()
    assert ended.answer["written"] == f"recordings/nightly/{name}"
    assert ended.answer["taken_at"] <= ended.answer["finished_at"]
    assert [(c["name"], c["count"]) for c in ended.answer["collections"]] == [("docs", 30)]
    assert {call.split()[0] for call in front.calls} == {"GET", "POST"}
    assert {c.rsplit("/", 1)[1] for c in front.calls if c.startswith("POST")} <= {"get", "query"}
    access = access_to(front.url)
    assert (access.permission, access.per_second) == (Permission.READ, 10.0)


def test_staging_is_read_as_carefully(server, capsys):
    write_settings(f'[targets.staging]\nkind = "remote"\nurl = "{server.url}"\n')
    ended = enter(capsys, "record", "--target", "staging")
    assert (ended.code, len(files("recordings/staging"))) == (0, 1), ended.text
    access = access_to(server.url)
    assert (access.permission, access.per_second) == (Permission.READ, 10.0)


def test_no_document_is_in_a_recording_and_nobody_else_reads_it(server, capsys):
    production(server.url)
    enter(capsys, "record")
    path = Path("recordings/nightly") / files()[0]
    assert CANARY.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_every_database_of_the_tenant_is_recorded(server, capsys):
    production(server.url)
    other = Scope("default_tenant", "other")
    with Chroma(server.url) as chroma:
        chroma.create_database(other)
        info = chroma.create_collection(other, "more")
        chroma.upsert(info, ids=["a"], vectors=np.ones((1, 2), np.float32))
    answer = enter(capsys, "record", "--json").answer
    permissions.forget()
    with Chroma(server.url) as chroma:
        chroma.delete_collection(other, "more")
    assert {c["database"] for c in answer["collections"]} == {"default_database", "other"}


def test_collection_that_a_client_drops_meanwhile_does_not_make_it_fail(front, server, capsys):
    production(front.url)
    with Chroma(server.url) as chroma:
        info = chroma.create_collection(Scope(), "away")
        chroma.upsert(info, ids=["a"], vectors=np.ones((1, 2), np.float32))

        def drop(number, path, status, body):
            if path.endswith(f"{info.id}/get") and dropped == []:
                dropped.append(chroma.delete_collection(Scope(), "away"))

        dropped = []
        front.alter = drop
        ended = enter(capsys, "record", "--json")
        front.reset()
    assert ended.code == 0, ended.text
    assert ended.answer["dropped"] == ["default_tenant/default_database/away"]
    assert "dropped by a client meanwhile" in ended.answer["notes"][0]


def test_clock_that_is_wrong_is_said(front, capsys):
    production(front.url)

    def alter(number, path, status, body):
        if path.endswith("/heartbeat"):
            behind = int((time.time() - 300) * 1e9)
            content = b'{"nanosecond heartbeat": %d}' % behind
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)
        return None

    front.alter = alter
    ended = enter(capsys, "record")
    front.reset()
    assert ended.code == 0
    assert "clock is 300 s ahead of the server's" in ended.out


def test_small_collection_costs_few_calls(front, server, capsys):
    """Ten a second are allowed, and an application may have a thousand collections."""
    production(front.url)
    calls = []
    for name in ("tiny-a", "tiny-b"):
        with Chroma(server.url) as chroma:
            info = chroma.create_collection(Scope(), name)
            chroma.upsert(info, ids=["a", "b"], vectors=np.eye(2, dtype=np.float32))
        front.reset()
        assert enter(capsys, "record").code == 0
        calls.append(len(front.calls))
        permissions.forget()
    with Chroma(server.url) as chroma:
        for name in ("tiny-a", "tiny-b"):
            chroma.delete_collection(Scope(), name)
    assert calls[1] - calls[0] == 4


# ---- where, and how long ------------------------------------------------------------------------
def test_old_recordings_go_when_there_are_newer_ones(server, capsys):
    production(server.url, "keep_days = 1e-9\nrecordings = 'kept'\n")
    answers = [enter(capsys, "record", "--json").answer for _ in range(3)]
    assert [len(answer["expired"]) for answer in answers] == [0, 0, 1]
    assert answers[2]["expired"] == [answers[0]["written"]]
    assert [str(one.path) for one in Recordings(Path("kept")).all()] == [
        answer["written"] for answer in answers[1:]
    ]


def test_url_of_a_backup_table_is_known_in_any_spelling(server, capsys):
    write_settings(f"[backups.mine]\ntarget = '{server.url}'\n")
    for words in (
        [],
        ["--backup", "mine"],
        ["--target", server.url.replace("127.0.0.1", "localhost")],
    ):
        assert enter(capsys, "record", *words).code == 0
    assert len(files("recordings/mine")) == 3


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        ("", [], "--target is missing: the server to record. chromadrill record --target"),
        ("", ["--target", "http://h:1"], "http://h:1 is the target of no [backups.NAME]"),
        (
            "",
            ["--target", "http://u:geheim@h:1"],
            '[backups.production] in drill.toml: target = "http://',
        ),
        (
            "[backups.a]\nsource='/b'",
            ["--target", "http://h:1"],
            "Write below [backups.a] in drill.toml",
        ),
        (
            "[backups.a]\nsource='/b'",
            ["--backup", "a"],
            "--target is missing: [backups.a] names none",
        ),
        (
            "[backups.a]\ntarget='x'",
            ["--backup", "b"],
            "--backup b: no [backups.b]. Known: a.",
        ),
        (
            "[backups.a]\ntarget='x'",
            ["--backup", "a", "--target", "y"],
            "--target y: [backups.a] is of x",
        ),
        ("[backups.a]\ntarget='x'\n[backups.b]\ntarget='x'", [], "x is the target of a, b."),
        ("[backups.a]\ntarget='x'\n[backups.b]\ntarget='y'", [], "--target is missing"),
        ("[backups.a]\ntarget='stagin'", [], "Unknown target 'stagin'"),
        ("", ["--target", "production"], 'Write [targets.production] url = "http://..."'),
        ("[backups.a]\ntarget='a'", [], 'Write [targets.a] url = "http://..." in drill.toml.'),
    ],
)
def test_what_does_not_fit_is_a_sentence_and_nothing_is_written(capsys, text, words, message):
    if text:
        write_settings(text)
    ended = enter(capsys, "record", *words)
    assert ended.code == 64, ended.text
    assert message in ended.err
    assert "geheim" not in ended.err
    assert not Path("recordings").exists()


def test_name_of_a_backup_stands_for_its_target_where_no_target_has_it(capsys):
    write_settings("[backups.production]\ntarget='http://127.0.0.1:1'")
    ended = enter(capsys, "record", "--target", "production")
    assert ended.code == 2, ended.text
    assert "that of [backups.production] is meant, http://127.0.0.1:1." in ended.err
    assert "Is the server running" in ended.err
    ended = enter(capsys, "questions", "sample", "--target", "production", "--output", "q.jsonl")
    assert ended.code == 2, ended.text
    assert "Is the server running" in ended.err


# ---- what cannot be recorded, or is sick --------------------------------------------------------
def test_server_that_is_down_is_no_recording(capsys):
    production("http://127.0.0.1:1")
    ended = enter(capsys, "record", "--json")
    assert (ended.code, ended.out) == (2, "")
    assert "Is the server running" in ended.err
    assert not Path("recordings").exists()


def test_server_that_holds_nothing_there_is_no_recording(server, capsys):
    production(server.url)
    with Chroma(server.url) as chroma:
        chroma.create_tenant("idle")
    write_settings(
        f'[targets.idle]\nkind = "remote"\nurl = "{server.url}"\nscopes = ["idle/nothing"]\n'
    )
    ended = enter(capsys, "record", "--target", "idle")
    assert ended.code == 2
    assert "holds no collection in idle/nothing. Nothing was recorded." in ended.err


def test_recording_that_is_ended_leaves_nothing(front, capsys):
    production(front.url)
    front.alter = lambda number, path, status, body: (
        os.kill(os.getpid(), signal.SIGTERM) if path.endswith("/get") else None
    )
    ended = enter(capsys, "record")
    front.reset()
    assert ended.code == 143
    assert not Path("recordings").exists()


def test_folder_that_cannot_be_written_is_a_sentence_and_leaves_nothing(server, capsys):
    production(server.url, "recordings = '/proc/nowhere'\n")
    ended = enter(capsys, "record")
    assert ended.code == 2
    assert "/proc/nowhere" in ended.err
    assert "Traceback" not in ended.err


def test_vectors_that_the_server_has_lost_are_named_and_the_recording_is_kept(
    server, monkeypatch, capsys
):
    production(server.url)
    get = Chroma.get

    def torn(self, collection, **more):
        if "embeddings" in more.get("include", ()) and "r7" in (more.get("ids") or ()):
            raise CallFailed("POST /get", 500, "Error finding id")
        return get(self, collection, **more)

    def torn_page(self, collection, **more):
        raise CallFailed("POST /get", 500, "Error finding id")

    monkeypatch.setattr(Chroma, "get", torn)
    monkeypatch.setattr(Chroma, "page", torn_page)
    monkeypatch.setattr("chromadrill.chroma.fingerprint.recording.PAUSE_S", 0.0)
    ended = enter(capsys, "record")
    assert ended.code == 1, ended.text
    assert "the server has lost the vectors of 1 record ('r7'). It was recorded so." in ended.out
    assert len(files()) == 1
