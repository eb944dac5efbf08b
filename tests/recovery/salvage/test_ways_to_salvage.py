"""Commands that find damage name `chromadrill salvage`, and what it would bring back."""

import json

from tests.front_door import enter
from tests.recovery.salvage.conftest import index_of


def cut_index(data):
    file = index_of(data) / "data_level0.bin"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_validate_names_salvage_and_what_it_would_bring_back(damaged, capsys):
    cut_index(damaged)
    ended = enter(capsys, "validate", "--all", "--path", damaged)
    assert ended.code == 1, ended.text
    salvaged = json.loads(enter(capsys, "salvage", damaged, "--json").out)["salvage"][0]
    assert 0 < salvaged["brought_back"] < salvaged["records"]
    assert f"would bring back {salvaged['brought_back']:,} of 1200 records" in ended.out
    assert f"Next: chromadrill salvage {damaged}" in ended.out


def test_validate_of_a_malformed_database_names_salvage(sound, damaged, capsys):
    file = damaged / "chroma.sqlite3"
    content = bytearray(file.read_bytes())
    content[:16] = bytes(16)
    file.write_bytes(content)
    ended = enter(capsys, "validate", "--all", "--path", damaged, "--fingerprint", sound[1])
    assert ended.code == 1, ended.text
    assert "would bring back 1,200 of 1200 records" in ended.out
    assert f"Next: chromadrill salvage {damaged}" in ended.out


def test_validate_of_a_sound_store_names_no_salvage(sound, capsys):
    ended = enter(capsys, "validate", "--all", "--path", sound[0])
    assert ended.code == 0, ended.text
    assert "salvage" not in ended.text


def test_replay_that_cannot_have_all_writes_nothing_and_names_salvage(damaged, tmp_path, capsys):
    cut_index(damaged)
    new = tmp_path / "new"
    ended = enter(capsys, "replay", "--path", damaged, "--into", new)
    assert ended.code == 1, ended.text
    assert "written:" not in ended.out
    assert f"Next: chromadrill salvage {damaged}" in ended.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_replay_of_a_malformed_database_names_salvage(damaged, tmp_path, capsys):
    (damaged / "chroma.sqlite3").write_bytes(bytes(8192))
    ended = enter(capsys, "replay", "--path", damaged, "--into", tmp_path / "new")
    assert ended.code == 2, ended.text
    assert f"chromadrill salvage {damaged}" in ended.err


def test_triage_of_a_log_with_damage_names_salvage(tmp_path, capsys):
    log = tmp_path / "log"
    log.write_text("Error: database disk image is malformed\n")
    ended = enter(capsys, "triage", "--logs", "--file", log)
    assert ended.code == 1, ended.text
    assert "chromadrill salvage DATA" in ended.out
