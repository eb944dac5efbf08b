"""Damage inside chroma.sqlite3: pages, indexes, and the full-text search tables."""

from __future__ import annotations

import struct
from random import Random

from chromadrill.disasters.catalogue.byte_edits import cut, flip_bit, patch
from chromadrill.disasters.catalogue.fault_registry import FaultRegistry
from chromadrill.disasters.catalogue.sqlite_pages import find_in_pages, flip_until_seen, read_btree
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.catalogue.victims import Hit, any_filled, having, sample, whole_store

FAULTS = FaultRegistry("sqlite")
FTS = FaultRegistry("fts")

DOCUMENTS = (
    "SELECT m.id, m.string_value FROM embedding_metadata m JOIN embeddings e ON e.id = m.id"
    " WHERE e.segment_id = ? AND m.key = 'chroma:document' AND LENGTH(m.string_value) >= 20"
    " ORDER BY m.id"
)
STRINGS = (
    "SELECT m.id, m.key, m.string_value FROM embedding_metadata m JOIN embeddings e ON e.id = m.id"
    " WHERE e.segment_id = ? AND m.key NOT LIKE 'chroma:%' AND m.string_value IS NOT NULL"
    " ORDER BY 1, 2"
)
IDS_INDEX = "sqlite_autoindex_embeddings_1"
LONG = DOCUMENTS.replace(">= 20", ">= 6000")
IDS = "SELECT embedding_id FROM embeddings WHERE segment_id = ? ORDER BY id"


@FAULTS.add("The first bytes of chroma.sqlite3 are damaged: it is no longer a database.")
def header_magic(store: StoreEditor, hit: Hit, rng: Random) -> None:
    flip_bit(store.sqlite, 3)


@FAULTS.add("The page size in the header of chroma.sqlite3 is wrong.")
def header_page_size(store: StoreEditor, hit: Hit, rng: Random) -> None:
    patch(store.sqlite, 16, struct.pack(">H", 8192))


@FAULTS.add("The text encoding in the header of chroma.sqlite3 says UTF-16.")
def header_encoding(store: StoreEditor, hit: Hit, rng: Random) -> None:
    patch(store.sqlite, 56, struct.pack(">I", 2))


@FAULTS.add("chroma.sqlite3 is cut to half its size.")
def truncated_half(store: StoreEditor, hit: Hit, rng: Random) -> None:
    cut(store.sqlite, store.sqlite.stat().st_size // 2)


@FAULTS.add("The last tenth of chroma.sqlite3 is missing.")
def truncated_tail(store: StoreEditor, hit: Hit, rng: Random) -> None:
    cut(store.sqlite, store.sqlite.stat().st_size * 9 // 10 // 4096 * 4096)


def _leaf(store: StoreEditor, table: str, rng: Random) -> tuple[int, int]:
    btree = read_btree(store, table)
    page = rng.choice(btree.leaves)
    return btree.offset(page), btree.size


@FAULTS.add("One page of the table of records is all zeros.")
def zeroed_page_of_records(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, size = _leaf(store, "embeddings", rng)
    patch(store.sqlite, offset, bytes(size))


@FAULTS.add("One page of the table of metadata is all zeros.")
def zeroed_page_of_metadata(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, size = _leaf(store, "embedding_metadata", rng)
    patch(store.sqlite, offset, bytes(size))


@FAULTS.add("The page that holds the list of collections is all zeros.")
def zeroed_page_of_collections(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, size = _leaf(store, "collections", rng)
    patch(store.sqlite, offset, bytes(size))


@FAULTS.add("The type byte of one page of the table of records is wrong.")
def page_type_of_records(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, _ = _leaf(store, "embeddings", rng)
    patch(store.sqlite, offset, b"\x0a")


@FAULTS.add("The cell count of one page of metadata is halved: rows vanish.")
def cells_lost_in_metadata(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, _ = _leaf(store, "embedding_metadata", rng)
    cells = struct.unpack_from(">H", store.sqlite.read_bytes(), offset + 3)[0]
    patch(store.sqlite, offset + 3, struct.pack(">H", cells // 2))


@FAULTS.add("The cell count of one page of records is halved: records vanish.")
def cells_lost_in_records(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, _ = _leaf(store, "embeddings", rng)
    cells = struct.unpack_from(">H", store.sqlite.read_bytes(), offset + 3)[0]
    patch(store.sqlite, offset + 3, struct.pack(">H", cells // 2))


@FAULTS.add("Two pages of the table of metadata have changed places.")
def pages_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, "embedding_metadata")
    one, two = (btree.offset(p) for p in rng.sample(btree.leaves, 2))
    data = store.sqlite.read_bytes()
    patch(store.sqlite, one, data[two : two + btree.size])
    patch(store.sqlite, two, data[one : one + btree.size])


@FAULTS.add("A block of 8 pages in the middle of chroma.sqlite3 is filled with zeros.")
def block_of_pages_zeroed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, "embedding_metadata")
    patch(store.sqlite, btree.offset(btree.leaves[len(btree.leaves) // 2]), bytes(8 * btree.size))


TEXT_OF = "SELECT string_value FROM embedding_metadata WHERE id = ? AND key = 'chroma:document'"


@FAULTS.add("One bit of a document's text is flipped in its page.", having(DOCUMENTS))
def document_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, "embedding_metadata")
    number, text = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    places = find_in_pages(store, btree.leaves, btree.size, str(text)[:20].encode())
    flip_until_seen(store, [at + 9 for at in places], TEXT_OF, (number,))


@FAULTS.add("One bit at the end of a long document is flipped (overflow page).", having(LONG))
def document_overflow_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, "embedding_metadata")
    number, text = sample(store, hit[0], LONG, rng, 1)[0]
    places = find_in_pages(store, btree.overflow, btree.size, str(text)[-40:].encode())
    flip_until_seen(store, [at + 9 for at in places], TEXT_OF, (number,))


@FAULTS.add("The chain of overflow pages of a long document points at page 1.", having(LONG))
def overflow_chain(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, "embedding_metadata")
    text = str(sample(store, hit[0], LONG, rng, 1)[0][1])
    at = find_in_pages(store, btree.overflow, btree.size, text[2000:2040].encode())[0]
    patch(store.sqlite, at // btree.size * btree.size, struct.pack(">I", 1))


@FAULTS.add("One bit in the index over record ids is flipped: the id is not found.", any_filled)
def id_index_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, IDS_INDEX)
    for (name,) in sample(store, hit[0], IDS, rng, 20):
        needle = (hit[0].metadata + str(name)).encode()
        try:
            places = find_in_pages(store, btree.leaves, btree.size, needle)
            flip_until_seen(
                store,
                [at + len(needle) - 1 for at in places],
                "SELECT id FROM embeddings WHERE segment_id = ? AND embedding_id = ?",
                (hit[0].metadata, name),
                6,
            )
        except LookupError:
            continue
        return
    raise LookupError("No record id stands in a leaf of the index over record ids.")


@FAULTS.add("One page of the index over record ids is all zeros.")
def zeroed_page_of_id_index(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, size = _leaf(store, IDS_INDEX, rng)
    patch(store.sqlite, offset, bytes(size))


def _halve_cells(store: StoreEditor, offset: int) -> None:
    cells = struct.unpack_from(">H", store.sqlite.read_bytes(), offset + 3)[0]
    patch(store.sqlite, offset + 3, struct.pack(">H", cells // 2))


@FAULTS.add("The cell count of a page of the index over record ids is halved: records vanish.")
def cells_lost_in_id_index(store: StoreEditor, hit: Hit, rng: Random) -> None:
    _halve_cells(store, _leaf(store, IDS_INDEX, rng)[0])


def _text_index_page(store: StoreEditor, rng: Random) -> tuple[int, int]:
    btree = read_btree(store, "embedding_metadata_string_value")
    texted = having(STRINGS)(store, rng)[0]
    _, key, value = sample(store, texted, STRINGS, rng, 1)[0]
    at = find_in_pages(store, btree.leaves, btree.size, f"{key}{value}".encode())[0]
    return at // btree.size * btree.size, btree.size


@FAULTS.add("One page of the index over text metadata is all zeros.")
def zeroed_page_of_text_index(store: StoreEditor, hit: Hit, rng: Random) -> None:
    offset, size = _text_index_page(store, rng)
    patch(store.sqlite, offset, bytes(size))


@FAULTS.add("The cell count of a page of the index over text metadata is halved.")
def cells_lost_in_text_index(store: StoreEditor, hit: Hit, rng: Random) -> None:
    _halve_cells(store, _text_index_page(store, rng)[0])


@FAULTS.add("The cell count of a page of the index over whole numbers is halved.")
def cells_lost_in_int_index(store: StoreEditor, hit: Hit, rng: Random) -> None:
    btree = read_btree(store, "embedding_metadata_int_value")
    offset = btree.offset(rng.choice(btree.leaves))
    cells = struct.unpack_from(">H", store.sqlite.read_bytes(), offset + 3)[0]
    patch(store.sqlite, offset + 3, struct.pack(">H", cells // 2))


@FAULTS.add("The index over whole numbers says it covers nothing (its definition changed).")
def int_index_empty(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.raw() as connection:
        connection.execute("PRAGMA writable_schema = ON")
        changed = connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'int_value IS NOT NULL',"
            " 'int_value IS NOT NULL AND int_value < -999999')"
            " WHERE name = 'embedding_metadata_int_value'"
        ).rowcount
    if changed != 1:
        raise LookupError("There is no index embedding_metadata_int_value.")
    with store.raw() as connection:
        connection.execute("REINDEX embedding_metadata_int_value")
    with store.raw() as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, ' AND int_value < -999999', '')"
            " WHERE name = 'embedding_metadata_int_value'"
        )


@FAULTS.add("Sixteen random bits of chroma.sqlite3 are flipped.")
def random_bits(store: StoreEditor, hit: Hit, rng: Random) -> None:
    for _ in range(16):
        flip_bit(store.sqlite, rng.randrange(4096, store.sqlite.stat().st_size), rng.randrange(8))


@FAULTS.add("A whole table is gone: the table of segments was dropped.")
def table_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DROP TABLE segments")


@FAULTS.add("The schema is from another version: the newest migration is missing.")
def migration_missing(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "DELETE FROM migrations WHERE dir = 'sysdb' AND version ="
            " (SELECT MAX(version) FROM migrations WHERE dir = 'sysdb')"
        )


@FAULTS.add("The recorded hash of a migration is wrong.")
def migration_hash(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("UPDATE migrations SET hash = 'x' || hash WHERE dir = 'metadb' AND version = 1")


# --- full-text search ---------------------------------------------------------------------------


@FTS.add("The full-text table is empty: text search finds nothing.", whole_store)
def fts_emptied(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM embedding_fulltext_search")


@FTS.add("The full-text table is gone.")
def fts_dropped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DROP TABLE embedding_fulltext_search")


@FTS.add("One collection is missing from the full-text table.", having(DOCUMENTS, 20))
def fts_collection_missing(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute(
            "DELETE FROM embedding_fulltext_search WHERE rowid IN"
            " (SELECT id FROM embeddings WHERE segment_id = ?)",
            (hit[0].metadata,),
        )


def _block(store: StoreEditor, rng: Random) -> tuple[int, bytes]:
    """The block of the full-text index that holds a piece of a word of some document."""
    collection = having(DOCUMENTS, 10)(store, rng)[0]
    words = str(sample(store, collection, DOCUMENTS, rng, 1)[0][1]).lower().split()
    word = max((w for w in words if w.isascii() and w.isalpha()), key=len, default="")
    if len(word) < 3:
        raise LookupError("The chosen document has no word to damage in the full-text index.")
    with store.raw() as db:
        # leaf `pgno / 2` of a segment is row (segid << 37) + leaf; terms carry the prefix "0"
        row = db.execute(
            "SELECT d.id, d.block FROM embedding_fulltext_search_data d JOIN"
            " (SELECT (i.segid << 37) + MAX(i.pgno / 2) AS leaf FROM embedding_fulltext_search_idx"
            " i WHERE i.term <= CAST(? AS BLOB) GROUP BY i.segid) ON d.id = leaf"
            " ORDER BY LENGTH(d.block) DESC, d.id",
            ("0" + word[:3],),
        ).fetchone()
    if row is None:
        raise LookupError("The full-text index has no block for the chosen word.")
    return int(row[0]), bytes(row[1])


@FTS.add("One bit in a block of the full-text index is flipped.")
def fts_index_bit(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, block = _block(store, rng)
    at = len(block) // 2
    changed = block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_fulltext_search_data SET block = ? WHERE id = ?", (changed, number)
        )


@FTS.add("One block of the full-text index is gone.")
def fts_index_block_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, _ = _block(store, rng)
    with store.edit() as db:
        db.execute("DELETE FROM embedding_fulltext_search_data WHERE id = ?", (number,))


@FTS.add("One block of the full-text index is filled with zeros.")
def fts_index_block_zeroed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, block = _block(store, rng)
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_fulltext_search_data SET block = ? WHERE id = ?",
            (bytes(len(block)), number),
        )


@FTS.add("The structure record of the full-text index is gone.")
def fts_structure_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        db.execute("DELETE FROM embedding_fulltext_search_data WHERE id = 10")


@FTS.add("Ten documents are missing from full-text search.", having(DOCUMENTS, 10))
def fts_rows_missing(store: StoreEditor, hit: Hit, rng: Random) -> None:
    rows = sample(store, hit[0], DOCUMENTS, rng, 10)
    with store.edit() as db:
        db.executemany(
            "DELETE FROM embedding_fulltext_search WHERE rowid = ?", [(r[0],) for r in rows]
        )


@FTS.add("One document is missing from full-text search.", having(DOCUMENTS))
def fts_row_missing(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    with store.edit() as db:
        db.execute("DELETE FROM embedding_fulltext_search WHERE rowid = ?", (row[0],))


@FTS.add("Full-text search knows another text for one document.", having(DOCUMENTS))
def fts_text_replaced(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_fulltext_search SET string_value = ? WHERE rowid = ?",
            ("quite another text, never written by anyone", row[0]),
        )


@FTS.add("Full-text search has the texts of two documents exchanged.", having(DOCUMENTS, 2))
def fts_texts_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    one, two = sample(store, hit[0], DOCUMENTS, rng, 2)
    with store.edit() as db:
        for number, text in ((one[0], two[1]), (two[0], one[1])):
            db.execute(
                "UPDATE embedding_fulltext_search SET string_value = ? WHERE rowid = ?",
                (text, number),
            )


@FTS.add("The text of one document is gone from the full-text content table.", having(DOCUMENTS))
def fts_content_row_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    with store.edit() as db:
        db.execute("DELETE FROM embedding_fulltext_search_content WHERE id = ?", (row[0],))
