"""A simulated platform in this process, without servers where none is asked for."""

import threading
from contextlib import contextmanager

from pydantic import SecretStr

from chromadrill.targets.home import free_port
from chromadrill.targets.railway import resolve
from chromadrill.targets.railway.api import Api
from chromadrill.targets.railway.simulator import platform as platforms
from chromadrill.targets.railway.simulator.http import PATH, Tokens, serve
from chromadrill.targets.railway.token import Token


class Calls:
    """Counts what arrives, by operation."""

    def __init__(self, api):
        self.api, self.sent = api, []
        post = api._http.post

        def counted(url, *, content, headers):
            self.sent.append(content.split(b'"operationName":"')[1].split(b'"')[0].decode())
            return post(url, content=content, headers=headers)

        api._http.post = counted


@contextmanager
def platform(tmp_path, monkeypatch, *, fault=None, volume_mb=5000, kind="project", patience_s=20):
    """(platform, api, place, calls) with workflows of a tenth of a second; nothing is deployed."""
    monkeypatch.setattr(platforms, "WORKFLOW_S", 0.1)
    monkeypatch.setattr(platforms, "LAG_S", 0.2)
    tokens = Tokens()
    made = platforms.Platform(tmp_path, port=free_port(), fault=fault, volume_mb=volume_mb)
    server = serve(made, tokens, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    api = Api(
        Token(kind, SecretStr(getattr(tokens, kind))), endpoint=endpoint, patience_s=patience_s
    )
    calls = Calls(api)
    try:
        yield made, api, resolve.place(api, project=made.world.project, environment="staging",
                                       service="chroma"), calls  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
        made.service.close()


def put(made, name, size=1000):
    """A file in the volume that is mounted now."""
    (made.world.mounted_volume().folder / name).write_bytes(b"x" * size)


def files(made):
    return sorted(each.name for each in made.world.mounted_volume().folder.iterdir())
