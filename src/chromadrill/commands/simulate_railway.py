"""Start a simulated Railway: railway --home DIR [--fault NAME] [-- COMMAND TO RUN AGAINST IT]"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from chromadrill.core import cli
from chromadrill.core.errors import UsageError
from chromadrill.targets.railway.simulator.faults import FAULTS
from chromadrill.targets.railway.simulator.run import Simulator, simulator
from chromadrill.targets.railway.token import ACCOUNT, PROJECT


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM, Ctrl-C, the end of the parent, or of COMMAND, whose exit code is ours then."""
    given = sys.argv[1:] if arguments is None else arguments
    at = given.index("--") if "--" in given else len(given)
    asked, command = _parser().parse_args(given[:at]), given[at + 1 :]
    if asked.faults:
        for name, what in FAULTS.items():
            sys.stdout.write(f"{name:<24} {what}\n")
        return cli.DONE
    parent = os.getppid()
    with simulator(asked.home, port=asked.port, fault=asked.fault) as running:
        if command:
            code = _run(command, running)
            # plans are limited by the hour
            cli.say(f"simulated Railway: {running.platform.calls} calls of its API")
            return code
        sys.stdout.write(_said(running, asked.fault))
        sys.stdout.flush()
        while os.getppid() == parent:
            time.sleep(0.2)
    return cli.DONE


def _run(command: list[str], running: Simulator) -> int:
    # a real token is not for the simulator, and would win over the file's
    mine = {key: v for key, v in os.environ.items() if key not in (PROJECT, ACCOUNT)}
    try:
        return subprocess.run(
            command, env={**mine, **running.environment()}, check=False
        ).returncode
    except FileNotFoundError as error:
        raise UsageError(f"{command[0]}: no such command.") from error


def _said(running: Simulator, fault: str | None) -> str:
    exports = " ".join(f"{key}={shlex.quote(v)}" for key, v in running.environment().items())
    return (
        f"simulated Railway: {running.endpoint}" + (f", fault {fault}" if fault else "") + "\n"
        "in another shell:\n"
        f"  export {exports}\n"
        "  chromadrill ops --target staging snapshots\n"
        "  pytest -m drill --target staging --allow-damage staging\n"
    )


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="chromadrill simulate", description=__doc__)
    parser.add_argument("platform", choices=["railway"])
    parser.add_argument("--home", type=Path, default=Path(".chromadrill/simulator"))
    parser.add_argument("--port", type=int, default=0, help="of the API; default: a free one")
    parser.add_argument("--fault", choices=FAULTS, metavar="NAME", help="what goes wrong there")
    parser.add_argument("--faults", action="store_true", help="list the faults, and end")
    return parser
