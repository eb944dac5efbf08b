"""RB-6: is every search fast enough, and right? Exit 0 yes, 1 no, 2 could not check. Only reads."""

from __future__ import annotations

import argparse

from chromadrill.checks.suite import outcome_of
from chromadrill.core import cli
from chromadrill.drill.connection import connect
from chromadrill.drill.search_performance import measure_search


def main(arguments: list[str] | None = None) -> int:
    parser = cli.Parser(prog="performance_test.py", description=__doc__)
    cli.add_server(parser)
    parser.add_argument(
        "--target-latency", type=_positive, default=2000, metavar="MS", help="each search (2000)"
    )
    parser.add_argument("--queries", type=_count, default=100, metavar="N", help="searches (100)")
    asked = parser.parse_args(arguments)
    # one that takes twice what it may has failed; nobody need wait for it
    deadline_s = max(5.0, 2 * asked.target_latency / 1000)
    with connect(cli.url_of(parser, asked), deadline_s=deadline_s) as chroma:
        done = measure_search(chroma, cli.scopes_of(asked), asked.queries, asked.target_latency)
    cli.report(
        asked, done.verdicts, cli.collections_json(done.counts, done.verdicts), **done.milliseconds
    )
    return cli.EXIT[outcome_of(done.verdicts)]


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text}: milliseconds above 0 are wanted")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 < value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text}: 1 to 1000000 are wanted")
    return value


if __name__ == "__main__":
    cli.run(main)
