"""Latency over time as one SVG file: p50 and slowest of each moment, the limit, the outages.

Pure: numbers to text. The file holds its own colours for light and dark, and no script. What a colour
means, a pattern or a word says too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from statistics import median

from chromadrill.evidence.report.svg_helpers import patterns

WIDTH, HEIGHT = 960, 380
LEFT, RIGHT, TOP, FLOOR = 64, 944, 64, 316
BUCKETS = 120
PATTERNS = ("error", "wrong", "timeout", "unwatched")
STYLE = """
svg { background: #fff; font: 13px system-ui, sans-serif; }
text { fill: #1a1d21; } .muted { fill: #4b5563; } .grid { stroke: #d5dae0; } .axis { stroke: #8a939e; }
.p50 { fill: none; stroke: #0b57a4; stroke-width: 2.5; } .most { fill: #a81c14; }
.limit { stroke: #1a1d21; stroke-width: 2; stroke-dasharray: 7 4; }
.halo { paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round; }
.f-right { fill: #9ad4a9; } .f-wrong { fill: #ffd27a; } .f-error { fill: #f5a19a; }
.f-timeout { fill: #cfc6ee; } .f-unwatched { fill: #d9dce0; }
.ink { stroke: #1a1d21; stroke-width: 1.2; fill: none; } .dot { fill: #1a1d21; }
.window { opacity: .65; }
@media (prefers-color-scheme: dark) {
svg { background: #14171a; } text { fill: #e8eaed; } .muted { fill: #b0b7bf; }
.grid { stroke: #3a424a; } .axis { stroke: #7b848e; } .p50 { stroke: #8ec2ff; } .most { fill: #ffb0a8; }
.limit { stroke: #e8eaed; } .halo { stroke: #14171a; }
.f-right { fill: #1f6b38; } .f-wrong { fill: #7d5a00; } .f-error { fill: #96302a; }
.f-timeout { fill: #54468f; } .f-unwatched { fill: #4a5058; }
.ink { stroke: #fff; } .dot { fill: #fff; } }
"""
Point = tuple[float, float, str]  # seconds of the run, milliseconds, outcome
Window = tuple[float, float, str]  # from, to (seconds), error, wrong or timeout
Scale = Callable[[float], float]


def latency_chart(
    points: Sequence[Point],
    windows: Sequence[Window],
    *,
    title: str,
    limit_ms: float | None = None,
    key: str = "latency",
) -> str:
    """Latency from the intended start over the run's time, on a logarithmic scale."""
    answered = [point for point in points if point[2] in ("right", "timeout")]
    total = max([1.0, *(at for at, _, _ in points), *(end for _, end, _ in windows)])
    values = [max(ms, 0.1) for _, ms, _ in answered]
    low = math.floor(math.log10(min([*values, limit_ms or 10.0])))
    high = math.ceil(math.log10(max([*values, limit_ms or 10.0]) * 1.05))

    def x(at: float) -> float:
        return LEFT + (RIGHT - LEFT) * min(max(at / total, 0.0), 1.0)

    def y(ms: float) -> float:
        share = (math.log10(max(ms, 0.1)) - low) / max(high - low, 1)
        return FLOOR - (FLOOR - TOP) * min(max(share, 0.0), 1.0)

    body = [patterns(key), *_windows(windows, x, key), *_axes(total, low, high, x, y)]
    buckets = _buckets(answered, total)
    for stretch in _stretches(buckets):
        path = " ".join(f"{x(at):.1f},{y(median(ms)):.1f}" for _, at, ms in stretch)
        body.append(f'<polyline class="p50" points="{path}"/>')
    body += [
        f'<rect class="most" x="{x(at) - 2:.1f}" y="{y(max(ms)) - 2:.1f}" width="4" height="4"/>'
        for _, at, ms in buckets
    ]
    if limit_ms is not None:
        at = y(limit_ms)
        body.append(
            f'<line class="limit" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text class="halo" x="{RIGHT - 4}" y="{at - 6:.1f}" text-anchor="end">'
            f"limit {limit_ms:g} ms (p90)</text>"
        )
    body.append(_legend(key))
    description = (
        "; ".join(f"{result} {a:.1f} to {b:.1f} s" for a, b, result in windows) or "no outage"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{len(points)} arrivals; {escape(description)}</desc>'
        f"<style>{STYLE}</style>"
        f'<text x="{LEFT}" y="22" font-size="16" font-weight="600">{escape(title)}</text>'
        f"{''.join(body)}</svg>\n"
    )


def _buckets(points: Sequence[Point], total: float) -> list[tuple[int, float, list[float]]]:
    """(number, middle in seconds, milliseconds of its arrivals) of every bucket that has any."""
    wide = total / BUCKETS
    milliseconds: dict[int, list[float]] = {}
    for at, ms, _ in points:
        milliseconds.setdefault(min(int(at / wide), BUCKETS - 1), []).append(ms)
    return [(n, (n + 0.5) * wide, milliseconds[n]) for n in sorted(milliseconds)]


def _stretches(
    buckets: Sequence[tuple[int, float, list[float]]],
) -> list[list[tuple[int, float, list[float]]]]:
    """Where nothing was answered no line is drawn."""
    stretches: list[list[tuple[int, float, list[float]]]] = []
    for bucket in buckets:
        if stretches and bucket[0] - stretches[-1][-1][0] <= 2:
            stretches[-1].append(bucket)
        else:
            stretches.append([bucket])
    return stretches


def _windows(windows: Sequence[Window], x: Scale, key: str) -> list[str]:
    body, last = [], -100.0
    for start, end, result in windows:
        name = result if result in PATTERNS else "timeout"
        at, wide = x(start), max(x(end) - x(start), 2.0)
        body.append(
            f'<rect class="window" fill="url(#{key}-{name})" x="{at:.1f}" y="{TOP}"'
            f' width="{wide:.1f}" height="{FLOOR - TOP}"><title>{escape(result)}'
            f" {start:.1f} to {end:.1f} s</title></rect>"
        )
        if at - last > 90:  # else the words would lie on each other; the title has them
            label = f"{result} {end - start:.1f} s"
            side = "end" if at > RIGHT - 100 else "start"
            body.append(
                f'<text class="halo" x="{at:.1f}" y="{TOP - 8}" text-anchor="{side}">'
                f"{escape(label)}</text>"
            )
            last = at
    return body


def _axes(total: float, low: int, high: int, x: Scale, y: Scale) -> list[str]:
    body = []
    for power in range(low, high + 1):
        ms = 10.0**power
        label = f"{ms / 1000:g} s" if ms >= 1000 else f"{ms:g} ms"
        body.append(
            f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y(ms):.1f}" y2="{y(ms):.1f}"/>'
            f'<text class="muted" x="{LEFT - 6}" y="{y(ms) + 4:.1f}" text-anchor="end">{label}</text>'
        )
    sizes = (step * 10**power for power in range(6) for step in (1, 2, 5))
    step = next((size for size in sizes if size * 10 >= total), int(total))
    body += [
        f'<text class="muted" x="{x(at):.1f}" y="{FLOOR + 18}" text-anchor="middle">{at} s</text>'
        for at in range(0, int(total) + 1, step)
    ]
    body.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{FLOOR}" y2="{FLOOR}"/>')
    return body


def _legend(key: str) -> str:
    y = HEIGHT - 22
    body = (
        f'<line class="p50" x1="{LEFT}" x2="{LEFT + 24}" y1="{y - 4}" y2="{y - 4}"/>'
        f'<text x="{LEFT + 30}" y="{y}">p50</text>'
        f'<rect class="most" x="{LEFT + 78}" y="{y - 7}" width="5" height="5"/>'
        f'<text x="{LEFT + 90}" y="{y}">slowest, from the intended start</text>'
    )
    for place, name in enumerate(PATTERNS):
        at = LEFT + 340 + 110 * place
        body += (
            f'<rect fill="url(#{key}-{name})" x="{at}" y="{y - 12}" width="16" height="14"/>'
            f'<text x="{at + 22}" y="{y}">{name}</text>'
        )
    return body
