"""The container engine: is there one, what on it is ours, and the sweep of what dead runs left.

Everything that we make there carries two labels: the home it belongs to, and its owner, a process
by machine, pid and start time (pids come again). testcontainers' own reaper is switched off: it
would end a server that a command of the runbook has started, as soon as that command ends.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil

from chromadrill.chroma.at_rest.releases import numbers_of
from chromadrill.errors import DrillError, Refused, Unavailable

if TYPE_CHECKING:
    from docker import DockerClient

RUN = "chromadrill.run"  # the id of the home
OWNER = "chromadrill.owner"  # MACHINE/PID/START; missing: it stays until it is removed
SAME_START_S = 2.0  # the kernel's clock may be set between two readings
NEXT = "Start an engine (Docker), or take --target process."


class NoEngine(Unavailable):
    """No container engine answers: what needs one is not covered."""


def connect() -> DockerClient:
    """A client of the engine; raises NoEngine where none answers."""
    from docker.errors import DockerException
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.docker_client import DockerClient as Connector

    testcontainers_config.ryuk_disabled = True
    try:
        client = Connector().client
        client.ping()
    except (DockerException, OSError) as error:
        raise NoEngine(f"No container engine answers: {error}.", next_step=NEXT) from error
    return client


@contextlib.contextmanager
def told(doing: str) -> Iterator[None]:
    """The engine's refusals as sentences: `doing` says what was tried."""
    from docker.errors import APIError, ContainerError, DockerException, ImageNotFound

    try:
        yield
    except ImageNotFound as error:
        raise Unavailable(
            f"{doing}: no such image: {error.explanation}.",
            next_step="docker pull it, or name another with CHROMA_IMAGE.",
        ) from error
    except APIError as error:
        said = str(error.explanation or error)
        kind = Refused if "already" in said else DrillError
        raise kind(f"{doing}: {said}.") from error
    except ContainerError as error:
        raise DrillError(f"{doing}: {error}.") from error
    except (DockerException, OSError) as error:
        raise NoEngine(f"{doing}: the engine does not answer: {error}.", next_step=NEXT) from error


def release_of(client: DockerClient, image: str, *, by_id: str | None = None) -> str | None:
    """The release of Chroma in an image: its label's word, else its tag's; None where none says.

    `by_id`: the image that is meant, where the name may be another's by now.
    """
    from docker.errors import ImageNotFound

    named = image.partition("@")[0].rpartition("/")[2]  # HOST:PORT/NAME:TAG@sha256:DIGEST
    said = named.partition(":")[2]
    with told(f"asking of image {image}"), contextlib.suppress(ImageNotFound):
        said = str(client.images.get(by_id or image).labels.get("chroma.version", said))
    return ".".join(map(str, numbers_of(said))) or None


def require_image(client: DockerClient, image: str) -> None:
    """Pull it unless it is there; raises Unavailable where it cannot be had."""
    from docker.errors import APIError, ImageNotFound

    with told(f"asking of image {image}"):
        try:
            client.images.get(image)
        except ImageNotFound:
            repository, _, tag = image.rpartition(":")
            try:
                client.images.pull(repository, tag=tag)
            except APIError as error:
                raise Unavailable(
                    f"Image {image} is not here, and cannot be pulled: {error.explanation}.",
                    next_step="Build or pull it, or name another repository with CHROMA_IMAGE.",
                ) from error


def owner_label(pid: int) -> str:
    """How the process `pid` of this machine is called on what it owns."""
    return f"{socket.gethostname()}/{pid}/{psutil.Process(pid).create_time():.2f}"


def owner_is_dead(label: str) -> bool:
    """Whether the owner is gone for certain; an owner on another machine is not ours to judge."""
    machine, pid, start = label.rsplit("/", 2)
    if machine != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(start)) < SAME_START_S
        return not same or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def sweep(client: DockerClient, *, owner: str | None = None) -> list[str]:
    """Remove the containers, volumes and networks of dead owners, or those of `owner`; their names.

    What has no owner was started by hand, and stays.
    """
    from docker.errors import APIError, NotFound

    swept = []

    def ours(labels: dict[str, str] | None) -> bool:
        label = (labels or {}).get(OWNER)
        return label is not None and (label == owner if owner else owner_is_dead(label))

    only = {"label": OWNER}
    with told("sweeping"):
        for container in client.containers.list(all=True, filters=only, ignore_removed=True):
            if ours(container.labels):
                with contextlib.suppress(NotFound):
                    container.remove(force=True, v=True)
                swept.append(str(container.name))
        for volume in client.volumes.list(filters=only):
            if ours(volume.attrs.get("Labels")):
                # an image's own declared volume may hold it for a moment longer: the next sweep
                with contextlib.suppress(APIError):
                    volume.remove(force=True)
                    swept.append(str(volume.name))
        for network in client.networks.list(filters=only):
            if ours(network.attrs.get("Labels")):
                with contextlib.suppress(NotFound):
                    network.remove()
                swept.append(str(network.name))
    return swept
