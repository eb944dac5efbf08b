"""An observation and a fingerprint cut to the collection of one name."""

from __future__ import annotations

import dataclasses

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Fingerprint, Observation


def narrow(
    observation: Observation, before: Fingerprint | None, name: str | None
) -> tuple[Observation, Fingerprint | None]:
    """Both for collection `name` alone, or as they are without a name. Raises Unavailable."""
    if name is None:
        return observation, before
    narrowed = narrow_observation(observation, name)
    expected = narrow_fingerprint(before, name) if before else None
    if not narrowed.fingerprint.collections and not (expected and expected.collections):
        raise Unavailable(f"No collection '{name}' there.")
    return narrowed, expected


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
