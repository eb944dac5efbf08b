"""The history as metrics, for a file that node_exporter's textfile collector reads.

The collector parses the classic Prometheus text format and knows no OpenMetrics. What is written
here is both: only gauges (a stateset is an error to the classic parser), no timestamps (the collector
refuses the whole file), no blank lines and no free comments (OpenMetrics has none), no quotes in the
help (escaped in one, not in the other). `# UNIT` and `# EOF` are comments to the classic parser.
Write it beside and rename it: the collector may read at any time.

A value that was not measured has no sample: alert on `absent`, not on 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chromadrill.core.model import JSON
from chromadrill.evidence.history import is_proven, number, of_source
from chromadrill.evidence.report.formatting import moment

OUTCOMES = ("pass", "fail", "unknown")
LAST = (  # of the last drill: name, unit in the name, key in the history, help
    ("recovery_seconds", "seconds", "recovery_time_s", "From the disaster to right answers."),
    ("recovery_limit_seconds", "seconds", "recovery_limit_s", "The objective of the recovery."),
    ("data_loss_seconds", "seconds", "data_loss_s", "Age of the oldest write that was lost."),
    ("downtime_seconds", "seconds", "downtime_s", "Time without right answers to clients."),
    ("records_compared", "", "records", "Records that were compared one by one."),
)


def metrics(history: list[JSON], now: datetime, fleet: Sequence[JSON] = ()) -> str:
    """The text for all targets of the history (oldest first), as of `now` (aware).

    `fleet`: every source of the user's own backups, as a record has it.
    """
    last: dict[str, JSON] = {}
    good: dict[str, JSON] = {}
    for entry in of_source(history, None):
        target = str(entry.get("target") or "unknown")
        last[target] = entry
        if is_proven(entry):
            good[target] = entry
    lines = [
        *_times("last_proven", "End of the last drill that proved a restore.", good),
        *_times("last_run", "End of the last drill, whatever its outcome.", last),
        *_family(
            "last_outcome",
            "",
            "Whether the last drill ended so: 1 or 0.",
            (
                (f'{_target(target)},outcome="{outcome}"', int(entry.get("outcome") == outcome))
                for target, entry in last.items()
                for outcome in OUTCOMES
            ),
        ),
    ]
    for name, unit, key, description in LAST:
        lines += _samples(name, unit, description, last, key)
    lines += _of_sources(_fleet(history, fleet))
    written = "When this was written; if that is long ago, no number here is news."
    lines += _family("written_timestamp_seconds", "seconds", written, [("", now.timestamp())])
    return "\n".join([*lines, "# EOF"]) + "\n"


def _fleet(history: list[JSON], fleet: Sequence[JSON]) -> list[JSON]:
    """Every source of the newest record and of the history, with the later of both proofs.

    A backup that failed since it was proven proves nothing any more: an older proof of another counts.
    """
    sources: dict[str, JSON] = {}
    proofs: dict[str, list[JSON]] = {}  # of each source, oldest first
    for entry in history:
        name = entry.get("source")
        if not name:
            continue
        source = sources.setdefault(str(name), {"name": name})
        source["last_outcome"] = entry.get("outcome")
        proven, artefact = proofs.setdefault(str(name), []), entry.get("artefact")
        if entry.get("outcome") == "pass":
            coverage = entry.get("coverage")
            if coverage is None and proven:
                coverage = proven[-1]["coverage"]
            at = entry.get("finished_at")
            proven.append({"artefact": artefact, "last_proven_at": at, "coverage": coverage})
        elif entry.get("outcome") == "fail" and artefact:
            proofs[str(name)] = [proof for proof in proven if proof["artefact"] != artefact]
    for name, proven in proofs.items():
        if proven:
            at, coverage = proven[-1]["last_proven_at"], proven[-1]["coverage"]
            sources[name] |= {"last_proven_at": at, "coverage": coverage}
    for known in fleet:
        source = sources.setdefault(str(known.get("name")), {"name": known.get("name")})
        proof = {key: known.get(key) for key in ("last_proven_at", "coverage")}
        is_later = str(proof["last_proven_at"] or "") >= str(source.get("last_proven_at") or "")
        outcome = known.get("last_outcome") or source.get("last_outcome")
        source |= {**(proof if is_later else {}), "last_outcome": outcome}
        source["proven_within_s"] = known.get("proven_within_s")
    return list(sources.values())


def _of_sources(fleet: Sequence[JSON]) -> list[str]:
    """When a restore of each source was last proven, and how much of it; none where it never was."""
    proven = [
        (_label("source", str(source["name"])), moment(source.get("last_proven_at")), source)
        for source in fleet
    ]
    tried = [source for source in fleet if source.get("last_outcome")]
    return [
        *_family(
            "backup_last_proven_timestamp_seconds",
            "seconds",
            "End of the last run that proved a restore of a backup of this source.",
            ((labels, at.timestamp()) for labels, at, _ in proven if at),
        ),
        *_family(
            "backup_coverage_ratio",
            "ratio",
            "Records of that backup that were proven exactly, as a part of all.",
            (
                (labels, share)
                for labels, at, source in proven
                if at and (share := number(source.get("coverage"))) is not None
            ),
        ),
        *_family(
            "backup_proven_within_seconds",
            "seconds",
            "Within which time a restore of a backup of this source is to be proven again.",
            (
                (_label("source", str(source["name"])), limit)
                for source in fleet
                if (limit := number(source.get("proven_within_s"))) is not None
            ),
        ),
        *_family(
            "backup_last_outcome",
            "",
            "Whether the last try of a backup of this source ended so: 1 or 0.",
            (
                (
                    f'{_label("source", str(source["name"]))},outcome="{outcome}"',
                    int(source["last_outcome"] == outcome),
                )
                for source in tried
                for outcome in OUTCOMES
            ),
        ),
    ]


def _times(name: str, description: str, entries: dict[str, JSON]) -> list[str]:
    moments = (
        (_target(target), moment(entry.get("finished_at"))) for target, entry in entries.items()
    )
    samples = ((labels, at.timestamp()) for labels, at in moments if at)
    return _family(f"{name}_timestamp_seconds", "seconds", description, samples)


def _samples(
    name: str, unit: str, description: str, entries: dict[str, JSON], key: str
) -> list[str]:
    figures = ((_target(target), number(entry.get(key))) for target, entry in entries.items())
    return _family(name, unit, description, ((labels, v) for labels, v in figures if v is not None))


def _family(
    name: str, unit: str, description: str, samples: Iterable[tuple[str, float]]
) -> list[str]:
    """All lines of one metric; none at all without samples."""
    full = f"chromadrill_{name}"
    lines = [
        f"{full}{{{labels}}} {value!r}" if labels else f"{full} {value!r}"
        for labels, value in samples
    ]
    if not lines:
        return []
    head = [f"# HELP {full} {description}", f"# TYPE {full} gauge"]
    return [*head, *([f"# UNIT {full} {unit}"] if unit else []), *lines]


def _target(name: str) -> str:
    return _label("target", name)


def _label(key: str, name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return f'{key}="{escaped}"'
