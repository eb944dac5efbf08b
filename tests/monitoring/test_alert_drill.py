"""A whole alert scenario against an account elsewhere: cleaned up, and no secret in its evidence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.monitoring.betterstack.simulator import BetterStackSimulator, SimulatedAccount

ROOT = Path(__file__).parents[2]
TOKENS = ("up-CANARY-9f2d1c", "tel-CANARY-77aa01", "ing-CANARY-55bb02")


@pytest.mark.slow
def test_alert_drill_pages_elsewhere_cleans_up_and_keeps_its_secrets(tmp_path):
    pinged = []

    class RememberingAccount(SimulatedAccount):
        def ping(self, token, ending):
            pinged.append((token, ending))
            return super().ping(token, ending)

    with BetterStackSimulator(RememberingAccount(*TOKENS)) as simulator:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "monitoring", "-k", "killed_server", "-q",
             "--records", "1100"],
            cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
            env={**os.environ, "DRILL_REPORTS": str(tmp_path), "BETTERSTACK_UPTIME_TOKEN": TOKENS[0],
                 "DRILL_BETTERSTACK__UPTIME_URL": simulator.url},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
        assert simulator.account.of("/api/v2/heartbeats") == {}
        assert [i["status"] for i in simulator.account.of("/api/v3/incidents").values()] == [
            "Resolved"
        ]
    assert {ending for _, ending in pinged} == {"", "fail"}
    (run,) = [path for path in tmp_path.iterdir() if (path / "drill.json").is_file()]
    record = json.loads((run / "drill.json").read_bytes())
    (scenario,) = record["scenarios"]
    verdicts = {verdict["check"]: verdict for verdict in scenario["verdicts"]}
    assert "0.02" in verdicts["service down detected"]["message"]
    assert "(Better Stack)" in verdicts["incident opened"]["message"]
    written = b"".join(p.read_bytes() for p in run.rglob("*") if p.is_file())
    written += (done.stdout + done.stderr).encode()
    secrets = {*TOKENS, *(token for token, _ in pinged)}
    assert not [secret for secret in secrets if secret.encode() in written]
