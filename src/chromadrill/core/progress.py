"""Progress of long work on standard error: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from chromadrill.core.clock import now

Advance = Callable[[int], None]
# what is done, how many of it there are (None: unknown), of what
Progress = Callable[[str, int | None], AbstractContextManager[Advance]]
EVERY_S = 10.0


@contextmanager
def silent(activity: str, total: int | None) -> Iterator[Advance]:
    """Says nothing: for work that nobody waits for."""
    del activity, total
    yield lambda done: None


@contextmanager
def on_stderr(activity: str, total: int | None) -> Iterator[Advance]:
    """Records done, how fast, and the time left."""
    if sys.stderr.isatty():
        with _bar(activity, total) as bar:
            yield bar
        return
    started = last = now()
    done = 0

    def advance(more: int) -> None:
        nonlocal done, last
        done += more
        if now() - last >= EVERY_S:
            last = now()
            sys.stderr.write(_line(activity, done, total, last - started) + "\n")
            sys.stderr.flush()

    yield advance
    if last > started:
        sys.stderr.write(_line(activity, done, None, now() - started) + ", done\n")


def _line(activity: str, done: int, total: int | None, seconds: float) -> str:
    rate = done / seconds if seconds else 0.0
    text = (
        f"{activity}: {done:,}" + (f" of {total:,}" if total else "") + f" records, {rate:,.0f}/s"
    )
    if total and rate:
        text += f", {max(0.0, (total - done) / rate):,.0f} s left"
    return text


@contextmanager
def _bar(activity: str, total: int | None) -> Iterator[Advance]:
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(activity, total=total, rate="")
        started, done = now(), 0

        def advance(more: int) -> None:
            nonlocal done
            done += more
            rate = f"{done / max(1e-9, now() - started):,.0f}/s"
            bar.update(task, advance=more, rate=rate)

        yield advance
