"""What may be restored, and what may be committed: pure rules."""

import pytest

from chromadrill.errors import Refused
from chromadrill.railway.deployments import State
from chromadrill.railway.rules import may_commit, may_restore

STOPPED = State("d", "SUCCESS", stopped=True)
OWN = {"services": {"s": {"volumeMounts": {"v": {}}}}, "volumes": {"v": {}}}


@pytest.mark.parametrize("status", ["SUCCESS", "DEPLOYING", "BUILDING"])
def test_service_that_is_up_or_on_its_way_is_not_restored(status):
    with pytest.raises(Refused, match="not stopped"):
        may_restore(State("d", status), {})


@pytest.mark.parametrize(
    "service", [STOPPED, State("", "NONE"), State("d", "CRASHED"), State("d", "FAILED")]
)
def test_service_that_is_down_may_be(service):
    may_restore(service, {})
    may_restore(service, None)


def test_anything_staged_is_refused_by_name_alone():
    with pytest.raises(Refused, match="sharedVariables KEY") as refused:
        may_restore(STOPPED, {"sharedVariables": {"KEY": {"value": "canary"}}})
    assert "canary" not in str(refused.value)


def test_restored_volume_may_be_committed():
    may_commit(OWN, "s", {"v"})


@pytest.mark.parametrize(
    ("patch", "named"),
    [
        ({"services": {**OWN["services"], "t": {"source": 1}}}, "service t"),
        ({"services": {"s": {"volumeMounts": {}, "variables": {}}}}, "variables of service s"),
        ({**OWN, "volumes": {"v": {}, "w": {}}}, "volume w"),
    ],
)
def test_anything_beside_it_may_not(patch, named):
    with pytest.raises(Refused, match=named):
        may_commit(patch, "s", {"v"})


def test_shared_variables_beside_it_may_not():
    with pytest.raises(Refused, match="sharedVariables"):
        may_commit({**OWN, "sharedVariables": {"A": {}}}, "s", {"v"})
