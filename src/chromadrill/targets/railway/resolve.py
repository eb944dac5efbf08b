"""From names to ids: project, environment, service, and the volume *instance* that backups need.

The instance's id changes with every restore: it is looked up each time, and never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import JSON
from chromadrill.targets.railway import graphql
from chromadrill.targets.railway.api import Api, NotAuthorised, PlatformError


@dataclass(frozen=True, slots=True)
class ServicePlace:
    """One service in one environment. `domains`: where it is reached from outside."""

    project: str
    environment: str
    service: str
    environment_name: str
    service_name: str
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VolumeInstance:
    """A volume instance. `instance` is what backup calls take, `id` what the CLI prints."""

    instance: str
    id: str
    name: str
    service: str | None
    mount_path: str
    size_mb: float
    used_mb: float
    state: str


def place(api: Api, *, project: str | None, environment: str | None, service: str) -> ServicePlace:
    """Find the service. `project` is an id; `environment` and `service` are names or ids.

    A project token knows its project and its environment. Raises UsageError for a name that is not
    there, or for a token of another place.
    """
    scope = _scope(api)
    project = _project(scope, project)
    environment_id, environment_name = _environment(api, scope, project, environment)
    services = list(
        pages(
            lambda after: api.run(
                graphql.SERVICES, environment=environment_id, project=project, after=after
            ),
            "serviceInstances",
        )
    )
    known = [(str(node["serviceId"]), str(node["serviceName"])) for node in services]
    service_id, service_name = choose("service", service, known)
    domains = next(node["domains"] for node in services if node["serviceId"] == service_id)
    return ServicePlace(
        project,
        environment_id,
        service_id,
        environment_name,
        service_name,
        tuple(
            domain["domain"]
            for kind in ("customDomains", "serviceDomains")
            for domain in domains[kind]
        ),
    )


def _project(scope: JSON | None, project: str | None) -> str:
    if scope is None:
        if not project:
            raise UsageError("project = ... is missing: with an account token its id must be said.")
        return project
    if project and project != scope["projectId"]:
        raise UsageError(f"project {project}: the token is one of project {scope['projectId']}.")
    return str(scope["projectId"])


def _environment(
    api: Api, scope: JSON | None, project: str, environment: str | None
) -> tuple[str, str]:
    """(id, name) of the environment that is named, else of the token's own."""
    nodes = pages(
        lambda after: api.run(graphql.PROJECT, project=project, after=after), "environments"
    )
    known = [(str(node["id"]), str(node["name"])) for node in nodes]
    wanted = environment or (scope["environmentId"] if scope else None)
    if not wanted:
        names = ", ".join(name for _, name in known)
        raise UsageError(f"environment = ... is missing. Known: {names}.")
    environment_id, name = choose("environment", wanted, known)
    if scope and environment_id != scope["environmentId"]:
        raise UsageError(f"environment '{name}': the token is one of another one.")
    return environment_id, name


def volumes(api: Api, at: ServicePlace) -> list[VolumeInstance]:
    """Every volume instance of the environment, detached ones too."""
    nodes = pages(
        lambda after: api.run(
            graphql.VOLUMES, environment=at.environment, project=at.project, after=after
        ),
        "volumeInstances",
    )
    return [
        VolumeInstance(
            instance=node["id"],
            id=node["volumeId"],
            name=node["volume"]["name"],
            service=node["serviceId"],
            mount_path=node["mountPath"],
            size_mb=node["sizeMB"],
            used_mb=node["currentSizeMB"],
            state=node["state"] or "READY",
        )
        for node in nodes
    ]


def volume(api: Api, at: ServicePlace) -> VolumeInstance:
    """The one volume of the service, as it is now; raises Unavailable unless there is exactly one."""
    attached = [volume for volume in volumes(api, at) if volume.service == at.service]
    if len(attached) != 1:
        raise Unavailable(
            f"Service {at.service_name} in {at.environment_name} has {len(attached)} volumes,"
            " wanted 1.",
            next_step="Attach the volume in Railway's dashboard; backups exist only while it is.",
        )
    return attached[0]


def choose(key: str, wanted: str, known: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(id, name) by id or by name; raises UsageError for none, or for a name that two have.

    `key`: the setting that `wanted` is the value of.
    """
    matches = [pair for pair in known if wanted in pair]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise UsageError(f"{key} '{wanted}': {len(matches)} have that name; give the id.")
    names = [name for _, name in known]
    raise UsageError(f"{key} '{wanted}': not there. {did_you_mean(wanted, names)}")


def pages(ask: Callable[[str | None], JSON], connection: str) -> Iterator[JSON]:
    """The nodes of all pages of a connection."""
    after: str | None = None
    while True:
        page = ask(after)[connection]
        yield from (edge["node"] for edge in page["edges"])
        info = page["pageInfo"]
        if not info["hasNextPage"]:
            return
        if info["endCursor"] in (None, after):
            raise PlatformError(f"Railway, {connection}: says there are more, and not where.")
        after = info["endCursor"]


def _scope(api: Api) -> JSON | None:
    """Project and environment of a project token; None for an account token."""
    if not api.has_project_token:
        return None
    try:
        return dict(api.run(graphql.TOKEN_SCOPE))
    except NotAuthorised as error:
        raise NotAuthorised(
            error.sentence, next_step="Is RAILWAY_TOKEN a *project* token?"
        ) from error
