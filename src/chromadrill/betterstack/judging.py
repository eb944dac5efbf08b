"""What Better Stack has against what the rules want: verdicts, and the changes that would help."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.betterstack import wanted as w
from chromadrill.betterstack.reading import Account
from chromadrill.betterstack.wanted import Wanted
from chromadrill.checks.betterstack import (
    as_wanted,
    differing,
    escalates,
    ever_pinged,
    no_open_incident,
)
from chromadrill.model import JSON, Verdict
from chromadrill.settings import Settings


@dataclass(frozen=True, slots=True)
class Change:
    """`id` None: to be created, else these attributes are to be changed."""

    wanted: Wanted
    id: str | None
    attributes: JSON
    policy: bool = False  # its policy_id is to be that of our policy


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
    ours = good[0] if good else None
    verdicts: list[Verdict] = []
    changes: list[Change] = []
    beats = {"monitor": account.monitors, "heartbeat": account.heartbeats}
    for want in (w.monitor(settings.monitoring, url), w.heartbeat(settings.monitoring)):
        found = _find(beats[want.kind], want)
        attributes = found["attributes"] if found else None
        verdicts.append(
            as_wanted(want.kind, attributes, want.attributes, instead=_instead(account, want, url))
        )
        if want.kind == "heartbeat":
            verdicts.append(ever_pinged("heartbeat pinged", attributes))
        policy = policies.get(str((attributes or {}).get("policy_id")))
        called = escalates(f"{want.kind} escalation", policy, people, missing, contacts)
        verdicts.append(called)
        wrong = differing(attributes or {}, want.attributes)
        unheard = bool(people) and called.outcome == "fail"
        if wrong or unheard:
            changes.append(Change(want, found["id"] if found else None, wrong, unheard))
    if people and ours is None:
        changes.insert(0, Change(w.policy(people), None, w.policy(people).attributes))
    _alerts(account, settings, verdicts, changes)
    mine = [each["attributes"] for each in account.incidents if _is_ours(each, url)]
    verdicts.append(no_open_incident("incidents", mine))
    return Judged(verdicts, changes, ours)


def _alerts(
    account: Account, settings: Settings, verdicts: list[Verdict], changes: list[Change]
) -> None:
    """Those on the shipped samples; without a telemetry token nobody can tell."""
    have = [alert for each in account.explorations or () for alert in each["alerts"]]
    for want in w.alerts(settings.monitoring):
        check = f"alert {want.name.removeprefix(f'{w.NAME}: ')}"
        if account.explorations is None:
            verdicts.append(
                Verdict.unknown(check, "not read: BETTERSTACK_TELEMETRY_TOKEN is not set")
            )
            continue
        found = _find(have, want)
        verdicts.append(as_wanted(check, found["attributes"] if found else None, want.attributes))
        wrong = differing(found["attributes"] if found else {}, want.attributes)
        if wrong:
            where = next(
                (e["id"] for e in account.explorations if found in e["alerts"]), "EXPLORATION_ID"
            )
            placed = Wanted(want.kind, want.path.replace("{id}", where), want.key, want.attributes)
            changes.append(Change(placed, found["id"] if found else None, wrong))


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
