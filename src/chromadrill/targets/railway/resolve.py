"""From names to ids: project, environment, service, and the volume *instance* that backups need.

The instance's id changes with every restore: it is looked up each time, and never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chromadrill.core.errors import Unavailable, UsageError, did_you_mean
from chromadrill.core.model import JSON
from chromadrill.targets.railway import graphql as ops
from chromadrill.targets.railway.api import Api, NotAuthorised, PlatformError


@dataclass(frozen=True, slots=True)
class Place:
    """One service in one environment. `domains`: where it is reached from outside."""

    project: str
    environment: str
    service: str
    environment_name: str
    service_name: str
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume instance. `instance` is what backup calls take, `id` what the CLI prints."""

    instance: str
    id: str
    name: str
    service: str | None
    mount_path: str
    size_mb: float
    used_mb: float
    state: str


def place(api: Api, *, project: str | None, environment: str | None, service: str) -> Place:
    """Find the service. `project` is an id; the others are names or ids.

    A project token knows its project and its environment. Raises UsageError for a name that is not
    there, or for a token of another place.
    """
    scope = _scope(api)
    if scope:
        if project and project != scope["projectId"]:
            raise UsageError(
                f"project {project}: the token is one of project {scope['projectId']}."
            )
        project = scope["projectId"]
    if not project:
        raise UsageError("project = ... is missing: with an account token its id must be said.")
    found = pages(lambda after: api.run(ops.PROJECT, project=project, after=after), "environments")
    names = [(str(each["id"]), str(each["name"])) for each in found]
    wanted = environment or (scope["environmentId"] if scope else None)
    if not wanted:
        raise UsageError(f"environment = ... is missing. Known: {', '.join(n for _, n in names)}.")
    environment_id, environment_name = choose("environment", wanted, names)
    if scope and environment_id != scope["environmentId"]:
        raise UsageError(f"environment '{environment_name}': the token is one of another one.")
    services = list(
        pages(
            lambda after: api.run(
                ops.SERVICES, environment=environment_id, project=project, after=after
            ),
            "serviceInstances",
        )
    )
    known = [(str(each["serviceId"]), str(each["serviceName"])) for each in services]
    service_id, service_name = choose("service", service, known)
    domains = next(each["domains"] for each in services if each["serviceId"] == service_id)
    return Place(
        project,
        environment_id,
        service_id,
        environment_name,
        service_name,
        tuple(e["domain"] for kind in ("customDomains", "serviceDomains") for e in domains[kind]),
    )


def volumes(api: Api, at: Place) -> list[Volume]:
    """Every volume instance of the environment, detached ones too."""
    found = pages(
        lambda after: api.run(
            ops.VOLUMES, environment=at.environment, project=at.project, after=after
        ),
        "volumeInstances",
    )
    return [
        Volume(
            instance=each["id"],
            id=each["volumeId"],
            name=each["volume"]["name"],
            service=each["serviceId"],
            mount_path=each["mountPath"],
            size_mb=each["sizeMB"],
            used_mb=each["currentSizeMB"],
            state=each["state"] or "READY",
        )
        for each in found
    ]


def volume(api: Api, at: Place) -> Volume:
    """The one volume of the service, as it is now; raises Unavailable unless there is exactly one."""
    mine = [each for each in volumes(api, at) if each.service == at.service]
    if len(mine) != 1:
        raise Unavailable(
            f"Service {at.service_name} in {at.environment_name} has {len(mine)} volumes, wanted 1.",
            next_step="Attach the volume in Railway's dashboard; backups exist only while it is.",
        )
    return mine[0]


def choose(what: str, wanted: str, known: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """(id, name) by id or by name; raises UsageError for none, or for a name that two have."""
    found = [each for each in known if wanted in each]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{what} '{wanted}': {len(found)} have that name; give the id.")
    names = [name for _, name in known]
    raise UsageError(f"{what} '{wanted}': not there. {did_you_mean(wanted, names)}")


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
    """What a project token is of; None for an account token."""
    if not api.project_token:
        return None
    try:
        return dict(api.run(ops.TOKEN_SCOPE))
    except NotAuthorised as error:
        raise NotAuthorised(error.what, next_step="Is RAILWAY_TOKEN a *project* token?") from error
