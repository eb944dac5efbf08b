"""The CI templates keep their promises. Their grammar is checked by `tox run -e lint`."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from chromadrill.core.settings import Container

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path):
    # YAML 1.1 takes the word "on" for True
    workflow = yaml.safe_load((ROOT / path).read_text("utf-8"))
    return {("on" if key is True else key): value for key, value in workflow.items()}


def steps(path):
    jobs = read(path)["jobs"].values()
    return [step for job in jobs for step in job.get("steps", ())]


def step_of(path, name):
    (step,) = [step for step in steps(path) if step.get("name") == name]
    return step


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_may_read_the_repository_and_nothing_else(path):
    assert read(path)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_job_ends_and_every_action_has_a_version(path):
    for job in read(path)["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] <= 90
    assert all("@v" in step["uses"] for step in steps(path) if "uses" in step)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_evidence_is_kept_however_the_run_ends(path):
    uploads = [upload for upload in steps(path) if "upload-artifact" in upload.get("uses", "")]
    assert uploads
    for upload in uploads:
        assert upload["if"] == "always()"
        assert upload["with"]["if-no-files-found"] == "error"


@pytest.mark.parametrize(
    ("path", "job", "step"),
    [
        ("ci.yml", "drill", "the restore drill"),
        ("drill.yml", "drill", "the restore drill"),
        ("gate.yml", "gate", "the release gate"),
    ],
)
def test_hanging_drill_ends_before_its_job_so_that_its_evidence_is_kept(path, job, step):
    path = f".github/workflows/{path}"
    assert step_of(path, step)["timeout-minutes"] < read(path)["jobs"][job]["timeout-minutes"]


def test_official_image_is_named_in_one_job_and_must_not_be_left_out():
    job = read(".github/workflows/ci.yml")["jobs"]["official-image"]
    assert job["env"] == {"CHROMA_IMAGE": Container().image, "DRILL_REQUIRE_DOCKER": "1"}
    commands = " ".join(step.get("run", "") for step in job["steps"])
    assert "tox run -e container" in commands
    assert "tox run -e compat" in commands
    limits = [step.get("timeout-minutes", 0) for step in job["steps"]]
    assert sum(limits) < job["timeout-minutes"]


def test_monthly_drill_is_never_cut_by_the_next_one_and_starts_off_the_hour():
    drill = read(".github/workflows/drill.yml")
    assert drill["concurrency"] == {"group": "restore-drill", "cancel-in-progress": False}
    ((cron,),) = [entry.values() for entry in drill["on"]["schedule"]]
    minute, _, day, month, weekday = cron.split()
    assert minute not in ("0", "30")
    assert (day, month, weekday) == ("1", "*", "*")
    assert "workflow_dispatch" in drill["on"]


@pytest.mark.parametrize(
    ("path", "step"), [("drill.yml", "the restore drill"), ("gate.yml", "the release gate")]
)
def test_target_is_never_the_empty_text_of_an_input_nobody_gave(path, step):
    target = step_of(f".github/workflows/{path}", step)["env"]["DRILL_TARGET"]
    assert target.endswith("|| 'process' }}")


def test_gate_can_be_called_with_a_target_and_without_a_token():
    called = read(".github/workflows/gate.yml")["on"]["workflow_call"]
    assert called["inputs"]["target"]["type"] == "string"
    assert called["secrets"]["CHROMA_TOKEN"]["required"] is False


@pytest.mark.parametrize("job", ["restore-drill", "restore-gate"])
def test_gitlab_keeps_evidence_of_failures_and_runs_one_drill_at_a_time(job):
    definition = read("ci/gitlab.yml")[job]
    assert definition["artifacts"]["when"] == "always"
    assert definition["artifacts"]["reports"]["junit"] == "reports/2*/junit.xml"
    assert definition["resource_group"] == "restore-drill"
    assert definition["interruptible"] is False


def test_gitlab_drills_by_schedule_and_gates_for_other_projects():
    jobs = read("ci/gitlab.yml")
    assert {"if": '$CI_PIPELINE_SOURCE == "schedule"'} in jobs["restore-drill"]["rules"]
    assert {"if": '$CI_PIPELINE_SOURCE == "pipeline"'} in jobs["restore-gate"]["rules"]


# ---- the job page's summary ---------------------------------------------------------------------
def summary(tmp_path):
    (tmp_path / ".ci").mkdir(exist_ok=True)
    shutil.copy(ROOT / ".ci" / "summary", tmp_path / ".ci" / "summary")
    done = subprocess.run(
        [tmp_path / ".ci" / "summary"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_summary_is_the_newest_report_and_never_too_long_for_github(tmp_path):
    for year in ("2025", "2026"):
        (tmp_path / "reports" / f"{year}-run").mkdir(parents=True)
        (tmp_path / "reports" / f"{year}-run" / "report.md").write_text(year * 500_000)
    (tmp_path / "reports" / "latest").symlink_to("2025-run")
    text = summary(tmp_path)
    assert text.startswith("2026")
    assert len(text) == 1_000_000


def test_summary_of_a_run_that_was_cut_is_not_green(tmp_path):
    (tmp_path / "reports" / "2026-run").mkdir(parents=True)
    assert "COULD NOT TELL" in summary(tmp_path)


def test_summary_of_nothing_says_so(tmp_path):
    assert "No run" in summary(tmp_path)
