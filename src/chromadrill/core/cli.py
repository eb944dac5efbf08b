"""What all commands share: exit codes, and one door for errors.

0 proven or done, 1 it differs or failed, 2 could not check, 64 the words of the command are wrong.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import orjson

from chromadrill.core.errors import DrillError, Refused, UsageError
from chromadrill.core.model import JSON, Outcome, Scope, Verdict
from chromadrill.core.redaction import plain

DONE, DIFFERS, UNKNOWN, USAGE = 0, 1, 2, 64
EXIT = {
    Outcome.PASS: DONE,
    Outcome.FAIL: DIFFERS,
    Outcome.UNKNOWN: UNKNOWN,
    Outcome.NOT_RUN: UNKNOWN,
}


class Parser(argparse.ArgumentParser):
    """Exits 64 on wrong usage; argparse's own 2 means "could not check" here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, plain(f"{self.prog}: {message}\n"))


def run(main: Callable[[list[str] | None], int], arguments: list[str] | None = None) -> NoReturn:
    """Call `main` and exit; an error of ours is a sentence, never a traceback."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # SIGTERM unwinds like Ctrl-C, so that private copies are removed and servers end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        code = main(arguments)
    except UsageError as error:
        say(str(error))
        code = USAGE
    except Refused as error:
        say(f"Refused: {error}")
        code = DIFFERS
    except DrillError as error:
        say(str(error))
        code = UNKNOWN
    except KeyboardInterrupt:
        say("Interrupted.")
        code = 130
    except BrokenPipeError:
        code = DIFFERS
    except OSError as error:
        say(f"{error.filename or 'input or output'}: {error.strerror or error}.")
        code = UNKNOWN
    sys.exit(code)


def say(text: str) -> None:
    """Logs, progress and errors go to standard error, without a secret in them."""
    sys.stderr.write(plain(text) + "\n")


def answer(value: Any) -> None:
    """One JSON object on standard output, and nothing else there."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def write_json(value: Any, path: Path | None) -> None:
    """One JSON object to `path`, readable by its owner alone; without one to standard output."""
    if path is None:
        answer(value)
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))


# ---- what the scripts share ---------------------------------------------------------------------
def add_server(parser: argparse.ArgumentParser, *, at_rest: bool = False) -> None:
    """`--url` (or CHROMA_URL), scopes, `--json`; with `at_rest` also `--path`."""
    parser.add_argument("--url", default=os.environ.get("CHROMA_URL"), help="or CHROMA_URL")
    if at_rest:
        parser.add_argument("--path", type=Path, help="a data directory, read without a server")
    parser.add_argument("--tenant", default="default_tenant")
    parser.add_argument("--database", default="default_database")
    parser.add_argument(
        "--scope", action="append", metavar="TENANT/DATABASE", help="repeatable; instead of both"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def scopes_of(asked: argparse.Namespace) -> tuple[Scope, ...]:
    """The scopes named; empty where none was, so that a fingerprint's own can be taken."""
    if asked.scope:
        try:
            return tuple(Scope.parse(each) for each in asked.scope)
        except ValueError as error:
            raise UsageError(f"--scope: {error}") from error
    named = Scope(asked.tenant, asked.database)
    return () if named == Scope() else (named,)


def url_of(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> str:
    if not asked.url:
        parser.error("--url (or CHROMA_URL) is missing")
    return str(asked.url)


def source_of(parser: argparse.ArgumentParser, asked: argparse.Namespace) -> str | Path:
    """The URL or the directory to look at; exactly one."""
    if asked.path is not None:
        return Path(asked.path)
    return url_of(parser, asked)


def collections_json(counts: Mapping[str, int], verdicts: Sequence[Verdict]) -> list[JSON]:
    """`collections[]` of every script: name, tenant, database, count, outcome, differences."""
    found = []
    named = {d.collection for v in verdicts for d in v.differences if d.collection.count("/") >= 2}
    for key in sorted({*counts, *named}):
        tenant, database, name = key.rsplit("/", 2)
        mine = [d for v in verdicts for d in v.differences if d.collection == key]
        troubled = [v for v in verdicts if v.outcome is Outcome.FAIL and key in v.message]
        overall = Outcome.merge(v.outcome for v in verdicts) if verdicts else Outcome.PASS
        fine = Outcome.UNKNOWN if overall is Outcome.UNKNOWN else Outcome.PASS
        found.append(
            {
                "name": name,
                "tenant": tenant,
                "database": database,
                "count": counts.get(key),
                "outcome": str(Outcome.FAIL if mine or troubled else fine),
                "differences": [dataclasses.asdict(each) for each in mine],
            }
        )
    return found


def report(
    asked: argparse.Namespace, verdicts: Sequence[Verdict], collections: list[JSON], **more: Any
) -> None:
    """Verdicts on standard error for people, or everything as one JSON object on standard output."""
    outcome = Outcome.merge(v.outcome for v in verdicts) if verdicts else Outcome.PASS
    if asked.json:
        answer(
            {
                "outcome": str(outcome),
                "collections": collections,
                "verdicts": [dataclasses.asdict(each) for each in verdicts],
                **more,
            }
        )
        return
    for each in verdicts:
        sys.stdout.write(f"{each.check:<16} {each.outcome.upper():<8} {each.message}\n")
    total = sum(each["count"] or 0 for each in collections)
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    sys.stdout.write(f"{outcome.upper()}: {len(collections)} collections, {total} records{extra}\n")
