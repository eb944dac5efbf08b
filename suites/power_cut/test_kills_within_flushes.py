"""RB-1: the server is killed at the worst moment, while it writes an index. Measured, N kills each."""

import time

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.checks.power_cut import seen_at_rest, tear_only_at_flushes, were_judged
from chromadrill.core.model import Scope
from chromadrill.disasters.kill_within_flush import Aim, KillWithinFlush
from chromadrill.drill.kills import kill_servers, store_with_index
from chromadrill.drill.power_cut_table import note_of, table_row
from chromadrill.drill.way_back import walk_back
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.changing_writer import ChangingWriter
from chromadrill.workload.writer import random_vector, read_complete_writes

pytestmark = [pytest.mark.powercut, pytest.mark.runbook("RB-1")]
WITHIN_S = 1.0
FLUSHED = 1_400  # writes; the index is written at 1,000
DELAY_S = 0.005  # half-way through the index files


@pytest.fixture(scope="module")
def store():
    with store_with_index() as store:
        yield store


@pytest.mark.parametrize("aim", Aim, ids=lambda aim: aim.name.lower())
def test_kills_within_an_index_flush_are_measured(
    drill, settings, store, aim, say, record_property
):
    """On-call learns what a SIGKILL leaves that hits a flush while clients write, change and delete."""
    tries, seed = settings.drill.power_cuts, int(time.time())
    with drill.when(f"the server is killed {tries} times when {aim} (seed {seed})"):
        kills = kill_servers(store, aim, tries, seed, say)
    for kill in kills:
        drill.note("kill", **note_of(kill))
    record_property("kills", table_row(aim, kills))
    drill.judge(
        were_judged(kills, tries, "kill"),
        seen_at_rest(kills, event="kill"),
        tear_only_at_flushes(kills, WITHIN_S, "kill"),
    )


def test_server_killed_within_an_index_flush_comes_back(
    drill, outage, chroma, fingerprint, writes, target, objectives, tmp_path
):
    """On-call looks at rest first, then starts, replays or restores: all of it is back, in time."""
    if not isinstance(target, ProcessTarget):
        pytest.skip(f"{target.name} is no process of ours: nobody sees its index flushes")
    with drill.given("a snapshot, and clients that write, change and delete after it"):
        snapshot = drill.backup(drill.ops("snapshot", "--method", "volume-copy"))
    with ChangingWriter(target.url, writes, batch=100, vectors=random_vector) as writer:
        writer.wait_for(FLUSHED)
        with drill.when("the server is killed while it writes an index"):
            injection = outage.inject(KillWithinFlush(Aim.FILES, DELAY_S))
    with drill.when("on-call follows RB-1: look at rest, then nothing, replay or restore"):
        way = walk_back(drill, target, snapshot.id, tmp_path)
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb2_recovery_s)
    with drill.then("every record is there, also after a restart; what is lost is known"):
        present = read_complete_writes(chroma, chroma.collection(Scope(), writes.name))
        chroma.delete_collection(Scope(), writes.name)
        proven = drill.prove(fingerprint)
        # a restore goes back to its snapshot; the other ways must not lose a single write
        limit_s = objectives.data_loss_s if way == "restore" else None
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb2_recovery_s, proven=proven),
            data_loss(writer.ledger(), present, injection.epoch, limit_s),
        )
