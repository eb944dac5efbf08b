"""The power goes while clients write: what is lost, and what prevents it? Measured, N cuts each."""

import contextlib
import time

import pytest

from chromadrill.checks.objectives import within
from chromadrill.checks.power_cut import (
    bring_nothing_wrong_back,
    keep_acknowledged,
    seen_at_rest,
    tear_only_at_flushes,
    were_judged,
)
from chromadrill.core.errors import Unavailable
from chromadrill.drill.flusher_cost import flusher_cost
from chromadrill.drill.power_cut import CutPlan, cut_power
from chromadrill.drill.power_cut_table import note_of, table_row
from chromadrill.evidence.report.cut_chart import cut_chart
from chromadrill.targets.disk.mounts import require_mounts
from fixtures.run import RUN
from suites.power_cut.conftest import EVERY_S

pytestmark = [
    pytest.mark.powercut,
    pytest.mark.runbook("RB-1"),
    pytest.mark.usefixtures("needs_a_disk"),
]
# three intervals without a sign of life are a death, or three of the longest sync on a busy disk
KNOWN_S = 15.0


def alone(data):
    """Nothing is beside the server."""
    return contextlib.nullcontext()


@pytest.fixture
def measured(drill, settings, say, request, record_property):
    """Cuts the power as often as `--tries` says, with this beside the server, and keeps the results."""

    def measure(name, beside, idle_s, **disk):
        tries, seed = settings.drill.power_cuts, int(time.time())
        plan = CutPlan(tries, beside, min(idle_s, 1.0 * tries), seed, **disk)
        with drill.when(f"the power is cut {tries} times (seed {seed}), with {name}"):
            cuts = cut_power(plan, say)
        for cut in cuts:
            drill.note("power cut", **note_of(cut))
        row = table_row(name, cuts)
        record_property("powercut", row)
        file = f"powercut-{name.replace(',', '').replace(' ', '-')}.svg"
        picture = request.config.stash[RUN].folder / file
        picture.write_text(
            cut_chart(row["points"], title=f"{len(cuts)} power cuts, {name}"), "utf-8"
        )
        drill.judge(were_judged(cuts, tries))
        return cuts

    return measure


def test_power_cuts_of_a_server_as_it_is_are_measured(drill, measured):
    """On-call learns what a power cut, or a snapshot of the running volume, leaves: seen at rest?"""
    cuts = measured("nothing", alone, idle_s=40.0)
    drill.judge(seen_at_rest(cuts, needs_damage=True), bring_nothing_wrong_back(cuts))


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
def test_power_cuts_on_another_file_system_are_measured(drill, measured, kind):
    """On-call learns whether xfs or btrfs keeps what ext4 loses."""
    try:
        require_mounts(kind)
    except Unavailable as error:
        pytest.skip(str(error))
    cuts = measured(f"nothing, {kind}", alone, idle_s=40.0, kind=kind)
    drill.judge(seen_at_rest(cuts))


def test_power_cuts_of_a_disk_that_journals_data_lose_no_acknowledged_write(drill, measured):
    """On-call learns that ext4's `data=journal` syncs the index with the database: no flusher at all."""
    cuts = measured("data=journal", alone, idle_s=40.0, mount_options=("data=journal",))
    drill.judge(keep_acknowledged(cuts), seen_at_rest(cuts))


def test_power_cuts_of_a_server_that_keeps_its_queue_are_replayed(drill, measured):
    """On-call learns that `automatically_purge` off makes every torn index whole again, by replay."""
    cuts = measured("queue kept", alone, idle_s=10.0, purges=False)
    drill.judge(keep_acknowledged(cuts))


def test_frozen_block_copies_lose_no_acknowledged_write(drill, measured):
    """On-call learns that `fsfreeze` around a snapshot keeps everything, and how long clients wait."""
    cuts = measured("fsfreeze", alone, idle_s=4.0, freezes=True)
    drill.judge(keep_acknowledged(cuts), seen_at_rest(cuts))


def test_power_cuts_beside_a_flusher_tear_an_index_only_while_it_is_flushed(
    drill, measured, flusher
):
    """On-call learns that `chromadrill flush` leaves one moment of danger: a second from a flush."""
    cuts = measured("flusher", flusher, idle_s=4.0)
    drill.judge(tear_only_at_flushes(cuts, EVERY_S), seen_at_rest(cuts))


def test_flusher_that_dies_protects_no_longer_and_is_known_to_be_dead(
    drill, measured, dying_flusher
):
    """On-call learns that a dead flusher is as none, and that its heartbeat says so within seconds."""
    cuts = measured(
        "flusher, killed half-way", dying_flusher.beside, idle_s=4.0, at_half=dying_flusher.die
    )
    alive = [cut for cut in cuts if dying_flusher.lived_at(cut.at)]
    known_s = dying_flusher.seconds_until_known()
    drill.judge(
        tear_only_at_flushes(alive, EVERY_S),
        seen_at_rest(cuts),
        within("dead flusher known", known_s, KNOWN_S, what="an old heartbeat"),
    )


def test_cost_of_the_flusher_to_clients_is_measured(drill, flusher, record_property):
    """Operators learn what the flusher costs: latency and writes a second, with and without."""
    with drill.when("a client writes, in turns without and with the flusher"):
        rows, verdict = flusher_cost(flusher)
    for row in rows:
        record_property("flusher", row)
        drill.note("flusher cost", **row)
    drill.judge(verdict)
