"""Jobs that record around a backup: each is run here as its scheduler would run it."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chromadrill.commands.record_templates import RecordJob
from chromadrill.core.errors import UsageError
from tests.front_door import enter

KINDS = ("cron", "systemd", "github", "gitlab", "kubernetes")


@pytest.fixture(scope="module")
def folder(server, tmp_path_factory):
    """The folder of a drill.toml, named as a shell, cron, systemd and YAML would rather not have it."""
    folder = tmp_path_factory.mktemp("record") / "100% of 'ours'"
    folder.mkdir()
    (folder / "drill.toml").write_text(
        f'[environments.production]\nrole = "production"\nurl = "{server.url}"\n'
        '[[environments.production.backups]]\nevery = "daily"\nat = "00:10"\nkeep_days = 7\n'
        '[backups.nightly]\ntarget = "production"\n'
    )
    return folder


@pytest.fixture
def template(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)

    def template(kind, *more):
        ended = enter(capsys, "record", "--template", kind, *more)
        assert ended.code == 0, ended.text
        return ended.out

    return template


def recordings(folder):
    return len(list(folder.glob("recordings/nightly/*.fingerprint")))


def records(folder, *command, cwd="/"):
    """Run a job's command as its scheduler does, and see that there is one recording more."""
    before = recordings(folder)
    # the image of a job has the command on its PATH; pytest may be called by its own
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert recordings(folder) == before + 1
    return ended.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_job_is_about_ten_lines_and_asks_no_server(kind, template, folder):
    before = recordings(folder)
    assert len(template(kind).splitlines()) <= 11
    assert recordings(folder) == before


def cron_line(text):
    """The times and the command of a crontab's only line; cron makes `%` of `\\%`."""
    (line,) = [line for line in text.splitlines() if not line.startswith("#")]
    *times, command = line.split(maxsplit=5)
    assert "%" not in command.replace(r"\%", "")
    return " ".join(times), command.replace(r"\%", "%")


@pytest.mark.slow
def test_line_of_cron_records_and_is_silent(template, folder):
    times, command = cron_line(template("cron"))
    assert times == "55 23,0 * * *"  # around the plan's 00:10
    assert records(folder, "/bin/sh", "-c", command) == ""


@pytest.mark.slow
def test_line_of_cron_prints_what_went_wrong_so_that_it_is_mailed(template, folder, tmp_path):
    other = tmp_path / "drill.toml"
    other.write_text('[backups.nightly]\ntarget = "http://127.0.0.1:1"\n')
    _, command = cron_line(template("cron", "--drill-config", other))
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Is the server running" in ended.stdout


@pytest.mark.slow
def test_unit_of_systemd_records(template, folder):
    lines = dict(
        line.split("=", 1)
        for line in template("systemd").splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert lines["OnCalendar"] == "*-*-* 23,00:55:00 UTC"
    assert lines["WorkingDirectory"].replace("%%", "%") == str(folder)
    records(folder, *shlex.split(lines["ExecStart"].replace("%%", "%")), cwd=folder)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_units_of_systemd_are_units_to_systemd(template, tmp_path):
    files = {}
    for line in template("systemd").splitlines():
        if line.startswith("# /"):
            name = Path(line.removeprefix("# ").split(";")[0]).name
            files[name] = []
        else:
            files[name].append(line)
    for name, content in files.items():
        (tmp_path / name).write_text("\n".join(content) + "\n")
    assert sorted(files) == ["chromadrill-record.service", "chromadrill-record.timer"]
    ended = subprocess.run(
        [shutil.which("systemd-analyze"), "verify", *(str(tmp_path / name) for name in files)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in ended.stderr.splitlines() if "chromadrill-record" in line]
    assert (ended.returncode, ours) == (0, []), ended.stderr


@pytest.mark.slow
def test_workflow_of_github_records(template, folder):
    workflow = yaml.safe_load(template("github"))
    assert workflow[True]["schedule"] == [{"cron": "55 23,0 * * *"}]  # `on` is true to YAML 1.1
    (step,) = workflow["jobs"]["record"]["steps"]
    records(folder, "/bin/bash", "-e", "-c", step["run"], cwd=step["working-directory"])


@pytest.mark.slow
def test_job_of_gitlab_records(template, folder):
    (job,) = yaml.safe_load(template("gitlab")).values()
    assert job["rules"] == [{"if": '$RECORD == "yes"'}]
    records(folder, "/bin/sh", "-e", "-c", "\n".join(job["script"]))


@pytest.mark.slow
def test_cron_job_of_kubernetes_records(template, folder):
    job = yaml.safe_load(template("kubernetes"))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert (job["spec"]["schedule"], job["spec"]["timeZone"]) == ("55 23,0 * * *", "Etc/UTC")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,), (volume,) = container["volumeMounts"], pod["volumes"]
    assert (mount["name"], mount["mountPath"]) == (volume["name"], container["workingDir"])
    assert pod["restartPolicy"] == "Never"
    records(folder, *container["command"], cwd=folder)


@pytest.mark.parametrize(
    ("at", "cron"),
    [("02:00", "45 1,2 * * *"), ("00:00", "45 23,0 * * *"), ("23:15", "0 23,0 * * *")],
)
def test_recordings_begin_a_quarter_of_an_hour_before_and_an_hour_later(at, cron):
    assert RecordJob(["record"], "/", at, "me").cron == cron


@pytest.mark.parametrize("at", ["2:00", "24:00", "noon", ""])
def test_hour_that_is_none_is_a_sentence(at):
    with pytest.raises(UsageError, match="HH:MM"):
        RecordJob(["record"], "/", at, "me").cron  # noqa: B018


def test_hour_without_a_template_and_a_template_that_is_none_are_refused(
    capsys, folder, monkeypatch
):
    monkeypatch.chdir(folder)
    ended = enter(capsys, "record", "--at", "02:00")
    assert (ended.code, ended.err) == (64, "--at is for --template.\n")
    ended = enter(capsys, "record", "--template", "kron")
    assert (ended.code, "Did you mean 'cron'" in ended.err) == (64, True)


def test_hour_of_a_url_is_that_of_the_environment_of_its_backups_name(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("drill.toml").write_text(
        '[[environments.production.backups]]\nevery = "daily"\nat = "04:30"\nkeep_days = 7\n'
        '[backups.production]\ntarget = "http://127.0.0.1:1"\n'
    )
    ended = enter(capsys, "record", "--template", "cron")
    assert "around the backup of 04:30" in ended.out


def test_password_of_a_url_is_in_no_job(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "drill.toml").write_text(
        '[targets.far]\nurl = "http://h:1"\n[backups.far]\nsource = "/b"\n'
    )
    ended = enter(capsys, "record", "--template", "cron", "--backup", "far",
                  "--target", "http://u:geheim@h:1")  # fmt: skip
    assert ended.code == 0
    assert "geheim" not in ended.text
