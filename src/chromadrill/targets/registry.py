"""Deployments that a drill may act on, by name, by URL, or by the import path of your own class."""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from pydantic import SecretStr

from chromadrill.chroma.permissions import Access, Permission, access_to, declare
from chromadrill.core.errors import DrillError, UsageError, did_you_mean
from chromadrill.core.model import Scope
from chromadrill.core.protocols import Restartable, Scratch, Target
from chromadrill.core.settings import Settings, TargetTable
from chromadrill.targets.headers import headers
from chromadrill.targets.home import claim
from chromadrill.targets.safety.environment_match import Place, require_fits
from chromadrill.targets.safety.ownership import FOLDER
from chromadrill.targets.safety.rules import READ_ONLY
from chromadrill.targets.safety.target_role import OWN_KINDS, TargetRole, target_role

KINDS = ("process", "container", "remote", "railway", "command")
SCRATCH = OWN_KINDS  # kinds that drills make, fill, damage and remove
PER_SECOND, BURST = 10.0, 30  # calls of production, whoever makes them
OWNER_VARIABLE = "DRILL_OWNER_PID"  # pid with which the servers end that a command starts
HOMES = Path(".chromadrill")


class ScratchTarget(Target, Scratch, Restartable, Protocol):
    """What the SCRATCH kinds have in common."""


@runtime_checkable
class Placed(Protocol):
    """A target whose platform says where it is."""

    def whereabouts(self) -> Place: ...


def open_target(settings: Settings, name: str | None = None) -> Target:
    """Return the target `name`: a table of drill.toml, a kind, a URL or package.module:Class.

    Raises UsageError for an unknown name, Unavailable for a URL where no Chroma 1.x answers,
    Refused where a platform's token leads to another environment than the one that it stands in.
    """
    require_known(settings, name)
    name = name or settings.drill.target
    at = target_role(settings, name)
    table = settings.targets.get(name)
    if at.url and at.live:
        _declare(at, at.url, table)  # before its first call
    target = _opened(settings, name, table, at)
    at = target_role(settings, name, target.url)
    if isinstance(target, Placed):
        require_fits(at, settings, target.whereabouts())
    if at.live:
        _declare(at, target.url, table)
    return target


def _declare(at: TargetRole, url: str, table: TargetTable | None) -> None:
    """What is not ours is written to in collections of our own alone; production not at all."""
    secrets = headers(at.target, table.headers) if table else {}
    if at.production:
        declare_read_only(url, secrets)
    else:
        declare(url, Access(Permission.OWNED, secrets))


def declare_read_only(url: str, secrets: Mapping[str, SecretStr] | None = None) -> None:
    """From here on this process only reads there, and not faster than production bears."""
    shown = access_to(url).secrets if secrets is None else secrets
    declare(url, Access(Permission.READ, shown, PER_SECOND, BURST, READ_ONLY))


def allow_writes(url: str, notes: Path | None = None) -> None:
    """From here on this process may write everything there: asked of the rails before.

    `notes`: where the ids of the collections that it makes are kept.
    """
    before = access_to(url)
    declare(url, Access(Permission.ANYTHING, before.secrets, notes=notes or before.notes))


def home_of(target: Target) -> Path:
    """Where the rails keep what they know of a target, on this machine; made where it is not.

    Raises Refused for a directory that is somebody else's.
    """
    ours = type(target).__module__.startswith("chromadrill.")
    home = getattr(target, "home", None) if ours else None
    if not isinstance(home, Path):
        home = HOMES / re.sub(r"[^A-Za-z0-9._-]+", "-", target.name)
    claim(home, (FOLDER,))
    return home


def _opened(settings: Settings, name: str, table: TargetTable | None, at: TargetRole) -> Target:
    if name.startswith(("http://", "https://")) or (table is None and at.url and ":" not in name):
        from chromadrill.targets.remote import RemoteTarget

        return RemoteTarget(at.url or name, name="remote" if "://" in name else name)
    if ":" in name:
        return _imported(name)
    kind = table.kind if table else name
    if kind in SCRATCH:
        owner = os.environ.get(OWNER_VARIABLE)
        return make_scratch(
            kind,
            Path(table.home) if table and table.home else HOMES / kind,
            settings,
            name=name,
            owner=int(owner) if owner else None,
            scopes=[Scope.parse(each) for each in table.scopes] if table else [Scope()],
        )
    if kind == "remote" and table and table.url:
        from chromadrill.targets.remote import RemoteTarget

        return RemoteTarget(table.url, name=name)
    if kind == "railway" and table:
        from chromadrill.targets.railway.target import open_railway

        return open_railway(name, table, home=HOMES / name, startup_s=settings.objectives.startup_s)
    if kind == "command" and table:
        from chromadrill.targets.command.target import open_command as commanded

        return commanded(name, table, home=HOMES / name, startup_s=settings.objectives.startup_s)
    raise UsageError(
        f"[targets.{name}] kind = '{kind}': unknown kind, or its url is missing. "
        f"{did_you_mean(kind, KINDS)}"
    )


def make_scratch(
    kind: str,
    home: Path,
    settings: Settings,
    *,
    name: str | None = None,
    owner: int | None = None,
    scopes: Sequence[Scope] = (Scope(),),
) -> ScratchTarget:
    """A target of one of the SCRATCH kinds in `home`; raises NoEngine where one needs an engine."""
    startup_s = max(60, settings.objectives.startup_s)
    if kind == "container":
        from chromadrill.targets.container.spec import Shape
        from chromadrill.targets.container.target import ContainerTarget

        shape = Shape(
            image=settings.container.image,
            mount=settings.container.data_dir,
            memory_mb=settings.limits.memory_mb,
            disk_mb=settings.limits.disk_mb,
        )
        return ContainerTarget(
            home, shape, name=name or kind, owner=owner, startup_s=startup_s, scopes=scopes
        )
    from chromadrill.targets.process.target import ProcessTarget

    return ProcessTarget(
        home,
        name=name or kind,
        owner=owner,
        startup_s=startup_s,
        scopes=scopes,
        memory_mb=settings.limits.memory_mb,
        disk_mb=settings.limits.disk_mb,
    )


def require_known(settings: Settings, name: str | None = None) -> None:
    """Raise UsageError, with the nearest known name, unless `name` can name a target."""
    where = "command line" if name else settings.origin("drill.target")
    name = name or settings.drill.target
    reachable = [each for each, there in settings.environments.items() if there.url]
    known = {*SCRATCH, *settings.targets, *reachable}
    if ":" in name or name in known:
        return
    raise UsageError(
        f"Unknown target '{name}' (from the {where}). "
        f"{did_you_mean(name, known)} Or a URL, or package.module:Class."
    )


def _imported(path: str) -> Target:
    """The user's own class, whatever may come of it: a target, or a sentence."""
    try:
        make = pkgutil.resolve_name(path)
    except Exception as error:
        raise UsageError(f"--target {path}: cannot import it: {error}.") from error
    try:
        found = make()
        if isinstance(found, Target):  # reads its properties, and they may raise
            return found
        missing = [each for each in ("name", "url", "facts") if not hasattr(found, each)]
    except DrillError:
        raise
    except Exception as error:
        raise UsageError(
            f"--target {path}: cannot make one: {type(error).__name__}: {error}.",
            next_step="It is called without arguments; a class of ours has its table instead.",
        ) from error
    raise UsageError(f"--target {path}: not a target; it lacks {', '.join(missing)}.")
