"""Values as a reader wants them: durations, dates, sizes."""

from __future__ import annotations

import math
import re
from datetime import datetime
from itertools import pairwise
from typing import Any

from chromadrill.core.clock import parse_time
from chromadrill.core.model import JSON

NOT_MEASURED = "not measured"
NOT_RECORDED = "not recorded"
SHORT_LOG = 3  # lines; of a longer one with a panic only that is shown
OUTCOMES = {"pass": "PASS", "fail": "FAIL", "unknown": "UNKNOWN", "not_run": "NOT RUN"}

# looked up or compared, so a text whatever a broken record holds there
PLAIN = {"run_id", "outcome", "runbook", "check", "title", "kind", "status", "family", "result"}


def sanitise(value: Any, key: str = "") -> Any:
    """A copy of a record whose looked-up fields are texts, whatever a broken record holds there."""
    if isinstance(value, dict | list) and key in PLAIN:
        return str(value)
    if isinstance(value, dict):
        return {str(name): sanitise(item, str(name)) for name, item in value.items()}
    return [sanitise(item) for item in value] if isinstance(value, list) else value


def rows(holder: Any, name: str) -> list[JSON]:
    """The objects of a list; an old or broken record may have none, or something else."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def part(holder: Any, name: str) -> JSON:
    """The object of that name, or an empty one."""
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def texts(holder: JSON, name: str) -> list[str]:
    """The list of that name as texts."""
    value = holder.get(name)
    return [str(item) for item in value] if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """A finite number, or None: a bool or a text is no measurement."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def text_of(value: Any, otherwise: str = NOT_RECORDED) -> str:
    """The text of a value; `otherwise` for None and for ""."""
    return otherwise if value is None or value == "" else str(value)


def duration(value: Any, otherwise: str = NOT_MEASURED) -> str:
    """ "0.3 s", "300 s", "16 min 40 s", "24 h"."""
    seconds = number(value)
    if seconds is None:
        return otherwise if value is None else str(value)
    if abs(seconds) < 600:
        return f"{round(seconds, 1):g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h" + (f" {minutes} min" if minutes else "")


def days(value: Any) -> str:
    """ "35 days", of seconds; shorter times as `duration` has them."""
    seconds = number(value)
    if seconds is None or seconds < 2 * 86_400:
        return duration(value)
    return f"{round(seconds / 86_400, 1):g} days"


def count(value: Any, otherwise: str = NOT_MEASURED) -> str:
    """ "5,909"."""
    figure = number(value)
    if figure is None:
        return otherwise if value is None else str(value)
    return f"{figure:,.0f}" if figure == int(figure) else f"{figure:,.3g}"


def amount(value: Any, unit: Any) -> str:
    """A measured value with its unit."""
    if unit == "s":
        return duration(value)
    return f"{count(value)} {unit}" if unit and value is not None else count(value)


def share(value: Any, otherwise: str = NOT_MEASURED) -> str:
    """ "95.6 %" of 0.9561; 100 % is all, and 0 % is nothing."""
    part_of = number(value)
    if part_of is None:
        return otherwise
    percent = 100 * part_of
    if 0 < percent < 0.1:
        return "under 0.1 %"
    # rounded down: 99.97 % of the records are not all of them
    return f"{math.floor(percent * 10 + 1e-6) / 10:g} %"


def size(value: Any, otherwise: str = NOT_RECORDED) -> str:
    """ "1.2 MB" (10^6 bytes)."""
    bytes_ = number(value)
    if bytes_ is None:
        return text_of(value, otherwise)
    for unit in ("B", "kB", "MB"):
        if abs(bytes_) < 1000:
            return f"{bytes_:.3g} {unit}"
        bytes_ /= 1000
    return f"{bytes_:,.1f} GB"


def one_line(value: Any, most: int = 300) -> str:
    """The text on one line; a longer one is cut. Of a log with a panic, its first line and the panic's.

    A panic of Chroma is a page, and no cell of a table.
    """
    lines = [line.strip() for line in text_of(value).splitlines() if line.strip()]
    panic = next((after for line, after in pairwise(lines) if "panicked at" in line), None)
    if panic and len(lines) > SHORT_LOG:
        lines = [lines[0], panic if "panicked at" in lines[0] else f"Panic: {panic}"]
    line = " ".join(" ".join(lines).split())
    return line if len(line) <= most else f"{line[:most].rstrip()}... ({len(line):,} characters)"


def moment(value: Any) -> datetime | None:
    """An ISO time, in UTC."""
    try:
        return parse_time(str(value))
    except ValueError:
        return None


def when(value: Any) -> str:
    """ "25 Nov 2026, 07:39:26 UTC"; any other text is shown as it is."""
    time = moment(value)
    return text_of(value) if time is None else f"{time:%d %b %Y, %H:%M:%S} UTC".lstrip("0")


def without_number(value: Any) -> str:
    """A step's name without its own number: the page numbers all steps."""
    return re.sub(r"^\d+\.\s+", "", text_of(value))
