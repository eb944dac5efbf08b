"""`chromadrill fetch-model --from hub`, against a hub of a few bytes on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from chromadrill.core.loopback_server import LoopbackServer
from chromadrill.embedding.weights import NAME, TOKENIZER, WEIGHTS

COMMIT = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
# what the hub has beside what is wanted
FILES = {WEIGHTS: b"published", TOKENIZER: b"{}", "onnx/model.onnx": b"the same for others"}
CODE = """\
import hashlib
from chromadrill.core import cli
from chromadrill.commands.app import invoke
from chromadrill.embedding import minilm, weights
weights.from_package = lambda: None
weights.WEIGHTS_SHA256 = hashlib.sha256(b"published").hexdigest()
minilm.load = weights.require_published
cli.run(invoke, ["fetch-model", "--from", "hub", "--json"])
"""


class Hub(BaseHTTPRequestHandler):
    """Tells its files, and gives them; those in `server.lost` it says it has, and has not."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        file = self.path.partition(f"/{NAME}/resolve/{COMMIT}/")[2]
        if self.path.startswith(f"/api/models/{NAME}/tree/"):
            files = [{"type": "file", "path": name, "size": len(FILES[name]), "oid": "0" * 40}
                     for name in FILES]  # fmt: skip
            self._answer(json.dumps(files).encode())
        elif self.path.startswith(f"/api/models/{NAME}"):
            siblings = [{"rfilename": name} for name in FILES]
            self._answer(json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode())
        elif file in FILES and file not in self.server.lost:
            self.server.taken.add(file)
            self._answer(FILES[file], ETag=f'"{hashlib.sha1(FILES[file]).hexdigest()}"')  # noqa: S324
        else:
            self.send_error(404)

    def _answer(self, content, **headers):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Repo-Commit", COMMIT)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    with LoopbackServer(Hub) as server:
        server.taken, server.lost = set(), set()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fetch_model(hub, folder):
    environment = {
        # another test may have loaded a model, which is offline
        **{name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"},
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hub"), "XDG_CACHE_HOME": str(folder / "cache"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    return subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip


@pytest.mark.slow
def test_published_model_is_taken_of_the_hub_without_what_is_for_others(hub, tmp_path):
    ran = fetch_model(hub, tmp_path)
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["revision"] == f"commit {COMMIT}"
    names = sorted(
        path.name for path in (tmp_path / "cache/chromadrill/all-MiniLM-L6-v2").iterdir()
    )
    assert names == [WEIGHTS, "revision.txt", TOKENIZER]
    assert hub.taken == {WEIGHTS, TOKENIZER}


@pytest.mark.slow
def test_hub_that_loses_a_file_is_exit_2_and_leaves_nothing(hub, tmp_path):
    hub.lost.add(WEIGHTS)
    ran = fetch_model(hub, tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "cannot be fetched. By hub:" in ran.stderr
    assert not list((tmp_path / "cache/chromadrill").iterdir())
