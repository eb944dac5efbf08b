"""python -m benchmarks.profile [--samples] -- COMMAND ...: where its processor time goes.

Every process that COMMAND starts counts, also one whose parent has ended: the profiler adopts it.
The total is what the kernel accounts for. By name it is what was last seen of each process, at most
`EVERY_S` before its end. With `--samples`, py-spy (dependency group `profile`) samples all Python
processes: the ten costliest functions of our calls, and the ten costliest frames by themselves.
Sampling costs processor time of its own: seconds are those of a run without it.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

EVERY_S = 0.2
RATE_HZ = 50
COSTLIEST = 10
PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """What was last seen of one process: its name, and the processor seconds of it alone."""

    name: str
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--samples", action="store_true", help="sample the Python processes, too")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chromadrill-profile-") as folder:
        stacks = Path(folder) / "stacks"
        command = [*_sampler(stacks), *args.command] if args.samples else args.command
        started = time.monotonic()
        code, processes = watch(command)
        clock_s = time.monotonic() - started
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print_seconds(processes, usage.ru_utime + usage.ru_stime, clock_s)
        if stacks.is_file():
            print_frames(stacks.read_text("utf-8").splitlines())
    return code


def _sampler(stacks: Path) -> list[str]:
    beside = Path(sys.executable).with_name("py-spy")
    program = str(beside) if beside.is_file() else shutil.which("py-spy")
    if program is None:
        sys.exit("No py-spy here. Install it: uv pip install --group profile")
    options = ["--subprocesses", "--nonblocking", "--rate", str(RATE_HZ), "--format", "raw"]
    return [program, "record", *options, "--output", str(stacks), "--"]


def watch(command: Sequence[str]) -> tuple[int, list[Process]]:
    """Run `command`; returns its exit code and all processes, when the last of them has ended."""
    # whose parent ends is adopted by this process, and not by the system's first
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    first = subprocess.Popen(command)
    code: int | None = None
    seen: dict[int, Process] = {}
    while True:
        for pid, process in descendants(os.getpid()):
            seen[pid] = process
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return (1 if code is None else code), list(seen.values())
        if ended == first.pid:
            code = os.waitstatus_to_exitcode(status)
        if ended == 0:
            time.sleep(EVERY_S)


def descendants(root: int) -> Iterator[tuple[int, Process]]:
    """Every process below `root`, with the time that it took itself."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # "pid (name) state ppid ...": a name may hold spaces and brackets
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(folder.name)
        parents[pid] = int(fields[1])
        seconds[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    for pid in parents:
        if _is_below(pid, root, parents):
            try:
                arguments = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")[:-1]
            except OSError:
                continue
            if arguments:
                yield (
                    pid,
                    Process(
                        name_of([a.decode("utf-8", "replace") for a in arguments]), seconds[pid]
                    ),
                )


def _is_below(pid: int, root: int, parents: Mapping[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == root:
            return True
    return False


def name_of(arguments: Sequence[str]) -> str:
    """The program, and the word that says what it does: `chromadrill ops stop`, `pytest`."""
    words = [Path(argument).name for argument in arguments]
    if words[0].startswith("python"):
        options = list(takewhile(lambda word: word.startswith("-"), words[1:]))
        rest = words[1 + len(options) :]
        if "-c" in options:
            return "python -c"
        words = rest or words
    if words[0] in ("chromadrill", "__main__.py"):
        known = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
        if known[:1] == ["ops"]:
            doing = {"start", "stop", "restart", "snapshot", "snapshots", "restore", "logs"}
            known = ["ops", *(word for word in known if word in doing)]
        return " ".join(["chromadrill", *known[:2]])
    return words[0].partition(":")[0].removesuffix(".py")  # "postgres: walwriter"


def print_seconds(processes: Sequence[Process], total_s: float, clock_s: float) -> None:
    by_name: Counter[str] = Counter()
    counts: Counter[str] = Counter(process.name for process in processes)
    for process in processes:
        by_name[process.name] += process.seconds  # type: ignore[assignment]
    cores = os.cpu_count() or 1
    _say(
        f"\n{total_s:.1f} s of processor time, {clock_s:.1f} s by the clock:"
        f" {100 * total_s / clock_s / cores:.0f} % of {cores} cores"
    )
    for name, seconds in by_name.most_common(20):
        _say(f"{seconds:9.1f} s  {100 * seconds / total_s:4.1f} %  {counts[name]:4} x {name}")
    _say(f"{total_s - sum(by_name.values()):9.1f} s  not seen: in the last moment of a process")


def print_frames(lines: Sequence[str]) -> None:
    """`lines`: "frame;frame;... count", outermost first, as py-spy writes them."""
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in lines:
        stack, _, number = line.rpartition(" ")
        if not number.isdecimal():
            continue  # the name of a process may hold line breaks
        frames = [re.sub(r":\d+\)$", ")", frame) for frame in stack.split(";")]
        frames = [frame for frame in frames if not frame.startswith("process ")]
        if frames:
            alone[frames[-1]] += int(number)
        for frame in {frame for frame in frames if "chromadrill/" in frame or "fixtures/" in frame}:
            within[frame] += int(number)
    total = alone.total()
    for title, frames_of in (("by itself", alone), ("with what it calls", within)):
        _say(f"\n{total} samples, {title}:")
        for frame, number in frames_of.most_common(COSTLIEST if frames_of is alone else 30):
            _say(f"  {100 * number / total:5.1f} %  {frame}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
