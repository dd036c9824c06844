"""Figures for the docs page, from a result file. ``python -m loadtests.report`` writes them into the page.

The page's tables are never typed by hand: they stand between two marks and are made from the published result
file, and a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from loadtests.bench import RESULTS, Row

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PUBLISHED = RESULTS / "published" / "bench.json"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_HEAD = (
    "subject",
    "durability",
    "per second (min–max)",
    "ratio (min–max)",
    "p50 / p99 ms",
    "errors",
    "correct",
)


def figures(rows: Sequence[Row]) -> str:
    """The rows as Markdown: one table per case and number of connections, the machine and the load below."""
    parts: list[str] = []
    for case, connections in dict.fromkeys((row.case, row.connections) for row in rows):
        block = [row for row in rows if (row.case, row.connections) == (case, connections)]
        parts += [f"**{case}, {connections} connections, {block[0].rounds} rounds**", ""]
        parts += [f"| {' | '.join(_HEAD)} |", f"|{'---|' * len(_HEAD)}"]
        parts += [_line(row) for row in block]
        parts += ["", f"Load: `{block[0].generator}`. {_compared(block)}".rstrip(), ""]
    if rows:
        parts += [f"Machine: {rows[0].machine}."]
    return "\n".join(parts)


def _compared(block: Sequence[Row]) -> str:
    """What the ratios of a table are to."""
    to = list(dict.fromkeys(row.ratio_to for row in block if row.ratio_to_kaifan is not None))
    return f"Ratios are to `{'`, `'.join(to)}`." if to else ""


def with_figures(page: str, rows: Sequence[Row]) -> str:
    """The page with its figures replaced.

    Raises:
        ValueError: the page has lost its marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{figures(rows)}\n{END}{after}"


def main() -> int:
    """Rewrite the figures of ``docs/performance.md`` from the published result file."""
    rows = msgspec.json.decode(PUBLISHED.read_bytes(), type=list[Row])
    PAGE.write_text(with_figures(PAGE.read_text(), rows))
    print(f"{PAGE}: {len(rows)} rows of {PUBLISHED}")
    return 0


def _line(row: Row) -> str:
    ratio = "–"
    offered = "" if row.offered is None else f" of {row.offered:,.0f} due"
    if row.ratio_to_kaifan is not None:
        ratio = f"{row.ratio_to_kaifan:.2f} ({row.ratio_min:.2f}–{row.ratio_max:.2f})"
    cells = (
        row.subject,
        row.durability,
        f"{row.rate_median:,.0f} ({row.rate_min:,.0f}–{row.rate_max:,.0f}){offered}",
        ratio,
        f"{row.p50_ms:.1f} / {row.p99_ms:.1f}",
        str(row.errors),
        "yes" if row.correct else "**no**",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
