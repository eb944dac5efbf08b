"""Sync the volume the moment that the server has written index files.

The server writes the index files, then says in its database (synced) that they have the vectors, then
forgets its own copy of them. A sync by the clock alone leaves the time from there to its next tick: a
cut in it loses the vectors of the whole collection (measured).
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from chromadrill.backups.flusher import kernel

STOP_EVERY_S = 0.2
# The list of ids, which is written last: the other files stay open, and are written in place. A sync
# in between would put half of an index on the disk, where the old one was whole (measured).
LAST = "index_metadata.pickle"
WRITTEN = kernel.CLOSED_AFTER_WRITE | kernel.MOVED_IN


class IndexWatch:
    """Watches the segment folders of a data directory until it is left.

    `syncs`: how often it synced the volume. `error`: why it can no longer.
    """

    def __init__(self, data: Path) -> None:
        self._data, self.syncs = data, 0
        self.error: OSError | None = None
        self._stop = threading.Event()
        self._queue = kernel.new_queue()
        self._segments: dict[int, Path] = {}
        self._top = kernel.watch(self._queue, data, kernel.CREATED | kernel.MOVED_IN)
        for folder in data.iterdir():
            self._watch_segment(folder)
        self._thread = threading.Thread(target=self._run, name="index watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        os.close(self._queue)

    def handle_events(self) -> None:
        """Sync, once, if an index was written since the last time."""
        is_written = False
        for event in kernel.read_events(self._queue):
            if event.watch == self._top:
                # what was written to a new folder before its watch began is synced with it
                is_written |= self._watch_segment(self._data / event.name)
            else:
                is_written |= event.watch in self._segments and event.name == LAST
        if is_written:
            kernel.sync_volume(self._data)
            self.syncs += 1

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if select.select([self._queue], [], [], STOP_EVERY_S)[0]:
                    self.handle_events()
        except OSError as error:
            self.error = error

    def _watch_segment(self, folder: Path) -> bool:
        # the database lies in the directory itself, and is synced by the server
        if folder.is_dir():
            with contextlib.suppress(FileNotFoundError):  # dropped meanwhile
                self._segments[kernel.watch(self._queue, folder, WRITTEN)] = folder
                return True
        return False
