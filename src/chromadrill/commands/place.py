"""The target of a command, opened behind the safety rules."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chromadrill.core import cli
from chromadrill.core.errors import CapabilityMissing, UsageError
from chromadrill.core.protocols import Target
from chromadrill.core.settings import Settings, load
from chromadrill.core.urls import without_password
from chromadrill.targets.guarded import GuardedTarget, guard_target, is_named
from chromadrill.targets.registry import open_target, target_of_backup
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.access import allow_writes
from chromadrill.targets.safety.target_role import target_role


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """Where to act. `break_glass`: a person in an incident has disabled the safety rules."""

    settings: Settings
    name: str
    break_glass: bool

    def open(self, action: str, *, export: bool = False) -> GuardedTarget:
        """The target, guarded. The rules are applied before it is opened, and again after."""
        if not self.break_glass:
            rules.require_may_operate(target_role(self.settings, self.name), action, export=export)
        target = open_target(self.settings, self.name)
        guard = guard_target(self.settings, target, self.name, break_glass=self.break_glass)
        if self.break_glass:
            allow_writes(target.url)
        else:
            rules.require_may_operate(guard.at, action, export=export)  # its address is known now
        return guard


def place_named(
    target: str | None, drill_config: Path | None, break_glass: str | None
) -> NamedPlace:
    """The place that the options name. Raises UsageError where --break-glass names another."""
    settings = load(drill_config, command_line={"drill.target": target})
    name = target or settings.drill.target
    if not is_named(break_glass, name):
        raise UsageError(
            f"--break-glass {without_password(str(break_glass))}: the target is"
            f" {without_password(name)}; name the same."
        )
    return NamedPlace(settings, name, break_glass is not None)


def target_meant(settings: Settings, target: str | None) -> str | None:
    """The target that was typed; the name of a [backups.NAME] stands for its target, which is said."""
    meant = target_of_backup(settings, target) if target else None
    if meant is None:
        return target
    cli.say(
        f"No target is called {target}: that of [backups.{target}] is meant,"
        f" {without_password(meant)}."
    )
    return meant


def lacks_capability(target: Target, capability: str) -> CapabilityMissing:
    """The error for a command that this target cannot do."""
    # the URL of a server without a table: "remote" is nobody's word for it
    name = without_password(target.url) if target.name == "remote" else target.name
    return CapabilityMissing(
        f"{name} cannot do this: it has no capability '{capability}'.",
        next_step="Do it where the server runs, or name commands for it in drill.toml:"
        " [targets.NAME.commands].",
    )
