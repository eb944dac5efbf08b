"""[backups.NAME]: where backups lie; what a wrong table is told."""

import pytest

from chromadrill.core.errors import UsageError
from chromadrill.core.settings import load


def backups_of(tmp_path, text, **environ):
    file = tmp_path / "drill.toml"
    file.write_text(text)
    return load(file, environ=environ).backups


def test_table_without_keys_keeps_its_recordings_in_a_folder_of_its_name(tmp_path):
    backups = backups_of(
        tmp_path, "[backups.production]\ntarget = 'p'\n[backups.other]\nrecordings = '/r'\n"
    )
    assert {n: t.recordings for n, t in backups.items()} == {
        "production": "recordings/production",
        "other": "/r",
    }
    assert (backups["production"].source, backups["production"].keep_days) == (None, 35)


def test_variable_reaches_the_backup_of_the_file(tmp_path):
    backups = backups_of(tmp_path, "[backups.my-own]", **{"DRILL_BACKUPS__MY-OWN__KEEP_DAYS": "7"})
    assert backups["my-own"].keep_days == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sorce = 'x'", r"\[backups.b\] sorce: no such setting. Did you mean 'source'"),
        ("keep_days = 0", r"\[backups.b\] keep_days: .*got 0"),
        ("least_coverage_percent = 101", r"least_coverage_percent: .*got 101"),
        ("source = 'restic:'", "names no repository: restic:REPOSITORY"),
        ("source = 'restic:#nightly'", "names no repository: restic:REPOSITORY"),
        ("source = 'target'", "needs the name of that target"),
        ("source = 'command'\nfetch = 'f {id} {into}'", "needs the command `list`"),
        ("source = 'command'\nlist = 'l'", "needs the command `fetch`"),
        ("source = 'command'\nlist = 'l'\nfetch = 'f {id}'", "names no {into}"),
        ("source = 'command'\nlist = 'l'\nfetch = 'f {id} {inot}'", "{inot}: no such placeholder"),
        (
            "source = 'command'\nlist = 'l {id}'\nfetch = 'f {id} {into}'",
            "{id}: no such placeholder",
        ),
        ("source = 'command'\nlist = 'l'\nfetch = 'f {id!x} {into}'", "write {id} alone"),
        ("source = 'command'\nlist = 'l'\nfetch = 'f {id} {into:z}'", "write {into} alone"),
        ("source = 'command'\nlist = 'l {'\nfetch = 'f {id} {into}'", "Write {{ for a brace"),
        ("source = '/backups'\nlist = 'l'", "list is for source = 'command'"),
        ("source = 'restic:rest:https://u:geheim@h/r'", "source holds a password"),
    ],
)
def test_wrong_table_is_a_sentence_with_its_place(tmp_path, text, message):
    with pytest.raises(UsageError, match=message) as refusal:
        backups_of(tmp_path, f"[backups.b]\n{text}\n")
    assert "[backups.b]" in str(refusal.value)
    assert "geheim" not in f"{refusal.value}{refusal.value.next_step}"


def test_recordings_of_two_targets_never_share_a_folder(tmp_path):
    text = (
        "[backups.a]\nrecordings = 'r'\ntarget = 'one'\n"
        "[backups.b]\nrecordings = './r'\ntarget = '{}'\n"
    )
    assert len(backups_of(tmp_path, text.format("one"))) == 2
    with pytest.raises(
        UsageError, match=r"\[backups.b\] recordings = 'r' is that of \[backups.a\]"
    ):
        backups_of(tmp_path, text.format("two"))


def test_questions_have_a_limit_and_a_file(tmp_path):
    file = tmp_path / "drill.toml"
    file.write_text('[questions]\nfile = "questions.jsonl"\nleast_hit_percent = 75\n')
    questions = load(file, environ={}).questions
    assert (questions.file, questions.k, questions.least_hit_percent) == ("questions.jsonl", 10, 75)
    assert load(environ={}).questions.file is None
    file.write_text("[questions]\nleast_hits = 75\n")
    with pytest.raises(UsageError, match=r"\[questions\] least_hits: .*Did you mean"):
        load(file, environ={})


def test_secret_in_a_command_of_a_table_is_no_part_of_the_record(tmp_path):
    file = tmp_path / "drill.toml"
    file.write_text(
        "[backups.b]\nsource = 'command'\nlist = 'curl --token t0psecret https://me:hunter2@h/l'\n"
        "fetch = \"curl -H 'Authorization: Bearer abcdef' {id} {into}\"\n"
    )
    public = load(file, environ={}).public()
    text = str(public)
    assert "{id} {into}" in public["backups.b.fetch"]["value"]
    assert not [word for word in ("t0psecret", "hunter2", "abcdef") if word in text]
