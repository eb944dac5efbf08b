"""What is said of a restic repository before restic is asked."""

import json

import pytest

from chromadrill.backups.sources.restic import parse_source
from chromadrill.core.errors import Unavailable, UsageError


def fake_restic(folder, monkeypatch, script):
    """A restic that does what `script` says."""
    (folder / "restic").write_text(f"#!/bin/sh\n{script}")
    (folder / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_missing_restic_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="restic is not installed") as raised:
        parse_source("production", "restic:/srv/repository", 60).artefacts()
    assert raised.value.next_step == "apt-get install restic"


@pytest.mark.parametrize(
    "text", ["restic:", "restic:/srv/r#", "restic:#tag", "restic:/srv/r#host=", "restic:#host=a"]
)
def test_source_with_an_empty_part_is_a_usage_error(text):
    with pytest.raises(UsageError):
        parse_source("production", text, 60)


@pytest.mark.parametrize(
    ("last_words", "next_step"),
    [
        ("Fatal: wrong password or no key found", "Set RESTIC_PASSWORD_FILE"),
        ("Is there a repository at the following location?", "Is its disk mounted"),
    ],
)
def test_next_step_begins_a_sentence_after_the_last_words(
    tmp_path, monkeypatch, last_words, next_step
):
    fake_restic(tmp_path, monkeypatch, f"echo '{last_words}' >&2\nexit 1\n")
    with pytest.raises(Unavailable) as raised:
        parse_source("production", "restic:/srv/repository", 60).artefacts()
    end = last_words if last_words.endswith("?") else f"{last_words}."
    assert f"{end} {next_step}" in str(raised.value)


@pytest.fixture
def two_hosts(tmp_path, monkeypatch):
    """A repository to which two servers back up the same path. Returns restic's arguments so far."""
    rows = [
        {"short_id": host[:4], "time": f"{day}T02:00:00Z", "paths": ["/srv"], "hostname": host}
        for host, day in (("production", "2026-11-01"), ("staging", "2026-11-28"))
    ]
    arguments = tmp_path / "arguments"
    fake_restic(tmp_path, monkeypatch, f"echo \"$@\" >>{arguments}\necho '{json.dumps(rows)}'\n")
    return lambda: arguments.read_text()


@pytest.mark.parametrize("which", ["", "#nightly", "#/srv/chroma"])
def test_snapshots_of_several_hosts_are_not_taken_for_those_of_one(two_hosts, which):
    with pytest.raises(Unavailable, match="several hosts: production; staging") as raised:
        parse_source("production", f"restic:/srv/r{which}", 60).artefacts()
    assert f"restic:/srv/r{which}#host=NAME" in raised.value.next_step


@pytest.mark.parametrize("which", ["", "#nightly", "#/srv/chroma"])
def test_host_that_is_named_is_asked_for(two_hosts, which):
    source = parse_source("production", f"restic:/srv/r{which}#host=production", 60)
    source.artefacts()
    assert "--host production" in two_hosts()
    assert "host production" in source.where


def test_any_host_takes_the_snapshots_of_all(two_hosts):
    artefacts = parse_source("production", "restic:/srv/r#nightly#host=*", 60).artefacts()
    assert [artefact.id for artefact in artefacts] == ["stag", "prod"]
    assert "--host" not in two_hosts()
