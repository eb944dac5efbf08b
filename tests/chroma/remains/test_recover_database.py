"""Whatever page is destroyed, the rows of the others come back, and none that nobody wrote."""

import contextlib
import shutil
import sqlite3
import struct
from contextlib import closing
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chromadrill.chroma.remains.database import recover
from chromadrill.chroma.remains.page_file import PageFile
from chromadrill.chroma.remains.tables import known_tables, tables_of

PAGE = 1024
TREES = (2, 5, 10, 13)  # first bytes of b-tree pages; those of overflow pages nothing tells apart
TABLES = (
    """CREATE TABLE embeddings (id INTEGER PRIMARY KEY, segment_id TEXT NOT NULL,
    embedding_id TEXT NOT NULL, seq_id BLOB NOT NULL, created_at TIMESTAMP NOT NULL,
    UNIQUE (segment_id, embedding_id))""",
    """CREATE TABLE embedding_metadata (id INTEGER REFERENCES embeddings(id), key TEXT NOT NULL,
    string_value TEXT, int_value INTEGER, float_value REAL, bool_value INTEGER,
    PRIMARY KEY (id, key))""",
    """CREATE INDEX embedding_metadata_string_value ON embedding_metadata (key, string_value)
    WHERE string_value IS NOT NULL""",
    """CREATE TABLE embedding_metadata_array (id INTEGER NOT NULL, key TEXT NOT NULL,
    string_value TEXT, int_value INTEGER, float_value REAL, bool_value INTEGER)""",
)
COLUMNS = "rowid, id, key, string_value, int_value, float_value, bool_value"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """400 records, some with long documents, a few deleted; and every row of them."""
    file = tmp_path_factory.mktemp("original") / "chroma.sqlite3"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"PRAGMA page_size={PAGE}")
        for sql in TABLES:
            database.execute(sql)
        for number in range(1, 401):
            row = (number, "segment", f"id-{number}", number, "2026-01-01 00:00:00")
            database.execute("INSERT INTO embeddings VALUES (?, ?, ?, ?, ?)", row)
            text = f"document {number} " * (200 if number % 40 == 0 else number % 7)
            rows = [(number, "chroma:document", text, None, None, None),
                    (number, "year", None, number, None, None),
                    (number, "open", None, None, None, number % 2)]  # fmt: skip
            database.executemany("INSERT INTO embedding_metadata VALUES (?, ?, ?, ?, ?, ?)", rows)
            lists = [(number, "tags", tag, None, None, None) for tag in ("a", "b")]
            database.executemany(
                "INSERT INTO embedding_metadata_array VALUES (?, ?, ?, ?, ?, ?)", lists
            )
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DELETE FROM embedding_metadata WHERE id BETWEEN 300 AND 330")
        database.execute("DELETE FROM embeddings WHERE id BETWEEN 300 AND 330")
    return file


def rows_of(file):
    with closing(sqlite3.connect(file)) as database:
        select = "SELECT rowid, id, segment_id, embedding_id, seq_id FROM embeddings"
        return {
            "embeddings": set(database.execute(select)),
            "embedding_metadata": set(
                database.execute(f"SELECT {COLUMNS} FROM embedding_metadata")
            ),
            "embedding_metadata_array": set(
                database.execute(f"SELECT {COLUMNS} FROM embedding_metadata_array")
            ),
        }


def is_part(row, rows):
    """Whether a row of this number is there, and says all that this one says."""
    by_number = {other[0]: other for other in rows}
    other = by_number.get(row[0])
    return other is not None and all(
        one in (None, held) for one, held in zip(row, other, strict=True)
    )


def recovered(file, folder):
    new = folder / "new.sqlite3"
    new.unlink(missing_ok=True)
    return recover(file, new), rows_of(new)


def test_a_sound_file_comes_back_row_for_row(original, tmp_path):
    before = original.read_bytes()
    remains, rows = recovered(original, tmp_path)
    assert rows == rows_of(original)
    assert (remains.damaged_pages, remains.lost_pages) == (0, 0)
    assert original.read_bytes() == before


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.data())
def test_a_destroyed_page_costs_its_own_rows_and_invents_none(original, scratch, data):
    content = bytearray(original.read_bytes())
    pages = len(content) // PAGE
    for number in data.draw(st.lists(st.integers(2, pages), min_size=1, max_size=3, unique=True)):
        damage = data.draw(st.sampled_from(["zeroes", "noise", "another page"]))
        other = data.draw(st.integers(2, pages).filter(lambda n: content[(n - 1) * PAGE] in TREES))
        start = (number - 1) * PAGE
        content[start : start + PAGE] = {
            "zeroes": bytes(PAGE),
            "noise": Random(other).randbytes(PAGE),
            "another page": content[(other - 1) * PAGE : other * PAGE],
        }[damage]
    file = scratch / "chroma.sqlite3"
    file.write_bytes(content)
    _, rows = recovered(file, scratch)
    for table, wanted in rows_of(original).items():
        invented = [row for row in rows[table] if not is_part(row, wanted)]
        assert invented == [], table


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 2**32))
def test_flipped_bits_end_in_no_traceback(original, scratch, seed):
    content = bytearray(original.read_bytes())
    for n in range(8):
        at = seed * (n + 1) * 2654435761 % len(content)
        content[at] ^= 1 << (seed % 8)
    file = scratch / "bits.sqlite3"
    file.write_bytes(content)
    _, rows = recovered(file, scratch)
    assert rows.keys() == rows_of(original).keys()


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b"seq_id BLOB", b"req_id BLOB"),
        (b"string_value TEXT", b"strinw_value TEXT"),
        (b"string_value TEXT,", b"string_value TEXTl"),
        (b"int_value INTEGER,", b"int_va,ue INTEGER,"),
        (b"key TEXT NOT NULL,", b"key0TEXT NOT NULL,"),
        (b"(id INTEGER PRIMARY", b"(J  INTEGER PRIMARY"),
    ],
    ids=["renamed", "renamed twice", "joined", "one more", "another length", "like no other"],
)
def test_rows_are_read_by_the_columns_that_chroma_makes_where_bits_of_the_schema_flipped(
    original, tmp_path, was, is_now
):
    content = original.read_bytes()
    assert was in content
    file = tmp_path / "chroma.sqlite3"
    file.write_bytes(content.replace(was, is_now))
    _, rows = recovered(file, tmp_path)
    assert rows == rows_of(original)


@pytest.fixture(scope="module")
def schema(server):
    """Table -> SQL, as a server made it."""
    with closing(
        sqlite3.connect(f"file:{server.live_data()}/chroma.sqlite3?mode=ro", uri=True)
    ) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))


@pytest.mark.parametrize("name", known_tables())
def test_no_bit_of_a_tables_sql_puts_a_value_into_another_column(schema, name):
    sql, known = schema[name].encode(), known_tables()[name].columns
    texts = [
        sql[:place] + bytes([sql[place] ^ 1 << bit]) + sql[place + 1 :]
        for place in range(len(sql))
        for bit in range(8)
    ]
    for text in texts:
        with contextlib.suppress(UnicodeDecodeError):
            tables, memory = tables_of({name: text.decode()})
            memory.close()
            assert tables[name].columns[: len(known)] == known, text


@pytest.mark.parametrize("name", ['"x"" , ""y"', '"İ"', '"a b"'])
def test_a_column_of_any_name_ends_in_no_traceback(original, tmp_path, name):
    file = tmp_path / "chroma.sqlite3"
    shutil.copyfile(original, file)
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"ALTER TABLE embedding_metadata_array ADD COLUMN {name}")
        database.execute("ALTER TABLE embedding_metadata_array DROP COLUMN int_value")
        database.execute("ALTER TABLE embedding_metadata DROP COLUMN int_value")
        database.execute(f"ALTER TABLE embedding_metadata ADD COLUMN {name}")
    _, rows = recovered(file, tmp_path)
    held = rows_of(original)["embedding_metadata_array"]
    assert rows["embedding_metadata_array"] == held  # of which no value was a whole number


def test_a_column_that_somebody_dropped_moves_no_value_into_another(original, tmp_path):
    file = tmp_path / "chroma.sqlite3"
    shutil.copyfile(original, file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("ALTER TABLE embedding_metadata_array DROP COLUMN string_value")
        database.execute("INSERT INTO embedding_metadata_array VALUES (7, 'more', 5, 0.5, NULL)")
        database.commit()
    _, rows = recovered(file, tmp_path)
    lists = {row[1:] for row in rows["embedding_metadata_array"] if row[1] == 7}
    assert lists == {(7, "tags", None, None, None, None), (7, "more", None, 5, 0.5, None)}


@pytest.mark.parametrize("is_now", [b"embeddiNg_iD", b"embedding_ie"])
def test_what_the_indexes_know_of_a_zeroed_page_comes_back_whatever_its_columns_are_called(
    original, tmp_path, is_now
):
    content = bytearray(original.read_bytes().replace(b"embedding_id", is_now))
    with closing(sqlite3.connect(original)) as database:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'embeddings'"
        (root,) = database.execute(sql).fetchone()
    page = content[(root - 1) * PAGE : root * PAGE]
    child = int.from_bytes(page[int.from_bytes(page[12:14], "big") :][:4], "big")
    content[(child - 1) * PAGE : child * PAGE] = bytes(PAGE)
    file = tmp_path / "chroma.sqlite3"
    file.write_bytes(content)
    remains, rows = recovered(file, tmp_path)
    ids = {row[3] for row in rows["embeddings"]}
    assert ids == {row[3] for row in rows_of(original)["embeddings"]}
    assert remains.tables["embeddings"].damaged_pages == 1
    assert remains.tables["embeddings"].from_indexes > 5


def test_rows_of_an_inner_page_that_is_gone_are_found_by_their_pages(original, tmp_path):
    content = bytearray(original.read_bytes())
    with closing(sqlite3.connect(original)) as database:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'embedding_metadata'"
        (root,) = database.execute(sql).fetchone()
    content[(root - 1) * PAGE : root * PAGE] = bytes(PAGE)
    file = tmp_path / "chroma.sqlite3"
    file.write_bytes(content)
    remains, rows = recovered(file, tmp_path)
    assert rows["embedding_metadata"] == rows_of(original)["embedding_metadata"]
    assert remains.tables["embedding_metadata"].from_lost_pages > 100


def test_deleted_rows_stay_deleted(original, tmp_path):
    content = bytearray(original.read_bytes())
    content[16:18] = b"\xff\xff"  # the header's page size: the file is no database to SQLite
    file = tmp_path / "chroma.sqlite3"
    file.write_bytes(content)
    _, rows = recovered(file, tmp_path)
    assert {row[0] for row in rows["embeddings"]} == {*range(1, 300), *range(331, 401)}


def test_a_file_that_is_no_database_gives_no_rows(tmp_path):
    file = tmp_path / "chroma.sqlite3"
    file.write_bytes(b"not a database at all" * 1000)
    _, rows = recovered(file, tmp_path)
    assert not any(rows.values())


def test_the_schema_of_a_hostile_file_makes_tables_and_nothing_else(tmp_path):
    file = tmp_path / "chroma.sqlite3"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE tenants (id TEXT PRIMARY KEY)")
        database.execute("PRAGMA writable_schema=ON")
        endless = "CREATE TABLE tenants AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT i FROM n"  # noqa: E501
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'tenants'", (endless,))
    recovered(file, tmp_path)


def test_rows_of_two_tables_are_joined_by_an_index_and_not_by_looking_through_all(
    original, tmp_path
):
    recover(original, tmp_path / "new.sqlite3")
    question = (
        "EXPLAIN QUERY PLAN SELECT 1 FROM embeddings e WHERE NOT EXISTS"
        " (SELECT 1 FROM embedding_metadata m WHERE m.id = e.id AND m.key = 'chroma:document')"
    )
    with closing(sqlite3.connect(tmp_path / "new.sqlite3")) as database:
        steps = [row[3] for row in database.execute(question)]
    assert any(step.startswith("SEARCH m USING") for step in steps), steps


def test_a_row_whose_zeroes_fill_an_overflow_page_comes_back(tmp_path):
    """Vectors that are shorter than their collection's are padded with zeroes."""
    padded = bytes(range(1, 200)) + bytes(8 * PAGE)
    file = tmp_path / "chroma.sqlite3"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"PRAGMA page_size={PAGE}")
        database.execute(
            """CREATE TABLE embeddings_queue (seq_id INTEGER PRIMARY KEY, created_at TIMESTAMP,
            operation INTEGER, topic TEXT, id TEXT, vector BLOB, encoding TEXT, metadata TEXT)"""
        )
        row = (1, "2026-01-01", 2, "topic", "r1", padded, "FLOAT32", "{}")
        database.execute("INSERT INTO embeddings_queue VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    recover(file, tmp_path / "new.sqlite3")
    with closing(sqlite3.connect(tmp_path / "new.sqlite3")) as database:
        assert database.execute("SELECT * FROM embeddings_queue").fetchall() == [row]


def test_a_small_file_of_long_rows_has_the_page_size_that_its_length_proves(tmp_path):
    """Overflow pages begin like none: of few pages some larger size may look better."""
    file = tmp_path / "chroma.sqlite3"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("PRAGMA page_size=1024")
        database.execute(TABLES[0])
        database.execute(TABLES[1])
        for number in range(1, 9):
            row = (number, "chroma:document", f"{number}" * 7000, None, None, None)
            database.execute("INSERT INTO embedding_metadata VALUES (?, ?, ?, ?, ?, ?)", row)
    content = bytearray(file.read_bytes())
    for start in range(4096, len(content) - 4096, 4096):  # as by chance four times as large ones do
        content[start : start + 8] = content[2048:2056]
    file.write_bytes(content)
    with PageFile(file) as pages:
        assert pages.size == 1024


def test_a_page_size_that_the_length_contradicts_is_not_believed(original, tmp_path):
    content = bytearray(original.read_bytes())
    content[16:18] = struct.pack(">H", 2 * PAGE)
    file = tmp_path / "chroma.sqlite3"
    file.write_bytes(content)
    with PageFile(file) as pages:
        assert pages.size == PAGE
