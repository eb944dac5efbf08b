"""Which backups are proven: of a `[backups.NAME]`, a path or a restic repository, and which of them."""

from __future__ import annotations

import random
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.data_place import ARCHIVES, nearest
from chromadrill.backups.proven import ProvenEntry, content_digest, last_try, log_beside, tries_of
from chromadrill.backups.sources.folder import FolderSource, backups_below, is_backup
from chromadrill.backups.sources.path import PathSource
from chromadrill.backups.sources.registry import COMMAND, TARGET, open_source
from chromadrill.backups.sources.restic import PREFIX, parse_source
from chromadrill.backups.sources.source import NEWEST, BackupSource, pick, require_some
from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import Artefact
from chromadrill.core.settings import Settings
from chromadrill.targets.registry import open_target, require_target_of_backup

RESTIC_S = 3600.0  # of a repository that no table gives a limit


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was typed: `picks` are newest, random or ids. `new`: all that are not proven yet.

    `by_chance`: so many old ones besides.
    """

    picks: tuple[str, ...] = ()
    new: bool = False
    by_chance: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """The artefacts that are `picked` of all that the source lists, newest first.

    `table`: the name of its `[backups.NAME]`, None for a path or a repository. `remark`: what has to be
    said of the choice. `tries`: the memory of the source, oldest first.
    """

    source: BackupSource
    table: str | None
    artefacts: list[Artefact]
    picked: list[Artefact]
    tries: list[ProvenEntry]
    remark: str = ""

    def last_try_of(self, artefact: Artefact) -> ProvenEntry | None:
        """The try that counts of it; None: never tried."""
        return last_try(self.tries, artefact.id, created_at=artefact.created_at)

    def is_newest(self, artefact: Artefact) -> bool:
        return artefact == self.artefacts[0]

    def words(self, wanted: Wanted) -> list[str]:
        """The picks by which another process, which lists anew, proves what is picked here.

        Trap: a newer backup may come meanwhile. Where the newest is meant, that one is proven (too): of
        an older one no age is judged.
        """
        ids = [artefact.id for artefact in self.picked]
        if wanted.picks in ((), (NEWEST,)) and not (wanted.new or wanted.by_chance):
            return [NEWEST]
        newest = self.artefacts[0].id
        if NEWEST not in wanted.picks and not (wanted.new and newest in ids):
            return ids
        at = ids.index(newest)
        return [*ids[:at], NEWEST, *ids[at:]]

    def nothing_new(self) -> str:
        """The sentence for a source of which everything is proven."""
        newest = self.last_try_of(self.artefacts[0])
        when = f", the newest at {newest.proven_at}" if newest else ""
        return f"Nothing new in {self.source.where}: all {len(self.artefacts)} are proven{when}."


def select(settings: Settings, text: str, wanted: Wanted = Wanted()) -> Selection:
    """The backups that `text` and `wanted` name.

    `text`: the name of a `[backups.NAME]`, a path, or restic:REPOSITORY; the name wins over a path.
    Raises UsageError for an unknown name or id, Unavailable where nothing is there or can be listed.
    """
    source, remark = _source_of(settings, text)
    table = text if text in settings.backups else None
    if wanted.new and table is None:
        raise UsageError(
            f"--new needs a source with a name: what was proven of {text} is not remembered.",
            next_step="Write a [backups.NAME] source = ... in drill.toml.",
        )
    if table is not None:
        require_target_of_backup(settings, table)
    artefacts = source.artefacts()
    require_some(artefacts, source.where)
    tries = log_beside(settings.monitoring.backup_journal).entries(table) if table else []
    picked = _choose(source, artefacts, wanted, tries)
    if isinstance(source, FolderSource | PathSource):
        for artefact in picked:
            with suppress(Unavailable):  # it has gone: its proof says so
                _require_outside(source.fetch(artefact, Path()), text)  # nothing is copied
    return Selection(source, table, artefacts, picked, tries, remark)


def _require_outside(backup: Path, text: str) -> None:
    """Raise UsageError where the evidence of a run would be written into the backup that it proves."""
    here = Path.cwd().resolve()
    if here.is_relative_to(backup.resolve()) and is_backup(backup):
        named = text if text != "." else here.name
        raise UsageError(
            f"{here} is the backup itself, or lies in it: the evidence would be written there.",
            next_step=f"From the folder above: cd {shlex.quote(str(backup.resolve().parent))}"
            f" && chromadrill prove {shlex.quote(named)}",
        )


def require_source(settings: Settings, text: str) -> str:
    """Raise unless `text` names a source or a path that is there; returns what has to be said."""
    if text in settings.backups:
        beside = Path(text).exists()
        return f"{text} is [backups.{text}]; for the path write ./{text}." if beside else ""
    if text.startswith(PREFIX) or Path(text).exists():
        return _remark_of_table(settings, text)
    path = Path(text)
    near = nearest(path)
    is_word = "/" not in text and not text.lower().endswith((*ARCHIVES, ".zip"))
    if is_word and settings.backups and not near:
        raise UsageError(
            f"No [backups.{text}], and no such path. {did_you_mean(text, settings.backups)}"
        )
    raise Unavailable(f"{text} is not a backup: it does not exist.", next_step=near)


def _remark_of_table(settings: Settings, text: str) -> str:
    """What has to be said of a repository or a path that a table names too; "" where none does."""
    for name, table in settings.backups.items():
        source, which = table.source or "", ""
        if text.startswith(PREFIX) or source.startswith(PREFIX):
            is_same = _repository(text) == _repository(source)
        elif source in (COMMAND, TARGET, ""):
            continue
        else:
            folder, path = Path(source).expanduser().resolve(), Path(text).resolve()
            is_same = path.is_relative_to(folder)
            artefact_id = _id_below(folder, path) if is_same else None
            which = f" --pick {artefact_id}" if artefact_id else ""
        if is_same:
            return (
                f"This is the source of [backups.{name}], whose recordings are not used here:"
                f" chromadrill prove {name}{which} uses them."
            )
    return ""


def _repository(text: str) -> str:
    return text.partition("#")[0].rstrip("/")


def _id_below(folder: Path, path: Path) -> str | None:
    """The id of the backup in `folder` that `path` is or lies in; None where that is `folder` itself."""
    above = [one for one in (*reversed(path.parents), path) if one.is_relative_to(folder)]
    backup = next((one for one in above if is_backup(one)), folder)
    return None if backup == folder else backup.relative_to(folder).as_posix()


def _source_of(settings: Settings, text: str) -> tuple[BackupSource, str]:
    remark = require_source(settings, text)
    if text in settings.backups:
        named = open_source(settings, text, open_target=lambda name: open_target(settings, name))
        return named, remark
    if text.startswith(PREFIX):
        return parse_source("", text, RESTIC_S), remark
    path = Path(text)
    if path.is_dir() and not is_backup(path) and next(backups_below(path, 4), None):
        return FolderSource("", path), remark
    return PathSource(path), remark


def _choose(
    source: BackupSource,
    artefacts: Sequence[Artefact],
    wanted: Wanted,
    tries: Sequence[ProvenEntry],
) -> list[Artefact]:
    """In the order in which they are proven: what was named, what is new, what chance chose."""
    names = wanted.picks or (() if wanted.new or wanted.by_chance else (NEWEST,))
    picked = [pick(artefacts, name) for name in names]
    if wanted.new:
        picked += [one for one in artefacts if not _is_proven_or_gone(source, one, tries)]
    old = [one for one in artefacts[1:] if one not in picked]
    picked += random.sample(old, min(wanted.by_chance, len(old)))
    return list(dict.fromkeys(picked))


def _is_proven_or_gone(
    source: BackupSource, artefact: Artefact, tries: Sequence[ProvenEntry]
) -> bool:
    """Whether its last try passed: by id and time; in a folder also by content, under another name.

    One that could not tell is tried again, though an earlier proof of it stands. What a job removed
    since the folder was listed is no backup any more.
    """
    mine = tries_of(tries, artefact.id, created_at=artefact.created_at)
    if not mine and tries and isinstance(source, FolderSource):
        try:
            path = source.fetch(artefact, source.folder)
            mine = tries_of(tries, content_digest(manifest.files_of(path)))
        except (Unavailable, FileNotFoundError):
            return True
    return bool(mine) and mine[-1].is_proven
