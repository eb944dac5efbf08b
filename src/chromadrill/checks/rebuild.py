"""Is a rebuilt collection the source's knowledge again? Rows, vectors, settings, what questions find."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from chromadrill.checks.content import settings_differences, without_learned_keys
from chromadrill.checks.record_diff import REBUILT, compare
from chromadrill.core.model import (
    CollectionInfo,
    CollectionPrint,
    Difference,
    Hits,
    Outcome,
    Verdict,
)
from chromadrill.core.records.streams import Records

COSINE = (
    0.9999  # batched and single embeddings differ by 1.5e-7 a number; another model by far more
)


def same_rows(key: str, source: Records, rebuilt: Records) -> Verdict:
    """Every row of the source once, nothing extra, documents byte for byte, metadata with types.

    Both are digests of records; the source's have no vectors.
    """
    check = "source rows"
    if not len(source):
        return Verdict.unknown(check, "the source has no rows: nothing was compared")
    diff = compare(key, source, rebuilt, fields=("document", "metadata", "uri"), written=True)
    differences = tuple(diff.differences)
    if differences:
        return Verdict.failed(
            check,
            "; ".join(str(difference) for difference in differences[:5]),
            actual=len(differences),
            limit=0,
            differences=differences,
        )
    message = (
        f"all {len(source)} rows, each once, nothing else; documents and metadata are the source's"
    )
    return Verdict.passed(check, message)


def fresh_embeddings(
    key: str, cosines: Sequence[tuple[str, float]], *, unseen: int = 0, least: float = COSINE
) -> Verdict:
    """Stored vectors are what the model makes of their documents now: (id, cosine) of a sample.

    `unseen`: how many other vectors were copied, of the old collection or an earlier run.
    """
    check = "fresh embeddings"
    if not cosines:
        return Verdict.unknown(check, "no document was embedded again: nothing was compared")
    other = tuple(record for record, cosine in cosines if not cosine >= least)  # NaN: no vector
    lowest = min((cosine for _, cosine in cosines if cosine == cosine), default=0.0)
    message = f"{len(cosines) - len(other)} of {len(cosines)} sampled vectors are the model's own"
    message += f"; {unseen} vectors were copied unseen" if unseen else ""
    differences = [Difference(key, "vector", "changed", other)] if other else []
    return Verdict(
        check,
        Outcome.FAIL if other else Outcome.PASS,
        "; ".join([f"{message} (lowest cosine {lowest:.7f})", *map(str, differences)]),
        actual=round(lowest, 7),
        limit=least,
        differences=tuple(differences),
    )


def same_settings(wanted: CollectionInfo, rebuilt: CollectionInfo) -> Verdict:
    """Metric, index settings and collection metadata are those that it should be made with."""
    check = "settings"
    differences = tuple(_other_settings(wanted, rebuilt))
    if differences:
        message = "; ".join(str(difference) for difference in differences[:5])
        return Verdict.failed(check, message, differences=differences)
    return Verdict.passed(check, f"{rebuilt.space}, settings and metadata as they should be")


def same_as_lost(before: CollectionPrint, rebuilt: CollectionPrint) -> Verdict:
    """Metric, settings and metadata are those of the lost database, and so are the vectors, wherever
    the document is still the same.

    Documents that the source has changed since are counted, not judged: the source is the truth.
    Records that the source lacks make it UNKNOWN: they were deleted since, or never there.
    """
    check, key = "lost database", rebuilt.info.key
    settings = _other_settings(before.info, rebuilt.info)
    diff = compare(
        key, before.records, rebuilt.records,
        tolerant=True, slack=REBUILT, fields=("vector",), where_same="document",
    )  # fmt: skip
    missing = [d for d in diff.differences if (d.field, d.kind) == ("record", "missing")]
    altered = [d for d in diff.differences if d.field == "vector" or d.kind == "doubled"]
    message = f"{diff.compared} vectors compared"
    if changed := diff.shared - diff.compared:
        message += f"; {changed} documents are newer in the source"
    if bad := (*settings, *altered):
        return Verdict.failed(check, f"{message}: {'; '.join(map(str, bad[:5]))}", differences=bad)
    if not diff.compared:
        return Verdict.unknown(check, "no document is in both: no vector was compared")
    if missing:
        message += (
            f"; the source does not have all of it (deleted since, or never there): {missing[0]}"
        )
        return Verdict.unknown(check, message, differences=tuple(missing))
    return Verdict.passed(check, f"{message}, all as they were; settings and metadata too")


def _other_settings(was: CollectionInfo, now: CollectionInfo) -> list[Difference]:
    """Keys that records brought along are no setting. The model's identity covers the dimension."""
    was = dataclasses.replace(
        was,
        name=now.name,
        dimension=now.dimension,
        schema=without_learned_keys(now.schema, was.schema),
    )
    return settings_differences(was, now, imported=True)


SLACK = 0.01  # of all questions


def retrieval(before: Sequence[Hits], after: Hits) -> list[Verdict]:
    """Questions find their right documents no worse than before, hit@1 and hit@10.

    `before`: what the healthy source found, asked more than once. The floor is the worst of these,
    less 1 %: no two builds of an index find quite the same. One asking alone does not show how
    steady the source was: UNKNOWN.
    """
    verdicts = []
    for check, pick in (("hit@1", _first), ("hit@10", _ten)):
        shares = [pick(hits) / hits.asked for hits in before if hits.asked]
        if len(shares) < 2 or not after.asked or not max(shares):
            message = f"{after.asked} questions, before: {shares}: too little to compare"
            verdicts.append(Verdict.unknown(check, message))
            continue
        share = pick(after) / after.asked
        floor = max(0.0, min(shares) - SLACK)
        verdicts.append(
            Verdict(
                check,
                Outcome.PASS if share >= floor - 1e-12 else Outcome.FAIL,
                f"{share:.1%} of {after.asked} questions; before the loss"
                f" {' and '.join(f'{share:.1%}' for share in shares)}",
                actual=round(share, 4),
                limit=round(floor, 4),
            )
        )
    return verdicts


def _first(hits: Hits) -> int:
    return hits.first


def _ten(hits: Hits) -> int:
    return hits.ten
