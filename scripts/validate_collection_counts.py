"""RB-5: does the collection hold enough records? Exit 0 yes, 1 no, 2 could not check."""

from __future__ import annotations

from chromadrill.checks.objectives import at_least
from chromadrill.core import cli
from chromadrill.drill.collection_counts import collection_counts
from chromadrill.drill.connection import connect


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="validate_collection_counts.py", description=__doc__)
    cli.add_server(parser)
    parser.add_argument("--expected-min", type=int, default=1000, help="records at least (1000)")
    parser.add_argument("--collection-name", help="default: bmad_embeddings if there, else all")
    asked = parser.parse_args(arguments)
    with connect(cli.url_of(parser, asked)) as chroma:
        counted = collection_counts(chroma, cli.scopes_of(asked), asked.collection_name)
    verdict = at_least("counts", sum(counted.values()), asked.expected_min, unit="records")
    cli.report(asked, [verdict], cli.collections_json(counted, [verdict]))
    return cli.EXIT[verdict.outcome]


if __name__ == "__main__":
    cli.run(main)
