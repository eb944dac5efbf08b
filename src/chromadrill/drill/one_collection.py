"""An observation and a fingerprint cut to the collection of one name, or to some databases."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import AT_REST_IN_PART, Fingerprint, Observation, Scope
from chromadrill.core.model.window import BackupWindow


def narrow(
    observation: Observation, before: Fingerprint | None, name: str | None
) -> tuple[Observation, Fingerprint | None]:
    """Both for collection `name` alone, or as they are without a name. Raises Unavailable."""
    if name is None:
        return observation, before
    narrowed = narrow_observation(observation, name)
    expected = narrow_fingerprint(before, name) if before else None
    if not narrowed.fingerprint.collections and not (expected and expected.collections):
        known = {key.rpartition("/")[2] for key in observation.counts}
        raise Unavailable(f"No collection '{name}' there. {did_you_mean(name, known)}")
    scopes = _scopes_of(narrowed.fingerprint, expected)
    narrowed = dataclasses.replace(narrowed, fingerprint=_within(narrowed.fingerprint, scopes))
    return narrowed, expected and _within(expected, scopes)


def narrow_scopes(before: Fingerprint | None, scopes: Sequence[Scope]) -> Fingerprint | None:
    """The fingerprint without other databases, where `scopes` are some of its own: they are not read.

    Raises UsageError where it holds none of `scopes`: there would be nothing to compare.
    """
    if before is None or not scopes:
        return before
    if not set(scopes) & set(before.scopes):
        raise UsageError(
            f"--scope {', '.join(map(str, scopes))}: the fingerprint holds no such database. It holds:"
            f" {', '.join(map(str, before.scopes)) or 'none'}."
        )
    if not set(scopes) <= set(before.scopes):
        return before
    tenants = {scope.tenant for scope in scopes}
    return dataclasses.replace(
        before,
        taken=AT_REST_IN_PART if before.covers_every_tenant else before.taken,
        scopes=tuple(scopes),
        databases=tuple(scope for scope in before.databases if scope.tenant in tenants),
        collections={
            key: one for key, one in before.collections.items() if one.info.scope in scopes
        },
    )


def narrow_window(window: BackupWindow, scopes: Sequence[Scope]) -> BackupWindow:
    """Both fingerprints without other databases, as `narrow_scopes`."""
    return dataclasses.replace(
        window,
        before=narrow_scopes(window.before, scopes) or window.before,
        after=narrow_scopes(window.after, scopes),
    )


def narrow_to_collection(
    observation: Observation, window: BackupWindow, name: str | None
) -> tuple[Observation, BackupWindow]:
    """Both for collection `name` alone, or as they are without a name. Raises Unavailable."""
    narrowed, before = narrow(observation, window.before, name)
    if name is None or before is None:
        return observation, window
    scopes = set(before.databases)
    after = window.after and _within(narrow_fingerprint(window.after, name), scopes)
    return narrowed, dataclasses.replace(window, before=before, after=after)


def narrow_observation(observation: Observation, name: str) -> Observation:
    """The observation without other collections and their read errors."""
    others = {
        key
        for key, collection in observation.fingerprint.collections.items()
        if collection.info.name != name
    }
    return dataclasses.replace(
        observation,
        fingerprint=narrow_fingerprint(observation.fingerprint, name),
        counts={key: count for key, count in observation.counts.items() if key not in others},
        read_errors=tuple(e for e in observation.read_errors if e.where not in others),
    )


def narrow_fingerprint(fingerprint: Fingerprint, name: str) -> Fingerprint:
    """The fingerprint without other collections."""
    collections = {
        key: collection
        for key, collection in fingerprint.collections.items()
        if collection.info.name == name
    }
    return dataclasses.replace(fingerprint, collections=collections)


def _within(fingerprint: Fingerprint, scopes: Collection[Scope]) -> Fingerprint:
    """The fingerprint without other databases: they say nothing of one collection."""
    databases = tuple(scope for scope in fingerprint.databases if scope in scopes)
    return dataclasses.replace(fingerprint, databases=databases)


def _scopes_of(*fingerprints: Fingerprint | None) -> set[Scope]:
    prints = [p for one in fingerprints if one for p in one.collections.values()]
    return {collection.info.scope for collection in prints}


def rename(
    fingerprint: Fingerprint, original: str, name: str, scopes: Sequence[Scope]
) -> Fingerprint:
    """The fingerprint of one collection as if it were that of its copy, called `name`.

    `original`: its NAME or TENANT/DATABASE/NAME. The copy is in the first of `scopes`, where one was
    named, else in the original's own. Raises UsageError unless exactly one collection is meant.
    """
    collections = fingerprint.collections
    keys = [key for key in collections if original in (key, key.rpartition("/")[2])]
    if len(keys) != 1:
        reason = f"{len(keys)} of that name, write one as" if keys else "the fingerprint has none."
        known = ", ".join(keys) or did_you_mean(
            original, {k.rpartition("/")[2] for k in collections}
        )
        raise UsageError(f"--original {original}: {reason} {known}")
    was = collections[keys[0]]
    scope = scopes[0] if scopes else was.info.scope
    info = dataclasses.replace(was.info, tenant=scope.tenant, database=scope.database, name=name)
    return dataclasses.replace(
        fingerprint,
        scopes=(scope,),
        databases=(scope,),
        collections={info.key: dataclasses.replace(was, info=info)},
    )
