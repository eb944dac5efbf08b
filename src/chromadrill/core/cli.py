"""The door of every command: exit codes, what is printed where, and one catch for each kind of error.

0 proven or done, 1 it differs or failed, 2 could not check, 64 usage error; Ctrl-C 130, SIGTERM 143.
"""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from chromadrill.core.errors import DrillError, Refused, Unavailable, UsageError
from chromadrill.core.redaction import mask_secrets

DONE, DIFFERS, UNKNOWN, USAGE, INTERRUPTED, TERMINATED = 0, 1, 2, 64, 130, 143


def run(main: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> NoReturn:
    """Call `main` and exit with what it returns. An error is a sentence, never a traceback."""
    import logging

    open_standard_streams()
    write_on_without_a_reader()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # SIGTERM unwinds like Ctrl-C, so that private copies are removed and servers end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        code = main(arguments)
        sys.stdout.flush()
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
        code = INTERRUPTED
    except BrokenPipeError:
        code = UNKNOWN
    except OSError as error:
        _flush_output()
        say(_of_system(error))
        code = UNKNOWN
    except Exception as error:
        say(_keep_traceback(error))
        code = UNKNOWN
    sys.exit(code)


def open_standard_streams() -> None:
    """Give a closed standard input, output or error to the null device.

    Trap: the next file that is opened would get the free number, and prints would go into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode))


class _Pipe(io.FileIO):
    """A pipe that takes what nobody reads any more: `| head -1` overturns no verdict."""

    def write(self, b: Any, /) -> int:
        try:
            return int(super().write(b) or 0)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            return int(super().write(b) or 0)


def write_on_without_a_reader() -> None:
    """Let standard output outlive its reader, and write what its encoding lacks as an escape."""
    output = sys.stdout
    if output is not sys.__stdout__ or not isinstance(output, io.TextIOWrapper):
        return  # somebody's own, in a test
    output.reconfigure(errors="backslashreplace")
    if stat.S_ISREG(os.fstat(1).st_mode) or output.isatty():
        return
    output.flush()
    pipe: Any = _Pipe(1, "w", closefd=False)
    is_unbuffered = output.write_through  # as PYTHONUNBUFFERED asks for
    sys.stdout = io.TextIOWrapper(
        pipe if is_unbuffered else io.BufferedWriter(pipe),
        output.encoding,
        "backslashreplace",
        write_through=is_unbuffered,
    )


def _flush_output() -> None:
    """Write what is buffered; where nobody reads or the disk is full, to the null device.

    Trap: Python flushes once more when it ends, and would print an error of its own.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_drill_error(error: Exception) -> DrillError:
    """The error itself where it is ours, else "could not check", with its traceback in a file."""
    if isinstance(error, OSError):
        return Unavailable(_of_system(error))
    return error if isinstance(error, DrillError) else Unavailable(_keep_traceback(error))


def _of_system(error: OSError) -> str:
    return f"{error.filename or 'input or output'}: {error.strerror or error}."


def _keep_traceback(error: Exception) -> str:
    """A sentence for an error that is not ours; its traceback goes to a file without a secret."""
    text = mask_secrets("".join(traceback.format_exception(error)))
    try:
        handle, path = tempfile.mkstemp(prefix="chromadrill-error-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as failure:
        where = f"The traceback could not be kept: {failure.strerror}."
    else:
        where = f"The traceback is in {path}; please report it."
    return f"Unexpected error, nothing is proven: {type(error).__name__}: {error}. {where}"


def say(text: str) -> None:
    """Logs, progress and errors go to standard error, without a secret in them."""
    sys.stderr.write(mask_secrets(text) + "\n")


def answer(value: Any) -> None:
    """One JSON object on standard output, and nothing else there."""
    import orjson

    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
        text.encode(sys.stdout.encoding or "utf-8")
    except (TypeError, UnicodeEncodeError):  # a path that is no UTF-8, or a terminal that is not
        text = json.dumps(value, indent=2)
    sys.stdout.write(text + "\n")


def write_json(value: Any, path: Path | None) -> None:
    """One JSON object to `path`, readable by its owner alone; without one to standard output."""
    import orjson

    if path is None:
        answer(value)
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))
