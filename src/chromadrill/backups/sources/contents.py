"""What a fetch has left: one backup in its folder, and nothing that leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

from chromadrill.backups.sources.folder import backups_below
from chromadrill.core.errors import Unavailable

DEEPEST = 40  # folders of a whole path, as restic restores it
NAMED = 5  # things that a sentence names


def locate(into: Path, name: str) -> Path:
    """The one backup below `into`. `name`: what was fetched, in words.

    Raises Unavailable where there is none or several, where something lies beside `into`, and for a
    link that leads out of it: what is behind it is not in the backup, and may be production's own.
    """
    _require_contained(into, name)
    if not any(into.iterdir()):
        raise Unavailable(
            f"{name}: it left nothing in its folder.",
            next_step="Does the command put the backup into {into}?",
        )
    paths = list(backups_below(into, DEEPEST))
    if len(paths) == 1:
        return paths[0]
    if paths:
        names = ", ".join(sorted(str(path.relative_to(into)) for path in paths)[:NAMED])
        raise Unavailable(
            f"{name}: it holds {len(paths)} backups: {names}.",
            next_step="Name the one that is meant, restic: with #/PATH.",
        )
    names = ", ".join(sorted(entry.name for entry in into.iterdir())[:NAMED])
    raise Unavailable(
        f"{name}: no backup is in it, only {names}.",
        next_step="A backup is a data directory, a snapshot's folder, an export, or a tar of one.",
    )


def _require_contained(into: Path, name: str) -> None:
    beside = sorted(entry.name for entry in into.parent.iterdir() if entry.name != into.name)
    if into.is_symlink() or not into.is_dir():
        raise Unavailable(f"{name}: it replaced its folder by something else.")
    if beside:
        raise Unavailable(
            f"{name}: it wrote outside of its folder: {', '.join(beside[:NAMED])} lies beside it.",
            next_step="The command may write in {into} alone.",
        )
    inside = into.resolve()
    for parent, folders, names in os.walk(into):
        for entry in (Path(parent) / entry for entry in (*folders, *names)):
            if entry.is_symlink() and not entry.resolve().is_relative_to(inside):
                raise Unavailable(
                    f"{name}: {entry.relative_to(into)} is a link out of its folder, to"
                    f" {entry.readlink()}. What is there is not in the backup.",
                    next_step="Make the backup with the files themselves: cp -L, tar -h, rsync -L.",
                )
