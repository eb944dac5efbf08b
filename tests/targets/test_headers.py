"""Headers of a remote target: their values come from the environment, and stay secret."""

import pytest

from chromadrill.chroma import permissions
from chromadrill.core.errors import UsageError
from chromadrill.core.settings import load
from chromadrill.targets.headers import headers
from chromadrill.targets.registry import open_target

SECRET = "canary-header-6b20"


def test_value_is_taken_from_a_variable_or_from_the_file_that_it_names(tmp_path):
    (tmp_path / "token").write_text(f"{SECRET}\n")
    environ = {"CHROMA_TOKEN": "one-1", "CHROMA_TOKEN_FILE": str(tmp_path / "token")}
    values = headers(
        "t",
        {"Authorization": "Bearer {env:CHROMA_TOKEN}", "X-T": "{env:CHROMA_TOKEN_FILE}"},
        environ,
    )
    assert values["Authorization"].get_secret_value() == "Bearer one-1"
    assert values["X-T"].get_secret_value() == SECRET
    assert SECRET not in repr(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SECRET, "written out"),
        ("Bearer {CHROMA_TOKEN}", "written out"),
        ("{env:CHROMA_TOKEN}", "not set"),
        ("{env:CHROMA_AUTH}", "must say that it is a secret"),
        ("{env:SOME_TOKEN_FILE}", "not readable"),
        ("{env:BAD_TOKEN}", "printable"),
    ],
)
def test_wrong_header_is_a_sentence_without_its_value(text, message):
    environ = {"BAD_TOKEN": f"{SECRET}\r\nHost: x", "CHROMA_AUTH": SECRET, "SOME_TOKEN_FILE": "/no"}
    with pytest.raises(UsageError, match=message) as raised:
        headers("t", {"X-Chroma-Token": text}, environ)
    assert SECRET not in str(raised.value)


def test_wrong_name_of_a_header_is_refused():
    with pytest.raises(UsageError, match="no name of a header"):
        headers("t", {"X T\r\n": "{env:CHROMA_TOKEN}"}, {"CHROMA_TOKEN": "x"})


def test_remote_target_shows_its_header_and_is_not_written_to(server, tmp_path, monkeypatch):
    permissions.forget()
    monkeypatch.setenv("CHROMA_TOKEN", SECRET)
    file = tmp_path / "drill.toml"
    file.write_text(
        f'[targets.cloud]\nkind = "remote"\nurl = "{server.url}"\n'
        '[targets.cloud.headers]\nx-chroma-token = "{env:CHROMA_TOKEN}"\n'
    )
    settings = load(file, environ={})
    target = open_target(settings, "cloud")
    declared = permissions.access_to(target.url)
    assert declared.permission is permissions.Permission.OWNED
    assert declared.headers() == {"x-chroma-token": SECRET}
    assert SECRET not in f"{settings.public()} {settings!r} {declared!r} {target.facts()}"
