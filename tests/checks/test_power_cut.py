"""Every class of a power cut, and what many of them prove."""

import dataclasses

import pytest

from chromadrill.checks.power_cut import (
    bring_nothing_wrong_back,
    class_of,
    explain,
    is_replayed,
    keep_acknowledged,
    loss_s,
    seen_at_rest,
    tear_only_at_flushes,
    were_judged,
)
from chromadrill.core.model import Acknowledged, CutClass, Outcome, PowerCut, ServedData

LEDGER = tuple(Acknowledged(10.0 + n, "t/d/c", f"write-{n:06d}", "text", n) for n in range(5))


def served(numbers=range(5), **facts):
    present = {f"write-{n:06d}": n for n in numbers}
    return ServedData(present, **{"count": len(present), "sampled": 5, **facts})


def cut(first=None, second=None, **facts):
    first = first or served()
    facts = {"served": first, "restarted": second or first, **facts}
    return PowerCut(1, 15.0, LEDGER, 1.0, 2.0, **facts)


@pytest.mark.parametrize(
    ("made", "kind", "why"),
    [
        (cut(), CutClass.WHOLE, "every acknowledged write"),
        (cut(served(range(3))), CutClass.LOST, "the newest 2 writes, from 2.0 s before"),
        (cut(served(range(7))), CutClass.WHOLE, "every"),  # one in flight was written all the same
        (cut(served(start_error="exit code 1")), CutClass.DOES_NOT_START, "served: exit code 1"),
        (cut(served(), served(start_error="x")), CutClass.DOES_NOT_START, "restarted: x"),
        (cut(served((), died=True, errors=("gone",))), CutClass.CRASHES, "ended while"),
        (cut(served(errors=("500",))), CutClass.WRONG, "served: 500"),
        (cut(served(torn=1, count=6)), CutClass.WRONG, "1 record without its own"),
        (cut(served(count=4)), CutClass.WRONG, "count 4, and 5 records"),
        (cut(served(not_found=2)), CutClass.WRONG, "2 of 5 records do not find themselves"),
        (cut(served(not_found=1)), CutClass.WHOLE, "every"),  # a healthy index loses some
        (cut(served([0, 1, 3, 4])), CutClass.WRONG, "1 write missing before one that is there"),
        (cut(served(), served(range(4))), CutClass.WRONG, "other records after the restart"),
        (cut(written_on=served(errors=("stale",))), CutClass.WRONG, "written on: stale"),
        (cut(written_on=served()), CutClass.WHOLE, "every"),
        (cut(error="no room"), CutClass.UNJUDGED, "no room"),
    ],
)
def test_cut_has_its_class_and_the_reason(made, kind, why):
    assert class_of(made) is kind
    assert why in explain(made)


def test_cut_that_was_not_judged_is_unknown_and_never_a_pass():
    assert were_judged([cut(), cut(error="no room")], 2).outcome is Outcome.UNKNOWN
    assert were_judged([], 0).outcome is Outcome.UNKNOWN
    assert were_judged([cut(), cut(served(start_error="x"))], 2).outcome is Outcome.PASS
    assert keep_acknowledged([cut(error="x")]).outcome is Outcome.UNKNOWN
    assert seen_at_rest([]).outcome is Outcome.UNKNOWN


def test_cuts_that_put_nothing_at_risk_are_unknown_and_never_a_pass():
    early = dataclasses.replace(cut(), since_flush_s=None)
    assert keep_acknowledged([early, early]).outcome is Outcome.UNKNOWN
    assert tear_only_at_flushes([early], 1.0).outcome is Outcome.UNKNOWN
    assert keep_acknowledged([early, cut()]).outcome is Outcome.PASS
    assert seen_at_rest([cut()], needs_damage=True).outcome is Outcome.UNKNOWN
    assert seen_at_rest([cut()]).outcome is Outcome.PASS


def test_write_lost_is_allowed_within_the_interval_alone():
    late = cut(served(range(3)))
    assert loss_s(late) == 2.0
    assert tear_only_at_flushes([cut(), late], 2.0).outcome is Outcome.PASS
    assert tear_only_at_flushes([cut(), late], 1.0).outcome is Outcome.FAIL


def test_damage_is_no_loss_where_the_queue_gives_every_write_back():
    damaged = cut(served((), errors=("500",)))
    assert keep_acknowledged([damaged]).outcome is Outcome.FAIL
    assert not is_replayed(dataclasses.replace(damaged, replayed=served(range(4))))
    assert not is_replayed(dataclasses.replace(damaged, replayed=served(died=True)))
    replayed = dataclasses.replace(damaged, replayed=served())
    assert is_replayed(replayed)
    assert keep_acknowledged([replayed]).outcome is Outcome.PASS


def test_damage_is_told_and_not_judged_only_where_an_index_was_just_written():
    damaged = cut(served((), errors=("500",)))  # two seconds after a flush
    assert keep_acknowledged([damaged]).outcome is Outcome.FAIL
    assert tear_only_at_flushes([damaged], 1.9).outcome is Outcome.FAIL
    within = tear_only_at_flushes([damaged], 2.1)
    assert within.outcome is Outcome.PASS
    assert "1 left damage" in within.message
    assert "1 tore vectors of any age within 2.1 s of an index flush" in within.message


def test_checks_at_rest_must_see_damage_and_nothing_else():
    damaged = cut(served((), errors=("500",)))
    assert seen_at_rest([cut(), damaged]).outcome is Outcome.FAIL
    assert seen_at_rest([cut(at_rest="torn")]).outcome is Outcome.FAIL
    assert (
        seen_at_rest([cut(), dataclasses.replace(damaged, at_rest="torn")]).outcome is Outcome.PASS
    )


def test_verdicts_of_kills_speak_of_kills():
    kills = [cut()]
    for verdict in (
        were_judged(kills, 1, "kill"),
        seen_at_rest(kills, event="kill"),
        tear_only_at_flushes(kills, 1.0, "kill"),
    ):
        assert verdict.outcome is Outcome.PASS
        assert verdict.check.startswith("kills ")
        assert "cut" not in verdict.message


@pytest.mark.parametrize(
    ("salvaged", "outcome"),
    [
        (served(range(3)), Outcome.PASS),
        (served(range(3), torn=1), Outcome.FAIL),
        (served(range(0)), Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
    ],
)
def test_salvage_of_damaged_images_brings_nothing_wrong_back(salvaged, outcome):
    damaged = cut(served(errors=("500",)), salvaged=salvaged)
    assert bring_nothing_wrong_back([damaged, cut()]).outcome is outcome


def test_without_damaged_images_nothing_was_salvaged():
    assert bring_nothing_wrong_back([cut()]).outcome is Outcome.UNKNOWN
