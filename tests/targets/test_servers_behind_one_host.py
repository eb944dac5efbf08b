"""Servers behind one host that differ by path: rules, headers and load keep them apart."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from tests.front_door import enter
from tests.gateway import gateway

ROOT = Path(__file__).parents[2]
TOML = """
[targets.staging]
kind = "remote"
url = "{url}/staging"
headers = {{Authorization = "Bearer {{env:STAGING_TOKEN}}"}}
[targets.live]
kind = "remote"
url = "{url}/prod"
headers = {{Authorization = "Bearer {{env:LIVE_TOKEN}}"}}
[environments.staging]
role = "staging"
url = "{url}/staging"
[environments.production]
url = "{url}/prod"
"""


@pytest.fixture(scope="module")
def host(server):
    with gateway(staging=server.url, prod=server.url) as front:
        yield front


@pytest.fixture(autouse=True)
def settings(host, tmp_path, monkeypatch):
    host.reset()
    (tmp_path / "drill.toml").write_text(TOML.format(url=host.url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STAGING_TOKEN", "canary-staging-1")
    monkeypatch.setenv("LIVE_TOKEN", "canary-live-22")


@pytest.fixture
def export_file(host, tmp_path, capfd):
    path = tmp_path / "e.jsonl"
    ended = enter(capfd, "backup", "--url", f"{host.url}/staging", "--collection-name", "docs",
                  "--output-file", path)  # fmt: skip
    assert ended.code == 0, ended.text
    return path


def restored(host, path, export_file, capfd):
    return enter(capfd, "restore", "--url", host.url + path, "--input-file", export_file, "--json")


def test_staging_beside_production_is_written_and_production_is_not(
    host, server, export_file, capfd
):
    with Chroma(server.url) as chroma:
        chroma.delete_collection(Scope(), "docs")
    ended = restored(host, "/staging", export_file, capfd)
    assert (ended.code, ended.answer["outcome"]) == (0, "pass"), ended.text
    ended = restored(host, "/prod", export_file, capfd)
    assert "production" in ended.err
    assert ended.code == 1


@pytest.mark.parametrize("path", ["/prod/", "/PROD", "//prod", "/x/../prod", "/%70rod", ""])
def test_production_is_production_however_its_path_is_written(host, export_file, capfd, path):
    ended = restored(host, path, export_file, capfd)
    assert "is production, and production is read-only" in ended.err, ended.text
    assert ended.code == 1
    assert not any(call.startswith(("PUT", "DELETE")) for call in host.calls)


@pytest.mark.parametrize(
    ("path", "secret"), [("/staging", "canary-staging-1"), ("/staging/", "canary-staging-1"),
                        ("/prod", "canary-live-22"), ("/prod/", "canary-live-22")],
)  # fmt: skip
def test_each_server_gets_its_own_credentials(host, capfd, path, secret):
    ended = enter(capfd, "counts", "--url", host.url + path, "--expected-min", "1")
    assert ended.code == 0, ended.text
    assert host.headers["authorization"] == f"Bearer {secret}"


def test_reading_production_leaves_staging_as_it_was(host, export_file, capfd):
    """What this process may do on the one says nothing of the other."""
    enter(capfd, "counts", "--url", f"{host.url}/prod", "--expected-min", "1")
    ended = enter(capfd, "restore", "--url", f"{host.url}/staging", "--input-file", export_file,
                  "--into", "copy")  # fmt: skip
    assert ended.code == 0, ended.text


@pytest.mark.slow
def test_load_goes_to_the_server_of_its_path(host, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests"), "--headless",
         "--host", f"{host.url}/staging", "--profile", "smoke", "--run-time", "3s",
         "--result", str(tmp_path / "r.json")],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["errors"] == 0, done.stderr
    assert host.headers["authorization"] == "Bearer canary-staging-1"
    assert all(" /staging/api/v2" in call for call in host.calls)
