"""What the scripts do: one engine function each, on a URL (only reads) or on a directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from chromadrill.chroma.client import CallFailed, Chroma, connect
from chromadrill.datasets.standard import MAIN
from chromadrill.errors import Unavailable
from chromadrill.fingerprint import live
from chromadrill.ladder import judge
from chromadrill.model import Fingerprint, Observation, Scope, Verdict

DEADLINE_S = 20.0  # for one call; two that miss it end the observation


@contextmanager
def connected(url: str) -> Iterator[Chroma]:
    """A client of a Chroma 1.x server; what fails on the way is Unavailable, with a sentence."""
    with connect(url, timeout_s=DEADLINE_S) as chroma:
        try:
            yield chroma
        except CallFailed as error:
            raise Unavailable(f"{url}: {error}") from error


def collection_counts(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None
) -> Mapping[str, int]:
    """Count `name`; by default `bmad_embeddings` where there is one, else every collection."""
    infos = [i for scope in scopes or (Scope(),) for i in chroma.collections(scope)]
    wanted = [i for i in infos if i.name == (name or MAIN)]
    if name and not wanted:
        known = ", ".join(i.name for i in infos) or "none"
        raise Unavailable(f"No collection '{name}' there. Known: {known}.")
    return {info.key: chroma.count(info) for info in wanted or infos}


def take_fingerprint(source: str | Path, scopes: Sequence[Scope]) -> Fingerprint:
    """The fingerprint of a healthy server, every collection of the scopes."""
    if isinstance(source, Path):
        raise Unavailable(
            "A directory at rest cannot be read by this version.",
            next_step="Serve a copy of it (chroma run --path COPY) and give --url.",
        )
    with connected(source) as chroma:
        return live.fingerprint(chroma, scopes or (Scope(),))


def validate(
    source: str | Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool = False,
) -> tuple[Mapping[str, int], list[Verdict]]:
    """Climb the ladder; returns the counts seen and the verdicts. `name`: that collection alone."""
    if isinstance(source, Path):
        raise Unavailable(
            "A directory at rest cannot be read by this version.",
            next_step="Serve a copy of it (chroma run --path COPY) and give --url.",
        )
    with connected(source) as chroma:
        seen = live.observe(chroma, scopes, like=before)
    if name:
        seen, before = only(seen, name), only_print(before, name) if before else None
        if not seen.fingerprint.collections and not before:
            raise Unavailable(f"No collection '{name}' in {source}.")
    return seen.counts, judge(seen, before)


def only(seen: Observation, name: str) -> Observation:
    """The observation without other collections and their troubles."""
    others = {key for key, each in seen.fingerprint.collections.items() if each.info.name != name}
    return dataclasses.replace(
        seen,
        fingerprint=only_print(seen.fingerprint, name),
        counts={key: n for key, n in seen.counts.items() if key not in others},
        troubles=tuple(each for each in seen.troubles if each.where not in others),
    )


def only_print(fingerprint: Fingerprint, name: str) -> Fingerprint:
    kept = {k: each for k, each in fingerprint.collections.items() if each.info.name == name}
    return dataclasses.replace(fingerprint, collections=kept)
