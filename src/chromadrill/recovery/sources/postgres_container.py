"""A real PostgreSQL of our own, for a drill: in a container, of the official image or one like it.

Such an image takes POSTGRES_USER, _PASSWORD and _DB, and listens on port 5432. The port is published
on 127.0.0.1 alone. The container has the labels by which the engine's sweep finds it after a kill.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from chromadrill.core import process_tags
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.recovery.sources.postgres_url import require_psycopg
from chromadrill.targets.container import engine

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testcontainers.core.container import DockerContainer

NAME = "drill"  # of user and database
PORT = "5432/tcp"
PREFIX = "chromadrill-pg-"
PULL_S, READY_S, CONNECT_S = 60.0, 60.0, 3
LOG_LINES = 12
NEXT = "Start an engine (Docker) with that image, name another with POSTGRES_IMAGE, or set DATABASE_URL."


@contextmanager
def container_postgresql(image: str) -> Iterator[str]:
    """Start one, yield its URL with a password made for it, remove it with its data at the end.

    Raises Unavailable where no engine answers, the image cannot be had within a minute, or what is
    in it does not answer as PostgreSQL.
    """
    require_psycopg()
    password = SecretStr(secrets.token_urlsafe(24))
    with contextlib.ExitStack() as stack:
        try:
            container = stack.enter_context(_running(image, password))
            url = _when_it_answers(container, password)
        except DrillError as error:
            sentence = error.sentence.replace(password.get_secret_value(), "**********")
            # not chained: what an image prints may be its password
            raise Unavailable(
                f"No PostgreSQL in a container of {image}: {sentence}", next_step=NEXT
            ) from None
        yield url


@contextmanager
def _running(image: str, password: SecretStr) -> Iterator[Container]:
    from docker.errors import NotFound

    client = engine.connect()
    engine.sweep(client)
    container = _container_of(image, password)
    engine.require_image(client, container.image, variable="POSTGRES_IMAGE", within_s=PULL_S)
    try:
        with engine.docker_errors(f"making a container of {image}"):
            container.start()
        yield container.get_wrapped_container()
    finally:
        with (
            engine.docker_errors(f"removing the container of {image}"),
            contextlib.suppress(NotFound),
        ):
            container.stop()  # one that was created and did not start, too; its volume with it


def _container_of(image: str, password: SecretStr) -> DockerContainer:
    from testcontainers.core.container import DockerContainer

    name = f"{PREFIX}{secrets.token_hex(6)}"
    labels = {engine.RUN: name, engine.OWNER: process_tags.tag(os.getpid())}
    container = (
        DockerContainer(image, name=name)
        .with_envs(
            POSTGRES_USER=NAME,
            POSTGRES_DB=NAME,
            POSTGRES_PASSWORD=password.get_secret_value(),
        )
        .with_kwargs(labels=labels)
    )
    # any free port; testcontainers' own method takes no address
    container.ports = {PORT: ("127.0.0.1",)}  # type: ignore[dict-item]
    return container


def _when_it_answers(container: Container, password: SecretStr) -> str:
    """Its URL. The image's first server, which makes the database, listens on a socket alone."""
    import psycopg

    def answers() -> str:
        container.reload()
        if container.status in ("exited", "dead"):
            raise _ContainerEnded(
                f"It ended with exit code {container.attrs['State']['ExitCode']}."
            )
        port = container.ports[PORT][0]["HostPort"]
        url = f"postgresql://{NAME}:{password.get_secret_value()}@127.0.0.1:{port}/{NAME}"
        with psycopg.connect(url, connect_timeout=CONNECT_S) as connection:
            connection.execute("select 1")
        return url

    try:
        return wait_until(answers, within_s=READY_S, name="its answer", every_s=0.2)
    except _ContainerEnded as ended:
        sentence = str(ended)
    except Unavailable as late:
        sentence = late.sentence
    with engine.docker_errors("reading its log"):
        last = container.logs(tail=LOG_LINES).decode(errors="replace").strip()
    raise Unavailable(f"{sentence} Its last lines:\n{last}\n")


class _ContainerEnded(BaseException):
    """Out of `wait_until` at once: what exited will not answer."""
