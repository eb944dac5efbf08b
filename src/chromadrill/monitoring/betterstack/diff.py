"""Better Stack's account against the desired state: verdicts, and the changes that would help."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.checks.betterstack import (
    different_attributes,
    escalates,
    heartbeat_pinged,
    no_open_incident,
    set_as_wanted,
)
from chromadrill.core.model import JSON, Verdict
from chromadrill.core.settings import Settings
from chromadrill.monitoring.betterstack import desired
from chromadrill.monitoring.betterstack.desired import DesiredObject
from chromadrill.monitoring.betterstack.fetch import Account


@dataclass(frozen=True, slots=True)
class Change:
    """`id` None: to be created, else these attributes are to be changed."""

    desired: DesiredObject
    id: str | None
    attributes: JSON
    needs_our_policy: bool = False  # it is to escalate to our policy


@dataclass(frozen=True, slots=True)
class AccountDiff:
    """`our_policy`: the id of the policy that calls our contacts, where there is one."""

    verdicts: list[Verdict]
    changes: list[Change]
    our_policy: str | None


def judge(account: Account, settings: Settings, url: str) -> AccountDiff:
    """Compare the account with what the rules need for the server at `url`."""
    comparison = _Comparison(account, settings, url)
    comparison.judge_beats()
    comparison.plan_policy()
    comparison.judge_alerts()
    comparison.judge_incidents()
    return AccountDiff(comparison.verdicts, comparison.changes, comparison.our_policy)


class _Comparison:
    """The account beside what is desired; collects verdicts and changes."""

    def __init__(self, account: Account, settings: Settings, url: str) -> None:
        self._account, self._figures, self._url = account, settings.monitoring, url
        self.verdicts: list[Verdict] = []
        self.changes: list[Change] = []
        self._members, self._unreachable = desired.members(
            settings.contacts, self._figures.escalation
        )
        self._policies: dict[str, JSON] = {row["id"]: row["attributes"] for row in account.policies}
        good = [key for key, policy in self._policies.items() if self._calls_everybody(policy)]
        self._is_policy_good = bool(good)
        self._named_ours = next(
            (k for k, policy in self._policies.items() if policy.get("name") == desired.POLICY),
            None,
        )
        self.our_policy = good[0] if good else self._named_ours

    def judge_beats(self) -> None:
        """The monitor of the server and the heartbeat of its backups."""
        rows = {"monitor": self._account.monitors, "heartbeat": self._account.heartbeats}
        for wanted in (desired.monitor(self._figures, self._url), desired.heartbeat(self._figures)):
            row = _find(rows[wanted.kind], wanted)
            attributes = row["attributes"] if row else None
            instead = _instead(self._account, wanted, self._url)
            self.verdicts.append(
                set_as_wanted(wanted.kind, attributes, wanted.attributes, instead=instead)
            )
            if wanted.kind == "heartbeat":
                self.verdicts.append(heartbeat_pinged("heartbeat pinged", attributes))
            policy = (attributes or {}).get("policy_id")
            calls_nobody = self._judge_escalation(f"{wanted.kind} escalation", policy)
            wrong = different_attributes(attributes or {}, wanted.attributes)
            if wrong or calls_nobody:
                self.changes.append(Change(wanted, row["id"] if row else None, wrong, calls_nobody))

    def plan_policy(self) -> None:
        """Where no policy calls everybody: ours is made, or changed if there is one of its name."""
        if not self._members or self._is_policy_good:
            return
        # ours with other steps is changed: a second one of its name would help nobody
        wanted = desired.policy(self._members)
        current = self._policies[self._named_ours] if self._named_ours else {}
        wrong = different_attributes(current, wanted.attributes)
        self.changes.insert(0, Change(wanted, self._named_ours, wrong))

    def judge_alerts(self) -> None:
        """Alerts on the shipped samples; without a telemetry token nobody can tell."""
        explorations = self._account.explorations
        for wanted in desired.alerts(self._figures):
            check = f"alert {wanted.name.removeprefix(f'{desired.NAME}: ')}"
            if explorations is None:
                why = "not read: BETTERSTACK_TELEMETRY_TOKEN is not set"
                self.verdicts.append(Verdict.unknown(check, why))
                continue
            alert = _find([alert for row in explorations for alert in row["alerts"]], wanted)
            holder = next((row for row in explorations if alert in row["alerts"]), None)
            self._judge_alert(check, wanted, alert, holder)

    def _judge_alert(
        self, check: str, wanted: DesiredObject, alert: JSON | None, holder: JSON | None
    ) -> None:
        """`holder`: the exploration that the alert belongs to; its query is judged with it."""
        attributes = alert["attributes"] if alert else {}
        exploration = desired.exploration(wanted)
        query = {"sql_query": _query(exploration)}
        current = {**attributes, "sql_query": _query(holder["attributes"])} if holder else None
        self.verdicts.append(set_as_wanted(check, current, {**wanted.attributes, **query}))
        target = attributes.get("escalation_target")
        target = target if isinstance(target, dict) else {}  # "current_team" is no policy
        policy = target.get("policy_id") or target.get("policy_name")
        calls_nobody = self._judge_escalation(f"{check} escalation", policy)
        if holder and different_attributes(current or {}, query):
            path = "/api/v2/explorations"
            self.changes.append(
                Change(
                    DesiredObject("exploration", path, "name", exploration),
                    holder["id"],
                    {"queries": exploration["queries"]},
                )
            )
        wrong = different_attributes(attributes, wanted.attributes)
        if wrong or calls_nobody:
            path = wanted.path.replace("{id}", holder["id"] if holder else "EXPLORATION_ID")
            placed = DesiredObject(wanted.kind, path, wanted.key, wanted.attributes)
            self.changes.append(Change(placed, alert["id"] if alert else None, wrong, calls_nobody))

    def judge_incidents(self) -> None:
        """No incident of ours is open."""
        ours = [row["attributes"] for row in self._account.incidents if _is_ours(row, self._url)]
        self.verdicts.append(no_open_incident("incidents", ours))

    def _judge_escalation(self, check: str, policy: object) -> bool:
        """Judge whom a policy (its id or its name) calls; True: ours is to be put in its place."""
        by_name = {str(row.get("name")): row for row in self._policies.values()}
        row = self._policies.get(str(policy)) or by_name.get(str(policy))
        contacts = len(self._members) + len(self._unreachable)
        verdict = escalates(check, row, self._members, self._unreachable, contacts)
        self.verdicts.append(verdict)
        is_ours = self.our_policy is not None and row is self._policies[self.our_policy]
        return bool(self._members) and verdict.outcome == "fail" and not is_ours

    def _calls_everybody(self, policy: JSON) -> bool:
        contacts = len(self._members) + len(self._unreachable)
        verdict = escalates("", policy, self._members, [], contacts)
        return bool(self._members) and verdict.outcome == "pass"


def _query(exploration: JSON) -> str:
    """The first query, without its line breaks: it is what the alert looks at."""
    queries = exploration.get("queries") or [{}]
    return " ".join(str(queries[0].get("sql_query")).split())


def _find(rows: list[JSON], wanted: DesiredObject) -> JSON | None:
    """By its key; an address with or without a slash at its end is the same."""
    name = wanted.name.rstrip("/")
    return next(
        (row for row in rows if str(row["attributes"].get(wanted.key)).rstrip("/") == name), None
    )


def _instead(account: Account, wanted: DesiredObject, url: str) -> str:
    """A monitor of the same server on another path is the usual mistake: name it."""
    if wanted.kind != "monitor":
        return ""
    urls = [str(row["attributes"].get("url")) for row in account.monitors]
    near = [other for other in urls if other.startswith(url.rstrip("/"))]
    old = ", Chroma 1.x answers 410 on /api/v1" if any("/api/v1" in u for u in near) else ""
    return f"there is {near[0]}{old}" if near else ""


def _is_ours(incident: JSON, url: str) -> bool:
    attributes = incident["attributes"]
    text = f"{attributes.get('name')} {attributes.get('url')}"
    return desired.NAME in text or url.rstrip("/") in text
