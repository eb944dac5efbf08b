"""What all commands share: exit codes, and one door for errors.

0 proven or done, 1 it differs or failed, 2 could not check, 64 the words of the command are wrong.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import orjson

from chromadrill.errors import DrillError, Refused, UsageError
from chromadrill.model import Outcome

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
        self.exit(USAGE, f"{self.prog}: {message}\n")


def run(main: Callable[[list[str] | None], int], arguments: list[str] | None = None) -> NoReturn:
    """Call `main` and exit; an error of ours is a sentence, never a traceback."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
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
    """Logs, progress and errors go to standard error."""
    sys.stderr.write(text + "\n")


def answer(value: Any) -> None:
    """One JSON object on standard output, and nothing else there."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")
