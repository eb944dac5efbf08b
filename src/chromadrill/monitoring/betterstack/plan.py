"""The changes as API calls and as Terraform. Nothing is applied: that stays with your own tools.

A token stands nowhere in it: calls take it from the environment, Terraform from its variables.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from chromadrill.core.model import JSON
from chromadrill.core.settings import Betterstack
from chromadrill.monitoring.betterstack.desired import exploration
from chromadrill.monitoring.betterstack.diff import AccountDiff, Change

POLICY_ID = "POLICY_ID"
BLOCKS = {
    "steps",
    "step_members",
    "escalation_target",
}  # nested blocks in Terraform, lists in the API


def calls(diff: AccountDiff, settings: Betterstack) -> list[str]:
    """One curl command a change, in an order that works."""
    commands = []
    for change in diff.changes:
        kind, path = change.desired.kind, change.desired.path
        body = {k: value for k, value in change.attributes.items() if not k.startswith("_")}
        if change.needs_our_policy:
            body |= _escalation(change, diff.our_policy or POLICY_ID)
        telemetry = kind in ("alert", "exploration")
        base = settings.telemetry_url if telemetry else settings.uptime_url
        token = "TELEMETRY" if telemetry else "UPTIME"
        if kind == "alert" and change.id is None:
            url = f"{base}/api/v2/explorations"
            commands.append(_call("POST", url, token, exploration(change.desired)))
        method = "PATCH" if change.id else "POST"
        path = f"{path}/{change.id}" if change.id else path
        commands.append(_call(method, base.rstrip("/") + path, token, body))
    return commands


def _escalation(change: Change, policy: str) -> JSON:
    """Telemetry alerts name their policy in another field than uptime objects."""
    if change.desired.kind != "alert":
        return {"policy_id": policy}
    return {"escalation_target": {"policy_id": int(policy) if policy.isdigit() else policy}}


def _call(method: str, url: str, token: str, body: JSON) -> str:
    return (
        f"curl -fsS -X {method} {url}"
        f' -H "Authorization: Bearer $BETTERSTACK_{token}_TOKEN"'
        f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )


def terraform(diff: AccountDiff) -> str:
    """Resources of the vendor's two providers; an existing object is to be imported first."""
    parts: list[str] = []
    alerts = {c.desired.name for c in diff.changes if c.desired.kind == "alert"}
    for change in diff.changes:
        kind, name = _resource(change)
        is_alert = change.desired.kind == "alert"
        if change.desired.kind == "exploration":
            if change.desired.name not in alerts:  # it stands with its alert
                parts.append(_exploration(change.desired.attributes, name))
            continue
        address = f"{kind}.{name}"
        body = dict(change.desired.attributes)
        if change.needs_our_policy:
            reference = Raw(f"betteruptime_policy.{_slug('chromadrill: on-call')}.id")
            policy = diff.our_policy or reference
            if is_alert:
                body["escalation_target"] = [{"policy_id": policy}]
            else:
                body["policy_id"] = policy
        if is_alert:
            parts.append(_exploration(exploration(change.desired), name))
            body["exploration_id"] = Raw(f"logtail_exploration.{name}.id")
        if change.id:
            parts.append(f'import {{\n  to = {address}\n  id = "{change.id}"\n}}')
        parts.append(f'resource "{kind}" "{name}" {{\n{_lines(body, 1)}\n}}')
    return "\n\n".join(parts)


class Raw(str):
    """A reference, not a text."""


def _resource(change: Change) -> tuple[str, str]:
    kind = change.desired.kind
    provider = "logtail_exploration" if kind == "alert" else "betteruptime"
    label = "chromadrill: heartbeat path" if kind == "monitor" else change.desired.name
    return f"{provider}_{kind}", _slug(label)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _exploration(attributes: JSON, name: str) -> str:
    query = attributes["queries"][0]
    return (
        f'resource "logtail_exploration" "{name}" {{\n'
        f'  name = "{attributes["name"]}"\n\n  chart {{\n    chart_type = "line_chart"\n  }}\n\n'
        f"  query {{\n{_lines(query, 2)}\n  }}\n\n"
        '  variable {\n    name          = "source"\n    variable_type = "source"\n'
        "    values        = [var.source_id]\n  }\n}"
    )


def _lines(body: JSON, depth: int) -> str:
    pad = "  " * depth
    lines = []
    for name, value in body.items():
        if name.startswith("_"):
            continue
        if name in BLOCKS:
            lines += [f"{pad}{name} {{\n{_lines(block, depth + 1)}\n{pad}}}" for block in value]
        else:
            lines.append(f"{pad}{name} = {_literal(value)}")
    return "\n".join(lines)


def _literal(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    # ${ and %{ begin an expression inside a text
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def plan_text(diff: AccountDiff, settings: Betterstack) -> str:
    """Both forms, as one text."""
    if not diff.changes:
        return "# Nothing to create and nothing to change.\n"
    ids: list[str] = []
    if diff.our_policy is None and any(change.needs_our_policy for change in diff.changes):
        ids.append(f"# {POLICY_ID}: the id that the first call answers")
    if any("EXPLORATION_ID" in change.desired.path for change in diff.changes):
        ids.append(
            "# EXPLORATION_ID: the id that the call before answers; choose your source in it"
        )
    return "\n".join(
        ["# ---- API calls", *ids, *calls(diff, settings), "", "# ---- Terraform",
         "# providers: BetterStackHQ/better-uptime, BetterStackHQ/logtail;"
         " their tokens come from your own variables", terraform(diff), ""]
    )  # fmt: skip
