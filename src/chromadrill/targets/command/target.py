"""Target `command`: any platform, by the user's own commands in drill.toml."""

from __future__ import annotations

from chromadrill.core.errors import UsageError
from chromadrill.targets.command.server import LIMITS_S, CommandTarget, LogCommands, RestartCommands
from chromadrill.targets.command.shell import ShellCommands
from chromadrill.targets.command.snapshots import SnapshotCommands
from chromadrill.targets.home import claim
from chromadrill.targets.kinds import TargetSpec

_COMMON = frozenset({"home", "url", "target"})
PLACEHOLDERS = {
    **dict.fromkeys(LIMITS_S, _COMMON),
    "snapshot": _COMMON | {"id"},
    "restore": _COMMON | {"id"},
    "logs": _COMMON | {"lines"},
}
TOGETHER = (("start", "stop"), ("snapshot", "restore"))
ANSWERS_S = 60.0


def open_command(spec: TargetSpec) -> CommandTarget:
    """The target of `[targets.NAME]`, with the capabilities that its commands give it.

    Raises UsageError for what is missing or unknown in the table, before anything is run.
    """
    name, table, home = spec.name, spec.table, spec.home.absolute()
    if not table.url:
        raise UsageError(f"[targets.{name}] url = ... is missing: where the server answers.")
    commands = ShellCommands(
        name, table.commands, table.timeouts_s, table.shell, home / "logs" / "commands.log"
    )
    commands.check(PLACEHOLDERS)
    has = table.commands.keys()
    for pair in TOGETHER:
        if len(has & set(pair)) == 1:
            missing = (set(pair) - has).pop()
            raise UsageError(f"[targets.{name}.commands] {missing} = ... is missing.")
    if "snapshot" in has and "stop" not in has:
        raise UsageError(
            f"[targets.{name}.commands] stop = ... is missing: a snapshot is of a stopped server."
        )
    kinds: list[type] = []
    if "snapshot" in has:
        kinds.append(SnapshotCommands)
    if "stop" in has:
        kinds.append(RestartCommands)
    if "logs" in has:
        kinds.append(LogCommands)
    with_capabilities: type[CommandTarget] = type("CommandTarget", (*kinds, CommandTarget), {})
    claim(home, ("logs", "snapshots"))
    answers_s = max(ANSWERS_S, spec.settings.objectives.startup_s)
    return with_capabilities(commands, home, table.url, spec.scopes, answers_s)
