"""A simulated platform in this process, without servers where none is asked for."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from pydantic import SecretStr

from chromadrill.targets.home import free_port
from chromadrill.targets.railway import api, resolve, workflows
from chromadrill.targets.railway.simulator import http
from chromadrill.targets.railway.simulator import platform as platforms
from chromadrill.targets.railway.simulator.http import PATH, Tokens, serve
from chromadrill.targets.railway.token import Token


@dataclass
class SimulatedRailway:
    """A platform, and a client of its API with the token in `secret`."""

    platform: platforms.Platform
    api: api.Api
    secret: str

    @property
    def world(self):
        """What is there on the platform."""
        return self.platform.world

    @cached_property
    def place(self):
        """Where the service is, by its names."""
        return resolve.place(
            self.api, project=self.world.project, environment="staging", service="chroma"
        )

    @property
    def instance(self):
        """The volume instance under the service, as the API tells it."""
        return resolve.volume(self.api, self.place).instance

    def put(self, name, size=1000):
        """A file in the volume that is mounted now."""
        (self.world.mounted_volume().folder / name).write_bytes(b"x" * size)

    def files(self):
        """Names of the files in the volume that is mounted now."""
        return sorted(path.name for path in self.world.mounted_volume().folder.iterdir())


@contextmanager
def simulated_railway(
    tmp_path, monkeypatch, *, fault=None, volume_mb=5000, kind="project", patience_s=20
):
    """A platform a tenth as slow as the real one, and a client as impatient; nothing is deployed."""
    monkeypatch.setattr(platforms, "WORKFLOW_S", 0.05)
    monkeypatch.setattr(platforms, "LAG_S", 0.04)
    monkeypatch.setattr(http, "RETRY_AFTER_S", 0)
    monkeypatch.setattr(api, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(workflows, "FIRST_PAUSE_S", 0.025)
    tokens = Tokens()
    platform = platforms.Platform(tmp_path, port=free_port(), fault=fault, volume_mb=volume_mb)
    server = serve(platform, tokens, 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    secret = getattr(tokens, kind)
    client = api.Api(Token(kind, SecretStr(secret)), endpoint=endpoint, patience_s=patience_s)
    try:
        yield SimulatedRailway(platform, client, secret)
    finally:
        server.shutdown()
        server.server_close()
        platform.service.close()
