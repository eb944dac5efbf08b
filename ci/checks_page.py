"""`checks.md`: the registry of checks."""

from __future__ import annotations

from sentences import sentence

from chromadrill.checks import registry
from chromadrill.checks.registry.check import CheckGroup


def checks_page() -> str:
    lines = [CHECKS_HEAD]
    for group in CheckGroup:
        lines += [f"\n## {group.capitalize()}", "", "| check | question | if not | limit | next |"]
        lines += ["|---|---|---|---|---|"]
        for name in registry.of_group(group):
            check = registry.CHECKS[name]
            limits = ", ".join(f"`{limit.key}`" for limit in check.limits)
            question, failed = sentence(check.question), sentence(check.meaning)
            lines.append(f"| {name} | {question} | {failed} | {limits} | `{check.command}` |")
    return "\n".join(lines) + "\n"


CHECKS_HEAD = """\
<!-- Made by ci/reference.py from the registry of checks. -->
# Checks

A verdict carries the name of its check. `{}` stands for what a family of checks is about. "If not" says
what a verdict other than PASS means. "Limit" names its key of [`[objectives]`](settings.md#objectives).
"Next" is what on-call types then."""
