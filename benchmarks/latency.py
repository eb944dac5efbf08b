"""python -m benchmarks.latency [--repeats 15]: how much do latencies scatter by themselves?

Each repeat starts a fresh server on a copy of the same data and measures each series of
`suites/latency` five times through a loopback proxy: twice as it is, and with 5 ms, 20 % and 34 % of
the plain median added. The trend check then judges every measurement against the plain one of
every *other* repeat: what it says of plain ones are false alarms, of slowed ones catches.

Raw samples go to FILE; `--judge FILE` judges those of an earlier measurement again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import permutations
from pathlib import Path

from chromadrill.checks.latency import judge_trend, percentiles
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Outcome, Verdict
from chromadrill.disasters.faulty_proxy import FaultyProxy, faulty_proxy
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.data.standard import Dataset, standard
from chromadrill.workload.machine_speed import ReferenceWorkload
from chromadrill.workload.queries import query_kinds
from chromadrill.workload.queries.known_answer import QUESTIONS
from chromadrill.workload.queries.self_queries import self_queries
from chromadrill.workload.queries.timed import TimedAnswers

SLOWDOWNS = {  # milliseconds, share of the plain median: what the client sees
    "plain": (0.0, 0.0),
    "again": (0.0, 0.0),
    "+5 ms": (5.0, 0.0),
    "+20 %": (0.0, 0.20),
    "+34 %": (0.0, 0.34),
}
SERIES = {
    "search": query_kinds.searches,
    "filtered search": query_kinds.filtered_searches,
    "get by id": query_kinds.gets,
}
WARM = 10
Measurement = dict[str, dict[str, list[float]]]  # series -> milliseconds, yardstick_ms


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", type=Path, default=Path("reports/latency-noise.json"))
    parser.add_argument("--judge", type=Path, metavar="FILE", help="measure nothing, judge this")
    args = parser.parse_args()
    if args.judge:
        repeats = json.loads(args.judge.read_text())
    else:
        repeats = []
        for repeat in measure(standard(args.records), args.repeats, args.rounds):
            repeats.append(repeat)
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(json.dumps(repeats))
    judge(repeats)
    return 0


def measure(dataset: Dataset, repeats: int, rounds: int) -> Iterator[dict[str, Measurement]]:
    """One repeat at a time: for each of SLOWDOWNS every series, on a fresh server."""
    with tempfile.TemporaryDirectory(prefix="chromadrill-noise-") as folder:
        golden = ProcessTarget(Path(folder) / "golden", owner=os.getpid(), scopes=dataset.scopes)
        golden.start()
        with Chroma(golden.url) as chroma:
            dataset.load(chroma)
        golden.stop()
        for number in range(repeats):
            with fresh_server(Path(folder) / f"home-{number}", golden.data, dataset) as (
                proxy,
                chroma,
            ):
                started = os.getloadavg()[0]
                yield measure_once(proxy, chroma, dataset, rounds)
                load = f"load {started:.1f}-{os.getloadavg()[0]:.1f}"
                sys.stderr.write(f"repeat {number + 1} of {repeats}, {load}\n")


@contextmanager
def fresh_server(home: Path, data: Path, dataset: Dataset) -> Iterator[tuple[FaultyProxy, Chroma]]:
    """A server on a copy of `data`, a proxy before it and a client of that."""
    target = ProcessTarget(home, owner=os.getpid(), scopes=dataset.scopes)
    shutil.copytree(data, target.data, dirs_exist_ok=True)
    with ExitStack() as stack:
        stack.callback(target.remove)
        target.start()
        proxy = stack.enter_context(faulty_proxy(target.url))
        proxy.path_ends = ("/query", "/get")
        yield proxy, stack.enter_context(Chroma(proxy.url))


def measure_once(
    proxy: FaultyProxy, chroma: Chroma, dataset: Dataset, rounds: int
) -> dict[str, Measurement]:
    questions = self_queries(chroma, dataset.scopes, QUESTIONS)
    assert questions.info is not None
    measurements: dict[str, Measurement] = {}
    for name, (delay_ms, share) in SLOWDOWNS.items():
        measurements[name] = {}
        for series, kind in SERIES.items():
            plain = measurements["plain"].get(series, {}).get("milliseconds", [0.0])
            proxy.delay_ms = delay_ms + share * statistics.median(plain)
            calls = kind(chroma, questions.info, questions.right)
            answers, yards = TimedAnswers(), []
            with ReferenceWorkload() as reference_workload:
                for number in range(WARM + rounds):
                    yards.append(reference_workload.measure())
                    answers.time(calls[number % len(calls)])
            errors, took = answers.samples().errors, answers.milliseconds
            assert not errors, errors[0]
            measurements[name][series] = {"milliseconds": took[WARM:], "yardstick_ms": yards[WARM:]}
    return measurements


def judge(repeats: list[dict[str, Measurement]]) -> None:
    """Print how the plain ones scatter, and what the trend says of every pair of repeats."""
    for series in SERIES:
        ranks = [
            {name: percentiles(**repeat[name][series]) for name in SLOWDOWNS} for repeat in repeats
        ]
        say(series)
        for rank, yard in (("p10", "yardstick_p10"), ("p90", "yardstick_p50")):
            plain = [repeat["plain"][rank] / repeat["plain"][yard] for repeat in ranks]
            middle, worst = statistics.median(plain), max(plain) / min(plain)
            say(
                f"  {rank} in reference workloads: median {middle:.2f}, largest / smallest {worst:.2f}"
            )
        for name in SLOWDOWNS:
            pairs = [(now[name], before["plain"]) for now, before in permutations(ranks, 2)]
            trends = [judge_trend(series, *pair) for pair in pairs]
            growth = statistics.median(now["p50"] / before["p50"] for now, before in pairs)
            quiet = [trend for trend in trends if trend[1].outcome is not Outcome.NOT_RUN]
            loud = [trend for trend in trends if trend[1].outcome is Outcome.NOT_RUN]
            failed = f"FAIL {count_failed(quiet)} of {len(quiet)} quiet pairs"
            failed += f", {count_failed(loud)} of {len(loud)} busy ones"
            say(f"  {name:<6} median x {growth:.2f}: {failed}")


def count_failed(trends: list[tuple[Verdict, Verdict]]) -> int:
    return sum(Outcome.FAIL in (verdict.outcome for verdict in pair) for pair in trends)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
