"""One simulated account: its tokens, its contacts, and the plan typed into a shell."""

import json
import os
import subprocess

from pydantic import SecretStr

from chromadrill.core.http import http_client
from chromadrill.monitoring.betterstack.client import BetterStackApi
from chromadrill.monitoring.betterstack.diff import judge
from chromadrill.monitoring.betterstack.fetch import fetch_account
from chromadrill.monitoring.betterstack.plan import calls

UPTIME, TELEMETRY, INGEST = "up-CANARY-9f2d1c", "tel-CANARY-77aa01", "ing-CANARY-55bb02"
TOKENS = (UPTIME, TELEMETRY, INGEST)
URL = "https://chroma.example.test"
CONTACTS = {
    "DRILL_CONTACTS__PRIMARY": "Platform, oncall@example.test",
    "DRILL_CONTACTS__SECONDARY": "Data, data@example.test",
    "DRILL_CONTACTS__PLATFORM": "Railway support",
    "DRILL_MONITORING__ESCALATION": "user:oncall@example.test,user:17,webhook:3",
}


def uptime(simulator, token=UPTIME):
    return BetterStackApi(simulator.url, SecretStr(token), variable="BETTERSTACK_UPTIME_TOKEN")


def diff_of(settings):
    return judge(fetch_account(settings.betterstack), settings, URL)


def outcomes(diff):
    return {verdict.check: str(verdict.outcome) for verdict in diff.verdicts}


def type_calls(diff, settings, environ):
    """The plan's API calls, typed into a shell one after the other, as a person would."""
    ids = {}
    for line in calls(diff, settings.betterstack):
        for name, value in ids.items():
            line = line.replace(name, value)
        done = subprocess.run(
            ["/bin/sh", "-c", line], env={**os.environ, **environ, "no_proxy": "*"},
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        created = json.loads(done.stdout)["data"]
        kinds = {"policy": "POLICY_ID", "exploration": "EXPLORATION_ID"}
        if created["type"] in kinds:
            ids[kinds[created["type"]]] = created["id"]


def ping(url):
    """As `curl URL`; `httpx.get` would read all certificates of the machine first."""
    with http_client(url, timeout_s=10) as client:
        client.get(url).raise_for_status()


def only(simulator, kind):
    return next(iter(simulator.account.of(f"/api/v2/{kind}").values()))
