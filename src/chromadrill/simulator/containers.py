"""A deployment's container: one real Chroma server on a volume's directory, on the service's port."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from chromadrill.targets.home import MARKER
from chromadrill.targets.process import ProcessTarget

DATA = "/data"  # where Chroma 1.x keeps its data; a volume mounted elsewhere is not used


def container(home: Path, *, volume: Path, mount_path: str, port: int) -> ProcessTarget:
    """A stopped server, which ends with this process however that ends."""
    home.mkdir(parents=True)
    (home / MARKER).write_text(json.dumps({"port": port, "created": time.time(), "id": home.name}))
    made = ProcessTarget(home, name=home.name, owner=os.getpid())
    if mount_path == DATA:
        made.data = volume
    return made
