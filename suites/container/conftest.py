"""Disasters that only a container can have: on a scratch container, never on another target."""

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.targets.container.loop_device import small_disk
from fixtures.options import deselect, settings_of
from fixtures.scratch import fill, new_scratch


def pytest_collection_modifyitems(config, items):
    """An engine is killed only where the settings name one that nobody else uses."""
    container = settings_of(config).container
    if container.engine_pid_file and container.engine_start:
        return
    deselect(config, items, lambda item: "engine_of_ours" in getattr(item, "fixturenames", ()))


@pytest.fixture
def engine_of_ours(settings):
    """The pid file and the start command of an engine that may be killed."""
    return settings.container


@pytest.fixture(autouse=True)
def _container(settings):
    if settings.drill.target != "container":
        pytest.skip("only a container can have this disaster: --target container")


@pytest.fixture
def disk(request):
    """Options of a volume on a small disk; `parametrize` it with its megabytes."""
    try:
        with small_disk(request.param) as options:
            yield options
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def on_small_disk(disk, settings, dataset, scratch_folder, golden):
    """A container whose volume lies on the small disk, with the standard dataset on it."""
    target = new_scratch(scratch_folder, settings, dataset.scopes)
    try:
        target.replace_volume(disk)
        fill(target, golden, dataset)
        yield target
    finally:
        target.remove()
