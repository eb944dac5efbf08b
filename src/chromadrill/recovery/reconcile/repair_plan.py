"""What repairs the differences that were found, as commands to copy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from chromadrill.checks.reconcile import OF_VECTORS, Kind, Tally
from chromadrill.chroma.client import scope_path
from chromadrill.core.model import Scope
from chromadrill.recovery.reconcile.task import ReconcileResult, ReconcileTask

DELETED_AT_ONCE = 1000  # ids that one request deletes; more are left to the rebuild
TYPED_IDS = 50  # ids that a command line holds
BESIDE = ".other-model"


@dataclass(frozen=True, slots=True)
class Typed:
    """What the commands of the plan repeat of the one that was typed.

    `source`: of `--source`; `table`: what `regenerate --source` calls it. `findings`: `--output-file`.
    """

    url: str
    table: str
    source: str | None = None
    drill_config: str | None = None
    findings: str | None = None


def repair_plan(task: ReconcileTask, result: ReconcileResult, typed: Typed) -> list[str]:
    """Commands, one to a line, each preceded by a comment that says what it does; [] where all is well.

    All of them are of one way; where there are two ways, the cheaper one comes first.
    """
    tally = result.tally
    if result.is_another_model:
        return [
            "# every vector by the model that is set, beside it: the collection keeps its name",
            _command("regenerate", "--source", typed.table, task=task, typed=typed,
                     name=f"{task.name}{BESIDE}"),
        ]  # fmt: skip
    vectors, cover = tally.count(*OF_VECTORS), result.cover
    if vectors and cover.sampled_wrong * 2 > cover.sampled:
        regenerate = _command("regenerate", "--source", typed.table, task=task, typed=typed)
        return ["# most of the sampled vectors are wrong: every vector anew", regenerate]
    if vectors and cover.sampled_wrong and cover.unseen:
        wrong = f"{cover.sampled_wrong} of {cover.sampled} sampled vectors are wrong"
        findings = typed.findings or "differences.jsonl"
        source = ("--source", typed.source) if typed.source else ()
        words = (*source, "--embed", "all", "--output-file", findings)
        return [
            f"# {wrong}: find the other ones first, and repair what that finds",
            _command("reconcile", *words, task=task, typed=typed),
        ]
    others = sum(tally.counts.values()) - tally.count(*OF_VECTORS, Kind.ORPHANED)
    orphans = tally.ids.get(Kind.ORPHANED, [])
    plan = []
    if orphans and not vectors and not others and tally.counts[Kind.ORPHANED] <= DELETED_AT_ONCE:
        plan += _delete(result, typed, orphans)
        plan.append("# or the whole collection anew, vectors that are right taken over:")
        plan.append(_rebuild(task, typed))
    elif vectors and typed.findings:
        plan.append("# all of it; vectors that are right are taken over, those of FILE are not:")
        plan.append(_rebuild(task, typed, "--embed-again", typed.findings))
    elif vectors:
        plan.append("# all of it, every vector anew (with --output-file only the wrong ones are):")
        plan.append(_command("regenerate", "--source", typed.table, task=task, typed=typed))
    elif others or orphans:
        plan.append("# vectors of unchanged texts are taken over:")
        plan.append(_rebuild(task, typed))
    return plan


def _rebuild(task: ReconcileTask, typed: Typed, *more: str) -> str:
    source = ("--source", typed.source) if typed.source else ()
    return _command("rebuild", "--from-postgresql", *source, *more, task=task, typed=typed)


def _command(
    command: str, *words: str, task: ReconcileTask, typed: Typed, name: str | None = None
) -> str:
    collection = name or task.name
    scope = () if task.scope == Scope() else ("--scope", str(task.scope))
    config = ("--drill-config", typed.drill_config) if typed.drill_config else ()
    return shlex.join(
        ["chromadrill", command, *words, "--collection-name", collection, "--url", typed.url, *scope,
         *config]
    )  # fmt: skip


def _delete(result: ReconcileResult, typed: Typed, ids: Sequence[str]) -> list[str]:
    """Records without a row, by the server's own API."""
    info = result.info
    assert info is not None  # noqa: S101 - orphans are records of it
    url = f"{typed.url.rstrip('/')}{scope_path(info.scope)}/collections/{info.id}/delete"
    if len(ids) <= TYPED_IDS:
        body = json.dumps({"ids": list(ids)}, ensure_ascii=False)
    elif typed.findings:
        body = f"@{orphans_file(typed.findings)}"
    else:
        return ["# to delete them alone, run again with --output-file FILE"]
    return [
        "# records that no row of the source has:",
        shlex.join(["curl", "-fsS", "-X", "POST", url, "-H", "Content-Type: application/json",
                    "-d", body]),
    ]  # fmt: skip


def orphans_file(findings: str) -> str:
    """The body of the request that deletes the orphans, beside the findings."""
    return f"{findings}.delete.json"


def orphans_body(tally: Tally, plan: Sequence[str], findings: str) -> str | None:
    """What that file holds; None where the plan names none."""
    if not any(f"@{orphans_file(findings)}" in line for line in plan):
        return None
    return json.dumps({"ids": tally.ids[Kind.ORPHANED]}, ensure_ascii=False)
