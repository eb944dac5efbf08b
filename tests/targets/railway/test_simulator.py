"""The simulator as a process: loopback alone, ends with its parent, leaves no server behind."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Refused, UsageError
from chromadrill.targets.home import claim
from chromadrill.targets.railway.simulator.faults import FAULTS
from chromadrill.targets.railway.simulator.run import simulator

COMMAND = [sys.executable, "-m", "chromadrill", "simulate", "railway"]


@dataclass(frozen=True)
class Running:
    """A simulator in a process of its own, and the pid of its Chroma server."""

    process: subprocess.Popen
    server: int


@pytest.fixture
def running(tmp_path):
    """A simulator that runs; killed after the test, and its server is gone then."""
    with subprocess.Popen(
        [*COMMAND, "--home", str(tmp_path / "home")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert "simulated Railway" in process.stdout.readline()
        server = wait_until(lambda: chroma_pid(tmp_path), within_s=30, name="its server")
        yield Running(process, server)
        process.kill()
    wait_until(lambda: not psutil.pid_exists(server), within_s=20, name="the server's end")


def chroma_pid(tmp_path):
    state = tmp_path / "home" / "deployments" / "0" / "state.json"
    return json.loads(state.read_text())["pid"] if state.is_file() else None


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_simulator_leaves_no_server_behind(running, number):
    running.process.send_signal(number)
    running.process.wait(30)
    wait_until(lambda: not psutil.pid_exists(running.server), within_s=20, name="the server's end")


@pytest.mark.slow
def test_both_its_ports_are_on_loopback_alone(running):
    server = psutil.Process(running.server)
    wait_until(lambda: server.net_connections("inet"), within_s=30, name="its port")
    for process in (psutil.Process(running.process.pid), server):
        listening = [
            connection.laddr.ip
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert set(listening) == {"127.0.0.1"}


@pytest.mark.slow
def test_simulator_ends_with_its_parent(tmp_path):
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
        "p.stdout.readline(); print(p.pid, flush=True)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code, *COMMAND, "--home", str(tmp_path / "home")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    pid = int(parent.stdout)
    wait_until(lambda: not psutil.pid_exists(pid), within_s=20, name="the simulator's end")
    server = chroma_pid(tmp_path)
    wait_until(
        lambda: server is None or not psutil.pid_exists(server),
        within_s=20,
        name="its server's end",
    )


@pytest.mark.slow
def test_command_runs_with_the_token_and_its_exit_code_is_kept(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "assert 'kind = \"railway\"' in Path(os.environ['DRILL_CONFIG']).read_text()\n"
        "assert len(Path(os.environ['RAILWAY_TOKEN_FILE']).read_text()) > 20\n"
        "assert 'RAILWAY_TOKEN' not in os.environ\n"
        "sys.exit(7)"
    )
    done = subprocess.run(
        [*COMMAND, "--home", str(tmp_path / "home"), "--", sys.executable, "-c", code],
        env={**os.environ, "RAILWAY_TOKEN": "a-real-token"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 7, done.stderr


def test_tokens_are_readable_by_their_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "chromadrill.targets.railway.simulator.service.Service.deploy", lambda self: None
    )
    with simulator(tmp_path / "home") as running:
        for file in (running.token_file, running.home / "account-token", running.config):
            assert file.stat().st_mode & 0o077 == 0
        assert running.tokens.project not in running.toml() + repr(running.platform)


def test_home_that_is_not_ours_or_in_use_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "chromadrill.targets.railway.simulator.service.Service.deploy", lambda self: None
    )
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "precious").write_text("x")
    with pytest.raises(Refused, match="not a chromadrill home"), simulator(tmp_path / "foreign"):
        pass
    assert os.listdir(tmp_path / "foreign") == ["precious"]  # noqa: PTH208
    with (
        simulator(tmp_path / "home"),
        pytest.raises(Refused, match="another simulator runs there"),
        simulator(tmp_path / "home"),
    ):
        pass


def test_home_of_another_target_is_refused_and_untouched(tmp_path):
    claim(tmp_path / "lab", ("data",))
    (tmp_path / "lab" / "data" / "precious").write_text("x")
    with pytest.raises(Refused, match="home of another target"), simulator(tmp_path / "lab"):
        pass
    assert (tmp_path / "lab" / "data" / "precious").is_file()
    assert not (tmp_path / "lab" / "volumes").exists()


def test_taken_port_and_unknown_fault_are_sentences(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "chromadrill.targets.railway.simulator.service.Service.deploy", lambda self: None
    )
    with simulator(tmp_path / "one") as running:
        port = int(running.endpoint.split(":")[2].split("/")[0])
        with pytest.raises(Refused, match=f"Port {port}"), simulator(tmp_path / "two", port=port):
            pass
    with (
        pytest.raises(UsageError, match="Did you mean 'lost-response'"),
        simulator(tmp_path / "three", fault="lost-respons"),
    ):
        pass


def test_every_fault_is_used_and_described():
    folder = Path(__file__).parents[3] / "src/chromadrill/targets/railway/simulator"
    files = [file for file in folder.glob("*.py") if file.name != "faults.py"]
    source = "".join(file.read_text() for file in files)
    for name, description in FAULTS.items():
        assert f'"{name}"' in source, name
        assert description
