"""The exporter of a running server: what it writes is of one instant, or is not kept.

Paging is no snapshot: under a writer it gives records of many instants, and 10 of 10 such exports
were torn (measured). So everything is read once for the fingerprint and once more for the file. The
file is read back and compared with the fingerprint. Where both agree, every record had the value that
is in the file at the instant between the two readings. A record that was changed and changed back
meanwhile is not noticed: a single node counts no versions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from chromadrill.backups.export import formats, read_back, types
from chromadrill.backups.export.atomic_output import followed, new_file, require_free
from chromadrill.backups.export.damaged_records import (
    NO_DAMAGE,
    Damage,
    SoundPart,
    find_damage,
)
from chromadrill.backups.export.replaced_file import require_nothing_lost
from chromadrill.backups.export.requirements import LargestRecords, requirements
from chromadrill.backups.export.types import ExportWriter, Reader, TornExport
from chromadrill.backups.files import require_room
from chromadrill.checks.suite import judge_content
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.files import size_of
from chromadrill.core.memory import give_back_freed
from chromadrill.core.model import JSON, CollectionInfo, Fingerprint, Outcome, Scope, Verdict
from chromadrill.core.progress import Advance, Progress, silent


@dataclass(frozen=True, slots=True)
class Export:
    """A file, or folder, that holds what its fingerprint says. `tries`: how often it was begun.

    `requires`: what a target must allow to take it back. `damage`: what was left out, where that was
    asked for. `coverage`, `covered`: how much of it is proven, and the verdict on that, where clients
    wrote meanwhile.
    """

    path: Path
    fingerprint: Fingerprint
    bytes: int
    tries: int
    requires: JSON
    damage: Damage = NO_DAMAGE
    coverage: JSON | None = None
    covered: Verdict | None = None


def export(
    chroma: Chroma,
    path: Path,
    *,
    scopes: Sequence[Scope],
    name: str | None = None,
    retry: int = 0,
    suffix: str | None = None,
    skip_damaged: bool = False,
    replace: bool = False,
    progress: Progress = silent,
) -> Export:
    """Export every collection of `scopes`, or those called `name`, to `path`.

    The suffix of `path` is the format, unless `suffix` says it ("": a folder). Nothing appears
    under that name before it is whole. With `skip_damaged` what cannot be exported is left out, and
    the file lists it. A good export at `path` that holds more is replaced with `replace` only. Raises
    TornExport where the database was written to in each
    of 1 + `retry` tries, Unavailable for a server that fails, Refused where there is no room or a
    folder is in the way, UsageError for a name or format that does not fit.
    """
    suffix = formats.suffix_of(path.name) if suffix is None else suffix
    path = followed(path)
    require_free(path, suffix)
    damage = NO_DAMAGE
    if skip_damaged:
        damage = _damage_of(chroma, scopes, name)
        chroma = SoundPart(chroma, damage) if damage else chroma
    for attempt in range(1, retry + 2):
        try:
            with new_file(path) as partial:
                source = _Source(chroma, tuple(scopes), name, damage, replace)
                before, requires = _write(source, partial, path, suffix, progress)
            return Export(path, before, size_of(path), attempt, requires, damage)
        except (TornExport, CallFailed) as error:
            # a page of which a record was just deleted is answered 500, a dropped collection 404
            if attempt <= retry:
                continue
            if isinstance(error, TornExport):
                raise
            raise _no_export(chroma, scopes, name, error) from error
        except (OSError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Unavailable(f"{path}: {reason}. Nothing was kept.") from error
    raise AssertionError


def _damage_of(chroma: Chroma, scopes: Sequence[Scope], name: str | None) -> Damage:
    try:
        return find_damage(chroma, inventory(chroma, scopes, name))
    except CallFailed as error:
        raise Unavailable(f"{chroma.url}: {error}. Nothing was kept.") from error


def _no_export(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None, error: CallFailed
) -> Unavailable:
    """The refusal that names what is damaged, or else the failed call: a writer may have caused it."""
    where, next_step = f"{chroma.url}: {error.sentence.rstrip('.')}", types.QUIET
    if error.is_access:
        next_step = error.next_step
    else:
        damage = _damage_of(chroma, scopes, name)
        if damage:
            where, next_step = f"{chroma.url}: damaged: {damage.sentence()}", types.SKIP
    return Unavailable(f"{where}. Nothing was kept.", next_step=next_step)


@dataclass(frozen=True, slots=True)
class _Source:
    """What is exported: the scopes of a server, all collections or those of one name."""

    chroma: Chroma
    scopes: tuple[Scope, ...]
    name: str | None
    damage: Damage = NO_DAMAGE
    replace: bool = False

    def about(self, name: str) -> JSON:
        """What the file says of its source; what was left out is part of that."""
        left_out = {"left_out": dataclasses.asdict(self.damage)} if self.damage else {}
        return {"name": name, "url": self.chroma.url, **left_out}

    def inventory(self) -> list[CollectionInfo]:
        return inventory(self.chroma, self.scopes, self.name)


def inventory(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None = None
) -> list[CollectionInfo]:
    """Return the collections of `scopes`, or those called `name`.

    Raises Unavailable where there is no such tenant, database or collection. The server answers an
    empty list for a missing database, and an empty export would look like a backup.
    """
    for scope in scopes:
        if not chroma.tenant_exists(scope.tenant):
            raise Unavailable(f"No such tenant: {scope.tenant}.")
        databases = chroma.databases(scope.tenant)
        if scope.database not in databases:
            near = did_you_mean(scope.database, databases)
            raise Unavailable(f"No database '{scope.database}' of {scope.tenant}. {near}")
    infos = [info for scope in scopes for info in chroma.collections(scope)]
    if not infos:
        raise Unavailable(
            f"No collection in {', '.join(map(str, scopes))}: there is nothing to back up.",
            next_step=_where_else(chroma, scopes),
        )
    wanted = [info for info in infos if name is None or info.name == name]
    if name is not None and not wanted:
        known = ", ".join(sorted({info.name for info in infos})) or "none"
        places = ", ".join(map(str, scopes))
        raise Unavailable(f"No collection '{name}' in {places}. Known: {known}.")
    return wanted


def _where_else(chroma: Chroma, scopes: Sequence[Scope]) -> str:
    """Databases of these tenants that do hold something; tenants cannot be listed."""
    databases = [
        Scope(tenant, database)
        for tenant in sorted({scope.tenant for scope in scopes})
        for database in chroma.databases(tenant)
    ]
    filled = [
        str(scope) for scope in databases if scope not in scopes and chroma.collections(scope)
    ]
    if filled:
        return f"Name a database that holds some: --scope {' --scope '.join(filled[:5])}"
    return "Collections of another tenant are exported by --scope TENANT/DATABASE."


def _write(
    source: _Source, partial: Path, path: Path, suffix: str, progress: Progress
) -> tuple[Fingerprint, JSON]:
    chroma, infos = source.chroma, source.inventory()
    require_one_for_parquet(suffix, infos)
    count = sum(chroma.count(info) for info in infos)
    with progress("fingerprint", count) as advance:
        before = _fingerprint(source, [info.key for info in infos], advance)
    if not source.replace:
        require_nothing_lost(path, before)
    give_back_freed()  # each of the three readings begins with what it needs alone
    _require_room(partial, before)
    out: ExportWriter = formats.writer(suffix)(partial, before, about=source.about(path.name))
    try:
        records = LargestRecords()
        with progress("export", before.records) as advance:
            for collection in before.collections.values():
                out.begin(collection.info)
                for page in chroma.pages(collection.info) if collection.count else ():
                    out.write(page)
                    records.add(collection.info.key, page)
                    advance(len(page.ids))
        requires = requirements(before, records)
        out.seal(requires)
    finally:
        out.close()
    give_back_freed()
    _require_whole(source, before, formats.reader(suffix)(partial), progress)
    return before, requires


def require_one_for_parquet(suffix: str, infos: Sequence[CollectionInfo]) -> None:
    """Raise UsageError for several collections in a format that holds one."""
    if suffix == ".parquet" and len(infos) != 1:
        raise UsageError(
            f"A .parquet file holds one collection, and here are {len(infos)}. Name a folder (no suffix)"
            " for a Parquet file of each, or a .jsonl.zst for one file of all."
        )


def _fingerprint(source: _Source, keys: Sequence[str], advance: Advance) -> Fingerprint:
    """The fingerprint. A writer may have caused its read errors, so they are raised as CallFailed."""
    observation = live.observe(source.chroma, source.scopes, only=keys, advance=advance)
    if observation.read_errors:
        first = observation.read_errors[0]
        call = f"{first.step} of {first.where}"
        raise CallFailed(call, 0, first.message, is_access=not first.reading)
    return observation.fingerprint


def _require_whole(
    source: _Source, before: Fingerprint, written: Reader, progress: Progress
) -> None:
    """Read the file back: it must hold what the fingerprint says, and the server still does."""
    observation = read_back.observe(written, progress=progress)
    wrong = [v for v in judge_content(observation, before) if v.outcome is not Outcome.PASS]
    if wrong:
        raise TornExport("; ".join(verdict.message for verdict in wrong))
    after = {info.key: info for info in source.inventory()}
    ids = {key: collection.info.id for key, collection in before.collections.items()}
    if {key: info.id for key, info in after.items()} != ids:
        changed = sorted(ids.keys() ^ after.keys()) or sorted(ids)
        raise TornExport(f"collections came or went: {', '.join(changed)}")
    for key, collection in before.collections.items():
        count = source.chroma.count(after[key])
        if count != collection.count:
            raise TornExport(f"{key}: count changed (was {collection.count}, is {count})")


def _require_room(partial: Path, before: Fingerprint) -> None:
    """Raise Refused unless there is room for the vectors, before anything is written."""
    prints = before.collections.values()
    least = sum(4 * (one.info.dimension or 0) * one.count for one in prints)
    require_room(partial.parent, least)
