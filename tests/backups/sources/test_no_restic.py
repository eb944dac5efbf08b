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
