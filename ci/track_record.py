"""The page of public incidents, made from the table that `pytest -m incidents` runs."""

from __future__ import annotations

from pathlib import Path

from chromadrill.core.model import Outcome
from chromadrill.disasters.incidents.elsewhere import ELSEWHERE, RebuiltElsewhere
from chromadrill.disasters.incidents.incident import Incident
from chromadrill.disasters.incidents.table import INCIDENTS, KINDS

HEAD = """\
<!-- Made by ci/reference.py from src/chromadrill/disasters/incidents/. -->
# Track record

What people reported in public, of Chroma, of what is built on it, and of relatives that break alike.
Each is rebuilt, and `pytest -m incidents` demands that the command named here ends as it says here.
The threads are told by their reporters. A change is not complete while an incident ends otherwise.
In a command `DATA` is the rebuilt data directory, `URL` the rebuilt server, and `BEFORE` a fingerprint
that was taken before the incident.
"""
COLUMNS = """
| incident | what people saw | rebuilt as | `chromadrill` | says | since | threads |
|---|---|---|---|---|---|---|
"""
ELSEWHERE_HEAD = """
## Rebuilt by other suites

These need a container engine, a model, or minutes.

| incident | what people saw | rebuilt by | threads |
|---|---|---|---|
"""
ROOT = Path(__file__).parents[1]
ENDS = {
    Outcome.PASS: "healthy and told so",
    Outcome.UNKNOWN: "refused, or not told, and never called damaged",
    Outcome.FAIL: "found",
}


def track_record_page() -> str:
    tables = [
        f"\n## {kind.title}\n{COLUMNS}" + "\n".join(_line(row) for row in kind.rows) + "\n"
        for kind in KINDS
    ]
    others = ELSEWHERE_HEAD + "\n".join(_line_elsewhere(row) for row in ELSEWHERE) + "\n"
    return HEAD + "\n" + _sum() + "\n" + "".join(tables) + others


def _line(row: Incident) -> str:
    threads = ", ".join(row.sources) or "seen here"
    says = f"{row.outcome.upper()}: {row.check}" if row.check else row.outcome.upper()
    return (
        f"| {row.name} | {row.symptom} | {row.what} | `{row.typed()}` | {says} | {row.since}"
        f" | {threads} |"
    )


def _line_elsewhere(row: RebuiltElsewhere) -> str:
    if not (ROOT / row.file).is_file():
        raise SystemExit(f"{row.file}, which rebuilds '{row.name}', is not there.")
    return f"| {row.name} | {row.symptom} | `{row.file}` | {', '.join(row.sources)} |"


def _sum() -> str:
    counts = {o: sum(row.outcome is o for row in INCIDENTS) for o in ENDS}
    parts = [f"{count} {ENDS[o]}" for o, count in counts.items() if count]
    threads = {thread for row in INCIDENTS for thread in row.sources}
    return f"{len(INCIDENTS)} incidents of {len(threads)} threads: {'; '.join(parts)}."
