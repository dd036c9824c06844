"""The README's charts show the published result file and nothing else."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec
import pytest

from loadtests.bench import Row
from loadtests.charts import CHARTS, IMAGES, drawn, latency, throughput
from loadtests.report import PUBLISHED
from tests.loadtests.test_report import row

SVG = "{http://www.w3.org/2000/svg}"
STEADY = "flash claim at 70 % of the maximum"


def texts(svg: str) -> list[str]:
    """What stands in the picture, in its order."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_charts_in_the_repository_are_drawn_from_the_published_run() -> None:
    """Whoever publishes another run has to draw again; a chart whose case was not run is not there."""
    rows = msgspec.json.decode(PUBLISHED.read_bytes(), type=list[Row])

    assert {path.name: path.read_text() for path in IMAGES.glob("*.svg") if path.name in CHARTS} == drawn(
        rows
    )


def test_bars_are_the_rates_at_the_largest_number_of_connections_fastest_first() -> None:
    """Length is proportional to the rate, the spread is a line, and the figure stands beside the bar."""
    svg = throughput(
        [
            row("slow & durable", connections=256, rate_median=1_000.0, rate_min=900.0, rate_max=1_100.0),
            row("kaifan", connections=256, rate_median=2_000.0, rate_min=2_000.0, rate_max=2_200.0),
            row("other", connections=64, rate_median=9_000.0),
            row("kaifan", case=STEADY, connections=256),
        ]
    )

    bars = ElementTree.fromstring(svg).findall(f"{SVG}rect")
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert [bar.attrib["class"] for bar in bars] == ["kaifan", "durable"]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert len(ElementTree.fromstring(svg).findall(f"{SVG}line[@class='spread']")) == 2
    words = texts(svg)
    assert words.index("kaifan") < words.index("2,000/s") < words.index("slow & durable")
    assert "other" not in words


def test_latency_is_the_quickest_first_and_names_the_rate_it_was_measured_at() -> None:
    """A low percentile at a low rate must not look better than it is."""
    svg = latency(
        [
            row("late", case=STEADY, p99_ms=40.0, offered=700.0, durability="memory"),
            row("quick", case=STEADY, p99_ms=10.0, offered=7_000.0),
        ]
    )

    words = texts(svg)
    assert words.index("10.0 ms at 7,000/s") < words.index("40.0 ms at 700/s")
    assert 'class="lost"' in svg


def test_a_picture_reads_in_light_and_dark_and_aloud() -> None:
    """Colours follow the reader's scheme, and the label holds every figure."""
    svg = throughput([row("kaifan")])

    assert "prefers-color-scheme: dark" in svg
    assert "kaifan 4,321/s" in ElementTree.fromstring(svg).attrib["aria-label"]
