"""What a power cut, or a kill, left of a database: the class of each, and verdicts on many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chromadrill.checks.acknowledged import holes_in, lost_writes
from chromadrill.core.model import Acknowledged, CutClass, PowerCut, ServedData, Verdict
from chromadrill.core.plural import plural

EVENTS = {"cut": "power cuts", "kill": "kills"}
USABLE = (CutClass.WHOLE, CutClass.LOST)
# of the records that are asked for by their own vector; a healthy index loses up to 1.5 % (measured)
NOT_FOUND = 0.1


def class_of(cut: PowerCut) -> CutClass:
    """WHOLE and LOST: every answer is right, before and after a restart; they differ in `lost`."""
    if cut.error is not None or cut.served is None:
        return CutClass.UNJUDGED
    seen = (cut.served, cut.restarted, cut.written_on)
    every = [data for data in seen if data is not None]
    if any(data.start_error is not None for data in every):
        return CutClass.DOES_NOT_START
    if any(data.died for data in every):
        return CutClass.CRASHES
    if any(faults(data) for data in every) or holes(cut):
        return CutClass.WRONG
    if cut.restarted is None or cut.restarted.present != cut.served.present:
        return CutClass.WRONG
    return CutClass.LOST if lost(cut) else CutClass.WHOLE


def faults(data: ServedData) -> list[str]:
    """What was wrong with the answers, in words; empty: nothing."""
    wrong = list(data.errors)
    if data.torn:
        wrong.append(f"{plural(data.torn, 'record')} without its own document, value or vector")
    whole = len(data.present) + data.torn
    if not data.errors and data.count != whole:
        wrong.append(f"count {data.count:,}, and {whole:,} records are given back")
    if data.not_found > max(1, NOT_FOUND * data.sampled):
        wrong.append(f"{data.not_found} of {data.sampled} records do not find themselves")
    return wrong


def lost(cut: PowerCut) -> list[Acknowledged]:
    """Acknowledged before the cut and not given back, oldest first."""
    return lost_writes(cut.ledger, cut.served.present if cut.served else {})


def holes(cut: PowerCut) -> list[Acknowledged]:
    """Lost writes that are older than one that was given back: one client wrote them in order."""
    return holes_in(cut.ledger, cut.served.present if cut.served else {})


def explain(cut: PowerCut) -> str:
    """Why the cut is of its class, in a few words."""
    if cut.error is not None:
        return cut.error
    for when, data in (
        ("served", cut.served),
        ("restarted", cut.restarted),
        ("written on", cut.written_on),
    ):
        if data is None:
            continue
        if data.start_error is not None:
            return f"{when}: {data.start_error}"
        if data.died:
            return f"{when}: the server ended while it was asked"
        if wrong := faults(data):
            return f"{when}: {wrong[0]}"
    if cut.restarted is not None and cut.served and cut.restarted.present != cut.served.present:
        return "other records after the restart than before it"
    if gaps := holes(cut):
        return f"{plural(len(gaps), 'write')} missing before one that is there"
    if gone := lost(cut):
        return f"the newest {plural(len(gone), 'write')}, from {cut.at - gone[0].at:.1f} s before"
    return "every acknowledged write"


def is_replayed(cut: PowerCut) -> bool:
    """Whether a damaged one came back whole from the server's own queue: every acknowledged write."""
    data = cut.replayed
    if data is None or data.start_error is not None or data.died or faults(data):
        return False
    return not lost_writes(cut.ledger, data.present)


def is_within_flush(cut: PowerCut, within_s: float) -> bool:
    """Whether index files were written so shortly before the cut."""
    return cut.since_flush_s is not None and cut.since_flush_s < within_s


def were_judged(cuts: Sequence[PowerCut], tries: int, event: str = "cut") -> Verdict:
    """Whether so many cuts were made, and none is left unexplained. The message tells the classes."""
    check, classes = f"{EVENTS[event]} judged", Counter(map(class_of, cuts))
    judged = len(cuts) - classes[CutClass.UNJUDGED]
    numbers = {"actual": float(judged), "limit": float(tries), "unit": f"{event}s"}
    if judged >= tries > 0:
        return Verdict.passed(check, sums(cuts, event), **numbers)
    why = next((f"; {cut.error}" for cut in cuts if cut.error), "")
    return Verdict.unknown(
        check, f"{judged} of {tries} judged: {sums(cuts, event)}{why}", **numbers
    )


def bring_nothing_wrong_back(cuts: Sequence[PowerCut]) -> Verdict:
    """Whether salvage brings only records out of damaged data that somebody wrote so."""
    check = "power cuts salvaged"
    damaged = [cut for cut in cuts if class_of(cut) not in (*USABLE, CutClass.UNJUDGED)]
    if not damaged:
        return Verdict.unknown(check, "no cut left damaged data: nothing was salvaged")
    acknowledged = sum(len(cut.ledger) for cut in damaged)
    salvaged = [cut.salvaged for cut in damaged if cut.salvaged is not None]
    present, torn = sum(len(one.present) for one in salvaged), sum(one.torn for one in salvaged)
    if not present + torn:
        return Verdict.unknown(check, "no damaged image gave a record: nothing was compared")
    message = (
        f"of {plural(len(damaged), 'damaged image')} {present:,} of {acknowledged:,} acknowledged writes"
        f" come back with their vector, and {torn:,} wrong ones"
    )
    numbers = {"actual": float(torn), "limit": 0.0, "unit": "records"}
    return (Verdict.failed if torn else Verdict.passed)(check, message, **numbers)


def seen_at_rest(
    cuts: Sequence[PowerCut], *, needs_damage: bool = False, event: str = "cut"
) -> Verdict:
    """Whether the checks at rest, before any start, tell usable data from damaged data.

    `needs_damage`: nothing was beside the server, so cuts that all left usable data show nothing.
    """
    check = f"{EVENTS[event]} seen"
    judged = [cut for cut in cuts if class_of(cut) is not CutClass.UNJUDGED]
    missed = [cut for cut in judged if class_of(cut) not in USABLE and cut.at_rest is None]
    alarms = [cut for cut in judged if class_of(cut) in USABLE and cut.at_rest is not None]
    damaged = sum(class_of(cut) not in USABLE for cut in judged)
    sentence = (
        f"{damaged - len(missed)} of {damaged} damaged ones seen,"
        f" {len(alarms)} of {len(judged) - damaged} usable ones called damaged"
    )
    if missed or alarms:
        first = (missed or alarms)[0]
        sentence += f"; first {event} {first.number}: {explain(first)}; at rest: {first.at_rest}"
        return Verdict.failed(check, sentence)
    if not judged:
        return Verdict.unknown(check, f"no {event} was judged")
    if needs_damage and not damaged:
        return Verdict.unknown(check, f"no {event} left damage to see: {sums(cuts, event)}")
    return Verdict.passed(check, sentence)


def keep_acknowledged(cuts: Sequence[PowerCut]) -> Verdict:
    """No cut lost an acknowledged write for good, or left damage.

    A damaged index whose vectors all come back from the queue (RB-1) is no loss.
    """
    return _judge_losses("power cuts survived", cuts, 0.0)


def tear_only_at_flushes(cuts: Sequence[PowerCut], within_s: float, event: str = "cut") -> Verdict:
    """What was lost was acknowledged, or torn by an index flush, within `within_s` of the cut.

    It is no promise that nothing older is lost: a server writes its index files in place, and a cut
    within a flush tears vectors of any age. Those cuts are counted in the message.
    """
    return _judge_losses(f"{EVENTS[event]} torn by flushes alone", cuts, within_s, event)


def _judge_losses(
    check: str, cuts: Sequence[PowerCut], within_s: float, event: str = "cut"
) -> Verdict:
    """UNKNOWN where no cut came after an index flush: until then nothing is at risk."""
    damaged = [cut for cut in cuts if class_of(cut) not in (*USABLE, CutClass.UNJUDGED)]
    torn = [cut for cut in damaged if is_within_flush(cut, within_s) and not is_replayed(cut)]
    bad = [cut for cut in damaged if not is_replayed(cut) and not is_within_flush(cut, within_s)]
    late = [cut for cut in cuts if class_of(cut) is CutClass.LOST and loss_s(cut) > within_s]
    judged = [cut for cut in cuts if class_of(cut) is not CutClass.UNJUDGED]
    numbers = {"actual": float(len(bad) + len(late)), "limit": 0.0, "unit": f"{event}s"}
    sentence = (
        f"of {len(judged)} {event}s {len(damaged)} left damage, {sum(map(is_replayed, damaged))} of it"
        f" replayed from the queue without a loss; {len(torn)} tore vectors of any age within"
        f" {within_s:g} s of an index flush; {len(late)} lost a write that was acknowledged more than"
        f" {within_s:g} s before: {sums(cuts, event)}"
    )
    if bad or late:
        first = (bad or late)[0]
        sentence += f"; first {event} {first.number}: {class_of(first)}, {explain(first)}"
        return Verdict.failed(check, sentence, **numbers)
    if not judged:
        return Verdict.unknown(check, f"no {event} was judged", limit=0.0, unit=f"{event}s")
    if all(cut.since_flush_s is None for cut in judged):
        return Verdict.unknown(check, f"no {event} came after an index flush: nothing was at risk")
    return Verdict.passed(check, sentence, **numbers)


def loss_s(cut: PowerCut) -> float:
    """How long before the cut the oldest lost write was acknowledged; 0.0: none was lost."""
    gone = lost(cut)
    return cut.at - gone[0].at if gone else 0.0


def sums(cuts: Sequence[PowerCut], event: str = "cut") -> str:
    """How many cuts are of each class."""
    classes = Counter(map(class_of, cuts))
    parts = [f"{classes[name]} {name}" for name in CutClass if classes[name]]
    return f"{plural(len(cuts), event)}: {', '.join(parts) or 'none'}"
