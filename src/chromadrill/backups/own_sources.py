"""Which of the sources of `[backups.NAME]` hold the backups of a target."""

from __future__ import annotations

from chromadrill.core.settings import BackupTable, Settings
from chromadrill.core.urls import plain_url


def sources_of(settings: Settings, name: str, url: str | None = None) -> dict[str, BackupTable]:
    """The sources whose `target` is the target `name`, or the server at `url`, by their names.

    A table without `target` is of the target that has its name. Tables that keep recordings alone
    are left out.
    """
    mine = {plain_url(known) for known in (name, url) if known}
    found = {}
    for source, table in settings.backups.items():
        owner = table.target or source
        target = settings.targets.get(owner)
        owners = {plain_url(known) for known in (owner, target and target.url) if known}
        if table.source is not None and owners & mine:
            found[source] = table
    return found
