"""A monitor and a triage that are not let in say so, and never that the data are ill."""

import pytest

from chromadrill.monitoring.diagnosis import causes
from tests.front_door import enter
from tests.gateway import DROPPED, answer, gateway

RENEW, GATEWAY = "Renew the token", "Look at the gateway"
HELPS = {
    401: RENEW, 403: RENEW, 407: "proxy variable", 408: GATEWAY, 413: "larger bodies",
    425: "Wait until", 429: "rate limit", 500: GATEWAY, 502: GATEWAY, 503: "Wait until",
    504: GATEWAY, 302: "URL of Chroma itself", 200: "URL of Chroma itself",
}  # fmt: skip
QUOTA = answer(422, b'{"error":"QuotaExceeded","message":"the quota of records is used up"}')
ANSWERS = {str(status): (answer(status), text) for status, text in HELPS.items()} | {
    "quota": (QUOTA, "Raise the quota"),
    "dropped": (DROPPED, "closes connections"),
}
DOWN = ("500", "502", "503", "504", "dropped")  # of a heartbeat: the service is down for everybody


@pytest.fixture(scope="module")
def front(server):
    with gateway(_=server.url) as front:
        yield front


@pytest.fixture(autouse=True)
def fast(front, tmp_path, monkeypatch):
    front.reset()
    monkeypatch.setattr(causes, "SLOW_NETWORK_MS", 10_000.0)  # not of a busy machine
    monkeypatch.setattr("chromadrill.chroma.wire.PAUSE_S", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILL_MONITORING__MIN_RECORDS", "1")
    monkeypatch.setenv("DRILL_MONITORING__TIMEOUT_S", "2")
    monkeypatch.setenv("DRILL_MONITORING__FAILURES_TO_ALERT", "1")  # however few looks there were


@pytest.fixture
def watch(front, capfd):
    """A few looks at the gateway."""
    return lambda: enter(capfd, "monitor", "--target", front.url, "--for", "0.1s",
                         "--time-scale", "0.002", "--json")  # fmt: skip


@pytest.fixture
def triage(front, capfd):
    return lambda: enter(capfd, "triage", "--target", front.url, "--json")


def verdict_of(ended, check):
    return next(v for v in ended.answer["verdicts"] if v["check"] == check)


def data_calls(raw):
    return lambda number, path: None if "heartbeat" in path else raw


def test_gateway_that_lets_everything_through_is_green(watch, triage):
    assert watch().code == 0
    assert triage().code == 0


@pytest.mark.parametrize("name", ANSWERS)
def test_monitor_whose_questions_are_refused_is_unknown_by_a_signal_of_its_own(front, watch, name):
    raw, helps = ANSWERS[name]
    front.refuse = data_calls(raw)
    ended = watch()
    assert ended.code == 2, ended.text
    assert "fail" not in ended.outcomes.values()
    access = verdict_of(ended, "access")
    assert access["outcome"] == "unknown"
    assert access["message"].startswith("fires now")
    assert helps in access["message"]
    assert ended.outcomes["wrong answers"] == "unknown"


@pytest.mark.parametrize("name", [name for name in ANSWERS if name not in DOWN])
def test_monitor_that_is_let_in_nowhere_does_not_say_that_the_service_is_down(front, watch, name):
    front.refuse = lambda number, path: ANSWERS[name][0]
    ended = watch()
    assert ended.code == 2, ended.text
    assert ended.outcomes["service down"] == "unknown"
    assert verdict_of(ended, "access")["message"].startswith("fires now")


@pytest.mark.parametrize("name", DOWN)
def test_service_whose_heartbeat_a_gateway_cannot_get_is_down_and_nothing_else(front, watch, name):
    front.refuse = lambda number, path: ANSWERS[name][0]
    outcomes = watch().outcomes
    assert [check for check, outcome in outcomes.items() if outcome == "fail"] == ["service down"]


def test_token_that_expires_while_the_monitor_looks_is_access_and_no_wrong_answer(front, watch):
    front.refuse = lambda number, path: answer(401) if number > 12 else None
    ended = watch()
    assert ended.code == 2, ended.text
    assert "fail" not in ended.outcomes.values()
    assert RENEW in verdict_of(ended, "access")["message"]


def test_write_that_a_gateway_forbids_is_access_and_no_lost_volume(front, capfd):
    front.refuse = lambda number, path: answer(403) if path.endswith("/tenants") else None
    ended = enter(capfd, "monitor", "--target", front.url, "--for", "0.1s", "--write",
                  "--time-scale", "0.002", "--json")  # fmt: skip
    assert ended.code == 2, ended.text
    assert (ended.outcomes["writes refused"], ended.outcomes["access"]) == ("unknown", "unknown")


def test_kept_connections_that_a_gateway_closes_are_overcome(front, watch):
    front.refuse = lambda number, path: DROPPED if number % 7 == 0 else None
    assert watch().code == 0


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("first", [1, 4])
def test_triage_that_is_not_let_in_says_so_and_what_helps(front, triage, name, first):
    raw, helps = ANSWERS[name]
    front.refuse = lambda number, path: raw if number >= first else None
    ended = triage()
    assert (ended.code, ended.answer["likely"]) == (2, None), ended.text
    assert verdict_of(ended, "access")["outcome"] == "unknown"
    assert helps in verdict_of(ended, "access")["message"]
    assert ended.answer["next_steps"][0].startswith("RB-9")


def test_person_who_is_not_let_in_reads_what_helps(front, capfd):
    front.refuse = lambda number, path: answer(401)
    ended = enter(capfd, "triage", "--target", front.url)
    assert "nobody could look:" in ended.out
    assert RENEW in ended.out
    assert "restart" not in ended.out


@pytest.mark.parametrize(
    ("release", "steps"),
    [("0.4.24", ["0.6.3", "1.5.9", "try again"]), ("0.6.3", ["1.5.9", "try again"])],
)
def test_older_server_is_named_by_triage_with_the_way_and_not_restarted(
    front, triage, release, steps
):
    v1 = {
        "/api/v1/heartbeat": b'{"nanosecond heartbeat":1}',
        "/api/v1/version": f'"{release}"'.encode(),
    }
    gone = answer(404, b'{"detail":"Not Found"}')
    front.refuse = lambda number, path: answer(200, v1[path]) if path in v1 else gone
    ended = triage()
    message = verdict_of(ended, "access")["message"]
    assert (ended.code, ended.answer["likely"]) == (2, None)
    assert f"older than 1.0: release {release}" in message
    way = message.split("This harness needs")[1]
    assert [step for step in ("0.6.3", "1.5.9", "try again") if step in way] == steps
    assert "restart" not in ended.text
