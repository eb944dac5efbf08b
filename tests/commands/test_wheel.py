"""The wheel alone, in an empty folder and a fresh environment: everything but the clone's own tests."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from tests.conftest import fill

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def run(*command, folder, **environment):
    """A command without the settings and the Python path of this process."""
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("CHROMA_", "DRILL_", "PYTEST_", "PYTHON", "VIRTUAL_ENV"))
    }
    return subprocess.run(
        [str(argument) for argument in command],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Python of an environment into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert uv, "uv builds and installs the wheel: it is in the dependency group `test`"
    installed = folder / "env" / "bin" / "python"
    for command in (
        (uv, "build", "--wheel", "--out-dir", folder / "dist", ROOT),
        (uv, "venv", "--python", sys.executable, folder / "env"),
    ):
        ran = run(*command, folder=folder)
        assert ran.returncode == 0, ran.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    ran = run(uv, "pip", "install", "--python", installed, wheel, folder=folder)
    assert ran.returncode == 0, ran.stderr
    return installed


@pytest.fixture
def chromadrill(python):
    return lambda *arguments, **more: run(python.with_name("chromadrill"), *arguments, **more)


def record_of_the_only_run(folder):
    (record,) = (folder / "reports").glob("2*/drill.json")
    return json.loads(record.read_text())


def test_nothing_is_installed_under_a_name_that_is_another_packages(python, tmp_path):
    code = (
        "import importlib.util as u; print([n for n in ('fixtures', 'suites') if u.find_spec(n)])"
    )
    assert run(python, "-P", "-c", code, folder=tmp_path).stdout.strip() == "[]"


def test_gate_is_run_and_leaves_its_record_in_the_working_directory(chromadrill, tmp_path):
    ran = chromadrill("gate", "-k", "gate", folder=tmp_path)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "GATE PASSED" in ran.stdout
    record = record_of_the_only_run(tmp_path)
    assert record["outcome"] == "pass"


def test_drill_types_the_commands_of_the_wheel(chromadrill, tmp_path):
    ran = chromadrill(
        "drill", "-k", "its_export", "--records", "1100",
        folder=tmp_path, DRILL_REQUIRED="RB-4",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    ledger = (tmp_path / "reports" / "latest" / "evidence.jsonl").read_text()
    assert "chromadrill restore --input-file" in ledger


def test_drill_that_leaves_out_what_is_required_could_not_tell(chromadrill, tmp_path):
    ran = chromadrill("drill", "-k", "no_such_scenario", folder=tmp_path)
    assert ran.returncode == 2, ran.stdout[-3000:] + ran.stderr[-3000:]


def test_load_is_run_and_leaves_its_result_in_the_working_directory(chromadrill, tmp_path, server):
    with Chroma(server.url) as chroma:
        fill(chroma, "load", 40)
    args = ("--host", server.url, "--profile", "smoke", "--run-time", "4s")
    ran = chromadrill("load", *args, folder=tmp_path)
    (result,) = (tmp_path / "reports").rglob("result.json")
    outcome = json.loads(result.read_text())["outcome"]
    assert ran.returncode == {"pass": 0, "fail": 1, "unknown": 2}[outcome], ran.stderr[-3000:]
    assert json.loads(result.read_text())["samples"] > 60


def test_directory_is_validated_without_a_server(chromadrill, tmp_path, server):
    server.stop()
    ran = chromadrill("validate", "--all", "--path", server.data, "--json", folder=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {collection["name"] for collection in json.loads(ran.stdout)["collections"]} == {
        "docs",
        "load",
    }
