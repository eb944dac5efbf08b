"""What is said of a restic repository before restic is asked."""

import pytest

from chromadrill.backups.sources.restic import parse_source
from chromadrill.core.errors import Unavailable, UsageError


def test_missing_restic_says_how_to_install_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="restic is not installed") as raised:
        parse_source("production", "restic:/srv/repository", 60).artefacts()
    assert raised.value.next_step == "apt-get install restic"


@pytest.mark.parametrize("text", ["restic:", "restic:/srv/r#", "restic:#tag"])
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
    restic = tmp_path / "restic"
    restic.write_text(f"#!/bin/sh\necho '{last_words}' >&2\nexit 1\n")
    restic.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Unavailable) as raised:
        parse_source("production", "restic:/srv/repository", 60).artefacts()
    end = last_words if last_words.endswith("?") else f"{last_words}."
    assert f"{end} {next_step}" in str(raised.value)
