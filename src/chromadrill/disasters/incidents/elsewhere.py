"""Incidents that other suites rebuild: each needs an engine, a model, or minutes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RebuiltElsewhere:
    """`file` of this repository rebuilds what people reported in `sources`."""

    name: str
    symptom: str
    sources: tuple[str, ...]
    file: str


ELSEWHERE = (
    RebuiltElsewhere(
        "disk full",
        "Database or disk is full, with terabytes free; then reads of every collection hang.",
        ("chroma-core/chroma#1693", "chroma-core/chroma#2247"),
        "suites/container/test_disk_full.py",
    ),
    RebuiltElsewhere(
        "killed for want of memory",
        "The server was killed at its first query, again and again.",
        ("chroma-core/chroma#1197", "thedotmack/claude-mem#3202"),
        "suites/container/test_out_of_memory.py",
    ),
    RebuiltElsewhere(
        "data beside the volume",
        "The image wrote to a folder that no volume was mounted at: gone with the container.",
        ("odysseus-dev/odysseus#6132", "neomjs/neo#16208"),
        "suites/container/test_wrong_mount.py",
    ),
    RebuiltElsewhere(
        "copied while it was written to",
        "A backup of a running server could not be opened.",
        ("markmhendrickson/neotoma#2075", "chroma-core/chroma#7047"),
        "suites/hot_copy/test_hot_copy.py",
    ),
    RebuiltElsewhere(
        "upgrade and downgrade",
        "Data of another release: columns that are not there, servers that panic.",
        ("chroma-core/chroma#2144", "chroma-core/chroma#2837", "MemPalace/mempalace#457"),
        "suites/compat/test_releases.py",
    ),
    RebuiltElsewhere(
        "watermark passes the failed rows",
        "Some rows failed once, newer ones succeeded: the older ones were never tried again.",
        ("thedotmack/claude-mem#3917", "thedotmack/claude-mem#3710"),
        "tests/recovery/rebuild/test_rebuild.py",
    ),
)
