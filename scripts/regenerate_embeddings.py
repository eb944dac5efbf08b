"""Embed every document of a source anew, prove it, and swap the collection.

As rebuild_chromadb.py, but no vector is taken over: for vectors that are damaged or doubted.
"""

from __future__ import annotations

from chromadrill.commands import rebuild
from chromadrill.core import cli


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="regenerate_embeddings.py", description=__doc__)
    rebuild.add_rebuild(parser)
    parser.add_argument("--source", metavar="NAME", required=True, help="[source.NAME]")
    parser.add_argument(
        "--from-documents", action="store_true", help="of the collection itself, not PostgreSQL"
    )
    asked = parser.parse_args(arguments)
    return rebuild.run(
        parser,
        asked,
        source_name=asked.source,
        fresh=True,
        from_documents=asked.from_documents,
    )


if __name__ == "__main__":
    cli.run(main)
