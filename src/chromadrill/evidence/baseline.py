"""`reports/latency-baseline.json`: the latencies of the last accepted run, and where they hold."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chromadrill.clock import utc_now
from chromadrill.errors import Unavailable
from chromadrill.model import JSON

BASELINE = "latency-baseline.json"
SCHEMA = "chromadrill/latency-baseline/1"


@dataclass(frozen=True, slots=True)
class Place:
    """What has to be the same for two latencies to be compared."""

    kind: str
    target: str
    records: int
    chromadb: str
    cpus: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """An accepted run: `checks.latency.percentiles` by series, and its place."""

    run_id: str
    accepted_at: str
    place: Place
    series: Mapping[str, Mapping[str, float]]

    def not_comparable(self, here: Place) -> str:
        """Why it says nothing about a run here; "" when it does."""
        was, now = asdict(self.place), asdict(here)
        other = [f"{key} {was[key]}, here {now[key]}" for key in was if was[key] != now[key]]
        return f"the baseline ({self.run_id}) is of {'; '.join(other)}" if other else ""


def read(path: Path) -> Baseline | None:
    """The accepted baseline; None where none was accepted yet. Raises Unavailable for a broken one."""
    try:
        raw: Any = json.loads(path.read_bytes())
        if raw["schema"] != SCHEMA:
            raise ValueError(f"schema {raw['schema']}, wanted {SCHEMA}")
        series = {
            str(name): {str(rank): float(value) for rank, value in ranks.items()}
            for name, ranks in raw["series"].items()
        }
        return Baseline(str(raw["run_id"]), str(raw["accepted_at"]), Place(**raw["place"]), series)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(
            f"The baseline {path} cannot be read: {error}.",
            next_step="Accept another: pytest -m latency --accept-latency.",
        ) from error


def write(
    path: Path, run_id: str, place: Place, series: Mapping[str, Mapping[str, float]]
) -> Baseline:
    """Keep this run as the baseline, whole or not at all."""
    made = Baseline(run_id, utc_now(), place, series)
    raw: JSON = {"schema": SCHEMA, **asdict(made)}
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(raw, indent=1) + "\n", "utf-8")
    partial.replace(path)
    return made
