"""The result of a load run as Markdown and as lines for a terminal; pure."""

from __future__ import annotations

from chromadrill.core.model import JSON
from chromadrill.evidence.report import formatting

MOST_WINDOWS = 20  # shown; the result file has all


def headline(result: JSON) -> str:
    """ "FAIL: profile steady: p90 612.0 ms of 500 ms from the intended start"."""
    outcome = formatting.OUTCOMES.get(str(result.get("outcome")), "UNKNOWN")
    return f"{outcome}: profile {result.get('profile')}: {result.get('why')}"


def lines(result: JSON) -> list[str]:
    """For a terminal."""
    return [
        headline(result),
        f"  {result['samples']} samples of {result['scheduled']} arrivals, {result['errors']} without"
        f" a right answer; from the intended start p50 {_ms(result['p50_ms'])}"
        f" p90 {_ms(result['p90_ms'])} p99 {_ms(result['p99_ms'])} slowest {_ms(result['max_ms'])};"
        f" service p50 {_ms(result['service_p50_ms'])} p90 {_ms(result['service_p90_ms'])}",
        *(
            f"  {row['check']:<17}{formatting.OUTCOMES.get(row['outcome'], 'UNKNOWN'):<8}"
            f"{row['message']}"
            for row in formatting.rows(result, "verdicts")
        ),
        *(
            f"  clients saw: {window['result']} from {window['from_s']:.2f} to {window['to_s']:.2f} s"
            for window in formatting.rows(result, "windows")[:MOST_WINDOWS]
        ),
    ]


def load_table(result: JSON, picture: str = "") -> str:
    """Markdown: latencies both ways, every verdict, the windows clients saw. `picture`: a file."""
    body = [
        f"# {headline(result)}",
        "",
        f"Profile: {result.get('profile_why')}; asked: {result.get('asked')}.",
    ]
    body += ["", f"Run {result.get('run')}, {result.get('started_at')}, {result.get('host')}."]
    if picture:
        body += ["", f"![latency over time]({picture})"]
    body += ["", "| latency | p50 | p90 | p99 | slowest |", "|---|---|---|---|---|"]
    for name, key in (("from the intended start", ""), ("of the service", "service_")):
        cells = (_ms(result.get(f"{key}{rank}_ms")) for rank in ("p50", "p90", "p99", "max"))
        body.append(f"| {name} | {' | '.join(cells)} |")
    body += ["", "| check | verdict | |", "|---|---|---|"]
    for row in formatting.rows(result, "verdicts"):
        message = str(row.get("message")).replace("|", "\\|")
        outcome = formatting.OUTCOMES.get(str(row.get("outcome")), "UNKNOWN")
        body.append(f"| {row.get('check')} | {outcome} | {message} |")
    windows = formatting.rows(result, "windows")
    body += ["", "| clients saw | from | to | long |", "|---|---|---|---|"] if windows else []
    for row in windows[:MOST_WINDOWS]:
        start, end = row["from_s"], row["to_s"]
        body.append(f"| {row['result']} | {start:.2f} s | {end:.2f} s | {end - start:.2f} s |")
    if len(windows) > MOST_WINDOWS:
        body += ["", f"{len(windows) - MOST_WINDOWS} more are in the result file."]
    return "\n".join(body) + "\n"


def _ms(value: object) -> str:
    figure = formatting.number(value)
    return formatting.NOT_MEASURED if figure is None else f"{figure:,.1f} ms"
