"""Checks of a restore: is all of it there, does it answer, did it come back in time?"""

from __future__ import annotations

from chromadrill.checks.registry.check import Check, CheckGroup
from chromadrill.checks.registry.commands import (
    AGAIN,
    ASK,
    FLUSH,
    LOAD,
    LOGS,
    PROVE,
    PROVE_SOURCE,
    REBUILD,
    RECONCILE,
    REGENERATE,
    SALVAGE,
    SNAPSHOTS,
    VALIDATE,
)
from chromadrill.checks.registry.limits import (
    CREATION,
    DOWNTIME,
    LOSS,
    RECOVERY,
    SEARCH,
    STARTUP,
    WRONG,
)


def _content() -> tuple[Check, ...]:
    g = CheckGroup.CONTENT
    return (
        Check("inventory", "Are all tenants, databases and collections there, and no others?",
              "Tenants, databases or collections are missing, or some are too many.", VALIDATE, g),
        Check("counts", "Does each collection hold as many records as it did?",
              "A collection holds another number of records than the fingerprint says.",
              VALIDATE, g),
        Check("records", "Is every record what it was: id, text, typed metadata, URI, vector?",
              "Records are lost, added or altered: texts, metadata, URIs or vectors.", VALIDATE, g),
        Check("configuration", "Is each collection set as it was?",
              "A collection has another metric, dimension, index or metadata.", VALIDATE, g),
        Check("same content", "Is it, byte for byte, the backup that was proven before?",
              "It is not the backup that was proven before.", PROVE_SOURCE, g),
        Check("coverage", "Is enough of the copy proven, though clients wrote meanwhile?",
              "Too much moved between the two fingerprints: take them closer to the copy.",
              VALIDATE, g),
    )  # fmt: skip


def _files() -> tuple[Check, ...]:
    g = CheckGroup.FILES
    return (
        Check("fetch", "Could the backup be had from where it lies?",
              "The backup could not be had from where it lies: its message says why.",
              PROVE_SOURCE, g),
        Check("salvage", "Can everything in a damaged data directory be brought back?",
              "Some of it is lost; each loss is listed.", SALVAGE, g),
        Check("files", "Are the backup's files those of its manifest?",
              "The backup's own files are missing, cut short or altered: take an older one.",
              SNAPSHOTS, g),
        Check("export", "Is the export whole, and as it was written?",
              "The export was cut or altered: take another, and prove it.", PROVE, g),
        Check("integrity", "Is SQLite sound, and its full-text index?",
              "SQLite or its full-text index is damaged: do not serve it.", SNAPSHOTS, g),
        Check("structure", "Do index files, queue and database rows fit each other?",
              "Index files, queue and database rows do not fit: do not serve it.", SNAPSHOTS, g),
        Check("original", "Was the backup left as it was while it was proven?",
              "The backup was changed while it was proven: take it from its store again.", PROVE, g,
              restores=True),
        Check("names", "Did nobody write to the empty collection whose name was taken?",
              "A client wrote to the empty collection meanwhile; its message says where it is.",
              VALIDATE, g),
    )  # fmt: skip


def _answers() -> tuple[Check, ...]:
    g = CheckGroup.ANSWERS
    return (
        Check("start", "Does the server start on the restored data?",
              "The server does not start on the restored data.", LOGS, g),
        Check("distances", "Are the neighbours' distances those of the records themselves?",
              "Neighbours differ from those computed over the records themselves.", VALIDATE, g),
        Check("recall", "Do searches find as much as at the source?",
              "Searches no longer find records that are there: the index is damaged.", VALIDATE, g),
        Check("filters", "Do metadata filters return the records that pass them?",
              "Metadata filters return other records than they should.", VALIDATE, g),
        Check("text search", "Does full-text search return the records that hold the words?",
              "Full-text search returns other records than it should.", VALIDATE, g),
        Check("your questions", "Do your own questions find their right records?",
              "Your own questions find their right records less often than they must.", ASK, g),
        Check("alive", "Did the server survive all questions?",
              "The server died or hung while it was being questioned.", LOGS, g),
        Check("canary", "Does the restored copy take, find and remove a new record?",
              "The restored copy does not take, find or remove a new record.", LOGS, g),
    )  # fmt: skip


def _times() -> tuple[Check, ...]:
    g = CheckGroup.TIME
    slow = "Searches are slower than agreed, or too few were measured."
    return (
        # the prober asks 4 times a second: either end of a time may be a tick late
        Check("recovery time", "How long until clients had right answers again, and kept them?",
              "Clients waited too long for right answers; see the timeline.", LOGS, g, RECOVERY,
              "recovery_time_s", 0.5, title="recovery time (RTO)"),
        Check("data loss", "How old is the oldest acknowledged write that is gone?",
              "More acknowledged writes are gone than agreed: is there a newer backup?", SNAPSHOTS,
              g, (LOSS,), "data_loss_s", title="data loss (RPO)"),
        Check("downtime", "How long did clients get no right answer?",
              "Clients went without right answers for too long; see the timeline.", LOGS, g,
              (DOWNTIME,), "downtime_s", 0.5),
        Check("wrong answers", "How long were clients given wrong answers?",
              "Clients were told wrong things for too long: stop the service sooner.", LOGS, g,
              (WRONG,)),
        Check("stays right", "Did right answers stay right after the recovery?",
              "Right answers came and went again: it has not recovered.", LOGS, g),
        Check("startup", "How long from the server's start to its first right answer?",
              "The server took too long to start, or did not start at all.", LOGS, g, (STARTUP,)),
        Check("collection creation", "How long does a new collection take?",
              "Making a new collection takes longer than agreed.", LOGS, g, (CREATION,)),
        Check("import", "How long from the deleted collection to the proven import?",
              "The import took longer than agreed, or was never proven.", LOGS, g, RECOVERY[3:4]),
        # below 2 ms the loopback and the scheduler are measured, not the search
        Check("search p90", "Are searches fast enough?", slow, LOAD, g, (SEARCH,),
              "search_p90_ms", 2.0),
        Check("search p90 cold", "Are the first searches after a restart fast enough?", slow, LOAD,
              g, (SEARCH,), "search_p90_ms"),
        Check("search p90 warm", "Are searches of the restored store fast enough?", slow, LOAD,
              g, (SEARCH,), "search_p90_ms"),
        Check("forecast", "Will it be back in time at the real size?",
              "At the real size it may not be back in time; larger measured sizes tell more.",
              AGAIN, g, (), "forecast_s", 0.5),
        Check("forecast {}", "Will it be back in time at the real size?",
              "At the real size it may not be back in time; larger measured sizes tell more.",
              AGAIN, g),
        Check("trend: {}", "Was this drill worse than the drills before, beyond their noise?",
              "This drill was worse than the drills before it: what has changed since?", AGAIN, g),
    )  # fmt: skip


def _drill() -> tuple[Check, ...]:
    g = CheckGroup.DRILL
    return (
        Check("disaster seen", "Did a client notice the disaster?",
              "No client noticed the disaster, so what followed shows nothing.", AGAIN, g,
              restores=True),
        Check("runbook command", "Did the runbook's commands work as typed?",
              "A command of the runbook failed when typed as on-call types it.", LOGS, g),
        Check("refused", "Was a command refused that had to be?",
              "A command was done that had to be refused, or refused for another reason.", LOGS, g),
        Check("expected records", "Does the database hold as many records as expected?",
              "The database holds fewer records than [drill] min_records asks for.", VALIDATE, g),
        Check("disk", "Does the volume hold less than its size?",
              "The volume holds more than its size allows: it will not take writes for long.",
              LOGS, g),
        Check("memory", "Was nothing killed for want of memory?",
              "It was killed for want of memory, or is about to be: give it more.", LOGS, g),
        Check("out of memory", "Did the platform count the kill that was drilled?",
              "No kill for want of memory was counted: nothing was tried.", AGAIN, g),
        Check("upgrade", "Does a backup of an older release come back in this one?",
              "A backup of an older release did not come back whole: keep that release at hand.",
              PROVE, g, restores=True),
        Check("metrics", "Does the fingerprint know the metric that each collection uses?",
              "The fingerprint has another metric than the collection uses.", VALIDATE, g),
        Check("downgrade", "Is a store of a newer release refused by an older server?",
              "An older server took a newer store: restore it from its backup.", SNAPSHOTS, g),
    )  # fmt: skip


def _rebuild() -> tuple[Check, ...]:
    g = CheckGroup.REBUILD
    return (
        Check("source rows", "Is every row of the source there once, and nothing else?",
              "The rebuilt collection is not what its source holds.", REBUILD, g),
        Check("fresh embeddings", "Are the vectors what the model makes of the documents?",
              "Vectors are not what the model makes of their documents.", REGENERATE, g),
        Check("settings", "Is the rebuilt collection set as it should be?",
              "The rebuilt collection has another metric, index or metadata.", REBUILD, g),
        Check("lost database", "Is the rebuilt collection what was lost?",
              "It is not what was lost: other vectors, or rows the source lacks.", REBUILD, g),
        Check("hit@{}", "Do questions find their right documents as often as before?",
              "Questions find their right documents less often than before.", REGENERATE, g),
        # of `chromadrill reconcile`
        Check("rows and records", "Is every row a record, and every record a row?",
              "Rows have no record, or records no row.", RECONCILE, g),
        Check("stored texts", "Is the stored text the row's?",
              "Stored texts are not what the source says today.", RECONCILE, g),
        Check("stored metadata", "Are the stored metadata the row's?",
              "Stored metadata are not what the source says today.", RECONCILE, g),
        Check("model of the vectors", "Was the collection embedded by the model that is set?",
              "The collection's vectors are another model's than the one that is set.",
              REGENERATE, g),
        Check("stored vectors", "Are stored vectors what the model makes of their texts?",
              "Vectors are another document's or another model's.", RECONCILE, g),
        Check("rebuilds proven", "Did every rebuild end as its source?",
              "A rebuild did not end as its source.", REBUILD, g),
    )  # fmt: skip


def _copies() -> tuple[Check, ...]:
    g = CheckGroup.COPIES
    return (
        Check("{}-copy", "Was every copy taken this way whole, and of one instant?",
              "Copies taken this way are not to be relied on: take backups another way.", PROVE, g),
        Check("measured", "Was this way of copying tried as often as it should be?",
              "Too few copies could be judged: nobody can tell whether the way is safe.", AGAIN, g),
        Check("own methods", "Do the backup methods use only ways that never gave a bad copy?",
              "A backup method uses a way that gave a bad copy: take backups another way.",
              PROVE, g),
    )  # fmt: skip


def _power_cuts() -> tuple[Check, ...]:
    g = CheckGroup.POWER
    return (
        Check("power cuts judged", "Is every power cut that was made explained?",
              "Some cuts could not be judged: nobody can tell what they left.", AGAIN, g),
        Check("power cuts seen", "Do the checks at rest tell damaged data from usable data?",
              "What a power cut left was called damaged and was not, or the other way round.", PROVE, g),
        Check("power cuts survived", "Was everything there that was acknowledged before the cut?",
              "A power cut loses acknowledged writes: run a flusher, or freeze before a snapshot.",
              FLUSH, g),
        Check("power cuts torn by flushes alone", "Was nothing lost but by a cut within a flush?",
              "A cut long after an index flush loses records: the flusher does not run, or lags.",
              FLUSH, g),
        Check("power cuts salvaged", "Does salvage bring back only what was written so?",
              "Salvage took a vector that is not its record's.", SALVAGE, g),
        Check("kills judged", "Is every kill within an index flush explained?",
              "Some kills could not be judged: nobody can tell what they left.", AGAIN, g),
        Check("kills seen", "Do the checks at rest tell damaged data from usable data?",
              "What a kill left was called damaged and was not, or the other way round.", PROVE, g),
        Check("kills torn by flushes alone", "Was nothing lost but within a flush?",
              "A kill that was not within an index flush lost acknowledged writes.", SNAPSHOTS, g),
        Check("dead flusher known", "Was it known in time that the flusher was dead?",
              "A flusher was killed, and its heartbeat file did not say so.", FLUSH, g),
        Check("cost of the flusher", "What does the flusher cost clients?",
              "Too few calls were measured: nobody can tell what the flusher costs.", AGAIN, g),
    )  # fmt: skip


RESTORES = (
    *_content(),
    *_files(),
    *_answers(),
    *_times(),
    *_drill(),
    *_rebuild(),
    *_copies(),
    *_power_cuts(),
)
