"""What any target must do: `pytest suites/contract --target ...` accepts a new one."""

import pytest

from chromadrill.chroma.client import connect
from chromadrill.errors import Refused
from chromadrill.protocols import HasLogs, HasSnapshots, HasVolume, Restartable, Target

pytestmark = [pytest.mark.contract, pytest.mark.gate]


def capable(target, capability):
    if not isinstance(target, capability):
        pytest.skip(f"target {target.name} has no {capability.__name__}")


def test_target_has_name_url_and_facts(target):
    assert isinstance(target, Target)
    assert target.url.startswith("http")
    assert all(isinstance(value, str) for value in target.facts().values())


def test_url_is_that_of_a_chroma_1x_server(target):
    with connect(target.url) as chroma:
        assert chroma.heartbeat() > 0


def test_stopped_server_does_not_answer_and_started_one_does(target):
    capable(target, Restartable)
    target.stop()
    assert not target.running()
    target.start()

    assert target.running()
    with connect(target.url) as chroma:
        assert chroma.collections is not None


def test_stopping_a_stopped_server_is_fine(target):
    capable(target, Restartable)
    target.stop()
    target.stop()
    target.start()


def test_second_start_is_refused(target):
    capable(target, Restartable)
    with pytest.raises(Refused):
        target.start()


def test_killed_server_comes_back_under_the_same_url(target):
    capable(target, Restartable)
    before = target.url
    target.kill()
    target.start()

    assert target.url == before


def test_volume_of_a_running_server_is_refused(target):
    capable(target, HasVolume)
    with pytest.raises(Refused), target.volume():
        pass


def test_restore_onto_a_running_server_is_refused(target):
    capable(target, HasSnapshots)
    snapshot = target.snapshot()
    with pytest.raises(Refused):
        target.restore(snapshot.id)


def test_snapshot_is_listed_first_and_the_server_runs_again(target):
    capable(target, HasSnapshots)
    target.snapshot("older")
    newest = target.snapshot("newest")

    assert [each.id for each in target.snapshots()][:2] == ["newest", "older"]
    assert newest.bytes > 0
    assert target.running()


def test_logs_are_there(target):
    capable(target, HasLogs)
    assert isinstance(target.logs(10), str)
