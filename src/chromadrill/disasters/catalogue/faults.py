"""The catalogue: every fault, bound to the victims that a given store offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from chromadrill.disasters.catalogue import (
    faults_environment,
    faults_inventory,
    faults_queue,
    faults_rows,
    faults_segments,
    faults_sqlite,
)
from chromadrill.disasters.catalogue.store_editor import Collection, Recipe, Store

RECIPES: tuple[Recipe, ...] = tuple(
    recipe
    for book in (
        faults_sqlite.BOOK,
        faults_sqlite.FTS,
        faults_rows.BOOK,
        faults_queue.BOOK,
        faults_segments.BOOK,
        faults_inventory.BOOK,
        faults_environment.BOOK,
    )
    for recipe in book.recipes
)


# Measured on 1.5.9: faults that no answer to a read shows, and what does show them.
QUIET: dict[str, str] = {
    "zeroed_page_of_records": "integrity",
    "page_type_of_records": "integrity",
    "cells_lost_in_records": "integrity",
    # a text probe that happens to need the damaged block would show these three
    "fts_index_bit": "fts-integrity",
    "fts_index_block_deleted": "fts-integrity",
    "fts_index_block_zeroed": "fts-integrity",
    "metadata_watermark_raised": "writes",
    "link_lists_bit": "nothing",
    "pickle_dimension": "nothing",
}


@dataclass(frozen=True)
class Fault:
    """One way to damage a cold copy of a data directory in place."""

    name: str
    family: str
    what: str
    hits: str | None
    inject: Callable[[Path], None]
    also: str | None = None  # the second collection of a swap
    shows: str = "answers"  # where it can be seen: see QUIET
    needs_non_root: bool = False


def victims(recipe: Recipe, store: Store) -> tuple[Collection, ...]:
    """The collections that a recipe damages in a store, or LookupError."""
    return recipe.pick(store, Random(recipe.name))


def bind(recipe: Recipe, data_dir: Path, older: Path | None = None) -> Fault:
    """A recipe with its victims in `data_dir` named; `strike` works on any copy of it."""
    try:
        keys = [c.key for c in victims(recipe, Store(data_dir, older))]
    except LookupError:
        keys = []

    def inject(target: Path) -> None:
        store = Store(target, older)
        chosen = victims(recipe, store)
        recipe.act(store, chosen, Random(recipe.name + "/act"))

    return Fault(
        name=recipe.name,
        family=recipe.family,
        what=recipe.what,
        hits=keys[0] if keys else None,
        inject=inject,
        also=keys[1] if len(keys) > 1 else None,
        shows=QUIET.get(recipe.name, "answers"),
        needs_non_root=recipe.needs_non_root,
    )


def faults(data_dir: Path, older: Path | None = None) -> list[Fault]:
    """All faults for this store; those that need an older instant only if there is one."""
    return [
        bind(recipe, data_dir, older)
        for recipe in RECIPES
        if older is not None or not recipe.needs_older
    ]
