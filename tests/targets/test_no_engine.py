"""Without a container engine: not covered, never green; a failure where there must be one."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from tests.forked import run_forked

ROOT = Path(__file__).parents[2]


def contract(reports, **environment):
    return run_forked(
        *("pytest", "suites/contract", "--target", "container", "-k", "name"),
        cwd=ROOT,
        environment={
            **{k: v for k, v in os.environ.items() if not k.startswith(("DRILL_", "PYTEST_XDIST"))},
            "DOCKER_HOST": "unix:///nowhere/docker.sock",
            "DRILL_REPORTS": str(reports),
            **environment,
        },
    )


@pytest.mark.slow
def test_what_needs_an_engine_is_not_covered_and_the_run_is_not_green(tmp_path):
    ran = contract(tmp_path)

    assert ran.returncode == 1
    assert "No container engine answers" in ran.stdout
    assert "1 skipped" in ran.stdout
    assert "failed" not in ran.stdout.splitlines()[-1]


@pytest.mark.slow
def test_where_an_engine_is_required_its_lack_is_a_failure(tmp_path):
    ran = contract(tmp_path, DRILL_REQUIRE_DOCKER="1")

    assert ran.returncode == 1
    assert "1 error" in ran.stdout
    assert "require_docker" in ran.stdout


def test_command_of_the_runbook_says_it_in_a_sentence(tmp_path):
    ran = run_forked(
        *("chromadrill", "ops", "--target", "container", "start"),
        cwd=tmp_path,
        environment={**os.environ, "DOCKER_HOST": "unix:///nowhere/docker.sock"},
    )

    assert ran.returncode == 2
    assert "No container engine answers" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_thin_client_that_would_break_chromadb_is_not_installed():
    with pytest.raises(PackageNotFoundError):
        version("chromadb-client")
