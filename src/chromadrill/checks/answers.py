"""Does it still answer correctly? Distances, recall, filters, text, and is the server alive.

A right index is not a perfect one: recall is compared with the source's own recall at backup time,
never with 100 %, and lists of ids are never compared by order (two starts of one healthy copy
differ in up to 9 % of their top-10 lists, measured).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chromadrill.core.model import (
    Answer,
    CollectionPrint,
    Difference,
    Fingerprint,
    Observation,
    Recall,
    Verdict,
)

SLACK = 1e-4  # of a distance: float32 sums, in another order
RECALL_SLACK, RECALL_RECORDS = 0.01, 3
FEWEST_LOST = 20  # so many not found at all, where the source is not known
# of a search that may look at every record; 1.5.9 finds all, 1.0.0 after deletes 25 % (chroma 4275)
FOUND_OF_ALL = 0.5
EF_SEARCH = 100  # Chroma's default


def right_distances(observation: Observation, before: Fingerprint | None = None) -> Verdict:
    """The server's distances are those of its own records, and those of the source."""
    differences: list[Difference] = []
    asked = 0
    for key, collection in observation.fingerprint.collections.items():
        source = (
            _by_question(before.collections[key]) if before and key in before.collections else {}
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
    return _judge(
        "distances",
        observation,
        differences,
        asked,
        f"{asked} nearest-neighbour questions",
        ("neighbours", "filtered neighbours"),
        before,
    )


def same_recall(observation: Observation, before: Fingerprint | None = None) -> Verdict:
    """Neighbours and records are found as well as at the source (within 1 % or 3 records).

    No two builds of an index find the same, nor do two starts of one: of 640 neighbours among 10,000
    random vectors the source found 502, four imports 490 to 505; an ip store started again found 94.2
    instead of 95.5 %. The slack is at least three standard deviations of the difference of two such
    samples, which is nothing where the source found all.

    Without the source's recall there is no limit: a healthy default index over 100,000 random vectors
    finds 28 % of its neighbours, and by inner product a record need not be near itself. Recall is
    reported then, and judged only where nothing at all is found, or where half of the neighbours are
    missed by a search that may look at every record.
    """
    differences: list[Difference] = []
    asked, unjudged = 0, []
    for key, collection in observation.fingerprint.collections.items():
        if collection.recall is None:
            continue
        was = before.collections[key].recall if before and key in before.collections else None
        asked += collection.recall.self_asked
        for part in _parts_of(collection.recall, was):
            if part.at_source is None:
                unjudged.append(f"{key}: {part.name} recall {part.share:.1%}")
            if part.is_lost(collection):
                differences.append(part.difference(key, collection.recall))
    verdict = _judge(
        "recall",
        observation,
        differences,
        asked,
        f"{asked} records asked to find themselves",
        ("self-recall",),
        before,
    )
    if unjudged and verdict.outcome == "pass":
        shown = "; ".join(unjudged[:4]) + ("; ..." if len(unjudged) > 4 else "")
        message = f"no recall of the source to compare with; here: {shown}"
        return Verdict.not_run("recall", message)
    return verdict


@dataclass(frozen=True, slots=True)
class _RecallPart:
    """`hits` of `of` were found here; `at_source`: the share that the source found, None: not known."""

    name: str
    hits: int
    of: int
    at_source: float | None

    @property
    def share(self) -> float:
        return self.hits / self.of

    def is_lost(self, collection: CollectionPrint) -> bool:
        """Whether less was found than at the source, or than any healthy server finds."""
        if self.at_source is None:
            return _is_blind(collection, self.name, self.hits, self.of)
        slack = max(RECALL_RECORDS, RECALL_SLACK * self.of, _chance(self.at_source, self.of))
        return self.hits < self.at_source * self.of - slack

    def difference(self, key: str, recall: Recall) -> Difference:
        return Difference(
            key,
            f"{self.name} recall",
            "changed",
            ids=recall.self_missed if self.name == "self" else (),
            before="unknown" if self.at_source is None else f"{self.at_source:.1%}",
            after=f"{self.share:.1%}",
        )


def _parts_of(now: Recall, was: Recall | None) -> list[_RecallPart]:
    """Neighbours and records themselves, as far as either was asked for."""
    neighbours_at_source = was.found / was.wanted if was and was.wanted else None
    self_at_source = was.self_found / was.self_asked if was and was.self_asked else None
    parts = (
        _RecallPart("neighbours", now.found, now.wanted, neighbours_at_source),
        _RecallPart("self", now.self_found, now.self_asked, self_at_source),
    )
    return [part for part in parts if part.of]


def _is_blind(collection: CollectionPrint, name: str, hits: int, of: int) -> bool:
    """Whether a server misses what no healthy one does, whatever its source was."""
    if of < FEWEST_LOST or collection.info.space == "ip":
        return False
    index = (collection.info.configuration or {}).get("hnsw") or {}
    may_look_at_all = name == "neighbours" and collection.count <= index.get("ef_search", EF_SEARCH)
    enough = FOUND_OF_ALL * of if may_look_at_all and _has_distinct_vectors(collection) else 1
    return hits < enough


def _has_distinct_vectors(collection: CollectionPrint) -> bool:
    """Equal vectors can be islands in a sound graph, and no search gets to them."""
    batches = [batch.column("vector").to_pylist() for batch in collection.records.batches()]
    return len({vector for batch in batches for vector in batch}) == collection.count


def _chance(share: float, of: int) -> float:
    """Three standard deviations of the difference of two samples of `of`, each found by chance."""
    return 3 * math.sqrt(2 * share * (1 - share) * of)


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
            _by_question(before.collections[key]) if before and key in before.collections else {}
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
    return _judge(check, observation, differences, asked, f"{asked} questions", (kind,), before)


def _wrong_distance(answer: Answer) -> tuple[str, str] | None:
    """How the answer differs from brute force over the records just read."""
    exact = dict(answer.expected)
    nearest = answer.expected[0][1] if answer.expected else 0.0
    reach = answer.expected[-1][1] if answer.expected else 0.0
    for record, distance in answer.answered or ():
        known = exact.get(record)
        if known is not None and not _close(known, distance):
            return f"{known:.6g}", f"{distance:.6g}"
        if known is None and distance < reach and not _close(reach, distance):
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


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= SLACK * max(1.0, abs(one), abs(other))


def _by_question(collection: CollectionPrint) -> dict[str, Answer]:
    return {_key(answer): answer for answer in collection.answers}


def _key(answer: Answer) -> str:
    return f"{answer.kind} {sorted(answer.question.items())!r}"


def _judge(
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
