"""The GraphQL side: our own SDL, executed by graphql-core over a `Platform`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from graphql import ExecutionResult, GraphQLSchema, build_schema, graphql_sync

from chromadrill.core.clock import utc_now
from chromadrill.core.files import size_of
from chromadrill.targets.railway.simulator.platform import Platform
from chromadrill.targets.railway.simulator.world import (
    ApiError,
    Deployment,
    SimulatedBackup,
    SimulatedVolume,
    Workflow,
)

SDL = Path(__file__).with_name("schema.graphql")
# what the platform makes of it: kept 6 days, a month, three months; the hour is its own
SCHEDULES = {
    "DAILY": ("17 3 * * *", 6 * 86_400),
    "WEEKLY": ("17 3 * * 0", 30 * 86_400),
    "MONTHLY": ("17 3 1 * *", 90 * 86_400),
}
PAGE = 100


def schema() -> GraphQLSchema:
    """Our own SDL, parsed."""
    return build_schema(SDL.read_text("utf-8"))


class Answers:
    """One method a field of Query and Mutation; nested objects are dictionaries."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._schema = platform, schema()

    def execute(self, body: dict[str, Any], kind: str) -> ExecutionResult:
        """`kind` of the token: "project" or "account"."""
        return graphql_sync(
            self._schema,
            str(body.get("query")),
            root_value=self,
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
            context_value=kind,
        )

    # ---- queries --------------------------------------------------------------------------------
    def projectToken(self, info: Any) -> Any:
        if info.context != "project":
            raise ApiError("Project Token not found")
        world = self._platform.world
        return {"projectId": world.project, "environmentId": world.environment}

    def project(self, _: Any, id: str) -> Any:
        world = self._platform.world
        if id != world.project:
            raise ApiError("Not Authorized")
        environments = [{"id": world.environment, "name": "staging"}]
        return {"id": id, "name": "simulated", "environments": _connection(environments)}

    def environment(self, _: Any, id: str, projectId: str | None = None) -> Any:
        world = self._require_environment(id)
        service = {
            "serviceId": world.service,
            "serviceName": "chroma",
            "domains": {"serviceDomains": [], "customDomains": []},
        }
        return {
            "id": id,
            "name": "staging",
            "serviceInstances": _connection([service]),
            "volumeInstances": _connection([_volume(volume) for volume in world.volumes]),
        }

    def environmentStagedChanges(self, _: Any, environmentId: str) -> Any:
        world = self._require_environment(environmentId)
        return {"id": environmentId, "status": "STAGED", "patch": world.staged}

    def serviceInstance(self, _: Any, environmentId: str, serviceId: str) -> Any:
        world = self._require_environment(environmentId)
        if serviceId != world.service:
            raise ApiError("Service not found")
        deployments = [_deployment(deployment) for deployment in world.deployments]
        return {
            "latestDeployment": deployments[-1] if deployments else None,
            "activeDeployments": [each for each in deployments if each["instances"]],
        }

    def deployment(self, _: Any, id: str) -> Any:
        return _deployment(self._platform.service.deployment(id))

    def deploymentLogs(self, _: Any, deploymentId: str, limit: int = 100, **__: Any) -> Any:
        text = self._platform.service.deployment(deploymentId).container.logs(limit)
        return [
            {"timestamp": f"{utc_now()[:-1]}{number:06d}Z", "message": line, "severity": "info"}
            for number, line in enumerate(text.splitlines())
        ]

    def metrics(self, _: Any, measurements: Sequence[str], **__: Any) -> Any:
        pids = [deployment.container.pid() for deployment in self._platform.world.deployments]
        pid = next(filter(None, pids), None)
        used = psutil.Process(pid).memory_info().rss if pid else 0
        known = {"MEMORY_USAGE_GB": used / 1e9, "MEMORY_LIMIT_GB": 0.512}
        return [
            {"measurement": name, "values": [{"ts": int(time.time()), "value": known[name]}]}
            for name in measurements
            if name in known
        ]

    def volumeInstanceBackupList(self, _: Any, volumeInstanceId: str) -> Any:
        self._require_backups_allowed()
        volume = self._platform.volume(volumeInstanceId)
        backups = self._platform.backups(volumeInstanceId)
        return [_backup(backup, volume) for backup in backups]

    def volumeInstanceBackupScheduleList(self, _: Any, volumeInstanceId: str) -> Any:
        return [
            {
                "id": kind,
                "kind": kind,
                "name": kind.lower(),
                "cron": SCHEDULES[kind][0],
                "retentionSeconds": SCHEDULES[kind][1],
                "createdAt": utc_now(),
            }
            for kind in self._platform.world.schedules
        ]

    def workflowStatus(self, _: Any, workflowId: str) -> Any:
        if self._platform.fault == "refused-workflow":
            raise ApiError("Not Authorized")
        workflow = self._platform.workflow(workflowId)
        return {"status": workflow.status, "error": workflow.error}

    # ---- mutations ------------------------------------------------------------------------------
    def volumeInstanceBackupCreate(
        self, _: Any, volumeInstanceId: str, name: str | None = None
    ) -> Any:
        self._require_backups_allowed()
        return _id(self._platform.create_backup(volumeInstanceId, name))

    def volumeInstanceBackupRestore(
        self, _: Any, volumeInstanceId: str, volumeInstanceBackupId: str, **__: Any
    ) -> Any:
        self._require_backups_allowed()
        return _id(self._platform.restore(volumeInstanceId, volumeInstanceBackupId))

    def environmentPatchCommitStaged(
        self, _: Any, environmentId: str, skipDeploys: bool = False, **__: Any
    ) -> str:
        self._require_environment(environmentId)
        return self._platform.commit(skip_deploys=skipDeploys)

    def serviceInstanceDeployV2(self, _: Any, environmentId: str, serviceId: str, **__: Any) -> str:
        self._require_environment(environmentId)
        return self._platform.service.deploy().id

    def deploymentStop(self, _: Any, id: str) -> bool:
        self._platform.service.stop(id)
        return True

    def _require_environment(self, environment: str) -> Any:
        if environment != self._platform.world.environment:
            raise ApiError("Not Authorized")
        return self._platform.world

    def _require_backups_allowed(self) -> None:
        if self._platform.fault == "refused-backups":
            raise ApiError("Not Authorized")


def _connection(nodes: list[dict[str, Any]]) -> Callable[..., Any]:
    """Pages as the platform gives them; a cursor is the number of the next node."""

    def page(_: Any, first: int = PAGE, after: str | None = None, **__: Any) -> Any:
        start = int(after or 0)
        stop = start + min(first, PAGE)
        return {
            "edges": [{"node": node} for node in nodes[start:stop]],
            "pageInfo": {"hasNextPage": stop < len(nodes), "endCursor": str(stop)},
        }

    return page


def _volume(volume: SimulatedVolume) -> dict[str, Any]:
    return {
        "id": volume.instance,
        "volumeId": volume.id,
        "volume": {"id": volume.id, "name": volume.name},
        "serviceId": volume.service,
        "mountPath": volume.mount_path,
        "sizeMB": volume.size_mb,
        "currentSizeMB": size_of(volume.folder) / 1e6,
        "state": volume.state,
    }


def _backup(backup: SimulatedBackup, volume: SimulatedVolume) -> dict[str, Any]:
    return {
        "id": backup.id,
        "name": backup.name,
        "createdAt": backup.created_at,
        "expiresAt": backup.expires_at,
        "referencedMB": backup.used_mb,
        "usedMB": backup.used_mb,
        "volumeInstanceSizeMB": volume.size_mb,
    }


def _deployment(deployment: Deployment) -> dict[str, Any]:
    up = deployment.status == "SUCCESS" and not deployment.stopped
    crashed = up and not deployment.container.running()
    return {
        "id": deployment.id,
        "status": "CRASHED" if crashed else deployment.status,
        "deploymentStopped": deployment.stopped,
        "instances": [{"id": deployment.id, "status": "RUNNING"}] if up and not crashed else [],
    }


def _id(workflow: Workflow) -> dict[str, Any]:
    return {"workflowId": workflow.id}
