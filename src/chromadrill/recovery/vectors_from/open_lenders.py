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
from chromadrill.core.errors import Refused, Unavailable, UsageError, did_you_mean
from chromadrill.core.model import CollectionInfo, Page, Scope
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
    which. Raises UsageError for what is neither a path nor a collection, Refused for files that cannot
    be read, Unavailable for what is no backup.
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
    try:
        store = stack.enter_context(Store.open(backup.data))
        infos = store.collections()
    except StoreUnreadable as error:
        raise _unreadable(text, error) from error
    return [
        _at_rest(store, info, f"{path}{MARK}{info.key}")
        for info in _chosen(infos, text, name, same_key)
    ]


def _at_rest(store: Store, info: CollectionInfo, name: str) -> Lender:
    notes: list[str] = []
    try:
        records = store.count(info)
    except StoreUnreadable as error:
        raise _unreadable(name, error) from error
    return Lender(name, info, records, partial(_pages_at_rest, store, info, notes), notes)


def _pages_at_rest(store: Store, info: CollectionInfo, notes: list[str]) -> Iterator[Page]:
    """What can be read: each vector is found by its label, a damaged graph is not walked."""
    try:
        notes += [f"of its index, {problem}" for problem in store.vectors(info).problems]
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


def _unreadable(text: str, error: StoreUnreadable) -> Refused:
    return Refused(
        f"{OPTION} {text}: {error.sentence} Nothing was touched.",
        next_step=f"Leave it out, or name another place: {OPTION} PATH.",
    )
