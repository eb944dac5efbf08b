"""What any target must do: `pytest suites/contract --target ...` accepts a new one."""

import pytest

from chromadrill.chroma.client import connect
from chromadrill.errors import Refused
from chromadrill.protocols import HasLogs, HasSnapshots, HasVolume, Restartable, Target
from fixtures.options import may_damage

pytestmark = [pytest.mark.contract, pytest.mark.gate]


@pytest.fixture
def capable(pytestconfig):
    """Skips, with the reason, what the target cannot do or must not be asked to do."""

    def check(target, capability):
        if not isinstance(target, capability):
            pytest.skip(f"target {target.name} has no {capability.__name__}")
        if not may_damage(pytestconfig):
            pytest.skip(f"a live target is stopped only with --allow-damage {target.name}")

    return check


def test_target_has_name_url_and_facts(target):
    assert isinstance(target, Target)
    assert target.url.startswith("http")
    assert all(isinstance(value, str) for value in target.facts().values())


def test_url_is_that_of_a_chroma_1x_server(target):
    with connect(target.url) as chroma:
        assert chroma.heartbeat() > 0


def test_stopped_server_does_not_answer_and_started_one_does(target, capable):
    capable(target, Restartable)
    target.stop()
    assert not target.running()
    target.start()

    assert target.running()
    with connect(target.url) as chroma:
        assert chroma.collections is not None


def test_stopping_a_stopped_server_is_fine(target, capable):
    capable(target, Restartable)
    target.stop()
    target.stop()
    target.start()


def test_second_start_is_refused(target, capable):
    capable(target, Restartable)
    with pytest.raises(Refused):
        target.start()


def test_killed_server_comes_back_under_the_same_url(target, capable):
    capable(target, Restartable)
    before = target.url
    target.kill()
    target.start()

    assert target.url == before


def test_volume_of_a_running_server_is_refused(target, capable):
    capable(target, HasVolume)
    with pytest.raises(Refused), target.volume():
        pass


def test_restore_onto_a_running_server_is_refused(target, capable):
    capable(target, HasSnapshots)
    snapshot = target.snapshot()
    with pytest.raises(Refused):
        target.restore(snapshot.id)


def test_snapshot_is_listed_first_and_the_server_runs_again(target, capable, run_name):
    capable(target, HasSnapshots)
    target.snapshot(f"drill-{run_name}-older")
    newest = target.snapshot(f"drill-{run_name}-newest")

    found = [each.id for each in target.snapshots()][:2]
    assert found == [f"drill-{run_name}-newest", f"drill-{run_name}-older"]
    assert newest.bytes > 0
    assert target.running()


def test_logs_are_there(target, capable):
    capable(target, HasLogs)
    assert isinstance(target.logs(10), str)
