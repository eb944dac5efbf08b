"""Backups and restores against the simulated platform: its rules, its faults, and its lost answers."""

import pytest

from chromadrill.core.errors import Refused, Unavailable
from chromadrill.targets.railway import backups, resolve, volume_restore
from chromadrill.targets.railway.api import NotAuthorised, PlatformError
from chromadrill.targets.railway.workflows import WorkflowFailed
from tests.targets.railway.platforms import files, platform, put


@pytest.fixture
def start(tmp_path, monkeypatch):
    return lambda **how: platform(tmp_path, monkeypatch, **how)


def instance(api, at):
    return resolve.volume(api, at).instance


def test_restore_brings_the_volume_back_under_another_instance(start):
    with start() as (made, api, at, _):
        put(made, "before")
        backup = backups.create(api, instance(api, at), "one")
        put(made, "after")
        done = volume_restore.restore(api, at, backup.id)

        assert files(made) == ["before"]
        assert done.after.instance != done.before.instance
        assert resolve.volume(api, at) == done.after
        assert done.after.mount_path == "/data"


def test_volume_before_a_restore_is_kept_detached(start):
    with start() as (made, api, at, _):
        backup = backups.create(api, instance(api, at), "one")
        before = volume_restore.restore(api, at, backup.id).before
        kept = [each for each in resolve.volumes(api, at) if each.instance == before.instance]
        assert [each.service for each in kept] == [None]
        assert (made.home / "volumes" / "0").is_dir()


def test_restore_deletes_newer_backups_and_keeps_older_ones(start):
    with start() as (_, api, at, _):
        made = [backups.create(api, instance(api, at), each) for each in ("old", "mid", "new")]
        volume_restore.restore(api, at, made[1].id)
        assert [each.name for each in backups.list_backups(api, instance(api, at))] == [
            "mid",
            "old",
        ]


def test_nothing_changes_for_the_service_before_the_commit(start):
    with start() as (made, api, at, _):
        put(made, "before")
        backup = backups.create(api, instance(api, at), "one")
        before = instance(api, at)
        made.restore(before, backup.id)
        while not volume_restore.staged_patch(api, at):
            pass
        assert instance(api, at) == before


def test_backup_above_half_of_the_volume_is_an_error_of_the_platform(start):
    with start(volume_mb=1) as (made, api, at, _):
        put(made, "big", size=600_000)
        with pytest.raises(PlatformError, match="larger than 50%"):
            backups.create(api, instance(api, at), "one")
        assert made.world.backups == []


def test_name_that_is_taken_is_refused_and_nothing_is_made(start):
    with start() as (made, api, at, _):
        backups.create(api, instance(api, at), "one")
        with pytest.raises(Refused, match="'one'"):
            backups.create(api, instance(api, at), "one")
        assert len(made.world.backups) == 1


@pytest.mark.parametrize("fault", ["lost-response", "refused-workflow", "rate-limit"])
def test_backup_and_restore_are_done_once_whatever_becomes_of_the_answers(start, fault):
    with start(fault=fault) as (made, api, at, calls):
        put(made, "before")
        backup = backups.create(api, instance(api, at), "one")
        put(made, "after")
        volume_restore.restore(api, at, backup.id)

        assert files(made) == ["before"]
        assert len(made.world.backups) == 1
        assert len(made.world.volumes) == 2
        assert made.world.staged == {}
        if fault != "rate-limit":  # what was answered with 429 was not done
            assert [calls.sent.count(each) for each in ("Create", "Restore", "Commit")] == [1, 1, 1]


def test_request_that_got_lost_is_not_repeated_and_said_to_be_unknown(start):
    with start(fault="lost-request") as (made, api, at, calls):
        with pytest.raises(PlatformError, match="Whether it was done is not known"):
            backups.create(api, instance(api, at), "one", within_s=1)
        assert calls.sent.count("Create") == 1
        assert made.world.backups == []


def test_workflow_that_fails_is_told_in_the_platforms_words(start):
    with (
        start(fault="backup-workflow-error") as (_, api, at, _),
        pytest.raises(WorkflowFailed, match="backup 'one' failed: snapshot of the volume failed"),
    ):
        backups.create(api, instance(api, at), "one")


def test_restore_that_fails_leaves_the_old_volume_under_the_service(start):
    with start(fault="restore-workflow-error") as (made, api, at, calls):
        put(made, "before")
        backup = backups.create(api, instance(api, at), "one")
        with pytest.raises(WorkflowFailed, match="could not be cloned"):
            volume_restore.restore(api, at, backup.id)
        assert files(made) == ["before"]
        assert "Commit" not in calls.sent


def test_what_somebody_staged_before_is_neither_committed_nor_shown(start):
    with start(fault="staged-before") as (_, api, at, calls):
        backup = backups.create(api, instance(api, at), "one")
        with pytest.raises(Refused, match="services somebody-elses") as refused:
            volume_restore.restore(api, at, backup.id)
        assert "SECRET" not in str(refused.value)
        assert not {"Restore", "Commit"} & set(calls.sent)


def test_what_somebody_stages_meanwhile_is_not_committed(start):
    with start(fault="staged-meanwhile") as (made, api, at, calls):
        put(made, "before")
        backup = backups.create(api, instance(api, at), "one")
        before = instance(api, at)
        with pytest.raises(Refused, match="service somebody-elses"):
            volume_restore.restore(api, at, backup.id)
        assert instance(api, at) == before
        assert "Commit" not in calls.sent


def test_volume_that_comes_back_elsewhere_is_said_before_an_empty_server_starts(start):
    with start(fault="wrong-mount-path") as (_, api, at, _):
        backup = backups.create(api, instance(api, at), "one")
        with pytest.raises(Unavailable, match="mounted at /chroma/chroma, the one before was at"):
            volume_restore.restore(api, at, backup.id)


def test_refused_token_is_named_by_its_kind_and_never_shown(start):
    with start(fault="refused-backups") as (_, api, at, _):
        with pytest.raises(NotAuthorised, match="refused to this project token") as refused:
            backups.create(api, instance(api, at), "one")
        secret = api._http.headers["Project-Access-Token"]
        assert secret not in str(refused.value) + repr(api) + repr(vars(api))


def test_account_token_works_too(start):
    with start(kind="account") as (_, api, at, _):
        assert backups.create(api, instance(api, at), "one").name == "one"


def test_backup_can_be_locked_and_deleted_once(start):
    with start(fault="lost-response") as (made, api, at, calls):
        one = backups.create(api, instance(api, at), "one")
        made.world.backups[0].expires_at = "2027-01-01T00:00:00.000Z"
        made.fault = None
        backups.lock(api, instance(api, at), one.id)
        assert backups.list_backups(api, instance(api, at))[0].expires_at is None

        made.fault = "lost-response"
        backups.delete(api, instance(api, at), one.id)
        assert backups.list_backups(api, instance(api, at)) == []
        assert calls.sent.count("Delete") == 1


def test_schedules_are_what_the_platform_makes_of_them(start):
    with start() as (_, api, at, _):
        backups.set_schedules(api, instance(api, at), ["DAILY", "WEEKLY"])
        found = backups.schedules(api, instance(api, at))
        assert [(e.kind, e.retention_s) for e in found] == [
            ("DAILY", 6 * 86_400),
            ("WEEKLY", 30 * 86_400),
        ]


def test_detached_volumes_count_to_the_plans_limit(start, monkeypatch):
    monkeypatch.setattr("chromadrill.targets.railway.simulator.platform.VOLUMES", 2)
    with start() as (_, api, at, _):
        backup = backups.create(api, instance(api, at), "one")
        volume_restore.restore(api, at, backup.id)
        with pytest.raises(PlatformError, match="Volume limit"):
            volume_restore.restore(api, at, backup.id)
