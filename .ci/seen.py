# ruff: noqa: S101
"""Did it really run? Looks into the newest record of a kind; ends with 1 and a sentence if not."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

REPORTS = Path("reports")


def newest_run(*, marks: str) -> Path:
    """The folder of the newest run that was asked for these marks and has a record."""
    for folder in sorted(REPORTS.glob("2*"), reverse=True):
        if not (folder / "drill.json").is_file():
            continue  # one that runs beside has not begun its ledger yet
        opened = json.loads((folder / "evidence.jsonl").open().readline())
        if opened.get("marks") == marks:
            return folder
    raise AssertionError(f"no run of -m {marks}")


def newest(*, marks: str) -> dict:
    """The newest record whose run was asked for these marks."""
    return json.loads((newest_run(marks=marks) / "drill.json").read_text())


def drill() -> None:
    record = json.loads((REPORTS / "latest" / "drill.json").read_text())
    done = sorted(each["runbook"] for each in record["scenarios"])
    assert record["outcome"] == "pass", record["outcome"]
    assert done == ["RB-1", *["RB-2"] * 6, "RB-3", "RB-4", "RB-6", "RB-8"], done
    assert sum("export" in each["id"] for each in record["scenarios"]) == 4, "no exports"
    small = [
        e["id"] for e in record["scenarios"] if e["runbook"] != "RB-3" and e["records"] <= 1000
    ]
    assert not small, f"nothing was compared: {small}"
    assert record["embedder"]["weights_sha256"], "no real model"


def gate() -> None:
    said = max(REPORTS.glob("2*/report.md")).read_text().splitlines()[0]
    assert said.endswith("GATE PASSED"), said


def incidents() -> None:
    """All of them were rebuilt: one that needs what is not here is skipped, and pytest ends with 0."""
    report = newest_run(marks="incidents") / "junit.xml"
    suite = ElementTree.parse(report).find("testsuite")  # noqa: S314 - written by this very run
    ended = {key: int(suite.get(key)) for key in ("tests", "skipped", "failures", "errors")}
    assert ended["tests"] >= 100, ended
    assert not ended["skipped"] + ended["failures"] + ended["errors"], ended


def latency() -> None:
    record = newest(marks="latency")
    assert record["outcome"] == "pass", record["outcome"]
    checks = [v for each in record["scenarios"] for v in each["verdicts"]]
    trend = [each for each in checks if each["check"].startswith("latency trend")]
    assert len(record["scenarios"]) >= 6, len(record["scenarios"])
    assert len(trend) >= 3, "nothing was held against the baseline"


def limits() -> None:
    """Every bar of speed and memory was measured, and none was missed by more than the margin."""
    rows = json.loads((REPORTS / "benchmarks.json").read_text())
    assert len(rows) >= 15, f"only {len(rows)} bars were measured"
    parts = (
        "live",
        "validate",
        "export",
        "peak",
        "at rest",
        "compared",
        "restore",
        "99 % taken over",
        "memory of taking over",
        "reconciled",
    )
    missing = [part for part in parts if not any(part in row["row"] for row in rows)]
    assert not missing, f"not measured: {missing}"
    bad = [row["row"] for row in rows if row["value"] is None or row["outcome"] == "FAIL"]
    assert not bad, f"missed: {bad}"


def simulated() -> None:
    record = newest(marks="drill")
    assert record["outcome"] == "pass", record["outcome"]
    assert record["target"]["platform"] == "simulated", record["target"]
    assert {e["runbook"] for e in record["scenarios"]} >= {"RB-1", "RB-2", "RB-6", "RB-8"}


def monitoring() -> None:
    record = newest(marks="monitoring")
    assert record["outcome"] == "pass", record["outcome"]
    assert len(record["scenarios"]) >= 13, [each["id"] for each in record["scenarios"]]


def container() -> None:
    record = newest(marks="drill")
    assert record["outcome"] == "pass", record["outcome"]
    assert record["target"]["kind"] == "container", record["target"]
    assert len(record["scenarios"]) == 10, len(record["scenarios"])
    disasters = newest(marks="container")
    assert disasters["outcome"] == "pass", disasters["outcome"]
    assert len(disasters["scenarios"]) >= 10, len(disasters["scenarios"])


def hotcopy() -> None:
    record = newest(marks="hotcopy")
    assert record["outcome"] == "pass", record["outcome"]
    scenarios = [each["id"] for each in record["scenarios"]]
    assert len(scenarios) >= 13, scenarios
    assert sum("the_disk" in each for each in scenarios) >= 6, scenarios


def powercut() -> None:
    """The power was really cut: where no disk can be made, the scenarios are skipped."""
    record = newest(marks="powercut")
    assert record["outcome"] == "pass", record["outcome"]
    assert len(record["scenarios"]) >= 11, [each["id"] for each in record["scenarios"]]
    folder = newest_run(marks="powercut")
    rows = json.loads((folder / "powercut.json").read_text())
    kills = json.loads((folder / "kills.json").read_text())
    assert len(rows) >= 6, [row["beside"] for row in rows]  # and two where there are xfs and btrfs
    assert len(kills) == 2, kills
    assert all(row["cuts"] >= 6 and not row["unjudged"] for row in [*rows, *kills]), rows


def compat() -> None:
    record = newest(marks="compat")
    assert record["outcome"] == "pass", record["outcome"]
    assert len(record["scenarios"]) >= 4, [each["id"] for each in record["scenarios"]]


def sabotage() -> None:
    """Enough faults were struck, all kinds of them, and there was no false alarm."""
    rows = json.loads(max(REPORTS.glob("*/sabotage.json")).read_text())
    faults = [each for each in rows if each["kind"] == "fault"]
    healthy = [each for each in rows if each["kind"] == "healthy"]
    assert len(faults) >= 200, len(faults)
    assert len(healthy) >= 20, len(healthy)
    families = {"sqlite", "fts", "rows", "queue", "segments", "inventory"}
    assert {each["family"] for each in faults} >= families
    assert sum(each["outcome"] == "fail" for each in faults) >= len(faults) - 2
    assert all(each["outcome"] == "pass" for each in healthy)


def salvage() -> None:
    """Faults of the index and of the database were salvaged, with no wrong vector."""
    rows = json.loads(max(REPORTS.glob("*/salvage.json")).read_text())
    proven = [row["proven"] for row in rows if "proven" in row]
    assert len(proven) >= 80, len(proven)
    assert sum(each["is_paged"] for each in proven) >= 2, "no database was read page by page"
    assert not any(each["wrong_vectors"] for each in proven)
    assert sum(each["vectors_back"] for each in proven) > 200_000


if __name__ == "__main__":
    try:
        {each.__name__: each for each in (
            drill, gate, incidents, latency, limits, simulated, monitoring, container, hotcopy, powercut,
            compat, sabotage, salvage,
        )}[sys.argv[1]]()  # fmt: skip
    except AssertionError as error:
        sys.exit(f"{sys.argv[1]}: {error}")
