"""Collections that lack something, names that are taken, imports that are cut off at any rename."""

import dataclasses

import numpy as np
import pytest

from chromadrill.backups.export import importer, staging
from chromadrill.backups.export.exporter import export
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.places import all_to, places_named
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import Outcome, Scope
from tests.backups.export.comparator import differences
from tests.backups.export.conftest import ACME, PAIRS, SCOPES, has_no_export, names

BARE = {
    "vectors alone": {},
    "no documents": {"metadatas": [{"n": 1}, {"n": 2}, {"n": 3}]},
    "no metadata": {"documents": ["one", "two", "three"]},
    "lists alone": {"metadatas": [{"l": ["a"]}, {"l": ["b"]}, None]},
    "integers and floats": {"metadatas": [{"n": 1}, {"n": 1.5}, {"n": 2}]},
}


@pytest.mark.parametrize("columns", BARE.values(), ids=BARE)
def test_collection_that_lacks_something_comes_back_alone(empty, tmp_path, columns):
    with Chroma(empty.url) as chroma:
        info = chroma.create_collection(Scope(), "bare")
        chroma.upsert(info, ids=["a", "b", "c"], vectors=np.eye(3, dtype=np.float32), **columns)
        done = export(chroma, tmp_path / "e.jsonl", scopes=[Scope()])
        verdicts = importer.restore(chroma, open_export(done.path), into="again")
        assert [v for v in verdicts if v.outcome not in ("pass", "not_run")] == []
        assert chroma.count(chroma.collection(Scope(), "again")) == 3


def test_empty_collection_comes_back_alone(empty, tmp_path):
    with Chroma(empty.url) as chroma:
        chroma.create_collection(Scope(), "nothing", hnsw={"space": "ip"})
        done = export(chroma, tmp_path / "e.jsonl", scopes=[Scope()])
        verdicts = importer.restore(chroma, open_export(done.path), into="again")
        assert outcome_of(verdicts) is Outcome.PASS
        assert chroma.collection(Scope(), "again").space == "ip"


@pytest.mark.parametrize(
    "scope", [Scope("default_tenant", "defalt_database"), Scope("nobody", "default_database")]
)
def test_place_that_is_not_there_is_no_empty_backup(empty, tmp_path, scope):
    with (
        Chroma(empty.url) as chroma,
        pytest.raises(Unavailable, match=r"No (database|such tenant)"),
    ):
        export(chroma, tmp_path / "e.jsonl", scopes=[scope])
    assert has_no_export(tmp_path)


@pytest.mark.parametrize("into", ["", "ab", "a/b", "192.168.0.1", "x" * 513, "ünï", "a..b"])
def test_name_that_the_server_would_refuse_is_refused_before_anything_is_made(folder, into):
    with pytest.raises(UsageError):
        staging.plan(FirstCollection(open_export(folder)), into=into)


class FirstCollection:
    """An export of the first collection alone."""

    def __init__(self, export):
        (first, *_) = export.fingerprint.collections.items()
        self.sha256 = export.sha256
        self.fingerprint = dataclasses.replace(export.fingerprint, collections=dict([first]))


@pytest.mark.slow
def test_write_into_the_empty_collection_that_made_room_is_named_and_kept(
    source, empty, tmp_path, monkeypatch
):
    with Chroma(source.url) as chroma:
        done = export(chroma, tmp_path / "e.parquet", scopes=[ACME], name="tuned-ip")
    with Chroma(empty.url) as chroma:
        theirs = chroma.create_collection(Scope(), "tuned-ip")
        file = open_export(done.path)

        def rename_and_write(self, collection, name, real=Chroma.rename_collection):
            real(self, collection, name)
            if name.endswith("-aside"):
                self.upsert(theirs, ids=["late"], vectors=np.ones((1, 4), np.float32))

        with monkeypatch.context() as patched:
            patched.setattr(Chroma, "rename_collection", rename_and_write)
            verdicts = importer.restore(chroma, file, places=all_to(file, Scope()))
        assert outcome_of(verdicts) is Outcome.UNKNOWN
        assert "a client wrote" in verdicts[-1].message
        assert chroma.count(theirs) == 1
        chroma.delete_collection(Scope(), "tuned-ip")
        with pytest.raises(Refused, match="holds what a client wrote"):
            importer.restore(chroma, file, places=all_to(file, Scope()))
        assert chroma.count(theirs) == 1


@pytest.mark.slow
def test_import_whose_staging_another_one_took_over_names_nothing(
    source, empty, folder, monkeypatch
):
    """Two restores of one export at once: what is renamed is what was proven, by its id."""
    infos = []

    def begin_another(self, collection, name, real=Chroma.rename_collection):
        if not infos:  # the other run removes what is staged, and is half-way
            infos.extend(i for scope in SCOPES for i in self.collections(scope))
            for info in infos:
                assert info.name.startswith(staging.STAGING)
                self.delete_collection(info.scope, info.name)
                self.create_collection(info.scope, info.name)
        real(self, collection, name)

    with Chroma(empty.url) as chroma:
        with monkeypatch.context() as patched:
            patched.setattr(Chroma, "rename_collection", begin_another)
            with pytest.raises(Unavailable, match="the rest was not restored"):
                importer.restore(chroma, open_export(folder))
        leftovers = names(chroma) | names(chroma, ACME)
        assert all(name.startswith(staging.STAGING) for name in leftovers)
        assert outcome_of(importer.restore(chroma, open_export(folder))) is Outcome.PASS


@pytest.mark.slow
def test_kill_at_any_rename_over_empty_collections_is_finished_by_the_next_run(
    source, empty, folder, monkeypatch
):
    for stop_after in (1, 2, 4):
        renames = []

        def rename_some(
            self, collection, name, real=Chroma.rename_collection, renames=renames, n=stop_after
        ):
            if len(renames) == n:
                raise KeyboardInterrupt
            renames.append(name)
            real(self, collection, name)

        with Chroma(empty.url) as chroma:
            for name in ("legacy", "emptied"):
                if name not in names(chroma):
                    chroma.create_collection(Scope(), name)
            with monkeypatch.context() as patched:
                patched.setattr(Chroma, "rename_collection", rename_some)
                with pytest.raises(KeyboardInterrupt):
                    importer.restore(chroma, open_export(folder))
            assert outcome_of(importer.restore(chroma, open_export(folder))) is Outcome.PASS
            leftovers = names(chroma) | names(chroma, ACME)
            assert not [name for name in leftovers if name.startswith(staging.STAGING)]
            assert differences(source.url, empty.url, PAIRS, legacy=["legacy"]) == []
            for scope in SCOPES:
                for name in names(chroma, scope):
                    chroma.delete_collection(scope, name)


def test_url_that_is_none_is_a_sentence():
    for url in ("http://127.0.0.1:abc", "http://[::1"):
        with pytest.raises(UsageError, match="is no URL"):
            Chroma(url)


@pytest.mark.parametrize("text", ["default_tenant/defualt_database=default_tenant/copy",
                                  "acme/eu/prd=acme/eu/copy", "a/b=c/d=e/f"])  # fmt: skip
def test_misspelt_database_of_a_move_is_not_the_name_of_a_new_tenant(folder, text):
    with pytest.raises(UsageError, match="the export holds no such database"):
        places_named(open_export(folder), [text])


def test_place_may_have_an_equals_sign_in_its_name(folder):
    export = open_export(folder)
    assert set(places_named(export, ["a=b/c"]).values()) == {Scope("a=b", "c")}
    assert places_named(export, ["acme/eu/prod=a=b/c"]) == {ACME: Scope("a=b", "c")}
