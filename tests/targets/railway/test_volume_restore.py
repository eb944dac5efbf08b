"""Backups and restores against the simulated platform: its rules, its faults, and its lost answers."""

import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.targets.railway import backups, resolve, volume_restore
from chromadrill.targets.railway.api import NotAuthorised, PlatformError
from chromadrill.targets.railway.workflows import WorkflowFailed


def back_up(railway, name="one", **options):
    return backups.create(railway.api, railway.instance, name, **options)


def restore(railway, backup):
    return volume_restore.restore(railway.api, railway.place, backup.id)


def list_backups(railway):
    return backups.list_backups(railway.api, railway.instance)


def test_restore_brings_the_volume_back_under_another_instance(simulate):
    with simulate() as railway:
        railway.put("before")
        backup = back_up(railway)
        railway.put("after")
        change = restore(railway, backup)

        assert railway.files() == ["before"]
        assert change.after.instance != change.before.instance
        assert resolve.volume(railway.api, railway.place) == change.after
        assert change.after.mount_path == "/data"


def test_volume_before_a_restore_is_kept_detached(simulate):
    with simulate() as railway:
        before = restore(railway, back_up(railway)).before
        services = [
            volume.service
            for volume in resolve.volumes(railway.api, railway.place)
            if volume.instance == before.instance
        ]
        assert services == [None]
        assert (railway.platform.home / "volumes" / "0").is_dir()


@pytest.mark.slow
def test_restore_deletes_newer_backups_and_keeps_older_ones(simulate):
    with simulate() as railway:
        _, middle, _ = (back_up(railway, name) for name in ("old", "mid", "new"))
        restore(railway, middle)
        assert [backup.name for backup in list_backups(railway)] == ["mid", "old"]


def test_nothing_changes_for_the_service_before_the_commit(simulate):
    with simulate() as railway:
        railway.put("before")
        backup, before = back_up(railway), railway.instance
        railway.platform.restore(before, backup.id)
        wait_until(
            lambda: volume_restore.staged_patch(railway.api, railway.place),
            within_s=20,
            name="the staged change",
        )
        assert railway.instance == before


def test_backup_above_half_of_the_volume_is_an_error_of_the_platform(simulate):
    with simulate(volume_mb=1) as railway:
        railway.put("big", size=600_000)
        with pytest.raises(PlatformError, match="larger than 50%"):
            back_up(railway)
        assert railway.world.backups == []


def test_name_that_is_taken_is_refused_and_nothing_is_made(simulate):
    with simulate() as railway:
        back_up(railway)
        with pytest.raises(Refused, match="'one'"):
            back_up(railway)
        assert len(railway.world.backups) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["lost-response", "refused-workflow", "rate-limit"])
def test_backup_and_restore_are_done_once_whatever_becomes_of_the_answers(simulate, fault):
    with simulate(fault=fault) as railway:
        railway.put("before")
        backup = back_up(railway)
        railway.put("after")
        restore(railway, backup)

        assert railway.files() == ["before"]
        assert len(railway.world.backups) == 1
        assert len(railway.world.volumes) == 2
        assert railway.world.staged == {}
        calls = railway.platform.calls
        if fault != "rate-limit":  # what was answered with 429 was not done
            assert [calls.count(name) for name in ("Create", "Restore", "Commit")] == [1, 1, 1]


def test_request_that_got_lost_is_not_repeated_and_said_to_be_unknown(simulate):
    with simulate(fault="lost-request") as railway:
        with pytest.raises(PlatformError, match="Whether it was done is not known"):
            back_up(railway, within_s=0.2)
        assert railway.platform.calls.count("Create") == 1
        assert railway.world.backups == []


def test_workflow_that_fails_is_told_in_the_platforms_words(simulate):
    message = "backup 'one' failed: snapshot of the volume failed"
    with (
        simulate(fault="backup-workflow-error") as railway,
        pytest.raises(WorkflowFailed, match=message),
    ):
        back_up(railway)


def test_restore_that_fails_leaves_the_old_volume_under_the_service(simulate):
    with simulate(fault="restore-workflow-error") as railway:
        railway.put("before")
        backup = back_up(railway)
        with pytest.raises(WorkflowFailed, match="could not be cloned"):
            restore(railway, backup)
        assert railway.files() == ["before"]
        assert "Commit" not in railway.platform.calls


def test_what_somebody_staged_before_is_neither_committed_nor_shown(simulate):
    with simulate(fault="staged-before") as railway:
        backup = back_up(railway)
        with pytest.raises(Refused, match="services somebody-elses") as refused:
            restore(railway, backup)
        assert "SECRET" not in str(refused.value)
        assert not {"Restore", "Commit"} & set(railway.platform.calls)


def test_what_somebody_stages_meanwhile_is_not_committed(simulate):
    with simulate(fault="staged-meanwhile") as railway:
        railway.put("before")
        backup, before = back_up(railway), railway.instance
        with pytest.raises(Refused, match="service somebody-elses"):
            restore(railway, backup)
        assert railway.instance == before
        assert "Commit" not in railway.platform.calls


def test_volume_that_comes_back_elsewhere_is_said_before_an_empty_server_starts(simulate):
    with simulate(fault="wrong-mount-path") as railway:
        backup = back_up(railway)
        with pytest.raises(Unavailable, match="mounted at /chroma/chroma, the one before was at"):
            restore(railway, backup)


def test_refused_token_is_named_by_its_kind_and_never_shown(simulate):
    with simulate(fault="refused-backups") as railway:
        with pytest.raises(NotAuthorised, match="refused to this project token") as refused:
            back_up(railway)
        text = f"{refused.value} {railway.api!r} {vars(railway.api)!r}"
        assert railway.secret not in text


def test_account_token_works_too(simulate):
    with simulate(kind="account") as railway:
        assert back_up(railway).name == "one"


def test_schedules_are_what_the_platform_makes_of_them(simulate):
    with simulate() as railway:
        railway.world.schedules = ("DAILY", "WEEKLY")
        schedules = backups.schedules(railway.api, railway.instance)
        assert [(schedule.kind, schedule.retention_s) for schedule in schedules] == [
            ("DAILY", 6 * 86_400),
            ("WEEKLY", 30 * 86_400),
        ]


def test_detached_volumes_count_to_the_plans_limit(simulate, monkeypatch):
    monkeypatch.setattr("chromadrill.targets.railway.simulator.platform.VOLUMES", 2)
    with simulate() as railway:
        backup = back_up(railway)
        restore(railway, backup)
        with pytest.raises(PlatformError, match="Volume limit"):
            restore(railway, backup)
