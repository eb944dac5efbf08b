"""The changes as API calls and as Terraform. Nothing is applied: that stays with your own tools.

A token stands nowhere in it: calls take it from the environment, Terraform from its variables.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from chromadrill.core.model import JSON
from chromadrill.core.settings import Betterstack
from chromadrill.monitoring.betterstack.desired import exploration
from chromadrill.monitoring.betterstack.diff import Change, Judged

OURS = "POLICY_ID"
BLOCKS = {
    "steps",
    "step_members",
    "escalation_target",
}  # nested blocks in Terraform, lists in the API


def calls(judged: Judged, settings: Betterstack) -> list[str]:
    """One curl command a change, in an order that works."""
    found = []
    for each in judged.changes:
        body = {name: value for name, value in each.attributes.items() if not name.startswith("_")}
        if each.policy:
            body |= _escalating(each, judged.ours or OURS)
        telemetry = each.wanted.kind in ("alert", "exploration")
        base = settings.telemetry_url if telemetry else settings.uptime_url
        token = "TELEMETRY" if telemetry else "UPTIME"
        if each.wanted.kind == "alert" and each.id is None:
            found.append(_call("POST", f"{base}/api/v2/explorations", token,
                               exploration(each.wanted)))  # fmt: skip
        method = "PATCH" if each.id else "POST"
        path = f"{each.wanted.path}/{each.id}" if each.id else each.wanted.path
        found.append(_call(method, base.rstrip("/") + path, token, body))
    return found


def _escalating(change: Change, policy: str) -> JSON:
    """An alert of telemetry names its policy in another way than what is of uptime."""
    if change.wanted.kind != "alert":
        return {"policy_id": policy}
    return {"escalation_target": {"policy_id": int(policy) if policy.isdigit() else policy}}


def _call(method: str, url: str, token: str, body: JSON) -> str:
    return (
        f"curl -fsS -X {method} {url}"
        f' -H "Authorization: Bearer $BETTERSTACK_{token}_TOKEN"'
        f" -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )


def terraform(judged: Judged) -> str:
    """Resources of the vendor's two providers; an existing object is to be imported first."""
    parts: list[str] = []
    alerts = {each.wanted.name for each in judged.changes if each.wanted.kind == "alert"}
    for each in judged.changes:
        kind, name = _resource(each)
        if each.wanted.kind == "exploration":
            if each.wanted.name not in alerts:  # it stands with its alert
                parts.append(_exploration(each.wanted.attributes, name))
            continue
        address = f"{kind}.{name}"
        body = dict(each.wanted.attributes)
        if each.policy:
            ours = f"betteruptime_policy.{_slug('chromadrill: on-call')}.id"
            policy = judged.ours or Raw(ours)
            if each.wanted.kind == "alert":
                body["escalation_target"] = [{"policy_id": policy}]
            else:
                body["policy_id"] = policy
        if each.wanted.kind == "alert":
            parts.append(_exploration(exploration(each.wanted), name))
            body["exploration_id"] = Raw(f"logtail_exploration.{name}.id")
        if each.id:
            parts.append(f'import {{\n  to = {address}\n  id = "{each.id}"\n}}')
        parts.append(f'resource "{kind}" "{name}" {{\n{_lines(body, 1)}\n}}')
    return "\n\n".join(parts)


class Raw(str):
    """A reference, not a text."""


def _resource(change: Change) -> tuple[str, str]:
    provider = "logtail_exploration" if change.wanted.kind == "alert" else "betteruptime"
    label = "chromadrill: heartbeat path" if change.wanted.kind == "monitor" else change.wanted.name
    return f"{provider}_{change.wanted.kind}", _slug(label)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _exploration(made: JSON, name: str) -> str:
    query = made["queries"][0]
    return (
        f'resource "logtail_exploration" "{name}" {{\n'
        f'  name = "{made["name"]}"\n\n  chart {{\n    chart_type = "line_chart"\n  }}\n\n'
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
            lines += [f"{pad}{name} {{\n{_lines(each, depth + 1)}\n{pad}}}" for each in value]
        else:
            lines.append(f"{pad}{name} = {_literal(value)}")
    return "\n".join(lines)


def _literal(value: Any) -> str:
    if isinstance(value, Raw):
        return str(value)
    # ${ and %{ begin an expression inside a text
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def printed(judged: Judged, settings: Betterstack) -> str:
    """Both forms, as one text."""
    if not judged.changes:
        return "# Nothing to create and nothing to change.\n"
    ids: Sequence[str] = [
        *([f"# {OURS}: the id that the first call answers"] if judged.ours is None and any(
            each.policy for each in judged.changes) else []),
        *(["# EXPLORATION_ID: the id that the call before answers; choose your source in it"]
          if any("EXPLORATION_ID" in each.wanted.path for each in judged.changes) else []),
    ]  # fmt: skip
    return "\n".join(
        ["# ---- API calls", *ids, *calls(judged, settings), "", "# ---- Terraform",
         "# providers: BetterStackHQ/better-uptime, BetterStackHQ/logtail;"
         " their tokens come from your own variables", terraform(judged), ""]
    )  # fmt: skip
