"""Target `railway` on the simulated platform, with a real server behind it."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from chromadrill.checks.posture import judge
from chromadrill.chroma.client import Chroma
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
from chromadrill.targets.railway.simulator.run import simulator
from chromadrill.targets.railway.target import RailwayTarget
from chromadrill.targets.railway.token import Token
from chromadrill.targets.registry import open_target
from tests.conftest import fill

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path):
    """Makes a platform with a fault (or none) and a target on it that runs."""
    running = []

    def make(fault=None):
        context = simulator(tmp_path / "home", fault=fault)
        made = context.__enter__()
        running.append(context)
        token = Token("project", SecretStr(made.tokens.project))
        target = RailwayTarget(
            Api(token, endpoint=made.endpoint), tmp_path / "target", name="staging",
            environment="staging", service="chroma", url=made.url, backup_s=20,
        )  # fmt: skip
        assert target.running()
        return target, made

    yield make
    for each in running:
        each.__exit__(None, None, None)


def test_capabilities_are_all_but_a_volume(start):
    target, _ = start()
    for each in (Target, Restartable, HasSnapshots, HasLogs, HasMetrics):
        assert isinstance(target, each)
    assert not isinstance(target, HasVolume)
    assert target.facts()["platform"] == "simulated"
    assert target.facts()["name"] == "staging (simulated)"
    used = target.metrics()
    assert used.memory_bytes > 1e6
    assert used.disk_limit_bytes == 5_000_000_000
    assert used.restarts is None
    assert len(target.logs(3).splitlines()) <= 3


def test_snapshot_is_restored_also_from_an_export(start):
    target, _ = start()
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


def test_snapshot_deleted_by_a_restore_is_no_longer_listed_and_its_name_is_free(start):
    target, _ = start()
    old = target.snapshot("old")
    target.snapshot("new")
    target.stop()
    target.restore(old.id)
    assert [each.id for each in target.snapshots()] == ["old"]
    target.start()
    target.snapshot("new")
    assert [each.id for each in target.snapshots()] == ["new", "old"]


def test_backup_made_by_somebody_else_is_listed_and_restored_without_a_fingerprint(start):
    target, made = start()
    made.platform.create_backup(made.platform.world.mounted_volume().instance, "by hand")
    while not (found := target.snapshots()):
        pass
    assert [(each.id, each.path) for each in found] == [("by hand", "")]
    target.stop()
    target.restore("by hand")


def test_write_between_fingerprint_and_stop_is_seen(start, monkeypatch):
    target, _ = start()
    with Chroma(target.url) as chroma:
        docs = fill(chroma)
    stop = target.stop

    def write_and_stop():
        with Chroma(target.url) as chroma:
            chroma.delete(docs, ["r1"])
        stop()

    monkeypatch.setattr(target, "stop", write_and_stop)
    with pytest.raises(Unavailable, match="had 30 records when its fingerprint was taken, and 29"):
        target.snapshot("one")
    assert target.running()


def test_service_runs_again_when_its_snapshot_fails(start):
    target, _ = start("backup-workflow-error")
    with pytest.raises(Unavailable, match="snapshot of the volume failed"):
        target.snapshot("one")
    assert target.running()


def test_crashed_deployment_is_told_with_its_log(start):
    target, _ = start("deployment-crashes")
    backup = target.snapshot("one")
    target.stop()
    target.restore(backup.id)
    with pytest.raises(Unavailable, match=r"(?s)ended as CRASHED.*Input/output error") as raised:
        target.start()
    assert "Traceback" not in str(raised.value)


def test_lost_answers_make_one_deployment_and_one_snapshot(start):
    target, made = start("lost-response")
    before = len(made.platform.world.deployments)
    backup = target.snapshot("one")  # stop, backup, deploy
    assert len(made.platform.world.deployments) == before + 1
    assert [each.name for each in made.platform.world.backups] == [backup.id]


def test_settings_lead_to_it_and_missing_ones_are_named(start, tmp_path, monkeypatch):
    _, made = start()
    settings = load(made.config, environ={})
    monkeypatch.delenv("RAILWAY_API_TOKEN", raising=False)
    monkeypatch.setenv("RAILWAY_TOKEN", made.tokens.project)
    opened = open_target(settings, "staging")
    assert opened.running()
    assert made.tokens.project not in str(settings.public()) + repr(vars(opened))

    monkeypatch.delenv("RAILWAY_TOKEN")
    with pytest.raises(UsageError, match="No token for Railway"):
        open_target(settings, "staging")
    (tmp_path / "drill.toml").write_text('[targets.x]\nkind = "railway"')
    with pytest.raises(UsageError, match=r"\[targets.x\] service = "):
        open_target(load(tmp_path / "drill.toml", environ={}), "x")


def test_posture_tells_where_the_platform_differs_from_the_runbook(start):
    target, made = start()
    with Chroma(target.url) as chroma:
        fill(chroma)
    production = [Plan("daily", "02:00", 7), Plan("weekly", None, 28)]
    now = datetime.now(UTC)
    drilled = ProvenRestore("railway", "r", Outcome.PASS, 20, now.isoformat(), simulated=True)

    def judged(plans):
        found = judge(
            target.backup_store(), plans, now=now, may_lose_s=86_400, restore_limit_s=300,
            proven=drilled, kind="railway", simulated=target.simulated,
        )  # fmt: skip
        return {each.check: (str(each.outcome), each.message) for each in found}

    nothing = judged(production)
    assert nothing["newest backup"][0] == nothing["daily schedule"][0] == "fail"
    made.platform.world.schedules = ("DAILY", "WEEKLY")
    target.snapshot("one")
    now = datetime.now(UTC)
    seen = judged(production)
    assert seen["newest backup"][0] == seen["size"][0] == seen["weekly retention"][0] == "pass", (
        seen
    )
    assert seen["daily retention"][0] == seen["daily hour"][0] == "fail"
    assert "kept 6 days, wanted 7; Railway fixes the retention" in seen["daily retention"][1]
    accepted = judged([Plan("daily", None, 6), Plan("weekly", None, 28)])
    assert {outcome for outcome, _ in accepted.values()} <= {"pass", "not_run"}, accepted
