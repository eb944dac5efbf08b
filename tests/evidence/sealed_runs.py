"""Sealed runs of one scenario, and what verifies them."""

import json

from chromadrill.evidence import hash_chain, record
from chromadrill.evidence.ledger import Ledger

VERDICT = {"check": "recovery time", "actual": 3.0, "limit": 300, "unit": "s", "message": "3 s"}


def run(reports, name, before=None, outcome="pass", versions=None, rules=None):
    """A sealed drill that names the one before it."""
    folder = reports / name
    (folder / "logs").mkdir(parents=True)
    ledger = Ledger(folder / "evidence.jsonl")
    past = {} if before is None else {
        "previous_run_id": before.name, "previous_record_sha256": hash_chain.sha256_of_record(before),
    }  # fmt: skip
    ledger.write("run started", run_id=name, target={"name": "t"}, versions=versions or {},
                 rules=rules, required=[], **past)  # fmt: skip
    ledger.write("scenario started", scenario="s", runbook="RB-2", title="s")
    ledger.write("verdict", scenario="s", verdict={**VERDICT, "outcome": outcome})
    ledger.write("scenario finished", scenario="s", error=None)
    ledger.write("run finished", exit_status=0)
    (folder / "logs" / "server.log").write_text("ready\n")
    built = record.build_record(ledger.path)
    record.seal(folder, built)
    return folder


def outcomes_of(verdicts):
    return {verdict.check: str(verdict.outcome) for verdict in verdicts}


def edit(folder, **fields):
    """Change drill.json as someone would who does not care about the ledger."""
    path = folder / "drill.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))
