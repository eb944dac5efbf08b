"""The verdicts on a copy that was taken between two fingerprints."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from chromadrill.checks.between.collection_window import CollectionWindow
from chromadrill.checks.content import judge_differences, nothing_in, settings_differences
from chromadrill.core.clock import parse_time
from chromadrill.core.model import (
    CollectionInfo,
    Difference,
    Fingerprint,
    Observation,
    Outcome,
    Verdict,
)
from chromadrill.core.model.window import BackupWindow, CollectionCoverage, Coverage
from chromadrill.core.plural import plural

ONE_ALONE = "one fingerprint alone cannot tell clients' writes from damage (--until)"
FIXED = ("space", "dimension")  # of a collection: no client changes them
NAMED = 4  # of what came, went or moved, in a sentence


def is_written_later(observation: Observation, before: Fingerprint) -> bool:
    """Whether the log of a store shows a write that came after the fingerprint began.

    Trap: the log has whole seconds, cut off. What clients wrote in the second in which a recording began
    may be later than that, so it counts as later: a loss is then UNKNOWN, which proves nothing wrong. Of
    a server or files where nobody wrote meanwhile it does not, or a loss would go unnamed. Not
    `finished_at`: a write during a recording may be in the copy alone.
    """
    if observation.newest_write is None:
        return False
    newest, begun = parse_time(observation.newest_write), parse_time(before.taken_at)
    if before.taken == "recording":
        return newest >= begun.replace(microsecond=0)
    return newest > begun


def explained_inventory(
    observation: Observation, window: BackupWindow, collections: Sequence[CollectionWindow]
) -> Verdict:
    """Every tenant, database and collection that stands before and after is in the copy."""
    copy = observation.fingerprint
    databases = set.intersection(*({*map(str, one.databases)} for one in window.fingerprints))
    tenants = {scope.rpartition("/")[0] for scope in databases}
    lost = [
        Difference(name, "tenant", "missing")
        for name in observation.missing_tenants
        if name in tenants
    ]
    lost += [
        Difference(name, "database", "missing")
        for name in sorted(databases - set(map(str, copy.databases)))
    ]
    lost += [Difference(one.key, "collection", "missing") for one in collections if one.is_lost]
    lost += [d for one in collections for d in _moved_names(one)]
    if not copy.collections and not lost and not any(one.before for one in collections):
        return Verdict.unknown("inventory", f"{nothing_in(copy)}, nor was there in the source")
    if window.after is None:
        return _inventory_without_after(observation, window, collections)
    strange = [one.key for one in collections if not one.before and not one.after]
    moved = [one.key for one in collections if (one.before is None) != (one.after is None)]
    stable = sum(1 for one in collections if one.before and one.after)
    verdict = judge_differences(
        "inventory",
        observation,
        lost,
        f"{plural(stable, 'collection')} as before and after"
        + _listed("made or dropped meanwhile", moved)
        + _listed("in neither fingerprint", strange),
        steps=("start", "inventory", "alive"),
    )
    if lost and stable and len(lost) >= stable and strange:
        message = f"this is another database: none of the {stable} collections is in it"
        return dataclasses.replace(verdict, message=f"{message}; {verdict.message}")
    return verdict


def _moved_names(one: CollectionWindow) -> list[Difference]:
    """A collection under a name, or in a database, that neither fingerprint explains.

    A client may rename it; none can take it into another database.
    """
    sides = [known.info for known in (one.before, one.after) if known is not None]
    if one.copy is None or not sides:
        return []
    copy, first = one.copy.info, sides[0]
    differences = []
    if all(side.scope != copy.scope for side in sides):
        was, now = str(first.scope), str(copy.scope)
        differences.append(Difference(one.key, "database", "changed", before=was, after=now))
    names = {side.name for side in sides}
    if len(sides) == 2 and len(names) == 1 and copy.name not in names:
        was, now = first.name, copy.name
        differences.append(Difference(one.key, "name", "changed", before=was, after=now))
    return differences


def _inventory_without_after(
    observation: Observation, window: BackupWindow, collections: Sequence[CollectionWindow]
) -> Verdict:
    gone = [one.key for one in collections if one.copy is None]
    more = [one.key for one in collections if one.before is None]
    databases = set(map(str, window.before.databases)) - set(
        map(str, observation.fingerprint.databases)
    )
    good = f"{plural(len(collections) - len(gone) - len(more), 'collection')} as before"
    renamed = [d for one in collections for d in _moved_names(one)]
    verdict = judge_differences(
        "inventory", observation, renamed, good, steps=("start", "inventory", "alive")
    )
    differing = [*gone, *more, *sorted(databases), *observation.missing_tenants]
    if differing and verdict.outcome is Outcome.PASS:
        sentence = good + _listed("not in the copy", [*gone, *sorted(databases)])
        sentence += _listed("not in the fingerprint", more)
        return Verdict.unknown("inventory", f"{sentence}; {ONE_ALONE}")
    return verdict


def explained_counts(observation: Observation) -> Verdict:
    """The copy holds as many records as it says."""
    differences = [
        Difference(
            key,
            "count",
            "changed",
            before=f"{len(one.records)} read",
            after=f"{observation.counts[key]} counted",
        )
        for key, one in observation.fingerprint.collections.items()
        if key in observation.counts
        and len(one.records) != observation.counts[key]
        and not any(e.where == key and e.step == "records" for e in observation.read_errors)
    ]
    total = sum(observation.counts.values())
    return judge_differences(
        "counts",
        observation,
        differences,
        f"{counted(total)} in {plural(len(observation.counts), 'collection')}",
        steps=("count",),
        actual=float(total),
        unit="records",
    )


def explained_records(
    observation: Observation,
    window: BackupWindow,
    collections: Sequence[CollectionWindow],
    coverage: Coverage,
    differences: list[Difference],
) -> Verdict:
    """Every record that did not change meanwhile is exactly that; every other one can be explained."""
    total = coverage.total
    good = f"{total.proven:,} of {counted(total.records)} proven exactly"
    moved = total.moved + total.unseen
    if moved:
        good += f", {moved:,} moved while the copy was taken"
        if strange := total.in_between + total.unseen:
            good += f", {strange:,} of them with a version between both, whose content nothing can check"
    verdict = judge_differences(
        "records",
        observation,
        differences,
        good if total.records else "no record, as before and after",
        steps=("records",),
        actual=float(total.proven),
        limit=float(total.records),
        unit="records",
        cause=_cause(observation, window, total),
    )
    lost = [one for one in collections if one.is_lost and one.recorded]
    if verdict.outcome is Outcome.PASS and lost:
        message = (
            f"{counted(sum(one.recorded for one in lost))} that stand before and after: not in the"
        )
        message += f" copy, nor are their collections{_listed('lost', [one.key for one in lost])}"
        return dataclasses.replace(verdict, outcome=Outcome.FAIL, message=message)
    if verdict.outcome is Outcome.PASS and window.after is None and moved:
        message = f"{total.proven:,} of {counted(total.records)} are as they were,"
        message += f" {moved:,} differ: {ONE_ALONE}"
        return dataclasses.replace(verdict, outcome=Outcome.UNKNOWN, message=message)
    return verdict


def _cause(observation: Observation, window: BackupWindow, total: CollectionCoverage) -> str:
    """Why a copy may differ where nothing moved: its time, or that it is of another database."""
    if age := _age(observation, window):
        return age
    if not total.proven:
        return (
            "none of the records that stand before and after is in it as it was: it is of another"
            " database, or of another time"
        )
    if window.after is None:
        return "no client can do this"
    return (
        f"{total.unexplained:,} records stand before and after, and the copy lost or altered them;"
        " or it was taken earlier or later, or clients changed them and changed them back, or deleted"
        " them and added them again"
    )


def _age(observation: Observation, window: BackupWindow) -> str:
    """That the copy is older or newer than both fingerprints, where its log says so."""
    newest = observation.newest_write
    if newest is None:
        return ""
    first, last = window.before, window.fingerprints[-1]
    ends = last.finished_at or last.taken_at
    if parse_time(newest) < parse_time(first.taken_at).replace(microsecond=0):
        return (
            f"it may be older than the first fingerprint ({first.taken_at}): its log ends {newest}"
        )
    if parse_time(newest) > parse_time(ends) and window.after is not None:
        return f"it is newer than the second fingerprint ({ends}): its log ends {newest}"
    return ""


def explained_settings(
    observation: Observation,
    window: BackupWindow,
    collections: Sequence[CollectionWindow],
    imported: Collection[str],
) -> Verdict:
    """Settings that are the same before and after are so in the copy."""
    differences: list[Difference] = []
    maybe: list[Difference] = []
    present = [one for one in collections if one.copy and (one.before or one.after)]
    for one in present:
        unlike = _unlike_settings(one, imported)
        if window.after is None:
            fixed = [d for d in unlike if d.field in FIXED and d.before != "None"]
            differences += fixed
            maybe += [d for d in unlike if d not in fixed]
        else:
            differences += unlike
    good = f"{plural(len(present), 'collection')} configured as before and after"
    verdict = judge_differences("configuration", observation, differences, good, steps=())
    if verdict.outcome is Outcome.PASS and maybe:
        return Verdict.unknown("configuration", f"{maybe[0]}; {ONE_ALONE}")
    return verdict


def covered(observation: Observation, window: BackupWindow, coverage: Coverage) -> Verdict:
    """Enough of the copy is proven exactly, and little of it is in neither fingerprint."""
    total, share = coverage.total, coverage.share
    numbers = {
        "actual": None if share is None else round(100 * share, 2),
        "limit": 100 * window.least_coverage,
        "unit": "%",
    }
    if any(e.step in ("start", "inventory", "records") for e in observation.read_errors):
        return Verdict.unknown("coverage", "not all of the copy could be read", **numbers)
    if share is None:
        return Verdict.not_run("coverage", "there is no record to prove")
    message = coverage_text(total, has_after=window.after is not None)
    message += _listed("of the copy's tenants not compared", observation.unread_tenants)
    if share < window.least_coverage:
        message += f"; {window.least_coverage:.0%} wanted: {_way_to_coverage(total, window)}"
        return Verdict.unknown("coverage", message, **numbers)
    if total.unseen > window.most_unseen * total.records:
        message += f"; at most {window.most_unseen:.0%} may be in neither fingerprint"
        return Verdict.unknown("coverage", message, **numbers)
    return Verdict.passed("coverage", message, **numbers)


def _way_to_coverage(total: CollectionCoverage, window: BackupWindow) -> str:
    """What to do for more of it: fingerprints that are closer do not bring back what is lost."""
    closer = "take the fingerprints closer to the copy"
    if not total.unexplained:
        return closer
    first = (
        f"first find out what became of the {total.unexplained:,} unexplained (inventory, records)"
    )
    is_all = total.proven + total.unexplained >= window.least_coverage * total.records
    return first if is_all else f"{first}, then {closer}"


def coverage_text(total: CollectionCoverage, *, has_after: bool = True) -> str:
    """The coverage in a sentence: what is proven, moved, in neither fingerprint, and unexplained."""
    if not total.records:
        return "no record"

    def part(count: int) -> str:
        share = 100 * count / total.records
        shown = f"{share:.1f} %" if share in (0, 100) or 0.05 <= share < 99.95 else f"{share:.3f} %"
        return shown.replace("100.0", "100")

    text = f"{part(total.proven)} of {counted(total.records)} proven exactly"
    if total.moved:
        verb = "moved while it was taken" if has_after else "differ from the fingerprint"
        text += f", {part(total.moved)} {verb}"
    if total.unseen:
        text += f", {total.unseen:,} came and went"
    if total.unexplained:
        text += f", {total.unexplained:,} unexplained"
    return text


def counted(records: int) -> str:
    """A number of records as people read it: 12,345 records."""
    return f"{records:,} record{'' if records == 1 else 's'}"


def _unlike_settings(one: CollectionWindow, imported: Collection[str]) -> list[Difference]:
    """Settings of the copy that neither fingerprint explains."""
    assert one.copy is not None  # noqa: S101 - asked for collections that the copy has
    copy, is_imported = one.copy.info, one.key in imported
    sides = [known.info for known in (one.before, one.after) if known is not None]
    if one.before is not None and one.after is not None and not one.is_remade:
        before, after = sides
        moved = {d.field for d in settings_differences(before, after, imported=is_imported)}
        unlike = settings_differences(_as_named(before, copy), copy, imported=is_imported)
        return [d for d in unlike if not any(_is_part(d.field, name) for name in moved)]
    differing = [_fixed_differences(side, copy, is_imported=is_imported) for side in sides]
    return min(differing, key=len)


def _fixed_differences(
    side: CollectionInfo, copy: CollectionInfo, *, is_imported: bool
) -> list[Difference]:
    """What no client changes, of a collection that was made or dropped meanwhile."""
    return [
        difference
        for difference in settings_differences(_as_named(side, copy), copy, imported=is_imported)
        # a collection has no dimension until its first record
        if difference.field in FIXED and "None" not in (difference.before, difference.after)
    ]


def _as_named(info: CollectionInfo, copy: CollectionInfo) -> CollectionInfo:
    """Under the name that it has in the copy: a client may have renamed it."""
    return dataclasses.replace(info, tenant=copy.tenant, database=copy.database, name=copy.name)


def _is_part(field: str, of: str) -> bool:
    return field == of or field.startswith(f"{of}.") or of.startswith(f"{field}.")


def _listed(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
    return f"; {len(names)} {what} ({shown})"
