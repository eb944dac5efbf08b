"""Every content check: green on equal, red on each difference, UNKNOWN when it could not look."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chromadrill.checks import at_rest, content
from chromadrill.chroma.fingerprint.digests import NO_RECORDS
from chromadrill.core.model import Outcome, ReadError, Scope
from tests.conftest import KEY, fingerprint, info, observed, page, printed


@pytest.mark.parametrize(
    "check",
    [
        content.same_inventory,
        content.same_counts,
        content.same_records,
        content.same_configuration,
    ],
)
def test_equal_is_pass(check):
    assert check(observed(), fingerprint()).outcome is Outcome.PASS


def changed(**columns):
    return observed(printed(page(**columns)))


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"documents": ["one", "TWO", None]}, "document"),
        ({"documents": ["one", "two", ""]}, "document"),
        ({"metadatas": [{"n": 1}, {"n": 2}, None]}, "metadata"),
        ({"metadatas": [{"n": True}, {"n": 2.0}, None]}, "metadata"),
        ({"metadatas": [{"n": "1"}, {"n": 2.0}, None]}, "metadata"),
        ({"metadatas": [{"n": 1}, {"n": 2.0}, {"x": 0}]}, "metadata"),
        ({"uris": [None, None, None]}, "uri"),
        ({"vectors": np.arange(12, dtype=np.float32).reshape(3, 4) + 1e-3}, "vector"),
        ({"without_vector": (1,)}, "vector"),
    ],
)
def test_changed_field_is_fail_and_named(columns, field):
    verdict = content.same_records(changed(**columns), fingerprint())

    assert verdict.outcome is Outcome.FAIL
    assert {d.field for d in verdict.differences} == {field}
    assert verdict.differences[0].collection == KEY
    assert verdict.differences[0].ids


def test_one_bit_of_one_vector_is_fail():
    vectors = np.arange(12, dtype=np.float32).reshape(3, 4)
    vectors.view(np.uint32)[1, 2] ^= 1
    assert content.same_records(changed(vectors=vectors), fingerprint()).outcome is Outcome.FAIL


def test_missing_and_extra_records_are_named():
    verdict = content.same_records(changed(ids=["a", "b", "d"]), fingerprint())

    assert {(d.kind, d.ids) for d in verdict.differences} >= {
        ("missing", ("c",)),
        ("extra", ("d",)),
    }


@given(st.permutations(range(3)))
def test_order_of_records_does_not_matter(order):
    base = page()
    shuffled = page(
        ids=[base.ids[n] for n in order],
        documents=[base.documents[n] for n in order],
        metadatas=[base.metadatas[n] for n in order],
        uris=[base.uris[n] for n in order],
        vectors=base.vectors[list(order)],
    )
    assert content.same_records(observed(printed(shuffled)), fingerprint()).outcome is Outcome.PASS


def test_ulp_of_a_cosine_vector_is_drift_after_an_import_and_damage_after_a_file_restore():
    moved = np.nextafter(page().vectors, np.float32(np.inf), dtype=np.float32)
    before = fingerprint(printed(space="cosine"))
    after = observed(printed(page(vectors=moved), space="cosine"))

    assert content.same_records(after, before, imported=before.collections).outcome is Outcome.PASS
    assert content.same_records(after, before).outcome is Outcome.FAIL


def test_float_of_metadata_that_a_server_moved_is_the_same_after_an_import_alone():
    before = fingerprint(printed(page(metadatas=[{"p": 2e-28}, {"p": 0.5}, None])))
    moved = [{"p": 1.9999999999999997e-28}, {"p": 0.5}, None]
    after = observed(printed(page(metadatas=moved)))

    assert content.same_records(after, before, imported=before.collections).outcome is Outcome.PASS
    assert content.same_records(after, before).outcome is Outcome.FAIL
    other = observed(printed(page(metadatas=[{"p": 2.1e-28}, {"p": 0.5}, None])))
    assert content.same_records(other, before, imported=before.collections).outcome is Outcome.FAIL


def test_another_vector_is_no_drift():
    before = fingerprint(printed(space="cosine"))
    after = observed(printed(page(vectors=page().vectors[::-1]), space="cosine"))
    assert content.same_records(after, before, imported=before.collections).outcome is Outcome.FAIL


def test_unreadable_collection_is_fail_with_its_cause_not_all_missing():
    nothing = dataclasses.replace(printed(), records=NO_RECORDS)
    observation = observed(nothing, read_errors=[ReadError("records", KEY, "500 Error finding id")])
    verdict = content.same_records(observation, fingerprint())

    assert verdict.outcome is Outcome.FAIL
    assert "Error finding id" in verdict.message
    assert not verdict.differences


def test_what_the_harness_could_not_look_at_is_unknown():
    observation = observed(read_errors=[ReadError("records", KEY, "cannot look", reading=False)])
    assert content.same_records(observation, fingerprint()).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "observation",
    [
        observed(printed(id="2")),
        observed(missing_tenants=["acme"]),
        observed(databases=()),
        observed(databases=(Scope(), Scope("default_tenant", "extra"))),
        observed(printed(), printed(name="extra")),
        observed(printed(name="other")),
        observed(read_errors=[ReadError("inventory", "x", "500")]),
    ],
)
def test_inventory_is_compared_both_ways(observation):
    assert content.same_inventory(observation, fingerprint()).outcome is Outcome.FAIL


def test_new_collection_id_is_normal_after_an_import():
    observation = observed(printed(id="2"))
    assert (
        content.same_inventory(observation, fingerprint(), imported=[KEY]).outcome is Outcome.PASS
    )


def test_count_that_differs_is_fail():
    assert content.same_counts(observed(printed(count=2)), fingerprint()).outcome is Outcome.FAIL


def test_collection_that_was_not_counted_is_unknown():
    observation = dataclasses.replace(observed(), counts={})
    assert content.same_counts(observation, fingerprint()).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "changes",
    [
        {"space": "cosine"},
        {"dimension": 5},
        {"metadata": None},
        {"metadata": {"v": 1.0}},
        {"metadata": {"v": True}},
        {"configuration": {"hnsw": {"space": "l2", "ef_search": 10}}},
        {"schema": {"keys": {"x": {}}}},
    ],
)
def test_changed_configuration_is_fail(changes):
    verdict = content.same_configuration(observed(printed(**changes)), fingerprint())
    assert verdict.outcome is Outcome.FAIL


def test_number_of_threads_is_no_setting_and_is_compared_where_it_is_the_users_metadata():
    def settings(threads):
        return info(metadata={"v": 1}, configuration={"hnsw": {"num_threads": threads}})

    assert content.settings_differences(settings(1), settings(8), imported=False) == []
    own = info(metadata={"v": 1, "num_threads": 1})
    for other in ({"v": 1, "num_threads": 2}, {"v": 1}):
        (difference,) = content.settings_differences(own, info(metadata=other), imported=False)
        assert difference.field == "metadata.num_threads"
    of_key = info(schema={"keys": {"num_threads": {"int": {"int_inverted_index": False}}}})
    assert content.settings_differences(of_key, info(), imported=False)


def test_store_in_which_every_id_is_new_was_imported_and_one_new_id_is_a_difference():
    two = fingerprint(printed(), printed(name="other"))
    imported = observed(printed(id="2"), printed(name="other", id="3"))
    tampered = observed(printed(id="2"), printed(name="other"))

    assert content.came_over_the_api(imported.fingerprint, two) == two.collections.keys()
    assert not content.came_over_the_api(tampered.fingerprint, two)
    assert content.same_inventory(tampered, two).outcome is Outcome.FAIL


def test_two_collections_that_have_each_others_name_came_with_files_and_are_a_difference():
    two = fingerprint(printed(), printed(name="other", id="9"))
    swapped = observed(printed(id="9"), printed(name="other"))
    assert not content.came_over_the_api(swapped.fingerprint, two)
    assert content.same_inventory(swapped, two).outcome is Outcome.FAIL


def test_structure_of_a_store_that_was_not_opened_is_unknown_never_sound():
    unopened = observed(read_errors=[ReadError("start", "data", "holds no chroma.sqlite3")])

    assert at_rest.sound_structure(unopened).outcome is Outcome.UNKNOWN
    assert at_rest.sound_database(unopened).outcome is Outcome.FAIL
    assert at_rest.sound_structure(observed()).outcome is Outcome.PASS


def test_damaged_index_is_fail_and_one_that_cannot_be_judged_is_unknown():
    damaged = observed(read_errors=[ReadError("structure", KEY, "a link out of range")])
    refused = observed(read_errors=[ReadError("structure", KEY, "hostile pickle", reading=False)])

    assert at_rest.sound_structure(damaged).outcome is Outcome.FAIL
    assert at_rest.sound_structure(refused).outcome is Outcome.UNKNOWN


def test_type_that_records_added_to_a_key_is_no_difference_of_an_import():
    on, off = {"inverted_index": {"enabled": True}}, {"inverted_index": {"enabled": False}}
    defaults = {"int": on, "float": on}
    before = fingerprint(printed(schema={"defaults": defaults, "keys": {"n": {"int": on}}}))
    more = observed(printed(schema={"defaults": defaults, "keys": {"n": {"int": on, "float": on}}}))
    altered = observed(printed(schema={"defaults": defaults, "keys": {"n": {"int": off}}}))
    assert content.same_configuration(more, before, imported=[KEY]).outcome is Outcome.PASS
    assert content.same_configuration(more, before).outcome is Outcome.FAIL
    assert content.same_configuration(altered, before, imported=[KEY]).outcome is Outcome.FAIL


def test_schema_keys_that_an_import_learned_from_its_records_are_no_difference():
    index = {"string": {"string_inverted_index": {"enabled": True, "config": {}}}}
    off = {"string": {"string_inverted_index": {"enabled": False, "config": {}}}}
    defaults = {**index, "int": {"int_inverted_index": {"enabled": True, "config": {}}}}
    before = fingerprint(printed(schema={"defaults": defaults, "keys": {}}))
    learned = observed(printed(schema={"defaults": defaults, "keys": {"s": index}}))
    altered = observed(printed(schema={"defaults": defaults, "keys": {"s": off}}))

    assert content.same_configuration(learned, before, imported=[KEY]).outcome is Outcome.PASS
    assert content.same_configuration(learned, before).outcome is Outcome.FAIL
    assert content.same_configuration(altered, before, imported=[KEY]).outcome is Outcome.FAIL
