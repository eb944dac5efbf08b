"""The page of what salvage brings back, made from the table that `pytest -m salvage` writes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from chromadrill.core.model import JSON
from chromadrill.disasters.catalogue.faults import FAULT_SPECS

MEASURED = Path(__file__).parents[1] / "suites" / "salvage" / "measured.json"
HEAD = """\
<!-- Made by ci/reference.py from suites/salvage/measured.json, a run's salvage.json. -->
# What salvage brings back

Each fault of the catalogue is injected into a fresh copy of a store of {records:,} records (three
metrics, two tenants, updates and deletes behind them), and [salvage](../guides/salvage.md) reads
what is left: with the fingerprint from before the fault, and without one. `pytest -m salvage`
demands what is here. A comparator of its own holds the raw values that came out against those of
the sound store, as a server answers them, and the original's files against their digests. Chroma
1.5.9.

With the fingerprint: {proven}.

Without one: {alone}.

**Left** means that the bytes exist. Of a record: its row, which SQL reads, or which stands in a
page that is not free, where SQLite refuses the database. Of a vector whose record is left: the
entry of the queue under its collection, or the row of `data_level0.bin` in the folder that the
database names; for cosine its length in `length.bin` too.

**Wrong** without a fingerprint: nothing else in the store says that this vector is another one (a
flipped bit, two swapped vectors), so it is taken as it stands. Where the bytes exist and nothing
says whose they are, a vector is doubtful, left out, and listed.

**Texts that differ**: the fault changed or cut them. With a fingerprint they are counted as
changed. **Earlier**: records as they once were, where the fault brought an older database back.
"""
TOOLS = """
## Damages that are not in the catalogue

Twenty by hand, on stores of three releases with the same records (1.0.0 and 1.3.0 without lists in the metadata): pages of the
database zeroed, bits flipped, files cut, lost, and emptied as ext4 leaves them after a power cut, two at once. With the fingerprint:

| release | ids | documents | vectors | wrong vectors | wrong without a fingerprint |
|---|---|---|---|---|---|
| 1.0.0 | 117,191 of 117,234 | 99,158 of 99,309 | 109,353 of 109,407 | 0 | 17 |
| 1.3.0 | 116,893 of 116,903 | 95,926 of 96,022 | 105,711 of 105,722 | 0 | 94 |
| 1.5.9 | 116,842 of 116,852 | 95,851 of 95,985 | 105,633 of 105,644 | 0 | 87 |

What is missing of those that were left stands in a database that was cut, on pages that nothing leads to any more. An index of 1.0.0
has 10,000 rows from the start, so some of the damages hit rows that hold nothing. Two vectors and a
document have a flipped bit in their row.

Images of power cuts are made by `pytest -m powercut`, which salvages each damaged one. Of 45 damaged images of 50 cuts (nothing beside the
server, no fingerprint) 71,245 of 296,200 acknowledged writes came back with their vector, **0 wrong ones** (`pytest -m powercut -k as_it_is --tries 50`).

## Other tools on the same inputs

| tool | input | result |
|---|---|---|
| `.recover` of Debian's sqlite3 3.40.1 | eleven faults of the database of 1.5.9, and the sound one | `sql error: SQL logic error (1)`, not one row; a sound database of 1.0.0: the same |
| `chops hnsw rebuild`, chromadb-ops 0.1.5 | a sound store of 1.5.9 | `KeyError: 'vector_index'`: it reads an older release's configuration |
| | a sound store of 1.0.0 | prints the index |
| | 1.0.0, `data_level0.bin` cut or empty | `RuntimeError: Label not found` |
| | 1.0.0, no `header.bin` | `RuntimeError: Cannot open header file` |
| | 1.0.0, no `index_metadata.pickle` | `No need to rebuild`, exit code 0 |

chromadb-ops ran beside chromadb 1.5.9 and click 8.1; with click 8.2 its `--help` ends in a traceback.
"""  # noqa: E501 - rows of a table
COLUMNS = """
| fault | | ids | vectors, proven | alone | wrong, proven / alone | texts that differ | earlier |
|---|---|---|---|---|---|---|---|
"""


def salvage_page() -> str:
    rows: list[JSON] = json.loads(MEASURED.read_text("utf-8"))
    _require_whole(rows)
    families: dict[str, list[JSON]] = {}
    for row in rows:
        families.setdefault(str(row["family"]), []).append(row)
    totals = {key: sum((Counter(row.get(key, {})) for row in rows), Counter()) for key in _KINDS}
    head = HEAD.format(records=5808, **{key: _sum(total) for key, total in totals.items()})
    tables = [
        f"\n## {family}\n{COLUMNS}" + "\n".join(map(_line, own)) + "\n"
        for family, own in families.items()
    ]
    nothing = [f"`{row['name']}`" for row in rows if "proven" not in row]
    rest = f"\nNothing is left, and the command says so: {', '.join(nothing)}.\n" if nothing else ""
    return head + rest + TOOLS + "".join(tables)


_KINDS = ("proven", "alone")


def _require_whole(rows: list[JSON]) -> None:
    known = {str(row["name"]) for row in rows}
    missing = [s.name for s in FAULT_SPECS if s.name not in known and not s.needs_non_root]
    if missing:
        raise SystemExit(f"{MEASURED.name} lacks {', '.join(missing)}: run pytest -m salvage.")


def _sum(total: Counter[str]) -> str:
    return (
        f"{_of(total, 'ids')} ids, {_of(total, 'documents')} documents and {_of(total, 'vectors')}"
        f" vectors that were left, {total['wrong_vectors']:,} wrong vectors"
    )


def _of(count: Counter[str] | JSON, what: str) -> str:
    back = {"ids": "ids_read"}.get(what, f"{what}_back")
    return f"{count[back]:,} of {count[f'{what}_left']:,}"


def _line(row: JSON) -> str:
    if "proven" not in row:
        return f"| {row['name']} | {row['what']} | nothing is left | | | | | |"
    proven, alone = row["proven"], row["alone"]
    assert isinstance(proven, dict)  # noqa: S101 - as the suite writes it
    assert isinstance(alone, dict)  # noqa: S101
    cells = (
        row["name"],
        row["what"],
        _of(proven, "ids"),
        _of(proven, "vectors"),
        _of(alone, "vectors"),
        f"{proven['wrong_vectors']:,} / {alone['wrong_vectors']:,}",
        f"{proven['wrong_texts']:,}",
        f"{proven['earlier']:,}",
    )
    return "| " + " | ".join(map(str, cells)) + " |"
