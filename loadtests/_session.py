"""The side that plans and judges: the master, or the only process."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from _run import PlanShare
from locust.env import Environment
from locust.runners import MasterRunner

from chromadrill.chroma.connection import connect
from chromadrill.core import cli
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import JSON, CollectionInfo, Scope, Verdict
from chromadrill.core.settings import load
from chromadrill.evidence.report.load_report import lines
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.access import declare_credentials
from chromadrill.targets.safety.leftovers import new_run
from chromadrill.targets.safety.target_role import target_role
from chromadrill.workload.load import results, write_collection
from chromadrill.workload.load import samples as raw_samples
from chromadrill.workload.load.loopback_only import require_loopback
from chromadrill.workload.load.plan import LoadPlan, build_requests, choose_questions
from chromadrill.workload.load.profiles import PROFILES, Profile
from chromadrill.workload.load.requests import LoadRequest
from chromadrill.workload.load.samples import LoadSample
from chromadrill.workload.queries.configured_questions import configured_questions
from chromadrill.workload.queries.known_answer import MALFORMED

EXIT = {"pass": 0, "fail": 1, "unknown": 2}
LEAD_S = 2.0  # from the plan to the first arrival: time for all workers to begin together
ALONE_LEAD_S = 0.5  # where the only process is the one that planned
GRACE_S = 5.0  # from the last arrival's deadline to the end of waiting for workers


class Session:
    """One run after the other; `result` and `samples` are the last one's."""

    def __init__(self) -> None:
        self.is_idle = True
        self.plan: LoadPlan
        self.result: JSON | None = None
        self.samples: list[LoadSample] = []
        self._chunks: list[Iterable[Sequence[object]]] = []
        self._ended_workers: set[int] = set()
        self._write_collection: CollectionInfo | None = None
        self._questions_verdicts: tuple[Verdict, ...] = ()
        self._begun = False
        self._started_at = ""

    def prepare(self, environment: Environment, profile: Profile, workers: int) -> bool:
        """Look everything up and fix the plan; False, with a result that says why, if that fails."""
        self._begun, self._write_collection, self.result = False, None, None
        self._chunks, self._ended_workers, self.samples = [], set(), []
        self._started_at = utc_now()
        environment.profile = profile.name
        run, host = new_run(), environment.host
        try:
            host = require_loopback(host)
            if not workers:
                raise Unavailable(
                    "There is no worker to run anything.",
                    next_step="Start at least one: chromadrill load --worker.",
                )
            # a tunnel to production ends on this machine
            rules.require_may_load(target_role(load(), host))
            source, requests = self._prepare_requests(host, profile, run)
        except Exception as problem:  # whatever it is: nothing was asked, and that is UNKNOWN
            error = cli.as_drill_error(problem)
            cli.say(str(error))
            self._remove_write_collection(str(host))
            self.result = results.result_without_run(profile, environment.host, error)
            self._deliver(environment, f"load-{profile.name}-{run}")
            return False
        seconds = float(environment.parsed_options.run_time or profile.seconds)
        lead_s = LEAD_S if isinstance(environment.runner, MasterRunner) else ALONE_LEAD_S
        begins_at = time.time() + lead_s
        self.plan = LoadPlan(run, host, profile.name, seconds, workers, begins_at, source, requests)
        self.is_idle = False  # only now: what ends a run without a plan has nothing to judge
        sys.stderr.write(
            f"profile {profile.name}: {len(self.plan.due)} arrivals in {seconds:g} s"
            f" by {workers} worker(s), from {lead_s:g} s on; asked: {source}\n"
        )
        return True

    def _prepare_requests(
        self, host: str, profile: Profile, run: str
    ) -> tuple[str, tuple[LoadRequest, ...]]:
        declare_credentials(load(), host)
        try:
            with connect(host, timeout_s=20) as chroma:
                questions = choose_questions(chroma, (Scope(),), configured_questions(load()))
                self._questions_verdicts = questions.verdicts
                if "upsert" in profile.mix:
                    self._write_collection = write_collection.create(chroma, run)
                requests = build_requests(chroma, profile, questions.right, self._write_collection)
                return questions.source, requests
        except MALFORMED as error:
            raise Unavailable(f"{host} answers strangely: {error!r}") from error

    def share(self, environment: Environment) -> PlanShare | None:
        """The whole plan, for the only process there is; once."""
        if self._begun:
            return None
        self._begun = True
        return PlanShare(self.plan, 0, environment, on_samples=self.collect, on_end=self.note_end)

    def collect(self, rows: Iterable[Sequence[object]]) -> None:
        if not self._chunks:
            sys.stderr.write("first arrival answered\n")  # a drill waits for it
            sys.stderr.flush()
        self._chunks.append(rows)

    def note_end(self, worker: int) -> None:
        self._ended_workers.add(worker)

    @property
    def is_over(self) -> bool:
        """All workers are done, or none can be any more."""
        if self.is_idle or len(self._ended_workers) == self.plan.workers:
            return True
        waits_s = self.plan.seconds + PROFILES[self.plan.profile].timeout_s + GRACE_S
        return time.time() > self.plan.begins_at + waits_s

    def conclude(self, environment: Environment) -> None:
        """Judge what there is; once a run, however it ended."""
        if self.is_idle:
            return
        if PROFILES[self.plan.profile].open_end and not self.is_over:
            self.plan = self.plan.cut_at(time.time())
        self.is_idle = True
        self.samples = raw_samples.merge(self._chunks)
        besides = [*self._questions_verdicts, *self._check_writes()]
        self.result = results.result_of(
            self.plan, self.samples, started_at=self._started_at, besides=besides
        )
        self._remove_write_collection(self.plan.host)
        self._deliver(environment, f"load-{self.plan.profile}-{self.plan.run}")

    def _check_writes(self) -> list[Verdict]:
        if self._write_collection is None:
            return []
        acknowledged: dict[str, str] = {}
        for sample in self.samples:
            if sample.operation == "upsert" and sample.outcome == "right":
                acknowledged |= self.plan.request(sample.number).documents()
        try:
            with connect(self.plan.host, timeout_s=20) as chroma:
                return [write_collection.check_writes(chroma, self._write_collection, acknowledged)]
        except (DrillError, *MALFORMED) as error:
            return [Verdict.unknown("load writes", f"they could not be read back: {error!r}")]

    def _remove_write_collection(self, host: str) -> None:
        if self._write_collection is None:
            return
        try:
            with connect(host, timeout_s=20) as chroma:
                write_collection.remove(chroma, self._write_collection)
        except DrillError as error:
            sys.stderr.write(f"{self._write_collection.name} could not be removed: {error}\n")

    def _deliver(self, environment: Environment, name: str) -> None:
        """Exit code, terminal, files."""
        assert self.result is not None  # noqa: S101 - set by both callers
        self.is_idle = True
        environment.process_exit_code = EXIT[self.result["outcome"]]
        file = environment.parsed_options.result
        path = Path(file) if file else Path("reports") / name / "result.json"
        sys.stderr.write("\n".join(lines(self.result)) + "\n")
        try:
            results.write(self.result, self.samples, path)
            sys.stderr.write(f"  {path}, and beside it .parquet, .svg, .md\n")
        except OSError as error:
            sys.stderr.write(f"--result {path}: {error.strerror}.\n")
            environment.process_exit_code = environment.process_exit_code or EXIT["unknown"]
