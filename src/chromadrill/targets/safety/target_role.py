"""Where a target stands: in which environment, with which role. Pure: settings in, standing out."""

from __future__ import annotations

from dataclasses import dataclass

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
    def production(self) -> bool:
        return self.role == "production"

    @property
    def live(self) -> bool:
        """Whether it is anybody's but ours."""
        return self.kind not in SCRATCH or self.production


def target_role(settings: Settings, target: str, url: str | None = None) -> TargetRole:
    """That of `target`, whose server answers at `url` (None: not known yet).

    Production is recognised by its address too, whatever the target is called: its role wins.
    """
    table = settings.targets.get(target)
    kind = table.kind if table else target if target in SCRATCH else "remote"
    url = url or (table.url if table else None) or (target if "//" in target else None)
    named = settings.environment_of(target) or settings.drill.environment
    if table is None and target == named:
        url = url or settings.environments[named].url
    if kind in SCRATCH and table is None:
        named = None  # limits may be those of an environment; the server is ours
    shown = without_password(target)  # it goes into messages, files and next commands
    for name, each in settings.environments.items():
        there = each.url and url and same_server(each.url, url)
        if each.role == "production" and (there or name == settings.environment_of(target)):
            return TargetRole(shown, url, kind, name, "production")
    if named is None:
        return TargetRole(shown, url, kind, None, None)
    found = settings.environments[named]
    return TargetRole(shown, url, kind, named, found.role, found.exclusive)
