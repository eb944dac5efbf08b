"""A server of ours is moved to a disk of its own, and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chromadrill.core.errors import DrillError
from chromadrill.core.protocols import Target
from chromadrill.targets.process.target import ProcessTarget


@contextmanager
def placed_on(target: Target, data: Path) -> Iterator[ProcessTarget]:
    """The running target's data lie in the folder `data` of a disk, for as long as that is needed.

    What they were is gone afterwards, and the target is left stopped. Raises DrillError for a target
    that is no process of ours.
    """
    if not isinstance(target, ProcessTarget):
        raise DrillError(f"{target.name} cannot be put on a disk of its own.")
    target.stop()
    shutil.copytree(target.data, data, dirs_exist_ok=True)
    shutil.rmtree(target.data)
    target.data.symlink_to(data)
    try:
        target.start()
        yield target
    finally:
        target.kill()
        target.data.unlink()
        with suppress(DrillError):
            target.data.mkdir()
