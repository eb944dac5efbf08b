"""The user's own questions: make a first file of them, and ask them."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.commands import options
from chromadrill.commands.groups import Command, CommandGroup, application
from chromadrill.commands.output import EXIT, NEXT, print_line, print_verdicts, verdicts_json
from chromadrill.commands.place import target_meant
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.core.model import JSON, QuestionCounts, QuestionState, Scope
from chromadrill.core.plural import plural
from chromadrill.core.protocols import scopes_of
from chromadrill.core.settings import Settings, load
from chromadrill.drill import questions as engine
from chromadrill.targets.registry import open_target
from chromadrill.workload.queries.configured_questions import (
    ConfiguredEmbedder,
    ConfiguredQuestions,
)
from chromadrill.workload.queries.question_file import QuestionFile
from chromadrill.workload.queries.user_questions import QuestionAnswer

SHOWN = 20  # lines that did not find their record, for people
LISTED = 1000  # in JSON
MOST_SAMPLED = 100_000

app = application(cls=CommandGroup)


@app.callback()
def questions() -> None:
    """Your own questions, with the ids that are right: make a first file, and ask them."""


@app.command(cls=Command)
def sample(
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="the file of questions to write")
    ],
    url: options.Url = None,
    target: options.TargetName = None,
    path: options.DataPath = None,
    scope: options.Scopes = None,
    records: Annotated[
        int, typer.Option("--records", metavar="N", show_default=True, help="records to choose")
    ] = 200,
    replace: Annotated[bool, typer.Option("--replace", help="also a file that is there")] = False,
    drill_config: options.DrillConfig = None,
    json: options.Json = False,
) -> int:
    """Make a first file of questions from your own records, without text.

    Each is a record's own vector, with the record's id, the ids that came, and its rank among them.
    Only reads; of a directory, a private copy is served.
    """
    if not 0 < records <= MOST_SAMPLED:
        raise UsageError(f"--records {records}: 1 to {MOST_SAMPLED} are wanted.")
    _require_free(output, replace=replace)
    settings = load(drill_config)
    source, own = _source(settings, url, target, path)
    scopes = tuple(options.scope_named(text) for text in scope or ()) or own
    result = engine.sample_questions(source, scopes, records, settings.questions.k, output)
    left_out = result.states.total() - result.written + len(result.sampled.without_vector)
    if json:
        cli.answer(
            {
                "outcome": "pass",
                "written": str(output),
                "questions": result.written,
                "left_out": left_out,
                "collections": result.sampled.counts,
            }
        )
        return cli.DONE
    rest = f"; {left_out} more are not found by their own vector, and left out" if left_out else ""
    where = plural(len([n for n in result.sampled.counts.values() if n]), "collection")
    print_line(f"{output}: {plural(result.written, 'question')} about {where}{rest}.")
    print_line(
        f'Without text: vectors and ids alone.{NEXT}in drill.toml: [questions] file = "{output}"'
    )
    return cli.DONE


@app.command(cls=Command)
def ask(
    url: options.Url = None,
    target: options.TargetName = None,
    path: options.DataPath = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="the questions ([questions] file)"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="write them with what was answered now"),
    ] = None,
    drill_config: options.DrillConfig = None,
    json: options.Json = False,
) -> int:
    """Ask all questions of the file: hit@1, hit@k, and what became of the others. Only reads.

    Exit 0: as many find their right record as [questions] least_hit_percent asks for; 1: fewer; 2:
    could not tell.
    """
    settings = load(drill_config)
    chosen = str(file) if file else settings.questions.file
    if chosen is None:
        raise UsageError(
            "No file of questions: --file FILE, or [questions] file in drill.toml.",
            next_step="A first one: chromadrill questions sample --target T --output questions.jsonl",
        )
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output}: no such folder.")
    source, _ = _source(settings, url, target, path)
    table = settings.questions
    configured = ConfiguredQuestions(
        QuestionFile(Path(chosen)),
        ConfiguredEmbedder(settings.embedding),
        nearest=table.k,
        least_percent=table.least_hit_percent,
        most=None,
    )
    others: list[QuestionAnswer] = []
    states: Counter[QuestionState] = Counter()

    def keep(answer: QuestionAnswer) -> None:
        states[answer.state] += 1
        if answer.state is not QuestionState.FOUND and len(others) < LISTED:
            others.append(dataclasses.replace(answer, question=None, cosines=()))

    counts, verdict = engine.ask_all(source, configured, on_answer=keep, output=output)
    if json:
        cli.answer(
            {
                "outcome": str(verdict.outcome),
                "questions": _figures(counts),
                "others": [_other(answer) for answer in others],
                "verdicts": verdicts_json([verdict]),
                **({"written": str(output)} if output else {}),
            }
        )
        return EXIT[verdict.outcome]
    _print_others(others, states.total() - states[QuestionState.FOUND])
    print_verdicts([verdict])
    ends = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    more = f", written: {output}" if output else ""
    print_line(
        f"{verdict.outcome.upper()}: {plural(counts.chosen, 'question')} of {counts.file}: {ends}{more}"
    )
    return EXIT[verdict.outcome]


def _source(
    settings: Settings, url: str | None, target: str | None, path: Path | None
) -> tuple[str | Path, tuple[Scope, ...]]:
    """The one place that was named, with the scopes that are its own."""
    if url == os.environ.get("CHROMA_URL") and (target or path):
        url = None
    options.require_one_of({"--target": target, "--url": url, "--path": path})
    if path is not None:
        return path, ()
    if url is not None:
        return url, ()
    opened = open_target(settings, target_meant(settings, target))
    return opened.url, scopes_of(opened)


def _require_free(output: Path, *, replace: bool) -> None:
    if not output.absolute().parent.is_dir():
        raise UsageError(f"--output {output}: no such folder.")
    if output.exists() and not replace:
        raise UsageError(f"--output {output}: it is there already. With --replace it is replaced.")


def _figures(counts: QuestionCounts) -> JSON:
    return {
        "file": counts.file,
        "asked": counts.chosen - counts.count(QuestionState.UNASKED),
        "decided": counts.decided,
        "nearest": counts.nearest,
        "hit_1_percent": counts.first_hit_percent,
        "hit_k_percent": counts.hit_percent,
        "recorded_first": counts.recorded_first,
        "not_judged": counts.unjudged,
        "states": {str(state): count for state, count in counts.states.items()},
        "unasked": {str(why): count for why, count in counts.unasked.items()},
    }


def _other(answer: QuestionAnswer) -> JSON:
    return {"line": answer.line, "state": str(answer.state), "message": answer.message}


def _print_others(others: list[QuestionAnswer], total: int) -> None:
    """A line for each of the first questions that did not find their record."""
    for answer in others[:SHOWN]:
        start = f"line {answer.line:<8} {answer.state:<10} "
        print_line(f"{start}{answer.message}", indent=len(start))
    if total > min(SHOWN, len(others)):
        sys.stdout.write(f"... and {total - min(SHOWN, len(others))} more (--json)\n")
