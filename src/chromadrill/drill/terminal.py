"""On-call's terminal: the runbook's commands, run as on-call types them, and what they printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chromadrill.core.model import Verdict
from chromadrill.core.protocols import Target
from chromadrill.drill.scenario_log import DrillFailed, ScenarioLog
from chromadrill.recovery import runbook_commands
from chromadrill.recovery.runbook_commands import CommandRun, RunbookCommandFailed


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
        scripts: Path = Path("scripts"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log, self._target, self._scripts = log, target, scripts
        self._target_name = target_name or target.name
        self._environment = dict(environment or {})

    def export(self, **variables: str) -> None:
        """What commands typed from now on find in their environment, too."""
        self._environment |= variables

    def ops(self, *args: str) -> str:
        """Type `chromadrill ops ...`; returns what it printed."""
        return self._type("ops", *args)

    def script(self, name: str, *args: str) -> str:
        """Run one of the runbook's scripts on the target; returns what it printed."""
        return self._type(name, *args)

    def expect_refusal(self, *args: str, message: str) -> None:
        """Type a command that has to end in an error with `message`; any other end is a FAIL.

        `args`: those of `ops`, or the name of a script and its arguments.
        """
        shown = " ".join(args)
        command = args if args[0].endswith(".py") else ("ops", *args)
        try:
            self._run(*command)
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
        self._log.note(
            "command",
            command=ran.command,
            exit_code=ran.exit_code,
            seconds=round(ran.seconds, 3),
            output=ran.output[-2000:],
        )
        return ran.output.strip()

    def _run(self, program: str, *args: str) -> CommandRun:
        if program == "ops":
            return runbook_commands.ops(self._target_name, *args, environment=self._environment)
        environment = {**self._environment, "CHROMA_URL": self._target.url}
        return runbook_commands.script(self._scripts, program, *args, environment=environment)
