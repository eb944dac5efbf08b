"""Public incidents, rebuilt: each must still be caught, by the check that is on record for it."""

import shutil

import pytest

from chromadrill.core.model import Outcome
from chromadrill.disasters.catalogue.faults import FAULT_SPECS, bind
from chromadrill.disasters.catalogue.incidents import INCIDENTS
from chromadrill.drill.validate import validate

pytestmark = pytest.mark.incidents
BY_NAME = {spec.name: spec for spec in FAULT_SPECS}


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_incident_is_caught(seeded_store, tmp_path, incident):
    copy = tmp_path / "data"
    shutil.copytree(seeded_store.data, copy)
    bind(BY_NAME[incident.fault], seeded_store.data, seeded_store.older).inject(copy)

    verdicts = validate(copy, (), seeded_store.before, None).verdicts

    outcomes = {verdict.check: verdict.outcome for verdict in verdicts}
    assert outcomes[incident.check] is Outcome.FAIL
