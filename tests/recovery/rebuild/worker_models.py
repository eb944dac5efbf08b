"""Models of workers: they log what they embed, die, or are another model than they say.

Loaded in processes of their own. What they share is in a folder: files are made there by one alone.
"""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable
from chromadrill.embedding.function_model import PartlyEmbedded
from tests.recovery.rebuild.hash_model import HashModel

BEGIN_S = 60  # seconds in which a process of its own has begun on any machine


class LoggedModel(HashModel):
    """Logs each text that it was asked for, in a file of its process."""

    def __init__(self, folder, seed=""):
        super().__init__(seed)
        self.folder = Path(folder)

    def embed(self, texts):
        with (self.folder / f"log-{os.getpid()}").open("a") as file:
            file.writelines(f"{text}\n" for text in texts)
        return super().embed(texts)


def texts_of(folder):
    """By process: what was embedded there."""
    return [path.read_text().splitlines() for path in sorted(Path(folder).glob("log-*"))]


def is_mine(folder, name):
    """True for the first that asks."""
    try:
        (Path(folder) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def wait_for_files(folder, pattern, count):
    """On a busy machine one worker may have done everything before another one has begun."""
    wait_until(
        lambda: len(list(Path(folder).glob(pattern))) >= count, within_s=BEGIN_S, name=pattern
    )


class Joined(LoggedModel):
    """Embeds once two workers have been asked to."""

    def embed(self, texts):
        (self.folder / f"log-{os.getpid()}").touch()
        wait_for_files(self.folder, "log-*", 2)
        return super().embed(texts)


class After(LoggedModel):
    """Embeds once the odd one has been asked to."""

    def embed(self, texts):
        wait_for_files(self.folder, "odd-asked", 1)
        return super().embed(texts)


class Mortal(LoggedModel):
    """Kills its process at an `embed`, as long as there are lives to lose, all workers together."""

    def __init__(self, folder, deaths, at_text=""):
        super().__init__(folder)
        self.deaths, self.at_text, self.calls = deaths, at_text, 0

    def embed(self, texts):
        self.calls += 1
        dies = any(self.at_text in text for text in texts) and (self.at_text or self.calls > 1)
        if dies and any(is_mine(self.folder, f"death-{n}") for n in range(self.deaths)):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(texts)


class Odd(LoggedModel):
    """Says that it is the model, and hands over what is not the model's."""

    def __init__(self, folder, way):
        super().__init__(folder)
        self.way = way
        if way == "another":
            self.weights_sha256 = "f" * 64

    def embed(self, texts):
        (self.folder / "odd-asked").touch()
        vectors = super().embed(texts)
        if self.way == "wide":
            return np.hstack([vectors, vectors])
        if self.way == "nan":
            vectors[-1, 3] = np.nan
        if self.way == "zero":
            vectors[-1] = 0
        if self.way == "same width":
            return np.stack([HashModel("other").vector(text) for text in texts])
        if self.way == "reordered":
            return vectors[::-1].copy()
        if self.way == "freezes":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self.way == "fails":
            raise RuntimeError("no memory on the device")
        if self.way == "poison" and "document 17" in texts:
            raise ValueError("a token that nobody knows")
        return vectors


class Halting(LoggedModel):
    """A service that answers every other text of a task, and fails then; `for_good`: never more."""

    def __init__(self, folder, for_good=False):
        super().__init__(folder)
        self.for_good = for_good

    def embed(self, texts):
        if is_mine(self.folder, "halt" if self.for_good else f"halt-{texts[0]}"):
            places = range(0, len(texts), 2)
            vectors = super().embed([texts[place] for place in places])
            failure = Unavailable("The service does not answer.")
            raise PartlyEmbedded(failure, dict(zip(places, vectors, strict=True)))
        if self.for_good:
            raise Unavailable("The service does not answer.")
        return super().embed(texts)


def odd_one(folder, way):
    """The model of the first worker that asks is odd; the others' are not."""
    return Odd(folder, way) if is_mine(folder, "odd") else After(folder)


def unloadable(folder, number):
    """The first `number` that ask cannot load it."""
    if any(is_mine(folder, f"unloadable-{n}") for n in range(number)):
        raise Unavailable("The weights are not here.", next_step="chromadrill fetch-model")
    return LoggedModel(folder)


class ByEnvironment:
    """What `[embedding] function` names in a command: WORKER_FOLDER, and how a worker ends there.

    WORKER_DEATHS: so many times a worker kills itself. WORKER_KILLS_PARENT: the first kills the command.
    The command itself loads it too, to check, and lives.
    """

    name, dimension = "by-environment", 16

    def __init__(self):
        folder, deaths = os.environ["WORKER_FOLDER"], int(os.environ.get("WORKER_DEATHS", "0"))
        is_worker = multiprocessing.parent_process() is not None
        self.model = Mortal(folder, deaths) if is_worker else HashModel()
        self.kills_parent = is_worker and "WORKER_KILLS_PARENT" in os.environ
        self.calls = 0

    def __call__(self, texts):
        self.calls += 1
        if self.kills_parent and self.calls == 20 and is_mine(self.model.folder, "parent"):
            wait_for_files(self.model.folder, "log-*", 2)
            os.kill(os.getppid(), signal.SIGKILL)
        return self.model.embed(list(texts))
