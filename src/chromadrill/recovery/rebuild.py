"""Make a collection again from its source: rows, embeddings, proof, and then its name.

The new collection is filled under a name of its own (NAME.rebuilding), so that clients never see
half of it. It is held against the source and takes the name when it is proven; what had the name is
kept as NAME.before-rebuild. Killed at any moment, every collection exists under one of these names:

* while it is filled: what is written is not embedded again, the next run goes on from there;
* between the two renames nobody has the name: the next run gives it back (`undo_half_swap`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from chromadrill.checks.rebuild import same_as_lost, same_settings
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.call_failed import next_step_after
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.clone_collection import create_like
from chromadrill.chroma.distance_metric import true_space
from chromadrill.chroma.request_size import require_request_taken
from chromadrill.core.clock import now
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo, CollectionPrint, Outcome
from chromadrill.core.progress import Progress, silent
from chromadrill.core.protocols import Model
from chromadrill.embedding.bill import Bill, bill_of
from chromadrill.embedding.identity import identity, names_same_model, with_identity
from chromadrill.recovery import verify
from chromadrill.recovery.estimate import Estimate
from chromadrill.recovery.fill import Filler
from chromadrill.recovery.model_identity import (
    require_lost_model,
    require_named_model,
    require_same_model,
)
from chromadrill.recovery.name_swap import swap
from chromadrill.recovery.rebuild_task import RebuildResult, RebuildTask
from chromadrill.recovery.sources.key_ranges import Divisible
from chromadrill.recovery.sources.rows import KeyRange, Row, RowSource
from chromadrill.recovery.vectors_from.lender import Lender
from chromadrill.recovery.vectors_from.lent import LentVectors
from chromadrill.recovery.vectors_from.pool import VectorPool
from chromadrill.recovery.workers.plan import DOCUMENTS, WorkerPlan

Agree = Callable[[Bill], None]  # is told what embedding will cost; raises where that is too much

COPIED_FOR_ONE_EMBEDDED = 20  # vectors written while a document is embedded: 1 ms and 20 ms


def rebuild(
    chroma: Chroma,
    source: RowSource,
    model: Model,
    task: RebuildTask,
    *,
    lost: CollectionPrint | None = None,
    lenders: Sequence[Lender] = (),
    workers: WorkerPlan | None = None,
    progress: Progress = silent,
    agree: Agree = lambda bill: None,
) -> RebuildResult:
    """Do it all; the name changes hands only when every verdict is PASS.

    `lenders`: vectors are taken over from them, by the document. `lost`: the fingerprint of the
    collection that was lost: its settings are taken over, its vectors and settings compared.
    `workers`: who embeds; None: this process. Raises Refused before anything is made, Unavailable for
    a server that fails; the collection of that name is untouched then.
    """
    try:
        return _Rebuild(chroma, source, model, task, lost, lenders, workers, progress, agree).run()
    except CallFailed as error:
        raise Unavailable(
            f"{chroma.url}: {error.sentence.rstrip('.')}."
            f" What clients see of {task.key} was not changed.",
            next_step=next_step_after(error, "The same command goes on where this one stopped."),
        ) from error


class _Rebuild:
    """`live` has the name now, `staging` is what an earlier run began, `aside` an earlier copy."""

    def __init__(
        self,
        chroma: Chroma,
        source: RowSource,
        model: Model,
        task: RebuildTask,
        lost: CollectionPrint | None,
        lenders: Sequence[Lender],
        workers: WorkerPlan | None,
        progress: Progress,
        agree: Agree,
    ) -> None:
        self.chroma, self.source, self.model, self.task = chroma, source, model, task
        self.lost, self.lenders, self.workers, self.progress = lost, lenders, workers, progress
        self.agree, self.estimate = agree, Estimate(task.batch_size)
        self.result = RebuildResult()
        infos = {info.name: info for info in chroma.collections(task.scope)}
        self.live, self.staging = infos.get(task.name), infos.get(task.staging)
        self.aside = infos.get(task.aside)
        old = None if task.fresh else self.live
        self.filler = Filler(
            chroma, source, model, old, self.staging, task.batch_size, doubted=task.embed_again
        )

    def run(self) -> RebuildResult:
        result, started = self.result, now()
        self.refuse_other_models()
        self.refuse_other_settings()
        result.rows = self.source.count()
        if not result.rows:
            raise Refused(f"{self.source.name}: no rows. Nothing was touched.")
        if self.lenders:
            self.borrow()
            result.seconds["lenders"], started = now() - started, now()
        to_embed, unchanged = self.compare()
        result.seconds["compare"] = now() - started
        if unchanged and self.live:
            self.prove(self.live)
            return result
        self.refuse_kept_copy()
        staged = self.fill(to_embed)
        self.prove(staged)
        if outcome_of(result.verdicts) is Outcome.PASS:
            self.swap(staged)
        elif verify.has_wrong_vectors(result.verdicts):
            # documents alone decide what is gone on with: these would never be mended
            self.chroma.delete_collection(staged.scope, staged.name)
            result.discarded = True
        else:
            result.staged = True
        return result

    # ---- before anything is made ----------------------------------------------------------------
    def refuse_other_models(self) -> None:
        model, least = self.model, self.task.least_cosine
        if self.live:
            require = require_named_model if self.task.fresh else require_same_model
            require(self.chroma, self.live, model, least)
        if self.staging:  # a service may run another model than when the earlier run began
            begun = f"Delete {self.task.staging}, which an earlier run began."
            require_same_model(self.chroma, self.staging, model, least, next_step=begun)
        if self.lost:
            require_lost_model(self.lost, self.source, model, least)

    def refuse_other_settings(self) -> None:
        """What an earlier run began is gone on with only if it is what would be made now."""
        if self.staging is None:
            return
        staging = replace(self.staging, space=true_space(self.chroma, self.staging))
        verdict = same_settings(self.wanted_settings(staging), staging)
        if verdict.outcome is Outcome.PASS:
            return
        if self.chroma.count(self.staging):
            raise Refused(
                f"{self.staging.key}, which an earlier run began, is not what would be made now:"
                f" {verdict.message}. Nothing was touched.",
                next_step="Delete it, or run as it was begun (--fingerprint, [source] space).",
            )
        # killed between its creation and its metadata: nothing is lost with it
        self.chroma.delete_collection(self.task.scope, self.staging.name)
        self.staging = self.filler.staging = None

    def refuse_kept_copy(self) -> None:
        if self.live and self.aside and not self.task.drop_old:
            raise Refused(
                f"{self.aside.key}, the copy from before an earlier rebuild, is still there."
                " Nothing was touched.",
                next_step="Look at it and delete it, or run with --drop-old.",
            )

    def borrow(self) -> None:
        """Prove the lenders, and have their vectors at hand."""
        task = self.task
        lent = LentVectors(VectorPool(self.model.dimension, task.least_cosine))
        with self.progress("look up", self.result.rows) as advance:
            for rows in self.source.rows():
                lent.want(rows)
                advance(len(rows))
        with self.progress("read lenders", sum(one.records for one in self.lenders)) as advance:
            for lender in self.lenders:
                lent.borrow(
                    lender,
                    self.model,
                    batch_size=task.batch_size,
                    least_cosine=task.least_cosine,
                    advance=advance,
                )
        self.filler.lent, self.result.loans = lent, lent.loans

    def compare(self) -> tuple[int, bool]:
        """How many documents must be embedded; and whether the collection is the source already."""
        to_embed = same = 0
        largest, request_bytes = "", 0
        older: list[str] = []
        with self.progress("compare", self.result.rows) as advance:
            for rows in self.source.rows():
                groups = self.filler.sort(rows)
                to_embed += len(groups.to_embed)
                self.estimate.add(groups.to_embed)
                if self.task.bounded:
                    older += [row.id for row in groups.to_embed if not row.changed]
                same += groups.same_in_old
                for row in groups.to_embed:
                    if (size := row.request_bytes) > request_bytes:
                        largest, request_bytes = row.id, size
                advance(len(rows))
        if older:
            raise Refused(
                f"{len(older)} rows have not changed since, but {self.task.key} does not hold"
                f" their documents: {', '.join(older[:10])}. Nothing was touched.",
                next_step="Run without --since: then they are embedded too.",
            )
        require_request_taken(self.chroma, request_bytes, f"row '{largest}'")
        if self.live is None or self.staging or same < self.result.rows:
            return to_embed, False
        return to_embed, self.chroma.count(self.live) == same and self.names_model()

    def names_model(self) -> bool:
        return self.live is not None and bool(names_same_model(self.live.metadata, self.model))

    # ---- the settings it is made with -----------------------------------------------------------
    @property
    def like(self) -> CollectionInfo | None:
        return self.live or (self.lost.info if self.lost else None)

    def wanted_settings(self, info: CollectionInfo) -> CollectionInfo:
        """As what `info` should be made: the settings of `like`, else those of `info` itself."""
        if like := self.like:
            space = true_space(self.chroma, like) if like is self.live else like.space
            return replace(like, space=space, metadata=with_identity(like.metadata, self.model))
        metadata = with_identity(info.metadata, self.model)
        return replace(info, space=self.task.space, metadata=metadata)

    def create(self) -> CollectionInfo:
        task = self.task
        if like := self.like:
            wanted = replace(like, metadata=with_identity(like.metadata, self.model))
            return create_like(self.chroma, wanted, task.scope, task.staging)
        return self.chroma.create_collection(
            task.scope, task.staging, hnsw={"space": task.space}, metadata=identity(self.model)
        )

    # ---- filling, proof, and the name -----------------------------------------------------------
    def fill(self, to_embed: int) -> CollectionInfo:
        filler, result, started = self.filler, self.result, now()
        staged = filler.staging = filler.staging or self.create()
        first = self.settle_bill(staged)
        # what takes the time is told: the documents to embed, or the rows where nearly all are copied
        is_embedding = COPIED_FOR_ONE_EMBEDDED * to_embed > result.rows
        progress = (
            self.progress("embed", to_embed) if is_embedding else self.progress("copy", result.rows)
        )
        with progress as advance, self.embedding_step(to_embed):
            advance(first if is_embedding else 0)
            add = advance if is_embedding else lambda rows: None
            for keys, rows in self.parts():
                filler.fill(staged, rows, add, keys)
                advance(0 if is_embedding else len(rows))
            filler.finish(staged, add)
        filler.remove_extra(staged, result.rows)
        result.embedded, result.copied = filler.embedded, filler.copied
        result.resumed = filler.resumed
        result.seconds["fill"] = now() - started
        return staged

    @contextmanager
    def embedding_step(self, to_embed: int) -> Iterator[None]:
        """While it is open, the filler's documents go to the workers, where some are wanted."""
        if self.workers is None or not to_embed:
            yield
            return
        filler = self.filler
        filler.batch_size = max(DOCUMENTS, filler.batch_size)
        with self.workers.step(self.model, self.task.least_cosine) as filler.step:
            try:
                yield
            finally:
                self.result.workers = filler.step.shares
        filler.step = None

    def parts(self) -> Iterator[tuple[KeyRange | None, list[Row]]]:
        """All rows in batches; for workers who read them, each with the range of keys that it is."""
        if self.workers and self.workers.setup.instant and isinstance(self.source, Divisible):
            yield from self.source.ranges()
        else:
            yield from ((None, rows) for rows in self.source.rows())

    def settle_bill(self, staged: CollectionInfo) -> int:
        """Embed and time a few documents, say what all will cost; returns how many they were.

        What was embedded stays in `staged`, whatever is said to the bill.
        """
        estimate, started = self.estimate, now()
        if not estimate.documents:
            return 0
        if first := estimate.first:
            self.filler.embed_first(staged, first)
        took_s = now() - started
        self.result.bill = bill_of(
            self.model,
            estimate.documents,
            estimate.characters,
            measured=len(first),
            took_s=took_s,
            processes=self.workers.where if self.workers and type(self.workers.where) is int else 1,
        )
        self.agree(self.result.bill)
        return len(first)

    def prove(self, info: CollectionInfo) -> None:
        """All verdicts, before anything changes its name."""
        started = now()
        proof = verify.prove(
            self.chroma,
            self.source,
            self.model,
            info,
            rows=self.result.rows,
            fresh=self.filler.fresh,
            least_cosine=self.task.least_cosine,
            progress=self.progress,
        )
        rebuilt = proof.collection
        settings = same_settings(self.wanted_settings(rebuilt.info), rebuilt.info)
        self.result.verdicts += [*proof.verdicts, settings]
        if lost := self.lost:
            # the lost database need not have named its model; another one was refused at once
            metadata = with_identity(lost.info.metadata, self.model)
            before = replace(lost, info=replace(lost.info, metadata=metadata))
            self.result.verdicts.append(same_as_lost(before, rebuilt))
        self.result.single_ms = proof.single_ms
        self.result.seconds["prove"] = now() - started

    def swap(self, staged: CollectionInfo) -> None:
        started = now()
        self.result.old = swap(self.chroma, self.task, staged, live=self.live, aside=self.aside)
        self.result.changed = True
        self.result.seconds["swap"] = now() - started
