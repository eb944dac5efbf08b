"""A restore has two halves: the workflow makes a new volume, a commit puts it under the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chromadrill.core.errors import Unavailable
from chromadrill.targets.railway import graphql, preconditions, resolve
from chromadrill.targets.railway.api import Api, OutcomeUnknown
from chromadrill.targets.railway.deployments import current
from chromadrill.targets.railway.resolve import ServicePlace, VolumeInstance
from chromadrill.targets.railway.workflows import poll, wait_for_effect

WITHIN_S = 1800.0  # the vendor's own tool waits as long
COMMIT_S = 60.0
COMMITS = 3


@dataclass(frozen=True, slots=True)
class VolumeChange:
    """The volume before, which the platform keeps, detached; and the one after."""

    before: VolumeInstance
    after: VolumeInstance


def restore(api: Api, at: ServicePlace, backup: str, *, within_s: float = WITHIN_S) -> VolumeChange:
    """Restore `backup` under the stopped service, and leave it stopped.

    Raises Refused before anything is done, WorkflowFailed, PlatformError; Unavailable where the
    volume came back at another mount path (an empty server would answer, in good health).
    """
    before = resolve.volume(api, at)
    preconditions.require_may_restore(current(api, at), staged_patch(api, at))
    known = {volume.instance for volume in resolve.volumes(api, at)}
    # where the answer is lost: a second restore would make a second volume
    sent = api.attempt(graphql.RESTORE, instance=before.instance, backup=backup)

    def waits_for_commit() -> list[VolumeInstance] | None:
        new = [volume for volume in resolve.volumes(api, at) if volume.instance not in known]
        is_ready = bool(new) and all(volume.state == "READY" for volume in new)
        return new if is_ready and staged_patch(api, at) else None

    new_volumes = wait_for_effect(
        api, sent, waits_for_commit, within_s=within_s, name="the restore"
    )
    preconditions.require_may_commit(
        staged_patch(api, at), at.service, {volume.id for volume in new_volumes}
    )
    commit(api, at, f"chromadrill: restore backup {backup}")
    after = poll(
        lambda: _if_replaced(resolve.volume(api, at), before),
        within_s=COMMIT_S,
        name="the restored volume under the service",
    )
    if after.mount_path != before.mount_path:
        raise Unavailable(
            f"The restored volume is mounted at {after.mount_path}, the one before was at"
            f" {before.mount_path}: the server would start empty.",
            next_step="Set the mount path in Railway's dashboard, then start.",
        )
    return VolumeChange(before, after)


def staged_patch(api: Api, at: ServicePlace) -> Any:
    """The patch that waits in the environment; something empty where there is none."""
    changes = api.run(graphql.STAGED, environment=at.environment)
    return changes["patch"] if changes["status"] != "COMMITTED" else {}


def commit(api: Api, at: ServicePlace, message: str) -> None:
    """Commit what is staged without deploying; after a lost answer only if it is staged still."""
    for attempt in range(COMMITS):
        try:
            api.run(graphql.COMMIT, environment=at.environment, message=message, skipDeploys=True)
            return
        except OutcomeUnknown:
            if not staged_patch(api, at):
                return
            if attempt == COMMITS - 1:
                raise


def _if_replaced(now: VolumeInstance, before: VolumeInstance) -> VolumeInstance | None:
    return now if now.instance != before.instance else None
