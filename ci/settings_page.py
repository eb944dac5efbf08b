"""`settings.md`: the tables of `core/settings/schema.py`, with what `drill.toml` says of each key."""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from chromadrill.core.settings import loading, schema

ROOT = Path(__file__).parents[1]
# the page's order, and where a table of settings lies in drill.toml
TABLES: dict[str, type[BaseModel]] = {
    "drill": schema.DrillTable,
    "objectives": schema.Objectives,
    "targets.NAME": schema.TargetTable,
    "environments.NAME": schema.Environment,
    "environments.NAME.backups": schema.BackupPlan,
    "backups.NAME": schema.BackupTable,
    "questions": schema.Questions,
    "container": schema.Container,
    "source": schema.Source,
    "embedding": schema.Embedding,
    "forecast": schema.Forecast,
    "compat": schema.Compat,
    "monitoring": schema.Monitoring,
    "betterstack": schema.Betterstack,
    "contacts": schema.Contacts,
    "evidence": schema.Evidence,
    "evidence.remediation": schema.Remediation,
    "notify": schema.Notify,
}

# ---- drill.toml: what is said of a key ----------------------------------------------------------
HEADING = re.compile(r"# \[+([\w.]+)\]+\s*(?:# )?(.*)")
KEY = re.compile(r"# ([\w-]+)[\w.-]* = ")
VARIABLE = re.compile(r"# ([A-Z_]{6,})\s+# (.*)")
GOES_ON = re.compile(r"#\s{10,}# (.*)")


def comments_of(text: str) -> dict[str, str]:
    """What drill.toml says of each "table", "table.key" and VARIABLE. The first word counts.

    Names of targets, environments and backups become NAME.
    """
    comments: dict[str, str] = {}
    table = last = ""
    for line in text.splitlines():
        if match := HEADING.match(line):
            last = table = re.sub(r"^(targets|environments|backups)\.\w+", r"\1.NAME", match[1])
            comment = match[2]
        elif match := KEY.match(line):
            last, comment = f"{table}.{match[1]}", split_comment(line.removeprefix("# "))
        elif match := VARIABLE.match(line):
            last, comment = match[1], match[2]
        elif (match := GOES_ON.match(line)) and last:
            comments[last] += f" {match[1]}"
            continue
        else:
            last = ""
            continue
        if comments.get(last):
            last = ""
        else:
            comments[last] = comment
    return comments


def split_comment(line: str) -> str:
    """The comment after a line of TOML; a `#` inside a value begins none."""
    for match in re.finditer(r"\s+# ", line):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads(line[: match.start()])
            return line[match.end() :].strip()
    return ""


# ---- the schema ---------------------------------------------------------------------------------
def type_of(annotation: Any) -> str:
    """A type in a word that TOML's users know."""
    options = [option for option in get_args(annotation) if option is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return " \\| ".join(f"`{option}`" for option in options)
    if origin in (Union, UnionType):
        return type_of(options[0])
    if origin is tuple:
        return "list"
    if origin is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    words = {str: "text", int: "integer", float: "number", bool: "boolean", SecretStr: "secret"}
    return words[annotation]


UNITS = {
    "_ms": "milliseconds",
    "_s": "seconds",
    "_mb": "MB",
    "_days": "days",
    "_percent": "percent",
}


def kind_of(name: str, field: FieldInfo) -> str:
    """Type or unit, and the limits: `seconds, > 0`."""
    kind = type_of(field.annotation)
    if kind in ("integer", "number"):
        kind = next((unit for end, unit in UNITS.items() if name.endswith(end)), kind)
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    limits = [
        f"{sign} {getattr(limit, attribute):,}"
        for limit in field.metadata
        for attribute, sign in signs.items()
        if getattr(limit, attribute, None) is not None
    ]
    return ", ".join([kind, *limits])


def default_of(place: str, field: FieldInfo) -> str:
    """The default as drill.toml would write it."""
    if place == "drill.required":  # depends on what is installed
        return "all but RB-3"
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=True)
    return "" if value in (None, {}, ()) else f"`{json.dumps(value)}`"


def variable_of(table: str, name: str) -> str:
    """The environment variable of a secret."""
    customary = {place: variable for variable, place in loading.CUSTOMARY.items()}
    customary |= {("betterstack", n.lower()): f"BETTERSTACK_{n}" for n in loading.BETTERSTACK}
    return customary.get((table, name), f"DRILL_{table}__{name}".upper())


def settings_page() -> str:
    comments = comments_of((ROOT / "drill.toml").read_text("utf-8"))
    lines = [SETTINGS]
    for table, model in TABLES.items():
        name = f"[[{table}]]" if model in REPEATED else f"[{table}]"
        lines += ["", f"## `{name}`", "", comments[table], ""]
        lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
        for key, field in model.model_fields.items():
            kind, place, shown = kind_of(key, field), f"{table}.{key}", f"`{key}`"
            if kind == "secret":
                place = variable_of(table, key)
                shown, kind = f"`{place}`", "secret, from the environment alone"
            if not comments.get(place):
                raise SystemExit(f"drill.toml says nothing of {place}: add its line and a comment.")
            lines.append(f"| {shown} | {kind} | {default_of(place, field)} | {comments[place]} |")
    return "\n".join(lines) + "\n"


REPEATED = (schema.BackupPlan, schema.Remediation)
SETTINGS = """\
<!-- Made by ci/reference.py from drill.toml and the code. -->
# Settings

chromadrill reads settings from four places. The earlier one wins:

1. the command line;
2. the environment;
3. `drill.toml` in the working directory, or the file that `--drill-config` or `DRILL_CONFIG` names;
4. the default.

A run notes each value and where it came from. A wrong key is refused with the nearest right one.

An environment variable names a key in capitals: `DRILL_RECORDS` is `records` of `[drill]`,
`DRILL_OBJECTIVES__STARTUP_S` is `startup_s` of `[objectives]`, `DRILL_TARGETS__LAB__HOME` is `home` of
`[targets.lab]`. Commas separate the items of a list.

[drill.toml](../../drill.toml) is an example with every key."""
