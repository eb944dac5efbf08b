"""One call: errors in answers of 200, limits, lost answers, and a token that is never told."""

import json
import threading
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

import pytest
from pydantic import SecretStr

from chromadrill.core.errors import UsageError
from chromadrill.core.loopback_server import LoopbackServer
from chromadrill.targets.railway import api as client
from chromadrill.targets.railway import graphql as ops
from chromadrill.targets.railway.api import Api, NotAuthorised, OutcomeUnknown, PlatformError
from chromadrill.targets.railway.backups import list_backups
from chromadrill.targets.railway.token import Token, from_environment

SECRET = "canary-0123456789"
HANG_UP = None


class Request(NamedTuple):
    headers: dict
    body: dict


@pytest.fixture
def answering(monkeypatch):
    """`answering(*answers)`: an API that answers so, one a request, the last again and again.

    Returns the client, and a list of the requests that arrive.
    """
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.02)
    servers = []

    def start(*answers, kind="project", patience_s=5.0):
        requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                requests.append(Request(dict(self.headers), body))
                answer = answers[min(len(requests), len(answers)) - 1]
                if answer is HANG_UP:
                    return
                status, content, *headers = answer
                self.send_response(status)
                for header in headers:
                    self.send_header(*header)
                self.end_headers()
                self.wfile.write(
                    content if isinstance(content, bytes) else json.dumps(content).encode()
                )

            def log_message(self, *_):
                pass

        server = LoopbackServer(Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/"
        return Api(
            Token(kind, SecretStr(SECRET)), endpoint=endpoint, patience_s=patience_s
        ), requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def value(content):
    return (200, {"data": {"it": content}})


def error(message, status=200):
    return (status, {"data": None, "errors": [{"message": message}]})


def test_project_token_goes_without_bearer_and_account_token_with_it(answering):
    for kind, header, wanted in (
        ("project", "Project-Access-Token", SECRET),
        ("account", "Authorization", f"Bearer {SECRET}"),
    ):
        api, requests = answering(value({}), kind=kind)
        api.run(ops.TOKEN_SCOPE)
        sent = {key.lower(): v for key, v in requests[0].headers.items()}
        assert sent[header.lower()] == wanted


def test_nulls_are_not_sent(answering):
    api, requests = answering(value({}))
    api.run(ops.VOLUMES, environment="e", project=None)
    assert requests[0].body["variables"] == {"environment": "e"}
    assert requests[0].body["operationName"] == "Volumes"


@pytest.mark.parametrize("message", ["Not Authorized", "Project Token not found",
                                  "Two Factor Authentication Required"])  # fmt: skip
def test_refusal_in_an_answer_of_200_is_one_and_is_not_repeated(answering, message):
    api, requests = answering(error(message))
    with pytest.raises(NotAuthorised, match=message):
        api.run(ops.WORKFLOW, id="w")
    assert len(requests) == 1


def test_other_error_in_an_answer_of_200_is_told(answering):
    api, requests = answering(error("Volume instance not found"))
    with pytest.raises(PlatformError, match="Backups: Volume instance not found") as raised:
        api.run(ops.BACKUPS, instance="i")
    assert not isinstance(raised.value, NotAuthorised)
    assert len(requests) == 1


@pytest.mark.parametrize("first", [(503, b"bad gateway"), HANG_UP, (429, b"")])
def test_query_is_repeated_until_it_is_answered(answering, first):
    api, requests = answering(first, value(["x"]))
    assert api.run(ops.BACKUPS, instance="i") == ["x"]
    assert len(requests) == 2


@pytest.mark.parametrize("first", [(502, b""), HANG_UP])
def test_mutation_without_an_answer_is_sent_once(answering, first):
    api, requests = answering(first, value({"workflowId": "w"}))
    with pytest.raises(OutcomeUnknown, match="not known"):
        api.run(ops.CREATE, instance="i", name="n")
    assert len(requests) == 1
    api, requests = answering(first)
    assert api.attempt(ops.CREATE, instance="i", name="n") is None
    assert len(requests) == 1


def test_mutation_answered_with_429_was_not_done_and_is_repeated(answering):
    api, requests = answering((429, b"", ("retry-after", "0.1")), value({"workflowId": "w"}))
    assert api.run(ops.CREATE, instance="i") == {"workflowId": "w"}
    assert len(requests) == 2


def test_limit_that_lasts_longer_than_our_patience_is_told_at_once(answering):
    limited = (429, b"", ("retry-after", "900"), ("x-ratelimit-limit", "100"),
               ("x-ratelimit-reset", "14:00"))  # fmt: skip
    api, requests = answering(limited)
    with pytest.raises(PlatformError, match="limit 100, free again 14:00"):
        api.run(ops.BACKUPS, instance="i")
    assert len(requests) == 1


@pytest.mark.parametrize(
    "answer", [(200, b"<html>"), (200, b"[]"), (200, {"data": None}), (200, {"data": {"it": None}}),
               (200, {"errors": [{}]}), (404, b"no"), (200, {"errors": "x"})],
)  # fmt: skip
def test_strange_answer_is_a_sentence(answering, answer):
    api, _ = answering(answer)
    with pytest.raises(PlatformError, match="Railway, TokenScope"):
        api.run(ops.TOKEN_SCOPE)


def test_no_platform_at_all_is_a_sentence():
    api = Api(Token("project", SecretStr(SECRET)), endpoint="http://127.0.0.1:9/", patience_s=0.1)
    with pytest.raises(PlatformError, match=r"no connection to http://127\.0\.0\.1:9/"):
        api.run(ops.CREATE, instance="i")


def test_token_is_not_sent_in_the_clear_to_another_machine():
    with pytest.raises(UsageError, match="over https only"):
        Api(Token("project", SecretStr(SECRET)), endpoint="http://railway.example/graphql")


def test_token_comes_from_the_environment_or_a_file_and_is_never_shown(tmp_path):
    (tmp_path / "t").write_text(f"{SECRET}\n")
    for environ, kind in (
        ({"RAILWAY_TOKEN": SECRET, "RAILWAY_API_TOKEN": "other"}, "project"),
        ({"RAILWAY_API_TOKEN": SECRET}, "account"),
        ({"RAILWAY_TOKEN_FILE": str(tmp_path / "t")}, "project"),
    ):
        token = from_environment(environ)
        assert (token.kind, token.value.get_secret_value()) == (kind, SECRET)
        assert SECRET not in repr(token)


@pytest.mark.parametrize("bad", [f"{SECRET} {SECRET}", f"{SECRET}\nX-Evil: 1", "tökenöö", " "])
def test_what_cannot_be_a_token_is_refused_without_showing_it(bad):
    with pytest.raises(UsageError, match="RAILWAY_TOKEN holds no token") as raised:
        from_environment({"RAILWAY_TOKEN": bad})
    assert SECRET not in str(raised.value)


def test_missing_token_and_missing_file_say_what_to_set(tmp_path):
    with pytest.raises(UsageError, match="RAILWAY_TOKEN_FILE to a file"):
        from_environment({})
    with pytest.raises(UsageError, match="RAILWAY_TOKEN_FILE: FileNotFoundError"):
        from_environment({"RAILWAY_TOKEN_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("referenced", "used", "size"),
    [(None, None, None), (None, 3, 3_000_000), (2, 3, 2_000_000), (0, 3, 3_000_000), (0, 0, 0),
     (0, None, None)],
)  # fmt: skip
def test_size_that_the_platform_does_not_say_is_unknown_and_not_nothing(
    answering, referenced, used, size
):
    row = {"id": "b", "name": "n", "createdAt": "2026-01-01T00:00:00Z", "scheduleId": None,
           "expiresAt": None, "referencedMB": referenced, "usedMB": used}  # fmt: skip
    api, _ = answering(value([row]))
    assert list_backups(api, "i")[0].bytes == size


@pytest.mark.parametrize(
    "endpoint",
    ["https://[", "http://[", "https://h:99999", "https://h:x", "ftp://localhost", "https:///x", "",
     "h"],
)  # fmt: skip
def test_endpoint_that_is_none_is_a_sentence(endpoint):
    with pytest.raises(UsageError, match=r"^endpoint"):
        Api(Token("project", SecretStr(SECRET)), endpoint=endpoint)
