"""The chain of records: each names the SHA-256 of its predecessor's `drill.json`.

Whoever alters an old record must alter all later ones. The chain has no key: a writer of all files
can recompute all of it. So keep the newest hash (`root`) where that writer cannot write: in the log of
the CI job, a webhook, a mail. The root fixes every record before it. Nothing fixes a record that no
later record, no root and no history names.

Pruning is no fault: a missing predecessor is UNKNOWN. Another predecessor than the named one is FAIL.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Verdict
from chromadrill.evidence import history
from chromadrill.evidence.record import RECORD
from chromadrill.evidence.verify_run import LEDGER, load, sha256_of_record, verify

__all__ = ["root", "sha256_of_record", "verify", "verify_chain"]


@dataclass(frozen=True, slots=True)
class Link:
    """One record of the chain; `previous` and `previous_hash` are None at its beginning."""

    run_id: str
    finished_at: str
    sha256: str
    previous: str | None
    previous_hash: str | None


def root(reports: Path) -> str:
    """SHA-256 of the record that ended last. Keep it where the writers of the files cannot write."""
    links, _ = _links(reports)
    if not links:
        raise Unavailable(f"There is no record of a drill in {reports}.")
    return max(links, key=lambda link: (link.finished_at, link.run_id)).sha256


def verify_chain(reports: Path, root: str | None = None) -> list[Verdict]:
    """Judge the records, their links, forks and history, and a root that was kept elsewhere.

    Only records are read. `verify` judges the other files of a run's folder.
    """
    links, unread = _links(reports)
    verdicts = [_judge_records(links, unread)]
    if links:
        known = {link.run_id: link for link in links}
        lines = _lines(reports)
        verdicts += [_judge_chain(links, known), _judge_forks(links), _judge_history(lines, known)]
        if root is not None:
            verdicts.append(_judge_root(links, known, root.strip().lower()))
    elif root is not None:
        verdicts.append(Verdict.unknown("root", "no record is left that could be it"))
    return verdicts


def _links(reports: Path) -> tuple[list[Link], list[str]]:
    links_by_run: dict[str, Link] = {}
    unread: list[str] = []
    try:
        folders = sorted(path for path in reports.iterdir() if not path.is_symlink())
    except OSError as error:
        return [], [f"{reports}: {error.strerror}"]
    for folder in folders:
        try:
            if not ((folder / RECORD).exists() or (folder / LEDGER).exists()):
                continue  # no run's
            record = load(folder)
            link = record if isinstance(record, str) else _link(folder, record)
        except (OSError, Unavailable) as error:
            link = str(error)
        if isinstance(link, Link) and link.run_id in links_by_run:
            link = f"claims to be the run {link.run_id}, as another does"
        if isinstance(link, Link):
            links_by_run[link.run_id] = link
        else:
            unread.append(f"{folder.name}: {link}")
    return list(links_by_run.values()), unread


def _link(folder: Path, record: JSON) -> Link | str:
    names = ("run_id", "finished_at", "previous_run_id", "previous_record_sha256")
    run_id, finished, previous, previous_hash = (record.get(name) for name in names)
    wrong = [n for n in names if not isinstance(record.get(n), str | None)]
    if wrong or not run_id:
        return f"no text in {', '.join(wrong) or 'run_id'}"
    if bool(previous) != bool(previous_hash):
        return "names half a predecessor"
    return Link(run_id, finished or "", sha256_of_record(folder), previous, previous_hash)


def _lines(reports: Path) -> list[JSON] | str:
    try:
        return history.read(reports / history.HISTORY)
    except Unavailable as error:
        return str(error)


# ---- verdicts -----------------------------------------------------------------------------------
def _judge_records(links: list[Link], unread: list[str]) -> Verdict:
    if unread:  # it may have been cut short, or hidden: nobody can tell
        return Verdict.unknown("records", f"{len(links)} records; " + "; ".join(unread[:10]))
    if not links:
        return Verdict.unknown("records", "there is no record")
    return Verdict.passed("records", f"{len(links)} records", actual=len(links), unit="records")


def _judge_chain(links: list[Link], known: dict[str, Link]) -> Verdict:
    named = [(known.get(link.previous), link) for link in links if link.previous]
    pruned = sorted({str(link.previous) for before, link in named if before is None})
    altered = sorted({b.run_id for b, link in named if b and b.sha256 != link.previous_hash})
    if altered:
        return Verdict.failed("chain", f"altered since the next drill: {', '.join(altered[:10])}")
    if not named:
        return Verdict.not_run("chain", "no record names a predecessor")
    if pruned:
        return Verdict.unknown("chain", f"pruned, nobody can tell: {', '.join(pruned[:10])}")
    return Verdict.passed("chain", f"{len(named)} records, each names its predecessor as it is")


def _judge_forks(links: list[Link]) -> Verdict:
    """Two drills at once make a fork, and so does a forged copy of a record: UNKNOWN."""
    times = Counter(link.previous for link in links if link.previous)
    forks = [
        f"{before} is followed by {', '.join(e.run_id for e in links if e.previous == before)}"
        for before, n in sorted(times.items())
        if n > 1
    ]
    if forks:
        return Verdict.unknown("forks", "; ".join(forks[:10]))
    return Verdict.passed("forks", "no record has two successors")


def _judge_history(lines: list[JSON] | str, known: dict[str, Link]) -> Verdict:
    if isinstance(lines, str):
        return Verdict.unknown("history", lines)
    both = [e for e in lines if e.get("record_sha256") and str(e.get("run_id")) in known]
    wrong = {e["run_id"] for e in both if known[str(e["run_id"])].sha256 != e["record_sha256"]}
    if wrong:
        message = f"not as {history.HISTORY} remembers: {', '.join(sorted(wrong)[:10])}"
        return Verdict.failed("history", message)
    if not both:
        return Verdict.not_run("history", f"{history.HISTORY} has no line of these records")
    return Verdict.passed("history", f"{len(both)} records as {history.HISTORY} remembers them")


def _judge_root(links: list[Link], known: dict[str, Link], root: str) -> Verdict:
    at = next((link for link in links if link.sha256 == root), None)
    if at is None:
        if any(e.previous_hash == root and e.previous not in known for e in links):
            return Verdict.unknown("root", "the record of the root was pruned")
        return Verdict.failed(
            "root", f"no record has the hash {root[:64]}: it was altered, deleted or pruned"
        )
    fixed, link = {at.run_id}, at
    while link.previous in known and link.previous not in fixed:  # a forged chain may be a ring
        link = known[str(link.previous)]
        fixed.add(link.run_id)
    # those after the root are for the next root; others are fixed by nothing
    loose = [e.run_id for e in links if e.run_id not in fixed and e.finished_at <= at.finished_at]
    message = f"{len(fixed)} records are fixed by the root {root[:12]}..."
    if loose:
        return Verdict.unknown("root", f"{message}, and not these: {', '.join(sorted(loose)[:10])}")
    return Verdict.passed("root", message)
