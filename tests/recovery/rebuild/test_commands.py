"""The runbook's commands of RB-3: a usage error and what is missing are sentences and exit codes."""

import pytest

from chromadrill.core.model import Scope
from tests.commands.run import script

REBUILD = ("rebuild_chromadb.py", "--from-postgresql", "--collection-name", "docs")
REGENERATE = ("regenerate_embeddings.py", "--source", "manual_content")


def run_script(name, *args, **environment):
    ran = script(name, *args, **environment)
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("rebuild_chromadb.py", "--url", "x"), "--from-postgresql"),
        ((*REBUILD, "--url", "x", "--since", "yesterday"), "'yesterday' is no time"),
        ((*REBUILD, "--url", "x", "--batch-size", "0"), "1 or more"),
        ((*REBUILD, "--url", "x", "--source", "manual_contents"), "mean 'manual_content'"),
        (("regenerate_embeddings.py", "--url", "x"), "--source"),
        ((*REBUILD,), "--url"),
    ],
    ids=range(6),
)
def test_usage_error_is_64(args, message):
    code, errors = run_script(*args)
    assert (code, message in errors) == (64, True), errors


@pytest.mark.slow
def test_what_is_missing_is_2_and_named(table, chroma_home):
    server = {"CHROMA_URL": chroma_home.url}
    code, errors = run_script(*REBUILD, **server)
    assert (code, "DATABASE_URL is not set" in errors) == (2, True), errors
    code, errors = run_script(*REBUILD, CHROMA_URL="http://127.0.0.1:9", DATABASE_URL=table.url)
    assert (code, "No answer from" in errors) == (2, True), errors
    code, errors = run_script(
        *REBUILD, **server, DATABASE_URL="postgresql://u:geheim@127.0.0.1:9/d"
    )
    assert (code, "does not answer" in errors, "geheim" in errors) == (2, True, False), errors
    nowhere = {"DRILL_EMBEDDING__DIRECTORY": "/nowhere/at/all"}
    code, errors = run_script(*REBUILD, **server, **nowhere, DATABASE_URL=table.url)
    assert (code, "/nowhere" in errors, "chromadrill fetch-model" in errors) == (2, True, True)
    code, errors = run_script(*REGENERATE, "--from-documents", **server)
    assert (code, "its documents are gone" in errors) == (2, True), errors
    assert table.names() == []


@pytest.mark.slow
def test_half_done_swap_is_undone_only_when_the_source_is_there(table, chroma_home):
    table.rebuild()
    table.chroma.create_collection(Scope(), "docs.rebuilding")
    table.chroma.rename_collection(table.collection(), "docs.before-rebuild")
    code, errors = run_script(*REBUILD, CHROMA_URL=chroma_home.url)
    assert (code, "DATABASE_URL is not set" in errors, "undone" in errors) == (2, True, False)
    assert sorted(table.names()) == ["docs.before-rebuild", "docs.rebuilding"]

    nowhere = {"DRILL_EMBEDDING__DIRECTORY": "/nowhere/at/all"}
    code, errors = run_script(
        *REBUILD, CHROMA_URL=chroma_home.url, DATABASE_URL=table.url, **nowhere
    )
    assert (code, "was undone" in errors) == (2, True), errors
    assert sorted(table.names()) == ["docs", "docs.rebuilding"]
