"""Does a collection say what its source says, and do its vectors belong to its documents?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chromadrill.core.model import Difference, Outcome, Verdict
from chromadrill.core.plural import plural

NAMED = 1000  # ids that a difference names; the others are counted
SHOWN = 10  # ids in a sentence
CONFIDENCE = 0.95


class Kind(StrEnum):
    """What is wrong with one record; a record may have more than one."""

    MISSING = "missing"
    ORPHANED = "orphaned"
    STALE_TEXT = "stale text"
    STALE_METADATA = "stale metadata"
    NO_VECTOR = "no vector"
    OTHER_MODEL = "vector of another model"
    OTHER_DOCUMENT = "vector of another document"
    WRONG_VECTOR = "vector of another document or model"


OF_VECTORS = (Kind.NO_VECTOR, Kind.OTHER_MODEL, Kind.OTHER_DOCUMENT, Kind.WRONG_VECTOR)
_FIELDS: Mapping[Kind, tuple[str, str]] = {
    Kind.MISSING: ("record", "missing"),
    Kind.ORPHANED: ("record", "extra"),
    Kind.STALE_TEXT: ("document", "changed"),
    Kind.STALE_METADATA: ("metadata", "changed"),
    Kind.NO_VECTOR: ("vector", "missing"),
    Kind.OTHER_MODEL: ("vector", "another model's"),
    Kind.OTHER_DOCUMENT: ("vector", "another document's"),
    Kind.WRONG_VECTOR: ("vector", "another's"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One record that differs. `owner`: the record whose document its vector fits, where known.

    `cosine`: of the stored vector and the one that the model makes of the stored document.
    """

    id: str
    kinds: tuple[Kind, ...]
    owner: str | None = None
    cosine: float | None = None


@dataclass(slots=True)
class Tally:
    """Findings counted, the first ids of each kind by name."""

    counts: dict[Kind, int] = field(default_factory=dict)
    ids: dict[Kind, list[str]] = field(default_factory=dict)
    examples: dict[Kind, str] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        for kind in finding.kinds:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            ids = self.ids.setdefault(kind, [])
            if len(ids) < NAMED:
                ids.append(finding.id)
            if kind not in self.examples and finding.owner:
                self.examples[kind] = f"{finding.id} has the vector of {finding.owner}"

    def count(self, *kinds: Kind) -> int:
        return sum(self.counts.get(kind, 0) for kind in kinds)

    def differences(self, key: str, kinds: Iterable[Kind]) -> tuple[Difference, ...]:
        """One difference a kind that was found."""
        return tuple(
            Difference(
                key,
                *_FIELDS[kind],
                tuple(self.ids[kind]),
                more=self.counts[kind] - len(self.ids[kind]),
            )
            for kind in kinds
            if self.counts.get(kind)
        )

    def sentence(self, kinds: Iterable[Kind]) -> str:
        """ "2 missing: a, b; 1 orphaned: c"."""
        parts = []
        for kind in kinds:
            if count := self.counts.get(kind, 0):
                ids = ", ".join(self.ids[kind][:SHOWN]) + (", ..." if count > SHOWN else "")
                example = f" ({self.examples[kind]})" if kind in self.examples else ""
                parts.append(f"{count} {kind}: {ids}{example}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class VectorCover:
    """How far vectors were judged: records whose text is the source's, and what is known of each.

    `remembered`: their vector is what an earlier run saw the model make of that text. `embedded`:
    embedded again now; `sampled` of them were chosen by chance, `sampled_wrong` were wrong of these.
    """

    records: int = 0
    remembered: int = 0
    embedded: int = 0
    sampled: int = 0
    sampled_wrong: int = 0

    @property
    def unseen(self) -> int:
        return max(0, self.records - self.remembered - self.embedded)


def rows_verdicts(key: str, rows: int, tally: Tally, unsettled: int) -> list[Verdict]:
    """Rows against records, texts, metadata: one verdict each.

    `unsettled`: records that changed at every look; nobody can tell what they are now.
    """
    each = plural(rows, "row")
    return [
        _verdict(
            "rows and records", (Kind.MISSING, Kind.ORPHANED), key, tally, unsettled,
            f"each of {each} is a record, and there is no other record",
        ),
        _verdict(
            "stored texts", (Kind.STALE_TEXT,), key, tally, unsettled,
            f"the texts of {each} are what is stored, byte for byte",
        ),
        _verdict(
            "stored metadata", (Kind.STALE_METADATA,), key, tally, unsettled,
            f"the metadata of {each} are what is stored, with their types",
        ),
    ]  # fmt: skip


def _verdict(
    check: str, kinds: tuple[Kind, ...], key: str, tally: Tally, unsettled: int, all_well: str
) -> Verdict:
    if message := tally.sentence(kinds):
        found = tally.differences(key, kinds)
        count = tally.count(*kinds)
        return Verdict.failed(check, message, actual=count, limit=0, differences=found)
    if unsettled:
        changing = plural(unsettled, "record")
        message = f"{changing} changed at every look: neither equal nor a difference"
        return Verdict.unknown(check, message)
    return Verdict.passed(check, all_well)


def model_verdict(key: str, problem: str, stated: str) -> Verdict:
    """Does the collection name the model that is set? `stated`: what it says; `problem`: "" for none."""
    check = "model of the vectors"
    if problem:
        return Verdict.failed(
            check, f"{key}: {problem}", differences=(Difference(key, "model", "changed"),)
        )
    return Verdict.passed(check, stated)


def vectors_verdict(
    key: str, tally: Tally, cover: VectorCover, *, not_judged: str = "", wanted: bool = True
) -> Verdict:
    """Are stored vectors what the model makes of their documents? It says how many were looked at.

    `not_judged`: why no model was asked, "" where one was. That is UNKNOWN, unless nobody wants it.
    """
    check = "stored vectors"
    if message := tally.sentence(OF_VECTORS):
        found = tally.differences(key, OF_VECTORS)
        count = tally.count(*OF_VECTORS)
        message += f"; {not_judged or cover_sentence(cover)}"
        return Verdict.failed(check, message, actual=count, limit=0, differences=found)
    if not_judged and wanted:
        return Verdict.unknown(check, not_judged)
    if not_judged:
        return Verdict.not_run(check, not_judged)
    if not cover.records:
        return Verdict.not_run(check, "no record has the text of its row: no vector was compared")
    return Verdict(check, Outcome.PASS, cover_sentence(cover), actual=0, limit=0)


def cover_sentence(cover: VectorCover) -> str:
    """How many vectors were judged, and what a clean sample says of those that were not."""
    parts = [f"of {plural(cover.records, 'vector')}"]
    known = []
    if cover.remembered:
        known.append(f"{cover.remembered} are as the model made them in an earlier run")
    known.append(f"{cover.embedded} were embedded again")
    text = f"{parts[0]}, {' and '.join(known)}"
    if not cover.unseen:
        return text
    text += f"; {cover.unseen} are not judged"
    if cover.sampled and not cover.sampled_wrong:
        share = 1 - (1 - CONFIDENCE) ** (1 / cover.sampled)
        text += f" (a clean sample of {cover.sampled}: under {share:.1%} of them wrong, by 95 %)"
    return text
