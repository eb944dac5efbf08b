"""Public incidents, rebuilt: each must still be caught, by the check that is on record for it."""

import pytest

from chromadrill.core.model import Outcome
from chromadrill.disasters.incidents.table import INCIDENTS

pytestmark = pytest.mark.incidents
EXIT = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.UNKNOWN: 2}


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_incident_ends_as_the_track_record_says(lab, run, incident):
    with incident.rebuild(lab) as places:
        ended = run(incident.arguments(places))

    assert ended.code == EXIT[incident.outcome], ended.text
    if incident.check:
        assert ended.outcomes[incident.check] == incident.outcome, ended.text
    assert incident.message in ended.text
