"""Figures on the docs page come from the published result file and from nowhere else."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.bench import Row
from loadtests.report import PAGE, PUBLISHED, figures, with_figures


def row(subject: str, **changes: object) -> Row:
    """A row with round numbers."""
    fields = {
        "case": "flash claim",
        "subject": subject,
        "durability": "fsync",
        "rounds": 5,
        "rate_median": 4321.0,
        "rate_min": 4000.0,
        "rate_max": 5000.0,
        "p50_ms": 1.0,
        "p99_ms": 2.0,
        "errors": 0,
        "correct": True,
        "connections": 64,
        "acknowledged": 9,
        "ratio_to_kaifan": 0.5,
        "ratio_min": 0.4,
        "ratio_max": 0.6,
        "audit": "yes",
        "generator": "g",
        "machine": "m",
    }
    return msgspec.convert(fields | changes, Row)


def test_the_page_shows_the_published_run_and_nothing_else() -> None:
    """Whoever publishes another run, or edits a figure by hand, has to run the report."""
    rows = msgspec.json.decode(PUBLISHED.read_bytes(), type=list[Row]) if PUBLISHED.exists() else []

    page = PAGE.read_text()

    assert with_figures(page, rows) == page


def test_a_failed_audit_stands_out() -> None:
    """A subject that oversells stays in the table, in bold."""
    text = figures([row("honest"), row("oversold", correct=False, ratio_to_kaifan=None)])

    assert "| honest | fsync | 4,321 (4,000–5,000) | 0.50 (0.40–0.60) | 1.0 / 2.0 | 0 | yes |" in text
    assert "| oversold | fsync | 4,321 (4,000–5,000) | – | 1.0 / 2.0 | 0 | **no** |" in text


def test_cases_and_connections_have_tables_of_their_own() -> None:
    """Rows of different cases are never compared in one table."""
    text = figures([row("a"), row("a", connections=256), row("a", case="flash claim past stock")])

    assert text.count("| subject |") == 3


def test_a_page_without_marks_is_refused() -> None:
    """Figures must not be appended somewhere by guess."""
    with pytest.raises(ValueError, match="marks"):
        with_figures("no marks here", [])
