"""From a target and its settings to a watch: whatever the target can show is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from chromadrill.model import Scope
from chromadrill.monitoring.alerts import Event
from chromadrill.monitoring.looking import Eyes
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample
from chromadrill.monitoring.usage import Backups, Log, Metrics
from chromadrill.monitoring.watcher import Looker, Watch
from chromadrill.protocols import HasLogs, HasMetrics, Scratch, Target
from chromadrill.settings import Settings


def watch_of(
    target: Target,
    settings: Settings,
    *,
    scopes: Sequence[Scope] = (),
    writes: bool | None = None,
    url: str | None = None,
    told: Callable[[list[Sample], list[Event]], None] = lambda samples, events: None,
) -> Watch:
    """A watch of `target` (seen at `url`, if another one is given, such as a proxy's).

    `writes` None: on servers of our own kinds only.
    """
    figures = settings.monitoring
    table = settings.targets.get(target.name)
    named = scopes or [Scope.parse(each) for each in table.scopes] if table else scopes
    own: Sequence[Scope] = named or getattr(target, "scopes", (Scope(),))
    lookers: list[Looker] = [
        Eyes(
            url or target.url,
            own,
            figures.timeout_s,
            writes=isinstance(target, Scratch) if writes is None else writes,
        )
    ]
    if isinstance(target, HasMetrics):
        lookers.append(Metrics(target))
    lookers.append(Backups(target, Path(figures.backup_journal)))
    if isinstance(target, HasLogs):
        lookers.append(Log(target))
    return Watch(lookers, rules(figures), figures.interval_s * figures.time_scale, told)
