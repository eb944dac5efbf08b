"""The monitor of a target, from its settings: whatever the target can report is collected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chromadrill.backups.own_sources import sources_of
from chromadrill.backups.proven import log_beside
from chromadrill.core import cli
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.core.protocols import HasLogs, HasMetrics, Model, Scratch, Target, scopes_of
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.embedding import embedders
from chromadrill.embedding.collection_function import named_function
from chromadrill.monitoring.backup_collector import BackupCollector
from chromadrill.monitoring.drift_collector import DriftCollector
from chromadrill.monitoring.flusher_collector import FlusherCollector
from chromadrill.monitoring.http_collector import HttpCollector
from chromadrill.monitoring.late_collector import LateCollector
from chromadrill.monitoring.monitor import Collector, Monitor, OnSamples
from chromadrill.monitoring.proof_collector import ProofCollector
from chromadrill.monitoring.resource_collector import LogCollector, MetricsCollector
from chromadrill.monitoring.rules import rules
from chromadrill.targets.registry import open_target
from chromadrill.workload.queries.configured_questions import configured_questions


@dataclass(slots=True)
class UnreachableTarget:
    """A server, or its platform, that does not answer now; the monitor watches whether it ever does.

    `reopen`: opens the target itself; None where it would show no more than its URL does.
    """

    name: str
    url: str
    reopen: Callable[[], Target] | None = None

    def facts(self) -> Mapping[str, str]:
        return {"kind": "remote", "url": self.url}


def open_even_if_down(settings: Settings, name: str | None) -> Target:
    """As `open_target`, but where nothing answers a URL is enough: the monitor shows it."""
    try:
        return open_target(settings, name)
    except Unavailable:
        name = name or settings.drill.target
        table = settings.targets.get(name)
        url = name if name.startswith(("http://", "https://")) else table and table.url
        if not url:
            raise
        has_platform = table is not None and table.kind != "remote"
        reopen = partial(open_target, settings, name) if has_platform else None
        return UnreachableTarget(without_password(name), url.rstrip("/"), reopen)


def monitored_scopes(target: Target, settings: Settings) -> Sequence[Scope]:
    """Scopes to ask about: the target's own, else those of its table, else the default one."""
    own = scopes_of(target)
    table = settings.targets.get(target.name)
    return own or ([Scope.parse(scope) for scope in table.scopes] if table else [Scope()])


def model_loader(settings: Settings) -> Callable[[CollectionInfo], Model]:
    """Loads the model of `[embedding]`, once for all collections where it is the same for all.

    Where each collection names its own, one for each function that is named, as it is named now.
    """
    models: dict[str, Model] = {}

    def load(info: CollectionInfo) -> Model:
        by_collection = settings.embedding.function == "collection"
        key = repr(named_function(info)) if by_collection else ""
        if key not in models:
            models[key] = embedders.load(settings.embedding, info)
        return models[key]

    return load


def platform_collectors(target: Target, journal: Path) -> list[Collector]:
    """Of its backups, and of whatever its platform can report beside what its URL shows."""
    collectors: list[Collector] = [BackupCollector(target, journal)]
    if isinstance(target, HasMetrics):
        collectors.append(MetricsCollector(target))
    if isinstance(target, HasLogs):
        collectors.append(LogCollector(target))
    return collectors


def monitor_of(
    target: Target,
    settings: Settings,
    *,
    scopes: Sequence[Scope] = (),
    writes: bool | None = None,
    url: str | None = None,
    on_samples: OnSamples = lambda samples, events: None,
) -> Monitor:
    """A monitor of `target` (seen at `url`, if another one is given, such as a proxy's).

    `writes` None: on servers of our own kinds only.
    """
    figures = settings.monitoring
    collectors: list[Collector] = [
        HttpCollector(
            url or target.url,
            scopes or monitored_scopes(target, settings),
            figures.timeout_s,
            writes=isinstance(target, Scratch) if writes is None else writes,
            slow_ms=figures.search_ms,
            behind_gateway=url is not None or not isinstance(target, Scratch),
            questions=configured_questions(settings),
            note=cli.say,
        )
    ]
    of_platform = partial(platform_collectors, journal=Path(figures.backup_journal))
    if isinstance(target, UnreachableTarget) and target.reopen:
        collectors.append(LateCollector(target.reopen, of_platform))
    else:
        collectors += of_platform(target)
    own = sources_of(settings, target.name, target.url)
    collectors.append(ProofCollector(own, log_beside(figures.backup_journal)))
    collectors.append(
        DriftCollector(
            url or target.url,
            scopes or monitored_scopes(target, settings),
            figures.drift_collections,
            model_loader(settings),
            figures.drift_texts,
            figures.drift_cosine,
            figures.drift_embed_every_s,
            figures.timeout_s,
        )
    )
    collectors.append(FlusherCollector(figures.flusher_heartbeat))
    every_s = figures.interval_s * figures.time_scale
    return Monitor(collectors, rules(figures), every_s, on_samples)
