"""Wrong inventory: collections, databases, tenants and their settings."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from random import Random
from typing import Any

from chromadrill.disasters.catalogue.fault_registry import Act, FaultRegistry
from chromadrill.disasters.catalogue.store_editor import Collection, StoreEditor
from chromadrill.disasters.catalogue.victims import (
    Hit,
    any_filled,
    any_indexed,
    choose,
    having,
    whole_store,
)

FAULTS = FaultRegistry("inventory")


def _uuid(rng: Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


@FAULTS.add("A collection is missing from the list of collections.", any_filled)
def collection_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM collections WHERE id = ?", (hit[0].id,))


def _empty(store: StoreEditor, rng: Random) -> Hit:
    return (choose(store, rng, "is empty", lambda c: c.count == 0),)


@FAULTS.add("An empty collection is missing.", _empty)
def collection_empty_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM collections WHERE id = ?", (hit[0].id,))
        db.execute("DELETE FROM segments WHERE collection = ?", (hit[0].id,))


@FAULTS.add("The segments of a collection are missing from the list of segments.", any_filled)
def segments_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM segments WHERE collection = ?", (hit[0].id,))


@FAULTS.add("The vector segment of a collection is missing from the list of segments.", any_indexed)
def vector_segment_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM segments WHERE id = ?", (hit[0].vector,))


@FAULTS.add("A collection has another name.", any_filled)
def collection_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("UPDATE collections SET name = name || '_old' WHERE id = ?", (hit[0].id,))


def _same_database(store: StoreEditor, rng: Random) -> Hit:
    def mates(one: Collection) -> list[Collection]:
        return [c for c in store.collections() if c.id != one.id and c.count >= 20
                and (c.tenant, c.database) == (one.tenant, one.database)]  # fmt: skip

    first = choose(store, rng, "has a neighbour", lambda c: c.count >= 20 and bool(mates(c)))
    return (first, rng.choice(mates(first)))


@FAULTS.add("Two collections of a database have each other's name.", _same_database)
def collection_names_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        for number, name in (
            (hit[0].id, "swap"), (hit[1].id, hit[0].name), (hit[0].id, hit[1].name),
        ):  # fmt: skip
            db.execute("UPDATE collections SET name = ? WHERE id = ?", (name, number))


@FAULTS.add("The collections of two names have each other's records.", _same_database)
def metadata_segments_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        for one, two in ((hit[0], hit[1]), (hit[1], hit[0])):
            db.execute("UPDATE segments SET collection = ? WHERE id = ?", (two.id, one.metadata))


def _move(same_tenant: bool) -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        with store.edit() as db:
            rows = db.execute(
                "SELECT id, tenant_id, name FROM databases ORDER BY tenant_id, name"
            ).fetchall()
            fit = [
                r[0]
                for r in rows
                if (r[1] == hit[0].tenant) == same_tenant
                and (r[1], r[2]) != (hit[0].tenant, hit[0].database)
            ]
            db.execute(
                "UPDATE collections SET database_id = ? WHERE id = ?", (rng.choice(fit), hit[0].id)
            )

    return act


def _movable(same_tenant: bool) -> Callable[[StoreEditor, Random], Hit]:
    def pick(store: StoreEditor, rng: Random) -> Hit:
        with store.raw() as db:
            rows = db.execute("SELECT tenant_id, name FROM databases").fetchall()

        def test(c: Collection) -> bool:
            return c.count >= 20 and any(
                (t == c.tenant) == same_tenant and (t, d) != (c.tenant, c.database) for t, d in rows
            )

        return (choose(store, rng, "could stand in another database", test),)

    return pick


FAULTS.enter("collection_in_another_database", "A collection stands in another database.",
         _movable(True), _move(True))  # fmt: skip
FAULTS.enter("collection_in_another_tenant", "A collection stands in the database of another tenant.",
         _movable(False), _move(False))  # fmt: skip


def _clone(store: StoreEditor, one: Collection, rng: Random, name: str, *, records: bool) -> None:
    new, vector, metadata = _uuid(rng), _uuid(rng), _uuid(rng)
    with store.edit() as db:
        db.execute(
            "INSERT INTO collections (id, name, dimension, database_id, config_json_str,"
            " schema_str) SELECT ?, ?, CASE WHEN ? THEN dimension END, database_id,"
            " config_json_str, schema_str FROM collections WHERE id = ?",
            (new, name, records, one.id),
        )
        db.execute(
            "INSERT INTO collection_metadata SELECT ?, key, str_value, int_value, float_value,"
            " bool_value FROM collection_metadata WHERE collection_id = ?",
            (new, one.id),
        )
        for fresh, old in ((vector, one.vector), (metadata, one.metadata)):
            db.execute(
                "INSERT INTO segments SELECT ?, type, scope, ? FROM segments WHERE id = ?",
                (fresh, new, old),
            )
        if not records:
            return
        for fresh, old in ((vector, one.vector), (metadata, one.metadata)):
            db.execute(
                "INSERT INTO max_seq_id SELECT ?, seq_id FROM max_seq_id WHERE segment_id = ?",
                (fresh, old),
            )
        step = db.execute("SELECT MAX(id) FROM embeddings").fetchone()[0]
        ids = [r[0] for r in db.execute(
            "SELECT id FROM embeddings WHERE segment_id = ?", (one.metadata,))]  # fmt: skip
        for number in ids:
            db.execute(
                "INSERT INTO embeddings SELECT id + ?, ?, embedding_id, seq_id, created_at"
                " FROM embeddings WHERE id = ?",
                (step, metadata, number),
            )
            db.execute(
                "INSERT INTO embedding_metadata SELECT id + ?, key, string_value, int_value,"
                " float_value, bool_value FROM embedding_metadata WHERE id = ?",
                (step, number),
            )
        top = db.execute("SELECT MAX(seq_id) FROM embeddings_queue").fetchone()[0]
        db.execute(
            "INSERT INTO embeddings_queue SELECT seq_id + ?, created_at, operation, ?, id,"
            " vector, encoding, metadata FROM embeddings_queue WHERE topic = ?",
            (top, one.topic.replace(one.id, new), one.topic),
        )
    if one.directory.is_dir():
        shutil.copytree(one.directory, store.root / vector)


@FAULTS.add("There is a second copy of a collection under another name.")
def collection_duplicated(store: StoreEditor, hit: Hit, rng: Random) -> None:
    hit = any_filled(store, rng)
    _clone(store, hit[0], rng, hit[0].name + "-copy", records=True)


@FAULTS.add("There is an empty collection that nobody created.")
def collection_extra(store: StoreEditor, hit: Hit, rng: Random) -> None:
    hit = any_filled(store, rng)
    _clone(store, hit[0], rng, "nobody-created-me", records=False)


@FAULTS.add("A collection was deleted and created again, empty, under its name.", any_filled)
def collection_recreated_empty(store: StoreEditor, hit: Hit, rng: Random) -> None:
    _clone(store, hit[0], rng, "swap", records=False)
    with store.edit() as db:
        db.execute("DELETE FROM collections WHERE id = ?", (hit[0].id,))
        db.execute("DELETE FROM segments WHERE collection = ?", (hit[0].id,))
        db.execute("DELETE FROM embeddings_queue WHERE topic = ?", (hit[0].topic,))
        db.execute("DELETE FROM embeddings WHERE segment_id = ?", (hit[0].metadata,))
        db.execute("UPDATE collections SET name = ? WHERE name = 'swap'", (hit[0].name,))


@FAULTS.add("A collection has another id, consistently everywhere.", any_filled)
def collection_id_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    new = _uuid(rng)
    with store.edit() as db:
        db.execute("UPDATE collections SET id = ? WHERE id = ?", (new, hit[0].id))
        db.execute("UPDATE segments SET collection = ? WHERE collection = ?", (new, hit[0].id))
        db.execute(
            "UPDATE collection_metadata SET collection_id = ? WHERE collection_id = ?",
            (new, hit[0].id),
        )
        db.execute(
            "UPDATE embeddings_queue SET topic = ? WHERE topic = ?",
            (hit[0].topic.replace(hit[0].id, new), hit[0].topic),
        )


def _tenant(store: StoreEditor, rng: Random) -> str:
    fit = sorted({c.tenant for c in store.collections()} - {"default_tenant"})
    if not fit:
        raise LookupError("There is no tenant but default_tenant.")
    return rng.choice(fit)


@FAULTS.add("A tenant is missing; its collections are still there.", whole_store)
def tenant_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    tenant = _tenant(store, rng)
    with store.edit() as db:
        db.execute("DELETE FROM tenants WHERE id = ?", (tenant,))


@FAULTS.add("A tenant has another name.", whole_store)
def tenant_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    tenant = _tenant(store, rng)
    with store.edit() as db:
        db.execute("UPDATE tenants SET id = id || '-old' WHERE id = ?", (tenant,))
        db.execute("UPDATE databases SET tenant_id = tenant_id || '-old' WHERE tenant_id = ?",
                   (tenant,))  # fmt: skip


def _database(store: StoreEditor, rng: Random) -> str:
    with store.raw() as db:
        fit = [
            r[0]
            for r in db.execute(
                "SELECT id FROM databases WHERE name <> 'default_database'"
                " AND id IN (SELECT database_id FROM collections) ORDER BY id"
            )
        ]
    if not fit:
        raise LookupError("No collection stands outside default_database.")
    return str(rng.choice(fit))


@FAULTS.add("A database is missing.", whole_store)
def database_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number = _database(store, rng)
    with store.edit() as db:
        db.execute("DELETE FROM databases WHERE id = ?", (number,))


@FAULTS.add("A database has another name.", whole_store)
def database_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number = _database(store, rng)
    with store.edit() as db:
        db.execute("UPDATE databases SET name = name || '-old' WHERE id = ?", (number,))


@FAULTS.add("There is a database that nobody created.", whole_store)
def database_extra(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "INSERT INTO databases (id, name, tenant_id)"
            " SELECT ?, 'nobody-created-me', MIN(tenant_id) FROM databases",
            (_uuid(rng),),
        )


# collection_metadata hangs on the collection, so the join goes through its METADATA segment
_OWN = (
    "SELECT c.collection_id, c.key FROM collection_metadata c JOIN segments s"
    " ON s.collection = c.collection_id WHERE s.id = ? AND "
)
OWN_INTS = _OWN + "c.int_value IS NOT NULL ORDER BY c.key"
OWN_TEXTS = _OWN + "c.str_value IS NOT NULL ORDER BY c.key"


def _own(sql: str, change: str) -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        with store.edit() as db:
            row = db.execute(sql, (hit[0].metadata,)).fetchone()
            db.execute(change, row)

    return act


FAULTS.enter("collection_metadata_changed", "A number in the metadata of a collection is wrong.",
         having(OWN_INTS), _own(OWN_INTS, "UPDATE collection_metadata SET int_value ="
         " int_value + 1 WHERE collection_id = ? AND key = ?"))  # fmt: skip
FAULTS.enter("collection_metadata_text", "A text in the metadata of a collection is wrong.",
         having(OWN_TEXTS), _own(OWN_TEXTS, "UPDATE collection_metadata SET str_value ="
         " str_value || '!' WHERE collection_id = ? AND key = ?"))  # fmt: skip
FAULTS.enter("collection_metadata_type", "A number in the metadata of a collection became a text.",
         having(OWN_INTS), _own(OWN_INTS, "UPDATE collection_metadata SET str_value = int_value,"
         " int_value = NULL WHERE collection_id = ? AND key = ?"))  # fmt: skip
FAULTS.enter("collection_metadata_lost", "One entry of the metadata of a collection is missing.",
         having(OWN_TEXTS), _own(OWN_TEXTS, "DELETE FROM collection_metadata"
         " WHERE collection_id = ? AND key = ?"))  # fmt: skip


@FAULTS.add("A collection states another dimension.", any_filled)
def dimension_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("UPDATE collections SET dimension = dimension * 2 WHERE id = ?", (hit[0].id,))


@FAULTS.add("A collection states no dimension.", any_filled)
def dimension_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("UPDATE collections SET dimension = NULL WHERE id = ?", (hit[0].id,))


def _each(node: Any, key: str, change: Callable[[Any], Any]) -> int:
    """Change every value under `key` in a JSON tree; how many there were."""
    if isinstance(node, list):
        return sum(_each(child, key, change) for child in node)
    if not isinstance(node, dict):
        return 0
    done = 0
    for name, child in node.items():
        if name == key:
            node[name] = change(child)
            done += 1
        else:
            done += _each(child, key, change)
    return done


def _schema(key: str, change: Callable[[Any], Any]) -> Act:
    def act(store: StoreEditor, hit: Hit, rng: Random) -> None:
        with store.edit() as db:
            text = db.execute(
                "SELECT schema_str FROM collections WHERE id = ?", (hit[0].id,)
            ).fetchone()[0]
            schema = json.loads(text or "{}")
            if not _each(schema, key, change):
                raise LookupError(f"The schema of {hit[0].key} has no {key}.")
            db.execute(
                "UPDATE collections SET schema_str = ? WHERE id = ?",
                (json.dumps(schema, separators=(",", ":")), hit[0].id),
            )

    return act


def _other_space(old: Any) -> str:
    return "l2" if old == "cosine" else "cosine"


FAULTS.enter("space_changed", "A collection measures distance in another space (synced index).",
         any_indexed, _schema("space", _other_space))  # fmt: skip


def _small(store: StoreEditor, rng: Random) -> Hit:
    return (choose(store, rng, "is unsynced", lambda c: c.count >= 20 and not c.is_indexed),)


FAULTS.enter("space_changed_below_threshold", "A small collection measures distance in another space.",
         _small, _schema("space", _other_space))  # fmt: skip
FAULTS.enter("ef_search_changed", "A collection searches with another effort (ef_search).",
         any_filled, _schema("ef_search", lambda n: int(n) // 2))  # fmt: skip
FAULTS.enter("ef_construction_changed", "A collection has another ef_construction.",
         any_filled, _schema("ef_construction", lambda n: int(n) + 50))  # fmt: skip
FAULTS.enter("max_neighbors_changed", "A collection has another number of neighbours.",
         any_filled, _schema("max_neighbors", lambda n: int(n) * 2))  # fmt: skip
FAULTS.enter("sync_threshold_changed", "A collection has another sync threshold.",
         any_filled, _schema("sync_threshold", lambda n: int(n) + 7))  # fmt: skip
FAULTS.enter("embedding_function_changed", "A collection names another embedding function.",
         any_filled, _schema("embedding_function",
         lambda f: {"type": "known", "name": "another", "config": {}}))  # fmt: skip
FAULTS.enter("schema_lost", "The stored schema of a collection is gone.", any_filled,
         lambda store, hit, rng: _sql(store, "UPDATE collections SET schema_str = NULL"
         " WHERE id = ?", hit[0].id))  # fmt: skip
FAULTS.enter("schema_broken", "The stored schema of a collection is no longer JSON.", any_filled,
         lambda store, hit, rng: _sql(store, "UPDATE collections SET schema_str = '{broken'"
         " WHERE id = ?", hit[0].id))  # fmt: skip


def _sql(store: StoreEditor, statement: str, value: str) -> None:
    with store.edit() as db:
        db.execute(statement, (value,))
