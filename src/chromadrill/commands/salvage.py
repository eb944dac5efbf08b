"""RB-2 without a backup: what a damaged data directory still holds, and a new one made of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.backups.data_place import data_directory, require_store
from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.commands import options
from chromadrill.commands.groups import Command, application
from chromadrill.commands.output import collections_json, report
from chromadrill.commands.salvage_sources import sources
from chromadrill.core.errors import UsageError
from chromadrill.core.model import Fingerprint, Outcome, Verdict
from chromadrill.core.plural import plural
from chromadrill.core.progress import on_stderr
from chromadrill.recovery.salvage.bring_back import Salvage, bring_back, look_at
from chromadrill.recovery.salvage.findings import CollectionFindings, Findings
from chromadrill.recovery.salvage.mending import mend_into
from chromadrill.recovery.salvage.quick_ways import Plan
from chromadrill.recovery.salvage.reading import OtherVectors
from chromadrill.recovery.substitutes.vector_substitutes import VectorSubstitutes

app = application()


@app.command(cls=Command)
def salvage(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="the damaged data directory")],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", metavar="NEW", help="a new data directory, or a new export (.jsonl.zst)"
        ),
    ] = None,
    fingerprint: Annotated[
        Path | None,
        typer.Option("--fingerprint", metavar="FILE", help="the last one: it proves vectors"),
    ] = None,
    losses: Annotated[
        Path | None,
        typer.Option(
            "--losses", metavar="FILE", help="the list of losses; default: NEW.losses.jsonl"
        ),
    ] = None,
    vectors_from: Annotated[
        list[str] | None,
        typer.Option(
            "--vectors-from",
            metavar="X",
            help="for lost vectors: of the same documents in an export, a backup or a data directory,"
            " PATH#COLLECTION; may be repeated",
        ),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="embed documents of lost vectors: [embedding]")
    ] = False,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="a copy with only the damaged part made anew, proven before NEW is there",
        ),
    ] = False,
    with_doubtful: Annotated[
        bool,
        typer.Option("--with-doubtful", help="also vectors of which one place alone says whose"),
    ] = False,
    drill_config: options.DrillConfig = None,
    yes: Annotated[bool, typer.Option("--yes", help="embed, however much it is")] = False,
    json: options.Json = False,
) -> int:
    """What does a damaged data directory still hold? With --into: bring it back into a new one.

    The server must be stopped, and PATH is only read. Exit 0: all of it is whole; 1: some is lost, and
    each loss is counted and listed; 2: nothing can be had.
    """
    path = data_directory(path)
    require_store(path)
    before = fingerprint_file.load(fingerprint) if fingerprint else None
    if quick:
        if into is None or vectors_from or embed or with_doubtful:
            raise UsageError("--quick needs --into, and takes no vectors from elsewhere.")
        return _mend(path, into, before, as_json=json)
    substitutes = None
    if vectors_from or embed:
        texts = tuple(vectors_from or ())
        substitutes = VectorSubstitutes(sources(texts, drill_config, embed=embed, yes=yes))
    others = OtherVectors(substitutes, with_doubtful)
    if into is None:
        result = look_at(path, before, losses=losses, others=others, progress=on_stderr)
    else:
        result = bring_back(path, into, before, losses=losses, others=others, progress=on_stderr)
    findings = result.findings
    more: dict[str, object] = {"salvage": [one.as_json() for one in findings.collections]}
    if substitutes:
        more["vectors_from"] = [loan.as_json() for loan in substitutes.loans]
        more["bills"] = [bill.to_json() for bill in substitutes.bills]
        more["notes"] = [loan.sentence for loan in substitutes.loans]
    if result.written:
        more["written"] = str(result.written)
    if result.plan:
        more["quick"] = [way.name for way in result.plan.ways]
    if result.losses:
        more["losses"] = str(result.losses)
    counts = {one.key: one.records for one in findings.collections}
    return report(_verdicts(path, result, into), collections_json(counts), as_json=json, **more)


def _mend(path: Path, into: Path, before: Fingerprint | None, *, as_json: bool) -> int:
    mended = mend_into(path, into, before)
    verdicts, more = mended.verdicts, {"written": str(into)} if mended.is_proven else {}
    if not mended.is_proven:
        step = shlex.join(["chromadrill", "salvage", str(path), "--into", str(into)])
        text = f"{mended.plan.sentence}: not enough. Nothing was written. Next: {step}"
        verdicts = [Verdict.failed("salvage", text), *verdicts]
    return report(verdicts, collections_json(mended.counts), as_json=as_json, **more)


def _verdicts(path: Path, result: Salvage, into: Path | None) -> list[Verdict]:
    findings = result.findings
    if not findings.has_anything:
        return [Verdict.unknown("salvage", f"{path}: no record can be brought back. {_next()}")]
    verdicts = [_of_database(findings)]
    verdicts += [_of_collection(one) for one in findings.collections]
    if findings.missing:
        keys = ", ".join(findings.missing)
        verdicts.append(Verdict.failed("salvage", f"the fingerprint has {keys}, the files do not"))
    wrong = [v for v in result.verdicts if v.outcome in (Outcome.FAIL, Outcome.UNKNOWN)]
    if into is None:
        if result.plan and result.plan.is_replay:
            text = (
                f"{verdicts[0].message}; replay is enough: the queue has every vector that is lost"
            )
            verdicts[0] = Verdict.failed("salvage", text)
        verdicts[0] = _with_next(verdicts[0], _shortest(path, result.plan))
    elif wrong:
        return [*wrong, *verdicts]
    elif result.verdicts:
        verdicts.append(
            Verdict.passed(
                "proof",
                f"{into} was served and holds {plural(findings.taken, 'record')}, each as read",
            )
        )
    return verdicts


def _of_database(findings: Findings) -> Verdict:
    text = f"{findings.taken:,} of {plural(findings.records, 'record')} can be brought back whole"
    if not findings.damage:
        passed = findings.is_whole
        return Verdict.passed("salvage", text) if passed else Verdict.failed("salvage", text)
    return Verdict.failed("salvage", f"{text}; {'; '.join(findings.damage)}")


def _of_collection(one: CollectionFindings) -> Verdict:
    text = f"{one.key}: {one.sentence}"
    if one.damage:
        text += f"; its index: {'; '.join(one.damage)}"
    if one.proven:
        text += f"; {one.proven:,} vectors are proven by the fingerprint"
    return Verdict.passed("salvage", text) if one.is_whole else Verdict.failed("salvage", text)


def _shortest(path: Path, plan: Plan | None) -> str:
    """The command of the shortest way that brings back all, as far as a look can tell."""
    if plan is None:
        return shlex.join(["chromadrill", "salvage", str(path), "--into", "NEW"])
    if plan.is_replay:
        return shlex.join(["chromadrill", "replay", "--path", str(path), "--into", "NEW"])
    return shlex.join(["chromadrill", "salvage", str(path), "--into", "NEW", "--quick"])


def _with_next(verdict: Verdict, command: str) -> Verdict:
    if verdict.outcome is Outcome.PASS:
        return verdict
    return Verdict.failed("salvage", f"{verdict.message}. Next: {command}")


def _next() -> str:
    return "Next: RB-2, restore a snapshot; RB-3, rebuild"
