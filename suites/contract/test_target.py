"""What any target must do: `pytest suites/contract --target ...` accepts a new one."""

import pytest

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.connection import connect
from chromadrill.core.errors import Refused
from chromadrill.core.model import Scope
from chromadrill.core.protocols import (
    CAPABILITIES,
    HasLogs,
    HasMetrics,
    HasSnapshots,
    HasVolume,
    HotCopyable,
    Pausable,
    Recreatable,
    Restartable,
    Target,
)
from fixtures.options import is_damage_allowed

pytestmark = [pytest.mark.contract, pytest.mark.gate]


@pytest.fixture
def require(pytestconfig):
    """Skips, with the reason, what the target cannot do or must not be asked to do."""

    def check(target, protocol):
        if not isinstance(target, protocol):
            name = next(name for name in CAPABILITIES if CAPABILITIES[name] is protocol)
            pytest.skip(f"target {target.name} has no capability {name}")
        if not is_damage_allowed(pytestconfig):
            pytest.skip(f"a live target is stopped only with --allow-damage {target.name}")

    return check


def test_target_has_name_url_and_facts(target):
    assert isinstance(target, Target)
    assert target.url.startswith("http")
    assert all(isinstance(value, str) for value in target.facts().values())


def test_url_is_that_of_a_chroma_1x_server(target):
    with connect(target.url) as chroma:
        assert chroma.heartbeat() > 0


def test_stopped_server_does_not_answer_and_started_one_does(target, require):
    require(target, Restartable)
    target.stop()
    assert not target.running()
    target.start()

    assert target.running()
    with connect(target.url) as chroma:
        assert chroma.collections is not None


def test_stopping_a_stopped_server_is_fine(target, require):
    require(target, Restartable)
    target.stop()
    target.stop()
    target.start()


def test_second_start_is_refused(target, require):
    require(target, Restartable)
    with pytest.raises(Refused):
        target.start()


def test_killed_server_comes_back_under_the_same_url(target, require):
    require(target, Restartable)
    before = target.url
    target.kill()
    target.start()

    assert target.url == before


def test_volume_of_a_running_server_is_refused(target, require):
    require(target, HasVolume)
    with pytest.raises(Refused), target.volume():
        pass


def test_restore_onto_a_running_server_is_refused(target, require):
    require(target, HasSnapshots)
    snapshot = target.snapshot()
    with pytest.raises(Refused):
        target.restore(snapshot.id)


def test_snapshot_is_listed_first_and_the_server_runs_again(target, require, run_name):
    require(target, HasSnapshots)
    target.snapshot(f"drill-{run_name}-older")
    newest = target.snapshot(f"drill-{run_name}-newest")

    ids = [backup.id for backup in target.snapshots()][:2]
    assert ids == [f"drill-{run_name}-newest", f"drill-{run_name}-older"]
    assert newest.bytes > 0
    assert target.running()


def test_logs_are_there(target, require):
    require(target, HasLogs)
    assert isinstance(target.logs(10), str)


def test_paused_server_takes_connections_and_answers_none_until_it_is_woken(target, require):
    require(target, Pausable)
    target.pause()
    try:
        with Chroma(target.url, timeout_s=1) as chroma, pytest.raises(CallFailed) as failed:
            chroma.heartbeat()
        assert failed.value.is_timeout
    finally:
        target.unpause()
    target.unpause()

    with Chroma(target.url) as chroma:
        assert chroma.heartbeat() > 0


def test_volume_can_be_read_while_the_server_runs(target, require, tmp_path):
    require(target, HotCopyable)
    target.copy_running(tmp_path / "copy")

    assert (tmp_path / "copy" / "chroma.sqlite3").read_bytes().startswith(b"SQLite format 3")
    with Chroma(target.url) as chroma:
        assert chroma.heartbeat() > 0


def test_server_deployed_anew_has_its_data_and_its_url(target, require, run_name):
    require(target, Recreatable)
    before, name = target.url, f"drill-{run_name}-recreated"
    with Chroma(target.url) as chroma:
        chroma.create_collection(Scope(), name)
    target.recreate()

    assert target.url == before
    with Chroma(target.url) as chroma:
        chroma.delete_collection(Scope(), name)


def test_metrics_count_a_restart_and_what_is_used(target, require):
    require(target, HasMetrics)
    before = target.metrics()
    target.stop()
    target.start()
    after = target.metrics()

    if before.restarts is not None:  # None: the platform does not count them
        assert after.restarts == before.restarts + 1
    assert after.memory_bytes > 0
    assert after.disk_bytes > 0
    assert after.oom_kills == before.oom_kills
