"""A collection whose configuration names its embedding function, lost and rebuilt as one types it."""

import json

from chromadrill.chroma.fingerprint import fingerprint_file, live
from chromadrill.core.model import Scope
from tests.commands.run import exit_code
from tests.embedding.servers import KEY, WordModel

TEXTS = [
    f"document {n} about {'abc'[n % 3] * (n % 9 + 1)}" for n in range(60)
]  # the rows of `table`


class Command:
    """`chromadrill rebuild` for the collection `docs`, in this process; what it printed."""

    def __init__(self, capsys):
        self._capsys, self.answer, self.errors = capsys, {}, ""

    def __call__(self, *options, name="rebuild"):
        words = (
            ("rebuild", "--from-postgresql", "--collection-name", "docs")
            if name == "rebuild"
            else ("regenerate", "--source", "manual_content", "--collection-name", "docs")
        )
        code = exit_code(*words, "--json", *options)
        printed = self._capsys.readouterr()
        self.answer, self.errors = json.loads(printed.out or "{}"), printed.err
        assert "Traceback" not in printed.err
        assert KEY not in printed.out + printed.err
        return code


def make(table, function, *, texts=TEXTS, model=None, metadata=None):
    """The collection as its users made it: with their function, and without our metadata."""
    info = table.chroma.create_collection(
        Scope(), "docs", hnsw={"space": "cosine"}, embedding_function=function, metadata=metadata
    )
    table.chroma.upsert(
        info,
        ids=[f"r{number}" for number in range(len(texts))],
        vectors=(model or WordModel()).embed(texts),
        documents=texts,
    )
    return info


def lose(table, tmp_path):
    """Take the fingerprint of the collection, and lose it."""
    path = tmp_path / "before.fingerprint"
    fingerprint_file.save(live.fingerprint(table.chroma, [Scope()]), path)
    table.chroma.delete_collection(Scope(), "docs")
    return path
