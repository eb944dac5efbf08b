"""Workers on this machine: processes, each with its own model, started again when they die."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from chromadrill.core.clock import now
from chromadrill.core.plural import plural
from chromadrill.recovery.workers.pool import DEATHS, no_worker_left, task_that_kills
from chromadrill.recovery.workers.process import Ready, serve
from chromadrill.recovery.workers.tasks import Task, TaskResult, WorkerFailure, WorkerSetup

DEPTH = 2  # tasks at a worker: one in work, and the next, so that it waits for nobody who writes
STALLED_S = 900.0  # a task for which nothing is heard so long: its worker is ended
JOIN_S = 5.0


class _Place:
    """One of the places for workers: its process, and the tasks that the process has."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: SpawnProcess
        self.pipe: Connection
        self.tasks: deque[Task] = deque()
        self.is_ready = False
        self.deaths = 0  # in a row, without a result between them
        self.busy_since = 0.0

    @property
    def name(self) -> str:
        return f"worker {self.number}"

    def start(self, setup: WorkerSetup) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=serve, args=(self.name, setup, theirs), name=self.name, daemon=True
        )
        self.process.start()
        theirs.close()  # so that the pipe ends with the process
        self.is_ready = False

    def end(self) -> None:
        """Kill what may still run, and forget its pipe."""
        self.process.kill()
        self.process.join(JOIN_S)
        self.pipe.close()

    def how_it_ended(self) -> str:
        code = self.process.exitcode
        if code is not None and code < 0:
            with suppress(ValueError):
                return f"ended by {signal.Signals(-code).name}"
        return f"ended with {code}"


class Processes:
    """A `Pool` of `count` processes. `say`: hears who is ready, who died, who is not asked any more."""

    def __init__(self, count: int, setup: WorkerSetup, say: Callable[[str], None]) -> None:
        self._setup, self._say = setup, say
        self._count = count
        self._waiting: deque[Task] = deque()
        self._deaths: Counter[int] = Counter()  # by the number of the task
        self._lost: dict[str, str] = {}
        self._next_step = ""
        self._places = [_Place(number + 1) for number in range(count)]
        for place in self._places:
            place.start(setup)

    @property
    def capacity(self) -> int:
        return DEPTH * max(1, len(self._places))

    def put(self, task: Task) -> None:
        self._waiting.append(task)
        self._assign()

    def results(self) -> list[TaskResult]:
        results: list[TaskResult] = []
        while not results:
            if not self._places:
                raise no_worker_left(self._lost, self._next_step)
            self._assign()
            results = [result for place in self._heard_of() for result in self._take(place)]
        return results

    def refuse(self, worker: str, reason: str) -> None:
        place = next((place for place in self._places if place.name == worker), None)
        if place:
            self._lose(place, reason)

    def close(self) -> None:
        for place in self._places:
            place.end()
        self._places = []

    # ---- who does what ---------------------------------------------------------------------------
    def _assign(self) -> None:
        for depth in range(DEPTH):
            for place in self._places:
                if self._waiting and place.is_ready and len(place.tasks) == depth:
                    self._hand_over(place, self._waiting.popleft())

    def _hand_over(self, place: _Place, task: Task) -> None:
        if not place.tasks:
            place.busy_since = now()
        place.tasks.append(task)
        with suppress(OSError):  # it has died: that is heard at its pipe, and the task given on
            place.pipe.send(task)

    def _heard_of(self) -> list[_Place]:
        """Those that have sent something, or have ended, or from whom nothing comes any more."""
        by_waiter: dict[Any, _Place] = {place.pipe: place for place in self._places}
        by_waiter |= {place.process.sentinel: place for place in self._places}
        heard = wait(list(by_waiter), timeout=STALLED_S / 30)
        for place in self._places:
            if place.tasks and now() - place.busy_since > STALLED_S:
                self._say(f"{place.name}: nothing heard for {STALLED_S:.0f} s. It is ended.")
                place.process.kill()
        return list({id(by_waiter[waiter]): by_waiter[waiter] for waiter in heard}.values())

    def _take(self, place: _Place) -> list[TaskResult]:
        """What a worker has sent; where it has died, another takes its place and its tasks go on."""
        results = []
        try:
            while place.pipe.poll():
                message = place.pipe.recv()
                if isinstance(message, TaskResult):
                    place.tasks.popleft()
                    place.deaths, place.busy_since = 0, now()
                    results.append(message)
                elif isinstance(message, Ready):
                    place.is_ready = True
                    self._say(
                        f"{place.name} of {self._count} (pid {place.process.pid}) is ready:"
                        f" the model was loaded in {message.seconds:.1f} s."
                    )
                elif isinstance(message, WorkerFailure):
                    self._next_step = message.next_step
                    self._lose(place, message.sentence)
                    return results
        except (EOFError, OSError):
            self._replace(place)
        else:
            if not place.process.is_alive() and not place.pipe.poll():
                self._replace(place)
        return results

    def _replace(self, place: _Place) -> None:
        place.end()
        ending = f"{place.name} (pid {place.process.pid}) {place.how_it_ended()}"
        place.deaths += 1
        task = place.tasks[0] if place.tasks else None
        self._take_back(place)
        if place.deaths >= DEATHS:
            self._lose(place, f"{place.how_it_ended()}, {DEATHS} times in a row")
        else:
            self._say(f"{ending}: another takes its place.")
            place.start(self._setup)
        if task:
            self._deaths[task.number] += 1
            if self._deaths[task.number] >= DEATHS:
                raise task_that_kills(task)

    def _lose(self, place: _Place, reason: str) -> None:
        self._lost[place.name] = reason
        self._places.remove(place)
        place.end()
        self._take_back(place)
        left = plural(len(self._places), "worker")
        self._say(f"{place.name} is not asked any more: {reason.rstrip('.')}. {left} left.")

    def _take_back(self, place: _Place) -> None:
        self._waiting.extendleft(reversed(place.tasks))
        place.tasks.clear()
