"""The check suite on a server of our own: started, checked, written to, restarted, checked again."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from chromadrill.checks.suite import judge, judge_canary
from chromadrill.chroma.canary import write_canary
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live, restart_sample
from chromadrill.chroma.fingerprint.restart_sample import RestartSample
from chromadrill.core.errors import DrillError
from chromadrill.core.files import size_of
from chromadrill.core.model import Fingerprint, Observation, Scope, Verdict
from chromadrill.core.stopwatch import Stopwatch, timed
from chromadrill.drill.first_answers import time_first_answers
from chromadrill.drill.one_collection import narrow
from chromadrill.targets.process.private_copy import LOADED_BYTES_PER_S
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.queries.configured_questions import ConfiguredQuestions

DEADLINE_S = 12.0  # for one call
STARTED = "started"
NEEDS_SERVER = ("distances", "recall", "filters", "text search", "alive", "canary")


def run_served_suite(
    target: ProcessTarget,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    imported: Collection[str],
    clock: Stopwatch | None = None,
    questions: ConfiguredQuestions | None = None,
) -> list[Verdict]:
    """Start, check suite, canary, restart, check suite; ends where the server does.

    `clock`: times the first start, as phase "started", and the first right answers after it.
    `questions`: the user's own, which are asked both times.
    The second time, of large collections a sample of the records is read (`restart_sample`).
    """
    verdicts: list[Verdict] = []
    sample: RestartSample | None = None
    deadline_s = DEADLINE_S + size_of(target.data) / LOADED_BYTES_PER_S
    for when in ("served", "restarted"):
        try:
            with timed(clock if when == "served" else None, STARTED):
                target.start()
        except DrillError as error:
            return [*verdicts, Verdict.failed(f"start ({when})", str(error))]
        if when == "served":
            time_first_answers(target.url, scopes, clock, within_s=deadline_s)
        with Chroma(target.url, timeout_s=deadline_s) as chroma:
            observation = live.observe(chroma, scopes, like=before, sample=sample)
            wanted = sample.of(before) if sample and before else before
            narrowed, expected = narrow(observation, wanted, name)
            verdicts += [
                dataclasses.replace(verdict, check=f"{verdict.check} ({when})")
                for verdict in judge(narrowed, expected, imported=imported)
            ]
            if is_dead(observation) or hangs(observation):
                return verdicts
            verdicts += questions.verdicts(chroma, f" ({when})") if questions else []
            if when == "served":
                canary, canary_failed = _judge_canary(chroma, observation, narrowed)
                verdicts.append(canary)
                if canary_failed:
                    return verdicts  # what it left behind would be blamed on the data
                sample = restart_sample.choose(chroma, observation)
        target.stop()
    return verdicts


def not_served(
    reason: str = "needs a server: not asked for (--serve)",
) -> list[Verdict]:
    """The checks that need a server, where there is none: by default nobody asked for one."""
    return [Verdict.not_run(check, reason) for check in NEEDS_SERVER]


def is_dead(observation: Observation) -> bool:
    """The process did not outlive the observation."""
    return any(error.step == "alive" for error in observation.read_errors)


def hangs(observation: Observation) -> bool:
    """More than one call got no answer in time."""
    late = [error for error in observation.read_errors if "no answer within" in error.message]
    return len(late) >= 2


def _judge_canary(
    chroma: Chroma, observation: Observation, narrowed: Observation
) -> tuple[Verdict, bool]:
    """The canary's verdict, and whether it left something behind."""
    infos = [collection.info for collection in narrowed.fingerprint.collections.values()]
    if not any(info.dimension for info in infos):
        return Verdict.not_run("canary", "no collection has a dimension yet"), False
    errors = tuple(write_canary(chroma, infos, narrowed.counts))
    return judge_canary(dataclasses.replace(observation, read_errors=errors)), bool(errors)
