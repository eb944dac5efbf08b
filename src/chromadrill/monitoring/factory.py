"""From a target and its settings to a watch: whatever the target can show is looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.core.protocols import HasLogs, HasMetrics, Scratch, Target
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.monitoring.alerts import Event
from chromadrill.monitoring.backup_collector import Backups
from chromadrill.monitoring.http_collector import Eyes
from chromadrill.monitoring.monitor import Looker, Watch
from chromadrill.monitoring.resource_collector import Log, Metrics
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample
from chromadrill.targets.registry import open_target


@dataclass(slots=True)
class Somewhere:
    """A server that does not answer now; whether it ever does is what is watched."""

    name: str
    url: str

    def facts(self) -> Mapping[str, str]:
        return {"kind": "remote", "url": self.url}


def opened(settings: Settings, name: str | None) -> Target:
    """As `open_target`, also where nothing answers at a URL: that is to be seen, not to be refused."""
    try:
        return open_target(settings, name)
    except Unavailable:
        name = name or settings.drill.target
        table = settings.targets.get(name)
        url = name if name.startswith(("http://", "https://")) else table and table.url
        if not url:
            raise
        return Somewhere(without_password(name), url.rstrip("/"))


def scopes_of(target: Target, settings: Settings) -> Sequence[Scope]:
    """What is asked of: the target's own, else those of its table, else the default one."""
    table = settings.targets.get(target.name)
    said = [Scope.parse(each) for each in table.scopes] if table else [Scope()]
    own: Sequence[Scope] = getattr(target, "scopes", ())
    return own or said


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
    lookers: list[Looker] = [
        Eyes(
            url or target.url,
            scopes or scopes_of(target, settings),
            figures.timeout_s,
            writes=isinstance(target, Scratch) if writes is None else writes,
            slow_ms=figures.search_ms,
        )
    ]
    if isinstance(target, HasMetrics):
        lookers.append(Metrics(target))
    lookers.append(Backups(target, Path(figures.backup_journal)))
    if isinstance(target, HasLogs):
        lookers.append(Log(target))
    return Watch(lookers, rules(figures), figures.interval_s * figures.time_scale, told)
