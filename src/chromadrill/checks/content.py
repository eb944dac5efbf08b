"""Is everything there, and is it the same? Inventory, counts, records, configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from typing import Any

from chromadrill.checks import record_diff
from chromadrill.checks.explain import meaning
from chromadrill.core.model import (
    JSON,
    CollectionInfo,
    Difference,
    Fingerprint,
    Observation,
    Outcome,
    Verdict,
)
from chromadrill.core.plural import plural

OF_USERS = ("metadata", "schema.keys")  # objects whose keys users name


def came_over_the_api(copy: Fingerprint, *known: Fingerprint) -> frozenset[str]:
    """Return the collections that are known by name where the store was imported; none for files.

    An import gives every collection a new id, and moves cosine vectors and floats of metadata by an ulp.
    Files bring ids back: where one of them is `known`, any other one that is new is a difference.
    """
    names = {key for fingerprint in known for key in fingerprint.collections}
    ids = {one.info.id for fingerprint in known for one in fingerprint.collections.values()}
    if any(collection.info.id in ids for collection in copy.collections.values()):
        return frozenset()
    return frozenset(copy.collections.keys() & names)


def same_inventory(
    observation: Observation, before: Fingerprint, *, imported: Collection[str] = ()
) -> Verdict:
    """Tenants, databases and collections, both ways: extras count.

    Ids too, but for `imported` collections: those get a new one.
    """
    after = observation.fingerprint
    differences = [
        Difference(tenant, "tenant", "missing") for tenant in observation.missing_tenants
    ]
    differences += set_differences(
        "database", map(str, before.databases), map(str, after.databases)
    )
    differences += set_differences("collection", before.collections, _keys(observation))
    for key in sorted(before.collections.keys() & after.collections.keys() - set(imported)):
        was, now = before.collections[key].info.id, after.collections[key].info.id
        if was != now:
            differences.append(Difference(key, "id", "changed", before=was, after=now))
    if not before.collections and not after.collections and not differences:
        return Verdict.unknown("inventory", f"{nothing_in(after)}, nor was there in the source")
    good = f"{plural(len(before.collections), 'collection')} in"
    good += f" {plural(len(before.databases), 'database')}, no extras"
    good += f"; {len(imported)} imported, with new ids" if imported else ""
    return judge_differences(
        "inventory", observation, differences, good, steps=("start", "inventory", "alive")
    )


def nothing_in(fingerprint: Fingerprint) -> str:
    """That no collection was found, and which databases were looked into or are there besides."""
    places = ", ".join(map(str, fingerprint.scopes)) or "the files"
    others = sorted({*fingerprint.databases} - {*fingerprint.scopes})
    beside = f" (not looked into: {', '.join(map(str, others))})" if others else ""
    return f"no collection in {places}{beside}: there is nothing to check"


def same_counts(observation: Observation, before: Fingerprint) -> Verdict:
    """As many records in each collection as there were."""
    differences = [
        Difference(
            key, "count", "changed", before=str(was.count), after=str(observation.counts[key])
        )
        for key, was in before.collections.items()
        if key in observation.counts and observation.counts[key] != was.count
    ]
    total = sum(observation.counts.values())
    return judge_differences(
        "counts",
        observation,
        differences,
        f"{plural(total, 'record')} in {plural(len(observation.counts), 'collection')}",
        steps=("count",),
        actual=float(total),
        limit=float(before.records),
        unit="records",
        compared=len(before.collections.keys() & observation.counts.keys()),
        wanted=len(before.collections),
    )


def same_records(
    observation: Observation,
    before: Fingerprint,
    *,
    imported: Collection[str] = (),
    rebuilt: Collection[str] = (),
) -> Verdict:
    """Every record: id, document, typed metadata, uri and vector.

    Vectors are compared by their bytes. Those of `imported` cosine collections have a tolerance,
    since the server normalises what it is sent; the verdict reports the drift. So have the floats in the
    metadata of `imported` collections of any metric. The vectors of
    `rebuilt` collections were made anew: they may differ by as much as one model's batches do.
    """
    differences: list[Difference] = []
    compared, worst = 0, 0.0
    unread = {t.where for t in observation.read_errors if t.step == "records"}
    shared = sorted(before.collections.keys() & observation.fingerprint.collections.keys())
    for key in shared:
        was, now = before.collections[key], observation.fingerprint.collections[key]
        if key in unread and not len(now.records):
            continue  # could not be read at all: the trouble says why, not "all missing"
        anew = key in rebuilt
        tolerant = anew or (key in imported and was.info.space == "cosine")
        slack = record_diff.REBUILT if anew else record_diff.DRIFT
        diff = record_diff.compare(
            key, was.records, now.records, tolerant=tolerant, slack=slack, written=key in imported
        )
        differences += diff.differences
        worst = max(worst, diff.drift)
        compared += len(now.records)
    how = f"largest drift of a vector {worst:.1e}" if imported else "exact"
    return judge_differences(
        "records",
        observation,
        differences,
        f"{compared} of {before.records} records compared, {how}"
        if before.records
        else f"no record in {plural(len(shared), 'collection')}, as before",
        steps=("records",),
        actual=float(compared),
        limit=float(before.records),
        unit="records",
        compared=len(shared),
        wanted=len(before.collections),
    )


def same_configuration(
    observation: Observation, before: Fingerprint, *, imported: Collection[str] = ()
) -> Verdict:
    """Metric, index settings, schema, collection metadata and dimension.

    The listing of a collection from before 1.0 may not say what the collection uses. Once it is
    `imported`, the listing is right. For such a collection the metric in use, the metadata and the
    dimension are compared. An import also adds an entry to the schema for every key of the records:
    an entry that says no more than the defaults is no difference.
    """
    differences: list[Difference] = []
    shared = sorted(before.collections.keys() & observation.fingerprint.collections.keys())
    for key in shared:
        was, now = before.collections[key].info, observation.fingerprint.collections[key].info
        differences += settings_differences(was, now, imported=key in imported)
    return judge_differences(
        "configuration",
        observation,
        differences,
        f"{plural(len(shared), 'collection')} configured as before",
        steps=(),
        compared=len(shared),
        wanted=len(before.collections),
    )


def settings_differences(
    was: CollectionInfo, now: CollectionInfo, *, imported: bool
) -> list[Difference]:
    """The settings of one collection that changed; `imported` as in `same_configuration`."""
    if imported:
        now = dataclasses.replace(now, schema=without_learned_keys(was.schema, now.schema))
    listing = was.listing_decides or not imported
    return [
        Difference(was.key, name, "changed", before=str(one), after=str(other))
        for name, one, other in _settings(was, now, listing=listing)
        if one != other
    ]


def _settings(
    was: CollectionInfo, now: CollectionInfo, *, listing: bool
) -> Iterable[tuple[str, Any, Any]]:
    listed = ("configuration", "schema") if listing else ()
    for name in ("space", "dimension", "metadata", *listed):
        one, other = getattr(was, name), getattr(now, name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _flat(name, one, other)
        elif name in ("space", "dimension", "metadata") or (one and other):
            yield name, one, other


def without_learned_keys(was: JSON | None, now: JSON | None) -> JSON | None:
    """`now` without the keys that only it has and that are indexed as the defaults say.

    A key that both have may have got values of one more type: that one is left out too.
    """
    if not was or not now:
        return now
    known, defaults = was.get("keys") or {}, now.get("defaults") or {}
    keys = {
        key: _without_learned_types(known[key], entry, defaults) if key in known else entry
        for key, entry in (now.get("keys") or {}).items()
        if key in known or not _within(entry, defaults)
    }
    return {**now, "keys": keys}


def _without_learned_types(was: Any, now: Any, defaults: JSON) -> Any:
    if not isinstance(was, dict) or not isinstance(now, dict):
        return now
    return {
        kind: index
        for kind, index in now.items()
        if kind in was or kind not in defaults or not _within(index, defaults[kind])
    }


def _within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    return bool(part == whole)


def _flat(path: str, one: dict[str, Any], other: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    keys = one.keys() | other.keys()
    if path not in OF_USERS:
        # the number of cores of the machine that made the schema up: no setting
        keys = keys - {"num_threads"}
    for key in sorted(keys):
        a, b = one.get(key), other.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            yield from _flat(f"{path}.{key}", a, b)
        else:
            yield f"{path}.{key}", _with_type(a), _with_type(b)


def _with_type(value: Any) -> Any:
    """1, 1.0 and true are equal in Python and three things in a database."""
    return value if value is None else f"{value!r}"


def _keys(observation: Observation) -> set[str]:
    return set(observation.fingerprint.collections) | set(observation.counts)


def set_differences(field: str, before: Iterable[str], after: Iterable[str]) -> list[Difference]:
    """Name what is missing and what is extra, of names on both sides."""
    was, now = set(before), set(after)
    missing = [Difference(name, field, "missing") for name in sorted(was - now)]
    return missing + [Difference(name, field, "extra") for name in sorted(now - was)]


def judge_differences(
    check: str,
    observation: Observation,
    differences: list[Difference],
    good: str,
    *,
    steps: tuple[str, ...],
    compared: int = 1,
    wanted: int = 1,
    cause: str | None = None,
    **numbers: Any,
) -> Verdict:
    """Return the verdict: differences or a failing server are FAIL, what could not be read UNKNOWN.

    `steps`: whose read errors count. `compared` of `wanted` collections were looked at. `good` is the
    sentence of a PASS; `cause` what differences mean, where that is known; `numbers` are actual, limit
    and unit.
    """
    read_errors = [t for t in observation.read_errors if t.step in steps]
    named = tuple(differences)
    if named or any(t.reading for t in read_errors):
        parts = [text for text in (meaning(named) if cause is None else cause,) if text]
        parts += map(str, named[:10])
        parts += [f"{t.where}: {t.message}" for t in read_errors[:3]]
        if len(named) > 10:
            parts.append(f"and {len(named) - 10} more differences")
        return Verdict(check, Outcome.FAIL, "; ".join(parts), differences=named, **numbers)
    if read_errors:
        return Verdict.unknown(
            check, f"{read_errors[0].where}: {read_errors[0].message}", **numbers
        )
    if compared < wanted:
        return Verdict.unknown(check, f"{compared} of {wanted} collections compared", **numbers)
    if not wanted:
        message = "nothing was compared: the fingerprint has no collection for this"
        return Verdict.unknown(check, message, **numbers)
    return Verdict.passed(check, good, **numbers)
