"""Verify the folder of a run: it is what was sealed, and its record says what its ledger says.

The hashes in `drill.json` find a change of any other file. Building the record again from the ledger
finds a change of `drill.json` alone. The chain of records finds a change of both (`hash_chain.py`).
"""

from __future__ import annotations

import hashlib
import stat
from collections import Counter
from pathlib import Path

import jsonschema
import orjson

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Difference, Verdict
from chromadrill.evidence.claims import contradictions
from chromadrill.evidence.record import JSON_SCHEMA, RECORD, build_record
from chromadrill.evidence.signature import CHECK as SIGNED
from chromadrill.evidence.signature import SIGNATURE, verify_signature

LEDGER = "evidence.jsonl"
SHOWN = 5  # contradictions, in the message


def sha256_of_record(path: Path) -> str:
    """SHA-256 of a drill.json (or of the one in a folder): 64 hex digits, of its bytes as they are."""
    with (path / RECORD if path.is_dir() else path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(folder: Path) -> JSON | str:
    """The record in a folder, or a sentence that says why it is none.

    Raises Unavailable where it may be one, and cannot be read.
    """
    path = folder / RECORD
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return f"{RECORD} is no file of its own"
        record = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return f"there is no {RECORD}: the run was cut short, or it was deleted"
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError as error:
        return f"{RECORD} is no JSON: {error}"
    return record if isinstance(record, dict) else f"{RECORD} is no JSON object"


def verify(folder: Path, key: bytes | None = None) -> list[Verdict]:
    """Schema, files, extra files, rederived outcome; the signature too if a key is given."""
    try:
        record = load(folder)
    except Unavailable as error:
        return [Verdict.unknown("record", str(error))]
    if isinstance(record, str):
        return [Verdict.failed("record", f"{folder.name}: {record}")]
    schema = _schema(record)
    if schema.outcome != "pass":
        return [schema]  # what has another shape cannot be looked into
    verdicts = [schema, *_files(folder, record), _against_ledger(folder, record)]
    if key is not None:
        verdicts.append(verify_signature(folder / RECORD, key))
    elif (folder / SIGNATURE).exists():
        verdicts.append(Verdict.not_run(SIGNED, "signed; no key was given to check it"))
    return verdicts


def _schema(record: JSON) -> Verdict:
    validator = jsonschema.Draft202012Validator(orjson.loads(JSON_SCHEMA.read_bytes()))
    try:
        error = jsonschema.exceptions.best_match(validator.iter_errors(record))
    except RecursionError:
        return Verdict.failed("schema", "nested too deeply")
    if error is None:
        return Verdict.passed("schema", f"fits {record['schema']}")
    return Verdict.failed("schema", f"{error.json_path}: {error.message[:300]}")


# ---- files --------------------------------------------------------------------------------------
def _files(folder: Path, record: JSON) -> list[Verdict]:
    listed: dict[str, JSON] = {file["path"]: file for file in record["artifacts"]}
    times = Counter(file["path"] for file in record["artifacts"])
    bad = {name: f"listed {n} times" for name, n in times.items() if n > 1}
    unread, present = {}, set()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in (RECORD, SIGNATURE) or (path.is_dir() and not path.is_symlink()):
            continue
        present.add(name)
        if name in listed and name not in bad:
            try:
                finding = _difference(path, listed[name])
            except OSError as error:
                unread[name] = str(error.strerror)
            else:
                bad.update({name: finding} if finding else {})
    # a name that leads out of the folder is never opened: it is just not there
    bad.update({name: "missing" for name in listed if name not in present})
    extra = sorted(present - listed.keys())
    return [
        _listing("artifacts", bad, unread, f"{len(listed)} files as they were sealed"),
        _listing("extra files", dict.fromkeys(extra, "not sealed"), {}, "none"),
    ]


def _difference(path: Path, sealed: JSON) -> str:
    """What is wrong with a file, or ""."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        return "no file of its own"  # a link shows what is elsewhere; a pipe never ends
    if status.st_size != sealed["bytes"]:
        return f"{status.st_size} bytes, sealed were {sealed['bytes']}"
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == sealed["sha256"]
    return "" if same else "other content of the same size"


def _listing(check: str, bad: dict[str, str], unread: dict[str, str], fine: str) -> Verdict:
    named = "; ".join(
        f"{name}: {finding}" for name, finding in [*bad.items(), *unread.items()][:10]
    )
    more = f" and {rest} more" if (rest := len(bad) + len(unread) - 10) > 0 else ""
    if bad:
        differences = (Difference("run", "file", "changed", tuple(bad)),)
        return Verdict.failed(check, named + more, differences=differences)
    if unread:
        return Verdict.unknown(check, f"cannot be read: {named}{more}")
    return Verdict.passed(check, fine)


# ---- the ledger ---------------------------------------------------------------------------------
def _against_ledger(folder: Path, record: JSON) -> Verdict:
    check = "rederived"
    ledger = folder / LEDGER
    try:
        if not stat.S_ISREG(ledger.lstat().st_mode):
            return Verdict.failed(check, f"{LEDGER} is no file of its own")
        again = build_record(ledger)
    except FileNotFoundError:
        return Verdict.failed(
            check, f"there is no {LEDGER} that the record could be distilled from"
        )
    except OSError as error:
        return Verdict.unknown(check, f"the ledger cannot be read: {error.strerror}")
    except Exception as error:  # lines of any shape, by anybody
        message = f"the ledger cannot be followed: {type(error).__name__}: {error}"
        return Verdict.unknown(check, message)
    wrong = contradictions(record, orjson.loads(orjson.dumps(again)))
    if not wrong:
        return Verdict.passed(check, f"the ledger says the same: {record['outcome']}")
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return Verdict.failed(
        check, "; ".join(wrong[:SHOWN]) + more, differences=(Difference("run", "claim", "changed"),)
    )
