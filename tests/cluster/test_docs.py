"""docs/operations.md names what there is: every setting with its default, every command, only real metrics."""

from __future__ import annotations

import re
from pathlib import Path

from actors.metering import Meter
from cluster.cli import app
from cluster.observability import metrics_text
from cluster.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()

STATUS = {
    "silo": "silo-0#1",
    "shards": 0,
    "entities": 0,
    "loading": 0,
    "mailbox_depth": 0,
    "lane_depth": 0,
    "placement_version": 0,
    "serving": True,
    "quarantined": [],
    "lane_kinds": {"silo-1#1": "stream"},
    "lane_frames": 0,
    "lane_fallbacks": 0,
    "lane_streams": 0,
    "lane_breaks": 0,
    "lane_refused": 0,
}


def test_every_setting_is_listed_with_its_default() -> None:
    """No setting more and none less than the code has."""
    listed = dict(re.findall(r"^\| `(KAIFAN_\w+)` \| (?:`(.*?)` )?\|$", PAGE, re.MULTILINE))

    assert listed == {
        f"KAIFAN_{name.upper()}": str(field.default) for name, field in Settings.model_fields.items()
    }


def test_every_command_is_told() -> None:
    """What the command line knows is on the page."""
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"kaifan {command.name or command.callback.__name__}" in PAGE


def test_every_metric_on_the_page_exists() -> None:
    """A dashboard built from the page finds its series."""
    text = metrics_text(Meter(), STATUS)

    for name in re.findall(r"kaifan_actors_\w+", PAGE):
        assert f"# TYPE {name} " in text, name
