"""Backups of a server that holds more than they do: what they leave out is no damage in them."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from chromadrill.backups.detect import open_existing
from chromadrill.backups.export.exporter import export
from chromadrill.backups.under_writers import prove_copy
from chromadrill.checks.suite import judge_files, outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest
from chromadrill.chroma.fingerprint.recording import record_server
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.model.window import BackupWindow
from chromadrill.drill.backup_proof import prove
from chromadrill.drill.one_collection import narrow_scopes
from chromadrill.targets.process.target import ProcessTarget

APP, ACME = Scope("default_tenant", "app"), Scope("acme", "app")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Records in a second database of the default tenant, and in another tenant's."""
    target = ProcessTarget(tmp_path_factory.mktemp("server") / "home", owner=os.getpid())
    try:
        target.start()
        with Chroma(target.url) as chroma:
            chroma.create_tenant(ACME.tenant)
            for scope in (APP, ACME):
                chroma.create_database(scope)
                info = chroma.create_collection(scope, "docs")
                vectors = np.random.default_rng(1).normal(size=(20, 8)).astype(np.float32)
                chroma.upsert(info, ids=[f"r{n}" for n in range(20)], vectors=vectors)
        yield target
    finally:
        target.remove()


def recorded(server, *scopes):
    with Chroma(server.url) as chroma:
        return record_server(chroma, scopes).fingerprint


def bad(verdicts):
    return [one for one in verdicts if one.outcome not in (Outcome.PASS, Outcome.NOT_RUN)]


@pytest.mark.slow
def test_export_of_a_second_database_is_proven_also_between_recordings(server, tmp_path):
    """Every server makes the default database; recordings list it, the export does not hold it."""
    before = recorded(server, APP)
    with Chroma(server.url) as chroma:
        done = export(chroma, tmp_path / "night.jsonl.zst", scopes=[APP])
    window = BackupWindow(before, recorded(server, APP))
    backup = open_existing(done.path, tmp_path)
    assert Scope() in before.databases
    assert bad(prove(backup).verdicts) == []
    assert bad(prove(backup, window).verdicts) == []


@pytest.fixture
def copy(server, tmp_path) -> Path:
    server.pause()
    try:
        return shutil.copytree(server.data, tmp_path / "copy")
    finally:
        server.unpause()


def test_copy_that_was_proven_of_some_tenants_is_equal_to_itself(server, copy):
    """A snapshot under writers keeps such a fingerprint: the other tenant in its files is no extra."""
    proven = prove_copy(copy, recorded(server, APP), server.url, "clients wrote")
    assert outcome_of(judge_files(at_rest.observe(copy, like=proven.fingerprint),
                                  proven.fingerprint)) is Outcome.PASS  # fmt: skip


def test_fingerprint_of_files_covers_every_tenant_until_it_is_cut(copy):
    whole = at_rest.fingerprint(copy)
    part = narrow_scopes(whole, [APP])
    assert (whole.covers_every_tenant, part.covers_every_tenant) == (True, False)
    assert bad(judge_files(at_rest.observe(copy, [APP], like=part), part)) == []
    # what it covers and does not name is one too many
    without = dataclasses.replace(part, taken=whole.taken)
    (verdict,) = bad(judge_files(at_rest.observe(copy, [APP], like=without), without))
    assert "acme/app" in verdict.message
