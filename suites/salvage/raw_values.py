"""What a store holds, in raw values: read by nothing of the harness, for a comparison of its own.

A sound store is asked through a server's HTTP API. What a damaged one still holds is looked up in its
files: rows by SQL where SQLite reads the database, else bytes that were those of the sound one.
"""

import json
import pickle
import re
import sqlite3
import struct
import urllib.request
from contextlib import closing
from typing import NamedTuple

import numpy as np

from chromadrill.workload.data.edge_cases import COLLECTIONS

PAGE = 300
SQLITE, DATA, HEADER, LENGTH, PICKLE = (
    "chroma.sqlite3", "data_level0.bin", "header.bin", "length.bin", "index_metadata.pickle",
)  # fmt: skip


# an expression for each collection: one that begins with plain letters is fast
_NAMES = [one.name.encode() for one in COLLECTIONS]
_IDS = [re.compile(name + rb"-\d{5}") for name in _NAMES]
_HEADS = [re.compile(name + rb" \d+ [0-9a-f]{1,10}") for name in _NAMES]
_ROW_GOES_ON = re.compile(rb".{0,9}?20\d\d-\d\d-\d\d ", re.DOTALL)
_REWRITTEN = b"rewritten "
_UUID = 36
_SHORT = 900  # bytes of a text that stands on one page


class Record(NamedTuple):
    """One record. `metadata`: JSON with sorted keys; `vector`: float32, its bytes."""

    document: str | None
    metadata: str
    uri: str | None
    vector: bytes


class Left(NamedTuple):
    """What is left: ids whose record can be read, ids with the right document, with a vector's bytes."""

    ids: set
    documents: set
    vectors: set


def record_of(document, metadata, uri, vector):
    metadata = json.dumps(metadata or {}, sort_keys=True, ensure_ascii=False)
    return Record(document, metadata, uri, np.asarray(vector, np.float32).tobytes())


def served_records(url, scopes):
    """{id: Record} of every collection of a served store, by plain HTTP calls; ids are unique in it."""
    records = {}
    for tenant, database in scopes:
        base = f"{url}/api/v2/tenants/{tenant}/databases/{database}/collections"
        for collection in _call(f"{base}?limit=100"):
            offset = 0
            while True:
                page = _call(
                    f"{base}/{collection['id']}/get",
                    {"include": ["documents", "metadatas", "uris", "embeddings"],
                     "limit": PAGE, "offset": offset},
                )  # fmt: skip
                rows = zip(
                    page["ids"], page["documents"], page["metadatas"], page["uris"],
                    page["embeddings"], strict=True,
                )  # fmt: skip
                for id_, *values in rows:
                    metadata = {
                        k: v for k, v in (values[1] or {}).items() if not k.startswith("chroma:")
                    }
                    records[id_] = record_of(values[0], metadata, values[2], values[3])
                offset += PAGE
                if len(page["ids"]) < PAGE:
                    break
    return records


def _call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - a server of ours
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


class SoundBytes:
    """Where the sound store keeps what each record is made of; `left_in` looks at a damaged copy."""

    def __init__(self, data, records, older):
        """`records`, `older`: what the store answers, and what it answered at an earlier instant."""
        self.data, self.records, self.older, self._pieces = data, records, older, {}
        self.content = (data / SQLITE).read_bytes()
        with closing(_connect(data)) as database:
            self.queued = _queued(database)
            self.in_index = self._rows_of_indexes(database)
            self.homes = _collections_of(database)
            self.segments = {row[0] for row in database.execute("SELECT id FROM segments")}
        (self.page_size,) = struct.unpack_from(">H", self.content, 16)
        self.free_pages = _free_pages(self.content, self.page_size)
        self.id_of_head = {
            match[0]: id_
            for id_, one in records.items()
            for match in _all(_HEADS, (one.document or "").encode()[:60])
        }

    def _rows_of_indexes(self, database):
        """{id: (folder, offset, bytes, row, length)} of records whose newest vector is the index's.

        `length`: the bytes in length.bin; empty where the index holds the vector itself.
        """
        sql = "SELECT id FROM segments WHERE scope = 'VECTOR'"
        rows = {}
        for (segment,) in database.execute(sql):
            folder = self.data / segment
            if not (folder / PICKLE).is_file():
                continue
            header = (folder / HEADER).read_bytes()
            size, label_at, vector_at = struct.unpack_from("<QQQ", header, 28)
            content, lengths = (folder / DATA).read_bytes(), (folder / LENGTH).read_bytes()
            offsets = {
                struct.unpack_from("<Q", content, start + label_at)[0]: start
                for start in range(0, len(content) - size + 1, size)
            }
            labels = pickle.loads((folder / PICKLE).read_bytes())["id_to_label"]
            for id_, label in labels.items():
                if id_ not in self.records or label not in offsets:
                    continue
                start = offsets[label] + vector_at
                stored = content[start : start + label_at - vector_at]
                row, vector = offsets[label] // size, self.records[id_].vector
                if _is_same_direction(stored, vector):
                    length = b"" if stored == vector else lengths[4 * row : 4 * row + 4]
                    rows[id_] = (segment, start, stored, row, length)
        return rows

    def left_in(self, data):
        """What `data` still holds of the sound store's records."""
        file = data / SQLITE
        if not file.is_file():
            return Left(set(), set(), set())
        try:
            return self._left_by_sql(data)
        except sqlite3.DatabaseError:
            return self._left_by_bytes(data)

    def _left_by_sql(self, data):
        with closing(_connect(data)) as database:
            for (line,) in database.execute("PRAGMA quick_check(1)"):
                if line != "ok":
                    raise sqlite3.DatabaseError(line)
            homes = _collections_of(database)
            ids = homes.keys() & self.records.keys()
            documents = {
                id_
                for id_, text in database.execute(
                    "SELECT e.embedding_id, m.string_value FROM embeddings e"
                    " JOIN embedding_metadata m ON m.id = e.id AND m.key = 'chroma:document'"
                )
                if id_ in ids and self.records[id_].document == text
            }
            queued = _queued(database)
        in_queue = {
            id_ for id_ in ids if id_ in self.queued and queued.get(id_) == self.queued[id_]
        }
        at_home = {id_ for id_ in ids if homes[id_] == self.homes[id_]}
        return Left(ids, documents, (in_queue | self._in_index(data, ids)) & at_home)

    def _left_by_bytes(self, data):
        """Where SQLite refuses: what still stands, but on the sound file's free pages.

        An id in its row of the table: between its segment's and a date; a document in any table; a
        vector of the queue right after its id.
        """
        content = bytearray((data / SQLITE).read_bytes())
        for number in self.free_pages:
            start, end = (number - 1) * self.page_size, number * self.page_size
            content[start:end] = bytes(len(content[start:end]))
        content = bytes(content)
        ids, documents, in_queue = set(), set(), set()
        for match in _all(_IDS, content):
            id_ = match[0].decode()
            if id_ not in self.records:
                continue
            segment = content[match.start() - _UUID : match.start()].decode("latin-1")
            if segment in self.segments and _ROW_GOES_ON.match(content, match.end()):
                ids.add(id_)
            _, blob = self.queued.get(id_, ("", None))
            if blob is not None and content[match.end() : match.end() + len(blob)] == blob:
                in_queue.add(id_)
        for match in _all(_HEADS, content):
            id_ = self.id_of_head.get(match[0])
            if id_ and id_ not in documents and self._has_document(content, match.start(), id_):
                documents.add(id_)
        return Left(ids, documents & ids, (in_queue & ids) | self._in_index(data, ids))

    def _has_document(self, content, start, id_):
        """Whether a document stands here; one over several pages: whether its pieces do anywhere."""
        text = self.records[id_].document.encode()
        if len(text) < _SHORT:
            start -= len(_REWRITTEN) if text.startswith(_REWRITTEN) else 0
            return content[start : start + len(text)] == text
        if id_ not in self._pieces:  # those that no page ends within
            pieces = [text[at : at + 64] for at in range(0, len(text), 2000)]
            self._pieces[id_] = [piece for piece in pieces if piece in self.content]
        return all(piece in content for piece in self._pieces[id_])

    def _in_index(self, data, ids):
        """Ids whose bytes stand where they stood, or elsewhere in the file of the same folder."""
        contents, lengths = {}, {}
        for folder in data.iterdir():
            for name, files in ((DATA, contents), (LENGTH, lengths)):
                if (folder / name).is_file():
                    files[folder.name] = (folder / name).read_bytes()
        left = set()
        for id_ in ids & self.in_index.keys():
            segment, start, stored, row, length = self.in_index[id_]
            content = contents.get(segment, b"")
            has_length = lengths.get(segment, b"")[4 * row : 4 * row + len(length)] == length
            stands = content[start : start + len(stored)] == stored or stored in content
            if stands and has_length:
                left.add(id_)
        return left


def _connect(data):
    return sqlite3.connect(f"file:{data / SQLITE}?mode=ro&immutable=1", uri=True)


def _queued(database):
    """{id: (topic, vector)} of the newest entry with a vector of each id in the queue."""
    newest = {}
    sql = "SELECT id, topic, vector, operation FROM embeddings_queue ORDER BY seq_id"
    for id_, topic, vector, operation in database.execute(sql):
        if operation == 3:
            newest.pop(id_, None)
        elif vector is not None and operation in (0, 1, 2):
            newest[id_] = topic, vector
    return newest


def _collections_of(database):
    """{id: the collection that the database says the record is of}; ids are unique in the store."""
    sql = (
        "SELECT e.embedding_id, c.id FROM embeddings e JOIN segments s ON s.id = e.segment_id"
        " JOIN collections c ON c.id = s.collection JOIN databases d ON d.id = c.database_id"
    )
    return dict(database.execute(sql))


def _all(expressions, content):
    for expression in expressions:
        yield from expression.finditer(content)


def _free_pages(content, size):
    """Numbers of the pages on the list of free ones."""
    (trunk,) = struct.unpack_from(">I", content, 32)
    free = set()
    while trunk and trunk not in free:
        start = (trunk - 1) * size
        following, count = struct.unpack_from(">II", content, start)
        free |= {trunk, *struct.unpack_from(f">{count}I", content, start + 8)}
        trunk = following
    return free


def _is_same_direction(stored, true):
    """Whether the vector of an index is this record's: cosine indexes hold unit vectors."""
    one, two = np.frombuffer(stored, "<f4"), np.frombuffer(true, "<f4")
    if one.shape != two.shape:
        return False
    product = float(np.dot(one, two) / (np.linalg.norm(one) * np.linalg.norm(two) or 1))
    return product > 1 - 1e-5
