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


def empty_answer(answer: bytes) -> bytes:
    """No neighbours at all."""
    return orjson.dumps({**orjson.loads(answer), "ids": [[]], "documents": [[]], "distances": [[]]})


def swap_ids(answer: bytes) -> bytes:
    """The right documents under each other's ids."""
    raw = orjson.loads(answer)
    return orjson.dumps({**raw, "ids": [list(reversed(ids)) for ids in raw["ids"]]})


WRONG = {"empty": empty_answer, "swapped": swap_ids}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_proxy", description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="added to every query")
    parser.add_argument("--wrong", choices=sorted(WRONG), help="answer queries fast and wrongly")
    args = parser.parse_args()
    with faulty_proxy(args.upstream) as proxy:
        proxy.delay_ms, proxy.alter = args.delay_ms, WRONG.get(args.wrong, bytes)
        sys.stdout.write(f"{proxy.url}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
