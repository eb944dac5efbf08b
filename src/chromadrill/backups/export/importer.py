"""The importer of an export via the API: into staging names first, renamed once all of it is proven.

A collection that is being filled would be served half full to clients that ask for its name. So it is
filled under a name of our own, compared with the export's fingerprint, and renamed: one call, which
changes nothing else (measured). The staging name carries the export's checksum: by it a killed run is
recognised and begun anew, never added to. A marker in the metadata would not do: metadata cannot be
cleared via the API (measured).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from chromadrill.backups.export import read_back
from chromadrill.backups.export.batches import BATCH, base64_rows, batches
from chromadrill.backups.export.look_first import require_takes
from chromadrill.backups.export.places import Places
from chromadrill.backups.export.staging import STAGING, Move, fingerprint_after, plan
from chromadrill.backups.export.types import Reader
from chromadrill.checks.suite import judge, outcome_of
from chromadrill.chroma.call_failed import next_step_after
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.clone_collection import create_like, set_dimension
from chromadrill.chroma.fingerprint import live
from chromadrill.chroma.leaked_metadata import remove_leaked_keys
from chromadrill.chroma.swap_names import take_name
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.memory import tidied
from chromadrill.core.model import CollectionInfo, Fingerprint, Outcome, Page, Scope, Verdict
from chromadrill.core.progress import Advance, Progress, silent

AGAIN = f"Run the same command again: it starts anew. Leftovers are called {STAGING}..."


def restore(
    chroma: Chroma,
    export: Reader,
    *,
    into: str | None = None,
    places: Places | None = None,
    progress: Progress = silent,
) -> list[Verdict]:
    """Import every collection of `export`, prove it, and give it its name.

    `into` (a collection's name) and `places` bring it back beside the original; collections of other
    databases than `places` are left out. Returns the verdicts of
    the check suite; unless all pass, nothing stays. Raises Refused for a collection that is not empty
    (nothing is touched then), Unavailable for a server that fails, UsageError for a wrong name.
    """
    moves = plan(export, into=into, places=places)
    try:
        return _Import(chroma, export, moves, progress).run()
    except CallFailed as error:
        raise Unavailable(
            f"{chroma.url}: {error.sentence.rstrip('.')}. Collections under their own names are whole,"
            " the rest was not restored.",
            next_step=next_step_after(error, AGAIN),
        ) from error


class _Import:
    def __init__(
        self, chroma: Chroma, export: Reader, moves: Sequence[Move], progress: Progress
    ) -> None:
        self.chroma, self.export, self.moves, self.progress = chroma, export, moves, progress
        self.created: dict[str, CollectionInfo] = {}

    def run(self) -> list[Verdict]:
        before = read_back.fingerprint(self.export, progress=self.progress)
        self.refuse_written_asides()
        waiting = self.refuse_or_resume(before)
        require_takes(self.chroma, self.export, waiting)
        for scope in sorted({move.scope for move in waiting}):
            self.create_scope(scope)
        self.remove_staging(self.moves)
        count = sum(before.collections[move.key].count for move in waiting)
        try:
            with self.progress("import", count) as advance:
                for move in waiting:
                    self.fill(move, advance)
            verdicts = self.prove(before, waiting, {move.key: move.staging for move in waiting})
        except BaseException:
            with contextlib.suppress(DrillError):
                self.remove_staging(waiting)
            raise
        if outcome_of(verdicts) is not Outcome.PASS:
            self.remove_staging(waiting)
            return verdicts
        return [*verdicts, *self.name(waiting)]

    # ---- before anything is created ----------------------------------------------------------------
    def refuse_or_resume(self, before: Fingerprint) -> list[Move]:
        """Return the moves that are still to be done. Raises Refused where somebody's records are."""
        existing = self.existing()
        filled = [m for m in self.moves if m.to in existing and self.chroma.count(existing[m.to])]
        if not filled:
            return list(self.moves)
        staged = [m for m in self.moves if f"{m.scope}/{m.staging}" in existing]
        unfinished = staged or [m for m in self.moves if f"{m.scope}/{m.aside}" in existing]
        # killed between two renames: those that have their name already must be what we imported
        if unfinished and not any(move in staged for move in filled):
            verdicts = self.prove(before, filled, {move.key: move.name for move in filled})
            if outcome_of(verdicts) is Outcome.PASS:
                return [move for move in self.moves if move not in filled]
        count = self.chroma.count(existing[filled[0].to])
        raise Refused(
            f"{filled[0].to} is not empty: it holds {count} records. Nothing was touched.",
            next_step="Restore beside it with --into NAME or --scope TENANT/DATABASE, or drop it first.",
        )

    def refuse_written_asides(self) -> None:
        """Raise Refused where a client wrote to a collection that an earlier run had put aside."""
        existing = self.existing()
        for move in self.moves:
            aside = f"{move.scope}/{move.aside}"
            if aside in existing and self.chroma.count(existing[aside]):
                raise Refused(
                    f"{aside} holds what a client wrote while an earlier restore"
                    " ran. Nothing was touched.",
                    next_step="Keep what you need of it, delete it, and restore again.",
                )

    def scopes(self) -> list[Scope]:
        return sorted({move.scope for move in self.moves})

    def collections(self, scope: Scope) -> list[CollectionInfo]:
        try:
            return self.chroma.collections(scope)
        except CallFailed as error:
            if error.status in (400, 404):
                return []  # no such tenant or database yet
            raise

    def create_scope(self, scope: Scope) -> None:
        # the tenant first: a database in a missing tenant is answered 200 (measured)
        if not self.chroma.tenant_exists(scope.tenant):
            self.chroma.create_tenant(scope.tenant)
        if scope.database not in self.chroma.databases(scope.tenant):
            self.chroma.create_database(scope)

    def remove_staging(self, moves: Sequence[Move]) -> None:
        """Remove ours of an earlier run, and the empty ones it put aside. Records are never removed."""
        existing = self.existing()
        for move in moves:
            if f"{move.scope}/{move.staging}" in existing:
                self.chroma.delete_collection(move.scope, move.staging)
            aside = existing.get(f"{move.scope}/{move.aside}")
            if aside and not self.chroma.count(aside):
                self.chroma.delete_collection(move.scope, move.aside)

    # ---- filling --------------------------------------------------------------------------------
    def fill(self, move: Move, advance: Advance) -> None:
        collection = create_like(self.chroma, move.info, move.scope, move.staging)
        self.created[move.key] = collection
        encode = "supports_base64_encoding" in self.chroma.versions()["preflight"]
        # one request in flight while the next is read; two at once gain nothing and mix the order
        with ThreadPoolExecutor(max_workers=1) as pool:
            flight = None
            for page in batches(tidied(self.export.pages(move.key, size=BATCH))):
                vectors = base64_rows(page) if encode else page.vectors
                if flight:
                    advance(flight.result())
                flight = pool.submit(self.send, collection, page, vectors)
            if flight:
                advance(flight.result())
            elif move.info.dimension:
                set_dimension(self.chroma, collection, move.info.dimension)

    def send(self, collection: CollectionInfo, page: Page, vectors: np.ndarray | list[str]) -> int:
        if page.without_vector:
            record = page.ids[page.without_vector[0]]
            raise Unavailable(f"{collection.key}: record '{record}' has no vector in the export.")
        self.chroma.upsert(
            collection,
            ids=page.ids,
            vectors=vectors,
            documents=page.documents,
            metadatas=page.metadatas,
            uris=page.uris,
        )
        remove_leaked_keys(self.chroma, collection, page.ids, page.metadatas)
        return len(page.ids)

    # ---- proof, and the name --------------------------------------------------------------------
    def prove(
        self, before: Fingerprint, moves: Sequence[Move], names: dict[str, str]
    ) -> list[Verdict]:
        """Return the check suite's verdicts on collections under `names`. Their inventory is our own."""
        wanted = fingerprint_after(before, moves, names)
        count = sum(collection.count for collection in wanted.collections.values())
        with self.progress("prove", count) as advance:
            observation = live.observe(
                self.chroma, wanted.scopes, like=wanted, only=wanted.collections, advance=advance
            )
        verdicts = judge(observation, wanted, imported=wanted.collections)
        return [verdict for verdict in verdicts if verdict.check != "inventory"]

    def name(self, moves: Sequence[Move]) -> list[Verdict]:
        """Rename what was proven, by its id: the name may belong to somebody else by now.

        An empty collection that has the name is put aside. It is removed only if it is still empty
        then: a client that kept its id may have written to it meanwhile.
        """
        written = []
        for move in moves:
            empty = take_name(self.chroma, self.created[move.key], move.name, move.aside)
            if empty and self.chroma.count(empty):
                written.append(f"{move.scope}/{move.aside}")
            elif empty:
                self.chroma.delete_collection(move.scope, move.aside)
        if not written:
            return []
        message = f"a client wrote to the empty collection that was here: see {', '.join(written)}"
        return [Verdict.unknown("names", message)]

    def existing(self) -> dict[str, CollectionInfo]:
        """Return the collections in the scopes of all moves, by key."""
        return {info.key: info for scope in self.scopes() for info in self.collections(scope)}
