"""A disk whose power can be cut while a server runs on it: what is on it then is an image.

Two file systems in files lie one in the other. The server's is in the inner file (ext4 or another,
default options). To cut, the outer one is frozen: from then on no write reaches the inner file, and
the image of it is that of one instant. Copied without a freeze it would be torn: no disk looks so.
What was on its way to the inner disk when the freeze came is not in the image, as after a power cut
of a disk without a cache of its own; a block snapshot sees the same.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core import process_tags
from chromadrill.targets.disk.mounts import PREFIX, mounted, require_mounts, run_tool, sweep

# below 512 MB mkfs.ext4 takes blocks of 1 KB, which no server's disk has
MEGABYTES = 640
MB = 1024 * 1024
INNER = "disk.img"


@dataclass(frozen=True, slots=True)
class CutDisk:
    """`folder`: where the disk is mounted, for a server's data. `scratch`: room beside it, not on it."""

    folder: Path
    scratch: Path
    _outer: Path
    kind: str = "ext4"

    def cut(self, into: Path, *, at_cut: Callable[[], None] = lambda: None) -> Path:
        """Write the image of this instant to the file `into`. The server goes on, and knows nothing.

        `at_cut` is called at that instant: no write can reach the disk, so none is acknowledged later
        that the image does not have.
        """
        run_tool("fsfreeze", "--freeze", str(self._outer))
        try:
            at_cut()
            _copy_sparse(self._outer / INNER, into)
        finally:
            run_tool("fsfreeze", "--unfreeze", str(self._outer))
        return into

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server's own file system is synced and takes no write: `fsfreeze`, as for a snapshot."""
        run_tool("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            run_tool("fsfreeze", "--unfreeze", str(self.folder))


@contextmanager
def cut_disk(megabytes: int = MEGABYTES, *options: str, kind: str = "ext4") -> Iterator[CutDisk]:
    """A new, empty disk of that size, mounted with `options`; removed afterwards.

    `kind`: its file system, ext4, xfs or btrfs. Raises Unavailable where there can be none.
    """
    sweep()
    require_mounts()
    require_mounts(kind)
    scratch = process_tags.new_folder(PREFIX)
    try:
        outer = scratch / "outer.img"
        _make_file(outer, megabytes + 64)
        # without a journal: what is written twice would be written four times
        run_tool("mkfs.ext4", "-q", "-O", "^has_journal", str(outer))
        with mounted(outer, scratch / "outer") as around:
            _make_file(around / INNER, megabytes)
            run_tool(f"mkfs.{kind}", "-q", str(around / INNER))
            with mounted(around / INNER, scratch / "disk", *options) as folder:
                yield CutDisk(folder, scratch, around, kind)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def recover_data(image: Path, name: str, into: Path, kind: str = "ext4") -> Path:
    """Mount the image, which recovers its file system, and copy its folder `name` to `into`.

    The disk that it is of may be mounted meanwhile. Raises Unavailable where it cannot be mounted.
    """
    # xfs refuses a second one with the same id; ext4 and btrfs (since Linux 6.7) do not
    options = ("nouuid",) if kind == "xfs" else ()
    with mounted(image, image.with_suffix(".mounted"), *options) as folder:
        if not (folder / name).is_dir():
            into.mkdir()  # the folder itself was not on the disk yet: there is no data
            return into
        shutil.copytree(folder / name, into)
    return into


def _make_file(file: Path, megabytes: int) -> None:
    with file.open("wb") as empty:
        empty.truncate(megabytes * MB)


def _copy_sparse(source: Path, into: Path) -> None:
    """Copy what is allocated alone: of 640 MB that is 10 to 50."""
    with source.open("rb") as file, into.open("wb") as copy:
        size = file.seek(0, os.SEEK_END)
        copy.truncate(size)
        end = 0
        while end < size:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                return  # nothing but a hole is left
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            os.lseek(copy.fileno(), begin, os.SEEK_SET)
            while begin < end:  # not copy_file_range: it refuses to leave a file system
                begin += os.sendfile(copy.fileno(), file.fileno(), begin, end - begin)
