"""Make a collection again from its source: rows, embeddings, proof, and then its name.

It is filled under a name of its own (NAME.rebuilding), so that clients never see half of it, held
against the source, and takes the name when it is proven; what had the name is kept as
NAME.before-rebuild. Killed at any moment, every collection exists under one of these names:

* while it is filled: what is written is not embedded again, the next run goes on from there;
* between the two renames nobody has the name: the next run gives it back first (`settle`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.ghosts import remove_ghosts
from chromadrill.chroma.recreate import create_like
from chromadrill.chroma.renames import take_name
from chromadrill.clock import now
from chromadrill.errors import Refused, Unavailable, UsageError
from chromadrill.fingerprint.digests import canonical
from chromadrill.ladder import outcome_of
from chromadrill.model import JSON, CollectionInfo, CollectionPrint, Outcome, Scope, Verdict
from chromadrill.progress import Progress, silent
from chromadrill.protocols import Model
from chromadrill.recovery import proof
from chromadrill.recovery.identity import identity, require_not_another, require_same_model
from chromadrill.sources.rows import Row, Source

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
    def staging(self) -> str:
        return f"{self.name}.{'regenerating' if self.fresh else 'rebuilding'}"

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
    """

    rows: int = 0
    embedded: int = 0
    copied: int = 0
    resumed: int = 0
    changed: bool = False
    old: str | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    single_ms: tuple[float, ...] = ()


@dataclass(slots=True)
class _Parts:
    """Rows of a batch by what they need. `meta`: only metadata; `kept`: the vector is at hand."""

    done: list[Row] = field(default_factory=list)
    meta: list[Row] = field(default_factory=list)
    kept: list[Row] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)


def settle(chroma: Chroma, task: Task) -> bool:
    """Undo the swap that a killed run left half done; True if there was one. Raises CallFailed."""
    there = {each.name: each for each in chroma.collections(task.scope)}
    if task.name in there or task.aside not in there:
        return False
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
    vectors compared. Raises Refused before anything is made, Unavailable for a server that fails;
    the collection of that name is untouched then.
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

    def run(self) -> Rebuilt:
        done, started = self.done, now()
        self.refuse_other_models()
        done.rows = self.source.count()
        if not done.rows:
            raise Refused(f"{self.source.name}: no rows. Nothing was touched.")
        to_embed, unchanged = self.plan()
        done.seconds["compare"] = now() - started
        if unchanged and self.live:
            self.prove(self.live)
            return done
        self.refuse_kept_copy()
        made = self.staging = self.staging or self.create()
        started = now()
        with self.progress("embed" if to_embed else "copy", to_embed or done.rows) as advance:
            for rows in self.source.rows():
                written = self.fill(made, rows)
                advance(written if to_embed else len(rows))
            self.remove_extra(made)
        done.seconds["fill"] = now() - started
        self.prove(made)
        if outcome_of(done.verdicts) is Outcome.PASS:
            self.swap(made)
        if self.lost is not None:
            done.verdicts += proof.against_lost(self.lost, self.seen)
        return done

    # ---- before anything is made ----------------------------------------------------------------
    def refuse_other_models(self) -> None:
        if self.live:
            if self.task.fresh:
                require_not_another(self.live, self.model)
            else:
                require_same_model(self.chroma, self.live, self.model)
        if self.staging:
            require_not_another(self.staging, self.model)

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
                parts = self.sort(rows)
                to_embed += len(parts.new)
                older += [each.id for each in parts.new if not each.changed]
                if self.live and not self.staging and not self.task.fresh:
                    same += len(self.equal(self.live, rows))
                advance(len(rows))
        if self.task.bounded and older:
            raise Refused(
                f"{len(older)} rows have not changed since, but {self.task.key} does not hold their"
                f" documents: {', '.join(older[:10])}. Nothing was touched.",
                next_step="Run without --since: then they are embedded too.",
            )
        all_same = self.live is not None and same == self.done.rows == self.chroma.count(self.live)
        return to_embed, all_same and self.says_its_model()

    def says_its_model(self) -> bool:
        said = (self.live and self.live.metadata) or {}
        return identity(self.model).items() <= said.items()

    def create(self) -> CollectionInfo:
        task, like = self.task, self.live or (self.lost and self.lost.info)
        said = identity(self.model)
        if like:
            said = {**(like.metadata or {}), **said}
            return create_like(self.chroma, _with(like, said), task.scope, task.staging)
        return self.chroma.create_collection(
            task.scope, task.staging, hnsw={"space": task.space}, metadata=said
        )

    # ---- filling --------------------------------------------------------------------------------
    def sort(self, rows: Sequence[Row]) -> _Parts:
        parts = _Parts()
        staged = self.records(self.staging, rows)
        lived = {} if self.task.fresh else self.records(self.live, rows)
        for row in rows:
            here, there = staged.get(row.id), lived.get(row.id)
            if here == _plain(row):
                parts.done.append(row)
            elif here and here[0] == row.content:
                parts.meta.append(row)
            elif there and there[0] == row.content:
                parts.kept.append(row)
            else:
                parts.new.append(row)
        return parts

    def fill(self, made: CollectionInfo, rows: Sequence[Row]) -> int:
        """Bring `rows` into `made`; returns how many were embedded."""
        parts = self.sort(rows)
        self.done.resumed += len(parts.done) + len(parts.meta)
        new = list(parts.new)
        for part, owner in ((parts.meta, made), (parts.kept, self.live)):
            vectors = self.vectors(owner, part)
            at_hand = [each for each in part if each.id in vectors]
            new += [each for each in part if each.id not in vectors]
            if at_hand:
                self.write(made, at_hand, np.stack([vectors[each.id] for each in at_hand]))
            self.done.copied += len(at_hand) if part is parts.kept else 0
        # of one length together: the shorter ones of a batch are padded to its longest
        new.sort(key=lambda row: len(row.content))
        size = self.task.batch_size
        for start in range(0, len(new), size):
            group = new[start : start + size]
            self.write(made, group, self.model.embed([each.content for each in group]))
        self.done.embedded += len(new)
        return len(new)

    def write(self, made: CollectionInfo, rows: Sequence[Row], vectors: np.ndarray) -> None:
        ids, metadatas = [each.id for each in rows], [each.metadata for each in rows]
        self.chroma.upsert(
            made,
            ids=ids,
            vectors=vectors,
            documents=[each.content for each in rows],
            metadatas=metadatas,
            uris=[each.uri for each in rows],
        )
        remove_ghosts(self.chroma, made, ids, metadatas)

    def remove_extra(self, made: CollectionInfo) -> None:
        """What an earlier run had written and the source no longer has."""
        if self.chroma.count(made) == self.done.rows:
            return
        extra: list[str] = []
        for page in self.chroma.pages(made):
            extra += set(page.ids) - self.source.holds(page.ids)
        for start in range(0, len(extra), 1000):
            self.chroma.delete(made, extra[start : start + 1000])

    # ---- what is there --------------------------------------------------------------------------
    def records(
        self, info: CollectionInfo | None, rows: Sequence[Row]
    ) -> dict[str, tuple[str | None, str | None, str | None]]:
        """Of the rows' ids: document, typed metadata, URI."""
        if info is None:
            return {}
        raw = self.chroma.get(
            info, ids=[each.id for each in rows], include=("documents", "metadatas", "uris")
        )
        blank: list[None] = [None] * len(raw["ids"])
        columns = [raw.get(each) or blank for each in ("documents", "metadatas", "uris")]
        return {
            record: (document, canonical(metadata), uri)
            for record, document, metadata, uri in zip(raw["ids"], *columns, strict=True)
        }

    def equal(self, info: CollectionInfo, rows: Sequence[Row]) -> list[Row]:
        found = self.records(info, rows)
        return [each for each in rows if found.get(each.id) == _plain(each)]

    def vectors(self, info: CollectionInfo | None, rows: Sequence[Row]) -> dict[str, np.ndarray]:
        """Those that can be had: a sick index answers 500, and its documents are embedded again."""
        if info is None or not rows:
            return {}
        try:
            raw = self.chroma.get(info, ids=[each.id for each in rows], include=("embeddings",))
        except CallFailed as error:
            if error.status == 0:
                raise
            return {}
        rows_of = zip(raw["ids"], raw.get("embeddings") or [], strict=False)
        return {record: np.asarray(row, np.float32) for record, row in rows_of if row is not None}

    # ---- proof, and the name --------------------------------------------------------------------
    def prove(self, info: CollectionInfo) -> None:
        started = now()
        proven = proof.prove(
            self.chroma, self.source, self.model, info, rows=self.done.rows, progress=self.progress
        )
        self.seen = proven.seen
        self.done.verdicts += proven.verdicts
        self.done.single_ms = proven.single_ms
        self.done.seconds["prove"] = now() - started

    def swap(self, made: CollectionInfo) -> None:
        task, started = self.task, now()
        if self.live and self.aside:  # --drop-old
            self.chroma.delete_collection(task.scope, task.aside)
        old = take_name(self.chroma, made, task.name, task.aside)
        self.done.changed = True
        if old and task.drop_old:
            self.chroma.delete_collection(task.scope, task.aside)
        elif old:
            self.done.old = f"{task.scope}/{task.aside}"
        self.done.seconds["swap"] = now() - started


def _plain(row: Row) -> tuple[str | None, str | None, str | None]:
    return row.content, canonical(row.metadata), row.uri


def _with(info: CollectionInfo, metadata: JSON) -> CollectionInfo:
    import dataclasses

    return dataclasses.replace(info, metadata=metadata)
