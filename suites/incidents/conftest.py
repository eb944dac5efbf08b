"""The lab of the incidents: what is shared is made once, when the first incident asks for it."""

import contextlib
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from chromadrill.chroma import wire
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.errors import Unavailable
from chromadrill.disasters.incidents.lab import Lab, SeededFiles
from chromadrill.targets.process.installed_releases import install_server
from chromadrill.targets.process.target import ProcessTarget
from fixtures.postgres import temporary_postgresql


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and all that it said."""

    code: int
    text: str
    verdicts: list

    @property
    def outcomes(self):
        return {verdict["check"]: verdict["outcome"] for verdict in self.verdicts}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A command as it is typed, in this process: a hundred new ones would take minutes."""
    monkeypatch.chdir(tmp_path)  # no drill.toml of anybody else
    monkeypatch.setenv("DRILL_MONITORING__BACKUP_JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setattr(wire, "PAUSE_S", 0.0)  # gateways here change their mind at once

    def command(arguments):
        output, errors = io.StringIO(), io.StringIO()
        streams = contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors)
        with streams[0], streams[1], pytest.raises(SystemExit) as ended:
            cli.run(invoke, [*arguments, "--json"])
        answer = json.loads(output.getvalue() or "{}")
        verdicts = [v for v in answer.pop("verdicts", []) if v["outcome"] != "not_run"]
        lines = [f"{v['check']}: {v['outcome']}: {v['message']}" for v in verdicts]
        text = "\n".join([*lines, json.dumps(answer), errors.getvalue()])
        return Ended(ended.value.code, text, verdicts)

    return command


@pytest.fixture(scope="session")
def store_and_print(seeded_store, tmp_path_factory):
    before = tmp_path_factory.mktemp("before") / "fingerprint"
    fingerprint_file.save(seeded_store.before, before)
    return SeededFiles(seeded_store.data, seeded_store.older, before)


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    target = ProcessTarget(tmp_path_factory.mktemp("shared") / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


@pytest.fixture(scope="session")
def own_postgresql(settings):
    """One that ends with the session: recipes drop tables and make roles, never in DATABASE_URL's."""
    try:
        with temporary_postgresql(settings.source.postgres_image) as url:
            yield url
    except Unavailable as error:
        pytest.skip(f"not covered: {error}")


@pytest.fixture
def lab(request, tmp_path, settings, run, monkeypatch):
    """An incident that needs what cannot be had here is not covered, and says why."""
    cache = settings.compat.cache and Path(settings.compat.cache).expanduser()

    def older_server(release):
        try:
            return install_server(release, cache)
        except Unavailable as error:
            pytest.skip(f"not covered: {error}")

    return Lab(
        name=re.sub(r"\W+", "-", request.node.callspec.params["incident"].name),
        folder=tmp_path,
        packed=Path(__file__).with_name("stores"),
        run=lambda arguments: run(arguments).code,
        export=monkeypatch.setenv,
        seeded_store=lambda: request.getfixturevalue("store_and_print"),
        shared_server=lambda: request.getfixturevalue("shared_server").url,
        older_server=older_server,
        postgresql=lambda: request.getfixturevalue("own_postgresql"),
    )
