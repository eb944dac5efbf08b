"""Checks of a service and of what is kept of it: speed, load, alerts, backups, evidence."""

from __future__ import annotations

from chromadrill.checks.registry.check import Check, CheckGroup
from chromadrill.checks.registry.commands import (
    AGAIN,
    FLUSH,
    LATENCY,
    LOAD,
    LOGS,
    PAGING,
    POSTURE,
    PROVE_SOURCE,
    RECONCILE,
    REPORT,
    SNAPSHOTS,
    VALIDATE,
    WATCH,
)
from chromadrill.checks.registry.limits import EMBEDDING, QUERY, SEARCH, UPSERT


def _latency() -> tuple[Check, ...]:
    g = CheckGroup.LATENCY
    return (
        Check("own records found", "Are records found by their own vectors?",
              "Records are not found by their own vectors: validate the database.", VALIDATE, g),
        *(Check(f"every {kind}", "Was every single query in time, and right?",
                "A single query took longer than agreed, failed, or was wrong.", LATENCY, g, (QUERY,))
          for kind in ("search", "filtered search", "get by id", "question")),
        Check("cold first query", "Is the first query after a restart in time?",
              "The first query after a restart takes longer than agreed.", LATENCY, g, (QUERY,)),
        Check("filtered search p90", "Are filtered searches fast enough?",
              "Filtered searches are slower than agreed.", LATENCY, g, (SEARCH,)),
        Check("question p90", "Are your own questions answered fast enough?",
              "Your own questions are answered slower than agreed.", LATENCY, g, (SEARCH,)),
        Check("get by id p90", "Is a record read by its id fast enough?",
              "Reading a record by its id is slower than agreed.", LATENCY, g, (SEARCH,)),
        Check("upsert p90", "Is a batch of records written fast enough?",
              "Writing a batch is slower than agreed.", LATENCY, g, (UPSERT,)),
        Check("upserted records", "Is everything there that was written?",
              "Acknowledged records are not there, or not as they were written.", LOGS, g),
        Check("created and empty", "Were new collections made, and empty?",
              "A new collection was not there, or held records.", LOGS, g),
        Check("embedding p90", "Is a document embedded fast enough?",
              "The embedder is slower than agreed: other work on this machine?", LATENCY, g,
              (EMBEDDING,)),
        Check("vectors of unit length", "Does the embedder give vectors of length 1?",
              "The embedder gives vectors of another length: is it the right model?", LATENCY, g),
        Check("latency trend: {}", "Is it no slower than the accepted baseline?",
              "Slower than the accepted baseline. Meant so: --accept-latency.", LATENCY, g),
    )  # fmt: skip


def _load() -> tuple[Check, ...]:
    g = CheckGroup.LOAD
    return (
        Check("questions", "Were known questions answered rightly before the load?",
              "Known questions were answered wrongly before the load: validate it.", VALIDATE, g),
        Check("load p90", "Are searches fast enough under this load?",
              "Searches under load are slower than the profile allows.", LOAD, g),
        Check("slowest query", "Is the slowest search under load in time?",
              "A search under load took longer than the profile allows.", LOAD, g),
        Check("load errors", "Do few enough searches fail under load?",
              "More searches failed under load than the profile allows.", LOGS, g),
        Check("load wrong answers", "Are answers under load right?",
              "The load run got wrong answers: validate the database.", VALIDATE, g),
        Check("right at the end", "Were answers right when the load ended?",
              "Clients were still without right answers when the load ended.", LOGS, g),
        Check("load samples", "Were enough searches answered to tell?",
              "Too few searches were answered to tell what clients saw.", LOAD, g),
        Check("arrivals", "Has every scheduled search a sample?",
              "Searches of the load run are missing: it was cut short.", LOAD, g),
        Check("schedule kept", "Did the load generator keep its own schedule?",
              "The load generator itself was late: the machine is too busy.", LOAD, g),
        Check("load writes", "Is every acknowledged write of the load there?",
              "Acknowledged writes of the load run are not there.", LOGS, g),
    )  # fmt: skip


def _monitoring() -> tuple[Check, ...]:
    g = CheckGroup.MONITORING
    return (
        # named by the alert rules; "wrong answers" and "disk" are above
        Check("service down", "Did heartbeat and healthcheck answer all the time?",
              "The service was down while the monitor watched.", LOGS, g),
        Check("writes refused", "Were writes taken all the time?",
              "The server took no write: its volume is gone, full or read-only.", LOGS, g),
        Check("access", "Was the monitor let through to the server all the time?",
              "Something in front of the server did not let it in: a token, a proxy, a limit.",
              WATCH, g),
        Check("records missing", "Were there as many records as there must be?",
              "It holds fewer records than it must.", VALIDATE, g),
        Check("high latency", "Were searches fast enough all the time?",
              "Searches were slow, one after the other.", LOGS, g),
        Check("oom restart", "Was the server never killed for want of memory?",
              "The kernel ended the server for want of memory: give it more.", LOGS, g),
        Check("backup failed", "Was the newest backup made as it should be?",
              "The newest backup was not made, or is not what it should be.", SNAPSHOTS, g),
        Check("backup overdue", "Is there a verified backup that is young enough?",
              "There was no verified backup for too long.", SNAPSHOTS, g),
        Check("proof", "Was a restore of its own backups proven lately?",
              "No restore of its own backups was proven for too long: prove the newest one.",
              PROVE_SOURCE, g),
        Check("flusher", "Did the flusher beside the server sync all the time?",
              "Nobody synced the index files: a power cut or a block snapshot loses vectors.",
              FLUSH, g),
        Check("embedding drift", "Are stored vectors what the model makes of their texts, all the time?",
              "Stored vectors are not what the model makes of their texts: another model writes, or is"
              " asked.", RECONCILE, g),
        Check("{} detected", "Did the alert fire in time?",
              "The alert about this fault came late or never.", WATCH, g),
        Check("{} cleared", "Was the fault one page and one all-clear?",
              "The alert about this fault did not clear, or paged twice.", WATCH, g),
        Check("no other alert", "Did only the alerts fire that the fault explains?",
              "An alert fired that the fault does not explain.", WATCH, g),
        Check("incident {}", "Did the paging service do what the alert asked of it?",
              "The paging service did not open or did not resolve its incident.", WATCH, g),
        # what the paging service is set to
        *(Check(kind, "Is the paging service set as the rules want it?",
                "The paging service is not set as the rules want it.", PAGING, g)
          for kind in ("monitor", "heartbeat", "alert {}")),
        Check("heartbeat pinged", "Was the backup's heartbeat ever pinged, and is it up?",
              "Nobody pings the heartbeat, or the newest backup failed.", PAGING, g),
        Check("{} escalation", "Are all contacts called, in their order?",
              "Somebody of [contacts] is not called, or not in the agreed order.", PAGING, g),
        Check("incidents", "Is no incident open?", "An incident is open: somebody is being called.",
              PAGING, g),
    )  # fmt: skip


def _backups() -> tuple[Check, ...]:
    g = CheckGroup.BACKUPS
    return (
        Check("newest backup", "Is the newest backup young enough?",
              "The newest backup is too old, or there is none: take one now.", SNAPSHOTS, g),
        Check("schedule", "Is a schedule asked for at all?",
              "No schedule is asked for: write one into [[environments.NAME.backups]].",
              POSTURE, g),
        Check("{} schedule", "Are backups made as often as planned?",
              "Backups are not made as often as planned.", POSTURE, g),
        Check("{} hour", "Are backups made at the planned hour?",
              "Backups are made at another hour than planned.", POSTURE, g),
        Check("{} retention", "Are backups kept as long as planned?",
              "Backups are not kept as long as planned.", POSTURE, g),
        Check("size", "Is the newest backup as large as it must be?",
              "The newest backup is empty, or much smaller than what it is a backup of.",
              SNAPSHOTS, g),
        Check("way taken", "Is the backup taken so that it has what the server acknowledged?",
              "Snapshots of a running server lose vectors: stop it, freeze it, or run a flusher.",
              FLUSH, g),
        Check("restore in time", "Has a late drill restored such a backup in time?",
              "No drill of late has restored such a backup in time.", AGAIN, g),
    )  # fmt: skip


def _evidence() -> tuple[Check, ...]:
    g = CheckGroup.EVIDENCE
    return (
        Check("record", "Is there a record, and can it be read?",
              "The run's record is missing or unreadable: it proves nothing.", REPORT, g),
        Check("schema", "Has the record the shape of one?",
              "The record was altered, or is of another kind.", REPORT, g),
        Check("artifacts", "Are the sealed files as they were?",
              "Files of the run were altered or deleted after it was sealed.", REPORT, g),
        Check("extra files", "Is nothing in the folder that was not sealed?",
              "Files were put into the run's folder after it was sealed.", REPORT, g),
        Check("rederived", "Does the ledger say what the record says?",
              "The record claims what its ledger does not say.", REPORT, g),
        Check("signature", "Is the record signed with the key?",
              "The record was altered after it was signed, or signed by another key.", REPORT, g),
        Check("chain", "Does each record name the one before as it is?",
              "A record was altered after the next drill had named it.", REPORT, g),
        Check("forks", "Has no record two successors?",
              "Two drills ran at once, or a record was put between others.", REPORT, g),
        Check("history", "Does the history remember the records as they are?",
              "The history remembers other records than there are.", REPORT, g),
        Check("root", "Is the record there whose hash was kept outside?",
              "The record whose hash was kept outside was altered, deleted or pruned.", REPORT, g),
    )  # fmt: skip


SERVICES = (*_latency(), *_load(), *_monitoring(), *_backups(), *_evidence())
