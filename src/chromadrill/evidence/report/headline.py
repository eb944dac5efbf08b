"""What the page says first, and why: never more than the record shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chromadrill.checks import registry
from chromadrill.checks.registry.check import CheckGroup
from chromadrill.core.model import JSON
from chromadrill.evidence.report import formatting, own_backup
from chromadrill.evidence.report.formatting import (
    count,
    duration,
    number,
    part,
    rows,
    text_of,
    texts,
)

# a run in which none of these passed has restored nothing
PROVES = {name for name, check in registry.CHECKS.items() if check.restores}
CORE = set(registry.of_group(CheckGroup.CONTENT))
NOT_COVERED = "Not covered: "  # how a reason begins that is a hole
HEADLINES = {"pass": "RESTORE PROVEN", "fail": "NOT PROVEN", "unknown": "COULD NOT TELL"}

ALTERED = "EVIDENCE ALTERED"
INCOMPLETE = "DRILL PASSED, NOT COMPLETE"
GATE = "GATE PASSED"  # a run of which nothing is required is no drill, whatever it restored
COPYING = set(
    registry.of_group(CheckGroup.COPIES)
)  # a run of nothing else looked at copies, and restored none
POWER_CUTS = set(registry.of_group(CheckGroup.POWER))
COPIES = "HOT COPIES MEASURED"
POWER = "POWER CUTS MEASURED"
VOID = "void"  # of a time in which nothing came back that is proven
LATENCY = "LATENCY PASSED"  # nothing but RB-6 was asked for: fast enough says nothing of a restore


@dataclass(frozen=True, slots=True)
class Headline:
    """Headline, one sentence, and the reasons where it is not green.

    `restored`: whether a restore was proven; other green runs proved something else.
    """

    kind: str
    text: str
    sentence: str
    reasons: tuple[str, ...] = ()
    restored: bool = False


def headline_of(record: JSON) -> Headline:
    """The headline of a record: PROVEN only where nothing in it contradicts its pass.

    Of a run on the user's own backups it names the backup.
    """
    headline = _headline(record)
    if headline.text not in HEADLINES.values():
        return headline
    restored = headline.text == HEADLINES["pass"]
    if not own_backup.is_own(record):
        return dataclasses.replace(headline, restored=restored)
    return Headline(
        headline.kind,
        own_backup.headline_text(record, headline.kind, headline.text),
        own_backup.sentence(record, headline.kind),
        headline.reasons,
        restored,
    )


def _headline(record: JSON) -> Headline:
    scenarios, outcome = rows(record, "scenarios"), record.get("outcome")
    if altered := tuple(texts(record, "altered")):
        sentence = "The run's folder is not what was sealed at its end: it proves nothing."
        return Headline("fail", ALTERED, sentence, altered)
    bad = [scenario for scenario in scenarios if scenario.get("outcome") != "pass"]
    broken = tuple(map(_failed_test, rows(record, "failed_tests")))
    if outcome == "fail":
        failed = [scenario for scenario in bad if scenario.get("outcome") == "fail"]
        sentence = f"{len(failed)} of {len(scenarios)} scenarios failed."
        if broken:
            others = f"{len(broken)} other test{'' if len(broken) == 1 else 's'}"
            sentence = f"Failed: {len(failed)} of {len(scenarios)} scenarios, and {others}."
        # on-call's box takes the first reason: that of a scenario, where one is red or open
        return Headline("fail", HEADLINES["fail"], sentence, (*map(_why, failed or bad), *broken))
    holes = [*broken, *(f"{NOT_COVERED}{gap}" for gap in texts(record, "not_covered"))]
    done = {scenario.get("runbook") for scenario in scenarios}
    if "required" in record and not holes:
        holes = [
            f"{NOT_COVERED}{runbook} is required"
            for runbook in texts(record, "required")
            if runbook not in done
        ]
    if not scenarios:
        sentence = "No scenario is in this record: no fault was injected, restored or compared."
        none_due = record.get("required") == [] and not _due(record, done) and not broken
        text = "NO SCENARIO IN THIS RUN" if none_due else HEADLINES["unknown"]
        return Headline("unknown", text, sentence, tuple(holes))
    reasons = [*map(_why, bad), *holes]
    # an extra that is not installed leaves a hole, which latencies of other things do not mind
    if outcome == "pass" and (not reasons or (not bad and _of_latency(record))):
        return _passed(record, tuple(holes))
    # nor does what the target cannot do, where another scenario covers what is required
    if outcome == "pass" and not bad and not _due(record, done):
        return _passed(record, tuple(holes))
    if outcome == "pass" and not bad and _all_required(record, done):
        return _incomplete(_passed(record), tuple(holes))
    good = f"{len(scenarios) - len(bad)} of {len(scenarios)} scenarios passed"
    if outcome == "pass":
        sentence = f"The record says pass and contradicts itself: {good}."
    elif outcome == "unknown" and not bad:
        sentence = f"All that ran passed ({len(scenarios)}), but not all that is required ran."
        sentence = sentence if holes else f"{good}, and the run is UNKNOWN; it does not say why."
    elif outcome == "unknown":
        sentence = f"{good}; what is left open proves nothing either way."
    else:
        sentence = f"The record has no outcome that this page knows ({text_of(outcome, 'none')})."
    return Headline("unknown", HEADLINES["unknown"], sentence, tuple(reasons))


def _due(record: JSON, done: set[Any]) -> bool:
    """Whether something required has no scenario, or a hole is not the target's."""
    beyond = [gap for gap in texts(record, "not_covered") if "has no capability" not in gap]
    return bool(beyond) or any(runbook not in done for runbook in texts(record, "required"))


def _all_required(record: JSON, done: set[Any]) -> bool:
    """Whether every required runbook was drilled, and none is among what was not covered."""
    required = set(texts(record, "required"))
    named = {gap.partition(":")[0] for gap in texts(record, "not_covered")}
    return bool(required) and required <= done and not required & named


def _incomplete(headline: Headline, holes: tuple[str, ...]) -> Headline:
    """All that is required ran and passed, and something else could not be run here."""
    if headline.text != HEADLINES["pass"]:
        return headline
    return Headline("pass", INCOMPLETE, f"{headline.sentence} The drill is not complete.", holes)


def _of_latency(record: JSON) -> bool:
    """Whether a run was about latency alone, and nothing was required of it."""
    done = {scenario.get("runbook") for scenario in rows(record, "scenarios")}
    return done == {"RB-6"} and record.get("required") == []


def _passed(record: JSON, holes: tuple[str, ...] = ()) -> Headline:
    scenarios = rows(record, "scenarios")
    verdicts = [v for scenario in scenarios for v in rows(scenario, "verdicts")]
    skipped = [v for v in verdicts if v.get("outcome") == "not_run"]
    # a backup of the user's own is restored where the copy gave right answers that lasted
    proves = PROVES | ({registry.RECOVERY_TIME} if own_backup.is_own(record) else set())
    restored = [scenario for scenario in scenarios if _checks(scenario, "pass") & proves]
    reasons = [
        f"{text_of(v.get('check'))} is {formatting.OUTCOMES[str(v['outcome'])]}"
        for v in verdicts
        if v.get("outcome") in ("fail", "unknown")
    ]
    # a health check has no fingerprint to compare with; what was restored must have been compared
    unseen = sorted(
        {
            check
            for scenario in restored
            if not own_backup.proven_before(scenario)
            for check in _checks(scenario, "not_run") & CORE
        }
    )
    reasons += [f"{check} is {formatting.OUTCOMES['not_run']}" for check in unseen]
    if reasons:
        sentence = "The record says pass, and checks in it do not."
        return Headline("unknown", HEADLINES["unknown"], sentence, tuple(reasons))
    if not restored and _of_latency(record):
        sentence = f"{count(len(verdicts) - len(skipped))} checks of latency passed, none failed."
        if skipped:
            sentence += f" {len(skipped)} had nothing to compare with and did not run."
        return Headline("pass", LATENCY, sentence, holes)
    if not restored and {text_of(v.get("check")) for v in verdicts} <= COPYING:
        sentence = "Each way of copying a running server was tried; the table says what came of it."
        return Headline("pass", COPIES, f"{sentence} No server was restored.", holes)
    if not restored and {text_of(v.get("check")) for v in verdicts} <= POWER_CUTS:
        sentence = "The power was cut while clients wrote; the table says what each cut left."
        return Headline("pass", POWER, f"{sentence} No server was restored.", holes)
    if not restored:
        sentence = "Every check passed, but nothing was restored in this run."
        return Headline("unknown", "NO RESTORE IN THIS RUN", sentence)
    many = "The scenario" if len(scenarios) == 1 else f"All {len(scenarios)} scenarios"
    sentence = f"{many} passed: {len(verdicts) - len(skipped):,} checks, none failed."
    if skipped:
        sentence += f" {len(skipped)} checks were not asked for and did not run."
    drilled = {check for scenario in restored for check in _checks(scenario, "pass")} & {
        registry.DISASTER_SEEN
    }
    if drilled and record.get("required") == []:
        return Headline(
            "pass", GATE, f"{sentence} A small restore was among them; this was no drill."
        )
    if holes:
        sentence += f" {len(holes)} scenarios need what this target cannot do: not covered."
    return Headline("pass", HEADLINES["pass"], sentence, holes)


def _why(scenario: JSON) -> str:
    """One line: which scenario, and what its first bad check says."""
    title, first = text_of(scenario.get("title"), "a scenario without a title"), first_bad(scenario)
    if first:
        return f"{title}: {text_of(first.get('check'))}: {text_of(first.get('message'))}"
    outcome = formatting.OUTCOMES.get(str(scenario.get("outcome")), "without an outcome")
    return f"{title}: {text_of(scenario.get('error'), outcome)}"


def _failed_test(test: JSON) -> str:
    return f"{text_of(test.get('test'))} (no scenario): {formatting.one_line(test.get('error'))}"


def first_bad(scenario: JSON) -> JSON | None:
    """The first check that failed, else the first that could not be judged."""
    for outcome in ("fail", "unknown"):
        for verdict in rows(scenario, "verdicts"):
            if verdict.get("outcome") == outcome:
                return verdict
    return None


def focus(record: JSON) -> JSON | None:
    """The scenario that on-call looks at: the first FAIL, else UNKNOWN, else none."""
    for outcome in ("fail", "unknown"):
        for scenario in rows(record, "scenarios"):
            if scenario.get("outcome") == outcome:
                return scenario
    return None


def data_origin(record: JSON) -> tuple[str, str]:
    """Whose data was restored, in two words and in a sentence: an auditor must not be misled."""
    scenarios = rows(record, "scenarios")
    if not scenarios:
        return "No data", "Nothing was restored in this run."
    sources = {str(part(scenario, "backup").get("source") or "") for scenario in scenarios}
    if "" not in sources:
        return "Own backup", f"Every scenario restored a backup of {', '.join(sorted(sources))}."
    if (
        own_backup.is_own(record)
        and len(scenarios) == 1
        and not scenarios[0].get("production_origin")
    ):
        return "A backup that was named", "The record does not say whether it came from production."
    real = [scenario for scenario in scenarios if scenario.get("production_origin") is True]
    synthetic = [scenario for scenario in scenarios if scenario.get("production_origin") is False]
    if real and len(real) == len(scenarios):
        return "Production backup", "Every scenario restored a backup that came from production."
    if real:
        return (
            "Partly synthetic data",
            f"{len(real)} of {len(scenarios)} scenarios restored a backup from production; the"
            " others used data that the drill made itself, or do not say.",
        )
    if synthetic and len(synthetic) == len(scenarios):
        return (
            "Synthetic data",
            "The drill made this data itself. It tests the procedure; it does not show that"
            " production's own backup exists or can be restored.",
        )
    return (
        "Data of unknown origin",
        "The record does not say whether what was restored came from production. Do not read it"
        " as proof of production's own backup.",
    )


def fact(record: JSON, name: str, check: str) -> tuple[Any, Any, str]:
    """Value, limit and a sentence for "recovery" or "data loss"; old records have only verdicts."""
    summary = part(record, "summary")
    value, limit = summary.get(f"{name}_s"), summary.get(f"{name.removesuffix('_time')}_limit_s")
    verdicts = [
        verdict
        for scenario in rows(record, "scenarios")
        for verdict in rows(scenario, "verdicts")
        if verdict.get("check") == check and number(verdict.get("limit")) is not None
    ]
    if value is None and limit is None and verdicts:

        def used_share(verdict: JSON) -> float:
            actual, most = number(verdict.get("actual")), number(verdict.get("limit")) or 0.0
            return float("inf") if actual is None else actual / most if most else actual * 1e9

        worst = max(verdicts, key=used_share)
        value, limit = worst.get("actual"), worst.get("limit")
    if void := _void(verdicts, value):
        return VOID, limit, void
    actual, most = number(value), number(limit)
    of = "no limit in the record" if most is None else f"the limit of {duration(most)}"
    if actual is None:
        never = any(v.get("outcome") == "fail" and v.get("actual") is None for v in verdicts)
        return ("never" if never else None), limit, of if most is None else of.replace("the ", "")
    if most is None:
        return value, limit, of
    if actual > most:
        return value, limit, f"over {of} by {duration(actual - most)}"
    share = f" ({actual / most:.0%} of it)" if most and actual >= most / 100 else ""
    return value, limit, f"within {of}{share}"


def _void(verdicts: Sequence[JSON], value: Any) -> str:
    """Why the time `value` counts for nothing: what it brought back was not proven; "" where it does."""
    time, timed = number(value), [v for v in verdicts if number(v.get("actual")) is not None]
    if time is None and any(v.get("outcome") == "fail" and v not in timed for v in verdicts):
        return ""  # it never came back
    void = [v for v in timed if v.get("outcome") == "unknown" and time in (None, v["actual"])]
    if not void or any(v["actual"] == time for v in timed if v not in void):
        return ""
    longest = max(v["actual"] for v in void)
    return f"answers came after {duration(longest)}, and what they came from is not proven"


def records(record: JSON) -> tuple[str, str, bool | None]:
    """ "0 lost, 0 altered", "of 5,909 records...", and whether that is good (None: not known)."""
    summary = part(record, "summary")
    lost, altered = summary.get("records_lost"), summary.get("records_altered")
    compared = summary.get("records_compared")
    if compared is None:
        compared = max(
            (number(s.get("records")) or 0 for s in rows(record, "scenarios")), default=0
        )
    total = summary.get("records_total")
    of = f"of {count(total)} records" if total is not None else "of a total that was not measured"
    if summary.get("records_extra"):
        of += f"; {count(summary['records_extra'])} that should not be there"
    of += f"; {count(compared)} compared" if compared else "; none compared"
    if lost is None and altered is None:
        return formatting.NOT_MEASURED, of, None
    known = [number(figure) for figure in (lost, altered, summary.get("records_extra") or 0)]
    good = None if None in known or not compared else not any(known)
    return f"{count(lost)} lost, {count(altered)} altered", of, good


def _checks(scenario: JSON, outcome: str) -> set[str]:
    return {str(v.get("check")) for v in rows(scenario, "verdicts") if v.get("outcome") == outcome}
