"""The user's own commands: placeholders filled in, run with a limit, output kept, exit code checked."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from chromadrill.core.clock import now, utc_now
from chromadrill.core.errors import DrillError, Unavailable, UsageError, did_you_mean
from chromadrill.core.redaction import mask_output

TAIL = 2000  # characters of output that an error shows


class CommandFailed(Unavailable):
    """A command of the user's ended with another exit code than 0, or not in time."""


@dataclass(frozen=True, slots=True)
class ShellCommands:
    """`[targets.NAME.commands]`. `log` keeps what was run and what it printed, owner alone."""

    target: str
    texts: Mapping[str, str]
    timeouts_s: Mapping[str, float]
    shell: bool
    log: Path

    def check(self, placeholders: Mapping[str, frozenset[str]]) -> None:
        """Raise UsageError for a command or a placeholder that nobody knows, before one is run."""
        for name, text in self.texts.items():
            where = f"[targets.{self.target}.commands] {name}"
            if name not in placeholders:
                raise UsageError(f"{where}: no such command. {did_you_mean(name, placeholders)}")
            try:
                fields = [part for part in Formatter().parse(text) if part[1] is not None]
                arguments = shlex.split(text)
            except ValueError as error:
                raise UsageError(
                    f"{where}: {error} (a brace is written twice: {{{{ }}}})."
                ) from error
            if not arguments:
                raise UsageError(f"{where}: empty.")
            if "\0" in text:
                raise UsageError(f"{where}: no command holds a zero byte.")
            for _, field, form, conversion in fields:
                if field not in placeholders[name]:
                    known = did_you_mean(str(field), placeholders[name])
                    raise UsageError(f"{where}: {{{field}}}: no such placeholder. {known}")
                if form or conversion:
                    raise UsageError(f"{where}: {{{field}}} takes neither ':' nor '!'.")
        for name, seconds in self.timeouts_s.items():
            where = f"[targets.{self.target}.timeouts_s] {name}"
            if name not in placeholders:
                raise UsageError(f"{where}: no such command. {did_you_mean(name, placeholders)}")
            if not 0 < seconds < 1e6:
                raise UsageError(f"{where}: seconds above 0 are wanted, got {seconds:g}.")

    def run(self, name: str, *, limit_s: float, **values: str | int) -> str:
        """Run one and return what it printed; raises CommandFailed.

        Without a shell unless `shell` says so: then every value is quoted for it.
        """
        code, output, took_s = self._execute(name, limit_s=limit_s, values=values)
        if code != 0:
            why = "did not end in time" if code is None else f"exit code {code}"
            raise CommandFailed(
                f"[targets.{self.target}.commands] {name}: {why} after {took_s:.1f} s."
                f" Its last words:\n{mask_output(output)[-TAIL:].strip() or '(none)'}",
                next_step=f"All of it: {self.log}",
            )
        return output

    def succeeds(self, name: str, *, limit_s: float, **values: str | int) -> bool:
        """Whether its exit code is 0; raises CommandFailed when it does not end in time."""
        code, _, _ = self._execute(name, limit_s=limit_s, values=values)
        if code is None:
            raise CommandFailed(f"[targets.{self.target}.commands] {name}: did not end in time.")
        return code == 0

    def _execute(
        self, name: str, *, limit_s: float, values: Mapping[str, str | int]
    ) -> tuple[int | None, str, float]:
        limit_s = self.timeouts_s.get(name, limit_s)
        quote = shlex.quote if self.shell else str
        filled = {key: quote(str(value)) for key, value in values.items()}
        # split first: a value with a blank in it stays one word
        arguments = (
            ["/bin/sh", "-c", self.texts[name].format(**filled)]
            if self.shell
            else [argument.format(**filled) for argument in shlex.split(self.texts[name])]
        )
        started = now()
        # into a file: a server that a command leaves running would hold a pipe open for ever
        with tempfile.TemporaryFile() as file:
            try:
                running = subprocess.Popen(
                    arguments,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:  # ValueError: a zero byte in a value
                why = getattr(error, "strerror", None) or error
                raise DrillError(
                    f"[targets.{self.target}.commands] {name}: {arguments[0]}: {why}.",
                    next_step="Is it installed, and in the PATH? A pipe or a variable wants"
                    f" shell = true in [targets.{self.target}].",
                ) from error
            try:
                code: int | None = running.wait(limit_s)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()
                code = None
            file.seek(0)
            output = file.read().decode("utf-8", "replace")
        took_s = now() - started
        command = shlex.join(arguments)
        self._append(f"{utc_now()} {name}: {command}: {code} after {took_s:.1f} s\n{output}\n")
        return code, output, took_s

    def _append(self, text: str) -> None:
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as file:
            file.write(text)
