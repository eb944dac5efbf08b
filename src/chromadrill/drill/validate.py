"""What the scripts do: one engine function each, on a URL (only reads) or on a directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from chromadrill.backups.detect import ExistingBackup
from chromadrill.backups.export import importer, read_back
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.types import ExportRefused
from chromadrill.backups.files import size_of
from chromadrill.checks.content import came_over_the_api
from chromadrill.checks.suite import judge, judge_canary, judge_files, outcome_of
from chromadrill.chroma.canary import write_canary
from chromadrill.chroma.client import CallFailed, Chroma, connect
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.core.errors import DrillError, Unavailable, UsageError
from chromadrill.core.model import Fingerprint, Observation, Outcome, Scope, Verdict
from chromadrill.core.settings import load
from chromadrill.targets.process.private_copy import private_copy, scratch_target
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.targets.safety.access import declare_read_only
from chromadrill.targets.safety.target_role import target_role
from chromadrill.workload.data.standard import MAIN

LONG_S = 60.0  # for one call in long work
DEADLINE_S = 20.0  # for one call; two that miss it end the observation
SERVED_DEADLINE_S = 12.0


@contextmanager
def connected(
    url: str, *, deadline_s: float = DEADLINE_S, incident: str | None = None
) -> Iterator[Chroma]:
    """A client of a Chroma 1.x server; what fails on the way is Unavailable, with a sentence.

    Production is only read, and slowly, unless a person said `incident`.
    """
    if incident is None and target_role(load(), url).production:
        declare_read_only(url)
    with connect(url, timeout_s=deadline_s) as chroma:
        try:
            yield chroma
        except CallFailed as error:
            raise Unavailable(f"{chroma.url}: {error}") from error


def collection_counts(
    chroma: Chroma, scopes: Sequence[Scope], name: str | None
) -> Mapping[str, int]:
    """Count `name`; by default `bmad_embeddings` where there is one, else every collection."""
    infos = [i for scope in scopes or (Scope(),) for i in chroma.collections(scope)]
    wanted = [i for i in infos if i.name == (name or MAIN)]
    if name and not wanted:
        known = ", ".join(i.name for i in infos) or "none"
        raise Unavailable(f"No collection '{name}' there. Known: {known}.")
    return {info.key: chroma.count(info) for info in wanted or infos}


def take_fingerprint(source: str | Path, scopes: Sequence[Scope]) -> Fingerprint:
    """The fingerprint of a healthy server (the scopes) or of a sound directory (all of it)."""
    if isinstance(source, Path):
        return at_rest.fingerprint(data_directory(source))
    with connected(source) as chroma:
        return live.fingerprint(chroma, scopes or (Scope(),))


def validate(
    source: str | Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool = False,
    rebuilt: bool = False,
) -> tuple[Mapping[str, int], list[Verdict]]:
    """run the check suite; returns the counts seen and the verdicts. `name`: that collection alone.

    `rebuilt`: vectors were embedded anew since the fingerprint (a server's collections alone).

    A directory is read at rest; with `serve` a private copy of it is then served and checked,
    written to, restarted and checked again.
    """
    if isinstance(source, Path):
        return _validate_files(data_directory(source), scopes, before, name, serve=serve)
    if serve:
        raise UsageError("--serve needs --path: a running server is served already.")
    with connected(source) as chroma:
        seen = live.observe(chroma, scopes, like=before)
    # narrowed first: one collection that was restored from its export is imported, all of it
    seen, before = _narrowed(seen, before, name)
    imported = came_over_the_api(seen, before) if before else ()
    anew = imported if rebuilt else ()
    return seen.counts, judge(seen, before, imported=imported, rebuilt=anew)


def prove(backup: ExistingBackup) -> tuple[Mapping[str, int], list[Verdict]]:
    """The whole check suite on a backup: at rest, then a private copy served and restarted."""
    if backup.exported:
        return prove_export(backup.data)
    return prove_files(backup.data, backup.fingerprint)


def prove_export(path: Path) -> tuple[Mapping[str, int], list[Verdict]]:
    """Import an export into a scratch server, run the check suite, restart, run it again.

    It is held against the fingerprint inside it, so one that was cut or altered is a FAIL.
    """
    try:
        export = open_export(path)
        before = read_back.fingerprint(export)
    except ExportRefused as error:
        return {}, [Verdict.failed("export", str(error))]
    counts = {key: each.count for key, each in before.collections.items()}
    with scratch_target(before.scopes, room_for=4 * size_of(path)) as target:
        target.start()
        with connected(target.url, deadline_s=LONG_S) as chroma:
            imported = importer.restore(chroma, export)
        target.stop()
        if outcome_of(imported) is not Outcome.PASS:
            return counts, imported
        return counts, _climb(target, before.scopes, before, None, before.collections)


def prove_files(data: Path, before: Fingerprint | None) -> tuple[Mapping[str, int], list[Verdict]]:
    """The whole check suite on a directory: at rest, then a private copy served and restarted.

    Without a fingerprint, what nothing can be compared with is UNKNOWN, not left out: a backup
    that only agrees with itself is not proven to be complete.
    """
    counts, verdicts = _validate_files(data, (), before, None, serve=True)
    if before is None:
        verdicts = [
            dataclasses.replace(each, outcome=Outcome.UNKNOWN)
            if each.outcome is Outcome.NOT_RUN
            else each
            for each in verdicts
        ]
    return counts, verdicts


def data_directory(path: Path) -> Path:
    """`path`, or the `data` folder in it where `path` is one of our backups."""
    if (path / "manifest.json").is_file() and (path / "data").is_dir():
        return path / "data"
    return path


def _validate_files(
    data: Path,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    *,
    serve: bool,
) -> tuple[Mapping[str, int], list[Verdict]]:
    found = at_rest.observe(data, scopes, like=before)
    seen, wanted = _narrowed(found, before, name)
    imported = came_over_the_api(found, before) if before else frozenset()
    verdicts = judge_files(seen, wanted, imported=imported)
    if not serve:
        return seen.counts, [*verdicts, *_not_served()]
    if not data.is_dir():
        return seen.counts, [*verdicts, Verdict.failed("start", f"{data} is not a directory.")]
    # with no fingerprint, a sound directory's own records are what its server has to answer
    expected = before or (None if found.read_errors else found.fingerprint)
    scopes = expected.scopes if expected else found.fingerprint.scopes or (Scope(),)
    with private_copy(data, scopes) as target:
        verdicts += _climb(target, scopes, expected, name, imported)
    return seen.counts, verdicts


def _climb(
    target: ProcessTarget,
    scopes: Sequence[Scope],
    before: Fingerprint | None,
    name: str | None,
    imported: Collection[str],
) -> list[Verdict]:
    """Start, check suite, canary, restart, check suite; ends where the server does."""
    verdicts: list[Verdict] = []
    for when in ("served", "restarted"):
        try:
            target.start()
        except DrillError as error:
            return [*verdicts, Verdict.failed(f"start ({when})", str(error))]
        with Chroma(target.url, timeout_s=SERVED_DEADLINE_S) as chroma:
            seen = live.observe(chroma, scopes, like=before)
            narrow, wanted = _narrowed(seen, before, name)
            verdicts += [
                dataclasses.replace(each, check=f"{each.check} ({when})")
                for each in judge(narrow, wanted, imported=imported)
            ]
            if any(each.step == "alive" for each in seen.read_errors) or _hangs(seen):
                return verdicts
            if when == "served":
                infos = [each.info for each in narrow.fingerprint.collections.values()]
                if not any(each.dimension for each in infos):
                    verdicts.append(Verdict.not_run("canary", "no collection has a dimension yet"))
                    target.stop()
                    continue
                sung = dataclasses.replace(
                    seen, read_errors=tuple(write_canary(chroma, infos, narrow.counts))
                )
                verdicts.append(judge_canary(sung))
                if sung.read_errors:
                    return verdicts  # what it left behind would be blamed on the data
        target.stop()
    return verdicts


def _hangs(seen: Observation) -> bool:
    return sum("no answer within" in each.message for each in seen.read_errors) >= 2


def _not_served() -> list[Verdict]:
    asked = "needs a server: not asked for (--serve)"
    return [
        Verdict.not_run(name, asked)
        for name in ("distances", "recall", "filters", "text search", "alive", "canary")
    ]


def _narrowed(
    seen: Observation, before: Fingerprint | None, name: str | None
) -> tuple[Observation, Fingerprint | None]:
    if name is None:
        return seen, before
    narrow = only(seen, name)
    known = only_print(before, name) if before else None
    if not narrow.fingerprint.collections and not (known and known.collections):
        raise Unavailable(f"No collection '{name}' there.")
    return narrow, known


def only(seen: Observation, name: str) -> Observation:
    """The observation without other collections and their read errors."""
    others = {key for key, each in seen.fingerprint.collections.items() if each.info.name != name}
    return dataclasses.replace(
        seen,
        fingerprint=only_print(seen.fingerprint, name),
        counts={key: n for key, n in seen.counts.items() if key not in others},
        read_errors=tuple(each for each in seen.read_errors if each.where not in others),
    )


def only_print(fingerprint: Fingerprint, name: str) -> Fingerprint:
    kept = {k: each for k, each in fingerprint.collections.items() if each.info.name == name}
    return dataclasses.replace(fingerprint, collections=kept)
