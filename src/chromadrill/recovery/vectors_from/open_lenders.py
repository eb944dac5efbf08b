"""Find what `--vectors-from X` names: a collection of the server, an export, or files at rest.

Whatever it is, it is only read. No server is started on files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chromadrill.backups.data_place import DATABASE
from chromadrill.backups.detect import holder, unpack
from chromadrill.backups.export.formats import is_export, open_export
from chromadrill.chroma.at_rest import Store, StoreUnreadable
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.unreadable_vectors import page_despite_lost_vectors
from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import CollectionInfo, Page, Scope
from chromadrill.core.plural import plural
from chromadrill.recovery.salvage.readable_store import ReadableStore, readable_store
from chromadrill.recovery.salvage.reading import WholeRecords
from chromadrill.recovery.vectors_from.lender import Lender

OPTION = "--vectors-from"
PAGE = 1000
MARK = "#"  # PATH#COLLECTION


@contextmanager
def open_lenders(
    chroma: Chroma | None, texts: Sequence[str], scope: Scope, collection: str
) -> Iterator[list[Lender]]:
    """Open all that is named, in this order. `scope`, `collection`: what is going to be made.

    Without a server only paths can be named. Of files with several collections the one of that name
    is taken, else all of them; PATH#NAME says which. Raises UsageError for what is neither a path nor
    a collection, Refused for an export that was altered, Unavailable for what is no backup and for
    files of which nothing can be read.
    """
    with ExitStack() as stack:
        lenders: list[Lender] = []
        for text in texts:
            path, name = _path_and_name(text)
            if chroma is None:
                if path is None:
                    raise UsageError(f"{OPTION} {text}: there is no such file.")
            elif path is None:
                lenders.append(_collection(chroma, scope, text))
                continue
            else:
                _refuse_both(chroma, scope, text)
            lenders += _of_path(stack, path, _Choice(text, name, f"{scope}/{collection}"))
        yield lenders


def _refuse_both(chroma: Chroma, scope: Scope, text: str) -> None:
    if "/" not in text and text in {info.name for info in chroma.collections(scope)}:
        raise UsageError(
            f"{OPTION} {text}: there is a file of that name here, and a collection.",
            next_step=f"{OPTION} ./{text} is the file, {OPTION} {scope}/{text} the collection.",
        )


def _path_and_name(text: str) -> tuple[Path | None, str]:
    """The path that `text` begins with, None where there is none, and what follows the mark."""
    if Path(text).exists():
        return Path(text), ""
    start, mark, name = text.rpartition(MARK)
    if mark and Path(start).exists():
        return Path(start), name
    return None, ""


def _collection(chroma: Chroma, scope: Scope, text: str) -> Lender:
    tenant_and_database, _, name = text.rpartition("/")
    try:
        place = Scope.parse(tenant_and_database) if tenant_and_database else scope
    except ValueError:
        raise _unknown(chroma, scope, text) from None
    infos = {info.name: info for info in chroma.collections(place)}
    if name not in infos:
        raise _unknown(chroma, place, text)
    info = infos[name]
    notes: list[str] = []
    read = partial(_pages_of_server, chroma, info, notes)
    return Lender(f"collection {info.key}", info, chroma.count(info), read, notes)


def _unknown(chroma: Chroma, scope: Scope, text: str) -> UsageError:
    names = [info.name for info in chroma.collections(scope)]
    return UsageError(
        f"{OPTION} {text}: there is no such file, and no such collection in {scope}."
        f" {did_you_mean(text, names)}"
    )


def _pages_of_server(chroma: Chroma, info: CollectionInfo, notes: list[str]) -> Iterator[Page]:
    read = 0
    try:
        for page in chroma.pages(info):
            read += len(page.ids)
            yield page
    except CallFailed as error:
        if error.status == 0 or error.is_access:
            raise
        notes.append("its server cannot read all of its vectors")
        yield from page_despite_lost_vectors(chroma, info, offset=read, size=PAGE)


@dataclass(frozen=True, slots=True)
class _Choice:
    """Which collections of files: `name` if one was typed, else that of `same_key`, else all."""

    text: str
    name: str
    same_key: str

    def of(self, infos: Sequence[CollectionInfo]) -> list[tuple[CollectionInfo, bool]]:
        """The collections, and whether this very one is meant."""
        if not infos:
            raise Unavailable(f"{OPTION} {self.text}: there is no collection in it.")
        if self.name:
            wanted = [info for info in infos if self.name in (info.name, info.key)]
            if not wanted:
                raise UsageError(
                    f"{OPTION} {self.text}: no collection '{self.name}' in it."
                    f" {did_you_mean(self.name, [info.key for info in infos])}"
                )
        else:
            wanted = [info for info in infos if info.key == self.same_key] or list(infos)
        return [(info, len(wanted) == 1) for info in wanted]


def _of_path(stack: ExitStack, path: Path, choice: _Choice) -> list[Lender]:
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chromadrill-")))
    folder = path
    if path.is_file() and not is_export(path):
        unpack(path, scratch)
        folder = holder(scratch, path)
    if is_export(folder):
        reader = open_export(folder)
        stack.callback(reader.close)
        prints = reader.fingerprint.collections
        return [
            Lender(
                f"{path}{MARK}{info.key}",
                info,
                prints[info.key].count,
                partial(reader.pages, info.key, size=PAGE),
                is_named=is_named,
            )
            for info, is_named in choice.of([one.info for one in prints.values()])
        ]
    data = folder / "data" if (folder / "data" / DATABASE).is_file() else folder
    if not (data / DATABASE).is_file():
        raise Unavailable(
            f"{OPTION} {choice.text}: no {DATABASE} in it, and it is no export.",
            next_step="Name a data directory, a snapshot's folder, an export, or a tar of one.",
        )
    sound = _of_sound_store(stack, data, path, choice)
    return sound or _of_damaged_store(stack, data, path, choice)


def _of_sound_store(stack: ExitStack, data: Path, path: Path, choice: _Choice) -> list[Lender]:
    """Of files whose tables and indexes can be read; none where they are damaged."""
    try:
        store = stack.enter_context(Store.open(data))
        chosen = choice.of(store.collections())
        if any(store.vectors(info).problems for info, _ in chosen):
            return []
        return [_at_rest(store, info, path, is_named=is_named) for info, is_named in chosen]
    except StoreUnreadable:
        return []


def _at_rest(store: Store, info: CollectionInfo, path: Path, *, is_named: bool) -> Lender:
    notes: list[str] = []
    read = partial(_pages_at_rest, store, info, notes)
    return Lender(f"{path}{MARK}{info.key}", info, store.count(info), read, notes, is_named)


def _pages_at_rest(store: Store, info: CollectionInfo, notes: list[str]) -> Iterator[Page]:
    """What can be read: each vector is found by its label, a damaged graph is not walked."""
    try:
        yield from store.pages(info, PAGE)
    except StoreUnreadable as error:
        notes.append(f"the rest of it could not be read: {error.sentence}")


def _of_damaged_store(stack: ExitStack, data: Path, path: Path, choice: _Choice) -> list[Lender]:
    """Each vector of which two places say whose it is."""
    readable = stack.enter_context(readable_store(data))
    return [
        _from_remains(readable, info, path, is_named=is_named)
        for info, is_named in choice.of(readable.store.collections())
    ]


def _from_remains(
    readable: ReadableStore, info: CollectionInfo, path: Path, *, is_named: bool
) -> Lender:
    notes: list[str] = [readable.damage] if readable.damage else []
    records = WholeRecords(readable, info, None, lambda loss: None)

    def read() -> Iterator[Page]:
        yield from records.pages(lambda done: None)
        lost = records.findings.records - records.findings.taken
        notes.extend(records.findings.damage)
        if lost:
            notes.append(f"of {plural(lost, 'record')} nothing says which vector is theirs")

    return Lender(f"{path}{MARK}{info.key}", records.info, 0, read, notes, is_named)
