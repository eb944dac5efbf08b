"""The role of a target: its environment, and what that allows. Pure: settings in, role out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chromadrill.core.settings import Settings
from chromadrill.core.urls import same_server, without_password
from chromadrill.targets.kinds import SCRATCH


@dataclass(frozen=True, slots=True)
class TargetRole:
    """`target`: as it was named, no password in it. `role` None: nobody said what this deployment is."""

    target: str
    url: str | None
    kind: str
    environment: str | None
    role: str | None
    exclusive: bool = False

    @property
    def is_production(self) -> bool:
        """Whether it is only read."""
        return self.role == "production"

    @property
    def is_live(self) -> bool:
        """Whether it is anybody's but ours."""
        return self.kind not in SCRATCH or self.is_production


def target_role(settings: Settings, target: str, url: str | None = None) -> TargetRole:
    """The role of `target`, whose server answers at `url` (None: not known yet).

    Production is recognised by its address too, whatever the target is called: its role wins.
    """
    table = settings.targets.get(target)
    kind = table.kind if table else target if target in SCRATCH else "remote"
    url = url or (table.url if table else None) or (target if "//" in target else None)
    environment = settings.environment_of(target) or settings.drill.environment
    if table is None and target == environment:
        url = url or settings.environments[environment].url
    if kind in SCRATCH and table is None:
        environment = None  # limits may be those of an environment; the server is ours
    plain = without_password(target)  # it goes into messages, files and next commands
    for name, candidate in settings.environments.items():
        is_its_server = candidate.url and url and same_server(candidate.url, url)
        is_its_target = name == settings.environment_of(target)
        if candidate.role == "production" and (is_its_server or is_its_target):
            return TargetRole(plain, url, kind, name, "production")
    if environment is None:
        return TargetRole(plain, url, kind, None, None)
    found = settings.environments[environment]
    return TargetRole(plain, url, kind, environment, found.role, found.exclusive)


def backup_role(settings: Settings, name: str, target: str | None = None) -> TargetRole:
    """The role of `target` (None: that of `[backups.NAME]`), whose backups lie there.

    A target without an environment stands in the one that is called as its backups are.
    """
    at = target_role(settings, target or settings.backups[name].target or name)
    if at.environment is not None or name not in settings.environments:
        return at
    found = settings.environments[name]
    return replace(at, environment=name, role=found.role, exclusive=found.exclusive)
