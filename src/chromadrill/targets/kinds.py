"""The kinds of targets. A new kind is a folder beside this file, and its line in KINDS.

Keys that only one kind has in [targets.NAME] are fields of `TargetTable` (core/settings/schema.py).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.model import Scope
from chromadrill.core.protocols import Target
from chromadrill.core.settings import Settings, TargetTable


@dataclass(frozen=True, slots=True)
class Kind:
    """`factory`: MODULE:FUNCTION, imported only when a target of the kind is opened.

    `is_own`: drills make such a target, fill it, damage it and remove it, in a home of ours. Every
    other kind is somebody's live server.
    """

    factory: str
    is_own: bool = False


KINDS = {
    "process": Kind("chromadrill.targets.process.target:open_process", is_own=True),
    "container": Kind("chromadrill.targets.container.target:open_container", is_own=True),
    "remote": Kind("chromadrill.targets.remote:open_remote"),
    "railway": Kind("chromadrill.targets.railway.target:open_railway"),
    "command": Kind("chromadrill.targets.command.target:open_command"),
}
OWNER_VARIABLE = "DRILL_OWNER_PID"  # pid with which the servers end that a command starts
SCRATCH = tuple(name for name, kind in KINDS.items() if kind.is_own)


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """What a kind's factory makes a target of.

    `home`: where the target keeps its files; the factory claims it. `table`: [targets.NAME], or
    the defaults. `owner`: pid of the process with which a server of ours ends (None: it runs until
    it is stopped).
    """

    name: str
    home: Path
    settings: Settings
    table: TargetTable
    scopes: Sequence[Scope] = (Scope(),)
    owner: int | None = None


def open_kind(kind: str, spec: TargetSpec) -> Target:
    """A target of one of KINDS; raises what its factory raises."""
    target: Target = pkgutil.resolve_name(KINDS[kind].factory)(spec)
    return target


def variables_of(
    kind: str, name: str, home: Path, scopes: Sequence[Scope], owner: int | None
) -> dict[str, str]:
    """What makes `chromadrill ops` in another process act on this very target of a SCRATCH kind."""
    table = f"DRILL_TARGETS__{name.upper()}__"
    variables = {
        f"{table}KIND": kind,
        f"{table}HOME": str(home),
        f"{table}SCOPES": ",".join(str(scope) for scope in scopes),
    }
    return {**variables, OWNER_VARIABLE: str(owner)} if owner else variables
