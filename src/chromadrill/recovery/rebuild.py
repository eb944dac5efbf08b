"""Make a collection again from its source: rows, embeddings, proof, and then its name.

It is filled under a name of its own (NAME.rebuilding), so that clients never see half of it, held
against the source, and takes the name when it is proven; what had the name is kept as
NAME.before-rebuild. Killed at any moment, every collection exists under one of these names:

* while it is filled: what is written is not embedded again, the next run goes on from there;
* between the two renames nobody has the name: the next run gives it back (`settle`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from chromadrill.checks.rebuild import same_as_lost, same_settings
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.clone_collection import create_like
from chromadrill.chroma.distance_metric import true_space
from chromadrill.chroma.swap_names import take_name
from chromadrill.core.clock import now
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import CollectionInfo, CollectionPrint, Outcome, Scope, Verdict
from chromadrill.core.progress import Progress, silent
from chromadrill.core.protocols import Model
from chromadrill.recovery import verify
from chromadrill.recovery.fill import Filling
from chromadrill.recovery.model_identity import (
    WEIGHTS,
    identity,
    require_not_another,
    require_same_model,
)
from chromadrill.recovery.sources.rows import Source

LONGEST = 480  # of a name, so that the two others fit


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be made. `fresh`: every vector anew; else those whose document is unchanged are kept.

    `bounded`: only rows that changed since an instant may be embedded, any other is refused.
    `drop_old`: what had the name is not kept.
    """

    scope: Scope
    name: str
    space: str = "cosine"
    fresh: bool = False
    bounded: bool = False
    drop_old: bool = False
    batch_size: int = 8

    def __post_init__(self) -> None:
        if len(self.name) > LONGEST:
            raise UsageError(f"--collection-name: more than {LONGEST} characters.")

    @property
    def stagings(self) -> tuple[str, str]:
        """What is made is called one of these, whichever command it was."""
        return f"{self.name}.rebuilding", f"{self.name}.regenerating"

    @property
    def staging(self) -> str:
        return self.stagings[self.fresh]

    @property
    def aside(self) -> str:
        return f"{self.name}.before-rebuild"

    @property
    def key(self) -> str:
        return f"{self.scope}/{self.name}"


@dataclass(slots=True)
class Rebuilt:
    """What was done: rows of the source; how many of them were embedded, copied, or there already.

    `changed`: whether clients see another collection than before. `old`: what that one is called.
    `discarded`: what was made had wrong vectors, and was removed. `staged`: it was not proven, and
    waits under its own name.
    """

    rows: int = 0
    embedded: int = 0
    copied: int = 0
    resumed: int = 0
    changed: bool = False
    discarded: bool = False
    staged: bool = False
    old: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    single_ms: tuple[float, ...] = ()


def settle(chroma: Chroma, task: Task) -> bool:
    """Undo the swap that a killed run left half done; True if there was one. Raises CallFailed.

    What was made is still there then. Where it is not, somebody removed the collection or gave the
    copy that name: raises Refused, since only they know (`drop_old` says: make it anew).
    """
    there = {each.name: each for each in chroma.collections(task.scope)}
    if task.name in there or task.aside not in there:
        return False
    if not any(name in there for name in task.stagings):
        if task.drop_old:
            return False
        raise Refused(
            f"There is no {task.key}, but {task.aside}, the copy from before an earlier rebuild; no"
            " swap was left half done. Nothing was touched.",
            next_step=f"Give that copy the name (collection.modify(name={task.name!r})), or run with"
            " --drop-old: the collection is made anew, and the copy goes once it is proven.",
        )
    chroma.rename_collection(there[task.aside], task.name)
    return True


def rebuild(
    chroma: Chroma,
    source: Source,
    model: Model,
    task: Task,
    *,
    lost: CollectionPrint | None = None,
    progress: Progress = silent,
) -> Rebuilt:
    """Do it all; the name changes hands only when every verdict is PASS.

    `lost`: the fingerprint of the collection that was lost: its settings are taken over, its
    vectors and settings compared. Raises Refused before anything is made, Unavailable for a server
    that fails; the collection of that name is untouched then.
    """
    try:
        return _Rebuild(chroma, source, model, task, lost, progress).run()
    except CallFailed as error:
        raise Unavailable(
            f"{chroma.url}: {error}. What clients see of {task.key} was not changed.",
            next_step="The same command goes on where this one stopped.",
        ) from error


class _Rebuild:
    def __init__(
        self,
        chroma: Chroma,
        source: Source,
        model: Model,
        task: Task,
        lost: CollectionPrint | None,
        progress: Progress,
    ) -> None:
        self.chroma, self.source, self.model, self.task = chroma, source, model, task
        self.lost, self.progress = lost, progress
        self.done = Rebuilt()
        there = {each.name: each for each in chroma.collections(task.scope)}
        self.live, self.staging = there.get(task.name), there.get(task.staging)
        self.aside = there.get(task.aside)
        self.filling = Filling(
            chroma, source, model, None if task.fresh else self.live, self.staging, task.batch_size
        )

    def run(self) -> Rebuilt:
        done, started = self.done, now()
        self.refuse_other_models()
        self.refuse_other_settings()
        done.rows = self.source.count()
        if not done.rows:
            raise Refused(f"{self.source.name}: no rows. Nothing was touched.")
        to_embed, unchanged = self.plan()
        done.seconds["compare"] = now() - started
        if unchanged and self.live:
            self.prove(self.live)
            return done
        self.refuse_kept_copy()
        made = self.fill(to_embed)
        self.prove(made)
        if outcome_of(done.verdicts) is Outcome.PASS:
            self.swap(made)
        elif verify.wrong_vectors(done.verdicts):
            # documents alone decide what is gone on with: these would never be mended
            self.chroma.delete_collection(made.scope, made.name)
            done.discarded = True
        else:
            done.staged = True
        return done

    # ---- before anything is made ----------------------------------------------------------------
    def refuse_other_models(self) -> None:
        if self.live:
            if self.task.fresh:
                require_not_another(self.live, self.model)
            else:
                require_same_model(self.chroma, self.live, self.model)
        for each in (self.staging, self.lost and self.lost.info):
            if each:
                require_not_another(each, self.model)

    def refuse_other_settings(self) -> None:
        """What an earlier run began is gone on with only if it is what would be made now."""
        if self.staging is None:
            return
        found = replace(self.staging, space=true_space(self.chroma, self.staging))
        verdict = same_settings(self.wanted(found), found)
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
        self.staging = self.filling.staging = None

    def refuse_kept_copy(self) -> None:
        if self.live and self.aside and not self.task.drop_old:
            raise Refused(
                f"{self.aside.key}, the copy from before an earlier rebuild, is still there."
                " Nothing was touched.",
                next_step="Look at it and delete it, or run with --drop-old.",
            )

    def plan(self) -> tuple[int, bool]:
        """How many documents must be embedded; and whether the collection is the source already."""
        to_embed = same = 0
        older: list[str] = []
        with self.progress("compare", self.done.rows) as advance:
            for rows in self.source.rows():
                parts = self.filling.sort(rows)
                to_embed += len(parts.new)
                older += [each.id for each in parts.new if not each.changed]
                same += parts.same
                advance(len(rows))
        if self.task.bounded and older:
            raise Refused(
                f"{len(older)} rows have not changed since, but {self.task.key} does not hold their"
                f" documents: {', '.join(older[:10])}. Nothing was touched.",
                next_step="Run without --since: then they are embedded too.",
            )
        if self.live is None or self.staging or same < self.done.rows:
            return to_embed, False
        return to_embed, self.chroma.count(self.live) == same and self.says_its_model()

    def says_its_model(self) -> bool:
        said = (self.live and self.live.metadata) or {}
        return said.get(WEIGHTS) == self.model.weights_sha256

    @property
    def like(self) -> CollectionInfo | None:
        return self.live or (self.lost.info if self.lost else None)

    def wanted(self, found: CollectionInfo) -> CollectionInfo:
        """As whom the collection `found` should be made: where nobody says it, settings are its own."""
        if like := self.like:
            space = true_space(self.chroma, like) if like is self.live else like.space
            said = {**(like.metadata or {}), **identity(self.model)}
            return replace(like, space=space, metadata=said)
        said = {**(found.metadata or {}), **identity(self.model)}
        return replace(found, space=self.task.space, metadata=said)

    def create(self) -> CollectionInfo:
        task, like = self.task, self.like
        said = identity(self.model)
        if like:
            said = {**(like.metadata or {}), **said}
            return create_like(self.chroma, replace(like, metadata=said), task.scope, task.staging)
        return self.chroma.create_collection(
            task.scope, task.staging, hnsw={"space": task.space}, metadata=said
        )

    # ---- filling, proof, and the name -----------------------------------------------------------
    def fill(self, to_embed: int) -> CollectionInfo:
        filling, done, started = self.filling, self.done, now()
        made = filling.staging = filling.staging or self.create()
        with self.progress("embed" if to_embed else "copy", to_embed or done.rows) as advance:
            for rows in self.source.rows():
                filling.fill(made, rows, advance if to_embed else lambda done: None)
                advance(0 if to_embed else len(rows))
        filling.remove_extra(made, done.rows)
        done.embedded, done.copied = filling.embedded, filling.copied
        done.resumed = filling.resumed
        done.seconds["fill"] = now() - started
        return made

    def prove(self, info: CollectionInfo) -> None:
        """All verdicts, before anything changes its name."""
        started = now()
        proven = verify.prove(
            self.chroma,
            self.source,
            self.model,
            info,
            rows=self.done.rows,
            fresh=self.filling.fresh,
            progress=self.progress,
        )
        seen = proven.seen
        self.done.verdicts += [*proven.verdicts, same_settings(self.wanted(seen.info), seen.info)]
        if lost := self.lost:
            said = {**identity(self.model), **(lost.info.metadata or {})}
            before = replace(lost, info=replace(lost.info, metadata=said))
            self.done.verdicts.append(same_as_lost(before, seen))
        self.done.single_ms = proven.single_ms
        self.done.seconds["prove"] = now() - started

    def swap(self, made: CollectionInfo) -> None:
        task, started = self.task, now()
        if self.live and self.aside:  # --drop-old
            self.chroma.delete_collection(task.scope, task.aside)
        try:
            old = take_name(self.chroma, made, task.name, task.aside)
        except CallFailed as error:
            raise Unavailable(
                f"{self.chroma.url}: {error}. The swap was not finished: {task.staging} is proven, what"
                f" had the name is called {task.name} or {task.aside}.",
                next_step="The same command settles it.",
            ) from error
        self.done.changed = True
        if task.drop_old and (old or (self.aside and not self.live)):
            self.chroma.delete_collection(task.scope, task.aside)
        elif old:
            self.done.old = f"{task.scope}/{task.aside}"
        self.done.seconds["swap"] = now() - started
