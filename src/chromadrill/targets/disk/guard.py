"""Unmounts what a killed process left mounted: `python -m chromadrill.targets.disk.guard TAG`.

TAG names the process that it watches (`process_tags`). Where that ends as it should it ends the guard
as well; where it is killed, nothing of its disks is left a few seconds later.
"""

from __future__ import annotations

import sys
import time

from chromadrill.core import process_tags
from chromadrill.targets.disk.mounts import sweep

EVERY_S = 0.3
SWEEPS = 3


def main() -> None:
    """Wait for the end of the owner, then sweep, three times."""
    owner = sys.argv[1]
    while not process_tags.is_dead(owner):
        time.sleep(EVERY_S)
    for _ in range(SWEEPS):  # a `mount` that was on its way outlives who started it
        sweep()
        time.sleep(1.0)


if __name__ == "__main__":
    main()
