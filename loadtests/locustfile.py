"""locust -f loadtests/ --host URL --profile NAME: searches at a fixed rate, judged by raw samples.

Locust's own percentiles hide outages (a closed model drops the requests that would have waited)
and are rounded; here each search is timed from the moment it should have started.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from _profiles import PROFILES, Profile
from _verdict import EXIT, Seen, judge, lines, write
from locust import FastHttpUser, LoadTestShape, constant, events, task
from locust.env import Environment

from chromadrill.chroma.client import connect
from chromadrill.errors import DrillError, UsageError, did_you_mean
from chromadrill.model import Scope

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
QUESTIONS = 64
SEEN = Seen()
ASKED: list[tuple[str, str, str]] = []  # path, body, the record that must be among the answers


@events.init_command_line_parser.add_listener
def add_options(parser: ArgumentParser) -> None:
    """`--profile` is locust's own option; here its value names one of our profiles."""
    parser.add_argument("--result", default="", help="write the verdict to this JSON file")


def chosen(environment: Environment) -> Profile:
    """The profile of `--profile`, by default `smoke`; raises UsageError for an unknown one."""
    name = environment.parsed_options.profile or "smoke"
    if name not in PROFILES:
        raise UsageError(f"--profile {name}: unknown. {did_you_mean(name, PROFILES)}")
    return PROFILES[name]


@events.test_start.add_listener
def choose_questions(environment: Environment, **_: Any) -> None:
    """The target's own records as questions, from its largest collection; only reads."""
    host = environment.host or ""
    try:
        chosen(environment)
        if urlsplit(host).hostname not in LOOPBACK:
            raise DrillError(
                f"{host} is not on this machine; load goes to loopback addresses only."
            )
        with connect(host, timeout_s=20) as chroma:
            infos = [(chroma.count(i), i) for i in chroma.collections(Scope())]
            count, info = max(infos, key=lambda each: each[0], default=(0, None))
            if info is None or not count:
                raise DrillError(f"{host} holds no records to search for.")
            step = max(1, count // QUESTIONS)
            for at in range(0, count, step):
                page = chroma.page(info, limit=1, offset=at)
                found = chroma.query(info, page.vectors)["ids"][0]
                if page.ids[0] in found:  # an approximate index may miss one; not asked then
                    body = {"query_embeddings": page.vectors.tolist(), "n_results": 10,
                            "include": ["distances"]}  # fmt: skip
                    path = f"/api/v2/tenants/{info.tenant}/databases/{info.database}"
                    ASKED.append(
                        (f"{path}/collections/{info.id}/query", json.dumps(body), page.ids[0])
                    )
    except DrillError as error:
        sys.stderr.write(f"{error}\n")
    if not ASKED:
        environment.process_exit_code = 2
        if environment.runner:
            environment.runner.quit()


class Profiled(LoadTestShape):
    """The profile's users for its time, or for `--run-time`."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None  # noqa: S101 - locust sets it before the first tick
        # `test_start` fires after the first tick, so no questions yet is no reason to stop here
        options, profile = self.runner.environment.parsed_options, chosen(self.runner.environment)
        if self.get_run_time() > (options.run_time or profile.seconds):
            return None
        return profile.users, profile.users


class Searcher(FastHttpUser):
    """Searches on schedule: if an answer is late, the next one's clock is already running."""

    wait_time = constant(0)

    def on_start(self) -> None:
        profile = chosen(self.environment)
        self.every_s = profile.users / profile.rate
        self.due = time.perf_counter()
        self.number = id(self)

    @task
    def search(self) -> None:
        self.due += self.every_s
        gevent.sleep(max(0.0, self.due - time.perf_counter()))
        self.number += 1
        path, body, wanted = ASKED[self.number % len(ASKED)]
        started = time.perf_counter()
        headers = {"content-type": "application/json"}
        with self.client.post(
            path, data=body, headers=headers, name="search", catch_response=True
        ) as answer:
            wrong = _wrong(answer, wanted)
            done = time.perf_counter()
            if wrong:
                answer.failure(wrong)
                SEEN.errors.append(wrong)
                return
            answer.success()
        SEEN.service_ms.append(1000 * (done - started))
        SEEN.intended_ms.append(1000 * (done - self.due))


def _wrong(answer: Any, wanted: str) -> str:
    """Empty when right. `ok` of a refused connection is True (status 0): test the number."""
    if not 200 <= answer.status_code < 300:
        return f"HTTP {answer.status_code}"
    try:
        found = answer.json()["ids"][0]
    except (ValueError, KeyError, IndexError):
        return "strange answer"
    return "" if wanted in found else f"wrong answer: {wanted} not found"


@events.quitting.add_listener
def conclude(environment: Environment, **_: Any) -> None:
    """Judge the raw samples; the exit code is the verdict's."""
    options = environment.parsed_options
    if not ASKED:
        environment.process_exit_code = 2
        return
    result = judge(chosen(environment), SEEN)
    environment.process_exit_code = EXIT[str(result["outcome"])]
    sys.stderr.write("\n".join(lines(result)) + "\n")
    if options.result:
        write(result, Path(options.result))
