"""Rows of the track record: each names its threads, what people saw, and what has to say so."""

import re

from chromadrill.core.model import Outcome
from chromadrill.disasters.incidents.table import INCIDENTS

THREAD = re.compile(r"[\w.-]+/[\w.-]+#[0-9]+")


def test_no_two_incidents_have_one_name():
    names = [incident.name for incident in INCIDENTS]
    assert sorted(set(names)) == sorted(names)


def test_every_thread_is_a_repository_and_a_number():
    threads = [thread for incident in INCIDENTS for thread in incident.sources]
    assert [thread for thread in threads if not THREAD.fullmatch(thread)] == []


def test_every_row_says_what_people_saw_and_what_is_rebuilt():
    assert [i.name for i in INCIDENTS if not (i.symptom.endswith((".", "?")) and i.what)] == []


def test_incident_that_is_found_names_its_check_or_the_words_of_its_refusal():
    silent = [i for i in INCIDENTS if i.outcome is Outcome.FAIL and not (i.check or i.message)]
    assert silent == []
