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
        [each for each in copy.ledger if each.at < copy.began], dict(copy.present), copy.began, None
    )
    if known_before.outcome is Outcome.UNKNOWN:
        return Verdict.unknown(copy.method, known_before.message)
    bad = [v for v in (*copy.verdicts, known_before) if v.outcome is Outcome.FAIL]
    said = [f"{each.check}: {each.message}" for each in bad[:3]]
    if gaps := holes(copy):
        said.append(f"{len(gaps)} writes missing before one that is there, first {gaps[0].id}")
    if said:
        return Verdict.failed(copy.method, "; ".join(said))
    if Outcome.merge(v.outcome for v in copy.verdicts) is not Outcome.PASS:
        return Verdict.unknown(copy.method, "the copy was not judged")
    return Verdict.passed(copy.method, f"of one instant; {known_before.message}")


def missing(copy: HotCopy) -> list[Acknowledged]:
    """Acknowledged until the copy ended and not in it, oldest first: lost if it is restored."""
    return [each for each in copy.ledger if copy.present.get(each.id, -1) < each.value]


def holes(copy: HotCopy) -> list[Acknowledged]:
    """Those of the missing that a later write outlived: a copy of one instant has none.

    One client wrote them one after the other, each after the one before was acknowledged.
    """
    gone = missing(copy)
    there = [each.value for each in copy.ledger if each not in gone]
    return [each for each in gone if there and each.value < there[-1]]


def data_loss_s(copy: HotCopy) -> float:
    """From the oldest missing write to the end of the copy, in seconds: its recovery point."""
    gone = missing(copy)
    return copy.ended - gone[0].at if gone else 0.0


def never_failed(copies: Sequence[HotCopy]) -> Verdict:
    """Judge the copies of one method: a single bad copy is a FAIL, no copy at all is UNKNOWN.

    The message says how many were tried.
    """
    method = copies[0].method if copies else "?"
    found = [is_consistent(each) for each in copies]
    bad = [each for each in found if each.outcome is Outcome.FAIL]
    good = [each for each in found if each.outcome is Outcome.PASS]
    if bad:
        said = f"bad in {len(bad)} of {len(found)} tries; {bad[0].message}"
        return Verdict.failed(method, said, actual=float(len(bad)), limit=0.0, unit="bad copies")
    if not good:
        why = found[0].message if found else "never tried"
        return Verdict.unknown(method, f"no copy in {len(found)} tries; {why}")
    said = f"consistent: never failed in {len(good)} copies of {len(found)} tries"
    return Verdict.passed(method, said, actual=0.0, limit=0.0, unit="bad copies")


def was_measured(copies: Sequence[HotCopy], tries: int) -> Verdict:
    """Whether the method was really tried so often: each gave a copy that was judged, or was refused."""
    found = [is_consistent(each) for each in copies]
    judged = [
        each
        for each, copy in zip(found, copies, strict=True)
        if copy.refused or each.outcome is not Outcome.UNKNOWN
    ]
    said = f"{len(judged)} of {tries} tries judged: {never_failed(copies).message}"
    make = Verdict.passed if len(judged) >= tries > 0 else Verdict.unknown
    return make("measured", said, actual=float(len(judged)), limit=float(tries), unit="tries")


def are_safe(used: Collection[str], measured: Mapping[str, Sequence[HotCopy]]) -> Verdict:
    """No method of `used`, the backup methods, ever gave a bad copy.

    `measured`: method -> its tries. A method that was not measured is UNKNOWN, and so is one with a
    copy that could not be judged. A method that refused has given no bad copy.
    """
    check = "own methods"
    outcomes, said = set(), []
    for method in used:
        copies = measured.get(method, ())
        outcomes |= {is_consistent(each).outcome for each in copies if not each.refused}
        if not copies:
            outcomes.add(Outcome.UNKNOWN)
        unjudged = sum(
            not each.refused and is_consistent(each).outcome is Outcome.UNKNOWN for each in copies
        )
        told = never_failed(copies).message if copies else "not measured"
        said.append(f"{method}: {told}" + (f"; {unjudged} not judged" if unjudged else ""))
    if Outcome.FAIL in outcomes:
        return Verdict.failed(check, "; ".join(said))
    if not used or Outcome.UNKNOWN in outcomes:
        return Verdict.unknown(check, "; ".join(said) or "no method")
    return Verdict.passed(check, "; ".join(said))
