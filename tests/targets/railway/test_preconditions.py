"""What may be restored, and what may be committed: pure rules."""

import pytest

from chromadrill.core.errors import Refused
from chromadrill.targets.railway.deployments import DeploymentState
from chromadrill.targets.railway.preconditions import require_may_commit, require_may_restore

STOPPED = DeploymentState("d", "SUCCESS", stopped=True)
OWN = {"services": {"s": {"volumeMounts": {"v": {}}}}, "volumes": {"v": {}}}


@pytest.mark.parametrize("status", ["SUCCESS", "DEPLOYING", "BUILDING"])
def test_service_that_is_up_or_on_its_way_is_not_restored(status):
    with pytest.raises(Refused, match="not stopped"):
        require_may_restore([DeploymentState("d", status)], {})


@pytest.mark.parametrize("newer", ["SKIPPED", "FAILED", "SUCCESS"])
def test_service_whose_older_deployment_is_up_is_not_restored(newer):
    newest = DeploymentState("e", newer, stopped=newer == "SUCCESS")
    with pytest.raises(Refused, match=r"not stopped \(SUCCESS\)"):
        require_may_restore([newest, DeploymentState("d", "SUCCESS")], {})


def test_service_whose_last_instance_is_not_gone_yet_is_not_restored():
    with pytest.raises(Refused, match=r"not stopped \(REMOVING\)"):
        require_may_restore([STOPPED, DeploymentState("d", "REMOVING", instances=("RUNNING",))], {})


@pytest.mark.parametrize(
    "service",
    [
        STOPPED,
        DeploymentState("", "NONE"),
        DeploymentState("d", "CRASHED"),
        DeploymentState("d", "FAILED"),
    ],
)
def test_service_that_is_down_may_be(service):
    require_may_restore([service], {})
    require_may_restore([service], None)


def test_anything_staged_is_refused_by_name_alone():
    with pytest.raises(Refused, match="sharedVariables KEY") as refused:
        require_may_restore([STOPPED], {"sharedVariables": {"KEY": {"value": "canary"}}})
    assert "canary" not in str(refused.value)


def test_restored_volume_may_be_committed():
    require_may_commit(OWN, "s", {"v"})
    require_may_commit({"services": {"s": {"volumeMounts": {"v": {}, "old": None}}}}, "s", {"v"})


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
        require_may_commit(patch, "s", {"v"})


@pytest.mark.parametrize("patch", ['{"services": {"t": {}}}', [OWN], None, 5, {"services": "s"}])
def test_patch_that_cannot_be_read_is_not_committed(patch):
    with pytest.raises(Refused, match="cannot be read"):
        require_may_commit(patch, "s", {"v"})


@pytest.mark.parametrize(
    ("patch", "new"),
    [
        ({}, {"v"}),
        ({"volumes": {"v": {}}}, {"v"}),
        ({"services": {"s": {"volumeMounts": {"w": {}}}}}, {"v"}),
        ({"services": {"s": {"volumeMounts": {"v": {}, "w": {}}}}}, {"v", "w"}),
        ({"services": {"s": {"volumeMounts": {"v": None}}}}, {"v"}),
        ({"services": {"s": {"volumeMounts": {"v": {}}}}}, set()),
    ],
)
def test_anything_but_one_new_volume_under_the_service_may_not(patch, new):
    with pytest.raises(Refused, match="Wanted: the one restored volume"):
        require_may_commit(patch, "s", new)


def test_shared_variables_beside_it_may_not():
    with pytest.raises(Refused, match="sharedVariables"):
        require_may_commit({**OWN, "sharedVariables": {"A": {}}}, "s", {"v"})
