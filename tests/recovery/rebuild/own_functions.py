"""Functions of the user's: embedder and `[source] split`; some that nobody should write."""

import itertools
import random

from tests.recovery.rebuild.hash_model import HashModel

CALLS = itertools.count()


def hash_model(texts):
    return HashModel().embed(list(texts))


def words_of_two(row):
    words = row["content"].split()
    return [" ".join(words[at : at + 2]) for at in range(0, len(words), 2)]


def named_pieces(row):
    """Generated, with metadata of their own."""
    for number, word in enumerate(row["content"].split()):
        row_metadata = row["metadata"] or {}
        yield {"id": f"{row['id']}/{word}-{number}", "content": word,
               "metadata": {"part": number, **row_metadata}, "uri": f"docs://{row['id']}"}  # fmt: skip


def none_of_odd_rows(row):
    return [] if int(row["id"][1:]) % 2 else [row["content"]]


def same_id_everywhere(row):
    return [{"id": "piece", "content": row["content"]}]


def at_random(row):
    return [f"{row['content']} {random.random()}"]


def by_a_counter(row):
    """The same twice, and other ones once all rows were asked for twice."""
    late = next(CALLS) >= 120
    return [f"{row['content']}{' late' if late else ''}"]


def raises(row):
    return [row["content"][: 10 // (int(row["id"][1:]) - 7)]]


def text_alone(row):
    return row["content"]


def no_content(row):
    return [{"id": row["id"], "text": row["content"]}]


def empty_id(row):
    return [{"id": "", "content": row["content"]}]


def odd_metadata(row):
    return [{"id": row["id"], "content": row["content"], "metadata": {"": 1}}]


NO_FUNCTION = 7
