"""A public incident: what people saw, how it is rebuilt, and what has to say so.

An incident that no longer ends as its row says is a defect of ours. Sources are threads as their
reporters tell them, OWNER/REPOSITORY#NUMBER; some are of relatives that keep their data in Chroma,
or break alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from inspect import getdoc
from pathlib import Path
from string import Formatter

from chromadrill.core.model import Outcome
from chromadrill.disasters.incidents.lab import Lab

Places = Mapping[str, str | Path]  # what stands for the names in braces of a command
Recipe = Callable[[Lab], Iterator[Places]]

AT_REST = "validate --all --path {data}"
BESIDE = AT_REST + " --fingerprint {before}"
SERVED = AT_REST + " --serve"
LIVE = "validate --all --url {url} --scope {scope}"
LIVE_BESIDE = LIVE + " --fingerprint {before}"


@dataclass(frozen=True, slots=True)
class Incident:
    """`rebuild` makes it and names the places of `command`, which must then end with `outcome`.

    `check` is the verdict that says so; "" where the command as a whole does: it refuses, or all its
    checks pass. `message` is a part of what it says. `since` is our version that first ended so.
    """

    name: str
    symptom: str
    sources: tuple[str, ...]
    what: str
    command: str
    check: str
    outcome: Outcome
    message: str
    since: str
    rebuild: Callable[[Lab], AbstractContextManager[Places]]

    def arguments(self, places: Places) -> list[str]:
        """The command as it is typed."""
        return [part.format_map(dict(places)) for part in self.command.split()]

    def typed(self) -> str:
        """The command as a page shows it: places in capitals."""
        names = {name for _, name, _, _ in Formatter().parse(self.command) if name}
        return self.command.format_map({name: name.upper() for name in names})


@dataclass(frozen=True)
class Incidents:
    """The incidents that are rebuilt in one way."""

    title: str
    rows: list[Incident] = field(default_factory=list)

    def enter(
        self,
        name: str,
        sources: str,
        symptom: str,
        what: str,
        recipe: Recipe,
        *,
        command: str = AT_REST,
        check: str = "",
        outcome: Outcome = Outcome.FAIL,
        message: str = "",
        since: str = "0.1.0",
    ) -> None:
        """Enter a row. `sources`: with blanks between them."""
        self.rows.append(
            Incident(
                name, symptom, tuple(sources.split()), what, command, check, outcome, message,
                since, contextmanager(recipe),
            )
        )  # fmt: skip

    def add(
        self,
        name: str,
        sources: str,
        symptom: str,
        *,
        command: str = AT_REST,
        check: str = "",
        outcome: Outcome = Outcome.FAIL,
        message: str = "",
        since: str = "0.1.0",
    ) -> Callable[[Recipe], Recipe]:
        """Decorator: enter a row; the first line of the recipe's docstring says what is rebuilt."""

        def decorate(recipe: Recipe) -> Recipe:
            what = (getdoc(recipe) or "").partition("\n")[0]
            self.enter(
                name, sources, symptom, what, recipe,
                command=command, check=check, outcome=outcome, message=message, since=since,
            )  # fmt: skip
            return recipe

        return decorate
