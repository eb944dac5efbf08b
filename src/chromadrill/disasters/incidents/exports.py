"""Exports: what was written, what was not, and what comes back of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Outcome, Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.disasters.incidents.incident import Incidents, Places
from chromadrill.disasters.incidents.lab import Lab, fill

EXPORTS = Incidents("Exports and what comes back of them")
BACKUP = "backup --url {url} --scope {scope} --output-file {file}"
RESTORE = "restore --url {url} --input-file {file}"
NAME = "memory"


def export_to(lab: Lab, url: str, scope: Scope) -> Path:
    """An export of all that is there."""
    file = lab.folder / "export.jsonl"
    where = ("--url", url, "--scope", str(scope))
    lab.must_run("backup", "--all", *where, "--output-file", file)
    return file


@contextmanager
def exported(lab: Lab, records: int = 150) -> Iterator[tuple[Chroma, Scope, Path]]:
    """A database whose one collection was exported, and is gone."""
    with lab.database() as (chroma, scope):
        fill(chroma, scope, NAME, records)
        file = export_to(lab, chroma.url, scope)
        chroma.delete_collection(scope, NAME)
        yield chroma, scope, file


@EXPORTS.add(
    "an empty export over the good one",
    "neomjs/neo-agent-brain#270 neomjs/neo#16563",
    "The newest backup was a valid export of a collection that had been made again, empty.",
    command=BACKUP + " --collection-name memory",
    outcome=Outcome.UNKNOWN,
    since="0.2.0",
)
def empty_over_good(lab: Lab) -> Iterator[Places]:
    """150 records exported, the collection made again, and exported to the same file."""
    with exported(lab) as (chroma, scope, file):
        chroma.create_collection(scope, NAME)
        yield {"url": chroma.url, "scope": str(scope), "file": file}


@EXPORTS.add(
    "backup of nothing",
    "neomjs/neo#16254 zilliztech/milvus-backup#479",
    "Backup and restore were successful, and there were no rows.",
    command=BACKUP + " --all",
    outcome=Outcome.UNKNOWN,
    since="0.2.0",
)
def backup_of_nothing(lab: Lab) -> Iterator[Places]:
    """A database without a collection is exported."""
    with lab.database() as (chroma, scope):
        yield {"url": chroma.url, "scope": str(scope), "file": lab.folder / "export.jsonl"}


@EXPORTS.add(
    "export of no bytes",
    "neomjs/neo#14027",
    "Every retained backup file had 0 bytes; the log said 18,835 records exported.",
    command=RESTORE,
    message="it is empty",
    since="0.2.0",
)
def export_of_no_bytes(lab: Lab) -> Iterator[Places]:
    """An export file of 0 bytes is restored."""
    file = lab.folder / "export.jsonl"
    file.touch()
    yield {"url": lab.shared_server(), "file": file}


@EXPORTS.add(
    "export cut off",
    "neomjs/neo#14027",
    "A backup file ended where the disk, or the job, had ended.",
    command=RESTORE,
    message="ends without its seal",
    since="0.2.0",
)
def export_cut_off(lab: Lab) -> Iterator[Places]:
    """Half of an export is restored."""
    with exported(lab) as (chroma, _, file):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
        yield {"url": chroma.url, "file": file}


@contextmanager
def ended_half_way(lab: Lab) -> Iterator[tuple[Chroma, Scope, Path]]:
    """A restore of which the first batch arrived, and that could not clean up after itself."""
    with exported(lab, 1500) as (chroma, scope, file), faulty_proxy(chroma.url) as proxy:

        def refuse(number: int, path: str) -> int | None:
            upserts = [name for name in proxy.requests if name.endswith(" upsert")]
            return 503 if len(upserts) > 1 else None

        proxy.refuse = refuse
        lab.run(["restore", "--url", proxy.url, "--input-file", str(file)])
        yield chroma, scope, file


@EXPORTS.add(
    "restore ended half-way",
    "neomjs/neo#13471",
    "A rebuild was cut between delete and reload: half a collection stood under its name.",
    command=RESTORE,
    outcome=Outcome.PASS,
)
def restored_again(lab: Lab) -> Iterator[Places]:
    """A restore ends after its first batch; the same command again brings back all."""
    with ended_half_way(lab) as (chroma, _, file):
        yield {"url": chroma.url, "file": file}


@EXPORTS.add(
    "a leftover satisfies the count",
    "neomjs/neo#13471",
    "The collection was missing after an interrupted rebuild, and the count was high enough.",
    command="counts --url {url} --scope {scope} --expected-min 1000",
    outcome=Outcome.UNKNOWN,
    message="did not finish",
    since="0.2.0",
)
def leftover_counted(lab: Lab) -> Iterator[Places]:
    """The same leftover: 1,000 records under a name of ours, none under the collection's."""
    with ended_half_way(lab) as (chroma, scope, _):
        yield {"url": chroma.url, "scope": str(scope)}


@EXPORTS.add(
    "ghosts of a dropped collection",
    "chroma-core/chroma#7594 chroma-core/chroma#7595 chroma-core/chroma#7635 chroma-core/chroma#7707",
    "New records inherited list metadata of a collection that had been dropped.",
    command=RESTORE,
    outcome=Outcome.PASS,
)
def ghosts(lab: Lab) -> Iterator[Places]:
    """A restore after a collection with lists was dropped: nothing is inherited."""
    with exported(lab, 30) as (chroma, scope, file):
        listy = fill(chroma, scope, "listy", 30)
        ids = [f"listy-{n}" for n in range(30)]
        chroma.update_metadata(listy, ids, [{"tags": [f"ghost{n}"]} for n in range(30)])
        chroma.delete_collection(scope, "listy")
        yield {"url": chroma.url, "file": file}


@EXPORTS.add(
    "a new name in a new place",
    "qdrant/qdrant#10135",
    "A restore under another name brought the configuration there, and 0 points.",
    command=RESTORE + " --into other-name",
    check="records",
    outcome=Outcome.PASS,
)
def under_another_name(lab: Lab) -> Iterator[Places]:
    """An export is restored under another name, and proven there."""
    with exported(lab) as (chroma, _, file):
        yield {"url": chroma.url, "file": file}


@EXPORTS.add(
    "reserved key in the metadata",
    "chroma-core/chroma#1717",
    "`chroma:document` among the metadata overwrote the document.",
    command=RESTORE,
    outcome=Outcome.PASS,
)
def reserved_key(lab: Lab) -> Iterator[Places]:
    """Such a collection is exported, dropped and restored: as it was."""
    with lab.database() as (chroma, scope):
        collection = fill(chroma, scope, NAME, 30)
        written = [{"chroma:document": "overwritten by metadata"}]
        chroma.update_metadata(collection, [f"{NAME}-1"], written)
        file = export_to(lab, chroma.url, scope)
        chroma.delete_collection(scope, NAME)
        yield {"url": chroma.url, "file": file}
