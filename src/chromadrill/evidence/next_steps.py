"""What a red or open check means for on-call, and the command that comes next."""

from __future__ import annotations

from collections.abc import Sequence

from chromadrill.core.model import JSON

VALIDATE = "python scripts/validate_chromadb.py --url URL --all --fingerprint FINGERPRINT"
SNAPSHOTS = "chromadrill ops --target TARGET snapshots"
LOGS = "chromadrill ops --target TARGET logs --lines 200"
PROVE = "pytest -m drill --backup PATH"
WATCH = "chromadrill monitor --target TARGET --for 10m"
AGAIN = "pytest -m drill"
LOAD = "locust -f loadtests/ --host URL --headless"
LATENCY = "pytest -m latency"
REBUILD = "python scripts/rebuild_chromadb.py --from-postgresql --url URL"
REGENERATE = "python scripts/regenerate_embeddings.py --source NAME --url URL"

# by the beginning of a check's name ("records after one more restart" is about records)
_ADVICE = {
    "inventory": ("Tenants, databases or collections are missing, or some are too many.", VALIDATE),
    "counts": ("A collection holds another number of records than the fingerprint says.", VALIDATE),
    "records": ("Records are lost, added or altered: texts, metadata, URIs or vectors.", VALIDATE),
    "configuration": ("A collection has another metric, dimension, index or metadata.", VALIDATE),
    "distances": ("Neighbours differ from those computed over the records themselves.", VALIDATE),
    "recall": ("Searches no longer find records that are there: the index is damaged.", VALIDATE),
    "filters": ("Metadata filters return other records than they should.", VALIDATE),
    "text search": ("Full-text search returns other records than it should.", VALIDATE),
    "alive": ("The server died or hung while it was being questioned.", LOGS),
    "canary": ("The restored copy does not take, find or remove a new record.", LOGS),
    "files": ("The backup's own files are missing, cut short or altered: take an older one.", SNAPSHOTS),
    "export": ("The export was cut or altered: take another, and prove it.", PROVE),
    "integrity": ("SQLite or its full-text index is damaged: do not serve it.", SNAPSHOTS),
    "structure": ("Index files, queue and database rows do not fit: do not serve it.", SNAPSHOTS),
    "start": ("The server does not start on the restored data.", LOGS),
    "startup": ("The server took too long to start, or did not start at all.", LOGS),
    "original": ("The backup was changed while it was proven: take it from its store again.", PROVE),
    "disaster seen": ("No client noticed the disaster, so what followed shows nothing.", AGAIN),
    "recovery time": ("Clients waited too long for right answers; see the timeline.", LOGS),
    "data loss": ("More acknowledged writes are gone than agreed: is there a newer backup?", SNAPSHOTS),
    "runbook command": ("A command of the runbook failed when typed as on-call types it.", LOGS),
    "disk": ("The volume holds more than its size allows: it will not take writes for long.", LOGS),
    "memory": ("It was killed for want of memory, or is about to be: give it more.", LOGS),
    "out of memory": ("No kill for want of memory was counted: nothing was tried.", AGAIN),
    "refused": ("A command was done that had to be refused, or refused for another reason.", LOGS),
    "collection creation": ("Making a new collection takes longer than agreed.", LOGS),
    "downtime": ("Clients went without right answers for too long; see the timeline.", LOGS),
    "stays right": ("Right answers came and went again: it has not recovered.", LOGS),
    "load samples": ("Too few searches were answered to tell what clients saw.", LOAD),
    "arrivals": ("Searches of the load run are missing: it was cut short.", LOAD),
    "schedule kept": ("The load generator itself was late: the machine is too busy.", LOAD),
    "right at the end": ("Clients were still without right answers when the load ended.", LOGS),
    "load wrong answers": ("The load run got wrong answers: validate the database.", VALIDATE),
    "questions": ("Known questions were answered wrongly before the load: validate it.", VALIDATE),
    "load writes": ("Acknowledged writes of the load run are not there.", LOGS),
    "wrong answers": ("Clients were told wrong things for too long: stop the service sooner.", LOGS),
    "latency trend": ("Slower than the accepted baseline. Meant so: --accept-latency.", LATENCY),
    "every": ("A single query took longer than agreed, failed, or was wrong.", LATENCY),
    "cold first query": ("The first query after a restart takes longer than agreed.", LATENCY),
    "filtered search p90": ("Filtered searches are slower than agreed.", LATENCY),
    "get by id p90": ("Reading a record by its id is slower than agreed.", LATENCY),
    "upsert p90": ("Writing a batch is slower than agreed.", LATENCY),
    "embedding p90": ("The embedder is slower than agreed: other work on this machine?", LATENCY),
    "own records": ("Records are not found by their own vectors: validate the database.", VALIDATE),
    "source rows": ("The rebuilt collection is not what its source holds.", REBUILD),
    "fresh embeddings": ("Vectors are not what the model makes of their documents.", REGENERATE),
    "lost database": ("It is not what was lost: other vectors, or rows the source lacks.", REBUILD),
    "rebuilds proven": ("A rebuild did not end as its source.", REBUILD),
    "hit@": ("Questions find their right documents less often than before.", REGENERATE),
    "forecast": ("At the real size it may not be back in time; larger measured sizes tell more.", AGAIN),
    "search p90": ("Searches are slower than agreed, or too few were measured.", LOAD),
    "service down": ("The alert that the service is down came late, twice, or never.", WATCH),
    "wrong answers detected": ("The alert about wrong answers came late or never.", WATCH),
    "wrong answers cleared": ("The alert about wrong answers did not clear, or paged twice.", WATCH),
    "high latency": ("The alert about slow searches came late, twice, or never.", WATCH),
    "disk detected": ("The alert about a filling volume came late or never.", WATCH),
    "disk cleared": ("The alert about a filling volume did not clear, or paged twice.", WATCH),
    "oom restart": ("The alert about a kill for want of memory came late, twice, or never.", WATCH),
    "backup failed": ("The alert about a failed backup came late, twice, or never.", WATCH),
    "incident": ("The paging service did not open or did not resolve its incident.", WATCH),
    "no other alert": ("An alert fired that the fault does not explain.", WATCH),
}  # fmt: skip


def next_step(verdicts: Sequence[JSON], error: str | None) -> JSON | None:
    """{check, meaning, command} of the first check that is not green, FAIL before UNKNOWN."""
    for outcome in ("fail", "unknown"):
        for each in verdicts:
            if each["outcome"] == outcome:
                meaning, command = advice(each["check"])
                return {"check": each["check"], "meaning": meaning, "command": command}
    if error:
        return {"check": None, "meaning": "The scenario itself broke.", "command": AGAIN}
    return None


def addressed(step: JSON | None, target: str | None, url: str | None) -> JSON | None:
    """The same with this target's own name and address in the command, where they are known."""
    if step is None:
        return None
    command = step["command"]
    for place, value in (("TARGET", target), ("URL", url)):
        command = command.replace(place, value or place)
    return {**step, "command": command}


def advice(check: str) -> tuple[str, str]:
    """What a check means when it is not green, and what to do."""
    for name in sorted(_ADVICE, key=len, reverse=True):
        if check.startswith(name):
            return _ADVICE[name]
    return ("It is not as it should be; its message says how.", VALIDATE)
