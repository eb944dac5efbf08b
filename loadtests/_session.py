"""The side that plans and judges: the master, or the only process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from _run import Run
from locust.env import Environment

from chromadrill.chroma.client import connect
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import JSON, CollectionInfo, Scope, Verdict
from chromadrill.core.settings import load
from chromadrill.evidence.report.load_report import lines
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.leftovers import new_run
from chromadrill.targets.safety.target_role import target_role
from chromadrill.workload.load import plan, results, samples, write_collection
from chromadrill.workload.load.loopback_only import on_this_machine
from chromadrill.workload.load.plan import Plan
from chromadrill.workload.load.profiles import PROFILES, Profile
from chromadrill.workload.load.requests import Operation
from chromadrill.workload.load.samples import Sample

EXIT = {"pass": 0, "fail": 1, "unknown": 2}
LEAD_S = 2.0  # from the plan to the first arrival: time for all workers to begin together
STRANGE = (KeyError, IndexError, TypeError, ValueError)  # what an odd answer ends in
GRACE_S = 5.0  # from the last arrival's deadline to the end of waiting for workers


class Session:
    """One run after the other; `result` and `taken` are the last one's."""

    def __init__(self) -> None:
        self.idle = True
        self.plan: Plan
        self.result: JSON | None = None
        self.taken: list[Sample] = []
        self._chunks: list[Iterable[Sequence[object]]] = []
        self._finished: set[int] = set()
        self._own: CollectionInfo | None = None
        self._questions: Verdict
        self._begun = False
        self._started_at = ""

    def prepare(self, environment: Environment, profile: Profile, workers: int) -> bool:
        """Look everything up and fix the plan; False, with a result that says why, if that fails."""
        self._begun, self._own, self.result = False, None, None
        self._chunks, self._finished, self.taken = [], set(), []
        self._started_at = utc_now()
        environment.profile = profile.name
        run, host = new_run(), environment.host
        try:
            host = on_this_machine(host)
            if not workers:
                raise Unavailable(
                    "There is no worker to run anything.",
                    next_step="Start at least one: locust -f loadtests/ --worker.",
                )
            rules.require_may_load(
                target_role(load(), host)
            )  # a tunnel to production ends on this machine
            source, made = self._looked_up(host, profile, run)
        except DrillError as error:
            sys.stderr.write(f"{error}\n")
            self._remove_own(str(host))
            self.result = results.nothing_measured(profile, environment.host, error)
            self._deliver(environment, f"load-{profile.name}-{run}")
            return False
        seconds = float(environment.parsed_options.run_time or profile.seconds)
        begins_at = time.time() + LEAD_S
        self.plan = Plan(run, host, profile.name, seconds, workers, begins_at, source, made)
        self.idle = False  # only now: what ends a run without a plan has nothing to judge
        sys.stderr.write(
            f"profile {profile.name}: {len(self.plan.due)} arrivals in {seconds:g} s"
            f" by {workers} worker(s), from {LEAD_S:g} s on; asked: {source}\n"
        )
        return True

    def _looked_up(
        self, host: str, profile: Profile, run: str
    ) -> tuple[str, tuple[Operation, ...]]:
        try:
            with connect(host, timeout_s=20) as chroma:
                known = plan.known(chroma, (Scope(),))
                self._questions = known.verdict
                if "upsert" in profile.mix:
                    self._own = write_collection.make(chroma, run)
                return known.source, plan.prepared(chroma, profile, known.asked, self._own)
        except STRANGE as error:
            raise Unavailable(f"{host} answers strangely: {error!r}") from error

    def run(self, environment: Environment) -> Run | None:
        """The whole plan, for the only process there is; once."""
        if self._begun:
            return None
        self._begun = True
        return Run(self.plan, 0, environment, keep=self.collect, ended=self.finished)

    def collect(self, rows: Iterable[Sequence[object]]) -> None:
        if not self._chunks:
            sys.stderr.write("first arrival answered\n")  # a drill waits for it
            sys.stderr.flush()
        self._chunks.append(rows)

    def finished(self, worker: int) -> None:
        self._finished.add(worker)

    @property
    def over(self) -> bool:
        """All workers are done, or none can be any more."""
        if self.idle or len(self._finished) == self.plan.workers:
            return True
        waits_s = self.plan.seconds + PROFILES[self.plan.profile].timeout_s + GRACE_S
        return time.time() > self.plan.begins_at + waits_s

    def conclude(self, environment: Environment) -> None:
        """Judge what there is; once a run, however it ended."""
        if self.idle:
            return
        if PROFILES[self.plan.profile].open_end and not self.over:
            self.plan = self.plan.ended(time.time())
        self.idle = True
        self.taken = samples.merged(self._chunks)
        besides = [self._questions, *self._writes()]
        self.result = results.result_of(
            self.plan, self.taken, started_at=self._started_at, besides=besides
        )
        self._remove_own(self.plan.host)
        self._deliver(environment, f"load-{self.plan.profile}-{self.plan.run}")

    def _writes(self) -> list[Verdict]:
        if self._own is None:
            return []
        acknowledged: dict[str, str] = {}
        for each in self.taken:
            if each.operation == "upsert" and each.outcome == "right":
                acknowledged |= self.plan.operation(each.number).written()
        try:
            with connect(self.plan.host, timeout_s=20) as chroma:
                return [write_collection.kept(chroma, self._own, acknowledged)]
        except (DrillError, *STRANGE) as error:
            return [Verdict.unknown("load writes", f"they could not be read back: {error!r}")]

    def _remove_own(self, host: str) -> None:
        if self._own is None:
            return
        try:
            with connect(host, timeout_s=20) as chroma:
                write_collection.remove(chroma, self._own)
        except DrillError as error:
            sys.stderr.write(f"{self._own.name} could not be removed: {error}\n")

    def _deliver(self, environment: Environment, name: str) -> None:
        """Exit code, terminal, files."""
        assert self.result is not None  # noqa: S101 - set by both callers
        self.idle = True
        environment.process_exit_code = EXIT[self.result["outcome"]]
        given = environment.parsed_options.result
        path = Path(given) if given else Path("reports") / name / "result.json"
        sys.stderr.write("\n".join(lines(self.result)) + "\n")
        try:
            results.write(self.result, self.taken, path)
            sys.stderr.write(f"  {path}, and beside it .parquet, .svg, .md\n")
        except OSError as error:
            sys.stderr.write(f"--result {path}: {error.strerror}.\n")
            environment.process_exit_code = environment.process_exit_code or EXIT["unknown"]
