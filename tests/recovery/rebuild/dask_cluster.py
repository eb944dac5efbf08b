"""A Dask cluster of ours: a scheduler and its workers, processes on 127.0.0.1."""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]
START_S = 60


class DaskCluster:
    """`workers`: the processes, which a test may kill. `environment`: what they are started with."""

    def __init__(self, folder, environment):
        self._file, self._log = folder / "scheduler.json", folder / "dask.log"
        self._environment = {**environment, "PYTHONPATH": str(ROOT)}
        self.workers = []
        self.scheduler = self._start("dask_scheduler", "--port", "0", "--no-show")
        deadline = time.monotonic() + START_S
        while not (self._file.is_file() and self._file.read_text().endswith("}")):
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)
        self.address = json.loads(self._file.read_text())["address"]

    def start_worker(self):
        self.workers.append(
            self._start("dask_worker", "--nthreads", "1", "--no-nanny", "--death-timeout", "60")
        )
        return self.workers[-1]

    def _start(self, module, *options):
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1",
             "--scheduler-file", str(self._file), "--no-dashboard", *options],
            env=self._environment,
            cwd=self._file.parent,
            stdout=subprocess.DEVNULL,
            stderr=self._log.open("a"),
        )  # fmt: skip

    def end(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@contextmanager
def dask_cluster(folder, environment, count=2):
    """Its workers join while it is used already."""
    cluster = DaskCluster(folder, environment)
    try:
        for _ in range(count):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.end()
