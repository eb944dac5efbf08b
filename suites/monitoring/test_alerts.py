"""RB-7: every alert rule is made to fire, is paged once, and clears after the recovery."""

from datetime import timedelta

import pytest

from chromadrill.core.model import Scope
from chromadrill.disasters.api import CollectionDropped
from chromadrill.disasters.faulty_proxy import faulty_proxy
from chromadrill.disasters.files import SEGMENT_DELETED
from chromadrill.recovery.runbook_commands import RunbookCommandFailed
from chromadrill.workload.data.standard import MAIN

pytestmark = [pytest.mark.monitoring, pytest.mark.runbook("RB-7")]


@pytest.mark.needs("restart")
@pytest.mark.needs("snapshot")
def test_killed_server_pages_until_it_is_restarted(alarm):
    """On-call learns within two minutes that the service is down, and once only."""
    drill = alarm.drill
    with alarm.watching():
        with drill.when("the server is killed"), alarm.fault("server killed"):
            drill.target.kill()
        with drill.then("it pages"):
            alarm.fires("service down")
        with drill.when("on-call follows RB-1: restart"), alarm.recovery():
            drill.ops("restart")
        with drill.then("it clears"):
            alarm.clears("service down")


@pytest.mark.needs("snapshot")
def test_slow_searches_page_until_they_are_fast_again(alarm):
    """Five minutes of searches over two seconds, by a proxy that holds them back."""
    drill = alarm.drill
    with faulty_proxy(drill.target.url) as proxy, alarm.watching(proxy.url):
        with drill.when("searches take 5 s"), alarm.fault("searches held back"):
            proxy.delay_ms = 5000
        with drill.then("it pages"):
            alarm.fires("high latency")
        with drill.when("they are fast again"), alarm.recovery():
            proxy.delay_ms = 0
        with drill.then("it clears"):
            alarm.clears("high latency")


@pytest.mark.needs("metrics")
@pytest.mark.needs("snapshot")
def test_filling_volume_pages_until_there_is_room_again(alarm, sized_volume):
    """A volume of known size is filled to nine tenths."""
    drill = alarm.drill
    with alarm.watching():
        with drill.when("the volume is filled to 90 %"), alarm.fault("volume filled to 90 %"):
            sized_volume.fill()
        with drill.then("it pages"):
            alarm.fires("disk")
        with drill.when("space is freed"), alarm.recovery():
            sized_volume.free()
        with drill.then("it clears"):
            alarm.clears("disk")


@pytest.mark.needs("snapshot")
def test_failed_backup_pages_until_one_is_verified(alarm, backup_place):
    """The place for backups is gone; the runbook's command fails, and says so."""
    drill = alarm.drill
    with alarm.watching():
        with drill.when("a backup fails"), alarm.fault("backup failed"):
            backup_place.lose()
            with pytest.raises(RunbookCommandFailed):
                drill.ops("snapshot", "--method", "export")
        with drill.then("it pages"):
            alarm.fires("backup failed")
        with drill.when("the place is there again, and a backup is made"):
            backup_place.give_back()
            with alarm.recovery():
                drill.ops("snapshot", "--method", "export")
        with drill.then("it clears"):
            alarm.clears("backup failed")


@pytest.mark.needs("restart")
@pytest.mark.needs("metrics")
@pytest.mark.needs("snapshot")
def test_kill_for_want_of_memory_pages_beside_the_outage(alarm, memory_shortage):
    """A restart alone would look like any other: this one says that memory is too small."""
    drill, other_alerts = alarm.drill, memory_shortage.other_alerts
    with alarm.watching():
        with (
            drill.when("the kernel kills the server for want of memory"),
            alarm.fault("killed for want of memory", *other_alerts),
        ):
            memory_shortage.inject()
        with drill.then("it pages"):
            alarm.fires("oom restart")
        with drill.when("on-call starts it with its proper memory"), alarm.recovery():
            drill.ops(memory_shortage.recovery)
        with drill.then("it clears"):
            alarm.clears("oom restart")


@pytest.mark.needs("restart")
@pytest.mark.needs("volume")
@pytest.mark.needs("snapshot")
def test_silent_loss_of_an_index_pages_until_a_snapshot_is_restored(alarm):
    """Heartbeat, healthcheck and counts stay right: only the questions see it."""
    drill = alarm.drill
    with alarm.watching():
        # the platform's restart, which is part of the fault, may be seen too
        with drill.when("an index is gone"), alarm.fault("segment deleted", "service down"):
            SEGMENT_DELETED.inject(drill.target)
        with drill.then("it pages"):
            alarm.fires("wrong answers")
        with drill.when("on-call follows RB-2: stop, restore, start"), alarm.recovery():
            drill.ops("stop")
            drill.ops("restore", "latest")
            drill.ops("start")
        with drill.then("it clears"):
            alarm.clears("wrong answers")


@pytest.mark.needs("hotcopy")
@pytest.mark.needs("snapshot")
def test_locked_database_pages_until_the_lock_is_gone(alarm, database_lock):
    """A backup tool that hangs with the database's lock: all is answered, and nothing is written."""
    drill = alarm.drill
    with alarm.watching():
        with drill.when("another process holds the write lock"), alarm.fault("database locked"):
            database_lock.take()
        with drill.then("it pages"):
            alarm.fires("writes refused")
        with drill.when("on-call ends that process"), alarm.recovery():
            database_lock.release()
        with drill.then("it clears"):
            alarm.clears("writes refused")


@pytest.mark.needs("restart")
@pytest.mark.needs("snapshot")
def test_dropped_collection_pages_until_a_snapshot_is_restored(alarm, fingerprint):
    """A wrong script drops a collection: there are fewer records than there must be."""
    drill, dropped = alarm.drill, CollectionDropped(Scope(), MAIN)
    with alarm.watching(min_records=fingerprint.records):
        # its questions have no answer any more; the restore stops the server
        with (
            drill.when("a collection is dropped"),
            alarm.fault(dropped.what, "wrong answers", "service down"),
        ):
            dropped.inject(drill.target)
        with drill.then("it pages"):
            alarm.fires("records missing")
        with drill.when("on-call follows RB-2: stop, restore, start"), alarm.recovery():
            drill.ops("stop")
            drill.ops("restore", "latest")
            drill.ops("start")
        with drill.then("it clears"):
            alarm.clears("records missing")


@pytest.mark.needs("snapshot")
def test_old_backup_pages_until_a_new_one_is_verified(alarm, backup_place):
    """The schedule died two days ago; no backup failed, there is just none."""
    drill = alarm.drill
    with alarm.watching():
        with drill.when("the newest backup is two days old"), alarm.fault("no backup for two days"):
            backup_place.age(timedelta(days=2))
        with drill.then("it pages"):
            alarm.fires("backup overdue")
        with drill.when("a backup is made"), alarm.recovery():
            drill.ops("snapshot", "--method", "export")
        with drill.then("it clears"):
            alarm.clears("backup overdue")


@pytest.mark.needs("snapshot")
def test_restore_that_nobody_proves_any_more_pages_until_one_is_proven(alarm, proven_source):
    """Backups are made and listed, and nobody has restored one for longer than the settings allow."""
    drill = alarm.drill
    with alarm.watching(backups=proven_source.tables):
        with drill.when("the last proof is 36 days old"), alarm.fault("no proof for 36 days"):
            proven_source.age(timedelta(days=36))
        with drill.then("it pages"):
            alarm.fires("proof")
        with drill.when("the newest backup is proven"), alarm.recovery():
            drill.export(**proven_source.environment)
            drill.command("prove", proven_source.name)
        with drill.then("it clears"):
            alarm.clears("proof")


@pytest.mark.needs("snapshot")
def test_gateway_that_wants_a_token_pages_until_it_lets_the_monitor_in(alarm):
    """A gateway refuses whoever has no token: nobody knows how the server is, and on-call is told so."""
    drill = alarm.drill
    with faulty_proxy(drill.target.url) as proxy, alarm.watching(proxy.url):
        with drill.when("a gateway wants a token"), alarm.fault("every request answered 401"):
            proxy.authorization = "Bearer a-token-of-others"
        with drill.then("it pages"):
            alarm.fires("access")
        with drill.when("it lets the monitor in again"), alarm.recovery():
            proxy.authorization = ""
        with drill.then("it clears"):
            alarm.clears("access")


@pytest.mark.needs("hotcopy")
@pytest.mark.needs("snapshot")
def test_flusher_that_died_pages_until_one_runs_again(alarm, flusher):
    """Everything is answered and written, and nobody syncs it: only the heartbeat file tells."""
    drill = alarm.drill
    with alarm.watching(flusher=flusher.heartbeat):
        with drill.when("the flusher is killed"), alarm.fault("flusher killed"):
            flusher.kill()
        with drill.then("it pages"):
            alarm.fires("flusher")
        with drill.when("on-call starts it again"), alarm.recovery():
            flusher.start()
        with drill.then("it clears"):
            alarm.clears("flusher")


@pytest.mark.needs("snapshot")
def test_vectors_of_another_model_page_until_the_texts_are_embedded_anew(alarm, embedded_texts):
    """A deployment with another model of the same width wrote: only the texts themselves tell."""
    drill = alarm.drill
    with alarm.watching(embedded=embedded_texts):
        # its records are no longer found by the vectors that they had
        with (
            drill.when("another model writes the vectors"),
            alarm.fault("vectors of another model", "wrong answers"),
        ):
            embedded_texts.embed(by_another_model=True)
        with drill.then("it pages"):
            alarm.fires("embedding drift")
        with drill.when("on-call follows RB-3: embed every text anew"), alarm.recovery():
            drill.export(**embedded_texts.environment)
            drill.command(*embedded_texts.regenerate)
        with drill.then("it clears"):
            alarm.clears("embedding drift")
