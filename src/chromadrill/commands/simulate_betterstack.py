"""Better Stack's APIs, and an empty account."""

from __future__ import annotations

import os
import sys
import time
from typing import Annotated

import typer

from chromadrill.commands.groups import Command, application
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.monitoring.betterstack.simulator import BetterStackSimulator, SimulatedAccount

TOKENS = tuple(f"BETTERSTACK_{kind}_TOKEN" for kind in ("UPTIME", "TELEMETRY", "INGEST"))

app = application()


@app.command(cls=Command)
def betterstack(
    port: Annotated[int, typer.Option("--port", metavar="P", help="default: a free one")] = 0,
    time_scale: Annotated[
        float, typer.Option("--time-scale", metavar="F", help="of heartbeat periods")
    ] = 1.0,
) -> int:
    """Serve Better Stack's APIs with an empty account, until this command or its parent ends.

    Prints what to set in the environment.
    """
    uptime, telemetry, ingest = (os.environ.get(variable, "") for variable in TOKENS)
    if not (uptime and telemetry and ingest):
        raise UsageError(
            "The simulator accepts the tokens that it finds in its environment.",
            next_step=f"Set {', '.join(TOKENS)} to values of your own.",
        )
    account = SimulatedAccount(uptime, telemetry, ingest, scale=time_scale)
    with BetterStackSimulator(account, port) as simulator:
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
