"""The container engine: is there one, what on it is ours, and the sweep of what dead runs left.

Everything that we make there carries two labels: the home it belongs to, and the process that owns
it (`process_tags`). testcontainers' own reaper is switched off: it would end a server that a command
of the runbook has started, as soon as that command ends.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chromadrill.chroma.at_rest.releases import numbers_of
from chromadrill.core import process_tags
from chromadrill.core.errors import DrillError, Refused, Unavailable

if TYPE_CHECKING:
    from docker import DockerClient

RUN = "chromadrill.run"  # the id of the home
OWNER = "chromadrill.owner"  # a tag of `process_tags`; missing: it stays until it is removed
LOG = logging.getLogger(__name__)
PULL_S = 900.0  # the engine itself gives up no pull that has begun

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
def docker_errors(doing: str) -> Iterator[None]:
    """Turn the engine's errors into ours, each a sentence; `doing` says what was tried."""
    from docker.errors import APIError, ContainerError, DockerException, ImageNotFound
    from requests.exceptions import ChunkedEncodingError, Timeout
    from requests.exceptions import ConnectionError as NoConnection

    try:
        yield
    except ImageNotFound as error:
        raise Unavailable(
            f"{doing}: no such image: {error.explanation}.",
            next_step="docker pull it, or name another with CHROMA_IMAGE.",
        ) from error
    except APIError as error:
        message = str(error.explanation or error)
        kind = Refused if "already" in message else DrillError
        raise kind(f"{doing}: {message}.") from error
    except ContainerError as error:
        raise DrillError(f"{doing}: {error}.") from error
    except (NoConnection, ChunkedEncodingError, Timeout, ConnectionError, TimeoutError) as error:
        raise NoEngine(f"{doing}: the engine does not answer: {error}.", next_step=NEXT) from error
    except (DockerException, OSError) as error:  # e.g. a full disk on our side
        raise DrillError(f"{doing}: {error}.") from error


def release_of(client: DockerClient, image: str, *, by_id: str | None = None) -> str | None:
    """The release of Chroma in an image, by its label, else by its tag; None where neither says.

    `by_id`: the image that is meant, where the name may be another's by now.
    """
    from docker.errors import ImageNotFound

    name = image.partition("@")[0].rpartition("/")[2]  # HOST:PORT/NAME:TAG@sha256:DIGEST
    version = name.partition(":")[2]
    with docker_errors(f"asking of image {image}"), contextlib.suppress(ImageNotFound):
        version = str(client.images.get(by_id or image).labels.get("chroma.version", version))
    return ".".join(map(str, numbers_of(version))) or None


def require_image(
    client: DockerClient,
    image: str,
    *,
    variable: str = "CHROMA_IMAGE",
    within_s: float = PULL_S,
) -> None:
    """Pull it unless it is there; raises Unavailable where it cannot be had within `within_s`.

    `variable`: what names another one, for the next step.
    """
    from docker.errors import ImageNotFound

    with docker_errors(f"asking of image {image}"), contextlib.suppress(ImageNotFound):
        client.images.get(image)
        return
    failures: list[str] = []

    def pull() -> None:
        try:
            client.images.pull(image)
        except Exception as error:  # whichever: the image is not here
            failures.append(str(getattr(error, "explanation", None) or error))

    # the client waits for a pull without end; left alone, it ends with the process
    pulling = threading.Thread(target=pull, name="pull", daemon=True)
    pulling.start()
    pulling.join(within_s)
    if pulling.is_alive():
        failures.append(f"not there after {within_s:g} s")
    if failures:
        raise Unavailable(
            f"Image {image} is not here, and cannot be pulled: {failures[0]}.",
            next_step=f"Build or pull it, or name another one with {variable}.",
        )


def sweep(client: DockerClient, *, owner: str | None = None) -> list[str]:
    """Remove the containers, volumes and networks of dead owners, or those of `owner`.

    Returns their names. What has no owner was started by hand, and stays. What nobody here can judge
    stays, with a warning.
    """
    from docker.errors import APIError

    swept, unjudged = [], []

    def is_leftover(name: str, labels: dict[str, str] | None) -> bool:
        label = (labels or {}).get(OWNER)
        if label is None or owner:
            return label is not None and label == owner
        is_dead = process_tags.is_dead(label)
        if is_dead is None:
            unjudged.append(name)
        return is_dead is True

    only = {"label": OWNER}
    with docker_errors("sweeping"):
        for container in client.containers.list(all=True, filters=only, ignore_removed=True):
            if is_leftover(container.name, container.labels):
                with _another_removes_it():
                    container.remove(force=True, v=True)
                    swept.append(str(container.name))
        for volume in client.volumes.list(filters=only):
            if is_leftover(volume.name, volume.attrs.get("Labels")):
                # an image's own declared volume may hold it for a moment longer: the next sweep
                with contextlib.suppress(APIError):
                    volume.remove(force=True)
                    swept.append(str(volume.name))
        for network in client.networks.list(filters=only):
            if is_leftover(network.name, network.attrs.get("Labels")):
                with _another_removes_it():
                    network.remove()
                    swept.append(str(network.name))
    if unjudged:
        LOG.warning(
            "Not swept, since their owners ran before a restart of this machine, in another"
            " container, or elsewhere: %s. If they are dead: docker rm -f -v NAME, docker volume rm"
            " NAME",
            ", ".join(dict.fromkeys(unjudged)),
        )
    return swept


@contextlib.contextmanager
def _another_removes_it() -> Iterator[None]:
    """Two runs that start together sweep the same: what one has done or is doing is done."""
    from docker.errors import APIError, NotFound

    try:
        yield
    except NotFound:
        pass
    except APIError as error:
        if "already in progress" not in str(error.explanation or error):
            raise
