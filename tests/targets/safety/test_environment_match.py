"""A token that leads elsewhere than the name says: refused before anything is asked of the place."""

import dataclasses

import pytest

from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.settings import load
from chromadrill.targets.railway.simulator.run import simulator
from chromadrill.targets.registry import open_target
from chromadrill.targets.safety.environment_match import PlatformPlace, require_fits
from chromadrill.targets.safety.target_role import target_role

ID = "6f1c8a52-3f0e-4a53-9d0a-3b1d2f0a9c11"
PLACE = PlatformPlace(
    "staging", ("chroma", "s-1"), ("v-1", "i-1", "data"), ("staging.example.com",)
)
TOML = """
[environments.production]
url = "https://chroma.example.com"
volume = "v-9"
[targets.staging]
kind = "railway"
service = "chroma"
url = "http://127.0.0.1:8000"
"""


def settings(tmp_path, text=TOML, **environ):
    file = tmp_path / "drill.toml"
    file.write_text(text)
    return load(file, environ=environ)


def require(tmp_path, place, text=TOML):
    loaded = settings(tmp_path, text)
    require_fits(target_role(loaded, "staging", "http://127.0.0.1:8000"), loaded, place)


def test_place_of_the_environment_itself_is_let_by(tmp_path):
    require(tmp_path, PLACE)
    require(tmp_path, dataclasses.replace(PLACE, environment="Staging"))
    require(tmp_path, PLACE, f'{TOML}environment = "{ID}"\n')


@pytest.mark.parametrize("environment", ["production", "Production", "qa", ""])
def test_token_of_another_environment_is_refused_whatever_the_target_is_called(
    tmp_path, environment
):
    for text in (TOML, f'{TOML}environment = "{ID}"\n'):
        with pytest.raises(Refused, match=f"leads to the platform's environment '{environment}'"):
            require(tmp_path, dataclasses.replace(PLACE, environment=environment), text)


def test_place_with_what_is_productions_is_refused(tmp_path):
    for more in ({"volumes": ("v-9",)}, {"domains": ("x.example", "chroma.example.com")}):
        with pytest.raises(Refused, match="it is production"):
            require(tmp_path, dataclasses.replace(PLACE, **more))


def test_service_that_the_environment_names_is_compared(tmp_path):
    text = f'{TOML}[environments.staging]\nservice = "other"\n'
    with pytest.raises(Refused, match='service = "other"'):
        require(tmp_path, PLACE, text)
    require(tmp_path, PLACE, text.replace("other", "s-1"))


@pytest.mark.parametrize("name", ["Production", "prod", "STAGING", "qa"])
@pytest.mark.parametrize("kind", ["railway", "command", "remote"])
def test_environment_that_no_table_knows_is_refused(tmp_path, name, kind):
    with pytest.raises(UsageError, match=rf"no \[environments.{name}\]"):
        settings(tmp_path, f'{TOML.replace("railway", kind)}environment = "{name}"\n')


def test_id_is_resolved_only_where_the_targets_own_name_says_which_role_is_meant(tmp_path):
    with pytest.raises(UsageError, match="no "):
        settings(tmp_path, f'{TOML}environment = "{ID}"\n'.replace("targets.staging", "targets.x"))


@pytest.mark.parametrize("role", ["staging", "scratch"])
def test_production_is_given_no_other_role(tmp_path, role):
    with pytest.raises(UsageError, match="it is production"):
        settings(tmp_path, f'[environments.production]\nrole = "{role}"\n')
    with pytest.raises(UsageError, match="it is production"):
        settings(tmp_path, "", DRILL_ENVIRONMENTS__PRODUCTION__ROLE=role)
    with pytest.raises(UsageError):
        settings(tmp_path, '[environments.Production]\nrole = "staging"\n')


@pytest.mark.slow
def test_target_whose_token_leads_elsewhere_is_not_opened(tmp_path, monkeypatch):
    with simulator(tmp_path / "home") as railway:
        monkeypatch.setenv("RAILWAY_TOKEN", railway.tokens.project)
        monkeypatch.delenv("RAILWAY_API_TOKEN", raising=False)
        text = railway.config.read_text()
        open_target(load(railway.config, environ={}), "staging")
        railway.config.write_text(
            text.replace('environment = "staging"\n', "")
            .replace("targets.staging", "targets.qa")
            .replace("environments.staging", "environments.qa")
        )
        with pytest.raises(Refused, match="environment 'staging', and"):
            open_target(load(railway.config, environ={}), "qa")
