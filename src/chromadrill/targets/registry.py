"""Deployments that a drill may act on, by name, by URL, or by the import path of your own class."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from chromadrill.core.errors import DrillError, UsageError, did_you_mean
from chromadrill.core.model import Scope
from chromadrill.core.protocols import Restartable, Scratch, Target
from chromadrill.core.settings import Settings, TargetTable
from chromadrill.core.urls import require_server_url
from chromadrill.targets.home import HOMES, MARKER
from chromadrill.targets.kinds import KINDS, OWNER_VARIABLE, SCRATCH, TargetSpec, open_kind
from chromadrill.targets.safety.access import declare_access
from chromadrill.targets.safety.environment_match import PlatformPlace, require_fits
from chromadrill.targets.safety.target_role import TargetRole, target_role


class ScratchTarget(Target, Scratch, Restartable, Protocol):
    """What the SCRATCH kinds have in common."""


@runtime_checkable
class HasPlace(Protocol):
    """A target whose platform says where it is."""

    def platform_place(self) -> PlatformPlace:
        """Where its token leads, in the platform's names."""
        ...


def open_target(settings: Settings, name: str | None = None) -> Target:
    """Return the target `name`: a table of drill.toml, a kind, a URL or package.module:Class.

    Raises UsageError for an unknown name, Unavailable for a URL where no Chroma 1.x answers,
    Refused where a platform's token leads to another environment than the one that it stands in.
    """
    require_known(settings, name)
    name = name or settings.drill.target
    at = target_role(settings, name)
    table = settings.targets.get(name)
    if at.url and at.is_live:
        declare_access(at, at.url, table)  # before its first call
    target = _open(settings, name, table, at)
    at = target_role(settings, name, target.url)
    if isinstance(target, HasPlace):
        require_fits(at, settings, target.platform_place())
    if at.is_live:
        declare_access(at, target.url, table)
    return target


def _open(settings: Settings, name: str, table: TargetTable | None, at: TargetRole) -> Target:
    is_url = name.startswith(("http://", "https://"))
    if is_url or (table is None and at.url and ":" not in name):
        table = TargetTable(kind="remote", url=at.url or name)
        name = "remote" if "://" in name else name
    elif ":" in name:
        return _import_target(name)
    kind = table.kind if table else name
    if kind not in KINDS:
        raise UsageError(
            f"[targets.{name}] kind = '{kind}': unknown kind. {did_you_mean(kind, KINDS)}"
        )
    table = table or TargetTable(kind=kind)
    owner = os.environ.get(OWNER_VARIABLE)
    spec = TargetSpec(
        name,
        Path(table.home) if table.home else _default_home(kind, name),
        settings,
        table,
        [Scope.parse(scope) for scope in table.scopes],
        int(owner) if owner else None,
    )
    return open_kind(kind, spec)


def _default_home(kind: str, name: str) -> Path:
    """One for each name: a restore into one target must not empty another one's volume.

    Tables of one own kind used to share the home that is called by the kind. What lies there may be
    theirs, so that nobody but the user can say who has it: raises UsageError.
    """
    home, shared = HOMES / name, HOMES / kind
    is_theirs = KINDS[kind].is_own and name != kind and (shared / MARKER).is_file()
    was_started = any((home / name).exists() for name in ("data", "logs"))
    if is_theirs and not was_started:
        raise UsageError(
            f"[targets.{name}] names no home. There is no {home} yet, but there is {shared}, where"
            f" tables of kind '{kind}' without a home used to keep their data.",
            next_step=f'Write home = "{shared}" there if that is its data, else home = "{home}".',
        )
    return home


def make_scratch(
    kind: str,
    home: Path,
    settings: Settings,
    *,
    owner: int | None = None,
    scopes: Sequence[Scope] = (Scope(),),
) -> ScratchTarget:
    """A target of one of the SCRATCH kinds in `home`; raises NoEngine where one needs an engine."""
    spec = TargetSpec(kind, home, settings, TargetTable(kind=kind), scopes, owner)
    return cast("ScratchTarget", open_kind(kind, spec))


def require_known(settings: Settings, name: str | None = None) -> None:
    """Raise UsageError, with the nearest known name, unless `name` can name a target.

    What is meant as a URL and is none is refused here, before a parser quotes a part of its password.
    """
    where = "command line" if name else settings.origin("drill.target")
    name = name or settings.drill.target
    known = _names_of_targets(settings)
    if "://" in name or "@" in name:  # no import path has one: nothing of it is quoted
        require_server_url(name, "--target")
    if ":" in name or name in known:
        return
    is_meant = name in settings.environments or name in settings.backups  # no misspelt word
    raise UsageError(
        f"Unknown target '{name}' (from the {where}). "
        f"{did_you_mean(name, known)} Or a URL, or package.module:Class.",
        next_step=_url_wanted(name) if is_meant else "",
    )


def target_of_backup(settings: Settings, name: str) -> str | None:
    """The target of `[backups.NAME]`, where no target has that name; None where `name` is no such."""
    table = settings.backups.get(name)
    if table is None or table.target in (None, name) or name in _names_of_targets(settings):
        return None
    return table.target


def require_target_of_backup(settings: Settings, name: str) -> None:
    """Raise UsageError where `[backups.NAME] target` names no target."""
    target = settings.backups[name].target
    if target is None or "://" in target or ":" in target or target in _names_of_targets(settings):
        return
    raise UsageError(
        f"[backups.{name}] target = '{target}': unknown target."
        f" {did_you_mean(target, _names_of_targets(settings))}",
        next_step=_url_wanted(target),
    )


def _url_wanted(name: str) -> str:
    return f'Write [targets.{name}] url = "http://..." in drill.toml.'


def _names_of_targets(settings: Settings) -> set[str]:
    reachable = [environment for environment, table in settings.environments.items() if table.url]
    return {*SCRATCH, *settings.targets, *reachable}


def _import_target(path: str) -> Target:
    """The user's own class, whatever may come of it: a target, or a sentence."""
    try:
        make = pkgutil.resolve_name(path)
    except SystemExit as error:
        raise UsageError(f"--target {path}: cannot import it: it ends the program.") from error
    except Exception as error:
        raise UsageError(f"--target {path}: cannot import it: {error}.") from error
    try:
        target = make()
        if isinstance(target, Target):  # reads its properties, and they may raise
            return target
        missing = [member for member in ("name", "url", "facts") if not hasattr(target, member)]
    except DrillError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"--target {path}: cannot make one: {type(error).__name__}: {error}.",
            next_step="It is called without arguments; a class of ours has its table instead.",
        ) from error
    raise UsageError(f"--target {path}: not a target; it lacks {', '.join(missing)}.")
