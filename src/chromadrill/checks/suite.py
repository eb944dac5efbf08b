"""The check suite: from an observation to one verdict a check, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence

from chromadrill.checks import answers, at_rest, between, content
from chromadrill.checks.between import Between
from chromadrill.checks.recall import same_recall
from chromadrill.core.model import Fingerprint, Observation, Outcome, Verdict
from chromadrill.core.model.window import BackupWindow, Coverage

Check = Callable[[], Verdict]
BETWEEN = ("inventory", "counts", "records", "configuration", "coverage")


def judge(
    observation: Observation,
    before: Fingerprint | None,
    *,
    imported: Collection[str] = (),
    rebuilt: Collection[str] = (),
) -> list[Verdict]:
    """Every check's verdict on a live observation.

    Without a fingerprint the checks that need one are `not_run`, and what is left judges
    self-consistency: do the server's answers agree with brute force over its own records?
    `imported` collections came back via the API (new ids, cosine vectors within a tolerance).
    `rebuilt` ones among them were embedded anew from their documents.
    """
    if observation.access_error:
        return _judge_what_was_read(observation, before, imported=imported, rebuilt=rebuilt)
    verdicts = []
    for name, check in _content_checks(observation, before, imported, rebuilt):
        verdicts.append(
            _safely(name, check) if before is not None else _judge_alone(name, observation)
        )
    for name, check in (
        ("distances", lambda: answers.right_distances(observation, before)),
        ("recall", lambda: same_recall(observation, before)),
        ("filters", lambda: answers.same_filters(observation, before)),
        ("text search", lambda: answers.same_text_search(observation, before)),
        ("alive", lambda: answers.still_alive(observation)),
    ):
        verdicts.append(_safely(name, check))
    return verdicts


def _judge_what_was_read(
    observation: Observation, before: Fingerprint | None, **kinds: Collection[str]
) -> list[Verdict]:
    """Access was lost on the way: what had been read by then may FAIL, all the rest is UNKNOWN."""
    read = observation.fingerprint.collections
    seen = dataclasses.replace(
        observation,
        access_error=None,
        read_errors=tuple(error for error in observation.read_errors if error.reading),
        counts={key: count for key, count in observation.counts.items() if key in read},
        missing_tenants=(),
    )
    if before is not None:
        databases = dataclasses.replace(seen.fingerprint, databases=before.databases)
        seen = dataclasses.replace(seen, fingerprint=databases)
        shared = {key: was for key, was in before.collections.items() if key in read}
        before = dataclasses.replace(before, collections=shared)
    verdicts = judge(seen, before, **kinds)
    message = f"could not be read to the end: {observation.access_error}"
    return [
        verdict
        if verdict.outcome is Outcome.FAIL
        else dataclasses.replace(verdict, outcome=Outcome.UNKNOWN, message=message)
        for verdict in verdicts
    ]


def judge_files(
    observation: Observation, before: Fingerprint | None, *, imported: Collection[str] = ()
) -> list[Verdict]:
    """Every check that files alone allow; what needs a server is not in it.

    A store that this reader cannot open is UNKNOWN throughout: unread is not missing.
    """
    verdicts = judge_soundness(observation)
    if unread := at_rest.unread_store(observation):
        content_names = _content_checks(observation, before, imported) if before else []
        return verdicts + [Verdict.unknown(name, unread) for name, _ in content_names]
    for name, check in _content_checks(observation, before, imported):
        verdicts.append(
            _safely(name, check) if before is not None else _judge_alone(name, observation)
        )
    return verdicts


def judge_soundness(observation: Observation) -> list[Verdict]:
    """What only files can show: are the database and the index files sound?"""
    if unread := at_rest.unread_store(observation):
        return [Verdict.unknown("integrity", unread), Verdict.unknown("structure", unread)]
    return [
        _safely("integrity", lambda: at_rest.sound_database(observation)),
        _safely("structure", lambda: at_rest.sound_structure(observation)),
    ]


def judge_between(
    observation: Observation, window: BackupWindow, *, imported: Collection[str] = ()
) -> Between:
    """Is everything there that stands before and after, and can the rest be explained?

    Inventory, counts, records, configuration, coverage; UNKNOWN throughout for a store that this reader
    cannot open, and where access was lost on the way.
    """
    reason = at_rest.unread_store(observation) or observation.access_error
    if reason is not None:
        return Between([Verdict.unknown(name, reason) for name in BETWEEN], Coverage({}))
    try:
        return between.judge(observation, window, imported=imported)
    except Exception as error:  # a check that crashes is UNKNOWN, never PASS
        message = f"the check itself failed: {type(error).__name__}: {error}"
        return Between([Verdict.unknown(name, message) for name in BETWEEN], Coverage({}))


def judge_content(
    observation: Observation, before: Fingerprint, *, imported: Collection[str] = ()
) -> list[Verdict]:
    """Is everything there, and is it the same? Inventory, counts, records, configuration."""
    return [_safely(name, check) for name, check in _content_checks(observation, before, imported)]


def judge_canary(observation: Observation) -> Verdict:
    """Whether the copy takes writes."""
    return _safely("canary", lambda: answers.takes_writes(observation))


def _content_checks(
    observation: Observation,
    before: Fingerprint | None,
    imported: Collection[str],
    rebuilt: Collection[str] = (),
) -> list[tuple[str, Check]]:
    def against(check: Callable[..., Verdict], **kwargs: Collection[str]) -> Check:
        return lambda: check(observation, before, **kwargs)

    return [
        ("inventory", against(content.same_inventory, imported=imported)),
        ("counts", against(content.same_counts)),
        ("records", against(content.same_records, imported=imported, rebuilt=rebuilt)),
        ("configuration", against(content.same_configuration, imported=imported)),
    ]


def _judge_alone(name: str, observation: Observation) -> Verdict:
    """With nothing to compare with: FAIL where the server failed, UNKNOWN where nothing is there."""
    step = {"counts": "count"}.get(name, name)
    for error in observation.read_errors:
        if error.step == step:
            judged = Verdict.failed if error.reading else Verdict.unknown
            return judged(name, f"{error.where}: {error.message}")
    if name == "inventory" and not observation.fingerprint.collections:
        return Verdict.unknown(name, content.nothing_in(observation.fingerprint))
    return Verdict.not_run(name, "no fingerprint given: nothing to compare with")


def _safely(name: str, check: Check) -> Verdict:
    """A check that crashes is UNKNOWN, never PASS."""
    try:
        return check()
    except Exception as error:
        return Verdict.unknown(name, f"the check itself failed: {type(error).__name__}: {error}")


def outcome_of(verdicts: Sequence[Verdict]) -> Outcome:
    return Outcome.merge(verdict.outcome for verdict in verdicts)
