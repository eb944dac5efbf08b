"""kill -9 at any moment: both copies have known names, and the next run embeds nothing twice."""

import signal
import subprocess
import sys

import pytest

from chromadrill.checks.suite import outcome_of
from chromadrill.core.model import Outcome, Scope
from tests.recovery.rebuild.conftest import ROOT, ROWS

pytestmark = pytest.mark.slow
WHOLE = {i: (c, m) for i, c, m in ROWS}
# a sample is embedded again for the proof; a batch is lost that was embedded and not yet written
BATCH = 8
MOMENTS = [("embed", 1), ("embed", 3), ("upsert", 2), ("upsert", 7), ("prove", 1), ("rename", 1),
           ("rename", 2)]  # fmt: skip


def run_and_kill(table, chroma_home, log, moment, count):
    args = [chroma_home.url, table.url, moment, str(count), str(log)]
    process = subprocess.run(
        [sys.executable, "-m", "tests.recovery.rebuild.killed_run", *args],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()[-2000:]
    return log.read_text().splitlines() if log.is_file() else []


# where nothing has the name, there is one rename
@pytest.mark.parametrize(("moment", "count"), MOMENTS[:-1], ids=str)
def test_killed_rebuild_of_a_lost_collection_goes_on(table, chroma_home, tmp_path, moment, count):
    embedded_before = run_and_kill(table, chroma_home, tmp_path / "log", moment, count)
    assert "docs" not in table.names()  # clients never see half of it

    result = table.rebuild()
    assert outcome_of(result.verdicts) is Outcome.PASS
    assert table.records() == WHOLE
    assert table.names() == ["docs"]
    written = 60 if moment in ("prove", "rename") else (len(embedded_before) // BATCH) * BATCH
    assert result.resumed >= written - BATCH
    assert result.embedded == 60 - result.resumed


@pytest.mark.parametrize(("moment", "count"), MOMENTS, ids=str)
def test_killed_rebuild_keeps_the_old_collection(table, chroma_home, tmp_path, moment, count):
    table.rebuild()
    table.sql("update manual_content set content = content || '!'")
    run_and_kill(table, chroma_home, tmp_path / "log", moment, count)

    names = {"docs", "docs.rebuilding"}
    if (moment, count) == ("rename", 2):
        names = {
            "docs.before-rebuild",
            "docs.rebuilding",
        }  # the moment in which nobody has the name
    if (moment, count) == ("embed", 1):
        names = {"docs"}
    assert set(table.names()) | {"docs.rebuilding"} == names | {"docs.rebuilding"}
    old = table.records("docs" if "docs" in names else "docs.before-rebuild")
    assert old == WHOLE

    result = table.rebuild()
    assert outcome_of(result.verdicts) is Outcome.PASS
    assert table.records() == {i: (f"{c}!", m) for i, c, m in ROWS}
    assert table.records("docs.before-rebuild") == WHOLE
    assert sorted(table.names()) == ["docs", "docs.before-rebuild"]
    assert result.embedded == 60 - result.resumed


def test_killed_after_the_last_rename_leaves_nothing_to_do(table, chroma_home):
    table.rebuild()
    table.chroma.rename_collection(table.collection(), "docs.rebuilding")
    # nothing has the name, and nothing was put aside: the staged one is proven again and named
    result = table.rebuild()
    assert (result.embedded, result.resumed) == (0, 60)
    assert table.names() == ["docs"]
    assert Scope() == table.collection().scope
