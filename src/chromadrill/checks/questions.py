"""Do the user's own questions find their right records? A pure function of how they were answered."""

from __future__ import annotations

import math
from typing import Any

from chromadrill.core.model import QuestionCounts, QuestionState, Verdict, WhyUnasked
from chromadrill.core.plural import plural

CHECK = "your questions"
FEW_LOST, LOST_SHARE = 3, 0.01  # questions whose record no search may find: the larger of both
MOST_MOVED = 0.5  # of the questions; beyond it the file is about another database
FEWEST_UNREACHED = 20  # so many and none found: that is no index

_UNASKED = {
    WhyUnasked.BROKEN: "broken",
    WhyUnasked.COLLECTION: "about a collection that is not there",
    WhyUnasked.DIMENSION: "of another dimension",
    WhyUnasked.EMBEDDER: "text that nobody can embed",
}


def finds_right_records(counts: QuestionCounts, least_percent: float) -> Verdict:
    """hit@k of the questions is `least_percent` or more, and the index leads to all of their records.

    A question whose right records moved is neither right nor wrong, nor is one whose record the index
    holds and its approximate search does not reach. FAIL: an error of the server, too few found, or
    records that are there and that no search finds (more than 3 and 1 %, or half). UNKNOWN: questions
    that nobody could ask, or most of which moved. `not_run`: none of the file's collections is there, or
    all are text and there is no embedder.
    """
    numbers: dict[str, Any] = {"limit": least_percent, "unit": "%"}
    if counts.hit_percent is not None:
        numbers["actual"] = round(counts.hit_percent, 2)
    wrong = _wrong(counts, least_percent)
    if wrong:
        return Verdict.failed(CHECK, f"{wrong}; {_hits(counts)}", **numbers)
    nothing = _nothing_to_ask(counts)
    if nothing:
        return Verdict.not_run(CHECK, nothing)
    unclear = _unclear(counts)
    if unclear:
        return Verdict.unknown(CHECK, f"{unclear}; {_hits(counts)}", **numbers)
    return Verdict.passed(CHECK, "; ".join([_hits(counts), *_asides(counts)]), **numbers)


def not_readable(message: str) -> Verdict:
    """The verdict where the file of questions cannot be read, or the server does not let anybody ask."""
    return Verdict.unknown(CHECK, message)


def _wrong(counts: QuestionCounts, least_percent: float) -> str:
    failed, lost = counts.count(QuestionState.FAILED), counts.count(QuestionState.LOST)
    if failed:
        return f"{plural(failed, 'question')} failed ({counts.examples[QuestionState.FAILED]})"
    allowed = min(max(FEW_LOST, math.floor(LOST_SHARE * counts.decided)), counts.decided // 2)
    if lost > allowed:
        example = counts.examples[QuestionState.LOST]
        return f"no search finds the right records of {plural(lost, 'question')} ({example})"
    unreached = counts.count(QuestionState.UNREACHED)
    if not counts.hits and unreached >= FEWEST_UNREACHED:
        example = counts.examples[QuestionState.UNREACHED]
        return f"the index reaches none of the right records of {unreached} questions ({example})"
    if counts.hit_percent is not None and counts.hit_percent < least_percent:
        missed = counts.examples.get(QuestionState.OUTRANKED) or counts.examples[QuestionState.LOST]
        return (
            f"too few questions find their right records, {least_percent:g} % are wanted ({missed})"
        )
    return ""


def _nothing_to_ask(counts: QuestionCounts) -> str:
    """Why there was nothing to ask that concerns this server; "" where there was."""
    unasked = counts.count(QuestionState.UNASKED)
    if not unasked or unasked < counts.chosen:
        return ""
    for why, rest in (
        (WhyUnasked.COLLECTION, "holds no collection of"),
        (WhyUnasked.EMBEDDER, "needs an embedder for all of"),
    ):
        if counts.unasked.get(why) == unasked:
            return f"the server {rest} {counts.file} ({counts.why_unasked[why]})"
    return ""


def _unclear(counts: QuestionCounts) -> str:
    for why in (WhyUnasked.BROKEN, WhyUnasked.COLLECTION, WhyUnasked.DIMENSION):
        if counts.unasked.get(why):
            return _not_asked(counts, why)
    if not counts.chosen:
        return f"{counts.file} holds no question"
    moved = counts.count(QuestionState.MOVED)
    if moved > MOST_MOVED * counts.chosen:
        return (
            f"the right records of {moved} of {plural(counts.chosen, 'question')} moved"
            f" ({counts.examples[QuestionState.MOVED]}): record the file anew"
        )
    if not counts.decided:
        return "no question of which anything is known to judge by"
    return ""


def _hits(counts: QuestionCounts) -> str:
    if not counts.decided:
        return f"0 of {plural(counts.chosen, 'question')} decided"
    sentence = (
        f"hit@1 {counts.first_hit_percent:.1f} %, hit@{counts.nearest} {counts.hit_percent:.1f} %"
        f" of {plural(counts.decided, 'question')}"
    )
    if counts.recorded_first is not None:
        sentence += f" (recorded: hit@1 {100 * counts.recorded_first / counts.decided:.1f} %)"
    if counts.chosen < counts.lines:
        sentence += f", {counts.chosen} of the {counts.lines} of {counts.file} asked"
    return sentence


def _asides(counts: QuestionCounts) -> list[str]:
    """What is told, and not judged."""
    asides = []
    for state, text in (
        (QuestionState.MOVED, "whose right records are gone or changed since, not judged"),
        (QuestionState.UNREACHED, "whose record is in the index, and its search does not reach it"),
        (QuestionState.LOST, "whose record no search finds"),
    ):
        if counts.count(state):
            asides.append(f"{counts.count(state)} {text} ({counts.examples[state]})")
    if counts.unjudged:
        asides.append(f"{counts.unjudged} recorded as not found, told and not judged")
    if counts.unasked.get(WhyUnasked.EMBEDDER):
        asides.append(_not_asked(counts, WhyUnasked.EMBEDDER))
    return asides


def _not_asked(counts: QuestionCounts, why: WhyUnasked) -> str:
    count = counts.unasked[why]
    noun = plural(count, "line" if why is WhyUnasked.BROKEN else "question")
    return f"{noun} not asked: {_UNASKED[why]} ({counts.why_unasked[why]})"
