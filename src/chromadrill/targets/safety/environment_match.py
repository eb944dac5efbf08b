"""Check that the platform's token really points at the environment named in drill.toml.

A role is written beside a name in drill.toml, but what is drilled is wherever the token leads. Pure:
settings and the platform's answer in, Refused out.
"""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.errors import Forbidden
from chromadrill.core.settings import Settings
from chromadrill.core.urls import same_server
from chromadrill.targets.safety.target_role import TargetRole


@dataclass(frozen=True, slots=True)
class PlatformPlace:
    """Where a token leads, in the platform's names. First names for people, then every id and name."""

    environment: str
    service: tuple[str, ...]
    volumes: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


def require_fits(at: TargetRole, settings: Settings, place: PlatformPlace) -> None:
    """Raise Refused unless `place` is in the environment of `at`, and has nothing of production.

    An environment's own volume is not compared: each restore gives it another one. A service is the
    same in every environment of a project, so production's service is no sign of production.
    """
    leads = f"{at.target} leads to the platform's environment '{place.environment}'"
    if at.environment is None or place.environment.casefold() != at.environment.casefold():
        used = f"[environments.{at.environment}]" if at.environment else "none of [environments]"
        raise Forbidden(
            f"{leads}, and {used} is what says what may be done there. Nothing was done.",
            next_step=f'Set environment = "{place.environment}" in [targets.{at.target}], and its'
            f" role in [environments.{place.environment}].",
        )
    wanted = settings.environments[at.environment].service
    if wanted and wanted not in place.service:
        raise Forbidden(
            f"{leads}, service {place.service[0]}; [environments.{at.environment}] service ="
            f' "{wanted}". Nothing was done.'
        )
    for name, environment in settings.environments.items():
        if at.is_production or environment.role != "production":
            continue
        url = environment.url
        if environment.volume in place.volumes or (
            url and any(same_server(url, f"https://{domain}") for domain in place.domains)
        ):
            raise Forbidden(
                f"{leads}, and its volume or its domain is that of [environments.{name}]: it is"
                " production. Nothing was done.",
                next_step="Drill an environment of its own.",
            )
