"""A rebuild in a process of its own that ends itself with SIGKILL at a named moment.

python -m tests.recovery.rebuild.killed_run CHROMA DATABASE MOMENT COUNT LOG: at the COUNT-th call
of MOMENT (embed, upsert, prove, rename), before it is made. What was embedded is in LOG, a line a text.
"""

import os
import signal
import sys
from pathlib import Path

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.core.settings import SourceTable
from chromadrill.recovery import verify
from chromadrill.recovery.name_swap import undo_half_swap
from chromadrill.recovery.rebuild import rebuild
from chromadrill.recovery.rebuild_task import RebuildTask
from chromadrill.recovery.sources.postgresql import open_table
from tests.recovery.rebuild.hash_model import HashModel


def dying(call, count):
    left = [count]

    def counted(*args, **kwargs):
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)

    return counted


def main(url, database, moment, count, log):
    model, task = HashModel(), RebuildTask(Scope(), "docs", batch_size=8)
    embed = model.embed

    def logged(texts):
        made = embed(texts)
        with Path(log).open("a") as file:
            file.writelines(f"{each}\n" for each in texts)
        return made

    model.embed = logged
    with Chroma(url) as chroma:
        if moment == "embed":
            model.embed = dying(logged, int(count))
        elif moment == "prove":
            verify.prove = dying(verify.prove, int(count))
        else:
            name = {"rename": "rename_collection"}.get(moment, moment)
            setattr(chroma, name, dying(getattr(chroma, name), int(count)))
        with open_table(database, SourceTable(batch=25)) as source:
            undo_half_swap(chroma, task)
            rebuild(chroma, source, model, task)


if __name__ == "__main__":
    main(*sys.argv[1:])
