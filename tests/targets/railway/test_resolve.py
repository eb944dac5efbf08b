"""From names to ids, page by page; a token of another place is refused."""

import pytest

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.targets.railway import resolve
from chromadrill.targets.railway.simulator import api as simulated_api

BY_TOKEN = {"project": None, "environment": None, "service": "chroma"}


def test_names_and_ids_lead_to_the_same_place(simulate):
    with simulate() as railway:
        world, place = railway.world, railway.place
        ids = {"project": world.project, "environment": world.environment, "service": world.service}
        assert resolve.place(railway.api, **ids) == place
        assert (place.project, place.environment, place.service) == tuple(ids.values())


def test_project_token_knows_its_project_and_environment(simulate):
    with simulate() as railway:
        assert resolve.place(railway.api, **BY_TOKEN) == railway.place


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"project": "another"}, "the token is one of project"),
        ({"environment": "stagin"}, "environment 'stagin': not there. Did you mean 'staging'"),
        ({"service": "chrome"}, "service 'chrome': not there. Did you mean 'chroma'"),
    ],
)
def test_wrong_name_is_told_the_nearest(simulate, wrong, message):
    with simulate() as railway, pytest.raises(UsageError, match=message):
        resolve.place(railway.api, **BY_TOKEN | wrong)


def test_account_token_must_be_told_project_and_environment(simulate):
    with simulate(kind="account") as railway:
        with pytest.raises(UsageError, match="project = "):
            resolve.place(railway.api, **BY_TOKEN | {"environment": "staging"})
        with pytest.raises(UsageError, match=r"environment = .* Known: staging"):
            resolve.place(railway.api, **BY_TOKEN | {"project": railway.world.project})


def test_name_that_two_have_wants_the_id():
    known = [("1", "chroma"), ("2", "chroma")]
    with pytest.raises(UsageError, match="2 have that name; give the id"):
        resolve.choose("service", "chroma", known)
    assert resolve.choose("service", "2", known) == ("2", "chroma")


def test_all_pages_are_read(simulate, monkeypatch):
    monkeypatch.setattr(simulated_api, "PAGE", 2)
    with simulate() as railway:
        for number in range(4):
            railway.platform.new_volume(f"v{number}", 10, "/x")
        names = [volume.name for volume in resolve.volumes(railway.api, railway.place)]
        assert names == ["chroma-data", "v0", "v1", "v2", "v3"]


def test_service_without_its_one_volume_is_a_sentence(simulate):
    with simulate() as railway:
        railway.world.mounted_volume().service = None
        with pytest.raises(Unavailable, match="has 0 volumes, wanted 1"):
            resolve.volume(railway.api, railway.place)
