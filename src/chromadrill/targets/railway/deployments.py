"""The service: its deployments, deploying it anew, stopping it."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON
from chromadrill.targets.railway import graphql
from chromadrill.targets.railway.api import Api, OutcomeUnknown, PlatformError
from chromadrill.targets.railway.resolve import ServicePlace
from chromadrill.targets.railway.workflows import poll

DEPLOY_S = 600.0
STOP_S = 120.0
PENDING = {"BUILDING", "DEPLOYING", "INITIALIZING", "QUEUED", "WAITING"}
ENDED = {"CRASHED", "FAILED", "REMOVED", "REMOVING", "SKIPPED", "NEEDS_APPROVAL"}


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """A deployment as it is now; `status` in the platform's words, "NONE" where there is none."""

    id: str
    status: str
    stopped: bool = False
    instances: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether the platform says that it is up."""
        has_instance = not self.instances or "RUNNING" in self.instances
        return self.status == "SUCCESS" and not self.stopped and has_instance

    @property
    def is_pending(self) -> bool:
        """Whether it is on its way."""
        return self.status in PENDING and not self.stopped

    @property
    def is_alive(self) -> bool:
        """Whether it has the volume, or will have it: also one whose last instance is not gone yet."""
        still_runs = "RUNNING" in self.instances and not self.stopped
        return self.is_running or self.is_pending or still_runs


class DeploymentFailed(Unavailable):
    """The platform tried to start the service, and it did not come up."""


def newest(api: Api, at: ServicePlace) -> DeploymentState:
    """The newest deployment of the service."""
    return current(api, at)[0]


def current(api: Api, at: ServicePlace) -> list[DeploymentState]:
    """The newest deployment, and behind it every other one that is up.

    A newer one that was skipped, or whose build failed, leaves the one before it up.
    """
    service = api.run(graphql.SERVICE, environment=at.environment, service=at.service)
    first = _state(service["latestDeployment"])
    up = map(_state, service["activeDeployments"])
    return [first, *(state for state in up if state.id != first.id)]


def deploy(api: Api, at: ServicePlace, *, within_s: float = DEPLOY_S) -> DeploymentState:
    """Start the service anew on what is configured now; returns when the platform says it is up.

    A deployment on its way is waited for instead. Raises DeploymentFailed when it does not come up.
    """
    before = newest(api, at)
    if before.is_pending:
        return _wait_until_up(api, before.id, within_s)
    try:
        deployment = str(api.run(graphql.DEPLOY, environment=at.environment, service=at.service))
    except OutcomeUnknown as lost:
        try:
            deployment = poll(
                lambda: _id_if_new(newest(api, at), before.id),
                within_s=min(within_s, STOP_S),
                name="a new deployment",
            )
        except PlatformError:
            raise lost from None
    return _wait_until_up(api, deployment, within_s)


def stop(api: Api, at: ServicePlace, *, within_s: float = STOP_S) -> None:
    """Stop every deployment that is up or on its way; returns when they have. None there is fine."""
    alive = _alive(api, at)
    if not alive:
        return
    for state in alive:
        api.attempt(graphql.STOP, id=state.id)  # whether it stops is seen below
    poll(
        lambda: None if _alive(api, at) else True,
        within_s=within_s,
        name=f"{at.service_name} to stop",
    )


def _alive(api: Api, at: ServicePlace) -> list[DeploymentState]:
    return [state for state in current(api, at) if state.is_alive]


def _id_if_new(state: DeploymentState, before: str) -> str | None:
    return state.id if state.id != before else None


def _wait_until_up(api: Api, deployment: str, within_s: float) -> DeploymentState:
    def look() -> DeploymentState | None:
        now = _state(api.run(graphql.DEPLOYMENT, id=deployment))
        if now.status in ENDED or now.stopped:
            raise DeploymentFailed(f"Railway: deployment {deployment} ended as {now.status}.")
        return now if now.is_running else None

    return poll(look, within_s=within_s, name=f"deployment {deployment}")


def _state(deployment: JSON | None) -> DeploymentState:
    if deployment is None:
        return DeploymentState("", "NONE")
    return DeploymentState(
        deployment["id"],
        deployment["status"],
        deployment["deploymentStopped"],
        tuple(instance["status"] for instance in deployment["instances"]),
    )
