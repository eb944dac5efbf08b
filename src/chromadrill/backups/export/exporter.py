"""Export a running server: read twice, so that what is written is of one instant, or is not kept.

Paging is no snapshot: under a writer it gives records of many instants, and 10 of 10 such exports
were torn (measured). So everything is read once for the fingerprint and once more for the file, and
the file is read back and held against the fingerprint. Where both agree, every record had the value
written at the instant between the two readings. (A record changed and changed back meanwhile is not
seen: a single node counts no versions.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from chromadrill.backups.export import formats, read_back, types
from chromadrill.backups.export.atomic_output import new_file, require_free
from chromadrill.backups.export.types import Reader, TornExport, Writer
from chromadrill.backups.files import require_room, size_of
from chromadrill.checks.suite import judge_content
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import CollectionInfo, Fingerprint, Outcome, Scope
from chromadrill.core.progress import Advance, Progress, silent


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that holds what its fingerprint says."""

    path: Path
    fingerprint: Fingerprint
    bytes: int
    tries: int


def export(
    chroma: Chroma,
    path: Path,
    *,
    scopes: Sequence[Scope],
    name: str | None = None,
    retry: int = 0,
    suffix: str | None = None,
    progress: Progress = silent,
) -> Exported:
    """Export every collection of `scopes`, or those called `name`, to `path`.

    The suffix of `path` is the format, unless `suffix` says it ("": a folder). Nothing appears
    under that name before it is whole. Raises TornExport when the database was written to in each
    of 1 + `retry` tries, Unavailable for a server that fails, Refused where there is no room or a
    folder is in the way.
    """
    suffix = formats.suffix_of(path.name) if suffix is None else suffix
    path = path.resolve() if path.is_symlink() else path  # a link is followed, never replaced
    require_free(path, suffix)
    for tried in range(1, retry + 2):
        try:
            with new_file(path) as partial:
                source = _Source(chroma, tuple(scopes), name)
                before = _write(source, partial, path.name, suffix, progress)
            return Exported(path, before, size_of(path), tried)
        except (TornExport, CallFailed) as error:
            # a page of which a record was just deleted is answered 500, a dropped collection 404
            if tried <= retry:
                continue
            if isinstance(error, TornExport):
                raise
            raise Unavailable(
                f"{chroma.url}: {error}. Nothing was kept.", next_step=types.QUIET
            ) from error
        except (OSError, pa.ArrowException) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise Unavailable(f"{path}: {said}. Nothing was kept.") from error
    raise AssertionError


@dataclass(frozen=True, slots=True)
class _Source:
    """What is exported: the scopes of a server, all collections or those of one name."""

    chroma: Chroma
    scopes: tuple[Scope, ...]
    name: str | None

    def inventory(self) -> list[CollectionInfo]:
        return inventory(self.chroma, self.scopes, self.name)


def inventory(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None = None
) -> list[CollectionInfo]:
    """The collections of `scopes`, or those called `name`.

    Raises Unavailable where there is no such tenant, database or collection: the server answers an
    empty list for a database that is not there, and an empty export would look like a backup.
    """
    for scope in scopes:
        if not chroma.tenant_exists(scope.tenant):
            raise Unavailable(f"No such tenant: {scope.tenant}.")
        databases = chroma.databases(scope.tenant)
        if scope.database not in databases:
            near = did_you_mean(scope.database, databases)
            raise Unavailable(f"No database '{scope.database}' of {scope.tenant}. {near}")
    found = [info for scope in scopes for info in chroma.collections(scope)]
    wanted = [info for info in found if name is None or info.name == name]
    if name is not None and not wanted:
        known = ", ".join(sorted({info.name for info in found})) or "none"
        raise Unavailable(f"No collection '{name}' in {_named(scopes)}. Known: {known}.")
    return wanted


def _write(
    source: _Source, partial: Path, name: str, suffix: str, progress: Progress
) -> Fingerprint:
    chroma, infos = source.chroma, source.inventory()
    if suffix == ".parquet" and len(infos) != 1:
        raise UsageError(
            f"A .parquet file holds one collection, here are {len(infos)}: name a folder (no suffix)"
            " for a Parquet file of each, or a .jsonl.zst for one file of all."
        )
    count = sum(chroma.count(info) for info in infos)
    with progress("fingerprint", count) as advance:
        before = _fingerprint(source, [info.key for info in infos], advance)
    _require_room(partial, before)
    about = {"name": name, "url": chroma.url}
    out: Writer = formats.writer(suffix)(partial, before, about=about)
    try:
        with progress("export", before.records) as advance:
            for each in before.collections.values():
                out.begin(each.info)
                for page in chroma.pages(each.info) if each.count else ():
                    out.write(page)
                    advance(len(page.ids))
        out.seal()
    finally:
        out.close()
    _require_whole(source, before, formats.reader(suffix)(partial), progress)
    return before


def _fingerprint(source: _Source, keys: Sequence[str], advance: Advance) -> Fingerprint:
    """The fingerprint; what fails on the way may be a writer's doing, so it is said as a call."""
    seen = live.observe(source.chroma, source.scopes, only=keys, advance=advance)
    if seen.read_errors:
        first = seen.read_errors[0]
        raise CallFailed(f"{first.step} of {first.where}", 0, first.message)
    return seen.fingerprint


def _require_whole(
    source: _Source, before: Fingerprint, written: Reader, progress: Progress
) -> None:
    """Read the file back: it must hold what the fingerprint says, and the server still does."""
    seen = read_back.observe(written, progress=progress)
    wrong = [v for v in judge_content(seen, before) if v.outcome is not Outcome.PASS]
    if wrong:
        said = "; ".join(each.message for each in wrong)
        raise TornExport(said)
    after = {info.key: info for info in source.inventory()}
    was = {key: each.info.id for key, each in before.collections.items()}
    if {key: info.id for key, info in after.items()} != was:
        changed = sorted(was.keys() ^ after.keys()) or sorted(was)
        raise TornExport(f"collections came or went: {', '.join(changed)}")
    for key, each in before.collections.items():
        count = source.chroma.count(after[key])
        if count != each.count:
            raise TornExport(f"{key}: count changed (was {each.count}, is {count})")


def _require_room(partial: Path, before: Fingerprint) -> None:
    """The vectors alone: what they surely take is asked for before anything is written."""
    least = sum(4 * (each.info.dimension or 0) * each.count for each in before.collections.values())
    require_room(partial.parent, least)


def _named(scopes: Sequence[Scope]) -> str:
    return ", ".join(map(str, scopes))
