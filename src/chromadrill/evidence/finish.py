"""The end of a run: trend, reports, redaction, seal, history. In this order; `drill.json` last."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.core.files import write_atomic
from chromadrill.core.model import JSON
from chromadrill.core.redaction import redact_folder, secrets_of
from chromadrill.evidence import history
from chromadrill.evidence.hash_chain import sha256_of_record
from chromadrill.evidence.ledger import Ledger, read
from chromadrill.evidence.record import RECORD, record_of, seal
from chromadrill.evidence.report import result_tables
from chromadrill.evidence.report.badge import badge
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown
from chromadrill.evidence.report.prometheus import metrics
from chromadrill.evidence.signature import sign
from chromadrill.evidence.trend import judge_trend


def conclude(ledger: Ledger, *, exit_status: int, cleanup: JSON, drill: bool) -> JSON:
    """Judge the trend, write the run's end into the ledger, and return the record. Nothing is rendered.

    Only a whole drill has a trend, and a proof of the user's own backups: it is compared with the
    drills before it, or with the proofs of the same source.
    """
    ledger.mask_late_secrets()  # the record, the history and the notification are made of it
    so_far = record_of(read(ledger.path))
    entries = [history.entry_of(so_far, "")] if drill else history.entries_of_proofs(so_far, "")
    if entries:
        before = history.read(_history(ledger.path.parent))
        ledger.write("trend", verdicts=judge_trend(_newest(entries), before))
    ledger.write("run finished", exit_status=exit_status, cleanup=cleanup)
    return record_of(read(ledger.path))


def close(
    folder: Path, record: JSON, *, drill: bool, faults: list[JSON], key: bytes | None = None
) -> str:
    """Render, redact, seal, and sign where there is a key; returns the SHA-256 of `drill.json`.

    A whole drill is also added to the history, and so is each backup of the user's own that was
    tried; the badge and the metrics are drawn anew.
    """
    reports = folder.parent
    before = history.read(reports / history.HISTORY)
    proofs = [] if drill else history.entries_of_proofs(record, "")
    recent = [*before, history.entry_of(record, "")] if drill else [*before, *proofs]
    tables = result_files(folder)
    (folder / "report.md").write_text(markdown(record) + result_tables.markdown(tables), "utf-8")
    (folder / "report.html").write_text(page(record, recent, faults=faults, tables=tables), "utf-8")
    redact_folder(folder, secrets_of())
    seal(folder, record)
    sha256 = sha256_of_record(folder)
    if key:
        sign(folder / RECORD, key)
    if drill:
        if is_complete(record):
            before.append(history.entry_of(record, sha256))
            history.append(reports / history.HISTORY, before[-1])
        _draw(reports, before, record)
        _point_latest_at(folder)
    elif proofs:
        for entry in history.entries_of_proofs(record, sha256):
            before.append(entry)
            history.append(reports / history.HISTORY, entry)
        _draw(reports, before, record)
    return sha256


def result_files(folder: Path) -> dict[str, list[JSON]]:
    """The tables that the suites `hotcopy`, `powercut` and `compat` left in a run's folder."""
    files = {name: folder / f"{name}.json" for name in result_tables.TABLES}
    return {name: json.loads(file.read_bytes()) for name, file in files.items() if file.is_file()}


def is_complete(record: JSON) -> bool:
    """Whether everything required was run: a part of a drill would look faster than the whole."""
    required = set(record["required"])
    gaps = {gap.partition(":")[0] for gap in record["not_covered"]}
    return required <= {scenario["runbook"] for scenario in record["scenarios"]} - gaps


def _newest(entries: list[JSON]) -> JSON:
    """The line of the newest backup: older ones of the same run were smaller."""
    return max(entries, key=lambda entry: str(entry.get("created_at") or ""))


def _draw(reports: Path, entries: list[JSON], record: JSON) -> None:
    now = datetime.now(UTC)
    proven = [entry for entry in entries if history.is_proven(entry)]
    write_atomic(reports / "badge.svg", badge(proven[-1] if proven else None, now))
    write_atomic(reports / "metrics.prom", metrics(entries, now, record.get("fleet") or ()))


def _point_latest_at(folder: Path) -> None:
    link = folder.parent / f".latest-{os.getpid()}"
    try:
        link.symlink_to(folder.name)
        link.replace(folder.parent / "latest")
    finally:  # where `latest` is a folder of somebody's
        link.unlink(missing_ok=True)


def _history(folder: Path) -> Path:
    return folder.parent / history.HISTORY
