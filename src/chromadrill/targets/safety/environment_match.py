"""The place that a token leads to has to be that of the environment whose role is relied on.

A role is written beside a name in drill.toml; what is drilled is wherever the platform says that
the token leads. Pure: settings and what the platform said in, Refused out.
"""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.errors import Refused
from chromadrill.core.settings import Settings
from chromadrill.core.urls import same_server
from chromadrill.targets.safety.target_role import TargetRole


@dataclass(frozen=True, slots=True)
class PlatformPlace:
    """As the platform calls it: the names that are for people, then all ids and names."""

    environment: str
    service: tuple[str, ...]
    volumes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


def require_fits(at: TargetRole, settings: Settings, place: PlatformPlace) -> None:
    """Raise Refused unless `place` is of the environment that `at` stands in, and not production's.

    An environment's own volume is not compared: each restore gives it another one. A service is the
    same in every environment of a project: production's is no sign of production.
    """
    said = f"{at.target} leads to the platform's environment '{place.environment}'"
    if at.environment is None or place.environment.casefold() != at.environment.casefold():
        used = f"[environments.{at.environment}]" if at.environment else "none of [environments]"
        raise Refused(
            f"{said}, and {used} is what says what may be done there. Nothing was done.",
            next_step=f'Set environment = "{place.environment}" in [targets.{at.target}], and its'
            f" role in [environments.{place.environment}].",
        )
    wanted = settings.environments[at.environment].service
    if wanted and wanted not in place.service:
        raise Refused(
            f"{said}, service {place.service[0]}; [environments.{at.environment}] service ="
            f' "{wanted}". Nothing was done.'
        )
    for name, each in settings.environments.items():
        if at.is_production or each.role != "production":
            continue
        url = each.url
        if each.volume in place.volumes or (
            url and any(same_server(url, f"https://{domain}") for domain in place.domains)
        ):
            raise Refused(
                f"{said}, and its volume or its domain is that of [environments.{name}]: it is"
                " production. Nothing was done.",
                next_step="Drill an environment of its own.",
            )
