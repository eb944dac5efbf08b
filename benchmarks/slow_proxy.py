"""python -m benchmarks.slow_proxy --upstream URL: a Chroma server made worse, to see who notices.

Queries are delayed, or answered fast and wrongly; everything else is passed on. Prints its own URL.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys

import orjson

from chromadrill.disasters.faulty_proxy import faulty_proxy


def emptied(answer: bytes) -> bytes:
    """No neighbours at all."""
    return orjson.dumps({**orjson.loads(answer), "ids": [[]], "documents": [[]], "distances": [[]]})


def swapped(answer: bytes) -> bytes:
    """The right documents under each other's ids."""
    found = orjson.loads(answer)
    return orjson.dumps({**found, "ids": [list(reversed(ids)) for ids in found["ids"]]})


WRONG = {"empty": emptied, "swapped": swapped}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_proxy", description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="added to every query")
    parser.add_argument("--wrong", choices=sorted(WRONG), help="answer queries fast and wrongly")
    asked = parser.parse_args()
    with faulty_proxy(asked.upstream) as proxy:
        proxy.delay_ms, proxy.alter = asked.delay_ms, WRONG.get(asked.wrong, bytes)
        sys.stdout.write(f"{proxy.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
