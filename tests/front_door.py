"""A command in this process, as its front door runs it: exit code, what it said, what it left."""

import json
import signal
from typing import NamedTuple

import pytest

from chromadrill.chroma import permissions
from chromadrill.commands.app import invoke
from chromadrill.core import cli


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it wrote to each stream."""

    code: int
    out: str
    err: str

    @property
    def text(self):
        return self.out + self.err

    @property
    def answer(self):
        return json.loads(self.out)

    @property
    def outcomes(self):
        return {verdict["check"]: verdict["outcome"] for verdict in self.answer["verdicts"]}


def enter(capture, *words):
    """Run `chromadrill WORDS` as a process that knows nothing; `capture`: pytest's capsys or capfd."""
    permissions.forget()
    capture.readouterr()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        cli.run(invoke, [str(word) for word in words])
    except SystemExit as ended:
        return Ended(ended.code, *capture.readouterr())
    finally:
        signal.signal(signal.SIGTERM, handler)
    pytest.fail("a command ends by its exit code")
