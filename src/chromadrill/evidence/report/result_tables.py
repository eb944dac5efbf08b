"""What `hotcopy`, `powercut` and `compat` measured, as tables for a page, a text, a terminal; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.evidence.report.formatting import OUTCOMES, duration, text_of, texts

Cell = Callable[[JSON], str]


@dataclass(frozen=True, slots=True)
class TableKind:
    """A table: its title, what it says, and its columns; the first one names the row."""

    title: str
    caption: str
    columns: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class ResultTable:
    """A table with its rows."""

    title: str
    caption: str
    header: list[str]
    rows: list[list[str]]


def _outcome(row: JSON) -> str:
    return OUTCOMES.get(str(row.get("outcome")), "UNKNOWN")


def _text(key: str, otherwise: str = "-") -> Cell:
    return lambda row: text_of(row.get(key), otherwise)


def _time(key: str) -> Cell:
    return lambda row: duration(row.get(key), "-")


def _loss(row: JSON) -> str:
    if row.get("data_loss_s") is None:
        return "-"
    first = ", ".join(texts(row, "oldest_missing")[:1])
    holes = len(texts(row, "holes"))
    return (
        f"{duration(row.get('data_loss_s'))}: {text_of(row.get('missing'))} writes"
        + (f" from {first}" if first else "")
        + (f"; {'10 or more' if holes == 10 else holes} holes" if holes else "")
    )


TABLES: dict[str, TableKind] = {
    "hotcopy": TableKind(
        "Which copies of a running server are backups?",
        "Taken while a client wrote without pause. PASS: never failed in so many tries. UNKNOWN:"
        " it gave no copy. Lost: what was acknowledged until the copy ended and is not in it."
        " Held: the longest freeze or lock. Before: the client's longest wait in as long a time before a"
        " copy. Load: of the machine, over a minute.",
        {
            "Way": _text("way"),
            "Store, MB": _text("store_mb"),
            "Verdict": _outcome,
            "Tries": _text("tries"),
            "Consistent": _text("consistent"),
            "Bad": _text("bad"),
            "Refused": _text("refused"),
            "Copy takes": _time("copy_s"),
            "Writes held": _time("held_s"),
            "Clients wait": _time("stalled_s"),
            "Before": _time("usual_s"),
            "Lost": _loss,
            "Load": _text("load"),
            "Failed checks": lambda row: ", ".join(texts(row, "failed_checks")[:4]) or "-",
        },
    ),
    "powercut": TableKind(
        "What does a power cut leave?",
        "A server on a disk of its own, a client that writes without pause, then stops; the power is cut"
        " at random moments. LOST: every answer is right, and the newest acknowledged writes are gone."
        " Replayed: the index was damaged, and a server made it anew from its queue without a loss."
        " Seen: damaged ones that the checks at rest name before any start.",
        {
            "Beside the server": _text("beside"),
            "Cuts": _text("cuts"),
            "WHOLE": _text("whole"),
            "LOST": _text("lost"),
            "DOES NOT START": _text("does_not_start"),
            "CRASHES WHEN ASKED": _text("crashes"),
            "WRONG ANSWERS": _text("wrong"),
            "Unjudged": _text("unjudged"),
            "Damaged, replayed": _text("replayed"),
            "Damaged, seen": _text("seen_at_rest"),
            "Frozen at most": _time("frozen_s"),
            "Most lost": lambda row: (
                f"{text_of(row.get('most_lost'))} writes, {duration(row.get('loss_s'), '-')}"
            ),
        },
    ),
    "kills": TableKind(
        "What does a SIGKILL leave that hits an index flush?",
        "A client writes records anew, adds and deletes; the server is killed at that moment of an index"
        " flush. WHOLE: every acknowledged write and deletion is there, right answers, after a restart"
        " and after the next flush too. Seen: damaged ones that the checks at rest name before a start.",
        {
            "Killed when": _text("beside"),
            "Kills": _text("cuts"),
            "WHOLE": _text("whole"),
            "LOST": _text("lost"),
            "DOES NOT START": _text("does_not_start"),
            "CRASHES WHEN ASKED": _text("crashes"),
            "WRONG ANSWERS": _text("wrong"),
            "Unjudged": _text("unjudged"),
            "Damaged, replayed": _text("replayed"),
            "Damaged, seen": _text("seen_at_rest"),
        },
    ),
    "flusher": TableKind(
        "What does the flusher cost clients?",
        "The same client on the same server, in turns without and with the flusher beside it.",
        {
            "Beside the server": _text("beside"),
            "Turns": _text("turns"),
            "Calls": _text("calls"),
            "Records a second": _text("records_per_s"),
            "p50": _text("p50_ms"),
            "p99": _text("p99_ms"),
            "Load": _text("load"),
        },
    ),
    "compat": TableKind(
        "Which releases' backups come back?",
        "A volume copy made by one release is given to another, and checked with the fingerprint"
        " of its source. A downgrade has to be refused before anything is started.",
        {
            "Made by": _text("made_by"),
            "Given to": _text("given_to"),
            "As": _text("kind"),
            "Verdict": _outcome,
            "Result": _text("result"),
            "Records": _text("records"),
            "Start to first answer": _time("startup_s"),
        },
    ),
}


def tables(rows_by_table: Mapping[str, Sequence[JSON]]) -> list[ResultTable]:
    """The tables that have rows."""
    return [_fill(name, rows_by_table[name]) for name in TABLES if rows_by_table.get(name)]


def markdown(rows_by_table: Mapping[str, Sequence[JSON]]) -> str:
    """The same as Markdown; empty where there are none."""
    parts = []
    for table in tables(rows_by_table):
        parts += ["", f"## {table.title}", "", table.caption, ""]
        parts += [_line(table.header), _line(["---"] * len(table.header)), *map(_line, table.rows)]
    return "\n".join([*parts, ""]) if parts else ""


def lines(name: str, rows: Sequence[JSON]) -> list[str]:
    """The same for a terminal, in columns."""
    table = _fill(name, rows)
    every = [table.header, *table.rows]
    wide = [max(len(row[n]) for row in every) for n in range(len(table.header))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, wide, strict=True)).rstrip() for row in every]


def _fill(name: str, rows: Sequence[JSON]) -> ResultTable:
    kind = TABLES[name]
    body = [[cell(row) for cell in kind.columns.values()] for row in rows]
    return ResultTable(kind.title, kind.caption, list(kind.columns), body)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
