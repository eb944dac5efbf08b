"""What no single table can say: rules between them, and what a file must not hold."""

from __future__ import annotations

import re
import string
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.settings.schema import BackupTable, Objectives, Settings
from chromadrill.core.urls import same_server

_OWN_KINDS = ("process", "container")  # `is_own` in targets/kinds.py, which stands above
_NAME = re.compile("[a-z0-9]+([_-][a-z0-9]+)*")  # of a target, or an environment

SECRETS = (
    ("notify", "webhook"),
    ("notify", "heartbeat"),
    ("notify", "backup_heartbeat"),
    ("notify", "monitor_heartbeat"),
    ("evidence", "signing_key"),
    ("source", "database_url"),
    ("betterstack", "uptime_token"),
    ("betterstack", "telemetry_token"),
    ("betterstack", "ingest_token"),
)


def with_objectives(settings: Settings) -> Settings:
    """Apply the environment's objectives, unless the command line or a variable sets them."""
    name = settings.environment
    overrides = settings.environments[name].objectives if name else {}
    origins = dict(settings.origins)
    values = settings.objectives.model_dump()
    for key, value in overrides.items():
        if key not in values:
            where = f"[environments.{name}.objectives] {key}"
            raise UsageError(f"{where}: no such setting. {did_you_mean(key, values)}")
        origin = origins.get(f"objectives.{key}", "default")
        # what the runbook says of an environment gives way to whatever somebody wrote
        by_default = origins.get(f"environments.{name}.objectives.{key}") == "default"
        if origin == "default" or not (by_default or origin in ("environment", "command line")):
            values[key], origins[f"objectives.{key}"] = value, f"environments.{name}"
    try:
        objectives = Objectives.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"[environments.{name}.objectives] {first['loc'][0]}: {first['msg']},"
            f" got {first.get('input')!r}."
        ) from error
    return settings.model_copy(update={"objectives": objectives, "origins": origins})


def objectives_in(settings: Settings, environment: str) -> Objectives:
    """The limits of another environment than the one that is drilled."""
    drill = settings.drill.model_copy(update={"environment": environment})
    return with_objectives(settings.model_copy(update={"drill": drill})).objectives


def require_known_environments(settings: Settings) -> None:
    """Refuse an unknown environment, and a role other than production for one of that name."""
    for name, environment in settings.environments.items():
        if name.casefold() == "production" and environment.role != "production":
            key = f"environments.{name}.role"
            raise UsageError(
                f"{settings.origin(key)}: [environments.{name}] role = {environment.role!r}: it is"
                " production, and only read.",
                next_step="Give what is drilled an environment of another name.",
            )
    for target, table in settings.targets.items():
        named = table.environment
        if named is None or named in settings.environments:
            continue
        if table.kind == "railway" and _is_id(named) and target in settings.environments:
            continue  # compared when the platform has told its name (targets/safety/environment_match)
        raise UsageError(
            f"{settings.origin(f'targets.{target}.environment')}: [targets.{target}] environment ="
            f" '{named}': no [environments.{named}]. {did_you_mean(named, settings.environments)}"
        )


def refuse_url_of_own_server(settings: Settings) -> None:
    """Refuse a `url` beside a kind that starts its own server: nothing would ever ask it."""
    for name, table in settings.targets.items():
        if table.url and table.kind in _OWN_KINDS:
            raise UsageError(
                f"{settings.origin(f'targets.{name}.url')}: [targets.{name}] has a url, and kind ="
                f" '{table.kind}' starts a server of its own.",
                next_step="Leave the kind out for the server that answers there, or leave the url out.",
            )


def _is_id(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def require_apart(settings: Settings) -> None:
    """No environment may be production under another name."""
    environments = settings.environments
    protected = {n: e for n, e in environments.items() if e.role == "production"}
    for name, environment in environments.items():
        for other, production in protected.items():
            if environment.role == "production":
                continue
            same = [
                key
                for key, alike in (("url", same_server), ("volume", str.__eq__))
                if (mine := getattr(environment, key))
                and (theirs := getattr(production, key))
                and alike(mine, theirs)
            ]
            if same:
                raise UsageError(
                    f"[environments.{name}] {same[0]} is that of [environments.{other}]: the source"
                    " of a drill is never its target.",
                    next_step=f"Give {name} a deployment of its own.",
                )


# what `list` and `fetch` of [backups.NAME] must and may name
_PLACEHOLDERS = {"list": frozenset[str](), "fetch": frozenset({"id", "into"})}
_PASSWORD = re.compile("://[^/@]*:[^@]*@")


def require_sources(settings: Settings) -> None:
    """Refuse a [backups.NAME] that lacks what its source needs, or mixes recordings of two targets."""
    targets_by_folder: dict[Path, tuple[str, str | None]] = {}
    for name, table in settings.backups.items():
        _require_source(name, table)
        folder = Path(table.recordings)
        other, target = targets_by_folder.setdefault(folder, (name, table.target))
        if target != table.target:
            raise UsageError(
                f"[backups.{name}] recordings = '{folder}' is that of [backups.{other}], and they are"
                " backups of two targets.",
                next_step=f"Give {name} a folder of its own, or leave `recordings` out.",
            )


def _require_source(name: str, table: BackupTable) -> None:
    where, source = f"[backups.{name}]", table.source or ""
    if _PASSWORD.search(source):
        raise UsageError(
            f"{where} source holds a password, which does not belong in a file.",
            next_step="Set RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD in the environment instead.",
        )
    if source.startswith("restic:") and not source.removeprefix("restic:").partition("#")[0]:
        raise UsageError(f"{where} source = '{source}' names no repository: restic:REPOSITORY.")
    if source == "target" and not table.target:
        raise UsageError(
            f"{where} source = 'target' needs the name of that target.",
            next_step=f"Write {where} target = 'production', or whatever it is called.",
        )
    for key, placeholders in _PLACEHOLDERS.items():
        command = getattr(table, key)
        if source == "command" and command is None:
            raise UsageError(f"{where} source = 'command' needs the command `{key}`.")
        if source != "command" and command is not None:
            raise UsageError(
                f"{where} {key} is for source = 'command', and source is {table.source!r}."
            )
        if command is not None:
            _require_placeholders(f"{where} {key}", command, placeholders)


def _require_placeholders(where: str, command: str, wanted: frozenset[str]) -> None:
    try:
        parts = [part for part in string.Formatter().parse(command) if part[1] is not None]
    except ValueError as error:
        raise UsageError(f"{where} = {command!r}: {error}. Write {{{{ for a brace.") from error
    named = {str(name) for _, name, _, _ in parts}
    for field in sorted(named - wanted):
        raise UsageError(
            f"{where}: {{{field}}}: no such placeholder. {did_you_mean(field, wanted)}"
        )
    for field in sorted(wanted - named):
        raise UsageError(f"{where} names no {{{field}}}: fetch has {{id}} and {{into}}.")
    for _, name, layout, conversion in parts:
        if layout or conversion:
            raise UsageError(f"{where}: write {{{name}}} alone, with no ! or : in its braces.")


def refuse_secrets(file: Path, tables: Mapping[str, Any]) -> None:
    for table, key in SECRETS:
        values = tables.get(table)
        if isinstance(values, dict) and key in values:
            raise UsageError(
                f"{file}: [{table}] {key} is a secret and does not belong in a file.",
                next_step=f"Set DRILL_{table.upper()}__{key.upper()} in the environment instead.",
            )


def require_names(file: Path, tables: Mapping[str, Any]) -> None:
    """Refuse names that a variable (DRILL_TARGETS__STAGING__URL) could not find again."""
    for kind in ("targets", "environments", "backups"):
        names_of_tables = tables.get(kind)
        for name in names_of_tables if isinstance(names_of_tables, dict) else ():
            if not _NAME.fullmatch(name):
                raise UsageError(
                    f"{file}: [{kind}.{name}]: a name has small letters, digits, and single '-' or"
                    " '_' between them: a variable could not name it otherwise."
                )
