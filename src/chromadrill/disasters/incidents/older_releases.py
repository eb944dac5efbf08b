"""Stores as real servers left them, most of older releases; and a server of an older release.

The stores are small and packed in `suites/incidents/stores/`, with what made each beside them. A
server of an older release is installed once; where it cannot be had, its incidents are not covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import CollectionInfo, Outcome, Scope
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.incidents.incident import (
    AT_REST,
    LIVE,
    LIVE_BESIDE,
    SERVED,
    Incidents,
    Places,
)
from chromadrill.disasters.incidents.lab import Lab, fill

OLDER = Incidents("A store that a real server left, or a server of an older release")
BACKUP = "backup --all --url {url} --output-file {file}"


@OLDER.add(
    "purge ate the tail",
    "chroma-core/chroma#2922 chroma-core/chroma#2912 chroma-core/chroma#2905"
    " langchain-ai/langchain#27305",
    "Documents and count were right; after a restart the vectors of the last few hundred were gone.",
    check="structure",
    message="20 of 220 records have no vector",
)
def purge_ate_the_tail(lab: Lab) -> Iterator[Places]:
    """The bug itself: two collections written by 0.5.11."""
    yield {"data": lab.unpack("purge-ate-the-tail")}


@OLDER.add(
    "one NaN vector",
    "chroma-core/chroma#7420",
    "A client of an older release had written one vector with a NaN in it.",
    check="structure",
    message="'r7'",
)
def one_nan_vector(lab: Lab) -> Iterator[Places]:
    """Written by 0.6.3; a second collection is sound."""
    yield {"data": lab.unpack("one-nan-vector")}


@OLDER.add(
    "one NaN vector blocks the backup",
    "chroma-core/chroma#7420",
    "No export of anything: the server refused a question that came from the sick record.",
    command=BACKUP,
    outcome=Outcome.UNKNOWN,
    message="--skip-damaged",
    since="0.2.0",
)
def backup_of_a_nan_vector(lab: Lab) -> Iterator[Places]:
    """The same store, served by this release."""
    with lab.server(lab.unpack("one-nan-vector")) as target:
        yield {"url": target.url, "file": lab.folder / "export.jsonl"}


@OLDER.add(
    "a sparse vector poisons every collection",
    "chroma-core/chroma#5625",
    "One sparse vector as a metadata value, and every call about any collection failed.",
    check="structure",
    message="sparse vector",
    since="0.2.0",
)
def sparse_vector(lab: Lab) -> Iterator[Places]:
    """Written by 1.1.1; the add raised, and its entry is in the log."""
    yield {"data": lab.unpack("sparse-vector")}


@OLDER.add(
    "straight from 0.4",
    "chroma-core/chroma#1130 chroma-core/chroma#2837",
    "After an upgrade of several releases at once reads were empty and searches failed.",
    command=SERVED,
    check="structure",
    outcome=Outcome.UNKNOWN,
    message="chromadb==0.6.3",
)
def straight_from_04(lab: Lab) -> Iterator[Places]:
    """A store of 0.4.24, which this release cannot take over at once."""
    yield {"data": lab.unpack("elder")}


@OLDER.add(
    "over two releases",
    "chroma-core/chroma#4217",
    "A store that had come from 0.4 by 0.6: u64 is not compatible with BLOB, in early 1.0.",
    command=SERVED,
    outcome=Outcome.PASS,
)
def over_two_releases(lab: Lab) -> Iterator[Places]:
    """Written by 0.4.24, opened and written to by 0.6.3: 1.5.9 can serve it."""
    yield {"data": lab.unpack("over-two-releases")}


@OLDER.add(
    "configuration without a type",
    "MemPalace/mempalace#1611 chroma-core/chroma#4380",
    "KeyError '_type': clients could not open a collection of an older release.",
    command=LIVE,
    outcome=Outcome.PASS,
)
def configuration_without_type(lab: Lab) -> Iterator[Places]:
    """The same store with an empty configuration: no answer changes."""
    data = lab.unpack("over-two-releases")
    with StoreEditor(data).edit() as db:
        db.execute("UPDATE collections SET config_json_str = '{}'")
    with lab.server(data) as target:
        yield {"url": target.url, "scope": str(Scope())}


@OLDER.add(
    "metric lost by a change of metadata",
    "chroma-core/chroma#2515",
    "modify(metadata=...) dropped the metric: the listing said l2, answers were still by cosine.",
    command=LIVE_BESIDE,
    check="distances",
    outcome=Outcome.PASS,
    since="0.2.0",
)
def metric_lost(lab: Lab) -> Iterator[Places]:
    """Written by 0.6.3; exported from this release, dropped, restored: the distances have to stay."""
    export = lab.folder / "export.jsonl"
    with lab.server(lab.unpack("metric-lost")) as target:
        before = lab.fingerprint(target.url, Scope())
        lab.must_run("backup", "--all", "--url", target.url, "--output-file", export)
        with Chroma(target.url) as chroma:
            chroma.delete_collection(Scope(), "moved")
        lab.must_run("restore", "--url", target.url, "--input-file", export)
        yield {"url": target.url, "scope": str(Scope()), "before": before}


@OLDER.add(
    "leftovers of dropped collections",
    "chroma-core/chroma#4885 chroma-core/chroma#5259 chroma-core/chroma#5520",
    "The disk fills up: folders and rows of dropped collections stay.",
    command=SERVED,
    outcome=Outcome.PASS,
)
def dropped_collections(lab: Lab) -> Iterator[Places]:
    """Written by 1.1.1, two of three collections dropped: leftovers are no damage."""
    yield {"data": lab.unpack("dropped-collections")}


@OLDER.add(
    "killed within a flush",
    "chroma-core/chroma#7678 chroma-core/chroma#7510",
    "SIGKILL during upserts of ids that were there wedged the index, and the count looked right. Of 60"
    " kills aimed at flushes here 7 emptied its list of ids: every call fails, half of all is gone.",
    check="structure",
    message="have no vector",
)
def killed_within_a_flush(lab: Lab) -> Iterator[Places]:
    """What a killed server of 1.5.9 left: the flush had emptied its list of ids, and not written it."""
    yield {"data": lab.unpack("killed-within-a-flush")}


# ---- a server of 1.0.0 --------------------------------------------------------------------------
@contextmanager
def deleted_in_a_small_collection(lab: Lab) -> Iterator[tuple[str, CollectionInfo]]:
    """A running server of 1.0.0: 60 records, of which each third is deleted."""
    with (
        lab.server(lab.folder / "data", lab.older_server("1.0.0")) as target,
        Chroma(target.url) as chroma,
    ):
        collection = fill(chroma, Scope(), "deleted", 60, dimension=3)
        chroma.delete(collection, [f"deleted-{n}" for n in range(0, 60, 3)])
        yield target.url, collection


@OLDER.add(
    "wrong neighbours after a delete",
    "chroma-core/chroma#4275 chroma-core/chroma#4334",
    "After a delete in a small collection the nearest record was not returned.",
    command=LIVE,
    check="recall",
)
def wrong_neighbours(lab: Lab) -> Iterator[Places]:
    """The bug itself: a server of 1.0.0, 60 records, 20 of them deleted."""
    with deleted_in_a_small_collection(lab) as (url, _):
        yield {"url": url, "scope": str(Scope())}


@OLDER.add(
    "same files, newer server",
    "chroma-core/chroma#4275",
    "Is the data damaged, or was it the server?",
    command=LIVE,
    outcome=Outcome.PASS,
)
def same_files_newer_server(lab: Lab) -> Iterator[Places]:
    """The files that the server of 1.0.0 left, served by this release."""
    with deleted_in_a_small_collection(lab):
        pass
    with lab.server(lab.folder / "data") as target:
        yield {"url": target.url, "scope": str(Scope())}


@OLDER.add(
    "a sick server becomes the measure",
    "chroma-core/chroma#4275",
    "A fingerprint of a server that misses three of four neighbours proves whatever it restores.",
    command="fingerprint --url {url} --output {file}",
    outcome=Outcome.UNKNOWN,
    since="0.2.0",
)
def fingerprint_of_a_sick_server(lab: Lab) -> Iterator[Places]:
    """The same server, asked for its fingerprint."""
    with deleted_in_a_small_collection(lab) as (url, _):
        yield {"url": url, "file": lab.folder / "fingerprint"}


@OLDER.add(
    "a newer store under an older server",
    "chroma-core/chroma#2144 chroma-core/chroma#2837",
    "A downgrade: the server panicked at its start, and nobody knew whether the data was harmed.",
    command=AT_REST,
    outcome=Outcome.PASS,
)
def downgraded(lab: Lab) -> Iterator[Places]:
    """A store of this release; our own target refuses to start 1.0.0 on it, and the files stay whole."""
    from chromadrill.core.errors import Refused

    data = lab.folder / "data"
    with lab.server(data) as target, Chroma(target.url) as chroma:
        fill(chroma, Scope(), "newer", 30)
    older = lab.target(data, lab.older_server("1.0.0"))
    try:
        older.start()
    except Refused:
        yield {"data": data}
        return
    finally:
        older.remove()
    raise RuntimeError("A server of 1.0.0 was started on a store of this release.")
