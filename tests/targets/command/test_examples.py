"""The examples of the documentation, run: a script over a process, restic, docker compose."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chromadrill.checks.suite import judge, outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.chroma.fingerprint.live import observe
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.settings import load
from chromadrill.targets.home import free_port, home_of
from chromadrill.targets.registry import open_target
from chromadrill.targets.safety.access import allow_writes
from tests.conftest import fill

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"


DOCKER, RESTIC = shutil.which("docker"), shutil.which("restic")


def has_compose():
    if DOCKER is None:
        return False
    version = subprocess.run([DOCKER, "compose", "version"], capture_output=True, check=False)
    return version.returncode == 0


NEEDS = {"service": True, "restic": RESTIC, "compose": has_compose()}


@dataclass(frozen=True)
class Ops:
    run: Callable[..., str]
    name: str


@pytest.fixture(params=NEEDS)
def ops(request, tmp_path, monkeypatch):
    """`ops.run(*arguments)` on the example `ops.name`; what it started is stopped at the end."""
    name, port = request.param, free_port()
    if not NEEDS[name]:
        pytest.skip(f"{name} is not installed here: apt-get install restic, docker-compose-plugin")
    monkeypatch.chdir(ROOT)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CHROMA_HOME": str(tmp_path / "chroma"),
        "CHROMA_PORT": str(port),
        "COMPOSE_PROJECT_NAME": f"chromadrill-{port}",
        "RESTIC_REPOSITORY": str(tmp_path / "repository"),
        "RESTIC_PASSWORD": "canary-restic-31f0",
        "DRILL_CONFIG": str(EXAMPLES / f"{name}.toml"),
        f"DRILL_TARGETS__{name.upper()}__URL": f"http://127.0.0.1:{port}",
        f"DRILL_TARGETS__{name.upper()}__HOME": str(tmp_path / "home"),
    }
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    if name == "restic":
        subprocess.run([RESTIC, "init", "-q"], check=True)

    def run(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "chromadrill", "ops", "--target", name, *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout + done.stderr).strip()

    yield Ops(run, name)
    run("stop")
    if name == "compose":
        down = ("compose", "-f", EXAMPLES / "compose.yaml", "down", "-v")
        subprocess.run([DOCKER, *down], check=True)


def test_example_is_short():
    for file in EXAMPLES.glob("*.toml"):
        tomllib.loads(file.read_text())
        assert len(file.read_text().splitlines()) < 15, file


def test_snapshot_is_restored_by_the_users_own_commands(ops):
    run, name = ops.run, ops.name
    run("start")
    settings = load(command_line={"drill.target": name})
    target = open_target(settings)
    allow_writes(target.url)
    with Chroma(target.url) as chroma:
        fill(chroma)
    assert "runs already" in run("start", code=1)
    run("snapshot", "--name", "one")
    assert "exists already" in run("snapshot", "--name", "one", code=1)
    before = fingerprint_file.load(home_of(target) / "snapshots" / "one" / "fingerprint")
    with Chroma(target.url) as chroma:
        chroma.delete_collection(Scope(), "docs")
        fill(chroma, name="later")
    assert "runs; stop it first" in run("restore", "one", code=1)
    run("stop")
    run("stop")
    assert not target.running()
    assert "Nothing was restored" in run("restore", "one", code=1)  # somebody wrote since
    run("--break-glass", name, "restore", "one")
    run("start")
    with Chroma(target.url) as chroma:
        assert outcome_of(judge(observe(chroma, [Scope()], like=before), before)) is Outcome.PASS
    assert run("logs", "--lines", "3")
    assert "No backup 'two'" in run("restore", "two", code=64)
    assert [line.split()[0] for line in run("snapshots").splitlines()] == ["one"]
    target.kill()
    assert not target.running()
    assert "canary-restic-31f0" not in (home_of(target) / "logs" / "commands.log").read_text()
