"""chromadrill: restore drills for ChromaDB. The engine: knows neither pytest nor locust."""

import os
import sys

__all__ = ["__version__"]

# httpx imports its own command line with itself: click, rich and pygments, 60 ms of processor time
# for every command of ours. It does without, where that module cannot be imported.
if "httpx" not in sys.modules:
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

# OpenBLAS wakes a thread for every core, which spins while it waits: the products of a fingerprint
# cost six to twelve times the processor time on two cores, and are no sooner done. numpy reads this
# once, when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# pyarrow's own allocator keeps what was freed: 245 MB instead of 175 for 100,000 records.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module 'chromadrill' has no attribute '{name}'")
    from importlib.metadata import version  # slow, and needed by few

    return version("chromadrill")
