"""Verdicts merge so that nothing unproven is green."""

from hypothesis import given
from hypothesis import strategies as st

from chromadrill.core.model import Outcome, Scope


def test_fail_beats_unknown_beats_pass():
    assert Outcome.merge([Outcome.PASS, Outcome.UNKNOWN, Outcome.FAIL]) is Outcome.FAIL
    assert Outcome.merge([Outcome.PASS, Outcome.UNKNOWN]) is Outcome.UNKNOWN
    assert Outcome.merge([Outcome.PASS, Outcome.NOT_RUN]) is Outcome.PASS


def test_nothing_judged_is_unknown():
    assert Outcome.merge([]) is Outcome.UNKNOWN
    assert Outcome.merge([Outcome.NOT_RUN]) is Outcome.UNKNOWN


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1))
def test_merged_pass_means_no_fail_and_no_unknown(outcomes):
    if Outcome.merge(outcomes) is Outcome.PASS:
        assert set(outcomes) <= {Outcome.PASS, Outcome.NOT_RUN}


def test_scope_is_written_tenant_slash_database():
    assert Scope.parse(str(Scope("acme", "prod"))) == Scope("acme", "prod")
