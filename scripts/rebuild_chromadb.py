"""RB-3: make a collection again from PostgreSQL, prove it, and give it its name.

It is filled as NAME.rebuilding; the same command after a kill goes on, and embeds nothing twice.
What had the name is kept as NAME.before-rebuild. DATABASE_URL names the database, [source] of
drill.toml the table.
"""

from __future__ import annotations

from chromadrill.commands import rebuild
from chromadrill.core import cli


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="rebuild_chromadb.py", description=__doc__)
    rebuild.add_rebuild(parser)
    parser.add_argument("--from-postgresql", action="store_true", required=True)
    parser.add_argument("--source", metavar="NAME", help="[source.NAME]; default: [source]")
    parser.add_argument(
        "--since", metavar="TIME", help="embed only rows changed since, else refuse"
    )
    asked = parser.parse_args(arguments)
    since = rebuild.moment(asked.since) if asked.since else None
    return rebuild.run(parser, asked, source_name=asked.source, since=since)


if __name__ == "__main__":
    cli.run(main)
