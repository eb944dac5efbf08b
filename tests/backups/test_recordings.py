"""The folder of recordings: what lies on both sides of a backup, and what expires."""

import dataclasses
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.backups.recordings import Recordings
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core.clock import time_text
from tests.conftest import fingerprint, page, printed

START = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def one_of(taken_at, seconds=60.0, **changes):
    finished_at = time_text(taken_at + timedelta(seconds=seconds))
    base = fingerprint(printed(page(), answers=(), recall=None))
    return dataclasses.replace(
        base, **{"taken_at": time_text(taken_at), "finished_at": finished_at, **changes}
    )


@pytest.fixture
def recordings(tmp_path):
    return Recordings(tmp_path / "recordings" / "production")


def names(recordings):
    return sorted(path.name for path in recordings.folder.iterdir())


def test_two_that_begin_in_the_same_second_are_both_kept_though_written_at_once(
    recordings, monkeypatch
):
    both, write = threading.Barrier(2), fingerprint_file._write
    first = iter([both.wait, both.wait])

    def write_together(*args):
        next(first, lambda timeout: None)(timeout=20)  # no name is taken before both have looked
        write(*args)

    monkeypatch.setattr(fingerprint_file, "_write", write_together)
    with ThreadPoolExecutor(2) as threads:
        kept = list(threads.map(recordings.keep, [one_of(START), one_of(START, seconds=90)]))
    assert names(recordings) == ["20261129T020000Z-2.fingerprint", "20261129T020000Z.fingerprint"]
    ends = {recording.path: recording.finished_at for recording in recordings.all()}
    assert ends == {recording.path: recording.finished_at for recording in kept}


def test_folder_that_is_not_there_holds_no_recording(recordings):
    assert recordings.all() == []
    assert recordings.around(START) == (None, None)
    assert recordings.expire(1) == []


def test_recording_is_a_whole_file_of_its_owner_named_by_its_time(recordings):
    kept = recordings.keep(one_of(START))
    assert names(recordings) == ["20261129T020000Z.fingerprint"]
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert (kept.taken_at, kept.finished_at) == (START, START + MINUTE)
    assert recordings.all() == [kept]
    assert kept.load().records == 3


def test_two_recordings_that_begin_in_one_second_are_both_kept(recordings):
    one, other = recordings.keep(one_of(START)), recordings.keep(one_of(START, 30))
    assert one.path != other.path
    assert len(recordings.all()) == 2


def test_backup_lies_between_one_that_had_finished_and_one_that_began_later(recordings):
    early, before, after, late = (
        recordings.keep(one_of(START + at * MINUTE, seconds=5 * 60)) for at in (-60, -10, 10, 60)
    )
    assert recordings.around(START) == (before, after)
    assert recordings.around(START - 7 * MINUTE) == (early, after)  # `before` was under way
    assert recordings.around(START + 12 * MINUTE) == (before, late)  # `after` was under way
    assert recordings.around(START - 2 * DAY) == (None, early)
    assert recordings.around(START + DAY) == (late, None)
    # a copy that took longer than it was until the next recording
    assert recordings.around(START, START + 12 * MINUTE) == (before, late)


def test_time_of_whole_seconds_may_be_any_of_that_second(recordings):
    half = timedelta(milliseconds=500)
    one, other = recordings.keep(one_of(START + half)), recordings.keep(one_of(START + MINUTE))
    assert recordings.around(START)[1] == other
    assert recordings.around(START + half / 2)[1] == one


def test_fingerprint_of_an_older_release_had_finished_when_it_was_taken(recordings):
    recordings.keep(one_of(START, finished_at=None))
    (kept,) = recordings.all()
    assert kept.finished_at == kept.taken_at == START


def test_head_of_an_older_release_is_read(tmp_path):
    head = fingerprint_file.head_of(one_of(START))
    del head["finished_at"]
    assert fingerprint_file.from_head(head).finished_at is None


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_file_that_is_none_is_left_out_and_named(recordings, content):
    kept = recordings.keep(one_of(START))
    other = recordings.folder / "20261130T020000Z.fingerprint"
    other.write_bytes(kept.path.read_bytes()[:300] if content is None else content)
    assert recordings.all() == [kept]
    assert recordings.unreadable() == [other]
    assert recordings.expire(1, START + 400 * DAY) == []


def test_recordings_expire_by_their_age_and_the_newest_two_never(recordings):
    kept = [recordings.keep(one_of(START + at * DAY)) for at in range(5)]
    now = START + 4 * DAY + MINUTE
    assert recordings.expire(10, now) == []
    assert recordings.expire(2.5, now) == [one.path for one in kept[:2]]
    assert recordings.expire(2.5, now + 100 * DAY) == [kept[2].path]
    assert recordings.all() == kept[3:]


def test_what_no_recording_wrote_never_expires(recordings):
    for at in range(4):
        recordings.keep(one_of(START + at * DAY))
    theirs = ["monday.fingerprint", "notes.txt", ".hidden.fingerprint", ".x.fingerprint.12345678"]
    fingerprint_file.save(one_of(START - 100 * DAY), recordings.folder / theirs[0])
    for name in theirs[1:]:
        (recordings.folder / name).write_text("mine")
        os.utime(recordings.folder / name, (0, 0))
    assert len(recordings.expire(1, START + 400 * DAY)) == 2
    assert set(theirs) < set(names(recordings))
    before, _ = recordings.around(START - 50 * DAY)
    assert before.path.name == "monday.fingerprint"  # used, all the same


def test_what_a_killed_writer_left_is_removed_a_day_later(recordings):
    recordings.keep(one_of(START))
    partial = recordings.folder / ".20261129T020000Z.fingerprint.12ab34cd"
    partial.write_text("half")
    recordings.expire(35)
    assert partial.exists()
    os.utime(partial, (0, 0))
    recordings.expire(35)
    assert not partial.exists()
