"""Is this database what it was? Exit 0 proven, 1 it differs, 2 could not check."""

from __future__ import annotations

from pathlib import Path

from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.core import cli
from chromadrill.drill.validate import validate


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="validate_chromadb.py", description=__doc__)
    cli.add_server(parser, at_rest=True)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--collection-name", help="this collection alone")
    which.add_argument("--all", action="store_true", help="every collection of the scopes")
    parser.add_argument("--fingerprint", type=Path, help="what it has to be equal to")
    parser.add_argument("--serve", action="store_true", help="also serve a private copy of --path")
    parser.add_argument(
        "--rebuilt",
        action="store_true",
        help="vectors were embedded anew: cosine >= 0.9999 will do",
    )
    asked = parser.parse_args(arguments)
    if asked.rebuilt and not (asked.fingerprint and asked.url and not asked.path):
        parser.error("--rebuilt needs --fingerprint and --url")
    before = fingerprint_file.load(asked.fingerprint) if asked.fingerprint else None
    seen, verdicts = validate(
        cli.source_of(parser, asked),
        cli.scopes_of(asked),
        before,
        asked.collection_name,
        serve=asked.serve,
        rebuilt=asked.rebuilt,
    )
    cli.report(asked, verdicts, cli.collections_json(seen, verdicts))
    return cli.EXIT[outcome_of(verdicts)]


if __name__ == "__main__":
    cli.run(main)
