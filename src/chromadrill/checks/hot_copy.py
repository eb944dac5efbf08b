"""Copies taken while clients wrote: is each of one instant, and whole up to that instant?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from chromadrill.checks.objectives import data_loss
from chromadrill.core.model import Acknowledged, HotCopy, Outcome, Verdict


def is_consistent(copy: HotCopy) -> Verdict:
    """One copy: its check suite passed, what was acknowledged before it began is there, without holes.

    No copy, or nothing written before it, is UNKNOWN.
    """
    if copy.refused:
        return Verdict.unknown(copy.method, f"no copy: {copy.refused}")
    known_before = data_loss(
        [write for write in copy.ledger if write.at < copy.began],
        dict(copy.present),
        copy.began,
        None,
    )
    if known_before.outcome is Outcome.UNKNOWN:
        return Verdict.unknown(copy.method, known_before.message)
    bad = [v for v in (*copy.verdicts, known_before) if v.outcome is Outcome.FAIL]
    faults = [f"{verdict.check}: {verdict.message}" for verdict in bad[:3]]
    if gaps := holes(copy):
        faults.append(f"{len(gaps)} writes missing before one that is there, first {gaps[0].id}")
    if faults:
        return Verdict.failed(copy.method, "; ".join(faults))
    if Outcome.merge(v.outcome for v in copy.verdicts) is not Outcome.PASS:
        return Verdict.unknown(copy.method, "the copy was not judged")
    return Verdict.passed(copy.method, f"of one instant; {known_before.message}")


def missing(copy: HotCopy) -> list[Acknowledged]:
    """Acknowledged until the copy ended and not in it, oldest first: lost if it is restored."""
    return [write for write in copy.ledger if copy.present.get(write.id, -1) < write.value]


def holes(copy: HotCopy) -> list[Acknowledged]:
    """Missing writes that are older than one that is there: a copy of one instant has none.

    One client wrote them one after the other, each after the one before was acknowledged.
    """
    lost = missing(copy)
    present = [write.value for write in copy.ledger if write not in lost]
    return [write for write in lost if present and write.value < present[-1]]


def data_loss_s(copy: HotCopy) -> float:
    """From the oldest missing write to the end of the copy, in seconds: its recovery point."""
    lost = missing(copy)
    return copy.ended - lost[0].at if lost else 0.0


def never_failed(copies: Sequence[HotCopy]) -> Verdict:
    """Judge the copies of one method: a single bad copy is a FAIL, no copy at all is UNKNOWN.

    The message says how many were tried.
    """
    method = copies[0].method if copies else "?"
    verdicts = [is_consistent(copy) for copy in copies]
    bad = [verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL]
    good = [verdict for verdict in verdicts if verdict.outcome is Outcome.PASS]
    if bad:
        message = f"bad in {len(bad)} of {len(verdicts)} tries; {bad[0].message}"
        return Verdict.failed(method, message, actual=float(len(bad)), limit=0.0, unit="bad copies")
    if not good:
        why = verdicts[0].message if verdicts else "never tried"
        return Verdict.unknown(method, f"no copy in {len(verdicts)} tries; {why}")
    message = f"consistent: never failed in {len(good)} copies of {len(verdicts)} tries"
    return Verdict.passed(method, message, actual=0.0, limit=0.0, unit="bad copies")


def was_measured(copies: Sequence[HotCopy], tries: int) -> Verdict:
    """Whether the method was really tried so often: each gave a copy that was judged, or was refused."""
    verdicts = [is_consistent(copy) for copy in copies]
    judged = [
        verdict
        for verdict, copy in zip(verdicts, copies, strict=True)
        if copy.refused or verdict.outcome is not Outcome.UNKNOWN
    ]
    message = f"{len(judged)} of {tries} tries judged: {never_failed(copies).message}"
    make = Verdict.passed if len(judged) >= tries > 0 else Verdict.unknown
    return make("measured", message, actual=float(len(judged)), limit=float(tries), unit="tries")


def are_safe(used: Collection[str], measured: Mapping[str, Sequence[HotCopy]]) -> Verdict:
    """No method of `used`, the backup methods, ever gave a bad copy.

    `measured`: method -> its tries. A method that was not measured is UNKNOWN, and so is one with a
    copy that could not be judged. A method that refused has given no bad copy.
    """
    check = "own methods"
    outcomes, parts = set(), []
    for method in used:
        copies = measured.get(method, ())
        outcomes |= {is_consistent(copy).outcome for copy in copies if not copy.refused}
        if not copies:
            outcomes.add(Outcome.UNKNOWN)
        unjudged = sum(
            not copy.refused and is_consistent(copy).outcome is Outcome.UNKNOWN for copy in copies
        )
        history = never_failed(copies).message if copies else "not measured"
        parts.append(f"{method}: {history}" + (f"; {unjudged} not judged" if unjudged else ""))
    if Outcome.FAIL in outcomes:
        return Verdict.failed(check, "; ".join(parts))
    if not used or Outcome.UNKNOWN in outcomes:
        return Verdict.unknown(check, "; ".join(parts) or "no method")
    return Verdict.passed(check, "; ".join(parts))
