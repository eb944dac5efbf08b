"""Which recordings lie around a backup, whose source may not know exactly when it was made."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.backups.recordings import Recordings
from chromadrill.core.clock import time_text
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Artefact
from chromadrill.core.settings import BackupTable, Settings
from chromadrill.drill import recordings_around
from chromadrill.drill.recordings_around import surroundings
from tests.conftest import fingerprint, page, printed

NIGHT = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def recordings(tmp_path):
    return Recordings(tmp_path / "recordings")


def one_of(begun_at, **changes):
    """A fingerprint that took a minute. `changes`: of its page of records."""
    base = fingerprint(printed(page(**changes), answers=(), recall=None))
    finished_at = time_text(begun_at + MINUTE)
    return dataclasses.replace(base, taken_at=time_text(begun_at), finished_at=finished_at)


@pytest.fixture
def around(recordings):
    """The times of the recordings around a backup of NIGHT, and whether the second one is live."""

    def find(*, newest_file_at=None, sealed_at=None, both_or_none=False, target=None, **changes):
        table = BackupTable(recordings=str(recordings.folder), target=target)
        times = {k: time_text(v) for k, v in changes.items() if isinstance(v, datetime)}
        artefact = Artefact(
            "a",
            **{"created_at": time_text(NIGHT), "bytes": 1, "kind": "restic", **changes, **times},
        )
        at = surroundings(
            Settings(),
            table,
            artefact,
            newest_file_at=time_text(newest_file_at) if newest_file_at else None,
            sealed_at=time_text(sealed_at) if sealed_at else None,
            both_or_none=both_or_none,
        )
        sides = (at.before, at.after)
        return (*(side.taken_at if side else None for side in sides), at.live)

    return find


def keep(recordings, *times):
    for time in times:
        recordings.keep(one_of(time))


def test_last_before_it_began_and_first_after_it_ended(recordings, around):
    keep(recordings, *(NIGHT + n * HOUR for n in (-2, -1, 1, 2)))
    assert around() == (time_text(NIGHT - HOUR), time_text(NIGHT + HOUR), False)
    late = {"begun_at": NIGHT - 90 * MINUTE, "finished_at": NIGHT + 90 * MINUTE}
    assert around(**late) == (time_text(NIGHT - 2 * HOUR), time_text(NIGHT + 2 * HOUR), False)


def test_recording_under_way_meanwhile_is_on_neither_side(recordings, around):
    keep(recordings, NIGHT - MINUTE / 2)
    assert around() == (None, None, False)


def test_copy_that_kept_the_times_of_an_idle_database_is_of_the_time_it_came(recordings, around):
    """The last write was a day before; two recordings since then hold the same."""
    keep(recordings, NIGHT - 2 * HOUR, NIGHT - HOUR, NIGHT + HOUR)
    copy = {"kind": "folder", "created_at": NIGHT - 24 * HOUR, "newest_file_at": NIGHT - 24 * HOUR}
    copy |= {"begun_at": NIGHT, "finished_at": NIGHT}
    assert around(**copy) == (time_text(NIGHT - HOUR), time_text(NIGHT + HOUR), False)


@pytest.mark.parametrize(
    "copy",
    [
        {"kind": "folder", "created_at": NIGHT - 60 * DAY, "begun_at": NIGHT},
        {"kind": "archive", "created_at": NIGHT},
    ],
    ids=["folder", "archive"],
)
def test_old_backup_that_came_lately_is_not_between_recordings_of_a_database_in_use(
    recordings, around, copy
):
    """It is healthy: what clients wrote since it was made is no damage in it."""
    recordings.keep(one_of(NIGHT - 30 * DAY))
    recordings.keep(one_of(NIGHT - DAY, documents=["one", "another", None]))
    keep(recordings, NIGHT + HOUR)
    came = {**copy, "newest_file_at": NIGHT - 60 * DAY, "finished_at": NIGHT}
    assert around(**came) == (None, time_text(NIGHT + HOUR), False)


@pytest.mark.parametrize("kind", ["archive", "snapshot"])
def test_backup_is_of_the_time_of_its_newest_file(recordings, around, kind):
    """It was packed, or read again, for two minutes, and a recording ended in them."""
    keep(recordings, NIGHT - HOUR, NIGHT - 2 * MINUTE, NIGHT + HOUR)
    newest = NIGHT - 2 * MINUTE
    before, _, _ = around(kind=kind, newest_file_at=newest)
    assert before == time_text(NIGHT - HOUR)


@pytest.mark.parametrize("kind", ["export", "restic", "command"])
def test_backup_that_was_copied_or_packed_later_is_of_the_time_that_it_names(
    recordings, around, kind
):
    """What clients wrote between its own time and that of the copy is no damage in it."""
    made = {"kind": kind, "sealed_at": NIGHT - 2 * HOUR, "newest_file_at": NIGHT}
    keep(recordings, NIGHT - HOUR, NIGHT + HOUR)
    assert around(**made, both_or_none=True) == (None, None, False)
    keep(recordings, NIGHT - 3 * HOUR)
    assert around(**made) == (time_text(NIGHT - 3 * HOUR), time_text(NIGHT + HOUR), False)


def test_live_target_is_recorded_where_nothing_was_after_and_that_is_kept(
    recordings, around, monkeypatch
):
    live = one_of(NIGHT + 5 * HOUR)
    recorded = type("Recorded", (), {"server": type("Server", (), {"fingerprint": live})})
    monkeypatch.setattr(recordings_around, "record_target", lambda settings, name: recorded)
    keep(recordings, NIGHT - HOUR)
    assert around(target="production") == (time_text(NIGHT - HOUR), live.taken_at, True)
    assert around() == (time_text(NIGHT - HOUR), live.taken_at, False)  # the next finds it there


def test_live_recordings_expire_as_those_of_record_do(recordings, around, monkeypatch):
    live = one_of(datetime.now(UTC))
    recorded = type("Recorded", (), {"server": type("Server", (), {"fingerprint": live})})
    monkeypatch.setattr(recordings_around, "record_target", lambda settings, name: recorded)
    keep(recordings, *(NIGHT - days * DAY for days in (900, 800, 700)))
    around(target="production")
    kept = [time_text(one.taken_at) for one in recordings.all()]
    assert kept == [time_text(NIGHT - 700 * DAY), live.taken_at]


def test_live_target_that_does_not_answer_leaves_one_recording_and_a_reason(
    recordings, around, monkeypatch
):
    def refuse(settings, name):
        raise Unavailable("No answer.")

    monkeypatch.setattr(recordings_around, "record_target", refuse)
    keep(recordings, NIGHT - HOUR)
    assert around(target="production") == (time_text(NIGHT - HOUR), None, False)
    assert around(target="production", both_or_none=True) == (None, None, False)


def test_recording_that_is_torn_counts_as_none(recordings, around):
    keep(recordings, NIGHT - HOUR, NIGHT + HOUR)
    path = recordings.folder / "20261129T010000Z.fingerprint"
    path.write_bytes(path.read_bytes()[:-20])
    assert around()[0] is None
