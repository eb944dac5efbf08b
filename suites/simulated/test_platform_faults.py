"""The whole monthly drill on a simulated Railway that fails: the right verdict, and a sentence."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.simulated]

DRILL = ["drill", "-k", "monthly", "--records", "1100", "--target", "staging"]
LIMIT_S = 900


@pytest.fixture
def run_drill(tmp_path):
    """Runs the monthly drill with a fault; returns its scenario's record, its output and exit code."""

    def run(fault, *more):
        python = [sys.executable, "-m"]
        done = subprocess.run(
            [*python, "chromadrill", "simulate", "railway", "--home", str(tmp_path / "home"),
             *(["--fault", fault] if fault else []), "--",
             *python, "chromadrill", *DRILL, "--allow-damage", "staging", *more],
            # a store that never answers rightly is not waited for as long as users would
            env={
                **os.environ,
                "DRILL_REPORTS": str(tmp_path / "reports"),
                "DRILL_OBJECTIVES__RB8_RECOVERY_S": "120",
            },
            capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        record = json.loads((tmp_path / "reports" / "latest" / "drill.json").read_text())
        (scenario,) = record["scenarios"]
        assert record["target"]["platform"] == "simulated"
        tokens = [
            (tmp_path / "home" / f"{kind}-token").read_text() for kind in ("project", "account")
        ]
        written = [
            p.read_text("utf-8", "replace")
            for p in (tmp_path / "reports").rglob("*")
            if p.is_file()
        ]
        assert not any(
            token in text for token in tokens for text in [*written, done.stdout, done.stderr]
        )
        return scenario, done.stdout + done.stderr, done.returncode

    return run


@pytest.mark.parametrize("fault", ["lost-response", "rate-limit"])
def test_fault_that_is_overcome_leaves_the_restore_proven(run_drill, fault):
    scenario, output, _ = run_drill(fault)
    assert scenario["outcome"] == "pass", output
    assert scenario["records"] > 1000


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("restore-workflow-error", "could not be cloned into a new volume"),
        ("deployment-crashes", "Input/output error"),
        ("wrong-mount-path", "mounted at /chroma/chroma"),
        ("staged-meanwhile", "service somebody-elses"),
        ("torn-snapshot", "vector"),
    ],
)
def test_restore_that_the_platform_fails_is_failed_in_a_sentence(run_drill, fault, sentence):
    scenario, output, code = run_drill(fault)
    assert scenario["outcome"] == "fail", output
    messages = [v["message"] for v in scenario["verdicts"] if v["outcome"] == "fail"]
    assert any(sentence in message for message in messages), messages
    assert code == 1
    assert "Traceback" not in output


def test_drill_that_cannot_take_its_snapshot_proves_nothing(run_drill):
    scenario, output, code = run_drill("backup-workflow-error")
    assert scenario["outcome"] == "unknown", output
    assert "snapshot of the volume failed" in output
    assert code == 2  # could not tell
