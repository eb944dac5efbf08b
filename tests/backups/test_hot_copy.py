"""Copies of a running server: what makes a copy bad, and the lock that makes one good."""

import dataclasses
import json
import os
import shutil
import signal
import threading

import numpy as np
import pytest

from chromadrill.backups.files import copy_running, pace
from chromadrill.backups.hot_copy.methods import HOT_COPY_METHODS
from chromadrill.backups.hot_copy.write_lock import DATABASE, write_lock
from chromadrill.backups.registry import METHODS
from chromadrill.checks.hot_copy import (
    are_safe,
    data_loss_s,
    holes,
    is_consistent,
    missing,
    never_failed,
    was_measured,
)
from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Acknowledged, HotCopy, Outcome, Page, Scope, Verdict
from chromadrill.drill.hot_copy import table_row
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.writer import complete_writes, vector_of
from tests.conftest import fill

GOOD = (Verdict.passed("integrity", "sound"), Verdict.not_run("records", "no fingerprint"))


def copy(present=range(8), *, writes=10, began=8.5, verdicts=GOOD, refused=None):
    """Writes 0, 1, 2, ... acknowledged at as many seconds; copied from `began` to 10 s."""
    ledger = [Acknowledged(float(n), "c", f"write-{n:06d}", "", n) for n in range(writes)]
    writes_in_copy = {f"write-{n:06d}": n for n in present}
    return HotCopy(
        "some-method", began, 10.0, tuple(ledger), 1.5, refused, writes_in_copy, verdicts
    )


def test_copy_of_one_instant_is_consistent_and_what_came_later_is_its_data_loss():
    good = copy(range(9))

    assert is_consistent(good).outcome is Outcome.PASS
    assert [write.value for write in missing(good)] == [9]
    assert (holes(good), data_loss_s(good)) == ([], 1.0)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (copy(range(8)), "data loss"),  # write 8 was acknowledged before the copy began
        (copy([*range(5), 6, 7, 8], began=4.5), "missing before one that is there"),
        (copy(range(10), verdicts=(Verdict.failed("integrity", "malformed"),)), "malformed"),
        (copy([]), "data loss"),
    ],
    ids=["an acknowledged write is lost", "a hole", "the check suite fails", "nothing is there"],
)
def test_bad_copy_is_a_failure_and_says_why(bad, reason):
    verdict = is_consistent(bad)

    assert verdict.outcome is Outcome.FAIL
    assert reason in verdict.message


@pytest.mark.parametrize(
    "nothing",
    [
        copy(refused="somebody wrote meanwhile"),
        copy(range(10), began=-1.0),
        copy(range(10), verdicts=()),
        copy(range(10), verdicts=(Verdict.unknown("start", "could not look"),)),
    ],
    ids=["refused", "nobody wrote before it", "not judged", "could not be judged"],
)
def test_no_copy_and_no_judgement_are_unknown_and_never_consistent(nothing):
    assert is_consistent(nothing).outcome is Outcome.UNKNOWN
    assert never_failed([nothing]).outcome is Outcome.UNKNOWN


def test_one_bad_copy_in_many_makes_a_method_fail_and_the_number_of_tries_is_said():
    assert never_failed([copy(range(9))] * 9).message.endswith("9 copies of 9 tries")
    verdict = never_failed([*[copy(range(9))] * 9, copy([])])
    assert verdict.outcome is Outcome.FAIL
    assert "bad in 1 of 10 tries" in verdict.message


def test_fewer_tries_than_asked_for_are_no_measurement():
    assert was_measured([copy(range(9)), copy([])], 2).outcome is Outcome.PASS
    assert was_measured([copy(refused="no")], 1).outcome is Outcome.PASS
    assert was_measured([copy(range(9))], 2).outcome is Outcome.UNKNOWN
    assert was_measured([copy(range(10), verdicts=())], 1).outcome is Outcome.UNKNOWN
    assert was_measured([], 0).outcome is Outcome.UNKNOWN


def test_backup_method_that_ever_gave_a_bad_copy_is_a_failure():
    good, bad, refusals = [copy(range(9))], [copy([])], [copy(refused="no")]

    assert are_safe(["a", "b"], {"a": good, "b": refusals}).outcome is Outcome.PASS
    assert are_safe(["a", "b"], {"a": bad, "b": good}).outcome is Outcome.FAIL
    assert are_safe(["a", "b"], {"a": good}).outcome is Outcome.UNKNOWN
    assert are_safe([], {"a": good}).outcome is Outcome.UNKNOWN


def test_method_of_which_a_copy_was_not_judged_is_not_safe():
    good, unjudged = copy(range(9)), copy(range(10), verdicts=())
    for tries in ([unjudged], [good, unjudged], [copy(refused="no"), unjudged]):
        verdict = are_safe(["a"], {"a": tries})
        assert verdict.outcome is Outcome.UNKNOWN
        assert "1 not judged" in verdict.message
    assert are_safe(["a"], {"a": [good, copy(refused="no")]}).outcome is Outcome.PASS


def test_every_backup_method_is_measured_as_a_hot_copy():
    assert METHODS.keys() <= HOT_COPY_METHODS.keys()


def test_row_of_the_table_counts_and_names_what_would_be_lost():
    row = table_row(
        HOT_COPY_METHODS["plain-copy"], [copy(range(9)), copy([0, 1, 5]), copy(refused="no")]
    )

    assert (row["tries"], row["consistent"], row["bad"], row["refused"]) == (3, 1, 1, 1)
    assert row["outcome"] == "fail"
    assert row["oldest_missing"][:3] == ["write-000002", "write-000003", "write-000004"]
    assert (row["holes"], row["missing"]) == (row["oldest_missing"][:3], 7)
    assert (row["data_loss_s"], row["stalled_s"]) == (8.0, 1.5)
    assert (row["store_mb"], row["held_s"], row["usual_s"]) == (None, None, 0.0)
    held = dataclasses.replace(copy(range(9)), store_bytes=16_400_000, held_s=0.05, usual_s=0.1)
    row = table_row(HOT_COPY_METHODS["live-copy"], [held, copy(range(9))])
    assert (row["store_mb"], row["held_s"], row["usual_s"]) == (16.4, 0.05, 0.1)
    assert table_row(HOT_COPY_METHODS["export"], [copy(refused="no")])["data_loss_s"] is None


def test_write_with_the_vector_of_another_version_is_not_whole():
    def page(vector):
        document = "acknowledged write number 7"
        return Page(["write-000007"], [document], [{"value": 7}], [None], np.array([vector]))

    assert complete_writes([page(vector_of(7, 8))], dimension=8) == {"write-000007": 7}
    assert complete_writes([page(vector_of(6, 8))], dimension=8) == {}


def test_paced_copy_is_no_faster_than_it_may_be(tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "file").write_bytes(b"x" * 600_000)
    started = now()
    copy_running(tmp_path / "from", tmp_path / "to", bytes_per_s=3e6)

    assert now() - started >= 0.2
    assert (tmp_path / "to" / "file").read_bytes() == b"x" * 600_000
    pace(None)(10**12)  # no rate, no waiting


@pytest.mark.slow
def test_writers_wait_while_the_lock_is_held_and_go_on_after_the_file_was_copied(server, tmp_path):
    with Chroma(server.url, timeout_s=30) as chroma:
        info = chroma.collection(Scope(), "docs")
        vector = np.ones((1, 8), np.float32)
        written = threading.Event()

        def write():
            chroma.upsert(info, ids=["late"], vectors=vector)
            written.set()

        with write_lock(server.live_data()):
            thread = threading.Thread(target=write)
            thread.start()
            # our closing of the copied file must not let go of the lock
            shutil.copyfile(server.data / DATABASE, tmp_path / "copy")
            assert not written.wait(1.0)
        wait_until(written.is_set, within_s=20, name="the write")
        thread.join()


def test_lock_that_cannot_be_had_is_a_sentence(tmp_path):
    (tmp_path / DATABASE).write_bytes(b"no database at all" * 100)
    with pytest.raises(Unavailable, match="not a database"), write_lock(tmp_path):
        pass


def test_paused_server_is_stopped_all_the_same_and_nothing_runs_that_could_be_paused(tmp_path):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    try:
        with pytest.raises(Refused, match="nothing to pause"):
            target.pause()
        target.start()
        with Chroma(target.url) as chroma:
            fill(chroma)
        target.pause()
        target.stop()
        ended = json.loads((target.home / "state.json").read_text())
        assert ended["exit"] != -signal.SIGKILL  # not killed after the deadline of 15 s
        assert not target.running()
    finally:
        target.remove()
