"""What is noted as a failed backup: what was tried and failed, and nothing that was never tried."""

import os
import shutil
import signal
from collections import namedtuple

import pytest

from tests.front_door import enter
from tests.gateway import DROPPED, answer, gateway

BROKEN = answer(500, b'{"error":"InternalError","message":"Error finding id"}')


@pytest.fixture(scope="module")
def front(server):
    with gateway(box=server.url, prod=server.url) as front:
        yield front


@pytest.fixture(autouse=True)
def settings(front, tmp_path, monkeypatch):
    front.reset()
    (tmp_path / "drill.toml").write_text(
        f'[targets.box]\nkind = "remote"\nurl = "{front.url}/box"\n'
        f'[targets.live]\nkind = "remote"\nurl = "{front.url}/prod"\n'
        f'environment = "production"\n[environments.production]\nurl = "{front.url}/prod"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILL_MONITORING__MIN_RECORDS", "1")
    monkeypatch.setattr("chromadrill.chroma.wire.PAUSE_S", 0.0)


@pytest.fixture
def run(capfd):
    return lambda *words: enter(capfd, *words)


@pytest.fixture
def backup(run, front, tmp_path):
    return lambda name="e.jsonl": run("backup", "--all", "--url", f"{front.url}/box",
                                      "--output-file", tmp_path / name)  # fmt: skip


@pytest.fixture
def watch(run, front):
    def watch(target=None):
        front.reset()
        return run("monitor", "--target", target or f"{front.url}/box", "--for", "0.2s",
                   "--time-scale", "0.002", "--json")  # fmt: skip

    return watch


@pytest.mark.parametrize(
    ("target", "method", "code"), [("box", "export", 2), ("box", "volume-copy", 2),
                                   ("live", "volume-copy", 1)],
)  # fmt: skip
def test_snapshot_that_was_refused_leaves_no_failed_backup_behind(
    run, watch, front, target, method, code
):
    assert run("ops", "--target", target, "snapshot", "--method", method).code == code
    ended = watch(target)
    assert (ended.code, ended.outcomes["backup failed"]) == (0, "not_run"), ended.text


def test_backup_that_a_person_interrupts_is_no_failure_of_the_database(backup, watch, front):
    def interrupt(number, path):
        if path.endswith("/get"):
            os.kill(os.getpid(), signal.SIGINT)
        return None

    front.refuse = interrupt
    assert backup().code == 130
    assert watch().code == 0


def test_interrupted_backup_does_not_hide_the_failure_before_it(backup, watch, front):
    front.refuse = lambda number, path: BROKEN if path.endswith("/get") else None
    backup()
    front.refuse = lambda number, path: os.kill(os.getpid(), signal.SIGINT)
    assert backup().code == 130
    assert watch().outcomes["backup failed"] == "fail"


def test_good_backup_is_noted(backup, watch):
    assert backup().code == 0
    assert watch().outcomes["backup failed"] == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("raw", [BROKEN, answer(401), answer(503), DROPPED])
@pytest.mark.parametrize("first", [1, 9])
def test_backup_that_did_not_get_to_its_end_is_a_failed_one(backup, watch, front, raw, first):
    front.refuse = lambda number, path: raw if number >= first else None
    assert backup().code == 2
    ended = watch()
    assert (ended.code, ended.outcomes["backup failed"]) == (1, "fail"), ended.text


def test_output_that_exists_already_is_a_failed_backup(backup, watch, tmp_path):
    (tmp_path / "folder").mkdir()
    assert backup("folder").code == 1
    assert watch().outcomes["backup failed"] == "fail"


def test_disk_without_room_is_a_failed_backup(backup, watch, monkeypatch):
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 0))
        assert backup().code == 1
    ended = watch()
    assert "No room" in next(v["message"] for v in ended.answer["verdicts"]
                             if v["check"] == "backup failed")  # fmt: skip
