"""Command line > environment > drill.toml > default; each value remembers its origin."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.settings import schema
from chromadrill.core.settings.dotted_keys import assign, flatten, nest
from chromadrill.core.settings.environments import ENVIRONMENTS
from chromadrill.core.settings.renamed_keys import refuse_renamed_keys, refuse_renamed_variable
from chromadrill.core.settings.schema import DrillTable, Settings
from chromadrill.core.settings.source_table import SourceTable
from chromadrill.core.settings.validation import (
    refuse_secrets,
    refuse_url_of_own_server,
    require_apart,
    require_known_environments,
    require_names,
    require_sources,
    with_objectives,
)

DEFAULT_FILE = Path("drill.toml")
# customary names of variables, and the setting that each of them is
CUSTOMARY = {
    "CHROMA_IMAGE": ("container", "image"),
    "CHROMA_DATA_DIR": ("container", "data_dir"),
    "DATABASE_URL": ("source", "database_url"),
    "POSTGRES_IMAGE": ("source", "postgres_image"),
    "CHROMA_URL": ("drill", "target"),
}
# DRILL_ variables that are no settings
OTHER_VARIABLES = {
    "DRILL_CONFIG",
    "DRILL_OWNER_PID",
    "DRILL_CREATED_IDS",
    "DRILL_ALLOW_ROOT_POSTGRES",
}
BETTERSTACK = ("UPTIME_TOKEN", "TELEMETRY_TOKEN", "INGEST_TOKEN", "INGEST_URL")  # BETTERSTACK_...
# in the environment: separated by commas
LISTS = {"required", "scopes", "exceptions", "sizes", "escalation", "releases"}


def load(
    file: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    command_line: Mapping[str, Any] | None = None,
) -> Settings:
    """Read all sources and merge them.

    `command_line` maps "table.key" to a value (None: not given). Raises UsageError naming section,
    key, the nearest known key and the valid ones.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get("DRILL_CONFIG"):
        file = Path(environ["DRILL_CONFIG"])
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for source, values in (
        ("default", {"environments": ENVIRONMENTS}),
        (str(file or DEFAULT_FILE), _from_file(file)),
        ("environment", _from_environment(environ)),
        ("command line", nest(command_line or {})),
    ):
        for key, value in flatten(values):
            assign(merged, key.split("."), value)
            origins[key] = source
    try:
        settings = Settings.model_validate({**merged, "origins": origins})
    except ValidationError as error:
        raise UsageError(_sentence(error, origins)) from error
    name = settings.drill.environment
    if name is not None and name not in settings.environments:
        raise UsageError(
            f"{settings.origin('drill.environment')}: no environment '{name}'. "
            f"{did_you_mean(name, settings.environments)}"
        )
    require_known_environments(settings)
    refuse_url_of_own_server(settings)
    require_apart(settings)
    require_sources(settings)
    return with_objectives(settings)


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        if not os.path.lexists(DEFAULT_FILE):
            return {}
        file = DEFAULT_FILE
    try:
        tables = tomllib.loads(file.read_text("utf-8-sig"))  # an editor may put a mark before it
    except OSError as error:
        where = "" if file == DEFAULT_FILE else "--drill-config "
        raise UsageError(f"{where}{file}: {error.strerror}.") from error
    except RecursionError as error:
        raise UsageError(f"{file} is nested too deeply.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}.") from error
    refuse_secrets(file, tables)
    refuse_renamed_keys(file, tables)
    require_names(file, tables)
    return tables


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """DRILL_RECORDS is drill.records; DRILL_OBJECTIVES__STARTUP_S is objectives.startup_s."""
    tables: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith("DRILL_") or variable in OTHER_VARIABLES:
            continue
        path = variable.removeprefix("DRILL_").lower().split("__")
        if len(path) == 1:
            path = ["drill", *path]
            refuse_renamed_variable(variable, *path)
            if path[1] not in DrillTable.model_fields:
                known = [f"DRILL_{key.upper()}" for key in DrillTable.model_fields]
                raise UsageError(f"{variable}: no such setting. {did_you_mean(variable, known)}")
        elif len(path) == 2:
            refuse_renamed_variable(variable, *path)
        if path[-1] in LISTS:
            assign(tables, path, [item.strip() for item in value.split(",") if item.strip()])
        else:
            assign(tables, path, value)
    for variable, (table, key) in CUSTOMARY.items():
        if environ.get(variable):
            tables.setdefault(table, {}).setdefault(key, environ[variable])
    for name in BETTERSTACK:
        if environ.get(f"BETTERSTACK_{name}"):
            known = tables.setdefault("betterstack", {})
            known.setdefault(name.lower(), environ[f"BETTERSTACK_{name}"])
    return tables


def _sentence(error: ValidationError, origins: Mapping[str, str]) -> str:
    first = error.errors()[0]
    path = [str(step) for step in first["loc"]]
    table, key = ".".join(path[:-1]), path[-1]
    origin = origins.get(".".join(path)) or next(
        (o for k, o in origins.items() if k.startswith(".".join(path))), "drill.toml"
    )
    wrong_word = path[0] == "source" and len(path) > 1 and first["type"] == "model_type"
    if first["type"] == "extra_forbidden" or wrong_word:
        place = f"[{table}] {key}" if table else f"[{key}]"
        return f"{origin}: {place}: no such setting. {did_you_mean(key, _keys(path[:-1]))}"
    got = first.get("input")
    return f"{origin}: [{table}] {key}: {first['msg']}, got {got!r}."


def _keys(path: list[str]) -> list[str]:
    if not path:
        return [table for table in Settings.model_fields if table != "origins"]
    known: dict[str, type[BaseModel]] = {
        "drill": schema.DrillTable,
        "objectives": schema.Objectives,
        "targets": schema.TargetTable,
        "contacts": schema.Contacts,
        "container": schema.Container,
        "compat": schema.Compat,
        "environments": schema.BackupPlan if "backups" in path else schema.Environment,
        "backups": schema.BackupTable,
        "questions": schema.Questions,
        "notify": schema.Notify,
        "monitoring": schema.Monitoring,
        "betterstack": schema.Betterstack,
        "embedding": schema.Embedding,
        "source": SourceTable,
        "forecast": schema.Forecast,
        "evidence": schema.Remediation if "remediation" in path else schema.Evidence,
    }
    return list(known[path[0]].model_fields)
