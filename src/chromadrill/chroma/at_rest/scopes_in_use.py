"""Which databases of a data directory have collections, without reading any of these."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from chromadrill.chroma.at_rest.database import (
    DAMAGE,
    FILE_NAME,
    StoreUnknown,
    StoreUnreadable,
    immutable_uri,
)
from chromadrill.chroma.at_rest.store import Store
from chromadrill.chroma.permissions import MONITOR
from chromadrill.core.model import Scope


def scopes_in_use(data: Path) -> set[Scope]:
    """Return the databases with collections, but the monitor's; none where the store cannot be read.

    Raises NoRoom where it can be read in a private copy alone, and there is no room for one.
    """
    file = data / FILE_NAME
    with suppress(OSError, *DAMAGE):
        # The file alone has the names, also beside the journal of a server that was killed: to take
        # that in costs a copy of all of it. What is in a write-ahead log may be in no other place.
        if not file.with_name(f"{FILE_NAME}-wal").is_file():
            with closing(sqlite3.connect(immutable_uri(file), uri=True)) as database:
                names = database.execute(
                    "SELECT DISTINCT d.tenant_id, d.name FROM collections c"
                    " JOIN databases d ON d.id = c.database_id WHERE d.tenant_id <> ?",
                    [MONITOR],
                )
                return {Scope(str(tenant), str(name)) for tenant, name in names}
    with suppress(StoreUnreadable, StoreUnknown, OSError), Store.open(data) as store:
        return {info.scope for info in store.collections() if info.tenant != MONITOR}
    return set()
