"""What `-m EXPRESSION` means for a run: one table, read by every fixture."""

from types import SimpleNamespace

import pytest

from fixtures import marks


def config_of(expression):
    return SimpleNamespace(option=SimpleNamespace(markexpr=expression))


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("", []),
        ("drill", ["drill"]),
        ("not drill", []),
        ("gate and not drill", ["gate"]),
        ("drill or container", ["drill", "container"]),
        ("not slow", []),
        ("drills", []),
    ],
)
def test_run_has_the_marks_that_its_expression_asks_for(expression, names):
    assert [mark.name for mark in marks.marks_of(config_of(expression))] == names


@pytest.mark.parametrize(
    ("expression", "is_parallel"),
    [("sabotage", True), ("drill", False), ("sabotage or drill", False), ("", False)],
)
def test_only_sabotage_may_have_workers(expression, is_parallel):
    assert marks.is_parallel(config_of(expression)) is is_parallel


@pytest.mark.parametrize(
    ("expression", "is_small"),
    [("gate", True), ("hotcopy", True), ("drill", False), ("gate or drill", False)],
)
def test_dataset_is_small_only_where_every_mark_allows_it(expression, is_small):
    assert marks.has_small_dataset(config_of(expression)) is is_small


def test_container_disasters_may_leave_out_neither_runbook():
    assert marks.required_runbooks(config_of("container")) == ["RB-1", "RB-2"]
    assert marks.required_runbooks(config_of("gate")) == []


def test_only_the_releases_suite_has_containers_beside_its_processes():
    assert marks.uses_containers(config_of("compat"))
    assert not marks.uses_containers(config_of("drill"))
