"""Does it still answer correctly? Distances, filters, text, and is the server alive.

Lists of ids are never compared by order: two starts of one healthy copy differ in up to 9 % of their
top-10 lists, measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chromadrill.core.model import (
    Answer,
    CollectionPrint,
    Difference,
    Fingerprint,
    Observation,
    Verdict,
)

SLACK = 1e-4  # of a distance: float32 sums, in another order


def right_distances(observation: Observation, before: Fingerprint | None = None) -> Verdict:
    """The server's distances are those of its own records, and those of the source."""
    differences: list[Difference] = []
    asked = 0
    for key, collection in observation.fingerprint.collections.items():
        source = (
            by_question(before.collections[key]) if before and key in before.collections else {}
        )
        for answer in collection.answers:
            if "neighbours" not in answer.kind or answer.answered is None:
                continue
            asked += 1
            wrong = _wrong_distance(answer) or _other_place(answer, source.get(_key(answer)))
            if wrong:
                differences.append(
                    Difference(
                        key,
                        "distance",
                        "changed",
                        (str(answer.question["id"]),),
                        ((str(answer.question["id"]), *wrong),),
                    )
                )
    return judge_answers(
        "distances",
        observation,
        differences,
        asked,
        f"{asked} nearest-neighbour questions",
        ("neighbours", "filtered neighbours"),
        before,
    )


def same_filters(observation: Observation, before: Fingerprint | None = None) -> Verdict:
    """Metadata filters return the records that pass them."""
    return _same_sets("filters", "filter", observation, before)


def same_text_search(observation: Observation, before: Fingerprint | None = None) -> Verdict:
    """`$contains` with words of single records returns the records that hold them."""
    return _same_sets("text search", "text", observation, before)


def still_alive(observation: Observation) -> Verdict:
    """The process survived being asked: a damaged index can take the whole server down."""
    dead = [t for t in observation.read_errors if t.step in ("alive", "start")]
    if dead:
        return Verdict.failed("alive", f"{dead[0].where}: {dead[0].message}")
    return Verdict.passed("alive", "the server answers after all questions")


def takes_writes(observation: Observation) -> Verdict:
    """One record written to every collection of a private copy was found again, and removed."""
    wrong = [t for t in observation.read_errors if t.step == "canary"]
    if wrong:
        return Verdict.failed("canary", "; ".join(f"{t.where}: {t.message}" for t in wrong[:10]))
    return Verdict.passed("canary", "a record written to each collection was found and removed")


def _same_sets(
    check: str, kind: str, observation: Observation, before: Fingerprint | None
) -> Verdict:
    differences: list[Difference] = []
    asked = 0
    for key, collection in observation.fingerprint.collections.items():
        source = (
            by_question(before.collections[key]) if before and key in before.collections else {}
        )
        for answer in collection.answers:
            if answer.kind != kind or answer.answered is None:
                continue
            asked += 1
            was = source.get(_key(answer))
            for wanted in (answer.expected, was.expected if was else answer.expected):
                if tuple(wanted) != tuple(answer.answered):
                    differences.append(
                        Difference(
                            key,
                            f"{kind} {answer.question}",
                            "changed",
                            before=f"{wanted[0]} records",
                            after=f"{answer.answered[0]} records",
                        )
                    )
                    break
    return judge_answers(
        check, observation, differences, asked, f"{asked} questions", (kind,), before
    )


def _wrong_distance(answer: Answer) -> tuple[str, str] | None:
    """How the answer differs from brute force over the records just read."""
    exact = dict(answer.expected)
    rounding = dict(zip(exact, answer.rounding, strict=False))  # of inner products alone
    widest = max(answer.rounding, default=0.0)
    nearest = answer.expected[0][1] if answer.expected else 0.0
    reach = answer.expected[-1][1] if answer.expected else 0.0
    for record, distance in answer.answered or ():
        known = exact.get(record)
        if known is not None and not _close(known, distance, rounding.get(record, 0.0)):
            return f"{known:.6g}", f"{distance:.6g}"
        if known is None and distance < reach and not _close(reach, distance, widest):
            return f"no record nearer than {nearest:.6g} but the known ones", f"{distance:.6g}"
    if len(answer.answered or ()) > len(answer.expected):
        return f"{len(answer.expected)} results", f"{len(answer.answered or ())} results"
    return None


def _other_place(answer: Answer, source: Answer | None) -> tuple[str, str] | None:
    """How the exact distances differ from the source's: another metric shows here."""
    if source is None:
        return None
    was = [distance for _, distance in source.expected]
    now = [distance for _, distance in answer.expected]
    for one, other in zip(was, now, strict=False):
        if not _close(one, other):
            return f"{one:.6g}", f"{other:.6g}"
    return None


def _close(one: float, other: float, rounding: float = 0.0) -> bool:
    return abs(one - other) <= SLACK * max(1.0, abs(one), abs(other)) + rounding


def by_question(collection: CollectionPrint) -> dict[str, Answer]:
    return {_key(answer): answer for answer in collection.answers}


def _key(answer: Answer) -> str:
    return f"{answer.kind} {sorted(answer.question.items())!r}"


def judge_answers(
    check: str,
    observation: Observation,
    differences: list[Difference],
    asked: int,
    questions: str,
    steps: tuple[str, ...],
    before: Fingerprint | None,
) -> Verdict:
    read_errors = list(_read_errors(observation, steps))
    numbers: dict[str, Any] = {"actual": float(asked - len(differences)), "unit": "answers"}
    if differences or any(t.reading for t in read_errors):
        parts = [str(difference) for difference in differences[:10]] + [
            f"{t.where}: {t.message}" for t in read_errors[:3]
        ]
        return Verdict.failed(check, "; ".join(parts), differences=tuple(differences), **numbers)
    if read_errors:
        return Verdict.unknown(
            check, f"{read_errors[0].where}: {read_errors[0].message}", **numbers
        )
    source = observation.fingerprint if before is None else before
    if not asked and not _questions(source, steps):
        return Verdict.not_run(check, "there is no record to ask about in this way")
    if not asked:
        return Verdict.unknown(check, "no question could be asked", **numbers)
    return Verdict.passed(check, f"{questions}, all as they should be", **numbers)


def _questions(source: Fingerprint, steps: tuple[str, ...]) -> int:
    """How many questions of these checks there are: none where no record has a document, say."""
    if steps == ("self-recall",):
        return sum(c.recall.self_asked for c in source.collections.values() if c.recall)
    return sum(a.kind in steps for c in source.collections.values() for a in c.answers)


def _read_errors(observation: Observation, steps: tuple[str, ...]) -> Iterator[Any]:
    return (read_error for read_error in observation.read_errors if read_error.step in steps)
