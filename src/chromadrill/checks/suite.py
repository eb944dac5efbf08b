"""The check suite: from an observation to one verdict a check, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from chromadrill.checks import answers, at_rest, content
from chromadrill.core.model import Fingerprint, Observation, Outcome, Verdict

Check = Callable[[], Verdict]


def judge(
    seen: Observation,
    before: Fingerprint | None,
    *,
    imported: Collection[str] = (),
    rebuilt: Collection[str] = (),
) -> list[Verdict]:
    """Every check's verdict on a live observation.

    Without a fingerprint the checks that need one are `not_run`, and what is left judges
    self-consistency: do the server's answers agree with brute force over its own records?
    `imported` collections came back over the API (new ids, cosine vectors within a tolerance).
    `rebuilt` ones among them were embedded anew from their documents.
    """
    verdicts = []
    for name, check in _content_checks(seen, before, imported, rebuilt):
        if before is None:
            missing = "no fingerprint given: nothing to compare with"
            verdicts.append(_readable(name, seen) or Verdict.not_run(name, missing))
        else:
            verdicts.append(_safely(name, check))
    for name, check in (
        ("distances", lambda: answers.right_distances(seen, before)),
        ("recall", lambda: answers.same_recall(seen, before, imported=imported)),
        ("filters", lambda: answers.same_filters(seen, before)),
        ("text search", lambda: answers.same_text_search(seen, before)),
        ("alive", lambda: answers.still_alive(seen)),
    ):
        verdicts.append(_safely(name, check))
    return verdicts


def judge_files(
    seen: Observation, before: Fingerprint | None, *, imported: Collection[str] = ()
) -> list[Verdict]:
    """Every check that files alone allow; what needs a server is not in it."""
    verdicts = [
        _safely("integrity", lambda: at_rest.sound_database(seen)),
        _safely("structure", lambda: at_rest.sound_structure(seen)),
    ]
    for name, check in _content_checks(seen, before, imported):
        if before is None:
            missing = "no fingerprint given: nothing to compare with"
            verdicts.append(_readable(name, seen) or Verdict.not_run(name, missing))
        else:
            verdicts.append(_safely(name, check))
    return verdicts


def judge_content(
    seen: Observation, before: Fingerprint, *, imported: Collection[str] = ()
) -> list[Verdict]:
    """Is everything there, and is it the same? Inventory, counts, records, configuration."""
    return [_safely(name, check) for name, check in _content_checks(seen, before, imported)]


def judge_canary(seen: Observation) -> Verdict:
    """Whether the copy takes writes."""
    return _safely("canary", lambda: answers.takes_writes(seen))


def _content_checks(
    seen: Observation,
    before: Fingerprint | None,
    imported: Collection[str],
    rebuilt: Collection[str] = (),
) -> list[tuple[str, Check]]:
    def against(check: Callable[..., Verdict], **kwargs: Collection[str]) -> Check:
        return lambda: check(seen, before, **kwargs)

    return [
        ("inventory", against(content.same_inventory, imported=imported)),
        ("counts", against(content.same_counts)),
        ("records", against(content.same_records, imported=imported, rebuilt=rebuilt)),
        ("configuration", against(content.same_configuration, imported=imported)),
    ]


def _readable(name: str, seen: Observation) -> Verdict | None:
    """Even with nothing to compare with, a check the server failed on is a FAIL."""
    step = {"counts": "count"}.get(name, name)
    for read_error in seen.read_errors:
        if read_error.step == step:
            return Verdict.failed(name, f"{read_error.where}: {read_error.message}")
    return None


def _safely(name: str, check: Check) -> Verdict:
    """A check that crashes is UNKNOWN, never PASS."""
    try:
        return check()
    except Exception as error:
        return Verdict.unknown(name, f"the check itself failed: {type(error).__name__}: {error}")


def outcome_of(verdicts: Sequence[Verdict]) -> Outcome:
    return Outcome.merge(each.outcome for each in verdicts)
