"""The alert engine, by properties: flapping, gaps, clock jumps; five minutes take milliseconds."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chromadrill.core.settings import Monitoring
from chromadrill.monitoring.alerts import CLEARED, FIRED, FOUND, LOST, Alerts, AlertState, on_sample
from chromadrill.monitoring.rules import Rule, rules
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.verdicts import verdicts

DOWN = Rule("down", "health", "below", 1, 1, "RB-1", "", count=3, clear_count=3, clear_for_s=60,
            stale_s=150)  # fmt: skip
SLOW = Rule("slow", "search", "above", 2000, 2000, "RB-6", "", count=3, for_s=300, clear_count=3,
            clear_for_s=180, stale_s=150)  # fmt: skip
DISK = Rule("disk", "disk", "above", 85, 80, "RB-9", "", clear_count=2, stale_s=150)


def play(rule, values, *, every=30.0, began=0.0):
    """Events of a series of values, one every 30 s; None: nothing was seen at that tick."""
    alerts = Alerts([rule], began=began, expected=[rule.signal])
    for number, value in enumerate(values):
        at = began + number * every
        alerts.take([Sample(at, rule.signal, value)], at)
    return alerts


def kinds(alerts):
    return [event.kind for event in alerts.events]


def test_three_failures_in_a_row_fire_once_and_three_good_ones_clear_once():
    alerts = play(DOWN, [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    assert kinds(alerts) == [FIRED, CLEARED]
    assert [event.at for event in alerts.events] == [120, 270]
    assert alerts.events[0].since == 60


def test_two_failures_do_not_fire():
    assert kinds(play(DOWN, [1, 0, 0, 1, 0, 0, 1])) == []


def test_slow_searches_fire_after_five_minutes_and_not_before():
    assert kinds(play(SLOW, [2500] * 10)) == []
    alerts = play(SLOW, [2500] * 11)
    assert [(event.kind, event.at) for event in alerts.events] == [(FIRED, 300)]


def test_one_fast_search_starts_the_five_minutes_again():
    assert kinds(play(SLOW, [2500] * 10 + [100] + [2500] * 10)) == []


def test_flapping_server_pages_once():
    alerts = play(DOWN, [0, 0, 0] + [1, 0] * 50 + [1, 1, 1, 1])
    assert kinds(alerts) == [FIRED, CLEARED]


def test_server_that_is_down_two_looks_of_three_is_not_healthy_though_it_never_pages():
    alerts = play(DOWN, [1, 0, 0] * 20 + [1])
    assert kinds(alerts) == []
    (verdict,) = verdicts(alerts)
    assert (verdict.outcome, "66% of the time" in verdict.message) == ("unknown", True)
    (verdict,) = verdicts(play(DOWN, [1, 1, 1, 1, 0] * 20 + [1]))
    assert verdict.outcome == "pass"


def test_crash_loop_is_one_page():
    (oom,) = [rule for rule in rules(Monitoring()) if rule.name == "oom restart"]
    loop = ([1.0] + [0.0] * 9) * 12  # a kill every five minutes, for an hour
    assert kinds(play(oom, loop)) == [FIRED]
    assert kinds(play(oom, loop + [0.0] * 30)) == [FIRED, CLEARED]


def test_disk_between_its_two_limits_neither_fires_nor_clears():
    assert kinds(play(DISK, [83, 84, 85])) == []
    assert kinds(play(DISK, [86, 84, 81, 86, 84])) == [FIRED]
    assert kinds(play(DISK, [86, 79, 79])) == [FIRED, CLEARED]


def test_missing_samples_neither_fire_nor_clear_but_are_told():
    alerts = play(DOWN, [0, 0, None, None, None, None, None, None, 0])
    assert kinds(alerts) == [LOST, FOUND]
    alerts = play(DOWN, [0, 0, 0, None, None, None, None, None, None, 1, 1])
    assert kinds(alerts) == [FIRED, LOST, FOUND]
    assert alerts.firing == [DOWN]


def test_rule_whose_signal_never_comes_is_lost_and_not_healthy():
    assert kinds(play(DOWN, [None] * 8)) == [LOST]


def take_unsupported(alerts, at):
    return alerts.take([Sample(at, "health", None, "not here", unsupported=True)], at)


def test_rule_whose_signal_is_never_reported_is_unwatched_and_not_lost_until_it_is_reported():
    alerts = Alerts([DOWN], began=0, expected=["health"])
    for at in range(0, 1200, 30):
        assert take_unsupported(alerts, at) == []
    assert alerts.unwatched == {DOWN: "not here"}
    assert [verdict.outcome for verdict in verdicts(alerts)] == ["not_run"]
    for at in (1200, 1230, 1260):
        alerts.take([Sample(at, "health", 0.0)], at)
    assert kinds(alerts) == [FIRED]
    assert alerts.unwatched == {}


def test_signal_that_was_reported_once_and_is_not_any_more_is_lost():
    alerts = Alerts([DOWN], began=0, expected=["health"])
    alerts.take([Sample(0, "health", 1.0)], 0)
    for at in range(30, 300, 30):
        take_unsupported(alerts, at)
    assert kinds(alerts) == [LOST]


def test_time_in_which_nobody_looked_is_no_bad_time():
    """Two slow searches ten minutes apart are not ten slow minutes."""
    alerts = Alerts([SLOW], began=0, expected=["search"])
    for at in (0, 30, 60, 660, 690):
        alerts.take([Sample(at, "search", 2500.0)], at)
    assert FIRED not in kinds(alerts)


def test_clock_that_goes_back_starts_the_row_again():
    alerts = Alerts([SLOW], began=1000, expected=["search"])
    for at in (1000, 1100, 1200, 900, 950, 1000, 1050, 1100, 1150):
        alerts.take([Sample(at, "search", 2500.0)], at)
    assert kinds(alerts) == []
    for at in (1200, 1250):
        alerts.take([Sample(at, "search", 2500.0)], at)
    assert kinds(alerts) == [FIRED]


def test_silence_after_a_clock_that_went_back_is_seen_from_there():
    alerts = Alerts([DOWN], began=100_000, expected=["health"])
    alerts.take([], 10)
    alerts.take([], 170)
    assert kinds(alerts) == [LOST]


# ---- properties ---------------------------------------------------------------------------------
VALUES = st.lists(st.sampled_from([0.0, 1.0, None]), max_size=80)
STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0, None]), st.floats(-400, 400, width=32)), max_size=80
)
RULES = st.builds(
    lambda count, clear_count, for_s, clear_for_s: replace(
        DOWN, count=count, clear_count=clear_count, for_s=for_s, clear_for_s=clear_for_s
    ),
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([0.0, 30.0, 60.0, 300.0]),
    st.sampled_from([0.0, 30.0, 60.0, 300.0]),
)


def play_with_jumps(rule, steps):
    alerts, at = Alerts([rule], began=0, expected=["health"]), 0.0
    taken = []
    for value, forward in steps:
        at += forward
        alerts.take([Sample(at, "health", value)], at)
        taken.append((at, value))
    return alerts, taken


@given(RULES, STEPS)
def test_pages_alternate_whatever_the_samples_and_the_clock_do(rule, steps):
    pages = [e.kind for e in play_with_jumps(rule, steps)[0].events if e.pages]
    assert pages == [FIRED, CLEARED] * (len(pages) // 2) + [FIRED] * (len(pages) % 2)


@given(RULES, STEPS)
def test_an_alert_has_the_bad_samples_that_it_claims_without_holes(rule, steps):
    """Judged from the raw samples: so many in a row, over so long, no gap and no jump among them."""
    alerts, taken = play_with_jumps(rule, steps)
    real = [(at, value) for at, value in taken if value is not None]
    for event in alerts.events:
        if not event.pages:
            continue
        wanted, number, long_s = (
            (0.0, rule.count, rule.for_s)
            if event.kind == FIRED
            else (1.0, rule.clear_count, rule.clear_for_s)
        )
        rows = [
            real[end - number + 1 : end + 1]
            for end, (at, _) in enumerate(real)
            if at == event.at and end + 1 >= number
        ]
        assert any(
            all(value == wanted for _, value in row)
            and all(0 <= b[0] - a[0] <= rule.stale_s for a, b in pairwise(row))
            for row in rows
        )
        assert event.at - event.since >= long_s


@given(RULES, VALUES)
def test_rule_that_should_fire_does_by_a_plain_count(rule, values):
    """Against a model that looks back over the whole series each time, samples every 30 s."""
    expected, firing = [], False
    for end in range(len(values)):
        row = []
        for value in reversed(values[: end + 1]):
            if value is None or (row and value != row[0]):
                break
            row.append(value)
        # a single missing sample is no hole (150 s are): rows with one are left to the other tests
        if None in values:
            return
        wanted = 1.0 if firing else 0.0
        number = rule.clear_count if firing else rule.count
        long_s = rule.clear_for_s if firing else rule.for_s
        if row and row[0] == wanted and len(row) >= number and 30 * (len(row) - 1) >= long_s:
            firing = not firing
            expected.append((FIRED if firing else CLEARED, 30.0 * end))
    assert [(e.kind, e.at) for e in play(rule, values).events] == expected


@given(st.integers(2, 5), st.integers(1, 60))
def test_flapping_faster_than_the_rule_never_fires(count, length):
    rule = replace(DOWN, count=count)
    assert kinds(play(rule, ([0.0] * (count - 1) + [1.0]) * length)) == []


@given(RULES, STEPS)
def test_sample_without_a_value_changes_nothing(rule, steps):
    state = AlertState(firing=True, last_at=5.0, row="bad", row_length=2)
    for _, at in steps:
        assert on_sample(rule, state, Sample(at, "health", None)) == (state, [])


# ---- the runbook's rules ------------------------------------------------------------------------
def test_defaults_are_the_runbooks_figures():
    by_name = {rule.name: rule for rule in rules(Monitoring())}
    down, slow, disk = by_name["service down"], by_name["high latency"], by_name["disk"]
    assert (down.count, Monitoring().interval_s, Monitoring().timeout_s) == (3, 30, 10)
    assert (slow.limit, slow.for_s) == (2000, 300)
    assert (disk.limit, disk.clear_limit) == (85, 80)
    assert by_name["backup overdue"].limit == 86_400 + 17_280
    assert set(by_name) >= {"oom restart", "backup failed", "wrong answers", "writes refused"}


@given(st.floats(0.001, 1), st.floats(0, 200))
def test_no_value_is_both_bad_and_good(scale, value):
    for rule in rules(Monitoring(time_scale=scale)):
        assert not (rule.is_bad(value) and rule.is_good(value))


def test_time_scale_shortens_waits_but_no_limit_and_no_backup():
    plain, quick = rules(Monitoring()), rules(Monitoring(time_scale=0.01))
    assert [rule.limit for rule in plain] == [rule.limit for rule in quick]
    by_name = {rule.name: rule for rule in quick}
    assert by_name["high latency"].for_s == 3
