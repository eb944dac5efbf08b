"""Commands of the user's: what is wrong is said before anything is run, and nothing gets into them."""

import time

import psutil
import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Unavailable, UsageError
from chromadrill.core.protocols import Target, missing_capabilities
from chromadrill.core.settings import TargetTable, load
from chromadrill.targets.command.shell import CommandFailed, ShellCommands
from chromadrill.targets.command.target import open_command
from chromadrill.targets.kinds import TargetSpec

UP = {"start": "true", "stop": "true"}


def commands(tmp_path, text, *, by_shell=False, timeout_s=10):
    return ShellCommands("t", {"logs": text}, {"logs": timeout_s}, by_shell, tmp_path / "log")


def target(tmp_path, *, url="http://127.0.0.1:9", timeouts_s=None, **texts):
    table = TargetTable(kind="command", url=url, commands=texts, timeouts_s=timeouts_s or {})
    return open_command(TargetSpec("t", tmp_path / "home", load(environ={}), table))


@pytest.mark.parametrize("by_shell", [False, True])
@pytest.mark.parametrize(
    "value", ["a b", "$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "{id}", "--x"]
)
def test_value_stays_one_word_whatever_is_in_it(tmp_path, monkeypatch, by_shell, value):
    monkeypatch.chdir(tmp_path)
    run = commands(tmp_path, "printf '<%s>' {lines} end", by_shell=by_shell)
    output = run.run("logs", limit_s=9, lines=value)
    assert output == f"<{value}><end>"
    assert not (tmp_path / "pwned").exists()


def test_no_shell_unless_it_is_asked_for(tmp_path):
    text = "echo one | cat $HOME"
    assert commands(tmp_path, text).run("logs", limit_s=9) == "one | cat $HOME\n"
    assert commands(tmp_path, "echo one | tr o x", by_shell=True).run("logs", limit_s=9) == "xne\n"


def test_exit_code_is_checked_and_the_last_words_are_told(tmp_path):
    run = commands(tmp_path, "echo the disk is full >&2; exit 3", by_shell=True)
    with pytest.raises(CommandFailed, match=r"(?s)logs: exit code 3 .*the disk is full"):
        run.run("logs", limit_s=9)
    assert "the disk is full" in (tmp_path / "log").read_text()
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_last_words_are_told_without_what_they_call_a_secret(tmp_path):
    run = commands(tmp_path, "echo login with password=hunter2hunter2; exit 3", by_shell=True)
    with pytest.raises(CommandFailed, match=r"login with password=\*+ All of it") as failed:
        run.run("logs", limit_s=9)
    assert "hunter2" not in str(failed.value)


def test_line_that_is_no_snapshot_is_told_without_what_it_calls_a_secret(tmp_path):
    platform = target(
        tmp_path, running="false", start="true", stop="true", snapshot="true", restore="true",
        snapshots="echo one token=hunter2hunter2",
    )  # fmt: skip
    with pytest.raises(Unavailable, match=r"wanted lines of ID TIME .*token=\*+") as failed:
        platform.snapshots()
    assert "hunter2" not in str(failed.value)


def test_log_of_a_server_that_does_not_start_is_told_without_what_it_calls_a_secret(tmp_path):
    platform = target(
        tmp_path, running="false", start="false", stop="true", logs="echo api_key: hunter2hunter2"
    )
    with pytest.raises(Unavailable, match=r"last lines:\napi_key: \*+") as failed:
        platform.start()
    assert "hunter2" not in str(failed.value)


def test_command_that_hangs_is_ended_with_all_it_started(tmp_path):
    marker = f"{tmp_path}/child"
    text = f"sh -c 'sleep 60; : {marker}' & sleep 60"
    with pytest.raises(CommandFailed, match="did not end in time"):
        commands(tmp_path, text, by_shell=True, timeout_s=0.5).run("logs", limit_s=9)
    wait_until(lambda: not processes_with(marker), within_s=20, name="the end of its child")


def processes_with(word):
    """Command lines of processes that hold `word`; of one that has ended there is none."""
    processes = psutil.process_iter(["cmdline"])
    lines = [" ".join(process.info["cmdline"] or ()) for process in processes]
    return [line for line in lines if word in line]


def test_server_that_a_command_leaves_running_holds_nobody_up(tmp_path):
    started = time.monotonic()
    commands(tmp_path, "sleep 20 &", by_shell=True).run("logs", limit_s=9)
    assert time.monotonic() - started < 15


def test_command_that_is_not_installed_is_a_sentence(tmp_path):
    with pytest.raises(DrillError, match="no-such-program: No such file"):
        commands(tmp_path, "no-such-program x").run("logs", limit_s=9)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({**UP, "strat": "x"}, "Did you mean 'start'"),
        ({**UP, "snapshot": "x {idd}", "restore": "x"}, "Did you mean 'id'"),
        ({**UP, "logs": "x {}"}, "no such placeholder"),
        ({**UP, "logs": "x {lines.__class__}"}, "no such placeholder"),
        ({**UP, "logs": "awk '{print}'"}, "no such placeholder"),
        ({**UP, "logs": "x { y"}, "a brace is written twice"),
        ({**UP, "logs": "x 'y"}, "No closing quotation"),
        ({**UP, "logs": "x {lines:d}"}, "takes neither"),
        ({**UP, "logs": "x {lines!z}"}, "takes neither"),
        ({**UP, "logs": "x {lines!r}"}, "takes neither"),
        ({**UP, "logs": "x {lines:{x}}"}, "takes neither"),
        ({**UP, "logs": "x a\0b"}, "zero byte"),
        ({**UP, "logs": " "}, "empty"),
        ({"start": "x"}, "stop = ... is missing"),
        ({**UP, "snapshot": "x"}, "restore = ... is missing"),
        ({"snapshot": "x", "restore": "x"}, "stop = ... is missing"),
    ],
)
def test_what_is_wrong_in_the_table_is_said_before_anything_is_run(tmp_path, texts, message):
    with pytest.raises(UsageError, match=message):
        target(tmp_path, **texts)
    assert not (tmp_path / "home").exists()


def test_command_that_asks_whether_it_runs_knows_home_and_url_and_target(tmp_path):
    text = f"test {{home}},{{url}},{{target}} = {tmp_path}/home,http://127.0.0.1:9,t"
    assert target(tmp_path, running=text, **UP).running()


def test_zero_byte_in_a_value_is_a_sentence(tmp_path):
    with pytest.raises(DrillError, match="echo: embedded null byte"):
        commands(tmp_path, "echo {lines}").run("logs", limit_s=9, lines="a\0b")


@pytest.mark.parametrize("timeouts_s", [{"strat": 1}, {"start": 0}, {"start": -1}])
def test_wrong_timeout_is_said(tmp_path, timeouts_s):
    with pytest.raises(UsageError, match="timeouts_s"):
        target(tmp_path, timeouts_s=timeouts_s, **UP)


def test_url_is_wanted(tmp_path):
    with pytest.raises(UsageError, match="url"):
        target(tmp_path, url=None, **UP)


def test_capabilities_are_those_that_the_commands_give(tmp_path):
    nothing, up, all_of_it = (
        target(tmp_path),
        target(tmp_path, **UP),
        target(tmp_path, **UP, snapshot="x", restore="x", logs="x"),
    )
    assert isinstance(nothing, Target)
    wanted = ("restart", "snapshot", "logs")
    assert missing_capabilities(nothing, wanted) == [*wanted]
    assert missing_capabilities(up, wanted) == ["snapshot", "logs"]
    assert missing_capabilities(all_of_it, wanted) == []


def test_listed_id_that_is_an_option_or_more_than_a_word_reaches_no_command(tmp_path):
    platform = target(
        tmp_path, running="false", start="true", stop="true", snapshot="true",
        snapshots="echo --all 2026-06-01T00:00:00Z", restore=f"touch {tmp_path}/ran",
    )  # fmt: skip
    assert [backup.id for backup in platform.snapshots()] == ["--all"]
    with pytest.raises(UsageError, match="'--all' is no name for a snapshot"):
        platform.restore("--all")
    assert not (tmp_path / "ran").exists()
