"""What happened in a scenario and how it was judged: phases, facts and verdicts, into the ledger
as they happen. The scenario ends by raising once with all verdicts that are not PASS.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from chromadrill.checks.suite import outcome_of
from chromadrill.core.clock import now
from chromadrill.core.model import FaultInjection, Outcome, Verdict
from chromadrill.evidence.ledger import Ledger

Step = Callable[[str], AbstractContextManager[Any]]
Attach = Callable[[str, Any], None]


class DrillFailed(AssertionError):
    """The scenario's verdict is FAIL."""


class DrillUnknown(AssertionError):
    """The scenario's verdict is UNKNOWN: it proves nothing, so it must not look green."""


class ScenarioLog:
    """The log of one scenario.

    `step` wraps each phase and `attach` takes what is too large for the ledger: reports hang their
    own steps and files on them. `injection`: the fault, once one was injected.
    """

    def __init__(
        self,
        scenario: str,
        ledger: Ledger,
        *,
        step: Step = lambda name: nullcontext(),
        attach: Attach = lambda name, value: None,
    ) -> None:
        self.scenario, self.attach = scenario, attach
        self.verdicts: list[Verdict] = []
        self.injection: FaultInjection | None = None
        self._ledger, self._step = ledger, step

    def note(self, event: str, **fields: Any) -> None:
        """One fact into the ledger."""
        self._ledger.write(event, scenario=self.scenario, **fields)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A named part of the scenario; its time is kept whether it ends well or not."""
        self.note("phase started", name=name)
        started, status = now(), "failed"
        try:
            with self._step(name):
                yield
            status = "passed"
        finally:
            self.note("phase finished", name=name, seconds=round(now() - started, 3), status=status)

    def judge(self, *verdicts: Verdict) -> None:
        """Keep verdicts; all of them count in the end."""
        for verdict in verdicts:
            self.verdicts.append(verdict)
            self.note("verdict", verdict=dataclasses.asdict(verdict))

    def conclude(self) -> None:
        """Raise once, with every verdict that is not PASS; a scenario without verdicts is UNKNOWN."""
        __tracebackhide__ = True  # the verdicts are the message, not our source lines
        outcome = outcome_of(self.verdicts)
        lines = [
            f"  {verdict.check:<28} {verdict.outcome.upper():<8} {verdict.message}"
            for verdict in self.verdicts
            if verdict.outcome is not Outcome.PASS
        ]
        text = "\n".join([f"{self.scenario}: {outcome.upper()}", *lines])
        if outcome is Outcome.FAIL:
            raise DrillFailed(text)
        if outcome is not Outcome.PASS:
            raise DrillUnknown(text)
