"""On-call's terminal: the runbook's commands, run as on-call types them, and what they printed."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from chromadrill.core.model import Verdict
from chromadrill.core.protocols import Target
from chromadrill.drill.scenario_log import DrillFailed, ScenarioLog
from chromadrill.recovery.runbook_commands import (
    CommandRun,
    RunbookCommandFailed,
    chromadrill,
    run,
)


class Terminal:
    """Commands on one target; each is in the ledger with its exit code and its output.

    `target_name` is what names the target on a command line. `environment`: what the commands find
    there besides ours.
    """

    def __init__(
        self,
        log: ScenarioLog,
        target: Target,
        *,
        target_name: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log, self._target = log, target
        self._target_name = target_name or target.name
        self._environment = dict(environment or {})

    def export(self, **variables: str) -> None:
        """What commands typed from now on find in their environment, too."""
        self._environment |= variables

    def ops(self, *args: str) -> str:
        """Type `chromadrill ops ...`; returns what it printed."""
        return self._type("ops", *args)

    def command(self, name: str, *args: str) -> str:
        """Type `chromadrill NAME ...` for the target's server; returns what it printed."""
        return self._type(name, *args)

    def check(self, name: str, *args: str) -> bool:
        """Type a command whose exit code decides what on-call types next; True: it ended with 0."""
        typed = " ".join(["chromadrill", name, *args])
        command = [sys.executable, "-m", "chromadrill", name, *args]
        ran = run(command, environment=self._environment, typed=typed)
        self._note(ran)
        return ran.exit_code == 0

    def expect_refusal(self, *args: str, message: str) -> None:
        """Type a command that has to end in an error with `message`; any other end is a FAIL.

        `args`: `ops` or the name of another command, and its arguments.
        """
        shown = " ".join(args)
        try:
            self._run(*args)
        except RunbookCommandFailed as error:
            verdict = Verdict.passed if message in str(error) else Verdict.failed
            self._log.judge(verdict("refused", f"{shown}: {error}"))
        else:
            done = f"{shown}: was done, and should not have been"
            self._log.judge(Verdict.failed("refused", done))

    def _type(self, *command: str) -> str:
        try:
            ran = self._run(*command)
        except RunbookCommandFailed as error:
            if self._log.injection is None:
                raise  # nothing is broken yet: the drill could not be set up
            self._log.judge(Verdict.failed("runbook command", str(error)))
            raise DrillFailed(f"the runbook's command failed: {error}") from error
        self._note(ran)
        return ran.output.strip()

    def _note(self, ran: CommandRun) -> None:
        self._log.note(
            "command",
            command=ran.command,
            exit_code=ran.exit_code,
            seconds=round(ran.seconds, 3),
            output=ran.output[-2000:],
        )

    def _run(self, command: str, *args: str) -> CommandRun:
        if command == "ops":
            args = ("--target", self._target_name, *args)
            return chromadrill(command, *args, environment=self._environment)
        environment = {**self._environment, "CHROMA_URL": self._target.url}
        return chromadrill(command, *args, environment=environment)
