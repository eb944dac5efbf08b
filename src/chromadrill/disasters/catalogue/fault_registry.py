"""Faults before a store is known, by family: whom each may hit, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.catalogue.victims import Hit, Pick, whole_store

Act = Callable[[StoreEditor, Hit, Random], None]


@dataclass(frozen=True)
class FaultSpec:
    """A fault before a store is known: whom it may hit, and how."""

    name: str
    family: str
    what: str
    pick: Pick
    act: Act
    needs_older: bool = False
    needs_non_root: bool = False


@dataclass
class FaultRegistry:
    """The faults of one family."""

    family: str
    specs: list[FaultSpec] = field(default_factory=list)

    def enter(
        self, name: str, what: str, pick: Pick, act: Act, *, older: bool = False,
        non_root: bool = False,
    ) -> None:  # fmt: skip
        """Enter a fault under a name."""
        self.specs.append(FaultSpec(name, self.family, what, pick, act, older, non_root))

    def add(
        self, what: str, pick: Pick = whole_store, *, older: bool = False, non_root: bool = False
    ) -> Callable[[Act], Act]:
        """Decorator: enter a function under its own name."""

        def decorate(act: Act) -> Act:
            name = getattr(act, "__name__", "").strip("_")
            self.enter(name, what, pick, act, older=older, non_root=non_root)
            return act

        return decorate
