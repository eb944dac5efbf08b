"""No secret of any input is in any file of a run, nor on the terminal."""

import html
import json
import os
import runpy
import traceback
from pathlib import Path
from xml.etree import ElementTree
from xml.sax import saxutils

import markupsafe
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.connection import connect
from chromadrill.commands.app import invoke
from chromadrill.core import cli
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.redaction import (
    hide_password,
    hide_secret,
    mask_secrets,
    redact,
    secrets_of,
)
from chromadrill.core.settings import TargetTable, load
from chromadrill.core.urls import without_password
from chromadrill.evidence import finish, hash_chain
from chromadrill.evidence.ledger import Ledger
from chromadrill.targets.command.target import open_command
from chromadrill.targets.kinds import TargetSpec
from chromadrill.targets.safety import rules
from chromadrill.targets.safety.target_role import target_role
from tests.forked import run_forked

ROOT = Path(__file__).parents[2]
TOKEN, PASSWORD, HOOK = "canary-token-5e1f", "canary-pass-77ab", "canary-hook-91cd"
HEADER = "canary-header-4c02"


def test_password_of_a_url_is_masked_wherever_it_stands():
    text = b'{"url":"http://ops:s3cret@10.0.0.1:8000/x","mail":"a@b.c","t":"12:30 me@x"}'
    assert b"s3cret" not in redact(text, [])
    assert redact(b"mail a@b.c at 12:30", []) == b"mail a@b.c at 12:30"
    assert mask_secrets("http://ops:s3cret@h/") == "http://ops:**********@h/"


def test_user_of_a_web_address_may_be_a_token_and_a_password_may_hold_any_sign():
    assert mask_secrets("https://ghp_s3cret@h/x?y") == "https://**********@h/x?y"
    assert mask_secrets("http://ops:s3@cr:et@h/") == "http://ops:**********@h/"
    assert mask_secrets("ssh://git@h/x http://h:80 a@b") == "ssh://git@h/x http://h:80 a@b"


NASTY = "pa&ss<\"w'or\\d>\u00e9\n12"


WAYS = {
    "as it is": str,
    "in a traceback": repr,
    "JSON": json.dumps,
    "JSON of any sign": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"said": text})),
    "orjson": lambda text: orjson.dumps({"said": text}).decode(),
    "HTML": html.escape,
    "template": lambda text: str(markupsafe.escape(text)),
    "JSON in a template": lambda text: str(markupsafe.escape(json.dumps(text))),
    "XML": saxutils.escape,
    "JUnit": lambda text: ElementTree.tostring(_element(text.replace("\n", " ")), "unicode"),
}


@pytest.mark.parametrize("way", WAYS)
def test_known_secret_is_masked_however_it_is_escaped(way):
    secrets = [NASTY.encode(), NASTY.replace("\n", " ").encode()]
    masked = redact(WAYS[way](f"before {NASTY} after").encode(), secrets)
    assert b"before ********** after" in masked
    assert b"pa&" not in masked
    assert b"12" not in masked


def _element(text):
    element = ElementTree.Element("failure", message=text)
    element.text = text
    return element


def test_password_of_a_target_is_in_no_word_of_the_rails(tmp_path):
    url = f"http://ops:{PASSWORD}@10.0.0.2:8000"
    (tmp_path / "drill.toml").write_text('[environments.production]\nurl = "http://10.0.0.2:8000"')
    at = target_role(load(tmp_path / "drill.toml", environ={}), url)
    for rule in (lambda: rules.require_may_operate(at, "stop"), lambda: rules.require_may_load(at),
                 lambda: rules.require_may_damage(at, url)):  # fmt: skip
        with pytest.raises(Refused, match=r"production") as refusal:
            rule()
        assert PASSWORD not in str(refusal.value)
    assert PASSWORD not in repr(at).replace(repr(at.url), "")
    elsewhere = target_role(load(environ={}), "http://ops:x@10.0.0.9:1")
    with pytest.raises(Refused, match="belongs to no environment"):  # named twice, and found so
        rules.require_may_damage(elsewhere, "http://ops:x@10.0.0.9:1")


def test_what_a_command_says_has_no_secret_in_it(monkeypatch, capsys):
    monkeypatch.setenv("RAILWAY_TOKEN", TOKEN)
    cli.say(f"http://u:{PASSWORD}@h/ with {TOKEN}")
    assert capsys.readouterr().err == "http://u:**********@h/ with **********\n"


def test_password_of_a_target_is_in_no_manifest_and_no_fact(server, tmp_path):
    port = server.url.rpartition(":")[2]
    table = TargetTable(
        kind="command", url=f"http://ops:{PASSWORD}@127.0.0.1:{port}",
        commands={"start": "true", "stop": "true", "running": "false", "snapshot": "true {id}",
                  "restore": "true {id}"},
    )  # fmt: skip
    target = open_command(TargetSpec("t", tmp_path / "home", load(environ={}), table))
    backup = target.snapshot("one")
    manifest = (Path(backup.path) / "manifest.json").read_text()
    assert f"http://127.0.0.1:{port}" in manifest
    assert PASSWORD not in manifest + str(target.facts())


def test_password_of_a_target_is_on_no_terminal_and_in_no_journal(tmp_path, monkeypatch, capsys):
    url = f"http://ops:{PASSWORD}@127.0.0.1:9"
    journal = tmp_path / "backups.jsonl"
    monkeypatch.setenv("DRILL_MONITORING__BACKUP_JOURNAL", str(journal))
    for args in (["snapshot"], ["clean-up"], ["--break-glass", f"{url}1", "stop"], ["stop", url],
                  ["--break-glass", "http://127.0.0.1:9", "stop"]):  # fmt: skip
        with pytest.raises(SystemExit) as ended:
            cli.run(invoke, ["ops", "--target", url, *args])
        assert ended.value.code
    printed = capsys.readouterr()
    assert "No answer from http://127.0.0.1:9" in printed.err
    assert "name the same" in printed.err
    assert PASSWORD not in printed.out + printed.err + journal.read_text()


@pytest.mark.parametrize("password", ["s3cr/et", "s3c@ret", "s3c/r@e@t"])
def test_password_with_a_slash_or_an_at_is_masked_to_its_end(password):
    masked = mask_secrets(f"x postgresql://app:{password}@db:5432/docs does not answer")
    assert masked == "x postgresql://app:**********@db:5432/docs does not answer"


@pytest.mark.parametrize("name", ["AZURE_ACCOUNT_KEY", "B2_ACCOUNT_KEY", "AWS_ACCESS_KEY_ID",
                                  "OPENAI_API_KEY", "DRILL_EVIDENCE__SIGNING_KEY"])  # fmt: skip
def test_any_key_of_the_environment_is_a_secret(name):
    assert secrets_of([(name, TOKEN), ("KEYBOARD_LAYOUT", "no-secret")]) == [TOKEN.encode()]


def test_secret_that_became_known_within_a_run_is_in_no_file_of_it(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    ledger = Ledger(folder / "evidence.jsonl")
    ledger.write("run started", run_id="run", target={"name": "t"}, versions={}, required=[])
    ledger.write("scenario started", scenario="s", runbook="RB-2", title=f"told too early: {TOKEN}")
    hide_secret(f"Bearer {TOKEN}")  # of a target's header, which is read when the target opens
    ledger.write("scenario finished", scenario="s", error=f"HTTP 401: {TOKEN} is not valid")
    assert ledger.path.read_text().count(TOKEN) == 1
    finished = {"status": "done", "detail": ""}
    record = finish.conclude(ledger, exit_status=1, cleanup=finished, drill=False)
    finish.close(folder, record, drill=False, faults=[])

    files = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert {"drill.json", "report.md", "report.html", "evidence.jsonl"} <= files.keys()
    assert [name for name, text in files.items() if TOKEN in text] == []
    assert str(hash_chain.verify(folder)[-1].outcome) == "pass"


def test_secret_is_masked_also_when_its_variable_is_gone(tmp_path, monkeypatch):
    monkeypatch.setenv("RAILWAY_TOKEN", TOKEN)
    ledger = Ledger(tmp_path / "evidence.jsonl")
    monkeypatch.delenv("RAILWAY_TOKEN")
    ledger.write("note", said=TOKEN)
    assert TOKEN not in ledger.path.read_text()


def test_content_of_a_file_that_a_variable_names_is_a_secret(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    named = [("RAILWAY_TOKEN_FILE", str(tmp_path / "token"))]
    assert secrets_of(named) == [TOKEN.encode()]
    assert secrets_of([("RAILWAY_TOKEN_FILE", "/none/there")]) == [b"/none/there"]


def test_url_that_is_kept_and_told_has_no_password():
    url = f"http://ops:{PASSWORD}@127.0.0.1:9"
    assert without_password(url) == "http://127.0.0.1:9"
    with Chroma(url) as chroma:
        assert PASSWORD not in chroma.url
    with pytest.raises(Unavailable) as refusal:
        connect(url, timeout_s=1)
    assert PASSWORD not in str(refusal.value)


@given(st.text(st.characters(codec="utf-8"), min_size=5).filter(lambda text: "1" not in text))
@example("hunter2secret/x".replace("2", "two"))
@example("12/secret")
@example("secret]x[")
@example("se@cr/et#?")
def test_password_of_any_signs_is_in_no_url_that_is_shown_and_in_no_refusal(password):
    url = f"http://ops:{password}@127.0.0.1:1"
    assert without_password(url) == "http://127.0.0.1:1"
    try:
        shown = Chroma(url).url
    except UsageError as refused:
        shown = "".join(traceback.format_exception(refused, limit=0))
    # and no library's error stands in front of the refusal
    refusal = "chromadrill.core.errors.UsageError: http://127.0.0.1:1 is no URL of a server. Write"
    assert shown == "http://127.0.0.1:1" or (shown.startswith(refusal) and shown.count("\n") == 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://ops:hunter2secret/x@127.0.0.1:1",
        "http://ops:12/hunter2secret@127.0.0.1:1",
        "http://ops:hunter2secret#x@127.0.0.1:1",
        "http://ops:hunter2secret?x@127.0.0.1:1",
        "http://hunter2secret/x@127.0.0.1:1",
        "http://127.0.0.1:1/?token=hunter2secret",
        "http://127.0.0.1:1/#hunter2secret",
        "ops:hunter2secret@127.0.0.1:1",
    ],
)
@pytest.mark.parametrize("args", [["counts", "--url"], ["ops", "stop", "--target"],
                                  ["triage", "--target"], ["validate", "--all", "--url"]])  # fmt: skip
def test_url_that_is_none_is_a_usage_error_and_nothing_of_it_is_quoted(args, url, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.run(invoke, [*args, url])
    output = capsys.readouterr()
    assert (ended.value.code, "is no URL of a server" in output.err) == (64, True), output
    assert "hunter2secret" not in output.out + output.err


def test_part_of_a_password_that_a_library_quotes_is_masked():
    hide_password("http://ops:hunter2secret/chromadb@h")
    assert (
        mask_secrets("Invalid port: 'hunter2secret' of chromadb")
        == "Invalid port: '**********' of chromadb"
    )


def test_example_of_a_url_is_shown_as_it_is():
    assert mask_secrets("postgresql://USER:PASSWORD@HOST/D") == "postgresql://USER:PASSWORD@HOST/D"


def run_pytest(tmp_path, url):
    """A test that fails with a traceback through the client, and whatever that leaves behind."""
    suite = tmp_path / "test_leak.py"
    suite.write_text(
        "import pytest\nfrom fixtures.options import open_live\n"
        "@pytest.mark.runbook('RB-5')\n"
        "def test_leaks(pytestconfig):\n"
        "    print(pytestconfig.getoption('--target'))\n"
        "    open_live(pytestconfig)\n"
    )
    ran = run_forked(
        "pytest", "-c", ROOT / "pyproject.toml", *plugins(),
        "-m", "drill or runbook", suite, "--target", url, "--showlocals",
        f"--junitxml={tmp_path / 'own.xml'}", f"--alluredir={tmp_path / 'allure'}",
        cwd=ROOT,
        environment={**os.environ, "DRILL_REPORTS": str(tmp_path / "reports")},
    )  # fmt: skip
    suite.unlink()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    return ran, files


@pytest.mark.slow
def test_password_of_a_target_is_in_no_traceback_of_pytest_and_in_no_file(tmp_path):
    password = "hunter2secret"
    ran, files = run_pytest(tmp_path, f"http://ops:{password}@127.0.0.1:1")
    assert ran.returncode == 1
    assert "No answer from http://127.0.0.1:1" in ran.stdout
    assert "url        = 'http://ops:**********@" in ran.stdout
    assert {"own.xml", "drill.json"} <= {path.name for path in files}
    assert [path for path in (tmp_path / "allure").iterdir() if "result" in path.name]
    assert password not in ran.stdout + ran.stderr
    assert [path for path in files if password.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("url", ["http://ops:hunter2secret/x@127.0.0.1:1",
                                 "http://127.0.0.1:1/#hunter2secret"])  # fmt: skip
def test_pytest_refuses_a_target_that_is_no_url_before_there_is_a_run(tmp_path, url):
    ran, files = run_pytest(tmp_path, url)
    assert (ran.returncode, "--target http://127.0.0.1:1" in ran.stderr) == (4, True), ran.stderr
    assert "hunter2secret" not in ran.stdout + ran.stderr
    assert files == []


def plugins():
    names = runpy.run_path(str(ROOT / "conftest.py"))["pytest_plugins"]
    return [word for name in names for word in ("-p", name)]


@pytest.mark.slow
def test_canary_secrets_of_every_input_reach_no_file_and_no_line_of_a_run(tmp_path, server):
    """Tokens that headers show, a URL with a password, a webhook, and a test whose id holds a token."""
    suite = tmp_path / "test_leak.py"
    suite.write_text(
        "import pytest\n"
        "@pytest.mark.runbook('RB-5')\n"
        f"@pytest.mark.parametrize('secret', ['{TOKEN}'])\n"
        "def test_leaks(drill, secret):\n"
        f"    drill.note('x', url='http://u:{PASSWORD}@h/', token=secret, header='Bearer {HEADER}')\n"
        f"    assert secret == 'http://u:{PASSWORD}@h/'\n"
    )
    port = server.url.rpartition(":")[2]
    (tmp_path / "token").write_text(f"{HEADER}\n")
    (tmp_path / "drill.toml").write_text(
        f'[targets.cloud]\nkind = "remote"\nurl = "http://ops:{PASSWORD}@127.0.0.1:{port}"\n'
        '[targets.cloud.headers]\nx-chroma-token = "{env:CHROMA_TOKEN}"\n'
        'x-other = "Bearer {env:OTHER_TOKEN_FILE}"\n'
    )
    ran = run_forked(
        "pytest", "-c", ROOT / "pyproject.toml", *plugins(),
        "-m", "drill or runbook", suite, "--target", "cloud",
        f"--drill-config={tmp_path / 'drill.toml'}",
        cwd=ROOT,
        environment={**os.environ, "CHROMA_TOKEN": TOKEN,
                     "OTHER_TOKEN_FILE": str(tmp_path / "token"),
                     "DRILL_REPORTS": str(tmp_path / "reports"),
                     "DRILL_NOTIFY__WEBHOOK": f"http://127.0.0.1:9/{HOOK}"},
    )  # fmt: skip
    assert "1 failed" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-3000:]
    (folder,) = [file for file in (tmp_path / "reports").glob("2*") if file.is_dir()]
    files = [file for file in folder.rglob("*") if file.is_file()]
    leaks = [file.name for file in files for s in (TOKEN, PASSWORD, HOOK, HEADER)
            if s.encode() in file.read_bytes() or s in str(file)]  # fmt: skip

    assert {"drill.json", "junit.xml", "report.html", "evidence.jsonl"} <= {f.name for f in files}
    assert leaks == []
    assert HOOK not in ran.stdout + ran.stderr
    assert PASSWORD not in ran.stdout.split("FAILURES")[0]


@pytest.mark.parametrize("name", ["SORT_KEY", "PARTITION_KEY", "SONAR_PROJECT_KEY"])
def test_word_under_the_name_of_a_key_is_no_secret_and_anything_else_is(name):
    """It would be masked wherever it stands: in the record's own names of fields, too."""
    assert secrets_of([(name, "created_at")]) == []
    assert secrets_of([(name, "created-at-4711")]) == [b"created-at-4711"]
    assert secrets_of([("B2_ACCOUNT_KEY", "abcdefghij")]) == [b"abcdefghij"]
