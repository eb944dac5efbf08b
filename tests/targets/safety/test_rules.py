"""Each safety rule, and somebody who tries to get past it."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.commands import ops
from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.model import Backup
from chromadrill.core.settings import load
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.target_role import TargetRole, target_role
from chromadrill.workload.load.loopback_only import require_loopback

STAGING = TargetRole("box", "http://10.0.0.1:8000", "command", "staging", "staging", True)
PRODUCTION = TargetRole("live", "http://10.0.0.2:8000", "railway", "production", "production")
OURS = TargetRole("process", None, "process", None, None)
NEWEST, OLDER = (Backup(name, "", "command", "", 1) for name in ("newest", "older"))
SCRIPTS = Path(__file__).parents[3] / "scripts"
COMMANDS = Path(ops.__file__).parent
CHANGES = ("start", "stop", "restart", "recreate", "restore", "snapshot", "clean-up")
SPELLINGS = (
    "http://localhost:9000", "http://127.0.0.1:9000/", "https://127.9.9.9:9000/x",
    "http://0:9000", "http://[::]:9000", "http://[0:0:0:0:0:0:0:1]:9000", "http://127.1:9000",
    "http://[::ffff:7f00:1]:9000", "http://2130706433:9000", "http://0x7f000001:9000",
    "http://0177.0.0.1:9000", "http://ip6-localhost:9000", "http://localhost.localdomain:9000",
    "http://chroma.localhost:9000", "http://localhost.:9000",
    "http://0.0.0.0:9000", "http://[::1]:9000", "http://x:y@LOCALHOST:9000",
)  # fmt: skip
TOML = """
[targets.box]
kind = "command"
url = "http://10.0.0.1:8000"
environment = "staging"
[targets.sly]
kind = "command"
url = "https://LOCALHOST:9000/"
environment = "staging"
[targets.unknown]
kind = "remote"
url = "http://10.0.0.3:8000"
[environments.production]
url = "http://127.0.0.1:9000"
"""


def settings(tmp_path, text=TOML, **command_line):
    file = tmp_path / "drill.toml"
    file.write_text(text)
    return load(file, environ={}, command_line=command_line)


def restore(at, backup=NEWEST, *, wrote=(), volume=True, **more):
    rules.require_may_restore(at, backup, [NEWEST, OLDER], wrote=wrote, volume=volume, **more)


# ---- production ---------------------------------------------------------------------------------
@pytest.mark.parametrize("action", CHANGES)
def test_no_command_changes_production(action):
    with pytest.raises(Refused, match="read-only by rule"):
        rules.require_may_operate(PRODUCTION, action)
    rules.require_may_operate(STAGING, action)


def test_production_may_be_looked_at_and_exported():
    for action in ("snapshots", "logs", "posture"):
        rules.require_may_operate(PRODUCTION, action)
    rules.require_may_operate(PRODUCTION, "snapshot", export=True)


def test_no_option_allows_damage_in_production():
    with pytest.raises(Refused, match="No option"):
        rules.require_may_damage(PRODUCTION, "live")


@pytest.mark.parametrize("target", ["sly", "production", *SPELLINGS])
def test_production_is_known_by_its_address_whatever_the_target_is_called(tmp_path, target):
    assert target_role(settings(tmp_path), target).is_production


@pytest.mark.parametrize(
    "url", ["http://167772162:8000", "http://0xa.2:8000", "http://[::ffff:10.0.0.2]:8000",
            "http://10.2:8000"],
)  # fmt: skip
def test_every_spelling_of_an_address_is_that_address(tmp_path, url):
    loaded = settings(tmp_path, TOML.replace("http://127.0.0.1:9000", "http://10.0.0.2:8000"))
    assert target_role(loaded, url).is_production
    assert not target_role(loaded, "http://10.0.0.3:8000").is_production


def test_production_stays_production_where_another_environment_is_named(tmp_path):
    loaded = settings(tmp_path, **{"drill.environment": "scratch"})
    assert target_role(loaded, "sly").is_production
    assert target_role(loaded, "production").is_production
    assert target_role(loaded, "any:Class", "http://127.0.0.1:9000").is_production


def test_another_server_is_not_taken_for_production(tmp_path):
    assert target_role(settings(tmp_path), "box").role == "staging"
    assert target_role(settings(tmp_path), "unknown").role is None
    assert target_role(settings(tmp_path), "http://127.0.0.1:9001").role is None


def test_own_scratch_server_is_ours_whoever_lends_its_limits(tmp_path):
    loaded = settings(tmp_path, **{"drill.environment": "production"})
    for kind in ("process", "container"):
        at = target_role(loaded, kind)
        assert not at.is_live
        rules.require_may_damage(at, None)


@pytest.mark.parametrize("key", ["url", "volume"])
def test_environment_that_is_production_under_another_name_is_refused(tmp_path, key):
    one = 'url = "http://h:80/x"' if key == "url" else 'volume = "v"'
    other = 'url = "http://H"' if key == "url" else 'volume = "v"'
    with pytest.raises(UsageError, match="never its target"):
        settings(tmp_path, f"[environments.production]\n{one}\n[environments.staging]\n{other}\n")


def test_no_load_is_put_on_production(tmp_path):
    with pytest.raises(Refused, match="no load there"):
        rules.require_may_load(PRODUCTION)
    url = require_loopback("http://[0:0:0:0:0:0:0:1]:9000")
    with pytest.raises(Refused, match="no load there"):
        rules.require_may_load(target_role(settings(tmp_path), url))
    rules.require_may_load(STAGING)


# every command that writes via the API, with the fewest options that it takes
WRITERS = (("restore", "--input-file", "none"), ("rebuild", "--from-postgresql"),
           ("regenerate", "--source", "postgresql"))  # fmt: skip
READERS = ("backup", "fingerprint", "performance", "validate", "counts")


def test_every_script_and_every_action_is_known_to_read_or_to_write():
    scripts = {
        re.search(r'script\("(\w+)"\)', file.read_text())[1] for file in SCRIPTS.glob("*.py")
    }
    assert scripts == {*READERS, *(name for name, *_ in WRITERS)}
    actions = {command.name or command.callback.__name__ for command in ops.app.registered_commands}
    assert {*rules.READING, *CHANGES} == {*actions, "posture"}


@pytest.mark.parametrize("name", READERS)
def test_command_that_only_reads_names_no_call_that_writes(name):
    assert not re.search(
        r"\.(upsert|delete|delete_collection|create_\w+|rename_\w+)\(|import restore|rebuild",
        (COMMANDS / f"{name}.py").read_text().replace("rebuilt", ""),
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", WRITERS)
def test_command_that_writes_refuses_production_before_anything_is_read(tmp_path, command):
    (tmp_path / "drill.toml").write_text(TOML)
    ran = subprocess.run(
        [sys.executable, "-m", "chromadrill", *command, "--url", "http://localhost:9000"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 1, ran.stderr
    assert "read-only by rule" in ran.stderr
    assert "--break-glass http://localhost:9000" in ran.stderr


# ---- damage -------------------------------------------------------------------------------------
@pytest.mark.parametrize("allowed", [None, "", "other", "BOX"])
def test_damage_needs_the_targets_own_name(allowed):
    with pytest.raises(Refused, match="--allow-damage box"):
        rules.require_may_damage(STAGING, allowed)
    rules.require_may_damage(STAGING, "box")


@pytest.mark.parametrize("role", [None, "", "Staging"])
def test_damage_needs_the_role_staging_or_scratch(role):
    with pytest.raises(Refused, match="role"):
        rules.require_may_damage(dataclasses.replace(STAGING, role=role), "box")
    rules.require_may_damage(dataclasses.replace(STAGING, role="scratch"), "box")


# ---- restore ------------------------------------------------------------------------------------
def test_newest_backup_of_an_exclusive_staging_may_be_restored():
    restore(STAGING)


def test_restore_that_rolls_back_everybody_needs_an_exclusive_environment():
    shared = dataclasses.replace(STAGING, exclusive=False)
    with pytest.raises(Refused, match="exclusive = true"):
        restore(shared)
    restore(shared, volume=False)


def test_older_backup_is_refused():
    with pytest.raises(Refused, match="newest is newer"):
        restore(STAGING, OLDER)


def test_restore_is_refused_where_somebody_wrote_and_says_who():
    with pytest.raises(Refused, match=r"t/d/orders had 3.*ops --target box snapshot"):
        restore(STAGING, wrote=["t/d/orders had 3 records and has 4"])
    with pytest.raises(Refused, match="t/d/orders"):
        restore(STAGING, wrote=["t/d/orders was removed"], volume=False)


def test_scratch_server_that_is_not_our_own_process_is_asked_the_same():
    scratch = dataclasses.replace(STAGING, role="scratch", exclusive=False)
    restore(scratch)
    with pytest.raises(Refused, match="newest is newer"):
        restore(scratch, OLDER)
    with pytest.raises(Refused, match="t/d/orders"):
        restore(scratch, wrote=["t/d/orders was removed"])
    restore(OURS, OLDER, wrote=["t/d/orders was removed"])


def test_volume_is_not_restored_where_a_newer_backup_cannot_be_seen():
    with pytest.raises(Refused, match="cannot be listed"):
        restore(STAGING, complete=False)
    restore(STAGING, volume=False, complete=False)


@pytest.mark.parametrize("role", [None, "production"])
def test_restore_needs_the_role(role):
    with pytest.raises(Refused, match="role is staging"):
        restore(dataclasses.replace(STAGING, role=role))
