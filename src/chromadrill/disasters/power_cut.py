"""The power of a server's disk is cut: what was in memory alone is gone, the machine starts again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from chromadrill.backups import files
from chromadrill.core.errors import DrillError
from chromadrill.core.model import Acknowledged
from chromadrill.core.protocols import Target
from chromadrill.targets.disk.cut_disk import CutDisk, cut_disk, recover_data
from chromadrill.targets.disk.placed import placed_on
from chromadrill.targets.process.target import ProcessTarget

DATA = "data"


@dataclass(slots=True)
class PowerCutOfServer:
    """`disk`: where the server's data lie. The server is left stopped, as after a machine's reset.

    `acknowledged`: read at the moment of the cut. `before`: those writes.
    """

    disk: CutDisk
    acknowledged: Callable[[], list[Acknowledged]]
    before: list[Acknowledged] = field(default_factory=list)
    name: str = "power-cut"
    what: str = "the power is cut; what was in memory alone is gone"

    def __str__(self) -> str:
        return self.name

    def inject(self, target: Target) -> None:
        if not isinstance(target, ProcessTarget):
            raise DrillError(
                f"{target.name} does not run on a disk of its own: it has no power to cut."
            )
        image = self.disk.scratch / "power-cut.img"
        self.disk.cut(image, at_cut=lambda: self.before.extend(self.acknowledged()))
        target.kill()
        recovered = recover_data(image, DATA, self.disk.scratch / "recovered", self.disk.kind)
        with target.volume() as data:
            files.empty(data)
            files.copy_tree(recovered, data)
        shutil.rmtree(recovered)
        image.unlink()


@contextmanager
def on_own_disk(target: Target) -> Iterator[CutDisk]:
    """The running target's data are moved to a disk of its own, for as long as that is needed.

    Raises Unavailable where no disk can be made, DrillError for a target that is no process of ours.
    """
    if not isinstance(target, ProcessTarget):
        raise DrillError(f"{target.name} cannot be put on a disk of its own.")
    with cut_disk() as disk, placed_on(target, disk.folder / DATA):
        yield disk
