"""Whatever stands in front of a healthy server answers, whenever, whoever asks: never "it differs"."""

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from tests.front_door import enter
from tests.gateway import DROPPED, answer, gateway

pytestmark = pytest.mark.slow

SECRET = "canary-token-12345"
JSON = "Content-Type: application/json"
STATUSES = (204, 301, 302, 400, 401, 402, 403, 404, 405, 407, 408, 410, 413, 415, 422, 425, 426, 429,
            451, 500, 502, 503, 504, 520, 522, 599)  # fmt: skip
BODIES = (
    b"", b"<html>log in</html>", b"bad request", b'{"message":"Forbidden"}', b'{"detail":"Not Found"}',
    b'{"status":"error","code":502,"message":"Application failed to respond"}',
    f"<html>Bearer {SECRET} has expired</html>".encode(),
    f'{{"headers":{{"authorization":"Bearer {SECRET}"}}}}'.encode(),
)  # fmt: skip
WRONG_FORMS = (
    b"", b"null", b"true", b"7.5", b'"x"', b"-1", b"NaN", b"{}", b'{"login":true}', b'{"ids":[]}',
    b'{"ids":[1]}', b'{"ids":[["a"]]}', b'[{"a":1}]', b"[[]]", b"<html>", b"\xff\xfe", b'{"ids":["a"',
)  # fmt: skip
BROKEN = (
    DROPPED,
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"HTTP/1.1 999 \r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
    b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"ids":[',
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    answer(200, b'{"ids":[]}', "Content-Encoding: gzip"),
    answer(200, gzip.compress(b"{}" * 99)[:20], "Content-Encoding: gzip"),
    answer(429, b"", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"),
    answer(503, b"", "Retry-After: soon"),
)
# what Chroma says of a write is an object
WRITTEN = tuple(answer(200, body, JSON) for body in WRONG_FORMS if body[:1] + body[-1:] == b"{}")
GATEWAYS = st.one_of(
    st.builds(answer, st.sampled_from(STATUSES), st.sampled_from(BODIES)),
    st.builds(answer, st.just(200), st.sampled_from(WRONG_FORMS), st.just(JSON)),
    st.sampled_from(BROKEN),
)
COMMANDS = {
    "validate": ["--all", "--fingerprint", "f", "--json", "--url"],
    "counts": ["--expected-min", "1", "--json", "--url"],
    "fingerprint": ["--output", "new", "--url"],
    "backup": ["--all", "--output-file", "new.jsonl", "--url"],
    "restore": ["--input-file", "e.jsonl", "--into", "copy", "--json", "--url"],
    "performance": ["--queries", "5", "--json", "--url"],
    "triage": ["--json", "--target"],
    "posture": ["--json", "--target"],
    "record": ["--json", "--target"],
}
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
             "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSLKEYLOGFILE", "NETRC")  # fmt: skip
VALUES = (
    "PROXY", f"http://ops:{SECRET}@127.0.0.1:9", "http://127.0.0.1:9", "socks5://127.0.0.1:1", "*", "",
    "nonsense://?", f"http://ops:{SECRET}/x@[::1", "127.0.0.1,localhost", "/nowhere.pem", "ünicode:1",
)  # fmt: skip

some = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
is_repeatable = settings.default.derandomize
many = settings(some, max_examples=120 if is_repeatable else 600, derandomize=is_repeatable)


@pytest.fixture(scope="module")
def front(server):
    with gateway(_=server.url) as front:
        yield front


@pytest.fixture(autouse=True)
def folder(front, tmp_path, monkeypatch, capfd):
    """A working directory with a token, a fingerprint and an export of the server."""
    front.reset()
    monkeypatch.setattr("chromadrill.chroma.wire.PAUSE_S", 0.0)
    monkeypatch.setenv("CHROMA_TOKEN", SECRET)
    monkeypatch.setenv("DRILL_MONITORING__MIN_RECORDS", "1")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    Path("drill.toml").write_text(
        f'[targets.gate]\nkind = "remote"\nurl = "{front.url}"\n'
        'headers = {Authorization = "Bearer {env:CHROMA_TOKEN}"}\n'
        f'[backups.gate]\ntarget = "{front.url}"\n'
    )
    for words in (
        ["fingerprint", "--output", "f"],
        ["backup", "--all", "--output-file", "e.jsonl"],
    ):
        assert enter(capfd, *words, "--url", front.url).code == 0


@pytest.fixture
def run(front, server, capfd):
    """Run a command once; fail for what must never be, however it ends."""

    def run(command):
        remove_copies(server)
        before = set(Path().rglob("*"))
        ended = enter(capfd, command, *COMMANDS[command], front.url)
        new = {p for p in set(Path().rglob("*")) - before if p.parts[0] != ".chromadrill"}
        assert not list(Path("tmp").iterdir()), ended.text
        assert "Traceback" not in ended.text
        assert SECRET not in ended.text
        assert ended.code in (0, 1, 2, 64), ended.text
        assert ended.code == 0 or not new
        for path in filter(Path.is_file, new):
            path.unlink()
        return ended

    return run


def remove_copies(server):
    with Chroma(server.url) as chroma:
        for info in chroma.collections(Scope()):
            if info.name != "docs":
                chroma.delete_collection(Scope(), info.name)


@pytest.fixture(scope="module")
def ends():
    return {}


@pytest.fixture
def healthy(run, ends):
    """How each command ends where nothing stands in front; asked once a file."""
    if not ends:
        ends |= {command: verdicts(run(command)) for command in COMMANDS}
    return ends


def verdicts(ended):
    answered = ended.out.startswith("{")
    return ended.code, ended.answer.get("outcome") if answered else ended.out[:4]


def refusals_are_unknown(front, run, healthy, command, raw, first, once):
    front.reset()
    lost = []

    def refuse(number, path):
        if number == first or (number > first and not once):
            lost.extend([path] if raw in WRITTEN and path.endswith("/upsert") else [])
            return raw
        return None

    front.refuse = refuse
    ended = run(command)
    was_refused = len(front.calls) >= first
    front.reset()
    expected = {2, healthy[command][0]} if once or not was_refused else {2}
    if lost and once:
        expected = {1}  # confirmed and not there: that is a difference
    assert ended.code in expected, ended.text
    assert ended.text.strip()


moments = {
    "command": st.sampled_from(sorted(COMMANDS)),
    "raw": GATEWAYS,
    "first": st.integers(1, 30),
    "once": st.booleans(),
}


@some
@example(command="counts", raw=WRITTEN[0], first=2, once=False)
@example(command="restore", raw=WRITTEN[1], first=12, once=True)
@example(command="restore", raw=answer(200, b"", JSON), first=12, once=True)
@given(**moments)
def test_no_command_takes_any_answer_of_a_gateway_for_a_difference(
    front, run, healthy, command, raw, first, once
):
    refusals_are_unknown(front, run, healthy, command, raw, first, once)


@pytest.mark.slow
@many
@given(**moments)
def test_no_command_takes_any_of_many_more_answers_for_a_difference(
    front, run, healthy, command, raw, first, once
):
    refusals_are_unknown(front, run, healthy, command, raw, first, once)


@pytest.fixture(scope="module")
def proxy():
    with gateway() as proxy:
        yield proxy


def environment_changes_nothing(run, healthy, proxy, command, environment):
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment.items():
            patch.setenv(variable, value.replace("PROXY", proxy.url))
            patch.setenv(variable.lower(), value.replace("PROXY", proxy.url))
        assert verdicts(run(command)) == healthy[command]
        assert proxy.calls == []


environments = {
    "command": st.sampled_from(sorted(COMMANDS)),
    "environment": st.dictionaries(
        st.sampled_from(VARIABLES), st.sampled_from(VALUES), min_size=1, max_size=4
    ),
}


@settings(some, max_examples=8)
@given(**environments)
def test_environment_does_not_change_how_a_command_ends_on_this_machine(
    run, healthy, proxy, command, environment
):
    environment_changes_nothing(run, healthy, proxy, command, environment)


@pytest.mark.slow
@settings(many, max_examples=40 if is_repeatable else 150)
@given(**environments)
def test_many_more_environments_do_not_either(run, healthy, proxy, command, environment):
    environment_changes_nothing(run, healthy, proxy, command, environment)
