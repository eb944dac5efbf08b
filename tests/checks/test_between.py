"""A copy that was taken while clients wrote: explained by the fingerprints around it, or damaged."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chromadrill.checks import between
from chromadrill.checks.between.verdicts import is_written_later
from chromadrill.checks.content import came_over_the_api
from chromadrill.checks.suite import judge_between, outcome_of
from chromadrill.chroma.fingerprint.digests import NO_RECORDS, record_table
from chromadrill.core.model import CollectionPrint, Observation, Outcome, Page, Scope
from chromadrill.core.model.window import BackupWindow
from chromadrill.core.records.streams import RecordsInMemory
from tests.conftest import fingerprint, info, page

COLLECTIONS = ("notes", "drafts", "mail")
IDS = tuple(f"r{number}" for number in range(8))


# ---- a server, and what its clients do -------------------------------------------------------------
# an operation is (what, collection, id); every version is new: what came back cannot be told from
# what never changed
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "delete", "drop", "make"]),
        st.sampled_from(COLLECTIONS),
        st.sampled_from(IDS),
    ),
    max_size=40,
)


def instants(operations):
    """Every state of the server in turn: {collection: (its id, {record: version})}."""
    state = {"notes": (1, dict.fromkeys(IDS[:5], 0)), "mail": (2, {})}
    ever = {("notes", record) for record in IDS[:5]}  # an id that came back is a new one
    yield copied(state)
    for version, (operation, name, record) in enumerate(operations, 1):
        if operation == "make" and name not in state:
            state[name] = (100 + version, {})
        elif operation == "drop":
            state.pop(name, None)
        elif name in state and operation == "put":
            _, records = state[name]
            if record in records or (name, record) not in ever:
                records[record] = version
                ever.add((name, record))
        elif name in state:
            state[name][1].pop(record, None)
        yield copied(state)


def copied(state):
    return {name: (number, dict(records)) for name, (number, records) in state.items()}


def printed(name, number, records):
    page = Page(
        list(records),
        [f"text {version}" for version in records.values()],
        [{"version": version} for version in records.values()],
        [None] * len(records),
        np.array([[version, 1.0, ord(name[-1])] for name, version in records.items()], np.float32),
    )
    rows = RecordsInMemory(record_table(page)) if records else NO_RECORDS
    about = dataclasses.replace(info(), name=name, id=f"id-{number}", dimension=3)
    return CollectionPrint(about, len(records), rows)


def taken(state):
    prints = [printed(name, *one) for name, one in state.items()]
    base = fingerprint()
    return dataclasses.replace(base, collections={one.info.key: one for one in prints})


def seen(state):
    copy = taken(state)
    return Observation(copy, counts={key: one.count for key, one in copy.collections.items()})


def verdicts_of(before, copy, after, **limits):
    window = BackupWindow(taken(before), taken(after) if after is not None else None, **limits)
    return {v.check: v for v in judge_between(seen(copy), window).verdicts}


LAX = {"least_coverage": 0.0, "most_unseen": 1.0}


@given(OPERATIONS, st.data())
def test_copy_of_any_instant_between_the_fingerprints_is_never_a_fail(operations, data):
    states = list(instants(operations))
    place = st.integers(0, len(states) - 1)
    first, middle, last = sorted(data.draw(st.tuples(place, place, place)))
    verdicts = verdicts_of(states[first], states[middle], states[last], **LAX)
    assert outcome_of(list(verdicts.values())) in (Outcome.PASS, Outcome.UNKNOWN)
    assert {v.outcome for v in verdicts.values()} <= {
        Outcome.PASS, Outcome.NOT_RUN,
    } or not any(states[middle].values())  # fmt: skip


@given(OPERATIONS, st.data())
def test_stable_record_that_is_lost_altered_or_stale_is_always_a_fail(operations, data):
    states = list(instants(operations))
    place = st.integers(0, len(states) - 1)
    first, middle, last = sorted(data.draw(st.tuples(place, place, place)))
    before, copy, after = states[first], copied(states[middle]), states[last]
    stable = [
        (name, record)
        for name, (number, records) in before.items()
        for record, version in records.items()
        if after.get(name, (0, {}))[0] == number and after[name][1].get(record) == version
    ]
    assume(stable)
    name, record = data.draw(st.sampled_from(stable))
    damage = data.draw(st.sampled_from(["lost", "altered", "collection lost"]))
    if damage == "lost":
        del copy[name][1][record]
    elif damage == "altered":
        copy[name][1][record] = 9999
    else:
        del copy[name]
    verdicts = verdicts_of(before, copy, after, **LAX)
    bad = [v for v in verdicts.values() if v.outcome is Outcome.FAIL]
    assert bad
    assert any(name in v.message for v in bad)


@pytest.mark.slow
@given(OPERATIONS, st.data())
def test_with_one_fingerprint_a_copy_of_a_later_instant_is_never_a_fail(operations, data):
    states = list(instants(operations))
    place = st.integers(0, len(states) - 1)
    first, middle = sorted(data.draw(st.tuples(place, place)))
    verdicts = verdicts_of(states[first], states[middle], None, **LAX)
    assert outcome_of(list(verdicts.values())) is not Outcome.FAIL
    same = taken(states[first]).collections.keys() == taken(states[middle]).collections.keys()
    if states[first] != states[middle] and same:
        assert outcome_of(list(verdicts.values())) is Outcome.UNKNOWN


# ---- case by case ----------------------------------------------------------------------------------
BEFORE = {"notes": (1, {f"r{n}": 0 for n in range(100)})}


def changed(state, **records):
    number, known = state["notes"]
    merged = {**known, **records}
    return {
        **state,
        "notes": (number, {key: value for key, value in merged.items() if value is not None}),
    }


def test_coverage_counts_what_is_proven_moved_unseen_and_unexplained():
    after = changed(BEFORE, r0=2, r1=None, new=2)
    copy = changed(BEFORE, r0=1, brief=1, r5=None)
    window = BackupWindow(taken(BEFORE), taken(after))
    verdicts, coverage = between.judge(seen(copy), window)
    total = coverage.total
    assert (total.proven, total.moved, total.unseen, total.unexplained) == (97, 3, 1, 1)
    records = next(v for v in verdicts if v.check == "records")
    assert records.outcome is Outcome.FAIL
    assert "missing record of 1 ids: r5" in records.message


def test_a_moved_record_of_neither_recording_is_counted_and_called_unchecked():
    after = changed(BEFORE, r0=2, r1=2, r2=2, r3=None, new=2)
    copy = changed(BEFORE, r0=1, r1=2, r3=1)  # in between; of after; of before; in between; gone
    window = BackupWindow(taken(BEFORE), taken(after))
    verdicts, coverage = between.judge(seen(copy), window)
    assert (coverage.total.moved, coverage.total.in_between) == (5, 2)
    message = next(v for v in verdicts if v.check == "records").message
    assert message == (
        "96 of 101 records proven exactly, 5 moved while the copy was taken, 2 of them with a"
        " version between both, whose content nothing can check"
    )
    assert "explained" not in message


def test_garbage_in_records_that_moved_is_never_called_one_of_the_two_recordings():
    after = changed(BEFORE, r0=2)
    for version, count in ((0, 0), (2, 0), (9999, 1)):
        window = BackupWindow(taken(BEFORE), taken(after))
        coverage = between.judge(seen(changed(BEFORE, r0=version)), window).coverage
        assert coverage.total.in_between == count


def test_too_little_that_is_proven_is_unknown_with_the_share():
    after = changed(BEFORE, **{f"r{n}": 2 for n in range(60)})
    verdict = verdicts_of(BEFORE, BEFORE, after)["coverage"]
    assert (verdict.outcome, verdict.actual, verdict.limit) == (Outcome.UNKNOWN, 40.0, 50.0)
    assert verdicts_of(BEFORE, BEFORE, after)["records"].outcome is Outcome.PASS


def test_too_many_records_in_neither_fingerprint_are_unknown():
    copy = changed(BEFORE, **{f"x{n}": 1 for n in range(9)})
    verdict = verdicts_of(BEFORE, copy, BEFORE)["coverage"]
    assert verdict.outcome is Outcome.UNKNOWN
    assert "9 came and went" in verdict.message


@pytest.mark.parametrize(
    ("after", "outcome"), [(BEFORE, Outcome.FAIL), (changed(BEFORE, r3=7), Outcome.FAIL)]
)
def test_record_that_lost_its_vector_is_a_fail_whether_it_moved_or_not(after, outcome):
    copy = seen(BEFORE)
    key, one = next(iter(copy.fingerprint.collections.items()))
    page_without = record_table(
        Page(
            ["r3"], ["text 0"], [{"version": 0}], [None], np.array([[0, 1, 51]], np.float32), (0,)
        )
    )  # fmt: skip
    table = next(one.records.batches())
    row = table["id"].to_pylist().index("r3")
    table = pa.concat_tables([table.slice(0, row), page_without, table.slice(row + 1)])
    bare = dataclasses.replace(one, records=RecordsInMemory(table))
    copy = dataclasses.replace(
        copy, fingerprint=dataclasses.replace(copy.fingerprint, collections={key: bare})
    )
    for window in (
        BackupWindow(taken(BEFORE), taken(after)),
        BackupWindow(taken(BEFORE), None),
    ):
        verdicts = {v.check: v for v in judge_between(copy, window).verdicts}
        assert verdicts["records"].outcome is outcome
        assert "r3" in verdicts["records"].message


def test_collection_that_was_renamed_meanwhile_is_known_by_its_id():
    after = {"letters": BEFORE["notes"]}
    for copy in (BEFORE, after):
        verdicts = verdicts_of(BEFORE, copy, after)
        assert outcome_of(list(verdicts.values())) is Outcome.PASS
        assert verdicts["coverage"].actual == 100.0


def test_imported_copy_has_new_ids_and_is_known_by_name():
    moved = changed(BEFORE, r0=2)
    copy = {"notes": (77, moved["notes"][1])}
    window = BackupWindow(taken(BEFORE), taken(moved))
    imported = came_over_the_api(taken(copy), *window.fingerprints)
    verdicts, coverage = judge_between(seen(copy), window, imported=imported)
    assert outcome_of(verdicts) is Outcome.PASS
    assert coverage.total.proven == 99


@pytest.mark.parametrize("space", ["cosine", "l2"])
@pytest.mark.parametrize("has_after", [True, False])
def test_float_that_a_server_moved_is_proven_in_an_imported_copy_and_no_other_value_is(
    space, has_after
):
    def taken_with(number, *values):
        metadatas = [{"p": value} for value in values]
        records = RecordsInMemory(record_table(page(metadatas=metadatas)))
        about = info(space=space, id=f"id-{number}")
        return fingerprint(CollectionPrint(about, 3, records))

    before = taken_with(1, 2e-28, 0.5, 0.1)
    window = BackupWindow(before, before if has_after else None)
    proven = []
    for number in (2, 1):  # a new id, and the old one: an import, and files
        copy = taken_with(number, 1.9999999999999997e-28, 0.5, 0.2)
        imported = came_over_the_api(copy, *window.fingerprints)
        observation = Observation(copy, counts=dict.fromkeys(copy.collections, 3))
        verdicts, coverage = judge_between(observation, window, imported=imported)
        assert outcome_of(verdicts) is not Outcome.PASS
        proven.append(coverage.total.proven)
    assert proven == [2, 1]


def test_other_database_and_other_time_are_called_so():
    other = {"strange": (9, {"a": 1})}
    message = verdicts_of(BEFORE, other, BEFORE)["inventory"].message
    assert "this is another database" in message
    rewritten = changed(BEFORE, **dict.fromkeys(BEFORE["notes"][1], 5))
    message = verdicts_of(BEFORE, rewritten, BEFORE)["records"].message
    assert "of another database, or of another time" in message


def test_records_of_collections_that_are_not_in_the_copy_are_lost_and_not_explained():
    verdicts = verdicts_of(BEFORE, {"strange": (9, {"a": 1})}, BEFORE)
    records, coverage = verdicts["records"], verdicts["coverage"]
    assert records.outcome is Outcome.FAIL
    assert "100 records that stand before and after: not in the copy" in records.message
    assert "explained" not in records.message
    assert coverage.outcome is Outcome.UNKNOWN
    assert coverage.message.endswith(
        "first find out what became of the 100 unexplained (inventory, records)"
    )


@pytest.mark.parametrize(
    ("taken_by", "begun", "is_later"),
    [
        ("recording", "2026-11-29T02:00:05.700000Z", True),  # the very second, which may be later
        ("recording", "2026-11-29T02:00:06.000000Z", False),  # the second before it began
        ("recording", "2026-11-29T02:00:04.900000Z", True),
        ("live", "2026-11-29T02:00:05.700000Z", False),  # nobody wrote while it was taken
        ("live", "2026-11-29T02:00:04.900000Z", True),
    ],
)
def test_write_in_the_second_in_which_a_recording_began_may_be_later(taken_by, begun, is_later):
    before = dataclasses.replace(taken(BEFORE), taken=taken_by, taken_at=begun)
    copy = dataclasses.replace(seen(BEFORE), newest_write="2026-11-29T02:00:05Z")
    assert is_written_later(copy, before) is is_later


@pytest.mark.parametrize("space", ["cosine", "ip"])
def test_metric_that_is_another_is_a_fail_in_every_collection(space):
    for after in (BEFORE, {}):
        copy = seen(BEFORE)
        key, one = next(iter(copy.fingerprint.collections.items()))
        assert one.info.space == "l2"
        altered = dataclasses.replace(one, info=dataclasses.replace(one.info, space=space))
        copy = dataclasses.replace(
            copy, fingerprint=dataclasses.replace(copy.fingerprint, collections={key: altered})
        )
        window = BackupWindow(taken(BEFORE), taken(after))
        verdicts = {v.check: v for v in judge_between(copy, window).verdicts}
        assert verdicts["configuration"].outcome is Outcome.FAIL


def test_database_that_stands_before_and_after_and_is_not_in_the_copy_is_a_fail():
    lost = Scope("default_tenant", "archive")
    before = dataclasses.replace(taken(BEFORE), databases=(Scope(), lost))
    verdicts = judge_between(seen(BEFORE), BackupWindow(before, before)).verdicts
    assert "archive" in next(v for v in verdicts if v.outcome is Outcome.FAIL).message


def test_check_that_crashes_is_unknown_never_pass():
    broken = dataclasses.replace(seen(BEFORE), fingerprint=None)
    verdicts = judge_between(broken, BackupWindow(taken(BEFORE), taken(BEFORE))).verdicts
    assert {v.outcome for v in verdicts} == {Outcome.UNKNOWN}


@pytest.mark.parametrize("after", [BEFORE, {}], ids=["stands", "dropped since"])
def test_collection_in_another_database_is_a_fail_since_no_client_can_take_it_there(after):
    copy = seen(BEFORE)
    one = next(iter(copy.fingerprint.collections.values()))
    elsewhere = dataclasses.replace(one, info=dataclasses.replace(one.info, database="other"))
    collections = {elsewhere.info.key: elsewhere}
    copy = Observation(dataclasses.replace(copy.fingerprint, collections=collections))
    verdicts = judge_between(copy, BackupWindow(taken(BEFORE), taken(after))).verdicts
    assert verdicts[0].outcome is Outcome.FAIL
    assert "default_tenant/other" in verdicts[0].message


def test_name_that_stands_before_and_after_is_the_copys_too():
    verdicts = verdicts_of(BEFORE, {"letters": BEFORE["notes"]}, BEFORE)
    assert verdicts["inventory"].outcome is Outcome.FAIL
