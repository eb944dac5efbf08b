"""What a person types: monitor --plan, --betterstack, and backups that ping."""

import json
import os
from pathlib import Path

import pytest

from chromadrill.commands import monitor
from chromadrill.commands.app import invoke
from chromadrill.core.errors import UsageError
from tests.forked import run_forked
from tests.monitoring.betterstack.account import (
    TOKENS,
    URL,
    only,
    uptime,
)


def command(module, *words, environ, cwd):
    return run_forked("chromadrill", module, *words, environment={**os.environ, **environ}, cwd=cwd)


def test_plan_is_printed_in_both_forms_with_no_token_in_it(environ, tmp_path):
    done = command("monitor", "--plan", environ=environ, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert '-H "Authorization: Bearer $BETTERSTACK_UPTIME_TOKEN"' in done.stdout
    assert 'resource "betteruptime_monitor"' in done.stdout
    assert "confirmation_period = 60" in done.stdout
    assert 'resource "logtail_exploration_alert"' in done.stdout
    assert not [token for token in TOKENS if token in done.stdout + done.stderr]


def test_command_without_a_token_says_which(tmp_path):
    done = command("monitor", "--betterstack", environ={"DRILL_MONITORING__URL": URL}, cwd=tmp_path)
    assert done.returncode == 64
    assert "BETTERSTACK_UPTIME_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_monitor_of_a_dead_address_alerts_and_no_secret_is_in_any_file(
    simulator, environ, tmp_path
):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = heartbeat["data"]["attributes"]["url"]
    environ["DRILL_NOTIFY__MONITOR_HEARTBEAT"] = url
    done = command(
        "monitor", "--target", "http://127.0.0.1:9", "--for", "4", "--time-scale", "0.02", "--ship",
        "--json", environ=environ, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    events = json.loads(done.stdout)["events"]
    assert [e["rule"] for e in events if e["kind"] == "fired"] == ["service down"]
    assert only(simulator, "heartbeats")["status"] == "down"
    assert simulator.account.received[-1]["health"] == 0.0
    written = done.stdout + done.stderr
    written += "".join(p.read_text("utf-8", "replace") for p in tmp_path.rglob("*") if p.is_file())
    assert not [secret for secret in (*TOKENS, url.rpartition("/")[2]) if secret in written]


def test_verified_backup_pings_its_heartbeat_and_a_failed_one_pings_fail(
    simulator, target, monkeypatch, tmp_path, capsys
):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "b", "period": 3600})
    secret = heartbeat["data"]["attributes"]["url"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILL_TARGETS__PROCESS__HOME", str(target.home))
    monkeypatch.setenv("DRILL_OWNER_PID", str(os.getpid()))
    monkeypatch.setenv("DRILL_NOTIFY__BACKUP_HEARTBEAT", secret)
    assert invoke(["ops", "snapshot", "--name", "one", "--method", "export"]) == 0
    assert only(simulator, "heartbeats")["status"] == "up"
    with pytest.raises(Exception, match="exists already"):
        invoke(["ops", "snapshot", "--name", "one", "--method", "export"])
    assert only(simulator, "heartbeats")["status"] == "down"
    lines = Path(".chromadrill/backups.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["pass", "fail"]
    assert secret not in "".join(lines) + "".join(capsys.readouterr())


@pytest.mark.parametrize("text", ["90", "90s", "10m", "2h"])
def test_durations_are_read(text):
    assert monitor.duration(text) in (90, 600, 7200)


@pytest.mark.parametrize("text", ["", "0", "m", "-5s", "10 minutes", "nan"])
def test_other_durations_are_refused(text):
    with pytest.raises(UsageError, match="is no duration"):
        invoke(["monitor", "--for", text])
