"""From names to ids, page by page; a token of another place is refused."""

import pytest

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.targets.railway import resolve
from chromadrill.targets.railway.simulator import api as simulated
from tests.targets.railway.platforms import platform


@pytest.fixture
def start(tmp_path, monkeypatch):
    return lambda **how: platform(tmp_path, monkeypatch, **how)


def test_names_and_ids_lead_to_the_same_place(start):
    with start() as (made, api, at, _):
        world = made.world
        assert (at.project, at.environment, at.service) == (
            world.project,
            world.environment,
            world.service,
        )
        ids = {"project": at.project, "environment": at.environment, "service": at.service}
        assert resolve.place(api, **ids) == at


def test_project_token_knows_its_project_and_environment(start):
    with start() as (_, api, at, _):
        assert resolve.place(api, project=None, environment=None, service="chroma") == at


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"project": "another"}, "the token is one of project"),
        ({"environment": "stagin"}, "environment 'stagin': not there. Did you mean 'staging'"),
        ({"service": "chrome"}, "service 'chrome': not there. Did you mean 'chroma'"),
    ],
)
def test_wrong_name_is_told_the_nearest(start, wrong, said):
    with start() as (_, api, _, _), pytest.raises(UsageError, match=said):
        resolve.place(
            api, **{"project": None, "environment": "staging", "service": "chroma"} | wrong
        )


def test_account_token_must_be_told_project_and_environment(start):
    with start(kind="account") as (made, api, _, _):
        with pytest.raises(UsageError, match="project = "):
            resolve.place(api, project=None, environment="staging", service="chroma")
        with pytest.raises(UsageError, match=r"environment = .* Known: staging"):
            resolve.place(api, project=made.world.project, environment=None, service="chroma")


def test_name_that_two_have_wants_the_id():
    known = [("1", "chroma"), ("2", "chroma")]
    with pytest.raises(UsageError, match="2 have that name; give the id"):
        resolve.choose("service", "chroma", known)
    assert resolve.choose("service", "2", known) == ("2", "chroma")


def test_all_pages_are_read(start, monkeypatch):
    monkeypatch.setattr(simulated, "PAGE", 2)
    with start() as (made, api, at, _):
        for number in range(4):
            made.new_volume(f"v{number}", 10, "/x")
        names = [each.name for each in resolve.volumes(api, at)]
        assert names == ["chroma-data", "v0", "v1", "v2", "v3"]


def test_service_without_its_one_volume_is_a_sentence(start):
    with start() as (made, api, at, _):
        made.world.mounted_volume().service = None
        with pytest.raises(Unavailable, match="has 0 volumes, wanted 1"):
            resolve.volume(api, at)
