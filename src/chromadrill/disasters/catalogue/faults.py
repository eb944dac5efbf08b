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
from chromadrill.disasters.catalogue.fault_registry import FaultSpec
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.catalogue.victims import Hit

FAULT_SPECS: tuple[FaultSpec, ...] = tuple(
    spec
    for registry in (
        faults_sqlite.FAULTS,
        faults_sqlite.FTS,
        faults_rows.FAULTS,
        faults_queue.FAULTS,
        faults_segments.FAULTS,
        faults_inventory.FAULTS,
        faults_environment.FAULTS,
    )
    for spec in registry.specs
)


# Measured on 1.5.9: faults that no answer to a read shows, and what does show them.
QUIET: dict[str, str] = {
    "zeroed_page_of_records": "integrity",
    "page_type_of_records": "integrity",
    "cells_lost_in_records": "integrity",
    # a text query that happens to need the damaged block would show these three
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
    shows: str = "answers"  # where it can be seen: see QUIET
    needs_non_root: bool = False


def victims_of(spec: FaultSpec, store: StoreEditor) -> Hit:
    """The collections that a fault damages in a store, or LookupError."""
    return spec.pick(store, Random(spec.name))


def bind(spec: FaultSpec, data_dir: Path, older: Path | None = None) -> Fault:
    """A fault with its victims in `data_dir` named; `inject` works on any copy of it."""
    try:
        keys = [c.key for c in victims_of(spec, StoreEditor(data_dir, older))]
    except LookupError:
        keys = []

    def inject(target: Path) -> None:
        store = StoreEditor(target, older)
        chosen = victims_of(spec, store)
        spec.act(store, chosen, Random(spec.name + "/act"))

    return Fault(
        name=spec.name,
        family=spec.family,
        what=spec.what,
        hits=keys[0] if keys else None,
        inject=inject,
        shows=QUIET.get(spec.name, "answers"),
        needs_non_root=spec.needs_non_root,
    )


def faults(data_dir: Path, older: Path | None = None) -> list[Fault]:
    """All faults for this store; those that need an older instant only if there is one."""
    return [
        bind(spec, data_dir, older)
        for spec in FAULT_SPECS
        if older is not None or not spec.needs_older
    ]
