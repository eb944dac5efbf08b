"""Take the fingerprint of a server: what it holds and how it answers. Only reads."""

from __future__ import annotations

from pathlib import Path

from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core import cli
from chromadrill.drill.fingerprint import take_fingerprint


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="fingerprint_chromadb.py", description=__doc__)
    cli.add_server(parser, at_rest=True)
    parser.add_argument("--output", type=Path, required=True, help="the fingerprint file to write")
    asked = parser.parse_args(arguments)
    taken = take_fingerprint(cli.source_of(parser, asked), cli.scopes_of(asked))
    fingerprint_file.save(taken, asked.output)
    counts = {key: each.count for key, each in taken.collections.items()}
    cli.report(asked, [], cli.collections_json(counts, []), written=str(asked.output))
    return cli.DONE


if __name__ == "__main__":
    cli.run(main)
