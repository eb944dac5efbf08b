"""The flusher: it syncs on schedule and when index files are written, and ends cleanly."""

import json
import threading

import pytest

from chromadrill.backups.flusher import flusher, index_watch
from chromadrill.backups.flusher.index_watch import IndexWatch
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data" / "segment").mkdir(parents=True)
    (tmp_path / "data" / "chroma.sqlite3").write_bytes(b"")
    return tmp_path / "data"


@pytest.fixture
def syncs(monkeypatch):
    """Every sync of a volume, which the tests do not wait for."""
    made = []
    for module in (flusher, index_watch.kernel):
        monkeypatch.setattr(module, "sync_volume", made.append)
    return made


def test_index_is_synced_when_its_last_file_is_written_and_not_before(data, syncs):
    watch = IndexWatch(data)
    (data / "segment" / "data_level0.bin").write_bytes(b"x")
    watch.handle_events()
    assert syncs == []  # half an index would be on the disk
    (data / "segment" / "index_metadata.pickle").write_bytes(b"x")
    watch.handle_events()
    assert syncs == [data]
    watch.handle_events()
    assert syncs == [data]  # nothing was written since
    assert watch.syncs == 1


def test_segment_that_is_new_is_watched_and_the_database_is_not(data, syncs):
    watch = IndexWatch(data)
    (data / "new").mkdir()
    watch.handle_events()
    syncs.clear()
    (data / "chroma.sqlite3").write_bytes(b"x")
    (data / "chroma.sqlite3-journal").write_bytes(b"x")
    watch.handle_events()
    assert syncs == []
    (data / "new" / "index_metadata.pickle").write_bytes(b"x")
    watch.handle_events()
    assert syncs == [data]


def test_it_ends_when_asked_with_a_last_sync_and_a_heartbeat(data, syncs, tmp_path):
    stop, heartbeat = threading.Event(), tmp_path / "beat"
    thread = threading.Thread(
        target=lambda: flusher.flush(data, every_s=30, stop=stop, heartbeat=heartbeat)
    )
    thread.start()
    wait_until(heartbeat.exists, within_s=10, name="a heartbeat")
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert json.loads(heartbeat.read_bytes())["syncs"] == len(syncs) == 2
    assert flusher.is_alive(heartbeat)[0]


def test_sync_that_takes_longer_than_its_interval_is_said(data, monkeypatch):
    clock = iter(range(0, 100, 5))
    monkeypatch.setattr(flusher, "now", lambda: float(next(clock)))
    monkeypatch.setattr(flusher, "sync_volume", lambda _: None)
    stop, lines = threading.Event(), []
    stop.set()
    counts = flusher.flush(data, every_s=1, stop=stop, say=lines.append)
    assert (counts.late, counts.longest_s) == (1, 5.0)
    assert "A sync took 5.0 s, and one is wanted every 1 s" in lines[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "no flusher has run"),
        ("{", "no heartbeat"),
        ("[]", "no heartbeat"),
        ('{"at": "2026-01-01T00:00:00Z", "every_s": 1, "longest_s": 0}', "s are allowed"),
        ('{"at": "2999-01-01T00:00:00Z", "every_s": 1, "longest_s": 0}', "in the future"),
    ],
)
def test_flusher_without_a_young_heartbeat_is_dead(tmp_path, text, why):
    if text is not None:
        (tmp_path / "beat").write_text(text)
    lives, sentence = flusher.is_alive(tmp_path / "beat")
    assert not lives
    assert why in sentence


def test_volume_that_goes_is_said(data, tmp_path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Unavailable, match=r"no chroma.sqlite3"):
        flusher.flush(tmp_path, every_s=1, stop=stop)
    flusher.flush(data, every_s=1, stop=stop)  # a real sync
