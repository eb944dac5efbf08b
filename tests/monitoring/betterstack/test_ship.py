"""Samples are shipped with their names and units; the pager pings its heartbeat."""

import re

import pytest
from pydantic import SecretStr

from chromadrill.core.errors import UsageError
from chromadrill.core.settings import load
from chromadrill.monitoring.alerts import Alerts
from chromadrill.monitoring.betterstack.ship import Pager, event_of, shipper
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample
from tests.monitoring.betterstack.account import only, uptime


def test_samples_arrive_with_their_names_and_units(simulator, settings):
    ship = shipper(settings, "lab")
    ship([Sample(0, "search", 12.5), Sample(0, "disk", 91.0), Sample(0, "memory", None)], [])
    (event,) = simulator.account.received
    assert (event["search_ms"], event["disk_percent"], event["target"]) == (12.5, 91.0, "lab")
    assert "memory_percent" not in event  # no value is not sent as zero
    assert re.fullmatch(r"\d{4}-.*Z", event["dt"])


def test_every_alert_looks_at_a_field_that_is_shipped(settings):
    from chromadrill.monitoring.betterstack import desired
    from chromadrill.monitoring.betterstack.ship import FIELDS

    columns = {alert.attributes["_field"] for alert in desired.alerts(settings.monitoring)}
    assert columns <= set(FIELDS.values())


def test_number_without_end_is_left_out():
    assert "backup_age_s" not in event_of("x", [Sample(0, "backup age", float("inf"))], [])


def test_refused_and_unreachable_shipping_is_printed_once_and_never_raises(
    environ, simulator, capsys
):
    environ["BETTERSTACK_INGEST_TOKEN"] = "wrong-token-1234"
    ship = shipper(load(environ=environ), "lab")
    for _ in range(3):
        ship([], [])
    assert capsys.readouterr().err == "Not shipped: 403, the token is refused.\n"
    environ["BETTERSTACK_INGEST_URL"] = "http://127.0.0.1:9"
    shipper(load(environ=environ), "lab")([], [])
    assert capsys.readouterr().err == "Not shipped: ConnectError.\n"


def test_shipping_without_a_place_is_refused_before_the_monitor_begins(environ):
    del environ["BETTERSTACK_INGEST_URL"]
    with pytest.raises(UsageError, match="BETTERSTACK_INGEST_URL"):
        shipper(load(environ=environ), "lab")


@pytest.fixture
def paging(simulator, settings):
    """The settings with a heartbeat that the simulator has, and does not miss within a minute."""
    simulator.account.scale = 1.0
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = SecretStr(heartbeat["data"]["attributes"]["url"])
    notify = settings.notify.model_copy(update={"monitor_heartbeat": url})
    return settings.model_copy(update={"notify": notify})


def test_pager_fails_the_heartbeat_once_and_is_silent_where_nobody_can_tell(simulator, paging):
    (down,) = [rule for rule in rules(paging.monitoring) if rule.name == "service down"]
    alerts = Alerts([down], began=0, expected=["health"])
    pager = Pager(paging, alerts, every_s=0)

    def look(at, value):
        events = alerts.take([Sample(at, "health", value)], at)
        pager([], events)
        return only(simulator, "heartbeats")["status"]

    assert [look(at, 1.0) for at in (0, 30)] == ["up", "up"]
    assert [look(at, 0.0) for at in (60, 90, 120, 150)] == ["up", "up", "down", "down"]
    assert len(simulator.account.of("/api/v3/incidents")) == 1
    for at in range(180, 480, 30):
        status = look(at, 1.0)
    assert status == "up"
    only(simulator, "heartbeats")["status"] = "untouched"
    assert look(2000, None) == "untouched"


def test_pager_pings_on_where_the_platform_never_tells_one_of_the_signals(simulator, paging):
    alerts = Alerts(rules(paging.monitoring), began=0, expected=["health", "oom kills"])
    pager = Pager(paging, alerts, every_s=0)
    for at in range(0, 1200, 30):
        samples = [Sample(at, "health", 1.0), Sample(at, "oom kills", None, unsupported=True)]
        only(simulator, "heartbeats")["status"] = "untouched"
        pager(samples, alerts.take(samples, at))
        assert only(simulator, "heartbeats")["status"] == "up"


class StartedAgain:
    """A monitor's pager that knows nothing of the looks before it. `look`: what the heartbeat got."""

    def __init__(self, simulator, paging, *signals):
        self.heartbeat = only(simulator, "heartbeats")
        self.alerts = Alerts(rules(paging.monitoring), began=0, expected=signals)
        self.pager = Pager(paging, self.alerts, every_s=0)

    def look(self, at, **values):
        samples = [Sample(at, signal, value) for signal, value in values.items()]
        self.heartbeat["status"] = "untouched"
        self.pager(samples, self.alerts.take(samples, at))
        return self.heartbeat["status"]


def test_monitor_that_starts_in_an_outage_ends_no_incident_before_its_rule_has_fired(
    simulator, paging
):
    started = StartedAgain(simulator, paging, "health", "answers")
    looks = [started.look(at, health=0.0) for at in (0, 30, 60)]
    assert looks == ["untouched", "untouched", "down"]


def test_monitor_that_starts_and_has_not_seen_every_rule_yet_says_nothing_of_them(
    simulator, paging
):
    started = StartedAgain(simulator, paging, "health", "answers")
    assert started.look(0, health=1.0) == "untouched"
    assert started.look(30, health=1.0, answers=1.0) == "up"


def test_monitor_that_starts_where_all_is_well_or_within_its_grace_pings_at_its_first_look(
    simulator, paging
):
    started = StartedAgain(simulator, paging, "health", "disk")
    assert started.look(0, health=1.0, disk=83.0) == "up"  # not to clear at, but to begin at
    assert started.look(30, health=0.0, disk=83.0) == "up"  # one failure is no alert
