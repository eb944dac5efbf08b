"""The moment of an index flush that a kill waits for."""

import threading

import pytest

from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.disasters.kill_within_flush import Aim, KillWithinFlush, wait_for_flush
from chromadrill.monitoring.factory import UnreachableTarget


@pytest.fixture
def data(tmp_path):
    (tmp_path / "segment").mkdir()
    (tmp_path / "chroma.sqlite3").write_bytes(b"")
    return tmp_path


class Server:
    """Writes files of an index again and again, until somebody has seen it."""

    def __init__(self, data, *names):
        self._files = [data / "segment" / name for name in names]
        self._seen = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._seen.set()
        self._thread.join()

    def _write(self):
        while not self._seen.wait(0.01):
            for file in self._files:
                file.write_bytes(b"x")


@pytest.mark.parametrize(
    ("aim", "name"), [(Aim.FILES, "header.bin"), (Aim.IDS, "index_metadata.pickle")]
)
def test_moment_comes_with_its_file(data, aim, name):
    with Server(data, name):
        wait_for_flush(data, aim, within_s=10)


def test_list_of_ids_is_a_moment_of_its_own(data):
    with Server(data, "header.bin"), pytest.raises(Unavailable, match="nothing to aim at"):
        wait_for_flush(data, Aim.IDS, within_s=0.2)


def test_database_is_no_index(data):
    with Server(data, "../chroma.sqlite3"), pytest.raises(Unavailable, match="nothing to aim at"):
        wait_for_flush(data, Aim.FILES, within_s=0.2)


def test_target_that_is_no_process_is_not_killed():
    with pytest.raises(DrillError, match="no running process of ours"):
        KillWithinFlush(Aim.FILES).inject(UnreachableTarget("far", "http://127.0.0.1:9"))
