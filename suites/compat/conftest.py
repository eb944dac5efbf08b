"""For each kind of server: one of an older release, filled as it keeps its data, and one of ours."""

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Scope
from chromadrill.targets.container import engine
from chromadrill.targets.kinds import SCRATCH
from chromadrill.targets.process.installed_releases import install_server, installed_server
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data import legacy
from fixtures.options import settings_of
from fixtures.target import new_scratch


def pytest_generate_tests(metafunc):
    """Every release of the settings, as every kind of scratch server, or as the one `--target` says."""
    if "release" in metafunc.fixturenames:
        settings = settings_of(metafunc.config)
        given = settings.origin("drill.target") != "default"
        kinds = [settings.drill.target] if given else SCRATCH
        releases = [each for each in settings.compat.releases if each != installed_server().release]
        metafunc.parametrize(
            ("release", "kind"), [(r, k) for r in releases for k in kinds if k in SCRATCH]
        )


@pytest.fixture(scope="session")
def engine_swept(settings):
    """Nothing of dead runs is left on the container engine, if there is one."""
    with suppress(engine.NoEngine):
        engine.sweep(engine.connect())


@pytest.fixture
def target(kind, settings, workshop, engine_swept):
    """An empty server of our release; not started."""
    made = new_scratch(workshop, settings, [Scope()], kind=kind)
    yield made
    made.remove()


@pytest.fixture
def source(release, kind, settings, workshop, engine_swept):
    """A server of the older release; not started. Not covered where there is none to be had."""
    with not_covered_without():
        if kind == "process":
            home = Path(tempfile.mkdtemp(prefix="home-", dir=workshop))
            cache = settings.compat.cache and Path(settings.compat.cache).expanduser()
            server = install_server(release, cache)
            made = ProcessTarget(home, name=kind, owner=os.getpid(), server=server)
        else:
            made = new_scratch(workshop, of_release(settings, release), [Scope()], kind=kind)
    yield made
    made.remove()


def of_release(settings, release):
    """The same image with another tag; before 1.0 its data lies elsewhere."""
    image = f"{settings.container.image.rpartition(':')[0]}:{release}"
    changed = {"image": image} | ({"data_dir": "/chroma/chroma"} if release[0] == "0" else {})
    engine.require_image(engine.connect(), image)
    container = settings.container.model_copy(update=changed)
    return settings.model_copy(update={"container": container})


@contextmanager
def not_covered_without():
    try:
        yield
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def matrix(record_property, kind):
    """One cell of the table: a volume copy made by one server was given to another."""

    def add(made_by, given_to, verdict, **measured):
        cell = {"made_by": made_by.release, "given_to": given_to.release, "kind": kind}
        outcome = {"outcome": str(verdict.outcome), "message": verdict.message}
        result = {"upgrade": "restored", "downgrade": "refused"}[verdict.check]
        result = result if verdict.outcome == "pass" else f"not {result}"
        record_property("compat", {**cell, "result": result, **outcome, **measured})

    return add


@pytest.fixture
def filled(source):
    """The older server running, with its data in it; one metric stands in the metadata alone."""
    source.start()
    with Chroma(source.url) as chroma:
        legacy.fill(chroma)
    source.stop()
    with source.volume() as data:
        legacy.move_metric_to_metadata(data, legacy.METRIC_IN_METADATA)
    source.start()
    return source
