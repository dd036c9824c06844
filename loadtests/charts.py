"""Two bar charts for the README from the published result file: ``python -m loadtests.charts``.

Plain SVG, written here: a few rectangles and words need no library. The picture follows the reader's light or dark
scheme by a media query, and each bar has its figure beside it, so no colour is needed to read it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec

from loadtests.bench import Row
from loadtests.cases import CASES
from loadtests.entrants import CLAIM, STEADY
from loadtests.report import PUBLISHED

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH, LABEL_WIDTH, FIGURE_WIDTH = 760, 218, 150
BAR, GAP, TOP, BOTTOM = 20, 9, 62, 34
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .note { font-size: 12px; fill: #59636e }
  .figure { font-variant-numeric: tabular-nums }
  .kaifan { fill: #c2410c } .durable { fill: #57606a } .lost { fill: #afb8c1 }
  .spread { stroke: #1f2328; stroke-width: 1.5; opacity: .55 }
  .axis { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 }
    .kaifan { fill: #fb923c } .durable { fill: #8b949e } .lost { fill: #484f58 }
    .spread { stroke: #e6edf3 } .axis { stroke: #3d444d }
  }
"""


class Bar(msgspec.Struct, frozen=True):
    """One subject: its value, the smallest and largest round where there is a spread, and what is written."""

    label: str
    kind: str
    value: float
    low: float
    high: float
    figure: str


def throughput(rows: Sequence[Row]) -> str:
    """Holds per second at the largest number of connections, the fastest first."""
    chosen = _largest(rows, CASES[CLAIM].name)
    bars = [
        Bar(row.subject, _kind(row), row.rate_median, row.rate_min, row.rate_max, f"{row.rate_median:,.0f}/s")
        for row in sorted(chosen, key=lambda row: -row.rate_median)
    ]
    return _chart(
        f"Flash claims per second, {_connections(chosen)} connections",
        "median of the rounds, line: slowest to fastest round; more is better",
        bars,
        rows,
    )


def latency(rows: Sequence[Row]) -> str:
    """99th percentile at 70 % of each subject's maximum, the quickest first."""
    chosen = _largest(rows, CASES[STEADY].name)
    bars = [
        Bar(row.subject, _kind(row), row.p99_ms, row.p99_ms, row.p99_ms, _latency_figure(row))
        for row in sorted(chosen, key=lambda row: row.p99_ms)
    ]
    return _chart(
        f"99th percentile at 70 % of the own maximum, {_connections(chosen)} connections",
        "from the moment at which a claim was due; less is better",
        bars,
        rows,
    )


CHARTS: dict[str, Callable[[Sequence[Row]], str]] = {"throughput.svg": throughput, "p99.svg": latency}
CASE_OF = {"throughput.svg": CLAIM, "p99.svg": STEADY}


def drawn(rows: Sequence[Row]) -> dict[str, str]:
    """File name → picture, of the charts whose case was run."""
    return {name: draw(rows) for name, draw in CHARTS.items() if _largest(rows, CASES[CASE_OF[name]].name)}


def _latency_figure(row: Row) -> str:
    return f"{row.p99_ms:.1f} ms at {row.offered or row.rate_median:,.0f}/s"


def _largest(rows: Sequence[Row], case: str) -> list[Row]:
    mine = [row for row in rows if row.case == case]
    most = max((row.connections for row in mine), default=0)
    return [row for row in mine if row.connections == most]


def _connections(rows: Sequence[Row]) -> int:
    return rows[0].connections if rows else 0


def _kind(row: Row) -> str:
    if row.subject.startswith("kaifan"):
        return "kaifan"
    return "durable" if row.durability.startswith("fsync") else "lost"


def _chart(title: str, note: str, bars: Sequence[Bar], rows: Sequence[Row]) -> str:
    height = TOP + len(bars) * (BAR + GAP) + BOTTOM
    room = WIDTH - LABEL_WIDTH - FIGURE_WIDTH
    scale = room / max((bar.high for bar in bars), default=1.0)
    machine = f"{rows[0].machine}; load generator on the same machine" if rows else "no figures yet"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(_in_words(title, bars), {chr(34): "&quot;"})}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="0" y="18">{escape(title)}</text>',
        f'<text class="note" x="0" y="38">{escape(note)}. Faint: not durable when answered.</text>',
        f'<line class="axis" x1="{LABEL_WIDTH}" y1="{TOP - 6}" x2="{LABEL_WIDTH}" y2="{height - BOTTOM}"/>',
    ]
    for number, bar in enumerate(bars):
        lines += _bar(bar, TOP + number * (BAR + GAP), scale)
    lines += [f'<text class="note" x="0" y="{height - 10}">{escape(machine)}</text>', "</svg>", ""]
    return "\n".join(lines)


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    middle, end = y + BAR / 2, LABEL_WIDTH + bar.value * scale
    lines = [
        f'<text x="{LABEL_WIDTH - 8}" y="{middle + 4.5}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{bar.kind}" x="{LABEL_WIDTH}" y="{y}" width="{max(1.0, bar.value * scale):.1f}" '
        f'height="{BAR}" rx="2"/>',
    ]
    if bar.high > bar.low:
        low, high = LABEL_WIDTH + bar.low * scale, LABEL_WIDTH + bar.high * scale
        lines.append(f'<line class="spread" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>')
        end = max(end, high)
    lines.append(f'<text class="figure" x="{end + 8:.1f}" y="{middle + 4.5}">{escape(bar.figure)}</text>')
    return lines


def _in_words(title: str, bars: Sequence[Bar]) -> str:
    """The chart for those who do not see it."""
    return f"{title}: " + ", ".join(f"{bar.label} {bar.figure}" for bar in bars)


def main() -> int:
    """Draw both charts from the published result file into ``docs/images``."""
    rows = msgspec.json.decode(PUBLISHED.read_bytes(), type=list[Row])
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name in CHARTS:
        (IMAGES / name).unlink(missing_ok=True)
    for name, picture in drawn(rows).items():
        (IMAGES / name).write_text(picture)
        print(IMAGES / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
