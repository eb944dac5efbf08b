"""Commands in processes of their own, forked from one that has imported everything already.

Of a command's 0.4 s of processor time, and of pytest's 1.1, nearly all is Python's start and its
imports. Exit code, streams, environment and working directory are a process's own, as typed.
What is about the start itself (imports, scripts, signals, closed streams, what PYTHON* variables
do) has to be tested with a real one: `tests/commands/test_front_door.py` and `test_command_ends.py`.
"""

import atexit
import contextlib
import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from itertools import dropwhile
from multiprocessing import forkserver
from pathlib import Path

from _pytest.assertion.rewrite import AssertionRewritingHook

LIMIT_S = 300
IMPORTS = (
    "tests.forked",
    # pyarrow imports pandas where there is one
    *("httpx", "jinja2", "jsonschema", "numpy", "orjson", "pandas", "psutil", "pyarrow", "rich.console"),
    *("allure_commons.logger", "execnet", "hypothesis", "pytest", "_pytest.pytester", "xml.dom.minidom"),
    *("chromadrill.commands.options", "chromadrill.drill.validate", "chromadrill.drill.scenario"),
    *("chromadrill.targets.registry", "chromadrill.targets.process.target"),
    *("chromadrill.targets.railway.simulator.http", "chromadrill.evidence.report.html"),
    *("chromadrill.recovery.rebuild", "chromadrill.backups.export.exporter", "psycopg"),
)  # fmt: skip
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(list(IMPORTS))
ROOT = Path(__file__).parents[1]


def run_forked(module, *arguments, environment=os.environ, cwd=None):
    """`python -m MODULE ARGUMENTS`, or `python FILE.py ARGUMENTS`, to its end.

    Returns a `subprocess.CompletedProcess` with its texts. `environment`: all of it.
    """
    words = [str(word) for word in (module, *arguments)]
    with contextlib.chdir(ROOT):  # Python 3.11's server imports from the folder it is started in
        forkserver.ensure_running()
    with tempfile.TemporaryDirectory(prefix="forked-") as folder:
        outputs = [Path(folder, name) for name in ("stdout", "stderr")]
        for path in outputs:
            path.touch()
        process = _CONTEXT.Process(
            target=_become, args=(words, dict(environment), str(cwd or Path.cwd()), outputs)
        )
        process.start()
        process.join(LIMIT_S)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(words, LIMIT_S)
        texts = [path.read_text("utf-8") for path in outputs]
    return subprocess.CompletedProcess(words, process.exitcode, *texts)


class _Became(BaseException):
    """What `os.execv` would have started."""


def _become(words, environment, folder, outputs):
    """In the fork: be the process that was asked for, to its end."""
    gc.freeze()  # what was imported stays: to search it for garbage copies its pages, too
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in enumerate((os.devnull, *outputs)):
        handle = os.open(path, os.O_RDWR | os.O_APPEND)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace")
    # of what is imported already pytest would say that it is not rewritten
    AssertionRewritingHook._warn_already_imported = lambda *_: None
    os.execv = _note_execution
    try:
        while True:
            try:
                _execute(words)
            except _Became as became:
                words = became.args[0]
            else:
                return
    finally:
        atexit._run_exitfuncs()


def _execute(words):
    sys.argv = list(words)
    if words[0].endswith(".py"):
        sys.path.insert(0, str(Path(words[0]).parent))
        runpy.run_path(words[0], run_name="__main__")
    else:
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)


def _note_execution(program, command):
    """`chromadrill drill` becomes pytest, `chromadrill load` locust: go on here with what they are."""
    raise _Became([*dropwhile(("-P", "-m").__contains__, command[1:])])
