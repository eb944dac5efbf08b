"""RB-4: bring an export back over the API, and prove it before it gets its name.

Only into places that are empty; a file that was cut or altered is refused before anything is made.
"""

from __future__ import annotations

from pathlib import Path

from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.importer import restore
from chromadrill.backups.export.staging import plan
from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.progress import on_stderr
from chromadrill.core.settings import load
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.targets.guarded import require_may_import


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="restore_chromadb.py", description=__doc__)
    cli.add_server(parser)
    parser.add_argument("--input-file", type=Path, required=True, help="an export")
    parser.add_argument("--into", metavar="NAME", help="another name, beside the original")
    parser.add_argument(
        "--incident", metavar="URL", help="production too: for a person, by its url"
    )
    asked = parser.parse_args(arguments)
    url = cli.url_of(parser, asked)
    require_may_import(load(), url, asked.incident)
    scopes = cli.scopes_of(asked)
    if len(scopes) > 1:
        raise UsageError("--scope: an export is restored into one scope, or where it came from.")
    scope = scopes[0] if scopes else None
    export = open_export(asked.input_file)
    with connect(url, deadline_s=LONG_S, incident=asked.incident) as chroma:
        verdicts = restore(chroma, export, into=asked.into, scope=scope, progress=on_stderr)
    moves = plan(export, into=asked.into, scope=scope)
    counts = {move.to: export.fingerprint.collections[move.key].count for move in moves}
    cli.report(asked, verdicts, cli.collections_json(counts, verdicts))
    return cli.EXIT[outcome_of(verdicts)]


if __name__ == "__main__":
    cli.run(main)
