"""1,000 seeded divergences are 1,000 findings by their kinds; churned but equal stores have none."""

import random
import threading

import numpy as np
import psycopg
import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from tests.recovery.reconcile.word_model import WordModel

pytestmark = pytest.mark.slow
WORDS = [f"word{n}" for n in range(400)]
ROWS, EACH = 3000, 100


def text_of(rng):
    """Some words of one of ten fields: texts of a field are near, as with any embedder."""
    field = rng.randrange(10)
    return " ".join(rng.choices(WORDS[field::10], k=rng.randint(12, 30)))


class Both:
    """A table and its collection, written as an application writes them."""

    def __init__(self, sql, chroma, model, info):
        self.sql, self.chroma, self.model, self.info = sql, chroma, model, info
        self.texts = {}

    def put(self, ids, texts, metadatas):
        self.rows(ids, texts, metadatas)
        self.records(ids, texts, metadatas)

    def rows(self, ids, texts, metadatas):
        with self.sql.cursor() as cursor:
            cursor.executemany(
                "insert into manual_content (id, content, metadata) values (%s, %s, %s)"
                " on conflict (id) do update set content = excluded.content,"
                " metadata = excluded.metadata",
                [
                    (i, t, psycopg.types.json.Jsonb(m))
                    for i, t, m in zip(ids, texts, metadatas, strict=True)
                ],
            )

    def records(self, ids, texts, metadatas, vectors=None):
        vectors = self.model.embed(texts) if vectors is None else np.stack(vectors)
        self.chroma.upsert(
            self.info, ids=ids, vectors=vectors, documents=texts, metadatas=metadatas
        )
        self.texts.update(zip(ids, texts, strict=True))

    def delete(self, ids):
        self.sql.execute("delete from manual_content where id = any(%s)", [ids])
        self.chroma.delete(self.info, ids)


@pytest.fixture
def both(store):
    store.sql("drop table manual_content")
    store.sql(
        "create table manual_content (id text primary key, content text, metadata jsonb,"
        " updated_at timestamptz default now())"
    )
    store.chroma.delete_collection(Scope(), "docs")
    info = store.chroma.create_collection(Scope(), "docs", hnsw={"space": "cosine"})
    connection = psycopg.connect(store.url, autocommit=True)
    yield Both(connection, store.chroma, store.model, info)
    connection.close()


def fill(both, rng, count=ROWS):
    ids = [f"r{n:05d}" for n in range(count)]
    for start in range(0, count, 500):
        part = ids[start : start + 500]
        both.put(
            part, [text_of(rng) for _ in part], [{"n": n, "f": n / 2} for n in range(len(part))]
        )
    return ids


def test_thousand_seeded_divergences_are_named_by_their_kinds(both, compare):
    rng = random.Random(21)
    ids = fill(both, rng)
    chosen = rng.sample(ids, 7 * EACH)
    (text, metadata, gone, model, copied, one, other) = (
        chosen[start : start + EACH] for start in range(0, 7 * EACH, EACH)
    )
    old = rng.sample(sorted({*ids} - {*chosen}), 2 * EACH)
    wanted = {}

    def expect(kind, records):
        wanted.update({record: [kind] for record in records})

    missing, orphaned = ([f"{kind}{n}" for n in range(EACH)] for kind in "mo")
    both.rows(missing, [text_of(rng) for _ in missing], [{}] * EACH)
    both.records(orphaned, [text_of(rng) for _ in orphaned], [{"n": 1}] * EACH)
    expect("missing", missing + gone)
    expect("orphaned", orphaned)
    both.chroma.delete(both.info, gone)
    both.sql.execute(
        "update manual_content set content = content || '.' where id = any(%s)", [text]
    )
    expect("stale text", text)
    both.sql.execute(
        "update manual_content set metadata = '{\"n\": 1.5}' where id = any(%s)", [metadata]
    )
    expect("stale metadata", metadata)

    def revector(records, vectors):
        raw = both.chroma.get(both.info, ids=records, include=("metadatas",))
        known = dict(zip(raw["ids"], raw["metadatas"], strict=True))
        texts = [both.texts[record] for record in records]
        both.records(records, texts, [known[record] for record in records], vectors)

    def vectors(records):
        return both.model.embed([both.texts[record] for record in records])

    revector(model, WordModel("fruit").embed([both.texts[record] for record in model]))
    expect("vector of another model", model)
    revector(copied, vectors(one))  # copies of others, and swapped pairs
    first, second = vectors(one), vectors(other)
    revector(one, second)
    revector(other, first)
    # the text was changed on both sides, and nobody made its vector anew
    before = vectors(old)
    texts = [text_of(rng) for _ in old]
    both.rows(old, texts, [{"n": 1}] * len(old))
    both.records(old, texts, [{"n": 1}] * len(old), before)
    both.chroma.update_metadata(both.info, old, [{"f": None}] * len(old))
    expect("vector of another document", copied + one + other + old)

    assert len(wanted) == 1100
    code, _, lines = compare("--embed", "all")
    assert code == 1
    assert {line["id"]: line["kinds"] for line in lines} == wanted
    owners = {line["id"]: line.get("vector_of") for line in lines}
    assert [owners[record] for record in one] == other
    assert [owners[record] for record in other] == one
    assert [owners[record] for record in copied] == one


def test_twenty_churned_but_equal_stores_have_no_difference(both, compare):
    for number in range(20):
        rng = random.Random(number)
        ids = fill(both, rng, 150)
        for _ in range(3):
            some = rng.sample(ids, 60)
            both.delete(some[:20])
            both.put(
                some[10:], [text_of(rng) for _ in some[10:]], [{"n": rng.random()}] * len(some[10:])
            )
            # an update merges metadata: what is no longer in the row has to go
            both.chroma.update_metadata(both.info, some[10:], [{"f": None}] * len(some[10:]))
        code, answer, lines = compare("--embed", "all", "--memory", "vectors.arrow")
        assert (code, lines) == (0, []), (number, answer)


def test_writers_on_both_sides_are_no_differences(both, compare):
    """Rows are written first and records some milliseconds later, as most applications do."""
    ids = fill(both, random.Random(1), 1500)
    stop = threading.Event()

    def write(seed):
        rng = random.Random(seed)
        with (
            psycopg.connect(both.sql.info.dsn, autocommit=True) as sql,
            Chroma(both.chroma.url) as chroma,
        ):
            mine = Both(sql, chroma, WordModel(), both.info)
            own = [record for n, record in enumerate(ids) if n % 2 == seed]
            number = 0
            while not stop.is_set():
                number += 1
                some = rng.sample(own, 3)
                mine.put(some[:2], [text_of(rng), text_of(rng)], [{"n": number, "f": 0.5}] * 2)
                mine.put([f"new{seed}-{number}"], [text_of(rng)], [{"n": number}])
                mine.delete([some[2]])
                own.remove(some[2])

    writers = [threading.Thread(target=write, args=(seed,)) for seed in (0, 1)]
    for writer in writers:
        writer.start()
    try:
        results = [compare("--embed", "200", "--settle", "2") for _ in range(3)]
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    assert [(code, lines) for code, _, lines in results] == [(0, [])] * 3, results[0][1]
