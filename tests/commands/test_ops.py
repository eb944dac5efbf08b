"""What on-call types on a live target that others use too: the safety rules hold, the right gets by."""

import contextlib
import dataclasses
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from chromadrill.chroma import permissions
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.commands.app import invoke
from chromadrill.core.errors import CapabilityMissing, Refused, UsageError
from chromadrill.core.model import Scope
from chromadrill.core.settings import load
from chromadrill.targets.command import snapshots
from chromadrill.targets.home import free_port, home_of
from chromadrill.targets.registry import open_target
from chromadrill.targets.safety import leftovers, ownership
from chromadrill.targets.safety.target_role import target_role
from tests.conftest import fill

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
VECTOR = np.ones((1, 8), np.float32)


@dataclasses.dataclass
class Lab:
    """A server that is run by docs/examples/service.sh, in an environment whose role can be changed."""

    folder: Path
    url: str
    printed: object

    def write(self, **environment):
        settings = {"role": "staging", "exclusive": True, **environment}
        table = "\n".join(
            f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
            for key, value in settings.items()
        )
        text = (ROOT / "docs" / "examples" / "service.toml").read_text()
        text = text.replace('"scratch"', '"lab"').replace("http://127.0.0.1:8123", self.url)
        text = text.replace("kind =", f'home = "{self.folder / "home"}"\nkind =')
        (self.folder / "drill.toml").write_text(f"{text}\n[environments.lab]\n{table}\n")

    def ops(self, *arguments):
        permissions.forget()  # as a new process knows nothing
        config = ["--drill-config", str(self.folder / "drill.toml")]
        assert invoke(["ops", *config, "--target", "service", *arguments]) == 0
        return self.printed.readouterr().out

    def chroma(self):
        permissions.forget()
        return Chroma(self.url)

    def claim(self):
        settings = load(self.folder / "drill.toml", command_line={"drill.target": "service"})
        target = open_target(settings)
        at = target_role(settings, "service", target.url)
        ownership.claim_ownership(at, home_of(target), [Scope()])


@pytest.fixture
def lab(tmp_path, monkeypatch, capsys):
    port = free_port()
    monkeypatch.chdir(ROOT)
    permissions.forget()
    monkeypatch.setenv("CHROMA_HOME", str(tmp_path / "chroma"))
    monkeypatch.setenv("CHROMA_PORT", str(port))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    lab = Lab(tmp_path, f"http://127.0.0.1:{port}", capsys)
    lab.write()
    lab.ops("start")
    lab.claim()  # while it is empty
    with lab.chroma() as chroma:
        fill(chroma, name="theirs")
    yield lab
    lab.write()
    lab.ops("stop")


def test_restore_that_would_take_somebodys_data_is_refused_and_says_whose(lab):
    lab.ops("snapshot", "--name", "one")
    with lab.chroma() as chroma:
        chroma.upsert(chroma.collection(Scope(), "theirs"), ids=["r1"], vectors=VECTOR)
    lab.ops("stop")
    with pytest.raises(Refused, match="theirs was changed in place"):
        lab.ops("restore", "one")
    lab.ops("start")
    lab.ops("snapshot", "--name", "two")
    lab.ops("stop")
    with pytest.raises(Refused, match="two is newer"):
        lab.ops("restore", "one")
    lab.write(exclusive=False)
    with pytest.raises(Refused, match="not exclusive"):
        lab.ops("restore", "two")
    lab.write(role="production")
    for action in (("restore", "two"), ("start",), ("stop",), ("snapshot",), ("clean-up",)):
        with pytest.raises(Refused, match="read-only by rule"):
            lab.ops(*action)
    lab.write()
    marker = lab.folder / "home" / "rails" / "owner.json"
    marker.rename(marker.with_suffix(".away"))
    with pytest.raises(Refused, match="no ownership marker"):
        lab.ops("restore", "two")
    marker.with_suffix(".away").rename(marker)
    stopped = lab.folder / "home" / "rails" / "stopped.json"
    os.utime(stopped, (time.time() - 7200,) * 2)
    with pytest.raises(Refused, match="unknown"):
        lab.ops("restore", "two")
    os.utime(stopped)
    lab.ops("restore", "two")
    lab.ops("start")
    assert not stopped.exists()
    assert marker.is_file()


def test_platform_whose_files_are_out_of_reach_is_not_stopped_for_a_live_copy(lab):
    lab.ops("snapshot", "--name", "one")
    with pytest.raises(CapabilityMissing, match="no capability 'hotcopy'"):
        lab.ops("snapshot", "--method", "live-copy")
    assert lab.ops("snapshots").count("\n") == 1


def test_server_that_was_stopped_by_others_may_hold_anything(lab):
    lab.ops("snapshot", "--name", "one")
    subprocess.run([ROOT / "docs" / "examples" / "service.sh", "stop"], check=True)
    with pytest.raises(Refused, match="not stopped by chromadrill"):
        lab.ops("restore", "one")
    with pytest.raises(UsageError, match="name the same"):
        lab.ops("--break-glass", "other", "restore", "one")
    lab.ops("--break-glass", "service", "restore", "one")
    lab.ops("start")


def test_what_a_dead_run_left_is_removed_by_a_command(lab):
    dead = leftovers.new_run().replace(f"-{os.getpid()}-", "-999999999-")
    with lab.chroma() as chroma:
        chroma.create_collection(Scope(), f"drill-{dead}-writes")
    assert lab.ops("clean-up") == f"{Scope()}/drill-{dead}-writes\n"
    assert lab.ops("clean-up") == ""
    with lab.chroma() as chroma:
        assert [collection.name for collection in chroma.collections(Scope())] == ["theirs"]


def test_production_cannot_be_named_for_damage_under_any_name(lab):
    lab.write(role="production")
    extra = (
        f'\n[targets.sly]\nkind = "remote"\nurl = "{lab.url.replace("127.0.0.1", "localhost")}"\n'
    )
    with (lab.folder / "drill.toml").open("a") as file:
        file.write(f'url = "{lab.url}"\n{extra}')
    for name in ("service", "sly", "lab", lab.url):
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", "-m", "gate or drill", "-q", "--target", name,
             "--allow-damage", name, f"--drill-config={lab.folder / 'drill.toml'}",
             "--environment", "staging"],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "DRILL_REPORTS": str(lab.folder / "reports")},
        )  # fmt: skip
        assert ran.returncode == 4, ran.stdout + ran.stderr
        assert "production" in ran.stderr
        assert "No option allows damage there" in ran.stderr
    assert not list((lab.folder / "reports").rglob("drill.json"))


def test_scratch_server_that_holds_somebodys_data_is_not_drilled(lab):
    lab.write(role="scratch")
    (lab.folder / "home" / "rails" / "owner.json").unlink()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "suites/contract", "-k", "killed", "-q", "--target",
         "service", "--allow-damage", "service", f"--drill-config={lab.folder / 'drill.toml'}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "DRILL_REPORTS": str(lab.folder / "reports")},
    )  # fmt: skip
    assert ran.returncode != 0
    assert "holds what no drill put there: default_tenant/default_database/theirs" in ran.stdout
    with lab.chroma() as chroma:
        assert chroma.count(chroma.collection(Scope(), "theirs")) == 30


# ---- clients that write meanwhile ----------------------------------------------------------------
def test_snapshot_by_the_users_own_commands_says_what_stood_still_while_clients_wrote(
    lab, monkeypatch
):
    def after_a_write(*reading):
        written.clear()
        assert written.wait(60)
        return read_again(*reading)

    read_again = snapshots.read_again
    monkeypatch.setattr(snapshots, "read_again", after_a_write)
    stop, written = threading.Event(), threading.Event()

    def write():
        with Chroma(lab.url, timeout_s=60) as chroma:
            theirs = chroma.collection(Scope(), "theirs")
            for number in itertools.takewhile(lambda _: not stop.wait(0.005), itertools.count()):
                with contextlib.suppress(CallFailed):  # it is stopped for the snapshot
                    chroma.upsert(theirs, ids=[f"late-{number}"], vectors=VECTOR)
                    written.set()

    client = threading.Thread(target=write, daemon=True)
    client.start()
    try:
        assert written.wait(60)
        answer = json.loads(lab.ops("snapshot", "--json"))
    finally:
        stop.set()
        client.join(30)
    (theirs,) = answer["stable"]["collections"].values()
    assert theirs["stable"] >= 30
    assert theirs["moved"] > 0
    assert (Path(answer["path"]) / "after.fingerprint").is_file()
