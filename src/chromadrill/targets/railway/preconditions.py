"""What must hold before a restore, and before its commit. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from chromadrill.core.errors import Refused
from chromadrill.targets.railway.deployments import DeploymentState

DISCARD = "Commit or discard it in Railway's dashboard, then repeat."


def require_may_restore(deployments: Iterable[DeploymentState], patch: Any) -> None:
    """Raise Refused unless all the service's deployments are stopped and nothing waits for a commit.

    A commit applies everything that is staged in the environment, whoever staged it.
    """
    if alive := [deployment.status for deployment in deployments if deployment.is_alive]:
        raise Refused(
            f"The service is not stopped ({', '.join(alive)}); nothing was restored.",
            next_step="chromadrill ops --target T stop",
        )
    if patch:
        raise Refused(
            f"Something is staged in this environment already ({_names_in(patch)}), and a restore would"
            " commit it too; nothing was restored.",
            next_step=DISCARD,
        )


def require_may_commit(patch: Any, service: str, new_volumes: Collection[str]) -> None:
    """Raise Refused unless the one restored volume under our service is all that is staged."""
    if not isinstance(patch, dict) or not isinstance(patch.get("services") or {}, dict):
        raise Refused(
            "What is staged cannot be read, so nobody can tell what a commit would apply. Nothing"
            " was committed; the service has its old volume.",
            next_step=DISCARD,
        )
    services = patch.get("services") or {}
    foreign = [f"service {name}" for name in services if name != service]
    foreign += [key for key in patch if key not in ("services", "volumes")]
    foreign += [f"volume {id_}" for id_ in patch.get("volumes") or {} if id_ not in new_volumes]
    foreign += [
        f"{key} of service {service}"
        for key in services.get(service) or {}
        if key not in ("volumeMounts", "volumes")
    ]
    if foreign:
        raise Refused(
            f"While the backup was restored, something else was staged: {', '.join(foreign)}."
            " Nothing was committed; the service has its old volume.",
            next_step=DISCARD,
        )
    ours = services.get(service) or {}
    # null: detached, as the volume before it has to be
    mounted = [
        volume
        for key in ("volumeMounts", "volumes")
        for volume, mount in (ours.get(key) or {}).items()
        if mount is not None
    ]
    if len(mounted) != 1 or set(mounted) != set(new_volumes):
        raise Refused(
            f"Wanted: the one restored volume ({', '.join(new_volumes) or 'none'}) mounted on the"
            f" service; staged: {', '.join(mounted) or 'none'}. Nothing was committed; the service"
            " has its old volume.",
            next_step=DISCARD,
        )


def _names_in(patch: Any) -> str:
    """Names alone: a patch may hold the values of variables."""
    if not isinstance(patch, dict):
        return "a patch"
    return "; ".join(
        f"{key} {', '.join(value)}" if isinstance(value, dict) else key
        for key, value in patch.items()
    )
