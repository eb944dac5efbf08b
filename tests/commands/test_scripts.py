"""The runbook's scripts, run as on-call types them."""

import json

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from tests.commands.run import script


@pytest.fixture(scope="module")
def fingerprint_file(server, tmp_path_factory):
    """The server's fingerprint, taken by the script."""
    path = tmp_path_factory.mktemp("f") / "f"
    ran = script("fingerprint_chromadb.py", "--url", server.url, "--output", str(path), "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["collections"][0]["count"] == 30
    return path


def test_unchanged_database_is_proven(server, fingerprint_file):
    ran = script("validate_chromadb.py", "--all", "--url", server.url, "--fingerprint",
                 str(fingerprint_file), "--json")  # fmt: skip
    answer = json.loads(ran.stdout)

    assert ran.returncode == 0
    assert answer["outcome"] == "pass"
    assert answer["collections"][0]["outcome"] == "pass"


def test_changed_database_differs_and_the_record_is_named(server, fingerprint_file):
    with Chroma(server.url) as chroma:
        docs = chroma.collection(Scope(), "docs")
        (page,) = chroma.pages(docs)
        chroma.delete(docs, ["r7"])
        ran = script("validate_chromadb.py", "--collection-name", "docs", "--url", server.url,
                     "--fingerprint", str(fingerprint_file), "--json")  # fmt: skip
        at = page.ids.index("r7")
        chroma.upsert(
            docs,
            ids=["r7"],
            vectors=page.vectors[at : at + 1],
            documents=[page.documents[at]],
            metadatas=[page.metadatas[at]],
        )
    answer = json.loads(ran.stdout)

    assert ran.returncode == 1
    assert any(d["ids"] == ["r7"] for d in answer["collections"][0]["differences"])


def test_validate_without_fingerprint_judges_what_it_can(server):
    ran = script("validate_chromadb.py", "--all", "--url", server.url)
    assert ran.returncode == 0
    assert "nothing to compare with" in ran.stdout


@pytest.mark.parametrize(("least", "code"), [("30", 0), ("31", 1)])
def test_counts_are_judged(server, least, code):
    ran = script("validate_collection_counts.py", "--url", server.url, "--expected-min", least)
    assert ran.returncode == code


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("validate_chromadb.py", ["--all"]),
        ("fingerprint_chromadb.py", []),
        ("validate_collection_counts.py", []),
    ],
)
def test_server_that_does_not_answer_is_2_and_a_sentence(tmp_path, name, options):
    more = ["--output", str(tmp_path / "f")] if name.startswith("fingerprint") else []
    ran = script(name, "--url", "http://127.0.0.1:9", *options, *more, "--json")
    assert ran.returncode == 2
    assert "No answer from" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize(
    "options", [["--all"], ["--nope"], [], ["--all", "--url", "x", "--scope", "y"]]
)
def test_wrong_usage_is_64(options):
    ran = script("validate_chromadb.py", *options)
    assert ran.returncode == 64
    assert "Traceback" not in ran.stderr


def test_foreign_fingerprint_is_2(server, tmp_path):
    (tmp_path / "f").write_text("not one")
    ran = script("validate_chromadb.py", "--all", "--url", server.url, "--fingerprint",
                 str(tmp_path / "f"))  # fmt: skip
    assert ran.returncode == 2
    assert "not a whole, unaltered fingerprint" in ran.stderr
