"""chromadrill simulate betterstack [--port P] [--time-scale S]: an empty account."""

from __future__ import annotations

import os
import sys
import time

from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.monitoring.betterstack.simulator import Account, Simulator

TOKENS = tuple(f"BETTERSTACK_{each}_TOKEN" for each in ("UPTIME", "TELEMETRY", "INGEST"))


def main(arguments: list[str] | None = None) -> int:
    """Serve until it is ended, or until its parent is gone. Prints what to set in the environment."""
    parser = cli.Parser(prog="chromadrill simulate betterstack", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--time-scale", type=float, default=1.0, help="of heartbeat periods")
    asked = parser.parse_args(arguments)
    uptime, telemetry, ingest = (os.environ.get(each, "") for each in TOKENS)
    if not (uptime and telemetry and ingest):
        raise UsageError(
            "The simulator accepts the tokens that it finds in its environment.",
            next_step=f"Set {', '.join(TOKENS)} to values of your own.",
        )
    account = Account(uptime, telemetry, ingest, scale=asked.time_scale)
    with Simulator(account, asked.port) as simulator:
        sys.stdout.write(
            f"export BETTERSTACK_INGEST_URL={simulator.url}/ingest"
            f" DRILL_BETTERSTACK__UPTIME_URL={simulator.url}"
            f" DRILL_BETTERSTACK__TELEMETRY_URL={simulator.url}\n"
        )
        sys.stdout.flush()
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(0.2)
    return cli.DONE
