"""Deployments that a drill may act on, by name, by URL, or by the import path of your own class."""

from __future__ import annotations

import os
import pkgutil
from pathlib import Path

from chromadrill.errors import UsageError, did_you_mean
from chromadrill.model import Scope
from chromadrill.protocols import Target
from chromadrill.settings import Settings

KINDS = ("process", "remote")
OWNER_VARIABLE = "DRILL_OWNER"  # pid with which the servers end that a command starts
DEFAULT_HOME = Path(".chromadrill/process")


def open_target(settings: Settings, name: str | None = None) -> Target:
    """Return the target `name`: a table of drill.toml, a kind, a URL or package.module:Class.

    Raises UsageError for an unknown name, Unavailable for a URL where no Chroma 1.x answers.
    """
    require_known(settings, name)
    name = name or settings.drill.target
    if name.startswith(("http://", "https://")):
        from chromadrill.targets.remote import RemoteTarget

        return RemoteTarget(name)
    if ":" in name:
        return _imported(name)
    table = settings.targets.get(name)
    kind = table.kind if table else name
    if kind == "process":
        from chromadrill.targets.process import ProcessTarget

        home = table.home if table and table.home else DEFAULT_HOME
        owner = os.environ.get(OWNER_VARIABLE)
        return ProcessTarget(
            Path(home),
            name=name,
            owner=int(owner) if owner else None,
            scopes=[Scope.parse(each) for each in table.scopes] if table else [Scope()],
        )
    if kind == "remote" and table and table.url:
        from chromadrill.targets.remote import RemoteTarget

        return RemoteTarget(table.url, name=name)
    raise UsageError(
        f"[targets.{name}] kind = '{kind}': unknown kind, or its url is missing. "
        f"{did_you_mean(kind, KINDS)}"
    )


def require_known(settings: Settings, name: str | None = None) -> None:
    """Raise UsageError, with the nearest known name, unless `name` can name a target."""
    where = "command line" if name else settings.origin("drill.target")
    name = name or settings.drill.target
    if ":" in name or name in {"process", *settings.targets}:
        return
    raise UsageError(
        f"Unknown target '{name}' (from the {where}). "
        f"{did_you_mean(name, {'process', *settings.targets})} Or a URL, or package.module:Class."
    )


def _imported(path: str) -> Target:
    try:
        made = pkgutil.resolve_name(path)()
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"--target {path}: cannot import it: {error}.") from error
    if not isinstance(made, Target):
        missing = [each for each in ("name", "url", "facts") if not hasattr(made, each)]
        raise UsageError(f"--target {path}: not a target; it lacks {', '.join(missing)}.")
    return made
