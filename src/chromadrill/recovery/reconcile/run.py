"""Compare a source with a collection: rows, texts, metadata, vectors. Nothing is written to either."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from chromadrill.checks.reconcile import (
    Finding,
    VectorCover,
    model_verdict,
    rows_verdicts,
    vectors_verdict,
)
from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import now
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo
from chromadrill.core.progress import Progress, silent
from chromadrill.core.protocols import Model
from chromadrill.core.records.streams import Records, RecordsInMemory
from chromadrill.embedding.identity import describe, describe_named, names_same_model
from chromadrill.recovery.reconcile.candidates import IDS, compare
from chromadrill.recovery.reconcile.chosen_vectors import ByText, ChosenVectors, choose_vectors
from chromadrill.recovery.reconcile.second_look import SecondLook, Waiting
from chromadrill.recovery.reconcile.sides import (
    OpenSource,
    sorted_ids,
    sorted_records,
    sorted_rows,
)
from chromadrill.recovery.reconcile.task import ReconcileResult, ReconcileTask
from chromadrill.recovery.reconcile.vector_memory import VectorMemory
from chromadrill.recovery.reconcile.vectors import VectorJudge

LoadModel = Callable[[CollectionInfo], Model]  # raises Unavailable
OpenMemory = Callable[[Model], VectorMemory]
NO_IDS: Records = RecordsInMemory(pa.Table.from_batches([], IDS))


def reconcile(
    chroma: Chroma,
    open_source: OpenSource,
    task: ReconcileTask,
    *,
    load_model: LoadModel | None,
    open_memory: OpenMemory,
    on_finding: Callable[[Finding], None] = lambda finding: None,
    progress: Progress = silent,
    wait: Callable[[float], None] = time.sleep,
) -> ReconcileResult:
    """Compare; `on_finding` gets each record that differs, once it has stood still.

    `load_model` None: nobody wants the vectors judged. Raises Unavailable for a source without a row,
    and CallFailed where the server fails.
    """
    return _Reconciliation(
        chroma, open_source, task, load_model, open_memory, on_finding, progress, wait
    ).run()


class _Reconciliation:
    def __init__(
        self,
        chroma: Chroma,
        open_source: OpenSource,
        task: ReconcileTask,
        load_model: LoadModel | None,
        open_memory: OpenMemory,
        on_finding: Callable[[Finding], None],
        progress: Progress,
        wait: Callable[[float], None],
    ) -> None:
        self.chroma, self.open_source, self.task = chroma, open_source, task
        self.load_model, self.open_memory = load_model, open_memory
        self.on_finding, self.progress, self.wait = on_finding, progress, wait
        infos = {info.name: info for info in chroma.collections(task.scope)}
        self.info = infos.get(task.name)
        self.result = ReconcileResult(self.info)
        if self.info is None:
            names = ", ".join(sorted(infos)) or "none"
            self.result.notes.append(f"{task.key}: no such collection. There are: {names}.")

    def run(self) -> ReconcileResult:
        result, waiting, by_text = self.result, Waiting(), ByText()
        rows, records, ids = self.read()
        started = now()
        for candidates, same in compare(rows.batches(), records.batches(), ids.batches()):
            waiting.add(candidates)
            by_text.add(same)
        result.seconds["compare"] = now() - started
        self.look_again(waiting)
        result.verdicts += rows_verdicts(self.task.key, result.rows, result.tally, result.unsettled)
        self.judge_vectors(by_text.records())
        return result

    def read(self) -> tuple[Records, Records, Records]:
        """Digests of all rows, of all records, and the ids of these once more."""
        result, started = self.result, now()
        with self.open_source() as source:
            result.notes += getattr(source, "notes", [])
            count = source.count()
            if not count:
                raise Unavailable(
                    f"{source.name}: no rows. There is nothing to compare with.",
                    next_step="Look at [source]: is it the right table?",
                )
            with self.progress("source", count) as advance:
                rows = sorted_rows(source, advance)
        result.rows, result.seconds["source"] = len(rows), now() - started
        started = now()
        if self.info is None:
            return rows, NO_IDS, NO_IDS
        with self.progress("store", self.chroma.count(self.info)) as advance:
            records = sorted_records(self.chroma, self.info, advance)
        ids = sorted_ids(self.chroma, self.info)
        result.records, result.seconds["store"] = len(ids), now() - started
        return rows, records, ids

    def look_again(self, waiting: Waiting) -> None:
        result, started = self.result, now()
        look = SecondLook(self.chroma, self.info, self.open_source, self.task.settle_s, self.wait)
        for finding in look.findings(waiting):
            self.add(finding)
        result.unsettled, result.unsettled_ids = look.unsettled, look.unsettled_ids
        result.seconds["look again"] = now() - started

    def add(self, finding: Finding) -> None:
        self.result.tally.add(finding)
        self.on_finding(finding)

    # ---- vectors --------------------------------------------------------------------------------
    def judge_vectors(self, by_text: Records) -> None:
        result = self.result
        result.cover = VectorCover(records=len(by_text))
        not_judged = self.vectors(by_text)
        result.verdicts.append(
            vectors_verdict(
                self.task.key, result.tally, result.cover,
                not_judged=not_judged, wanted=self.load_model is not None,
            )
        )  # fmt: skip

    def vectors(self, by_text: Records) -> str:
        """Judge them; returns why they were not, "" where they were."""
        result, info = self.result, self.info
        if info is None:
            return ""
        if self.load_model is None:
            return "not judged: --embed none"
        try:
            model = self.load_model(info)
        except (Unavailable, Refused) as error:
            return f"not judged, no model: {error} Or compare without vectors: --embed none."
        if problem := self.model_problem(info, model):
            result.is_another_model = True
            if info.dimension not in (None, model.dimension):
                return f"not judged: {problem}"
        started = now()
        memory = self.open_memory(model)
        result.notes += [memory.forgot] if memory.forgot else []
        task, rng = self.task, np.random.default_rng()
        chosen = choose_vectors(by_text, memory, task.sample, rng, least=task.least_cosine)
        judge = VectorJudge(
            self.chroma, info, model, memory, task.batch_size, task.least_cosine, chosen.right
        )
        try:
            failure = self.embed(judge, chosen)
            for finding in judge.findings(by_text, self.task.settle_s, self.wait):
                self.add(finding)
        finally:  # what was embedded is known, whatever ended the run
            memory.save()
        result.seconds["embed"] = now() - started
        return failure

    def embed(self, judge: VectorJudge, chosen: ChosenVectors) -> str:
        """Embed what was chosen; returns why not all of it was, "" where it was."""
        try:
            with self.progress("embed", chosen.suspects.count + chosen.sample.count) as advance:
                judge.judge(chosen.suspects, advance)
                sampled_before = judge.embedded
                sampled_wrong = judge.judge(chosen.sample, advance)
        except (Unavailable, Refused) as error:  # a service: rows were compared, and some vectors
            return f"not all judged, {judge.embedded} were: {error}"
        self.result.cover = replace(
            self.result.cover,
            remembered=chosen.remembered,
            embedded=judge.embedded,
            sampled=judge.embedded - sampled_before,
            sampled_wrong=sampled_wrong,
        )
        return ""

    def model_problem(self, info: CollectionInfo, model: Model) -> str:
        """Why the collection is another model's by its own words; the verdict of it is added."""
        problem = ""
        if info.dimension not in (None, model.dimension):
            problem = f"{info.dimension} dimensions, {describe(model)} makes {model.dimension}"
        elif names_same_model(info.metadata, model) is False:
            problem = f"embedded by {describe_named(info.metadata)}, set is {describe(model)}"
        is_named = names_same_model(info.metadata, model)
        said = "names" if is_named else "does not contradict"
        stated = f"the collection {said} {describe(model)}, {model.dimension} dimensions"
        self.result.verdicts.append(model_verdict(self.task.key, problem, stated))
        return problem
