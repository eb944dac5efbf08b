"""Well-formed databases with wrong rows: records, documents and metadata that changed."""

from __future__ import annotations

import json
import math
import unicodedata
from random import Random

from chromadrill.disasters.catalogue.fault_registry import FaultRegistry
from chromadrill.disasters.catalogue.faults_sqlite import DOCUMENTS, STRINGS
from chromadrill.disasters.catalogue.store_editor import StoreEditor
from chromadrill.disasters.catalogue.victims import (
    Hit,
    any_filled,
    choose,
    having,
    sample,
    with_tail,
)

FAULTS = FaultRegistry("rows")

RECORDS = "SELECT id, embedding_id FROM embeddings WHERE segment_id = ? ORDER BY id"
_META = (
    " FROM embedding_metadata m JOIN embeddings e ON e.id = m.id"
    " WHERE e.segment_id = ? AND m.key NOT LIKE 'chroma:%'"
)
INTS = "SELECT m.id, m.key, m.int_value" + _META + " AND m.int_value IS NOT NULL ORDER BY 1, 2"
FLOATS = (
    "SELECT m.id, m.key, m.float_value" + _META + " AND m.float_value IS NOT NULL ORDER BY 1, 2"
)
BOOLS = "SELECT m.id, m.key, m.bool_value" + _META + " AND m.bool_value IS NOT NULL ORDER BY 1, 2"
ACCENTS = STRINGS.replace("IS NOT NULL", "GLOB '*[À-ÿ]*'")
WHOLE_FLOATS = FLOATS.replace("IS NOT NULL", "= CAST(m.float_value AS INTEGER)")
URIS = (
    "SELECT m.id, m.string_value FROM embedding_metadata m JOIN embeddings e ON e.id = m.id"
    " WHERE e.segment_id = ? AND m.key = 'chroma:uri' ORDER BY m.id"
)
LISTS = (
    "SELECT a.rowid, a.id, a.key FROM embedding_metadata_array a JOIN embeddings e"
    " ON e.id = a.id WHERE e.segment_id = ? AND (SELECT COUNT(*) FROM embedding_metadata_array b"
    " WHERE b.id = a.id AND b.key = a.key) >= 2 ORDER BY a.rowid"
)


def _remove(
    store: StoreEditor, hit: Hit, records: list[tuple[int, str]], *, everywhere: bool
) -> None:
    with store.edit() as db:
        for number, name in records:
            db.execute("DELETE FROM embeddings WHERE id = ?", (number,))
            if everywhere:
                db.execute("DELETE FROM embedding_metadata WHERE id = ?", (number,))
                db.execute("DELETE FROM embedding_metadata_array WHERE id = ?", (number,))
                db.execute("DELETE FROM embedding_fulltext_search WHERE rowid = ?", (number,))
                db.execute(
                    "DELETE FROM embeddings_queue WHERE topic = ? AND id = ?", (hit[0].topic, name)
                )


@FAULTS.add("Ten records are missing from the table of records.", any_filled)
def records_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    rows = [(int(a), str(b)) for a, b in sample(store, hit[0], RECORDS, rng, 10)]
    _remove(store, hit, rows, everywhere=False)


@FAULTS.add("One record is missing from the table of records.", any_filled)
def record_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    rows = [(int(a), str(b)) for a, b in sample(store, hit[0], RECORDS, rng, 1)]
    _remove(store, hit, rows, everywhere=False)


@FAULTS.add("One record is missing with everything that belongs to it in sqlite.", any_filled)
def record_deleted_cleanly(store: StoreEditor, hit: Hit, rng: Random) -> None:
    rows = [(int(a), str(b)) for a, b in sample(store, hit[0], RECORDS, rng, 1)]
    _remove(store, hit, rows, everywhere=True)


@FAULTS.add("One record in twenty is missing with everything in sqlite.", any_filled)
def five_percent_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    chosen = sample(store, hit[0], RECORDS, rng, max(1, hit[0].count // 20))
    _remove(store, hit, [(int(a), str(b)) for a, b in chosen], everywhere=True)


@FAULTS.add("All records of one collection are gone; the collection is there.", any_filled)
def collection_emptied(store: StoreEditor, hit: Hit, rng: Random) -> None:
    chosen = sample(store, hit[0], RECORDS, rng, hit[0].count)
    _remove(store, hit, [(int(a), str(b)) for a, b in chosen], everywhere=True)


@FAULTS.add("Ten records have lost document and metadata.", having(DOCUMENTS, 10))
def metadata_rows_deleted(store: StoreEditor, hit: Hit, rng: Random) -> None:
    rows = sample(store, hit[0], DOCUMENTS, rng, 10)
    with store.edit() as db:
        db.executemany("DELETE FROM embedding_metadata WHERE id = ?", [(r[0],) for r in rows])


@FAULTS.add("One metadata value of one record is missing.", having(STRINGS))
def metadata_key_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, _ = sample(store, hit[0], STRINGS, rng, 1)[0]
    with store.edit() as db:
        db.execute("DELETE FROM embedding_metadata WHERE id = ? AND key = ?", (number, key))


@FAULTS.add("One metadata key of one record is written differently.", having(STRINGS))
def metadata_key_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, _ = sample(store, hit[0], STRINGS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET key = ? WHERE id = ? AND key = ?",
            (str(key).swapcase(), number, key),
        )


@FAULTS.add("A whole number became a text in one record.", having(INTS))
def int_to_str(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], INTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET int_value = NULL, string_value = ?"
            " WHERE id = ? AND key = ?",
            (str(value), number, key),
        )


@FAULTS.add("A whole number became a float in one record.", having(INTS))
def int_to_float(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], INTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET int_value = NULL, float_value = ?"
            " WHERE id = ? AND key = ?",
            (float(value), number, key),
        )


@FAULTS.add("A float with a whole value became a whole number in one record.", having(WHOLE_FLOATS))
def float_to_int(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], WHOLE_FLOATS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET float_value = NULL, int_value = ?"
            " WHERE id = ? AND key = ?",
            (int(value), number, key),
        )


@FAULTS.add("A yes/no value became 1 or 0 in one record.", having(BOOLS))
def bool_to_int(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], BOOLS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET bool_value = NULL, int_value = ?"
            " WHERE id = ? AND key = ?",
            (int(value), number, key),
        )


@FAULTS.add("A whole number is one too high in one record.", having(INTS))
def int_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, _ = sample(store, hit[0], INTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET int_value = int_value + 1 WHERE id = ? AND key = ?",
            (number, key),
        )


@FAULTS.add("A float differs in its last digit in one record.", having(FLOATS))
def float_nudged(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], FLOATS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET float_value = ? WHERE id = ? AND key = ?",
            (math.nextafter(float(value), math.inf), number, key),
        )


@FAULTS.add("A yes/no value is the wrong way round in one record.", having(BOOLS))
def bool_flipped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, _ = sample(store, hit[0], BOOLS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET bool_value = 1 - bool_value WHERE id = ? AND key = ?",
            (number, key),
        )


@FAULTS.add("A text value has a blank at its end in one record.", having(STRINGS))
def string_padded(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], STRINGS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET string_value = ? WHERE id = ? AND key = ?",
            (str(value) + " ", number, key),
        )


@FAULTS.add("A text value looks the same but its accents are composed differently.",
            having(ACCENTS))  # fmt: skip
def string_unicode_form(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, key, value = sample(store, hit[0], ACCENTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET string_value = ? WHERE id = ? AND key = ?",
            (unicodedata.normalize("NFD", str(value)), number, key),
        )


def _set_document(store: StoreEditor, number: int, text: str, *, search: bool) -> None:
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET string_value = ? WHERE id = ?"
            " AND key = 'chroma:document'",
            (text, number),
        )
        if search:
            db.execute(
                "UPDATE embedding_fulltext_search SET string_value = ? WHERE rowid = ?",
                (text, number),
            )


@FAULTS.add("One document has another text (full-text search still knows the old one).",
            having(DOCUMENTS))  # fmt: skip
def document_replaced(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    _set_document(store, int(row[0]), "this is not what was written here", search=False)


@FAULTS.add("One document has another text everywhere in sqlite.", having(DOCUMENTS))
def document_replaced_everywhere(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    _set_document(store, int(row[0]), "this is not what was written here", search=True)


@FAULTS.add("One document is cut short.", having(DOCUMENTS))
def document_cut(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, text = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    _set_document(store, int(number), str(text)[: len(str(text)) // 2], search=True)


@FAULTS.add("One document is the empty text instead of its own.", having(DOCUMENTS))
def document_emptied(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, _ = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    _set_document(store, int(number), "", search=True)


@FAULTS.add("One document is gone (null).", having(DOCUMENTS))
def document_nulled(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, _ = sample(store, hit[0], DOCUMENTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "DELETE FROM embedding_metadata WHERE id = ? AND key = 'chroma:document'", (number,)
        )
        db.execute("DELETE FROM embedding_fulltext_search WHERE rowid = ?", (number,))


@FAULTS.add("Two records have each other's document.", having(DOCUMENTS, 2))
def documents_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    one, two = sample(store, hit[0], DOCUMENTS, rng, 2)
    _set_document(store, int(one[0]), str(two[1]), search=True)
    _set_document(store, int(two[0]), str(one[1]), search=True)


@FAULTS.add("A metadata list has lost an element in one record.", having(LISTS))
def list_element_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], LISTS, rng, 1)[0]
    with store.edit() as db:
        db.execute("DELETE FROM embedding_metadata_array WHERE rowid = ?", (row[0],))


@FAULTS.add("A metadata list has an element twice in one record.", having(LISTS))
def list_element_doubled(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], LISTS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "INSERT INTO embedding_metadata_array SELECT * FROM embedding_metadata_array"
            " WHERE rowid = ?",
            (row[0],),
        )


@FAULTS.add("All metadata lists of one record are gone.", having(LISTS))
def lists_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    row = sample(store, hit[0], LISTS, rng, 1)[0]
    with store.edit() as db:
        db.execute("DELETE FROM embedding_metadata_array WHERE id = ?", (row[1],))


@FAULTS.add("The URI of one record is another one.", having(URIS))
def uri_changed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, text = sample(store, hit[0], URIS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "UPDATE embedding_metadata SET string_value = ? WHERE id = ? AND key = 'chroma:uri'",
            (str(text) + "x", number),
        )


@FAULTS.add("The URI of one record is gone.", having(URIS))
def uri_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, _ = sample(store, hit[0], URIS, rng, 1)[0]
    with store.edit() as db:
        db.execute("DELETE FROM embedding_metadata WHERE id = ? AND key = 'chroma:uri'", (number,))


@FAULTS.add("One record has another id.", any_filled)
def record_renamed(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, name = sample(store, hit[0], RECORDS, rng, 1)[0]
    with store.edit() as db:
        db.execute("UPDATE embeddings SET embedding_id = ? WHERE id = ?", (f"{name}-x", number))


@FAULTS.add("Two records have each other's id: everything but the vector moved.", any_filled)
def record_ids_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    one, two = sample(store, hit[0], RECORDS, rng, 2)
    with store.edit() as db:
        for number, name in ((one[0], "\x00"), (two[0], one[1]), (one[0], two[1])):
            db.execute("UPDATE embeddings SET embedding_id = ? WHERE id = ?", (name, number))


@FAULTS.add("There is a record that nobody wrote (no vector).", any_filled)
def record_extra(store: StoreEditor, hit: Hit, rng: Random) -> None:
    with store.edit() as db:
        number = db.execute("SELECT MAX(id) + 1 FROM embeddings").fetchone()[0]
        db.execute(
            "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?, ?, ?, ?)",
            (number, hit[0].metadata, "nobody-wrote-me", hit[0].synced),
        )
        db.execute(
            "INSERT INTO embedding_metadata (id, key, string_value)"
            " VALUES (?, 'chroma:document', 'a text out of nowhere')",
            (number,),
        )


@FAULTS.add("There is a record that nobody wrote, complete with its vector.", with_tail)
def record_extra_complete(store: StoreEditor, hit: Hit, rng: Random) -> None:
    entry = store.tail(hit[0])[-1]
    name, text = "nobody-wrote-me", "a text out of nowhere"
    with store.edit() as db:
        number = db.execute("SELECT MAX(id) + 1 FROM embeddings").fetchone()[0]
        seq = db.execute("SELECT MAX(seq_id) + 1 FROM embeddings_queue").fetchone()[0]
        db.execute(
            "INSERT INTO embeddings (id, segment_id, embedding_id, seq_id) VALUES (?, ?, ?, ?)",
            (number, hit[0].metadata, name, seq),
        )
        db.execute(
            "INSERT INTO embedding_metadata (id, key, string_value)"
            " VALUES (?, 'chroma:document', ?)",
            (number, text),
        )
        db.execute(
            "INSERT INTO embedding_fulltext_search (rowid, string_value) VALUES (?, ?)",
            (number, text),
        )
        db.execute(
            # as if it had been there all the time: a later write is a client's, and no damage
            "INSERT INTO embeddings_queue (seq_id, created_at, operation, topic, id, vector,"
            " encoding, metadata) SELECT ?, max(created_at), 2, ?, ?, ?, 'FLOAT32', ?"
            " FROM embeddings_queue",
            (seq, hit[0].topic, name, entry.vector, json.dumps({"chroma:document": text})),
        )
        db.execute("UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?", (seq, hit[0].metadata))


def _pair(store: StoreEditor, rng: Random) -> Hit:
    first = choose(store, rng, "has 20 records", lambda c: c.count >= 20)
    return (first, choose(store, rng, "is another one", lambda c: c.id != first.id))


@FAULTS.add("One record stands in another collection.", _pair)
def record_moved(store: StoreEditor, hit: Hit, rng: Random) -> None:
    number, _ = sample(store, hit[0], RECORDS, rng, 1)[0]
    with store.edit() as db:
        db.execute("UPDATE embeddings SET segment_id = ? WHERE id = ?", (hit[1].metadata, number))


@FAULTS.add("Two records have each other's metadata and document.", having(DOCUMENTS, 2))
def metadata_swapped(store: StoreEditor, hit: Hit, rng: Random) -> None:
    one, two = sample(store, hit[0], DOCUMENTS, rng, 2)
    with store.edit() as db:
        for before, after in ((one[0], -1), (two[0], one[0]), (-1, two[0])):
            db.execute("UPDATE embedding_metadata SET id = ? WHERE id = ?", (after, before))


@FAULTS.add("One metadata value of every record of a collection is gone.", having(STRINGS, 10))
def metadata_column_lost(store: StoreEditor, hit: Hit, rng: Random) -> None:
    _, key, _ = sample(store, hit[0], STRINGS, rng, 1)[0]
    with store.edit() as db:
        db.execute(
            "DELETE FROM embedding_metadata WHERE key = ? AND id IN"
            " (SELECT id FROM embeddings WHERE segment_id = ?)",
            (key, hit[0].metadata),
        )
