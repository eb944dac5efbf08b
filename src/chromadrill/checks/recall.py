"""Does the index still find what it found? Recall, against the source's own.

A right index is not a perfect one: recall is compared with the source's own recall at backup time,
never with 100 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import variance

from chromadrill.checks.answers import by_question, judge_answers
from chromadrill.core.model import (
    Answer,
    CollectionPrint,
    Difference,
    Fingerprint,
    Observation,
    Recall,
    Verdict,
)

RECALL_SLACK, RECALL_RECORDS = 0.01, 3
DEVIATIONS = (
    4  # a drill compares about a hundred recalls: three would cry wolf once in eight drills
)
FEWEST_LOST = 20  # so many not found at all, where the source is not known
# of a search that may look at every record; 1.5.9 finds all, 1.0.0 after deletes 25 % (chroma 4275)
FOUND_OF_ALL = 0.5
EF_SEARCH = 100  # Chroma's default


def same_recall(observation: Observation, before: Fingerprint | None = None) -> Verdict:
    """Neighbours and records are found as well as at the source, but for 1 %, 3 records, or chance.

    No two builds of an index find the same, nor do two starts of one: of 640 neighbours among 10,000
    random vectors the source found 502, four imports 490 to 505; an ip store started again found 94.2
    instead of 95.5 %. The slack is at least four standard deviations of the difference of two such
    samples, which is nothing where the source found all. Records that no search gets to, of which
    three are allowed, are missed by every question that should have returned them.

    Without the source's recall there is no limit: a healthy default index over 100,000 random vectors
    finds 28 % of its neighbours, and by inner product a record need not be near itself. Recall is
    reported then, and judged only where nothing at all is found, or where half of the neighbours are
    missed by a search that may look at every record.
    """
    differences: list[Difference] = []
    asked, judged, unjudged = 0, 0, []
    for key, collection in observation.fingerprint.collections.items():
        if collection.recall is None:
            continue
        asked += collection.recall.self_asked
        for part in _parts_of(collection, before.collections.get(key) if before else None):
            judged += part.at_source is not None
            if part.at_source is None:
                unjudged.append(f"{key}: {part.name} recall {part.share:.1%}")
            if part.is_lost(collection):
                differences.append(part.difference(key, collection.recall))
    verdict = judge_answers(
        "recall",
        observation,
        differences,
        asked,
        f"{asked} records asked to find themselves",
        ("self-recall",),
        before,
    )
    if unjudged and not judged and verdict.outcome == "pass":
        shown = "; ".join(unjudged[:4]) + ("; ..." if len(unjudged) > 4 else "")
        message = f"no recall of the source to compare with; here: {shown}"
        return Verdict.not_run("recall", message)
    return verdict


@dataclass(frozen=True, slots=True)
class _RecallPart:
    """`hits` of `of` were found here; `at_source`: the share that the source found, None: not known.

    `by_chance`: how many fewer of them a healthy copy may find.
    """

    name: str
    hits: int
    of: int
    at_source: float | None
    by_chance: float

    @property
    def share(self) -> float:
        return self.hits / self.of

    def is_lost(self, collection: CollectionPrint) -> bool:
        """Whether less was found than at the source, or than any healthy server finds."""
        if self.at_source is None:
            return _is_blind(collection, self.name, self.hits, self.of)
        slack = max(RECALL_SLACK * self.of, self.by_chance)
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


def _parts_of(now: CollectionPrint, was: CollectionPrint | None) -> list[_RecallPart]:
    """Neighbours and records themselves, as far as either was asked for."""
    parts = []
    here, source = now.recall, was.recall if was else None
    if here and here.wanted:
        share = source.found / source.wanted if source and source.wanted else None
        chance = _chance(here.found, here.wanted, source.found, source.wanted) if source else 0.0
        by_chance = max(_held_by_few(now.answers), chance, _chance_of_questions(now, was))
        parts.append(_RecallPart("neighbours", here.found, here.wanted, share, by_chance))
    if here and here.self_asked:
        share = source.self_found / source.self_asked if source and source.self_asked else None
        chance = (
            _chance(here.self_found, here.self_asked, source.self_found, source.self_asked)
            if source
            else 0.0
        )
        by_chance = max(RECALL_RECORDS, chance)
        parts.append(_RecallPart("self", here.self_found, here.self_asked, share, by_chance))
    return parts


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


def _chance(found: int, of: int, found_at_source: int, of_source: int) -> float:
    """The slack, of `of`, for the difference of two samples, each found by chance.

    A recording asks a sample of what a copy is asked: all 200 of it may be found where one record in a
    hundred is not. So the share is then that of both together.
    """
    if not of_source:
        return 0.0
    share = found_at_source / of_source
    if of_source < of:
        share = (found + found_at_source) / (of + of_source)
    return DEVIATIONS * of * math.sqrt(share * (1 - share) * (1 / of + 1 / of_source))


def _held_by_few(answers: Sequence[Answer]) -> int:
    """How many places among the neighbours the RECALL_RECORDS records hold that are most often one."""
    places = Counter(
        record for answer in answers if answer.kind == "neighbours" for record, _ in answer.expected
    )
    return max(RECALL_RECORDS, sum(held for _, held in places.most_common(RECALL_RECORDS)))


def _chance_of_questions(now: CollectionPrint, was: CollectionPrint | None) -> float:
    """The slack for neighbours: those of one question are found or missed together.

    So the question is what varies: by itself at the source, or between the source and here. The
    smaller of both is the slack; a question that is hard is hard in both.
    """
    before = by_question(was) if was else {}
    here = {key: a for key, a in by_question(now).items() if a.kind == "neighbours"}
    pairs = [
        (before[key].neighbours_found, answer.neighbours_found)
        for key, answer in here.items()
        if key in before
    ]
    if len(pairs) < 2:
        return 0.0
    at_source = 2 * variance([was for was, _ in pairs])
    between = variance([now - was for was, now in pairs])
    return DEVIATIONS * math.sqrt(len(pairs) * min(at_source, between))
