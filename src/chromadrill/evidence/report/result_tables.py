"""What the suites `hotcopy` and `compat` measured, as tables for a page, a text, a terminal; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.evidence.report.formatting import OUTCOMES, duration, said, texts

Cell = Callable[[JSON], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A table: its title, what it says, and its columns; the first one names the row."""

    title: str
    caption: str
    columns: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Measured:
    """A table, filled."""

    title: str
    caption: str
    header: list[str]
    rows: list[list[str]]


def _outcome(row: JSON) -> str:
    return OUTCOMES.get(str(row.get("outcome")), "UNKNOWN")


def _what(key: str, otherwise: str = "-") -> Cell:
    return lambda row: said(row.get(key), otherwise)


def _time(key: str) -> Cell:
    return lambda row: duration(row.get(key), "-")


def _lost(row: JSON) -> str:
    if row.get("data_loss_s") is None:
        return "-"
    first = ", ".join(texts(row, "oldest_missing")[:1])
    holes = len(texts(row, "holes"))
    return (
        f"{duration(row.get('data_loss_s'))}: {said(row.get('missing'))} writes"
        + (f" from {first}" if first else "")
        + (f"; {'10 or more' if holes == 10 else holes} holes" if holes else "")
    )


TABLES: dict[str, Kind] = {
    "hotcopy": Kind(
        "Which copies of a running server are backups?",
        "Taken while a client wrote without pause. PASS: never failed in so many tries. UNKNOWN:"
        " it gave no copy. Lost: what was acknowledged until the copy ended and is not in it."
        " Load: of the machine, over a minute.",
        {
            "Way": _what("way"),
            "Verdict": _outcome,
            "Tries": _what("tries"),
            "Consistent": _what("consistent"),
            "Bad": _what("bad"),
            "Refused": _what("refused"),
            "Copy takes": _time("copy_s"),
            "Clients wait": _time("stalled_s"),
            "Lost": _lost,
            "Load": _what("load"),
            "Failed checks": lambda row: ", ".join(texts(row, "failed_checks")[:4]) or "-",
        },
    ),
    "compat": Kind(
        "Which releases' backups come back?",
        "A volume copy made by one release is given to another, and checked with the fingerprint"
        " of its source. A downgrade has to be refused before anything is started.",
        {
            "Made by": _what("made_by"),
            "Given to": _what("given_to"),
            "As": _what("kind"),
            "Verdict": _outcome,
            "Result": _what("result"),
            "Records": _what("records"),
            "Start to first answer": _time("startup_s"),
        },
    ),
}


def tables(found: Mapping[str, Sequence[JSON]]) -> list[Measured]:
    """Those of TABLES of which there are rows."""
    return [_filled(name, found[name]) for name in TABLES if found.get(name)]


def markdown(found: Mapping[str, Sequence[JSON]]) -> str:
    """The same as Markdown; empty where there are none."""
    parts = []
    for each in tables(found):
        parts += ["", f"## {each.title}", "", each.caption, ""]
        parts += [_line(each.header), _line(["---"] * len(each.header)), *map(_line, each.rows)]
    return "\n".join([*parts, ""]) if parts else ""


def lines(name: str, rows: Sequence[JSON]) -> list[str]:
    """The same for a terminal, in columns."""
    filled = _filled(name, rows)
    every = [filled.header, *filled.rows]
    wide = [max(len(row[n]) for row in every) for n in range(len(filled.header))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)).rstrip() for row in every]


def _filled(name: str, rows: Sequence[JSON]) -> Measured:
    kind = TABLES[name]
    body = [[cell(row) for cell in kind.columns.values()] for row in rows]
    return Measured(kind.title, kind.caption, list(kind.columns), body)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(each.replace("|", "\\|").replace("\n", " ") for each in cells) + " |"
