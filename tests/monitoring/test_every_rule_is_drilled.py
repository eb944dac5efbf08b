"""Every alert rule has a scenario that makes it fire and clear, and a row of the guide."""

import re
from pathlib import Path

from chromadrill.monitoring.rules import rules

ROOT = Path(__file__).parents[2]


def drilled(step):
    source = (ROOT / "suites/monitoring/test_alerts.py").read_text()
    return re.findall(rf'alarm\.{step}\("([^"]+)"\)', source)


def test_every_rule_fires_and_clears_in_one_scenario(settings):
    names = sorted(rule.name for rule in rules(settings.monitoring))
    assert sorted(drilled("fires")) == names
    assert sorted(drilled("clears")) == names


def test_guide_names_the_fault_of_every_rule(settings):
    section = (ROOT / "docs/guides/monitoring.md").read_text().partition("## Drill the alerts")[2]
    rows = re.findall(r"^\| ([a-z ]+) \|", section, re.MULTILINE)
    assert sorted(set(rows) - {"rule"}) == sorted(rule.name for rule in rules(settings.monitoring))
