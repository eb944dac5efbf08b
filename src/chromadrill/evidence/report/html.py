"""The record as one page for a manager, an auditor and on-call: no script, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromadrill.checks import registry
from chromadrill.core.model import JSON
from chromadrill.evidence.report import (
    charts,
    formatting,
    headline,
    own_backup,
    page_sections,
    proof_sections,
    result_tables,
)
from chromadrill.evidence.report.forecast_table import forecast_table
from chromadrill.evidence.report.formatting import number, part, rows, texts

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("page.html.j2")


def page(
    record: JSON,
    history: Sequence[JSON] = (),
    *,
    faults: Sequence[JSON] = (),
    tables: Mapping[str, Sequence[JSON]] | None = None,
) -> str:
    """The whole page. `history` is oldest first; `faults` are the rows of `sabotage.json`.

    `tables`: rows by the names of `result_tables.TABLES`.
    """
    record, faults = (
        formatting.sanitise(record),
        rows({"faults": formatting.sanitise(list(faults))}, "faults"),
    )
    drills = _drills(record, history)
    return _template().render(
        r=record,
        headline=headline.headline_of(record),
        origin=headline.data_origin(record),
        recovery=headline.fact(record, "recovery_time", registry.RECOVERY_TIME),
        loss=headline.fact(record, "data_loss", registry.DATA_LOSS),
        records=headline.records(record),
        summary=part(record, "summary"),
        forecast=forecast_table(record),
        missing=page_sections.missing(record),
        own=proof_sections.view_of(record),
        sources=page_sections.sources(record),
        fleet=page_sections.fleet(record),
        scenarios=[
            page_sections.view_of(s, f"s{i}") for i, s in enumerate(rows(record, "scenarios"), 1)
        ],
        action=page_sections.action_of(record),
        slowest=page_sections.slowest(record),
        objectives=page_sections.objectives(record),
        digest=page_sections.digest(rows(record, "artifacts")),
        weight=sum(number(file.get("bytes")) or 0 for file in rows(record, "artifacts")),
        drills=drills,
        trend=charts.trend(drills),
        tables=result_tables.tables(formatting.sanitise(dict(tables or {}))),
        fault_picture=charts.fault_table(faults),
        uncaught=[f for f in faults if f.get("kind") == "fault" and f.get("outcome") != "fail"],
        alarms=[f for f in faults if f.get("kind") == "healthy" and f.get("outcome") != "pass"],
        meter=charts.meter,
        outcomes=formatting.OUTCOMES,
        **{name: part(record, name) for name in ("target", "versions", "embedder", "provenance")},
        cleanup=part(record, "cleanup"),
        artifacts=rows(record, "artifacts"),
        contacts=rows(record, "contacts"),
        failed_tests=rows(record, "failed_tests"),
        remediation=rows(record, "remediation"),
        listed={name: isinstance(record.get(name), list) for name in ("exceptions", "remediation")},
        **{name: texts(record, name) for name in ("exceptions", "required", "not_covered")},
        trend_verdicts=[v for v in rows(record, "trend") if v.get("outcome") != "not_run"],
        trend_open=_why_no_trend(record),
    )


@cache
def _template() -> Template:
    # imported here: who only runs a drill does not pay for it
    from jinja2 import ChainableUndefined, Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "duration",
        "count",
        "amount",
        "size",
        "share",
        "when",
        "without_number",
        "one_line",
    ):
        environment.filters[name] = _null_for_undefined(getattr(formatting, name))
    environment.filters["text"] = _null_for_undefined(formatting.text_of)
    environment.filters["question"] = lambda check: registry.question(str(check))
    return environment.get_template(TEMPLATE.name)


def _null_for_undefined(function: Callable[..., str]) -> Callable[..., str]:
    """A filter that takes a missing field for null."""
    from jinja2 import Undefined

    def filter_value(value: Any, *others: Any) -> str:
        return function(*(None if isinstance(e, Undefined) else e for e in (value, *others)))

    return filter_value


def _why_no_trend(record: JSON) -> list[str]:
    """Why the trend was not judged, each reason once."""
    verdicts = [v for v in rows(record, "trend") if v.get("outcome") == "not_run"]
    return list(dict.fromkeys(formatting.text_of(v.get("message")) for v in verdicts))


def _drills(record: JSON, history: Sequence[JSON]) -> list[JSON]:
    """The last 12 drills of this target, this one among them; of own backups, those of the source."""
    target = part(record, "target").get("name")
    sources = own_backup.sources_of(record)
    drills = [
        drill
        for drill in rows({"history": formatting.sanitise(list(history))}, "history")
        if (
            drill.get("source") in sources
            if sources
            else not drill.get("source") and (not target or drill.get("target") in (None, target))
        )
    ]
    # who gives a history has put this run in it, or left it out because it is no drill
    if own_backup.is_own(record) and not (sources and drills):
        drills = proof_sections.proofs_of(record)
    elif rows(record, "scenarios") and not drills:
        value, limit, _ = headline.fact(record, "recovery_time", registry.RECOVERY_TIME)
        summary = part(record, "summary")
        figures = {"recovery_time_s": value, "recovery_limit_s": limit}
        figures |= {"records": summary.get("records_compared")}
        drills.append({**summary, **record, **figures})
    return drills[-charts.LAST :]
