"""What a block snapshot has of the volume of a server that runs. A stand-in, made without a disk.

A platform copies blocks of a disk. What a server wrote, and nobody synced, is not among them. Here is
no disk to copy, so the snapshot is put together from what is known:

- The database is as of its last commit, since SQLite syncs each. It is copied under SQLite's lock.
- Of index files the pages count that the kernel has written to this machine's disk. It tells which
  are in memory alone; a sync of the volume, by a flusher or anybody, shows. Where it does not tell, what
  was written within the last 30 s counts as in memory.
- A page in memory alone is as it was when the volume was mounted, or backed up, last. What the file
  did not have then is missing: the file ends before it, or has zeros.

So vectors are lost where a power cut loses them. It is not what Railway's disks do: nobody outside has
seen those, nor in which order they write.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from chromadrill.backups.hot_copy.write_lock import DATABASE, sqlite_lock
from chromadrill.targets.railway.simulator.page_cache import in_memory_alone, tells_memory


def remember(volume: Path, kept: Path) -> None:
    """Keep what the index files of a volume are: all of it is on the disk, as after a mount."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for folder in _segments(volume):
        shutil.copytree(folder, kept / folder.name)


def take(volume: Path, kept: Path, into: Path) -> None:
    """Put together what a block snapshot has of `volume`, whose server runs; `kept`: see `remember`."""
    is_told = tells_memory(volume.parent)
    into.mkdir(parents=True)
    with sqlite_lock(volume) if (volume / DATABASE).is_file() else contextlib.nullcontext():
        for path in volume.iterdir():
            if path.is_file():
                with contextlib.suppress(FileNotFoundError):  # a journal that just ended
                    shutil.copyfile(path, into / path.name)
        for folder in _segments(volume):
            (into / folder.name).mkdir()
            for path in folder.iterdir():
                before = kept / folder.name / path.name
                with contextlib.suppress(FileNotFoundError):
                    content = on_disk(path, before, is_told=is_told)
                    (into / folder.name / path.name).write_bytes(content)
    remember(into, kept)


def on_disk(path: Path, before: Path, *, is_told: bool) -> bytes:
    """What of a file is on the disk; `before`: the file as it last was there, where it was."""
    in_memory = in_memory_alone(path, is_told=is_told)
    content = bytearray(path.read_bytes())
    old = before.read_bytes() if before.is_file() else b""
    end = len(content)
    for begin, stop in reversed(in_memory):
        known = old[begin:stop]
        content[begin:stop] = known.ljust(stop - begin, b"\0")
        if stop >= end:  # nothing that is on the disk comes after it
            end = begin + len(known)
    return bytes(content[:end])


def _segments(volume: Path) -> list[Path]:
    return [path for path in volume.iterdir() if path.is_dir()]
