"""A target that takes only small requests gets small ones; what can never fit is said at once."""

import numpy as np
import pytest

from chromadrill.chroma import wire
from chromadrill.chroma.client import Chroma
from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.model import Scope
from chromadrill.disasters.faulty_proxy import faulty_proxy


@pytest.fixture(scope="module")
def export_file(server, tmp_path_factory):
    """400 records, together some 400 kB of request, the largest of them 9 kB."""
    with Chroma(server.url) as chroma:
        chroma.upsert(
            chroma.create_collection(Scope(), "wide"),
            ids=[f"w{n}" for n in range(400)],
            vectors=np.random.default_rng(1).normal(size=(400, 64)).astype(np.float32),
            documents=[f"text {n} " * 60 for n in range(399)] + ["long " * 1800],
            metadatas=[{"n": n} for n in range(400)],
        )
    path = tmp_path_factory.mktemp("export") / "wide.jsonl"
    words = ("backup", "--collection-name", "wide", "--url", server.url)
    assert invoke([*words, "--output-file", str(path)]) == cli.DONE
    return path


@pytest.fixture
def gateway(server):
    with faulty_proxy(server.url) as proxy:
        yield proxy


@pytest.fixture
def run(capfd, monkeypatch):
    """The exit code of a command, and all that it said."""
    monkeypatch.setattr(wire, "PAUSE_S", 0.0)

    def command(*words):
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.run(invoke, words)
        return ended.value.code, "".join(capfd.readouterr())

    return command


def names(server):
    with Chroma(server.url) as chroma:
        return {info.name for info in chroma.collections(Scope())}


@pytest.mark.slow
@pytest.mark.parametrize("limit", [100_000, 12_500])
def test_restore_sends_smaller_requests_where_large_ones_are_refused(
    run, server, gateway, export_file, limit
):
    gateway.largest_body = limit
    name = f"small-{limit}"
    code, text = run("restore", "--url", gateway.url, "--input-file", str(export_file),
                     "--into", name)  # fmt: skip
    assert code == cli.DONE, text
    with Chroma(server.url) as chroma:
        assert chroma.count(chroma.collection(Scope(), name)) == 400


def test_record_that_no_request_can_hold_is_named_with_the_limit(run, server, gateway, export_file):
    before = names(server)
    gateway.largest_body = 4_000
    code, text = run("restore", "--url", gateway.url, "--input-file", str(export_file),
                     "--into", "never")  # fmt: skip
    assert code == cli.UNKNOWN
    assert "record 'w399'" in text
    assert "max_payload_size_bytes" in text
    assert "same command" not in text
    assert names(server) == before


@pytest.mark.slow
def test_rate_limit_within_an_import_is_waited_for(run, gateway, export_file):
    gateway.largest_body = 20_000
    gateway.refuse = lambda number, path: 429 if number % 7 == 0 else None
    code, text = run("restore", "--url", gateway.url, "--input-file", str(export_file),
                     "--into", "limited")  # fmt: skip
    assert code == cli.DONE, text


@pytest.mark.parametrize(("status", "helps"), [(403, "headers"), (400, "Correct"), (503, "again")])
def test_next_command_is_the_same_one_only_where_that_can_help(
    run, gateway, export_file, status, helps
):
    gateway.refuse = lambda number, path: status if path.endswith("/upsert") else None
    code, text = run("restore", "--url", gateway.url, "--input-file", str(export_file),
                     "--into", "refused")  # fmt: skip
    assert code == cli.UNKNOWN
    assert helps in text
