"""`chromadrill validate`: what was proven, what was not, and which path was meant."""

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import Scope
from tests.conftest import fill


@pytest.fixture(scope="module")
def fingerprint_file(server, tmp_path_factory):
    """The server's fingerprint."""
    path = tmp_path_factory.mktemp("fingerprint") / "docs.fp"
    assert invoke(["fingerprint", "--url", server.url, "--output", str(path)]) == 0
    return path


def lines_of(capsys):
    return capsys.readouterr().out.splitlines()


# ---- what was proven ----------------------------------------------------------------------------
def test_without_a_fingerprint_first_and_last_line_say_that_nothing_was_compared(server, capsys):
    assert invoke(["validate", "--url", server.url, "--all"]) == 0
    first, *_, last = lines_of(capsys)
    assert "compared with nothing (no --fingerprint)" in first
    assert "self-consistent; nothing was compared: no fingerprint." in last
    assert last.endswith(
        f"Next: chromadrill fingerprint --url {server.url} --output chroma.fingerprint"
    )


def test_with_a_fingerprint_first_and_last_line_name_it(server, fingerprint_file, capsys):
    arguments = ["validate", "--url", server.url, "--all", "--fingerprint", str(fingerprint_file)]
    assert invoke(arguments) == 0
    first, *_, last = lines_of(capsys)
    assert f"compared with {fingerprint_file}: 30 records, taken " in first
    assert last == f"PASS: 1 collection, 30 records: equal to {fingerprint_file}."


def test_checks_that_were_not_run_share_a_line(server, capsys):
    invoke(["validate", "--url", server.url, "--all"])
    skipped = [line for line in lines_of(capsys) if line.startswith("not run")]
    assert "inventory, counts, records, configuration: no fingerprint given" in skipped[0]


# ---- a copy under another name ------------------------------------------------------------------
@pytest.fixture(scope="module")
def copy(server, fingerprint_file):
    """Such a collection as `restore --into copy` leaves: the same records under another name."""
    with Chroma(server.url) as chroma:
        fill(chroma, "copy")
        yield "copy"
        chroma.delete_collection(Scope(), "copy")


def validate_copy(server, fingerprint_file, *more):
    return invoke(
        ["validate", "--url", server.url, "--collection-name", "copy",
         "--fingerprint", str(fingerprint_file), *more]
    )  # fmt: skip


def test_copy_is_compared_with_its_original(server, copy, fingerprint_file, capsys):
    assert validate_copy(server, fingerprint_file, "--original", "docs") == 0
    assert "30 of 30 records compared" in capsys.readouterr().out


def test_altered_copy_differs_from_its_original(server, copy, fingerprint_file, capsys):
    with Chroma(server.url) as chroma:
        collection = chroma.collection(Scope(), "copy")
        (page,) = chroma.pages(collection)
        chroma.delete(collection, ["r7"])
        code = validate_copy(server, fingerprint_file, "--original", "docs")
        at = page.ids.index("r7")
        chroma.upsert(collection, ids=["r7"], vectors=page.vectors[at : at + 1],
                      documents=[page.documents[at]], metadatas=[page.metadatas[at]])  # fmt: skip
    assert code == 1
    assert "records          FAIL" in capsys.readouterr().out


def test_collection_that_the_fingerprint_lacks_is_never_compared_with_nothing_and_passed(
    server, copy, fingerprint_file, capsys
):
    assert validate_copy(server, fingerprint_file) == 1
    lines = lines_of(capsys)
    (records,) = [line for line in lines if line.startswith("records ")]
    assert "UNKNOWN  nothing was compared" in records
    assert lines[-1].endswith("Next: compare a copy under another name with --original NAME.")


def test_original_that_the_fingerprint_lacks_is_a_usage_error_with_the_nearest(
    server, copy, fingerprint_file
):
    with pytest.raises(UsageError, match="Did you mean 'docs'"):
        validate_copy(server, fingerprint_file, "--original", "doc")


def test_original_needs_a_fingerprint_and_a_collection(server):
    with pytest.raises(UsageError, match="--original needs --fingerprint and --collection-name"):
        invoke(["validate", "--url", server.url, "--all", "--original", "docs"])


def test_mistyped_collection_is_answered_with_the_nearest(server):
    with pytest.raises(Unavailable, match="Did you mean 'docs'"):
        invoke(["validate", "--url", server.url, "--collection-name", "dosc"])


# ---- a path that is no data directory -----------------------------------------------------------
@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with one data directory in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHROMA_URL", raising=False)
    (tmp_path / "chroma_data").mkdir()
    (tmp_path / "chroma_data" / "chroma.sqlite3").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").touch()
    (tmp_path / "docs.jsonl.zst").touch()
    return tmp_path


@pytest.mark.parametrize("command", ["validate --all", "fingerprint --output f"])
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("chroma_dat", "chroma_dat does not exist. Did you mean ./chroma_data?"),
        (".", "holds no chroma.sqlite3. Did you mean ./chroma_data?"),
        ("empty", "empty is no data directory of Chroma: it holds no chroma.sqlite3."),
        ("chroma_data/chroma.sqlite3", "is a file; --path names a data directory. Did you mean"
                                       " ./chroma_data?"),
        ("docs.jsonl.zst", "To prove a backup: chromadrill prove docs.jsonl.zst"),
    ],
)  # fmt: skip
def test_path_without_a_database_could_not_be_checked_and_the_nearest_is_named(
    folder, command, path, sentence
):
    with pytest.raises(Unavailable) as error:  # exit code 2
        invoke([*command.split(), "--path", path])
    assert sentence in str(error.value)


def test_given_a_fingerprint_a_missing_store_fails_and_the_nearest_is_named(
    folder, fingerprint_file, capsys
):
    code = invoke(["validate", "--all", "--path", "nope", "--fingerprint", str(fingerprint_file)])
    assert code == 1
    assert lines_of(capsys)[-1].endswith("nope does not exist. Did you mean ./chroma_data?")
