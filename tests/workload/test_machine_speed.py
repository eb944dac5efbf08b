"""The reference workload measures, and leaves nothing behind."""

import subprocess
import sys

import psutil

from chromadrill.core.clock import wait_until
from chromadrill.workload.machine_speed import ReferenceWorkload


def test_yardstick_takes_its_time_and_ends():
    others = set(psutil.Process().children())  # servers of other tests
    with ReferenceWorkload() as reference_workload:
        times = [reference_workload.measure() for _ in range(20)]
        (child,) = set(psutil.Process().children()) - others
    assert 0.05 < min(times) < 100
    assert not child.is_running()


def test_yardstick_ends_with_an_owner_that_is_killed():
    code = (
        "from chromadrill.workload.machine_speed import ReferenceWorkload as Y\n"
        "import psutil\n"
        "with Y(): print(psutil.Process().children()[0].pid, flush=True); input()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child = psutil.Process(int(owner.stdout.readline()))
    owner.kill()
    owner.communicate()
    wait_until(lambda: has_ended(child), within_s=30, name="its end")


def has_ended(process):
    """Also where nobody has asked for its exit code yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
