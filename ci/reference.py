"""The pages of docs/reference/ that are made from the code: python ci/reference.py [--check].

`commands.md`: every command of `chromadrill`, from its typer application.
`checks.md`: the registry of checks.
`settings.md`: the tables of `core/settings/schema.py`, with what `drill.toml` says of each key.
`pytest.md`: options and marks of `fixtures/`, environments of `tox.ini`.
`record.md`: the fields of `drill.json`, of its JSON Schema.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import difflib
import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from track_record import track_record_page
from typer.main import get_command

from chromadrill.checks import registry
from chromadrill.checks.registry.check import CheckGroup
from chromadrill.commands.app import app
from chromadrill.core.protocols import CAPABILITIES
from chromadrill.core.settings import loading, schema
from chromadrill.evidence.record import JSON_SCHEMA

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference"
# the page's order, and where a table of settings lies in drill.toml
TABLES: dict[str, type[BaseModel]] = {
    "drill": schema.DrillTable,
    "objectives": schema.Objectives,
    "targets.NAME": schema.TargetTable,
    "environments.NAME": schema.Environment,
    "environments.NAME.backups": schema.BackupPlan,
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

    Names of targets and environments become NAME.
    """
    comments: dict[str, str] = {}
    table = last = ""
    for line in text.splitlines():
        if match := HEADING.match(line):
            last = table = re.sub(r"^(targets|environments)\.\w+", r"\1.NAME", match[1])
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


# ---- commands -----------------------------------------------------------------------------------
def commands_page() -> str:
    root: Any = get_command(app)
    lines = [COMMANDS, "\n| script | the same as |", "|---|---|"]
    for script in sorted((ROOT / "scripts").glob("*.py")):
        if match := re.search(r'script\("(\w+)"\)', script.read_text("utf-8")):
            lines.append(f"| `python scripts/{script.name}` | `chromadrill {match[1]}` |")
    for audience, names in root.audiences.items():
        lines.append(f"\n## {audience}")
        for name in names:
            lines += usage(f"chromadrill {name}", root.commands[name].load())
    return "\n".join(lines) + "\n"


def usage(path: str, command: Any) -> Iterator[str]:
    """What a command does, its arguments and options; then the same of its actions."""
    context = command.context_class(command, info_name=path)
    records = [parameter.get_help_record(context) for parameter in command.params]
    yield f"\n{'####' if path.count(' ') > 1 else '###'} `{path}`\n"
    yield " ".join((command.help or "").split())
    if any(records):
        yield "\n| option | meaning |\n|---|---|"
    for spelling, text in filter(None, records):
        yield f"| `{cell(spelling)}` | {meaning_of(text)} |"
    for name, action in getattr(command, "commands", {}).items():
        yield from usage(f"{path} {name}", action.load() if hasattr(action, "load") else action)


def meaning_of(help_text: str) -> str:
    """`the server  [env var: CHROMA_URL]` as sentences."""
    match = re.search(r"\s*\[((?:default|env var|required)[^\]]*)\]$", help_text)
    notes = match[1].replace("env var: ", "also ").split("; ") if match else []
    parts = [help_text[: match.start()] if match else help_text, *notes]
    return " ".join(sentence(part) for part in parts if part)


def cell(text: str) -> str:
    return text.replace("|", "\\|")


COMMANDS = """\
<!-- Made by ci/reference.py from the commands. -->
# Commands

`chromadrill COMMAND --help` says the same in the terminal. `python -m chromadrill COMMAND` is the same
command. In a clone, so is its script.

| exit code | meaning |
|---|---|
| 0 | proven, done |
| 1 | it differs, failed, or was refused; a refusal has touched nothing |
| 2 | could not tell |
| 64 | usage error |
| 130 | ended by Ctrl-C (`load` judges what it has by then); 143: ended by SIGTERM |"""


# ---- checks -------------------------------------------------------------------------------------
def checks_page() -> str:
    lines = [CHECKS_HEAD]
    for group in CheckGroup:
        lines += [f"\n## {group.capitalize()}", "", "| check | question | if not | limit | next |"]
        lines += ["|---|---|---|---|---|"]
        for name in registry.of_group(group):
            check = registry.CHECKS[name]
            limits = ", ".join(f"`{limit.key}`" for limit in check.limits)
            question, failed = sentence(check.question), sentence(check.meaning)
            lines.append(f"| {name} | {question} | {failed} | {limits} | `{check.command}` |")
    return "\n".join(lines) + "\n"


CHECKS_HEAD = """\
<!-- Made by ci/reference.py from the registry of checks. -->
# Checks

A verdict carries the name of its check. `{}` stands for what a family of checks is about. "If not" says
what a verdict other than PASS means. "Limit" names its key of [`[objectives]`](settings.md#objectives).
"Next" is what on-call types then."""


# ---- pytest and tox -----------------------------------------------------------------------------
class Options:
    """Stands in for pytest's parser, and keeps what fixtures/ add to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def getgroup(self, name: str, description: str = "") -> Options:
        return self

    def addoption(self, name: str, *, help: str, metavar: str = "", **more: Any) -> None:
        if help == argparse.SUPPRESS:  # an old name, which is refused
            return
        takes = "" if more.get("action") == "store_true" else f"={metavar or name[2:].upper()}"
        self.lines.append(f"| `{name}{takes}` | {sentence(help)} |")


def sentence(text: str) -> str:
    """With a capital and a full stop, and safe in a table."""
    text = " ".join(text.split()).replace("|", "\\|")
    end = "" if text.endswith((".", "?")) else "."
    return f"{text[:1].upper()}{text[1:]}{end}"


def pytest_page() -> str:
    sys.path.insert(0, str(ROOT))
    options = Options()
    for name in importlib.import_module("conftest").pytest_plugins:
        plugin = importlib.import_module(name)
        if hasattr(plugin, "pytest_addoption"):
            plugin.pytest_addoption(options)
    marks = importlib.import_module("fixtures.marks")
    lines = [PYTEST, "## Options", "", "| option | meaning |", "|---|---|", *options.lines]
    lines += ["", "## Marks of a suite", "", "| mark | what it runs |", "|---|---|"]
    lines += [f"| `{mark.name}` | {sentence(mark.meaning)} |" for mark in marks.MARKS]
    lines += ["", "## Marks of a scenario", "", "| mark | meaning |", "|---|---|"]
    for mark in marks.OF_SCENARIOS:
        name, _, meaning = mark.partition(": ")
        lines.append(f"| `{name}` | {sentence(meaning)} |")
    lines += ["", "## Capabilities of a target", "", "| capability | meaning |", "|---|---|"]
    for name, protocol in CAPABILITIES.items():
        meaning = (protocol.__doc__ or "").partition("\n\n")[0].partition(": ")[2]
        lines.append(f"| `{name}` | {sentence(meaning)} |")
    lines += ["", "## Environments of tox", "", "| command | meaning |", "|---|---|"]
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    for section in tox.sections():
        if ":" in section:
            name, description = section.partition(":")[2], tox[section]["description"]
            lines.append(f"| `tox run -e {name}` | {sentence(description)} |")
    return "\n".join([*lines, PYTEST_FOOT])


PYTEST = """\
<!-- Made by ci/reference.py from fixtures/ and tox.ini. -->
# pytest and tox

`pytest -m MARK` runs one suite of `suites/`. `-n` works only with `-m sabotage`:
parallel load would distort the timings. Write an option's value behind an equals sign: after a space
pytest takes the path of `--backup` for a folder of tests.
"""
PYTEST_FOOT = """
Arguments go after `--`: `tox run -e drill -- --records 20000`. tox passes on `DRILL_*`, `CHROMA_*` and a
few more variables, and no others.
"""


# ---- drill.json ---------------------------------------------------------------------------------
def record_page() -> str:
    schema_of_record = json.loads(JSON_SCHEMA.read_text("utf-8"))
    lines = [RECORD, "| field | type | meaning |", "|---|---|---|"]
    for field, node in fields_of(schema_of_record):
        lines.append(f"| `{field}` | {json_type(node)} | {sentence(node['description'])} |")
    return "\n".join(lines) + "\n"


def fields_of(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """`scenarios[].verdicts[].check`, in the schema's order."""
    for name, child in node.get("properties", {}).items():
        yield prefix + name, child
        yield from fields_of(child, f"{prefix}{name}.")
        yield from fields_of(child.get("items", {}), f"{prefix}{name}[].")


def json_type(node: dict[str, Any]) -> str:
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{value or 'null'}`" for value in node["enum"])
    types = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return " or ".join(types)


RECORD = """\
<!-- Made by ci/reference.py from drill.schema.json. -->
# The record: `drill.json`

The record is made from the ledger alone, and written last ([evidence format](evidence.md)). Its
[JSON Schema](../../src/chromadrill/evidence/drill.schema.json) grows only by
adding fields. `null` means "not measured".
"""


def pages() -> dict[Path, str]:
    return {
        PAGES / "commands.md": commands_page(),
        PAGES / "checks.md": checks_page(),
        PAGES / "settings.md": settings_page(),
        PAGES / "pytest.md": pytest_page(),
        PAGES / "record.md": record_page(),
        PAGES / "track-record.md": track_record_page(),
    }


def main(arguments: list[str]) -> int:
    stale = 0
    for path, text in pages().items():
        before = path.read_text("utf-8") if path.is_file() else ""
        if before == text:
            continue
        stale += 1
        if "--check" in arguments:
            lines = before.splitlines(), text.splitlines()
            changes = difflib.unified_diff(*lines, "as it is", "as the code says", n=1, lineterm="")
            sys.stderr.write("\n".join(changes))
            sys.stderr.write(f"\n{path.relative_to(ROOT)} is stale: python ci/reference.py\n")
        else:
            path.write_text(text, "utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
