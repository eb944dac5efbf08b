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
    """`call`, which kills this process when it is called for the `count`-th time."""
    calls = 0

    def call_or_die(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)

    return call_or_die


def main(url, database, moment, count, log):
    model, task = HashModel(), RebuildTask(Scope(), "docs", batch_size=8)
    embed = model.embed

    def embed_and_log(texts):
        vectors = embed(texts)
        with Path(log).open("a") as file:
            file.writelines(f"{text}\n" for text in texts)
        return vectors

    model.embed = embed_and_log
    with Chroma(url) as chroma:
        if moment == "embed":
            model.embed = dying(embed_and_log, int(count))
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
