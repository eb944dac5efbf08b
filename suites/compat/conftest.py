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
from fixtures.scratch import new_scratch


def pytest_generate_tests(metafunc):
    """Every release of the settings, as every kind of scratch server, or as the one `--target` says."""
    if "release" in metafunc.fixturenames:
        settings = settings_of(metafunc.config)
        is_target_named = settings.origin("drill.target") != "default"
        kinds = [settings.drill.target] if is_target_named else SCRATCH
        releases = [r for r in settings.compat.releases if r != installed_server().release]
        metafunc.parametrize(
            ("release", "kind"), [(r, k) for r in releases for k in kinds if k in SCRATCH]
        )


@pytest.fixture(scope="session")
def clean_engine(settings):
    """Nothing of dead runs is left on the container engine, if there is one."""
    with suppress(engine.NoEngine):
        engine.sweep(engine.connect())


@pytest.fixture
def target(kind, settings, scratch_folder, clean_engine):
    """An empty server of our release; not started."""
    target = new_scratch(scratch_folder, settings, [Scope()], kind=kind)
    yield target
    target.remove()


@pytest.fixture
def older(release, kind, settings, scratch_folder, clean_engine):
    """A server of the older release; not started. Not covered where there is none to be had."""
    with skip_unavailable():
        if kind == "process":
            home = Path(tempfile.mkdtemp(prefix="home-", dir=scratch_folder))
            cache = settings.compat.cache and Path(settings.compat.cache).expanduser()
            server = install_server(release, cache)
            target = ProcessTarget(home, name=kind, owner=os.getpid(), server=server)
        else:
            settings = of_release(settings, release)
            target = new_scratch(scratch_folder, settings, [Scope()], kind=kind)
    yield target
    target.remove()


def of_release(settings, release):
    """The same image with another tag; before 1.0 its data lies elsewhere."""
    image = f"{settings.container.image.rpartition(':')[0]}:{release}"
    update = {"image": image} | ({"data_dir": "/chroma/chroma"} if release[0] == "0" else {})
    engine.require_image(engine.connect(), image)
    container = settings.container.model_copy(update=update)
    return settings.model_copy(update={"container": container})


@contextmanager
def skip_unavailable():
    """What cannot be had here is not covered, and says why."""
    try:
        yield
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def record_cell(record_property, kind):
    """One cell of the table: a volume copy made by one server was given to another."""

    def record(made_by, given_to, verdict, **measured):
        cell = {"made_by": made_by.release, "given_to": given_to.release, "kind": kind}
        outcome = {"outcome": str(verdict.outcome), "message": verdict.message}
        result = {"upgrade": "restored", "downgrade": "refused"}[verdict.check]
        result = result if verdict.outcome == "pass" else f"not {result}"
        record_property("compat", {**cell, "result": result, **outcome, **measured})

    return record


@pytest.fixture
def filled_older(older):
    """The older server running, with its data in it; one metric stands in the metadata alone."""
    older.start()
    with Chroma(older.url) as chroma:
        legacy.fill(chroma)
    older.stop()
    with older.volume() as data:
        legacy.move_metric_to_metadata(data, legacy.METRIC_IN_METADATA)
    older.start()
    return older
