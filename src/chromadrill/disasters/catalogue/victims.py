"""The collections that a fault may hit: those in which its damage changes something."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from chromadrill.disasters.catalogue.store_editor import Collection, StoreEditor

Hit = tuple[Collection, ...]
Pick = Callable[[StoreEditor, Random], Hit]


def whole_store(store: StoreEditor, rng: Random) -> Hit:
    """No single collection: the fault hits the whole store."""
    return ()


def choose(
    store: StoreEditor, rng: Random, why: str, test: Callable[[Collection], bool]
) -> Collection:
    """One of the collections that pass `test`, or LookupError."""
    fit = [c for c in store.collections() if test(c)]
    if not fit:
        raise LookupError(f"No collection {why} in {store.root}.")
    return rng.choice(fit)


def any_filled(store: StoreEditor, rng: Random) -> Hit:
    """Any collection with at least 20 records."""
    return (choose(store, rng, "has 20 records", lambda c: c.count >= 20),)


def any_indexed(store: StoreEditor, rng: Random) -> Hit:
    """A collection with a synced index: most of its vectors are only in its directory."""
    return (choose(store, rng, "has a synced index", lambda c: c.is_indexed),)


def largest_indexed(store: StoreEditor, rng: Random) -> Hit:
    """The largest collection with a synced index."""
    top = max((c.count for c in store.collections() if c.is_indexed), default=0)
    return (choose(store, rng, "has a synced index", lambda c: c.is_indexed and c.count == top),)


def any_unsynced(store: StoreEditor, rng: Random) -> Hit:
    """A collection below the threshold: its vectors are only in the queue."""
    return (choose(store, rng, "is unsynced", lambda c: c.count >= 20 and not c.is_indexed),)


def with_tail(store: StoreEditor, rng: Random) -> Hit:
    """A collection with at least 4 live records in the unsynced tail."""
    return (choose(store, rng, "has an unsynced tail", lambda c: len(store.tail(c)) >= 4),)


def any_indexed_tail(store: StoreEditor, rng: Random) -> Hit:
    """A collection with a synced index and an unsynced tail."""

    def test(collection: Collection) -> bool:
        return collection.is_indexed and len(store.tail(collection)) >= 4

    return (choose(store, rng, "has an index and a tail", test),)


def in_space(*spaces: str) -> Pick:
    """A synced collection with one of these distance spaces."""

    def pick(store: StoreEditor, rng: Random) -> Hit:
        why = f"with space {' or '.join(spaces)} has a synced index"
        return (choose(store, rng, why, lambda c: c.is_indexed and c.space in spaces),)

    return pick


def two_indexed(store: StoreEditor, rng: Random) -> Hit:
    """Two synced collections, of the same dimension where possible."""
    first = choose(store, rng, "has a synced index", lambda c: c.is_indexed)
    others = [c for c in store.collections() if c.is_indexed and c.id != first.id]
    if not others:
        raise LookupError("There is only one collection with a synced index.")
    same = [c for c in others if c.dimension == first.dimension]
    return (first, rng.choice(same or others))


def having(sql: str, least: int = 1) -> Pick:
    """A collection for which `sql` (one parameter: its METADATA segment) finds enough rows."""

    def pick(store: StoreEditor, rng: Random) -> Hit:
        def test(collection: Collection) -> bool:
            with store.raw() as connection:
                rows = connection.execute(sql, (collection.metadata,)).fetchmany(least)
            return len(rows) >= least

        return (choose(store, rng, "has such a record", test),)

    return pick


def sample(
    store: StoreEditor, collection: Collection, sql: str, rng: Random, k: int
) -> list[tuple[Any, ...]]:
    """`k` of the rows that `sql` finds in a collection, or LookupError."""
    with store.raw() as connection:
        rows = connection.execute(sql, (collection.metadata,)).fetchall()
    if len(rows) < k:
        raise LookupError(f"{collection.key} has only {len(rows)} of the {k} rows needed.")
    return rng.sample(rows, k)
