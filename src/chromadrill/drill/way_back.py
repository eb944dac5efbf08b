"""RB-1 after a power cut, as on-call walks it: the shortest way back that is proven."""

from __future__ import annotations

from pathlib import Path

from chromadrill.backups import files
from chromadrill.drill.scenario import Drill
from chromadrill.targets.process.target import ProcessTarget


def walk_back(drill: Drill, target: ProcessTarget, snapshot_id: str, scratch: Path) -> str:
    """Bring the stopped target back; returns the way: nothing, replay or restore.

    The files are judged before the first start, which may crash or rewrite them.
    """
    way, replayed = "nothing", scratch / "replayed"
    if not drill.check("validate", "--path", str(target.data), "--all"):
        if drill.check("replay", "--path", str(target.data), "--into", str(replayed)):
            way = "replay"
            with target.volume() as data:
                files.empty(data)
                files.copy_tree(replayed, data)
        else:
            way = "restore"
            drill.ops("restore", snapshot_id)
    drill.ops("start")
    drill.note("way back", way=way)
    return way
