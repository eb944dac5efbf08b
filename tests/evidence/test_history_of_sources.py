"""History, trend, metrics and badge of the user's own backups: one line a backup, by its source."""

from datetime import UTC, datetime

import orjson
import pytest

from chromadrill.core.clock import parse_time
from chromadrill.evidence import history
from chromadrill.evidence.finish import close, conclude
from chromadrill.evidence.ledger import Ledger
from chromadrill.evidence.record import record_of
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.prometheus import metrics
from chromadrill.evidence.trend import judge_trend
from tests.evidence.own_backup_ledgers import FLEET, proof, proven, run, several
from tests.evidence.page_reader import Reader

NOW = datetime(2026, 11, 29, 4, tzinfo=UTC)


def finished(tmp_path, *proofs, run_id="r1"):
    """The record of a whole run, sealed in its folder."""
    folder = tmp_path / "reports" / run_id
    folder.mkdir(parents=True)
    events = [event | ({"run_id": run_id} if "run_id" in event else {}) for event in run(*proofs)]
    lines = [orjson.dumps(event) for event in events if event["event"] != "run finished"]
    (folder / "evidence.jsonl").write_bytes(b"\n".join([*lines, b""]))
    ledger = Ledger(folder / "evidence.jsonl")
    record = conclude(ledger, exit_status=0, cleanup={"status": "done"}, drill=False)
    close(folder, record, drill=False, faults=[])
    return record


def line(run_id, **changes):
    (entry,) = history.entries_of_proofs(proven(), "")
    return {**entry, "run_id": run_id, **changes}


def test_each_backup_of_a_run_has_a_line_with_its_source_and_coverage(tmp_path):
    older = proof("night-28", created_at="2026-11-28T02:00:00.000Z", bytes=7)
    finished(tmp_path, proof(), older)

    first, second = history.read(tmp_path / "reports" / history.HISTORY)
    assert (first["source"], first["artefact"], first["bytes"]) == (
        "production",
        "night-29",
        1_210_000_000,
    )
    assert first["coverage"] == 4958 / 5186
    assert first["recovery_time_s"] == 41.5
    assert first["record_sha256"]
    assert (second["artefact"], second["bytes"]) == ("night-28", 7)


def test_a_line_has_the_outcome_of_its_own_backup():
    first, second = history.entries_of_proofs(several(), "")
    assert (first["outcome"], second["outcome"]) == ("pass", "fail")


def test_proofs_are_no_drills_of_the_target_that_they_were_served_on(tmp_path):
    path = tmp_path / "history.jsonl"
    history.append(path, {"run_id": "drill", "target": "process"})
    history.append(path, line("proof"))
    assert history.previous(path, "process")["run_id"] == "drill"


def test_the_trend_of_a_source_is_that_of_its_own_backups():
    past = [line(f"r{n}", recovery_time_s=10.0) for n in range(6)]
    others = [line(f"o{n}", source="archive", recovery_time_s=40.0) for n in range(6)]
    drills = [{**line(f"d{n}", recovery_time_s=40.0), "source": None} for n in range(6)]
    now = line("now", recovery_time_s=40.0, artefact="night-30")
    verdict = judge_trend(now, [*past, *others, *drills])[0]
    assert verdict.outcome == "fail"
    assert "the last 6 were 10-10 s" in verdict.message


def test_several_backups_of_one_run_count_each_in_the_trend():
    past = [line(f"r{n // 2}", artefact=f"a{n}", recovery_time_s=10.0) for n in range(6)]
    assert "the last 6" in judge_trend(line("now", recovery_time_s=10.0), past)[0].message


def test_the_page_of_a_proof_has_the_earlier_proofs_of_its_source_alone():
    past = [line("r1", artefact="earlier-one"), line("o", source="archive", artefact="of-archive")]
    drill = {"run_id": "d", "target": "process", "outcome": "pass", "recovery_time_s": 1.0}
    text = Reader(page(proven(), [drill, *past, line("now")])).text
    assert "The last 2 proofs of these backups" in text
    assert "earlier-one" in text
    assert "of-archive" not in text


def test_the_page_of_a_drill_has_no_proofs_among_its_drills():
    record = {"target": {"name": "process"}, "outcome": "pass", "scenarios": [{"id": "x"}]}
    drill = {"run_id": "d", "target": "process", "outcome": "pass", "recovery_time_s": 1.0}
    assert "The last 2 drills" in Reader(page(record, [drill, line("p"), drill])).text


def test_a_run_judges_its_trend_by_the_runs_before_it(tmp_path):
    for n in range(6):
        record = finished(tmp_path, proof(f"night-{n}"), run_id=f"r{n}")
    assert record["trend"][0]["check"] == "trend: recovery time"
    assert record["trend"][0]["outcome"] == "pass"


def test_the_metrics_say_when_each_source_was_proven_and_how_much_of_it(tmp_path):
    ended = parse_time(finished(tmp_path, proof())["finished_at"]).timestamp()
    text = (tmp_path / "reports" / "metrics.prom").read_text()
    name = "chromadrill_backup_last_proven_timestamp_seconds"
    assert f'{name}{{source="production"}} {ended!r}' in text
    assert f'chromadrill_backup_coverage_ratio{{source="production"}} {4958 / 5186}' in text
    assert 'chromadrill_backup_last_outcome{source="production",outcome="pass"} 1' in text
    # never proven: it has a limit and no time, which is what an alert is made of
    assert 'chromadrill_backup_proven_within_seconds{source="archive"} 3024000' in text
    assert 'last_proven_timestamp_seconds{source="archive"}' not in text


def test_a_failed_try_is_an_outcome_and_no_proof():
    (before, _) = FLEET
    text = metrics([], NOW, [{**before, "last_outcome": "fail"}])
    assert 'chromadrill_backup_last_outcome{source="production",outcome="fail"} 1' in text
    assert (
        'chromadrill_backup_last_proven_timestamp_seconds{source="production"} 1795835340.0' in text
    )


def test_the_history_knows_the_sources_of_older_records():
    text = metrics([line("r1"), line("r2", artefact="night-30", outcome="fail")], NOW)
    assert 'chromadrill_backup_last_proven_timestamp_seconds{source="production"}' in text
    assert 'chromadrill_backup_last_outcome{source="production",outcome="fail"} 1' in text
    assert 'chromadrill_last_proven_timestamp_seconds{target="process"}' not in text


def test_a_backup_that_failed_since_takes_its_proof_back_and_an_older_one_of_another_counts():
    name = "chromadrill_backup_last_proven_timestamp_seconds"
    first = line("r1", artefact="night-1", finished_at="2026-11-01T00:00:00Z", coverage=0.5)
    second = line("r2", artefact="night-2", finished_at="2026-11-02T00:00:00Z", coverage=1.0)
    failed = {"outcome": "fail", "finished_at": "2026-11-03T00:00:00Z"}
    text = metrics([first, second, line("r3", artefact="night-2", **failed)], NOW)
    assert f'{name}{{source="production"}} {parse_time("2026-11-01T00:00:00Z").timestamp()}' in text
    assert 'chromadrill_backup_coverage_ratio{source="production"} 0.5' in text
    fleet = [{"name": "production", "last_proven_at": None, "last_outcome": "fail"}]
    text = metrics([second, line("r3", artefact="night-2", **failed)], NOW, fleet)
    assert name not in text
    assert "coverage_ratio" not in text
    again = line("r4", artefact="night-2", finished_at="2026-11-04T00:00:00Z")
    assert name in metrics([second, line("r3", artefact="night-2", **failed), again], NOW, fleet)


@pytest.mark.parametrize("fleet", [[], [{"name": "production", "last_proven_at": None}]])
def test_a_lost_memory_does_not_hide_what_the_history_proves(fleet):
    assert 'chromadrill_backup_coverage_ratio{source="production"}' in metrics(
        [line("r1")], NOW, fleet
    )


def test_the_metrics_of_sources_are_read_by_both_parsers():
    modern = pytest.importorskip("prometheus_client.openmetrics.parser")
    classic = pytest.importorskip("prometheus_client.parser")
    text = metrics([line("r1")], NOW, FLEET)
    names = {family.name for family in modern.text_string_to_metric_families(text)}
    assert names == {family.name for family in classic.text_string_to_metric_families(text)}
    assert "chromadrill_backup_coverage_ratio" in names


def test_a_drill_names_the_sources_on_its_page_and_in_the_metrics():
    events = [
        {"event": "run started", "at": "2026-11-29T03:00:00.000Z", "run_id": "d",
         "target": {"name": "process"}, "required": []},
        {"event": "fleet", "sources": FLEET},
        {"event": "run finished", "at": "2026-11-29T03:10:00.000Z", "exit_status": 0, "cleanup": {}},
    ]  # fmt: skip
    record = record_of(events)
    text = Reader(page(record)).text
    assert "when a restore of it was last proven production 28 Nov 2026" in text.replace(
        "Source Last proven Coverage Last try ", ""
    )
