"""The swap that gives a proven collection its name, and the undoing of one that was killed half-way.

Between the two renames of a swap nobody has the name. Whenever it is killed, both collections exist.
"""

from __future__ import annotations

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.swap_names import take_name
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import CollectionInfo
from chromadrill.recovery.rebuild_task import RebuildTask


def undo_half_swap(chroma: Chroma, task: RebuildTask) -> bool:
    """Undo the swap that a killed run left half done; True if there was one. Raises CallFailed.

    The collection that was to take the name is still there then. Where it is not, somebody removed
    the old collection or gave the copy that name: raises Refused, since only they know (`drop_old`
    says: make it anew).
    """
    infos = {info.name: info for info in chroma.collections(task.scope)}
    if task.name in infos or task.aside not in infos:
        return False
    if not any(name in infos for name in task.staging_names):
        if task.drop_old:
            return False
        raise Refused(
            f"There is no {task.key}, but {task.aside}, the copy from before an earlier rebuild; no"
            " swap was left half done. Nothing was touched.",
            next_step=f"Give that copy the name (collection.modify(name={task.name!r})), or run with"
            " --drop-old: the collection is made anew, and the copy goes once it is proven.",
        )
    chroma.rename_collection(infos[task.aside], task.name)
    return True


def swap(
    chroma: Chroma,
    task: RebuildTask,
    staged: CollectionInfo,
    *,
    live: CollectionInfo | None,
    aside: CollectionInfo | None,
) -> str | None:
    """Give `staged` the name; returns what the collection that had it is called now, if it is kept.

    `aside`: the copy from before an earlier rebuild; it goes only with `drop_old`. Raises
    Unavailable where the server fails half-way.
    """
    if live and aside:  # --drop-old
        chroma.delete_collection(task.scope, task.aside)
    try:
        old = take_name(chroma, staged, task.name, task.aside)
    except CallFailed as error:
        raise Unavailable(
            f"{chroma.url}: {error}. The swap was not finished: {task.staging} is proven, what"
            f" had the name is called {task.name} or {task.aside}.",
            next_step="The same command settles it.",
        ) from error
    if task.drop_old and (old or (aside and not live)):
        chroma.delete_collection(task.scope, task.aside)
        return None
    return f"{task.scope}/{task.aside}" if old else None
