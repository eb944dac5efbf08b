"""Every known fault turns the verdict red and names its collection; no healthy copy does."""

import os
import shutil

import pytest

from chromadrill.backups.manifest import files_of
from chromadrill.core.model import Outcome
from chromadrill.disasters.catalogue.faults import FAULT_SPECS, bind
from chromadrill.disasters.catalogue.harmless import HEALTHY
from chromadrill.drill.validate import validate
from fixtures.seeded_store import serve

pytestmark = pytest.mark.sabotage
SERVED_TOO = FAULT_SPECS[::5]  # checked to the end; for the others the first red check is enough


@pytest.fixture
def copy(seeded_store, tmp_path):
    """A fresh cold copy of the seeded store."""
    shutil.copytree(seeded_store.data, tmp_path / "data")
    yield tmp_path / "data"
    shutil.rmtree(tmp_path, ignore_errors=True)


def run_suite(data, before, *, to_the_end):
    """The check suite at rest; then, unless a check is red already, served, written to, restarted."""
    untouched = files_of(data) if data.is_dir() else []
    verdicts = validate(data, (), before, None).verdicts
    if to_the_end or all(v.outcome is not Outcome.FAIL for v in verdicts):
        verdicts = validate(data, (), before, None, serve=True).verdicts
    assert not data.is_dir() or files_of(data) == untouched, "the directory itself was changed"
    return verdicts


def record_row(record_property, kind, name, family, verdicts):
    record_property(
        "sabotage",
        {
            "kind": kind,
            "name": name,
            "family": family,
            "outcome": str(Outcome.merge(v.outcome for v in verdicts)),
            "checks": {v.check: str(v.outcome) for v in verdicts},
        },
    )


@pytest.mark.parametrize("spec", FAULT_SPECS, ids=lambda spec: f"{spec.family}-{spec.name}")
def test_fault_is_caught_and_its_collection_named(seeded_store, copy, record_property, spec):
    if spec.needs_non_root and os.geteuid() == 0:
        pytest.skip("root may read everything: run it as another user")
    fault = bind(spec, seeded_store.data, seeded_store.older)
    fault.inject(copy)
    assert files_of(copy) != files_of(seeded_store.data), "no fault was injected"

    verdicts = run_suite(copy, seeded_store.before, to_the_end=spec in SERVED_TOO)

    record_row(record_property, "fault", fault.name, fault.family, verdicts)
    if fault.shows == "nothing":
        return  # bytes that no answer depends on: told either way
    assert Outcome.merge(v.outcome for v in verdicts) is Outcome.FAIL
    red = [v for v in verdicts if v.outcome is Outcome.FAIL]
    is_of_store = any(v.check.startswith(("integrity", "start", "inventory")) for v in red)
    collections = {d.collection for v in red for d in v.differences}
    is_named = any(fault.hits in collections or fault.hits in v.message for v in red if fault.hits)
    assert is_of_store or fault.hits is None or is_named, red


@pytest.mark.parametrize("variant", HEALTHY, ids=lambda variant: variant.name)
def test_healthy_copy_is_never_called_sick(seeded_store, copy, record_property, variant):
    variant.apply(copy, serve)

    verdicts = run_suite(copy, seeded_store.before, to_the_end=True)

    record_row(record_property, "healthy", variant.name, "healthy", verdicts)
    assert [v for v in verdicts if v.outcome is not Outcome.PASS] == []
