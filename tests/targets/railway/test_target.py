"""Target `railway` on the simulated platform, with a real server behind it."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from chromadrill.backups import manifest
from chromadrill.checks.posture import judge
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import Outcome, Plan, ProvenRestore
from chromadrill.core.protocols import (
    HasLogs,
    HasMetrics,
    HasSnapshots,
    HasVolume,
    Restartable,
    Target,
)
from chromadrill.core.settings import load
from chromadrill.targets.railway.api import Api
from chromadrill.targets.railway.simulator.platform import Platform
from chromadrill.targets.railway.simulator.run import simulator
from chromadrill.targets.railway.simulator.service import NEVER_UP
from chromadrill.targets.railway.target import RailwayTarget
from chromadrill.targets.railway.token import Token
from chromadrill.targets.registry import open_target
from tests.conftest import fill

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class OnRailway:
    """A target, and the simulated platform that it is on."""

    target: RailwayTarget
    platform: Platform


@pytest.fixture
def simulate(tmp_path):
    """`simulate(fault=None)`: a simulated platform with its service deployed, until the test ends."""
    with ExitStack() as stack:
        yield lambda fault=None: stack.enter_context(simulator(tmp_path / "home", fault=fault))


@pytest.fixture
def start(simulate, tmp_path):
    """`start(fault=None)`: a target that runs on a simulated platform."""

    def start(fault=None):
        railway = simulate(fault)
        token = Token("project", SecretStr(railway.tokens.project))
        target = RailwayTarget(
            Api(token, endpoint=railway.endpoint), tmp_path / "target", name="staging",
            environment="staging", service="chroma", url=railway.url, backup_s=20,
        )  # fmt: skip
        assert target.running()
        return OnRailway(target, railway.platform)

    return start


def test_capabilities_are_all_but_a_volume(start):
    target = start().target
    for capability in (Target, Restartable, HasSnapshots, HasLogs, HasMetrics):
        assert isinstance(target, capability)
    assert not isinstance(target, HasVolume)
    assert target.facts()["platform"] == "simulated"
    assert target.facts()["name"] == "staging (simulated)"
    usage = target.metrics()
    assert usage.memory_bytes > 1e6
    assert usage.disk_limit_bytes == 5_000_000_000
    assert usage.restarts is None
    assert len(target.logs(3).splitlines()) <= 3


def test_snapshot_is_restored_also_from_an_export(start):
    target = start().target
    with Chroma(target.url) as chroma:
        fill(chroma)
    for method in ("volume-copy", "export"):
        backup = target.snapshot(f"by-{method}", method)
        assert target.snapshots()[0].id == backup.id
        with Chroma(target.url) as chroma:
            docs = chroma.collections(target.scopes[0])[0]
            chroma.delete(docs, ["r1", "r2"])
        with pytest.raises(Refused):
            target.restore(backup.id)
        target.stop()
        target.restore(backup.id)
        assert not target.running()
        target.start()
        with Chroma(target.url) as chroma:
            assert chroma.count(chroma.collections(target.scopes[0])[0]) == 30


@pytest.mark.parametrize("status", NEVER_UP)
def test_deployment_that_never_came_up_does_not_hide_the_one_that_serves(
    start, monkeypatch, status
):
    railway = start()
    target, platform = railway.target, railway.platform
    runs = []
    create = platform.create_backup

    def create_backup(instance, name):
        runs.append(platform.service.runs_on(platform.volume(instance)))
        return create(instance, name)

    monkeypatch.setattr(platform, "create_backup", create_backup)
    platform.service.deploy_nothing(status)
    assert target.running()
    target.snapshot("night")
    assert runs == [False]

    platform.service.deploy_nothing(status)
    with pytest.raises(Refused, match=r"not stopped \(SUCCESS\)"):
        target.restore("night")
    target.stop()
    assert not platform.service.runs_on(platform.world.mounted_volume())
    target.restore("night")


def test_snapshot_whose_stop_fails_leaves_no_stopped_service(start, monkeypatch):
    target = start().target
    stop = target.stop

    def stop_and_fail():
        stop()
        raise Unavailable("Gave up waiting for chroma to stop.")

    monkeypatch.setattr(target, "stop", stop_and_fail)
    with pytest.raises(Unavailable, match="Gave up"):
        target.snapshot("night")
    assert target.running()


def test_snapshot_deleted_by_a_restore_is_no_longer_listed_and_its_name_is_free(start):
    target = start().target
    old = target.snapshot("old")
    target.snapshot("new")
    target.stop()
    target.restore(old.id)
    assert [backup.id for backup in target.snapshots()] == ["old"]
    target.start()
    target.snapshot("new")
    assert [backup.id for backup in target.snapshots()] == ["new", "old"]


def test_backup_made_by_somebody_else_is_listed_and_restored_without_a_fingerprint(start):
    railway = start()
    target, platform = railway.target, railway.platform
    platform.create_backup(platform.world.mounted_volume().instance, "by hand")
    snapshots = wait_until(target.snapshots, within_s=20, name="the backup")
    assert [(backup.id, backup.path) for backup in snapshots] == [("by hand", "")]
    target.stop()
    target.restore("by hand")


def test_write_between_fingerprint_and_stop_is_seen(start, monkeypatch):
    target = start().target
    with Chroma(target.url) as chroma:
        docs = fill(chroma)
    stop = target.stop

    def write_and_stop():
        with Chroma(target.url) as chroma:
            chroma.delete(docs, ["r1"])
        stop()

    monkeypatch.setattr(target, "stop", write_and_stop)
    folder = Path(target.snapshot("one").path)
    facts = manifest.read(folder)["stable"]
    assert "96.7 % of 30 records stood still" in facts["sentence"]
    assert fingerprint_file.load(folder / "after.fingerprint").records == 29
    assert target.running()


def test_service_runs_again_when_its_snapshot_fails(start):
    target = start("backup-workflow-error").target
    with pytest.raises(Unavailable, match="snapshot of the volume failed"):
        target.snapshot("one")
    assert target.running()


def test_crashed_deployment_is_told_with_its_log(start):
    target = start("deployment-crashes").target
    backup = target.snapshot("one")
    target.stop()
    target.restore(backup.id)
    with pytest.raises(Unavailable, match=r"(?s)ended as CRASHED.*Input/output error") as raised:
        target.start()
    assert "Traceback" not in str(raised.value)


def test_lost_answers_make_one_deployment_and_one_snapshot(start):
    railway = start("lost-response")
    world = railway.platform.world
    before = len(world.deployments)
    snapshot = railway.target.snapshot("one")  # stop, backup, deploy
    assert len(world.deployments) == before + 1
    assert [backup.name for backup in world.backups] == [snapshot.id]


def test_settings_lead_to_it_and_missing_ones_are_named(simulate, tmp_path, monkeypatch):
    railway = simulate()
    settings = load(railway.config, environ={})
    monkeypatch.delenv("RAILWAY_API_TOKEN", raising=False)
    monkeypatch.setenv("RAILWAY_TOKEN", railway.tokens.project)
    target = open_target(settings, "staging")
    assert target.running()
    assert railway.tokens.project not in str(settings.public()) + repr(vars(target))

    monkeypatch.delenv("RAILWAY_TOKEN")
    with pytest.raises(UsageError, match="No token for Railway"):
        open_target(settings, "staging")
    (tmp_path / "drill.toml").write_text('[targets.x]\nkind = "railway"')
    with pytest.raises(UsageError, match=r"\[targets.x\] service = "):
        open_target(load(tmp_path / "drill.toml", environ={}), "x")


def test_posture_tells_where_the_platform_differs_from_the_runbook(start):
    railway = start()
    target = railway.target
    with Chroma(target.url) as chroma:
        fill(chroma)
    production = [Plan("daily", "02:00", 7), Plan("weekly", None, 28)]
    taken_at = datetime.now(UTC).isoformat()
    drill = ProvenRestore("railway", "r", Outcome.PASS, 20, taken_at, simulated=True)

    def posture(plans):
        verdicts = judge(
            target.backup_store(), plans, now=datetime.now(UTC), may_lose_s=86_400,
            restore_limit_s=300, proven=drill, kind="railway", simulated=target.simulated,
        )  # fmt: skip
        return {verdict.check: verdict for verdict in verdicts}

    empty = posture(production)
    assert empty["newest backup"].outcome == empty["daily schedule"].outcome == "fail"
    railway.platform.world.schedules = ("DAILY", "WEEKLY")
    target.snapshot("one")
    filled = posture(production)
    for check in ("newest backup", "size", "weekly retention"):
        assert filled[check].outcome == "pass", filled
    assert filled["daily retention"].outcome == filled["daily hour"].outcome == "fail"
    message = "kept 6 days, wanted 7; Railway fixes the retention"
    assert message in filled["daily retention"].message
    accepted = posture([Plan("daily", None, 6), Plan("weekly", None, 28)])
    assert {verdict.outcome for verdict in accepted.values()} <= {"pass", "not_run"}, accepted
