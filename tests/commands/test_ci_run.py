"""`.ci/run` ends with an error where any part fails, also one that runs beside others."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKE = """#!/usr/bin/env bash
echo "$(basename "$0") $*" >> "$CI_CALLS"
if [[ "$*" == "run -e drill" ]]; then ln -sfn ../kept reports/latest; fi
if [[ "$0 $*" == *up.sh* ]]; then mkdir -p "$HARNESS_RUN_DIR"; touch "$HARNESS_RUN_DIR/env"; fi
if [[ "$(basename "$0") $*" == $CI_FAILS ]]; then echo "it fails"; exit 3; fi
"""
PROGRAMS = (
    "clone/.venv/bin/pip", "clone/.venv/bin/tox", "clone/.venv/bin/python",
    "clone/.tox/drill/bin/python", "clone/.tox/tests/bin/pytest",
    "shared/container/up.sh", "path/python3", "path/restic", "path/docker",
    "path/mkfs.xfs", "path/mkfs.btrfs", "path/apt-get",
)  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Runs the script among programs that only note what they were asked."""
    for name in PROGRAMS:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(FAKE)
        file.chmod(0o755)
    clone = tmp_path / "clone"
    (clone / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", clone / ".ci" / "run")
    load = clone / "kept" / "load"
    load.mkdir(parents=True)
    (clone / "reports").mkdir()
    (clone / "kept" / "report.html").write_text("RESTORE PROVEN")
    (clone / "kept" / "progress.jsonl").write_text("{}")
    for kind in ("parquet", "svg"):
        name = f"test_clients_search_through_a_restore.clients.{kind}"
        (load / name).write_text("x")
    (clone / "reports" / "history.jsonl").write_text("{}\n")
    (clone / "reports" / "metrics.prom").write_text("chromadrill_last_proven_timestamp_seconds 1\n")

    def start(fails="nothing"):
        path = f"{tmp_path / 'path'}{os.pathsep}{os.environ['PATH']}"
        variables = {"CI_CALLS": str(tmp_path / "calls"), "CI_FAILS": fails, "PATH": path}
        ran = subprocess.run(
            [clone / ".ci" / "run"],
            env={**os.environ, **variables}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ran, (tmp_path / "calls").read_text().splitlines()

    return start


@pytest.mark.slow
def test_every_part_is_run_and_its_seconds_are_listed(run):
    ran, calls = run()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    environments = {call.split()[3] for call in calls if call.startswith("tox run -e")}
    assert environments >= {
        "lint", "tests", "drill", "allure", "gate", "incidents", "latency", "simulated",
        "monitoring", "container", "hotcopy", "powercut", "compat", "salvage", "sabotage",
    }  # fmt: skip
    looks = [call.split()[2] for call in calls if call.startswith("python .ci/seen.py")]
    assert sorted(looks) == sorted([
        "drill", "gate", "incidents", "latency", "limits", "simulated", "monitoring", "container",
        "hotcopy", "powercut", "compat", "salvage", "sabotage",
    ])  # fmt: skip
    faults = [call for call in calls if "-m simulated" in call or "run -e simulated" in call]
    parts = ("lost", "running_service", "crashes", "torn", "cannot_take")
    assert [part for part in parts if part not in " ".join(faults)] == []
    table = ran.stdout.partition("==== done")[2]
    for name in ("lint", "the drill", "sabotage, salvage", "all of it"):
        assert name in table


@pytest.mark.slow
@pytest.mark.parametrize(
    "fails",
    [
        "tox run -e tests",
        "tox run -e drill",
        "up.sh*",  # these run beside another part
        "tox run -e monitoring",
        "python .ci/seen.py incidents",
        "tox run -e hotcopy*",
        "python .ci/seen.py powercut",
        "tox run -e sabotage",
        "tox run -e compat",
        "python .ci/seen.py compat",
        "tox exec -e simulated*",
        "python .ci/seen.py monitoring",
        "pytest tests -m slow*",
    ],
)
def test_part_that_fails_or_did_not_run_fails_the_whole(run, fails):
    ran, _ = run(fails)
    assert ran.returncode != 0
    assert "==== done" not in ran.stdout
