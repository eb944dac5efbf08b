"""Find what `--vectors-from X` names: a collection of the server, an export, or files at rest.

Whatever it is, it is only read. No server is started on files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from chromadrill.backups.detect import open_existing
from chromadrill.backups.export.formats import open_export
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
    chroma: Chroma, texts: Sequence[str], scope: Scope, collection: str
) -> Iterator[list[Lender]]:
    """Open all that is named, in this order. `scope`, `collection`: what is going to be made.

    Of files with several collections the one of that name is taken, else all of them; PATH#NAME says
    which. Raises UsageError for what is neither a path nor a collection, Refused for an export that was
    altered, Unavailable for what is no backup and for files of which nothing can be read.
    """
    with ExitStack() as stack:
        lenders: list[Lender] = []
        for text in texts:
            path, name = _path_and_name(text)
            if path is None:
                lenders.append(_collection(chroma, scope, text))
            else:
                lenders += _of_path(stack, path, text, name, f"{scope}/{collection}")
        yield lenders


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
        for page in chroma.pages(info, size=PAGE):
            read += len(page.ids)
            yield page
    except CallFailed as error:
        if error.status == 0 or error.is_access:
            raise
        notes.append("its server cannot read all of its vectors")
        yield from page_despite_lost_vectors(chroma, info, offset=read, size=PAGE)


def _of_path(stack: ExitStack, path: Path, text: str, name: str, same_key: str) -> list[Lender]:
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chromadrill-")))
    backup = open_existing(path, scratch)
    if backup.exported:
        reader = open_export(backup.data)
        stack.callback(reader.close)
        prints = reader.fingerprint.collections
        return [
            Lender(
                f"{path}{MARK}{info.key}",
                info,
                prints[info.key].count,
                partial(reader.pages, info.key, size=PAGE),
            )
            for info in _chosen([one.info for one in prints.values()], text, name, same_key)
        ]
    opened = _sound_store(stack, backup.data, text, name, same_key)
    return opened or _salvaged(stack, backup.data, text, name, same_key)


def _sound_store(stack: ExitStack, data: Path, text: str, name: str, same_key: str) -> list[Lender]:
    """Of files whose tables and indexes can be read; none where they are damaged."""
    try:
        store = stack.enter_context(Store.open(data))
        lenders = [
            _at_rest(store, info, f"{text.removesuffix(MARK + name)}{MARK}{info.key}")
            for info in _chosen(store.collections(), text, name, same_key)
        ]
        damaged = any(store.vectors(lender.info).problems for lender in lenders)
    except StoreUnreadable:
        return []
    return [] if damaged else lenders


def _salvaged(stack: ExitStack, data: Path, text: str, name: str, same_key: str) -> list[Lender]:
    """Of damaged files: each vector of which two places say whose it is."""
    readable = stack.enter_context(readable_store(data))
    infos = _chosen(readable.store.collections(), text, name, same_key)
    return [_from_remains(readable, info, f"{text}{MARK}{info.key}") for info in infos]


def _from_remains(readable: ReadableStore, info: CollectionInfo, name: str) -> Lender:
    notes: list[str] = [readable.damage] if readable.damage else []
    records = WholeRecords(readable, info, None, lambda loss: None)

    def read() -> Iterator[Page]:
        yield from records.pages(lambda done: None)
        lost = records.findings.records - records.findings.taken
        notes.extend(records.findings.damage)
        if lost:
            notes.append(f"of {plural(lost, 'record')} nothing says which vector is theirs")

    return Lender(name, records.info, 0, read, notes)


def _at_rest(store: Store, info: CollectionInfo, name: str) -> Lender:
    notes: list[str] = []
    return Lender(name, info, store.count(info), partial(_pages_at_rest, store, info, notes), notes)


def _pages_at_rest(store: Store, info: CollectionInfo, notes: list[str]) -> Iterator[Page]:
    """What can be read: each vector is found by its label, a damaged graph is not walked."""
    try:
        yield from store.pages(info, PAGE)
    except StoreUnreadable as error:
        notes.append(f"the rest of it could not be read: {error.sentence}")


def _chosen(
    infos: Sequence[CollectionInfo], text: str, name: str, same_key: str
) -> list[CollectionInfo]:
    wanted = [info for info in infos if name in (info.name, info.key)] if name else []
    if name and not wanted:
        raise UsageError(
            f"{OPTION} {text}: no collection '{name}' in it."
            f" {did_you_mean(name, [info.key for info in infos])}"
        )
    if not infos:
        raise Unavailable(f"{OPTION} {text}: there is no collection in it.")
    return wanted or [info for info in infos if info.key == same_key] or list(infos)
