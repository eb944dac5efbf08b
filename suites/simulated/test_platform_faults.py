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
def drilled(tmp_path):
    """Runs the monthly drill with a fault; returns its scenario's record and all that was said."""

    def run(fault, *more):
        here = [sys.executable, "-m"]
        done = subprocess.run(
            [*here, "chromadrill", "simulate", "railway", "--home", str(tmp_path / "home"),
             *(["--fault", fault] if fault else []), "--",
             *here, "chromadrill", *DRILL, "--allow-damage", "staging", *more],
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
def test_fault_that_is_overcome_leaves_the_restore_proven(drilled, fault):
    scenario, said, _ = drilled(fault)
    assert scenario["outcome"] == "pass", said
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
def test_restore_that_the_platform_fails_is_failed_in_a_sentence(drilled, fault, sentence):
    scenario, said, code = drilled(fault)
    assert scenario["outcome"] == "fail", said
    failed = [v["message"] for v in scenario["verdicts"] if v["outcome"] == "fail"]
    assert any(sentence in each for each in failed), failed
    assert code == 1
    assert "Traceback" not in said


def test_drill_that_cannot_take_its_snapshot_proves_nothing(drilled):
    scenario, said, code = drilled("backup-workflow-error")
    assert scenario["outcome"] == "unknown", said
    assert "snapshot of the volume failed" in said
    assert code == 1
