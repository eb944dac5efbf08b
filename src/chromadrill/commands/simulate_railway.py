"""A simulated Railway."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chromadrill.commands.groups import Command, application
from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.targets.railway.simulator.faults import FAULTS
from chromadrill.targets.railway.token import ACCOUNT, PROJECT

if TYPE_CHECKING:
    from chromadrill.targets.railway.simulator.run import RailwaySimulator

app = application()


@app.command(
    cls=Command,
    context_settings={"allow_extra_args": True},
    options_metavar="[OPTIONS] [-- COMMAND]",
)
def railway(
    context: typer.Context,
    home: Annotated[
        Path, typer.Option("--home", metavar="DIR", show_default=True, help="its state")
    ] = Path(".chromadrill/simulator"),
    port: Annotated[
        int, typer.Option("--port", metavar="P", help="of the API; default: a free one")
    ] = 0,
    fault: Annotated[
        str | None, typer.Option("--fault", metavar="NAME", help="what goes wrong there")
    ] = None,
    faults: Annotated[bool, typer.Option("--faults", help="list the faults, and end")] = False,
) -> int:
    """Run a simulated Railway until SIGTERM, Ctrl-C, or the end of the parent.

    With COMMAND: until COMMAND, which runs against it, has ended. Its exit code is then that of this
    command.
    """
    if faults:
        for name, effect in FAULTS.items():
            sys.stdout.write(f"{name:<24} {effect}\n")
        return cli.DONE
    from chromadrill.targets.railway.simulator.run import simulator  # 0.2 s, also of a list

    parent = os.getppid()
    with simulator(home, port=port, fault=fault) as platform:
        if context.args:
            code = _run(context.args, platform)
            # plans are limited by the hour
            cli.say(f"simulated Railway: {len(platform.platform.calls)} calls of its API")
            return code
        sys.stdout.write(_instructions(platform, fault))
        sys.stdout.flush()
        while os.getppid() == parent:
            time.sleep(0.2)
    return cli.DONE


def _run(command: list[str], platform: RailwaySimulator) -> int:
    # a real token is not for the simulator, and would win over the file's
    inherited = {key: v for key, v in os.environ.items() if key not in (PROJECT, ACCOUNT)}
    environment = {**inherited, **platform.environment()}
    try:
        return subprocess.run(command, env=environment, check=False).returncode
    except FileNotFoundError as error:
        raise UsageError(f"{command[0]}: no such command.") from error


def _instructions(platform: RailwaySimulator, fault: str | None) -> str:
    exports = " ".join(f"{key}={shlex.quote(v)}" for key, v in platform.environment().items())
    return (
        f"simulated Railway: {platform.endpoint}" + (f", fault {fault}" if fault else "") + "\n"
        "in another shell:\n"
        f"  export {exports}\n"
        "  chromadrill ops --target staging snapshots\n"
        "  chromadrill drill --target staging --allow-damage staging\n"
    )
