"""RB-4: export collections, whole, to a file that others can read too.

The suffix is the format: .json, .jsonl, .jsonl.zst, .parquet (one collection), none: a folder with
a Parquet file for each. Read twice and read back: exit 2, and no file, if somebody wrote meanwhile.
"""

from __future__ import annotations

import argparse
import dataclasses
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from chromadrill.backups.export.exporter import export, inventory
from chromadrill.core import cli
from chromadrill.core.model import Scope
from chromadrill.core.progress import on_stderr
from chromadrill.core.settings import load
from chromadrill.core.urls import without_password
from chromadrill.drill.connection import LONG_S, connect
from chromadrill.monitoring.backup_notice import noticed


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="backup_chromadb.py", description=__doc__)
    cli.add_server(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--collection-name", help="this collection alone")
    which.add_argument("--all", action="store_true", help="every collection of the scopes")
    which.add_argument("--inventory", action="store_true", help="metadata alone: no backup")
    parser.add_argument("--output-file", type=Path, help="the export to write")
    parser.add_argument("--retry", type=int, default=0, metavar="N", help="tries more when torn")
    asked = parser.parse_args(arguments)
    scopes = cli.scopes_of(asked) or (Scope(),)
    if asked.retry < 0:
        parser.error("--retry: 0 or more")
    if not (asked.inventory or asked.output_file):
        parser.error("--output-file is missing")
    url = cli.url_of(parser, asked)
    with _told(asked, url), connect(url, deadline_s=LONG_S) as chroma:
        if asked.inventory:
            found = [
                {**dataclasses.asdict(i), "count": chroma.count(i)}
                for i in inventory(chroma, scopes)
            ]
            cli.write_json({"collections": found}, asked.output_file)
            return cli.DONE
        done = export(
            chroma,
            asked.output_file,
            scopes=scopes,
            name=asked.collection_name,
            retry=asked.retry,
            progress=on_stderr,
        )
    counts = {key: each.count for key, each in done.fingerprint.collections.items()}
    cli.report(
        asked,
        [],
        cli.collections_json(counts, []),
        written=str(done.path),
        bytes=done.bytes,
        tries=done.tries,
    )
    return cli.DONE


def _told(asked: argparse.Namespace, url: str) -> AbstractContextManager[None]:
    """A backup of everything is noted and pings its heartbeat; a part of it is no backup."""
    return noticed(load(), without_password(url.rstrip("/"))) if asked.all else nullcontext()


if __name__ == "__main__":
    cli.run(main)
