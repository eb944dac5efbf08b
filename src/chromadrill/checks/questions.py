"""Do the user's own questions find their right records? A pure function of how they were answered."""

from __future__ import annotations

import math
from typing import Any

from chromadrill.core.model import AskedQuestions, QuestionState, Verdict, WhyUnasked
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


def finds_right_records(asked: AskedQuestions, least_percent: float) -> Verdict:
    """hit@k of the questions is `least_percent` or more, and the index leads to all of their records.

    A question whose right records moved is neither right nor wrong, nor is one whose record the index
    holds and its approximate search does not reach. FAIL: an error of the server, too few found, or
    records that are there and that no search finds (more than 3 and 1 %, or half). UNKNOWN: questions
    that nobody could ask, or most of which moved. `not_run`: none of the file's collections is there, or
    all are text and there is no embedder.
    """
    numbers: dict[str, Any] = {"limit": least_percent, "unit": "%"}
    if asked.found_percent is not None:
        numbers["actual"] = round(asked.found_percent, 2)
    wrong = _wrong(asked, least_percent)
    if wrong:
        return Verdict.failed(CHECK, f"{wrong}; {_hits(asked)}", **numbers)
    nothing = _nothing_to_ask(asked)
    if nothing:
        return Verdict.not_run(CHECK, nothing)
    unclear = _unclear(asked)
    if unclear:
        return Verdict.unknown(CHECK, f"{unclear}; {_hits(asked)}", **numbers)
    return Verdict.passed(CHECK, "; ".join([_hits(asked), *_asides(asked)]), **numbers)


def not_readable(message: str) -> Verdict:
    """The verdict where the file of questions cannot be read, or the server does not let anybody ask."""
    return Verdict.unknown(CHECK, message)


def _wrong(asked: AskedQuestions, least_percent: float) -> str:
    failed, lost = asked.count(QuestionState.FAILED), asked.count(QuestionState.LOST)
    if failed:
        return f"{plural(failed, 'question')} failed ({asked.examples[QuestionState.FAILED]})"
    allowed = min(max(FEW_LOST, math.floor(LOST_SHARE * asked.decided)), asked.decided // 2)
    if lost > allowed:
        example = asked.examples[QuestionState.LOST]
        return f"no search finds the right records of {plural(lost, 'question')} ({example})"
    unreached = asked.count(QuestionState.UNREACHED)
    if not asked.found and unreached >= FEWEST_UNREACHED:
        example = asked.examples[QuestionState.UNREACHED]
        return f"the index reaches none of the right records of {unreached} questions ({example})"
    if asked.found_percent is not None and asked.found_percent < least_percent:
        missed = asked.examples.get(QuestionState.OUTRANKED) or asked.examples[QuestionState.LOST]
        return (
            f"too few questions find their right records, {least_percent:g} % are wanted ({missed})"
        )
    return ""


def _nothing_to_ask(asked: AskedQuestions) -> str:
    """Why there was nothing to ask that concerns this server; "" where there was."""
    unasked = asked.count(QuestionState.UNASKED)
    if not unasked or unasked < asked.chosen:
        return ""
    for why, rest in (
        (WhyUnasked.COLLECTION, "holds no collection of"),
        (WhyUnasked.EMBEDDER, "needs an embedder for all of"),
    ):
        if asked.unasked.get(why) == unasked:
            return f"the server {rest} {asked.file} ({asked.why_unasked[why]})"
    return ""


def _unclear(asked: AskedQuestions) -> str:
    for why in (WhyUnasked.BROKEN, WhyUnasked.COLLECTION, WhyUnasked.DIMENSION):
        if asked.unasked.get(why):
            return _not_asked(asked, why)
    if not asked.chosen:
        return f"{asked.file} holds no question"
    moved = asked.count(QuestionState.MOVED)
    if moved > MOST_MOVED * asked.chosen:
        return (
            f"the right records of {moved} of {plural(asked.chosen, 'question')} moved"
            f" ({asked.examples[QuestionState.MOVED]}): record the file anew"
        )
    if not asked.decided:
        return "no question of which anything is known to judge by"
    return ""


def _hits(asked: AskedQuestions) -> str:
    if not asked.decided:
        return f"0 of {plural(asked.chosen, 'question')} decided"
    sentence = (
        f"hit@1 {asked.first_percent:.1f} %, hit@{asked.nearest} {asked.found_percent:.1f} %"
        f" of {plural(asked.decided, 'question')}"
    )
    if asked.recorded_first is not None:
        sentence += f" (recorded: hit@1 {100 * asked.recorded_first / asked.decided:.1f} %)"
    if asked.chosen < asked.lines:
        sentence += f", {asked.chosen} of the {asked.lines} of {asked.file} asked"
    return sentence


def _asides(asked: AskedQuestions) -> list[str]:
    """What is told, and not judged."""
    asides = []
    for state, text in (
        (QuestionState.MOVED, "whose records moved since, no loss"),
        (QuestionState.UNREACHED, "whose record is in the index, and its search does not reach it"),
        (QuestionState.LOST, "whose record no search finds"),
    ):
        if asked.count(state):
            asides.append(f"{asked.count(state)} {text} ({asked.examples[state]})")
    if asked.told:
        asides.append(f"{asked.told} recorded as not found, told and not judged")
    if asked.unasked.get(WhyUnasked.EMBEDDER):
        asides.append(_not_asked(asked, WhyUnasked.EMBEDDER))
    return asides


def _not_asked(asked: AskedQuestions, why: WhyUnasked) -> str:
    count = asked.unasked[why]
    noun = plural(count, "line" if why is WhyUnasked.BROKEN else "question")
    return f"{noun} not asked: {_UNASKED[why]} ({asked.why_unasked[why]})"
