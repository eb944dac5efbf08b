"""`reports/latency-baseline-TARGET.json`: latencies of the last accepted run, and its conditions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chromadrill.core.clock import utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import write_atomic
from chromadrill.core.model import JSON

RECORDS = 0.05  # a database grows a little, its latencies hardly
SCHEMA = "chromadrill/latency-baseline/1"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What has to be the same for two latencies to be compared; `records` within 5 %."""

    kind: str
    target: str
    records: int
    chromadb: str
    cpus: int

    @property
    def file_name(self) -> str:
        """One baseline a target: its kind and name. Of a URL only host and port are in the name."""
        name = self.target
        if "://" in name:
            name = urlsplit(name).netloc.rpartition("@")[2]
        parts = [self.kind] if name == self.kind else [self.kind, name]
        return f"latency-baseline-{re.sub(r'[^A-Za-z0-9.]+', '-', '-'.join(parts))}.json"


@dataclass(frozen=True, slots=True)
class Baseline:
    """An accepted run: `checks.latency.percentiles` by series, and the conditions of the run."""

    run_id: str
    accepted_at: str
    place: Conditions
    series: Mapping[str, Mapping[str, float]]

    def why_not_comparable(self, current: Conditions) -> str:
        """Why it cannot be compared with a run under `current` conditions; "" where it can."""
        was, now = asdict(self.place), asdict(current)
        if abs(was["records"] - now["records"]) <= RECORDS * was["records"]:
            now["records"] = was["records"]
        other = [f"{key} {was[key]}, here {now[key]}" for key in was if was[key] != now[key]]
        return f"the baseline ({self.run_id}) is of {'; '.join(other)}" if other else ""


def read(path: Path) -> Baseline | None:
    """The accepted baseline; None where none was accepted yet. Raises Unavailable for a broken one."""
    try:
        raw: Any = json.loads(path.read_bytes())
        if raw["schema"] != SCHEMA:
            raise ValueError(f"schema {raw['schema']}, wanted {SCHEMA}")
        series = {
            str(name): {str(rank): _above_0(value) for rank, value in ranks.items()}
            for name, ranks in raw["series"].items()
        }
        return Baseline(
            str(raw["run_id"]), str(raw["accepted_at"]), Conditions(**raw["place"]), series
        )
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unavailable(
            f"The baseline {path} cannot be read: {error}.",
            next_step="Accept another: pytest -m latency --accept-latency.",
        ) from error


def _above_0(value: Any) -> float:
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(f"{number} ms is no latency")
    return number


def write(
    path: Path, run_id: str, place: Conditions, series: Mapping[str, Mapping[str, float]]
) -> Baseline:
    """Keep this run as the baseline, whole or not at all."""
    baseline = Baseline(run_id, utc_now(), place, series)
    raw: JSON = {"schema": SCHEMA, **asdict(baseline)}
    write_atomic(path, json.dumps(raw, indent=1) + "\n")
    return baseline
