"""The names of databases whose rows are lost: their collections are left out by every reader else."""

from __future__ import annotations

import sqlite3

from chromadrill.core.model import Fingerprint, Scope

UNKNOWN_TENANT = "unknown-tenant"
_DEFAULT_ID = "00000000-0000-0000-0000-000000000000"  # Chroma's migrations give it


def name_databases(database: sqlite3.Connection, before: Fingerprint | None) -> int:
    """Add rows of databases that collections name and `databases` has lost; returns how many.

    Where neither Chroma nor a fingerprint says its name, a database is called by its id, in a tenant
    of none, so that nobody's collections come back among another's.
    """
    database.execute("DELETE FROM databases WHERE name IS NULL OR tenant_id IS NULL")
    scopes = {
        one.info.id: Scope(one.info.tenant, one.info.database)
        for one in (before.collections.values() if before else ())
    }
    taken = {Scope(*row) for row in database.execute("SELECT tenant_id, name FROM databases")}
    owners: dict[str, set[Scope]] = {}
    for id_, collection in database.execute(
        "SELECT database_id, id FROM collections WHERE database_id NOT IN (SELECT id FROM databases)"
    ):
        owners.setdefault(id_, set()).update({scopes[collection]} if collection in scopes else ())
    rows = []
    for id_, known in owners.items():
        if id_ == _DEFAULT_ID:
            known = {Scope()}
        (scope,) = known if len(known) == 1 and not known & taken else {Scope(UNKNOWN_TENANT, id_)}
        taken.add(scope)
        rows.append((id_, scope.database, scope.tenant))
    database.executemany("INSERT INTO databases (id, name, tenant_id) VALUES (?, ?, ?)", rows)
    return len(rows)
