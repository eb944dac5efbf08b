"""What Better Stack has against what the rules want: verdicts, and the changes that would help."""

from __future__ import annotations

from collections.abc import Callable
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
from chromadrill.monitoring.betterstack import desired as w
from chromadrill.monitoring.betterstack.desired import Wanted
from chromadrill.monitoring.betterstack.fetch import Account


@dataclass(frozen=True, slots=True)
class Change:
    """`id` None: to be created, else these attributes are to be changed."""

    wanted: Wanted
    id: str | None
    attributes: JSON
    policy: bool = False  # it is to escalate to our policy


@dataclass(frozen=True, slots=True)
class Judged:
    """`ours`: the id of the policy that calls our contacts, where there is one."""

    verdicts: list[Verdict]
    changes: list[Change]
    ours: str | None


def judge(account: Account, settings: Settings, url: str) -> Judged:
    """Everything the rules need there, for the server at `url`."""
    people, missing = w.members(settings.contacts, settings.monitoring.escalation)
    contacts = len(people) + len(missing)
    policies = {each["id"]: each["attributes"] for each in account.policies}
    good = [
        key
        for key, each in policies.items()
        if people and escalates("", each, people, [], contacts).outcome == "pass"
    ]
    mine = next((key for key, each in policies.items() if each.get("name") == w.POLICY), None)
    ours = good[0] if good else mine
    verdicts: list[Verdict] = []
    changes: list[Change] = []

    def calls(check: str, policy: object) -> bool:
        """Judge whom a policy (its id or its name) calls; whether ours is to be put in its place."""
        named = {str(each.get("name")): each for each in policies.values()}
        found = policies.get(str(policy)) or named.get(str(policy))
        called = escalates(check, found, people, missing, contacts)
        verdicts.append(called)
        here = ours is not None and found is policies[ours]
        return bool(people) and called.outcome == "fail" and not here

    beats = {"monitor": account.monitors, "heartbeat": account.heartbeats}
    for want in (w.monitor(settings.monitoring, url), w.heartbeat(settings.monitoring)):
        found = _find(beats[want.kind], want)
        attributes = found["attributes"] if found else None
        verdicts.append(
            set_as_wanted(
                want.kind, attributes, want.attributes, instead=_instead(account, want, url)
            )
        )
        if want.kind == "heartbeat":
            verdicts.append(heartbeat_pinged("heartbeat pinged", attributes))
        unheard = calls(f"{want.kind} escalation", (attributes or {}).get("policy_id"))
        wrong = different_attributes(attributes or {}, want.attributes)
        if wrong or unheard:
            changes.append(Change(want, found["id"] if found else None, wrong, unheard))
    if people and not good:
        # ours with other steps is changed: a second one of its name would help nobody
        plan = w.policy(people)
        wrong = different_attributes(policies[mine] if mine else {}, plan.attributes)
        changes.insert(0, Change(plan, mine, wrong))
    _alerts(account, settings, verdicts, changes, calls)
    open_ = [each["attributes"] for each in account.incidents if _is_ours(each, url)]
    verdicts.append(no_open_incident("incidents", open_))
    return Judged(verdicts, changes, ours)


def _alerts(
    account: Account,
    settings: Settings,
    verdicts: list[Verdict],
    changes: list[Change],
    calls: Callable[[str, object], bool],
) -> None:
    """Those on the shipped samples, and what they ask; without a telemetry token nobody can tell."""
    have = [alert for each in account.explorations or () for alert in each["alerts"]]
    for want in w.alerts(settings.monitoring):
        check = f"alert {want.name.removeprefix(f'{w.NAME}: ')}"
        if account.explorations is None:
            verdicts.append(
                Verdict.unknown(check, "not read: BETTERSTACK_TELEMETRY_TOKEN is not set")
            )
            continue
        found = _find(have, want)
        attributes = found["attributes"] if found else {}
        of = next((each for each in account.explorations if found in each["alerts"]), None)
        asks = w.exploration(want)
        query = {"sql_query": _query(asks)}
        has = {**attributes, "sql_query": _query(of["attributes"])} if of else None
        verdicts.append(set_as_wanted(check, has, {**want.attributes, **query}))
        target = attributes.get("escalation_target")
        target = target if isinstance(target, dict) else {}  # "current_team" is no policy
        unheard = calls(f"{check} escalation", target.get("policy_id") or target.get("policy_name"))
        if of and different_attributes(has or {}, query):
            changes.append(
                Change(
                    Wanted("exploration", "/api/v2/explorations", "name", asks),
                    of["id"],
                    {"queries": asks["queries"]},
                )
            )
        wrong = different_attributes(attributes, want.attributes)
        if wrong or unheard:
            path = want.path.replace("{id}", of["id"] if of else "EXPLORATION_ID")
            placed = Wanted(want.kind, path, want.key, want.attributes)
            changes.append(Change(placed, found["id"] if found else None, wrong, unheard))


def _query(exploration: JSON) -> str:
    """The first one, without its line breaks: it is what the alert looks at."""
    queries = exploration.get("queries") or [{}]
    return " ".join(str(queries[0].get("sql_query")).split())


def _find(rows: list[JSON], want: Wanted) -> JSON | None:
    """By its key; an address with or without a slash at its end is the same."""
    name = want.name.rstrip("/")
    return next((e for e in rows if str(e["attributes"].get(want.key)).rstrip("/") == name), None)


def _instead(account: Account, want: Wanted, url: str) -> str:
    """A monitor of the same server on another path is the usual mistake: name it."""
    if want.kind != "monitor":
        return ""
    near = [
        str(each["attributes"].get("url"))
        for each in account.monitors
        if str(each["attributes"].get("url")).startswith(url.rstrip("/"))
    ]
    old = ", Chroma 1.x answers 410 on /api/v1" if any("/api/v1" in each for each in near) else ""
    return f"there is {near[0]}{old}" if near else ""


def _is_ours(incident: JSON, url: str) -> bool:
    attributes = incident["attributes"]
    text = f"{attributes.get('name')} {attributes.get('url')}"
    return w.NAME in text or url.rstrip("/") in text
