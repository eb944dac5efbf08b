"""Where a value comes from, and what a wrong one is told."""

import re
from pathlib import Path

import pytest

from chromadrill.core.errors import UsageError
from chromadrill.core.renamed import SETTINGS
from chromadrill.core.settings import Settings, load, schema


def write(tmp_path, text):
    (tmp_path / "drill.toml").write_text(text)
    return tmp_path / "drill.toml"


def test_command_line_beats_environment_beats_file_beats_default(tmp_path):
    file = write(tmp_path, "[drill]\nrecords = 2000\nmin_records = 5\n[objectives]\nstartup_s = 9")
    settings = load(
        file,
        environ={"DRILL_RECORDS": "3000", "DRILL_MIN_RECORDS": "6"},
        command_line={"drill.records": 4000, "drill.target": None},
    )

    assert (settings.drill.records, settings.origin("drill.records")) == (4000, "command line")
    assert (settings.drill.min_records, settings.origin("drill.min_records")) == (
        6,
        "environment",
    )
    assert settings.objectives.startup_s == 9
    assert settings.origin("objectives.startup_s") == str(file)
    assert (settings.drill.target, settings.origin("drill.target")) == ("process", "default")


def test_embedder_is_set_from_the_environment():
    environ = {"DRILL_EMBEDDING__DIRECTORY": "/m", "DRILL_EMBEDDING__OFFLINE": "false"}
    settings = load(environ=environ)
    assert (settings.embedding.directory, settings.embedding.offline) == ("/m", False)
    with pytest.raises(UsageError, match="Did you mean 'threads'"):
        load(environ={"DRILL_EMBEDDING__THREAD": "2"})


def test_falsy_value_on_the_command_line_still_wins(tmp_path):
    file = write(tmp_path, "[drill]\nmin_records = 5")
    assert load(file, environ={}, command_line={"drill.min_records": 0}).drill.min_records == 0


def test_tables_are_reached_from_the_environment():
    settings = load(environ={"DRILL_OBJECTIVES__STARTUP_S": "12", "DRILL_REQUIRED": "RB-1, RB-2"})
    assert settings.objectives.startup_s == 12
    assert settings.drill.required == ("RB-1", "RB-2")


def test_chroma_url_names_the_target():
    assert load(environ={"CHROMA_URL": "http://x:1"}).drill.target == "http://x:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[drill]\nrecord = 5", r"\[drill\] record: no such setting. Did you mean 'records'"),
        ("[objectve]\nx = 1", r"\[objectve\].*Did you mean 'objectives'"),
        ("[drill]\nrecords = 'many'", r"\[drill\] records: .*got 'many'"),
        ("[drill]\nrecords = 5", r"records: .*greater than or equal to 1100"),
        ("[targets.staging]\nurll = 'x'", r"urll: no such setting. Did you mean 'url'"),
        ("[drill", "is not TOML"),
        ("drill = 5", r"\[drill\] is no table, and drill.target is in it"),
        ("[[drill]]\nrecords = 5", r"\[drill\] is no table"),
        ("source = 5", r"source: .*got 5"),
        ("[environments.production.backups]\nx = 1", r"production.backups\] is no table"),
        ("a = " + "[" * 20_000, "nested too deeply"),
    ],
)
def test_wrong_file_is_told_section_key_and_nearest_name(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        load(write(tmp_path, text), environ={}, command_line={"drill.target": "process"})


def test_mark_that_an_editor_puts_before_a_file_changes_nothing(tmp_path):
    assert load(write(tmp_path, "\ufeff[drill]\nrecords = 2000"), environ={}).drill.records == 2000


@pytest.mark.parametrize("put", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_drill_toml_that_is_no_file_is_not_left_out_in_silence(tmp_path, monkeypatch, put):
    monkeypatch.chdir(tmp_path)
    put(Path("drill.toml"))
    with pytest.raises(UsageError, match=r"^drill\.toml: "):
        load(environ={})


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [(table, old, new) for table, keys in SETTINGS.items() for old, new in keys.items()],
)
def test_key_that_was_renamed_is_refused_with_its_new_name_and_the_value(tmp_path, table, old, new):
    with pytest.raises(UsageError, match=f"{old} is now called {new}") as refusal:
        load(write(tmp_path, f"[{table}]\n{old} = 7"), environ={})
    assert refusal.value.next_step == f"Write [{table}] {new} = 7 instead."
    variable, right = (
        f"DRILL_{key.upper()}" if table == "drill" else f"DRILL_{table.upper()}__{key.upper()}"
        for key in (old, new)
    )
    with pytest.raises(UsageError, match=f"^{variable}: .* is now called {new}") as refusal:
        load(environ={variable: "7"})
    assert refusal.value.next_step == f"Set {right} instead."
    assert new in Settings.model_fields[table].annotation.model_fields


def test_wrong_variable_is_told_the_nearest_name():
    with pytest.raises(UsageError, match="DRILL_RECORDS"):
        load(environ={"DRILL_RECORD": "5"})


def test_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        load(tmp_path / "none.toml", environ={})


@pytest.mark.parametrize(
    ("table", "key"),
    [("notify", "webhook"), ("notify", "heartbeat"), ("evidence", "signing_key")],
)
def test_secret_in_a_file_is_refused_and_from_the_environment_it_is_never_shown(
    tmp_path, table, key
):
    with pytest.raises(UsageError, match=f"DRILL_{table.upper()}__{key.upper()}"):
        load(write(tmp_path, f'[{table}]\n{key} = "canary-value"'), environ={})
    settings = load(environ={f"DRILL_{table.upper()}__{key.upper()}": "canary-value"})
    assert getattr(getattr(settings, table), key).get_secret_value() == "canary-value"
    assert "canary-value" not in repr(settings) + str(settings.public())


def test_unknown_key_of_the_new_tables_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'secondary'"):
        load(write(tmp_path, '[contacts]\nsecundary = "x"'), environ={})
    with pytest.raises(UsageError, match="Did you mean 'witness'"):
        load(write(tmp_path, '[evidence]\nwitnes = "x"'), environ={})


def test_limits_are_those_of_the_environment_and_what_container_names_wins():
    settings = load(environ={"DRILL_ENVIRONMENT": "staging", "DRILL_CONTAINER__MEMORY_MB": "64"})
    assert (settings.limits.memory_mb, settings.limits.disk_mb) == (64, 5120)
    assert load(environ={}).limits.memory_mb is None
    assert settings.origin("environments.staging.disk_mb") == "default"


def test_environment_of_the_file_is_merged_with_the_runbooks_own(tmp_path):
    file = write(tmp_path, "[drill]\nenvironment = 'lab'\n[environments.lab]\nmemory_mb = 256")
    settings = load(file, environ={})
    assert (settings.limits.memory_mb, settings.limits.disk_mb) == (256, None)
    assert set(settings.environments) == {"lab", "production", "scratch", "staging"}


def test_environment_nobody_knows_is_told_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'staging'"):
        load(environ={"DRILL_ENVIRONMENT": "stagin"})
    with pytest.raises(UsageError, match="Did you mean 'memory_mb'"):
        load(environ={"DRILL_ENVIRONMENTS__STAGING__MEMORY_M": "5"})


def test_customary_variables_name_image_and_data_directory():
    container = load(environ={"CHROMA_IMAGE": "x:1", "CHROMA_DATA_DIR": "/d"}).container
    assert (container.image, container.data_dir) == ("x:1", "/d")


def test_postgresql_of_a_drill_has_an_image_by_file_or_customary_variable(tmp_path):
    file = write(tmp_path, '[source]\npostgres_image = "of/the-file:16"')
    assert load(environ={}).source.postgres_image == "postgres:17-alpine"
    assert load(file, environ={}).source.postgres_image == "of/the-file:16"
    settings = load(file, environ={"POSTGRES_IMAGE": "mirror/postgres:17"})
    assert settings.source.postgres_image == "mirror/postgres:17"
    assert settings.origin("source.postgres_image") == "environment"


def test_sources_have_names_and_the_default_one_its_table(tmp_path):
    file = tmp_path / "drill.toml"
    file.write_text(
        '[source]\ntable = "cms.manual_content"\nbatch = 7\n'
        '[source.articles]\ntable = "public.articles"\n'
    )
    source = load(file, environ={}).source
    assert source.table_named("articles").table == "public.articles"
    assert source.table_named("manual_content").batch == 7
    assert source.table_named("cms.manual_content").batch == 7
    with pytest.raises(UsageError, match=r"no \[source.articels\]. Did you mean 'articles'"):
        source.table_named("articels")


def test_wrong_word_in_a_source_is_no_source_of_that_name(tmp_path):
    file = tmp_path / "drill.toml"
    file.write_text('[source]\ntabel = "t"\n')
    with pytest.raises(
        UsageError, match=r"\[source\] tabel: no such setting. Did you mean 'table'"
    ):
        load(file, environ={})


def test_database_url_is_a_secret_of_the_environment(tmp_path):
    settings = load(environ={"DATABASE_URL": "postgresql://u:geheim@h/d"})
    assert settings.source.database_url.get_secret_value().endswith("@h/d")
    assert "geheim" not in f"{settings.public()}{settings!r}"
    file = tmp_path / "drill.toml"
    file.write_text('[source]\ndatabase_url = "postgresql://u:geheim@h/d"\n')
    with pytest.raises(UsageError, match="secret"):
        load(file, environ={})


def test_example_without_its_comments_is_a_file_of_settings(tmp_path):
    text = (Path(__file__).parents[2] / "drill.toml").read_text()
    lines = [line[2:] for line in text.splitlines() if re.match(r"# (\[|[a-z_0-9.-]+ = )", line)]
    settings = load(write(tmp_path, "\n".join(lines)), environ={})
    assert settings.environments["production"].role == "production"
    assert settings.targets["vm"].commands["start"]
    assert (settings.backups["bucket"].source, settings.questions.k) == ("command", 10)


def test_objectives_of_the_environment_win_over_those_of_all(tmp_path):
    text = "[objectives]\nrb2_recovery_s = 60\ndata_loss_s = 5\n"
    overrides = "[environments.staging.objectives]\nrb2_recovery_s = 600\n"
    staging = {"drill.environment": "staging"}
    settings = load(write(tmp_path, text + overrides), environ={}, command_line=staging)
    # what somebody wrote wins over the runbook's default for staging
    assert (settings.objectives.rb2_recovery_s, settings.objectives.data_loss_s) == (600, 5)
    assert settings.origin("objectives.rb2_recovery_s") == "environments.staging"
    typed = {"DRILL_OBJECTIVES__RB2_RECOVERY_S": "7"}
    settings = load(write(tmp_path, text + overrides), environ=typed, command_line=staging)
    assert settings.objectives.rb2_recovery_s == 7
    assert load(write(tmp_path, text + overrides), environ={}).objectives.rb2_recovery_s == 60
    assert load(None, environ={}, command_line=staging).objectives.data_loss_s == 7 * 86_400
    with pytest.raises(UsageError, match="Did you mean 'rb2_recovery_s'"):
        load(
            write(tmp_path, overrides.replace("rb2_recovery", "rb2_recover")),
            environ={},
            command_line=staging,
        )


WRONG = (
    "role = 'prod'",
    "exclusive = 'maybe'",
    "token = 'x'",
    "backups = [{every = 'hourly', keep_days = 1}]",
    "backups = [{every = 'daily', at = '25:00', keep_days = 1}]",
    "backups = [{every = 'daily'}]",
)


@pytest.mark.parametrize("text", WRONG)
def test_wrong_environment_is_a_sentence(tmp_path, text):
    with pytest.raises(UsageError, match="environments"):
        load(write(tmp_path, f"[environments.lab]\n{text}"), environ={})


@pytest.mark.parametrize("name", ["Staging", "my__staging", '"a.b"', '"a b"', "-x"])
@pytest.mark.parametrize("kind", ["targets", "environments", "backups"])
def test_name_that_no_variable_could_say_is_refused(tmp_path, kind, name):
    file = write(tmp_path, f'[{kind}.{name}]\nurl = "http://127.0.0.1:1"')
    with pytest.raises(UsageError, match=r"small letters"):
        load(file, environ={})


@pytest.mark.parametrize("name", ["staging", "my-staging", "my_staging2"])
def test_variable_reaches_the_target_of_the_file(tmp_path, name):
    file = write(tmp_path, f'[targets.{name}]\nkind = "command"')
    targets = load(file, environ={f"DRILL_TARGETS__{name.upper()}__SCOPES": "acme/one"}).targets
    assert {n: (t.kind, t.scopes) for n, t in targets.items()} == {name: ("command", ("acme/one",))}


@pytest.mark.parametrize("kind", ["command", "railway", "remote", "process"])
@pytest.mark.parametrize("scope", ["a", "/a", "a/", "/", ""])
def test_scope_that_is_none_is_a_sentence_whatever_the_kind(tmp_path, kind, scope):
    file = write(tmp_path, f'[targets.x]\nkind = "{kind}"\nscopes = ["a/b", "{scope}"]')
    with pytest.raises(UsageError, match=rf"\[targets\.x\] scopes: .*DATABASE, not '{scope}'"):
        load(file, environ={})


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ('url = "http://h:1"', "remote"),
        ('url = "http://h:1"\ncommands = {stop = "true"}', "command"),
        ('url = "http://h:1"\nkind = "railway"', "railway"),
        ('home = "/srv/lab"', "process"),
    ],
)
def test_target_with_a_url_and_without_a_kind_is_somebodys_server(tmp_path, lines, kind):
    file = tmp_path / "drill.toml"
    file.write_text(f"[targets.production]\n{lines}\n")
    assert load(file, environ={}).targets["production"].kind == kind


def test_url_alone_from_a_variable_is_somebodys_server():
    environ = {"DRILL_TARGETS__LAB__URL": "http://h:1"}
    assert load(environ=environ).targets["lab"].kind == "remote"


@pytest.mark.parametrize("kind", ["process", "container"])
def test_url_of_a_server_that_we_start_is_refused(tmp_path, kind):
    file = tmp_path / "drill.toml"
    file.write_text(f"[targets.lab]\nkind = '{kind}'\nurl = 'http://u:geheim@h:1'\n")
    with pytest.raises(
        UsageError, match=r"starts a server of its own\. Leave the kind out"
    ) as error:
        load(file, environ={})
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(("driver", "required"), [(None, False), ("psycopg", True)])
def test_rebuild_is_required_where_the_driver_of_postgresql_is_installed(
    monkeypatch, driver, required
):
    monkeypatch.setattr(schema.importlib.util, "find_spec", lambda name: driver)
    assert ("RB-3" in schema.DrillTable().required) is required
