"""The desired state of Better Stack, from the rules: attributes as its APIs name them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chromadrill.core.model import JSON
from chromadrill.core.settings import Contacts, Monitoring

NAME = "chromadrill"
HEARTBEAT_PATH = "/api/v2/heartbeat"
BACKUPS = f"{NAME}: verified backup"
POLICY = f"{NAME}: on-call"
MEMBERS = ("current_on_call", "entire_team", "user", "webhook", "slack_integration",
           "microsoft_teams_integration", "zapier_webhook", "pagerduty_integration",
           "all_slack_integrations", "all_microsoft_teams_integrations",
           "all_webhook_integrations")  # fmt: skip
TIMEOUTS_S = (2, 3, 5, 10, 15, 30, 45, 60)  # no others exist there
WAIT_S = 300  # before the next contact is called
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True, slots=True)
class DesiredObject:
    """One object: its kind, where its list is, what it is found by, and its attributes."""

    kind: str  # of the API
    path: str
    key: str  # the attribute that tells it from others
    attributes: JSON

    @property
    def name(self) -> str:
        return str(self.attributes[self.key])


def monitor(figures: Monitoring, url: str) -> DesiredObject:
    """The monitor of the server. Three failures have no field there: they are a confirmation period."""
    return DesiredObject(
        "monitor",
        "/api/v2/monitors",
        "url",
        {
            "url": url.rstrip("/") + HEARTBEAT_PATH,
            "monitor_type": "expected_status_code",
            "expected_status_codes": [200],
            "http_method": "GET",
            "check_frequency": round(figures.interval_s),
            "request_timeout": next(
                (t for t in TIMEOUTS_S if t >= figures.timeout_s), TIMEOUTS_S[-1]
            ),
            "confirmation_period": round((figures.failures_to_alert - 1) * figures.interval_s),
            "recovery_period": round(figures.recovery_s),
            "paused": False,
        },
    )


def heartbeat(figures: Monitoring) -> DesiredObject:
    return DesiredObject(
        "heartbeat",
        "/api/v2/heartbeats",
        "name",
        {
            "name": BACKUPS,
            "period": round(figures.backup_every_s),
            "grace": round(figures.backup_grace_s),
            "paused": False,
        },
    )


def policy(members: list[JSON]) -> DesiredObject:
    """One step for each contact, in their order."""
    steps = [
        {
            "type": "escalation",
            "wait_before": WAIT_S if number else 0,
            "step_members": [member],
        }
        for number, member in enumerate(members)
    ]
    return DesiredObject(
        "policy",
        "/api/v3/policies",
        "name",
        {"name": POLICY, "repeat_count": 3, "repeat_delay": WAIT_S, "steps": steps},
    )


def members(contacts: Contacts, escalation: tuple[str, ...]) -> tuple[list[JSON], list[str]]:
    """Contacts as members of a policy, in their order; then the roles that cannot be called.

    `escalation` names them as Better Stack does (`current_on_call`, `user:ID`, `user:EMAIL`,
    `webhook:ID`), in the order of `[contacts]`; without it an e-mail address in a contact will do.
    """
    named = {role: text for role, text in contacts.model_dump().items() if text}
    reachable: list[JSON] = []
    unreachable: list[str] = []
    for number, (role, text) in enumerate(named.items()):
        email = _EMAIL.search(text)
        member = escalation[number] if number < len(escalation) else ""
        kind, _, value = (member or (f"user:{email[0]}" if email else "")).partition(":")
        if kind not in MEMBERS:
            unreachable.append(role)
        elif not value:
            reachable.append({"type": kind})
        else:
            reachable.append({"type": kind, **_identity(value)})
    return reachable, unreachable


def _identity(value: str) -> JSON:
    return {"id": int(value)} if value.isdigit() else {"email": value}


def alerts(figures: Monitoring) -> list[DesiredObject]:
    """Threshold alerts on what `--ship` sends, each on an exploration of its own."""
    every = max(60, round(figures.interval_s))
    slow = round(figures.search_for_s)
    common: JSON = {
        "alert_type": "threshold",
        "operator": "higher_than",
        "check_period": every,
        "recovery_period": round(figures.recovery_s),
        # a shipper that died must not look like a quiet night
        "on_missing_data": "start_incident",
        "paused": False,
    }
    kinds: list[tuple[str, str, float, int, int]] = [
        ("search latency", "search_ms", figures.search_ms, slow, slow),
        ("disk", "disk_percent", figures.disk_percent, 300, 0),
        ("out-of-memory restarts", "oom_kills", 0, 300, 0),
    ]
    return [
        DesiredObject(
            "alert",
            "/api/v2/explorations/{id}/alerts",
            "name",
            {
                **common,
                "name": f"{NAME}: {name}",
                "value": value,
                "query_period": query,
                "confirmation_period": confirm,
                "_field": column,
            },
        )
        for name, column, value, query, confirm in kinds
    ]


def exploration(alert: DesiredObject) -> JSON:
    """The exploration that an alert is made on.

    Latency takes the minimum, so that one slow search in a minute of fast ones is no alarm. The
    others take the maximum.
    """
    column = alert.attributes["_field"]
    most = "min" if column == "search_ms" else "max"
    return {
        "name": alert.name,
        "chart": {"chart_type": "line_chart"},
        "queries": [
            {
                "query_type": "sql_expression",
                "source_variable": "source",
                "sql_query": (
                    f"SELECT {{{{time}}}} AS time,"
                    f" {most}(JSONExtract(raw, '{column}', 'Nullable(Float64)')) AS value"
                    " FROM {{source}} WHERE time BETWEEN {{start_time}} AND {{end_time}}"
                    " GROUP BY time"
                ),
            }
        ],
    }
