"""Known lines of trouble as data. The order decides: the first that matches names the line.

`source`: where the wording comes from, a log of Chroma 1.5.9 under that fault or a public issue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CONNECTION, TIMEOUT, RESOURCES = "connection", "timeout or slow", "memory or disk"
PANIC, SQLITE, COMPACTION, INDEX, OTHER = "panic", "SQLite", "compaction", "index", "other"
# the runbook's three greps
GREPS = {
    "connection": (CONNECTION,),
    "timeout": (TIMEOUT,),
    "memory": (RESOURCES,),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line of trouble, what it means, and the runbook's next step."""

    name: str
    kind: str
    regex: re.Pattern[str]
    meaning: str
    runbook: str
    source: str


def _p(name: str, kind: str, regex: str, meaning: str, runbook: str, source: str) -> Pattern:
    return Pattern(name, kind, re.compile(regex, re.IGNORECASE), meaning, runbook, source)


PATTERNS = (
    _p("disk full", RESOURCES, r"database or disk is full|code: 13\)|no space left on device",
       "the volume or the temporary directory is full; freeing space does not heal, a restart does",
       "RB-1", "1.5.9, full volume"),
    _p("volume gone", SQLITE, r"code: 1032\)",
       "the database file is gone under the server: reads still answer, nothing is kept",
       "RB-2", "1.5.9, data directory deleted"),
    _p("read-only", SQLITE, r"attempt to write a readonly database",
       "the volume is read-only, or its files belong to another user", "RB-1", "1.5.9, read-only tree"),
    _p("database malformed", SQLITE,
       r"disk image is malformed|file is not a database|code: (11|26)\)|malformed inverted index",
       "chroma.sqlite3 is damaged", "RB-2", "1.5.9, file cut in half"),
    _p("database locked", SQLITE, r"database is locked|code: (5|6)\)",
       "another process holds the database: are there two servers on one volume?", "RB-9", "issue 421"),
    _p("unable to open", SQLITE, r"unable to open database file|code: 14\)|too many open files",
       "the file cannot be opened: owner, mount, or too many open files", "RB-9", "issue 4039"),
    _p("schema", SQLITE, r"no such (table|column)|not compatible with BLOB",
       "the files were written by another version", "RB-2", "issue 1130"),
    _p("out of memory", RESOURCES,
       r"out of memory|oom[-_ ]?kill|memory allocation of \d+ bytes failed|cannot allocate memory",
       "memory is too small for the indexes it loads", "RB-9", "kernel and Rust wording"),
    _p("index unreadable", INDEX, r"error loading hnsw index|error deserializing pickle",
       "the files of an index cannot be read", "RB-2", "1.5.9, header zeroed"),
    _p("index and database disagree", INDEX, r"error (finding id|getting embedding)",
       "files of different instants, or an index that is gone", "RB-2", "1.5.9, segment deleted"),
    _p("compactor stopped", COMPACTION,
       r"send.* to compactor|sending backfill|failed to (receive response|apply logs)"
       r"|error in compaction",
       "the compactor stopped: every collection will answer errors", "RB-2", "1.5.9, header zeroed"),
    _p("log unreadable", COMPACTION, r"failed to pull logs", "the log cannot be read", "RB-2",
       "1.5.9, torn copy"),
    _p("panic", PANIC, r"panicked at|PanicException|SIGSEGV|segmentation fault|core dumped",
       "the server broke off; read the lines around it", "RB-1", "1.5.9, file cut in half"),
    _p("killed", RESOURCES, r"^killed$|signal: 9|exited with code 137",
       "the process was killed, perhaps for want of memory", "RB-9", "platform wording"),
    _p("timeout", TIMEOUT, r"timed? ?out|deadline (has )?(exceeded|elapsed)|slow (query|statement)",
       "something waits too long: load, disk, or a lock", "RB-9", "runbook grep"),
    _p("slow request", TIMEOUT, r"latency: \d{4,} ms", "an answer took a second or longer", "RB-6",
       "1.5.9, request log"),
    _p("connection", CONNECTION,
       r"connection (refused|reset|closed|aborted)|broken pipe|address already in use"
       r"|failed to (bind|connect)|could not connect",
       "the network, the port, or a client that gave up", "RB-9", "runbook grep"),
    _p("error answer", OTHER, r"response failed.*50\d|classification: status code: 5\d\d",
       "the server answered with an error; see the lines before it", "RB-9", "1.5.9"),
    _p("error", OTHER, r"\bERROR\b|^error:", "an error of no known kind", "RB-9", "1.5.9"),
)  # fmt: skip

# after these lines the files hold more than the server gives
LEAVES_REMAINS = frozenset(
    {"database malformed", "index unreadable", "index and database disagree", "compactor stopped",
     "log unreadable"}
)  # fmt: skip
SALVAGE = "RB-2: no good backup? what the files still hold: chromadrill salvage DATA"

SILENT = (
    "No line of trouble is no proof of health. These leave none: a lost volume before the first write,"
    " an index that is gone or of another instant, an emptied full-text table, altered records or"
    " vectors, a swapped metric, a server that came up empty. Ask the data:"
    " chromadrill validate --url URL --all --fingerprint FINGERPRINT"
)
