"""No secret of any input is in any file of a run, nor on the terminal."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma, connect, without_password
from chromadrill.errors import Unavailable
from chromadrill.evidence.redaction import plain, redact, secrets_of

ROOT = Path(__file__).parents[1]
TOKEN, PASSWORD, HOOK = "canary-token-5e1f", "canary-pass-77ab", "canary-hook-91cd"
HEADER = "canary-header-4c02"


def test_password_of_a_url_is_masked_wherever_it_stands():
    text = b'{"url":"http://ops:s3cret@10.0.0.1:8000/x","mail":"a@b.c","t":"12:30 me@x"}'
    assert b"s3cret" not in redact(text, [])
    assert redact(b"mail a@b.c at 12:30", []) == b"mail a@b.c at 12:30"
    assert plain("http://ops:s3cret@h/") == "http://ops:**********@h/"


@pytest.mark.parametrize("password", ["s3cr/et", "s3c@ret", "s3c/r@e@t"])
def test_password_with_a_slash_or_an_at_is_masked_to_its_end(password):
    shown = plain(f"x postgresql://app:{password}@db:5432/docs does not answer")
    assert shown == "x postgresql://app:**********@db:5432/docs does not answer"


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
    with pytest.raises(Unavailable) as told:
        connect(url, timeout_s=1)
    assert PASSWORD not in str(told.value)


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
    plugins = [word for each in runpy.run_path(str(ROOT / "conftest.py"))["pytest_plugins"]
               for word in ("-p", each)]  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), *plugins,
         "-m", "drill or runbook", str(suite), "--target", "cloud",
         "--drill-config", str(tmp_path / "drill.toml")],
        cwd=ROOT,
        env={**os.environ, "CHROMA_TOKEN": TOKEN,
             "OTHER_TOKEN_FILE": str(tmp_path / "token"),
             "DRILL_REPORTS": str(tmp_path / "reports"),
             "DRILL_NOTIFY__WEBHOOK": f"http://127.0.0.1:9/{HOOK}"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "1 failed" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-3000:]
    (folder,) = [each for each in (tmp_path / "reports").glob("2*") if each.is_dir()]
    files = [each for each in folder.rglob("*") if each.is_file()]
    kept = [each.name for each in files for s in (TOKEN, PASSWORD, HOOK, HEADER)
            if s.encode() in each.read_bytes() or s in str(each)]  # fmt: skip

    assert {"drill.json", "junit.xml", "report.html", "evidence.jsonl"} <= {f.name for f in files}
    assert kept == []
    assert HOOK not in ran.stdout + ran.stderr
    assert PASSWORD not in ran.stdout.split("FAILURES")[0]
