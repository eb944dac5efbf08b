"""From server to file to server: all of it, or nothing that looks like it."""

import os
from contextlib import contextmanager

import numpy as np
import pytest

from chromadrill.backups.detect import open_existing
from chromadrill.backups.export import importer, staging
from chromadrill.backups.export.exporter import export
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.places import all_to
from chromadrill.backups.export.types import TornExport
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.distance_metric import true_space
from chromadrill.core import process_tags
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import Outcome, Scope
from chromadrill.drill.backup_proof import prove
from chromadrill.workload.writer import BATCH, Writer
from tests.backups.export.comparator import differences
from tests.backups.export.conftest import ACME, PAIRS, SCOPES, has_no_export, names, records


@pytest.mark.parametrize(
    "suffix",
    # what the formats keep of a record is told apart without servers: test_round_trip.py
    ["", *(pytest.param(name, marks=pytest.mark.slow) for name in (".json", ".jsonl.zst"))],
)
def test_whole_database_comes_back(source, empty, tmp_path, suffix):
    with Chroma(source.url) as chroma:
        done = export(chroma, tmp_path / f"e{suffix}", scopes=SCOPES)
    with Chroma(empty.url) as chroma:
        verdicts = importer.restore(chroma, open_export(done.path))
        legacy = chroma.collection(Scope(), "legacy")
        metric = true_space(chroma, legacy)
    empty.stop()
    empty.start()

    assert [v for v in verdicts if v.outcome is not Outcome.PASS] == []
    assert differences(source.url, empty.url, PAIRS, legacy=["legacy"]) == []
    assert metric == "cosine"
    assert legacy.metadata == {"hnsw:space": "cosine"}


@pytest.mark.slow
def test_comparator_sees_a_changed_record(source, empty, folder):
    """The judge of the test above can go red."""
    with Chroma(empty.url) as chroma:
        importer.restore(chroma, open_export(folder))
        info = chroma.collection(ACME, "tuned-ip")
        chroma.update_metadata(info, ["r/1 é\t"], [{"b": False}])
    (difference,) = differences(source.url, empty.url, PAIRS, legacy=["legacy"])
    assert "r/1" in difference


@pytest.mark.slow
def test_export_is_proven_on_a_scratch_server(folder, tmp_path):
    backup = open_existing(folder, tmp_path)
    counts, verdicts, _ = prove(backup)

    assert sum(counts.values()) == 360
    assert outcome_of([backup.files, *verdicts, backup.compare_original()]) is Outcome.PASS
    assert {"canary", "records (restarted)"} <= {v.check for v in verdicts}


def test_altered_export_is_not_proven(folder, tmp_path):
    copy = tmp_path / "copy.jsonl"
    copy.write_text("{}")
    assert outcome_of(prove(open_existing(copy, tmp_path))[1]) is Outcome.FAIL


# ---- where it may go ----------------------------------------------------------------------------
def test_collection_that_is_not_empty_is_refused_and_nothing_is_made(source, empty, folder):
    with Chroma(empty.url) as chroma:
        mine = chroma.create_collection(Scope(), "legacy")
        chroma.upsert(mine, **records(3, 16))
        with pytest.raises(Refused, match="not empty: it holds 3 records"):
            importer.restore(chroma, open_export(folder))
        assert names(chroma) == {"legacy"}
        assert chroma.count(mine) == 3
        assert not chroma.tenant_exists(ACME.tenant)


@pytest.mark.slow
def test_empty_collection_of_that_name_makes_room(source, empty, tmp_path):
    with Chroma(source.url) as chroma:
        done = export(chroma, tmp_path / "e.parquet", scopes=[ACME], name="tuned-ip")
    with Chroma(empty.url) as chroma:
        chroma.create_collection(Scope(), "tuned-ip", hnsw={"space": "l2"})
        file = open_export(done.path)
        verdicts = importer.restore(chroma, file, places=all_to(file, Scope()))
        back = chroma.collection(Scope(), "tuned-ip")
        assert outcome_of(verdicts) is Outcome.PASS
        assert back.configuration["hnsw"]["space"] == "ip"
        assert back.configuration["embedding_function"]["config"] == {"model": "m"}
        assert names(chroma) == {"tuned-ip"}


def test_collection_comes_back_beside_the_original(empty, tmp_path):
    with Chroma(empty.url) as chroma:
        chroma.upsert(chroma.create_collection(Scope(), "docs"), **records(40, 8))
        done = export(chroma, tmp_path / "e.jsonl", scopes=[Scope()])
        assert outcome_of(importer.restore(chroma, open_export(done.path), into="beside")) == "pass"
        assert names(chroma) == {"docs", "beside"}
        file = export_of_one_name_twice(chroma, tmp_path)
        with pytest.raises(UsageError, match="--scope would bring"):
            staging.plan(file, into=None, places=all_to(file, ACME))


def export_of_one_name_twice(chroma, tmp_path):
    """An export in which two scopes hold a collection of one name."""
    chroma.create_tenant(ACME.tenant)
    chroma.create_database(ACME)
    chroma.create_collection(ACME, "docs")
    path = tmp_path / "two.jsonl"
    export(chroma, path, scopes=[Scope(), ACME], name="docs")
    return open_export(path)


@pytest.mark.slow
def test_lists_of_a_dropped_collection_do_not_haunt_the_new_one(source, empty, tmp_path):
    """Chroma gives new records the list metadata of dropped ones (issue 7594)."""
    with Chroma(source.url) as chroma:
        done = export(chroma, tmp_path / "e.jsonl", scopes=[ACME])
    with Chroma(empty.url) as chroma:
        other = chroma.create_collection(Scope(), "other")
        ghosts = [{"ghost": ["boo"]}] * 60
        chroma.upsert(
            other, ids=[f"g{n}" for n in range(60)], vectors=np.ones((60, 2)), metadatas=ghosts
        )
        chroma.delete_collection(Scope(), "other")
        haunted = chroma.create_collection(Scope(), "haunted")
        chroma.upsert(haunted, **records(10, 8))
        metadatas = chroma.get(haunted, include=("metadatas",))["metadatas"]
        assert all(metadata["ghost"] == ["boo"] for metadata in metadatas)
        chroma.delete_collection(Scope(), "haunted")
        verdicts = importer.restore(chroma, open_export(done.path))
    assert outcome_of(verdicts) is Outcome.PASS


# ---- what goes wrong ----------------------------------------------------------------------------
@pytest.mark.slow
def test_export_under_a_writer_is_torn_and_leaves_no_file(empty, tmp_path):
    @contextmanager
    def once_written(name, total):
        del total
        if name == "export":  # what it is held against was read
            writer.wait_for(len(writer.acknowledged) + 2 * BATCH)
        yield lambda done: None

    with Chroma(empty.url) as chroma:
        info = chroma.create_collection(Scope(), "docs")
        with Writer(empty.url, info) as writer:
            writer.wait_for(50)
            with pytest.raises(TornExport, match="written to while it was exported"):
                export(
                    chroma,
                    tmp_path / "e.jsonl",
                    scopes=[Scope()],
                    retry=1,
                    progress=once_written,
                )
        assert has_no_export(tmp_path)
        assert export(chroma, tmp_path / "e.jsonl", scopes=[Scope()]).tries == 1


def once_at(work, act):
    """A progress that calls `act` once, at the first record of `work`."""
    calls = []

    @contextmanager
    def progress(name, total):
        del total

        def advance(done):
            if name == work and not calls:
                calls.append(done)
                act()

        yield advance

    return progress


def test_quiet_moment_is_found_by_trying_again(empty, tmp_path):
    with Chroma(empty.url) as chroma:
        info = chroma.create_collection(Scope(), "docs")
        chroma.upsert(info, **records(20, 8))
        write = once_at("export", lambda: chroma.delete(info, [records(1, 8)["ids"][0]]))
        done = export(chroma, tmp_path / "e.jsonl", scopes=[Scope()], retry=2, progress=write)
    assert done.tries == 2


@pytest.mark.parametrize("work", ["fingerprint", "export"])
def test_server_that_dies_during_an_export_leaves_no_file(empty, tmp_path, work):
    with Chroma(empty.url, timeout_s=5) as chroma:
        for name in ("docs", "more"):
            chroma.upsert(chroma.create_collection(Scope(), name), **records(40, 8))
        with pytest.raises(Unavailable, match=r"Nothing was kept|No fingerprint"):
            export(
                chroma,
                tmp_path / "e.jsonl",
                scopes=[Scope()],
                progress=once_at(work, empty.kill),
            )
    assert has_no_export(tmp_path)


@pytest.mark.slow
def test_import_that_was_cut_off_is_not_found_under_its_name_and_starts_anew(source, empty, folder):
    with Chroma(empty.url, timeout_s=5) as chroma:
        with pytest.raises(Unavailable, match="the rest was not restored"):
            importer.restore(chroma, open_export(folder), progress=once_at("import", empty.kill))
        empty.start()
        leftovers = names(chroma) | names(chroma, ACME)
        assert leftovers
        assert all(name.startswith(staging.STAGING) for name in leftovers)
        assert outcome_of(importer.restore(chroma, open_export(folder))) is Outcome.PASS
    assert differences(source.url, empty.url, PAIRS, legacy=["legacy"]) == []


@pytest.mark.slow
def test_import_killed_between_two_renames_is_finished_by_the_next_run(
    source, empty, folder, monkeypatch
):
    renames = []

    def rename_one_only(self, collection, name, real=Chroma.rename_collection):
        if renames:
            raise KeyboardInterrupt
        renames.append(name)
        real(self, collection, name)

    with Chroma(empty.url) as chroma:
        with monkeypatch.context() as patched:
            patched.setattr(Chroma, "rename_collection", rename_one_only)
            with pytest.raises(KeyboardInterrupt):
                importer.restore(chroma, open_export(folder))
        assert any(name.startswith(staging.STAGING) for name in names(chroma))
        assert outcome_of(importer.restore(chroma, open_export(folder))) is Outcome.PASS
        assert not any(name.startswith(staging.STAGING) for name in names(chroma))
    assert differences(source.url, empty.url, PAIRS, legacy=["legacy"]) == []


@pytest.mark.slow
def test_export_that_cannot_be_written_leaves_nothing(source, tmp_path):
    import resource
    import signal

    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, was[1]))
    try:
        with Chroma(source.url) as chroma:
            for suffix in ("", ".json", ".jsonl.zst"):
                with pytest.raises(Unavailable, match="Nothing was kept"):
                    export(chroma, tmp_path / f"e{suffix}", scopes=SCOPES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
        signal.signal(signal.SIGXFSZ, quiet)
    assert has_no_export(tmp_path)


def test_folder_that_is_there_and_leftovers_of_the_living_are_not_touched(source, tmp_path):
    (tmp_path / "e").mkdir()
    living, dead = (process_tags.tag(pid) for pid in (os.getppid(), 4194300))
    (tmp_path / f".f.jsonl.{living}.partial").touch()
    (tmp_path / f".f.jsonl.{dead}.partial").touch()
    with Chroma(source.url) as chroma:
        with pytest.raises(Refused, match="exists already"):
            export(chroma, tmp_path / "e", scopes=[Scope()])
        export(chroma, tmp_path / "f.jsonl", scopes=[Scope()], name="legacy")
    files = {file.name for file in tmp_path.iterdir()}
    assert files == {"e", "f.jsonl", f".f.jsonl.{living}.partial"}
