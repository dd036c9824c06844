"""Logs and metrics: structured lines to a file, and a silo's counters in Prometheus' text form."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import structlog

from actors.metering import Histogram, Meter

GAUGES = {
    "shards": "shards this silo owns",
    "entities": "entities in memory",
    "loading": "activations under way",
    "mailbox_depth": "commands without an answer yet",
    "lane_depth": "messages waiting for other silos",
    "placement_version": "placement version known",
}
COUNTERS = {
    "events": "events committed",
    "activations": "entities loaded",
    "passivations": "idle entities let go",
    "drops": "activations lost and loaded again",
    "fenced": "commits that found another writer's document",
    "doubts": "commits whose outcome was unknown",
    "seals": "commits sealed",
    "bounced": "commands sent on to another owner",
    "handovers": "shards handed over",
    "takeovers": "shards taken",
    "sends_delivered": "messages between entities acknowledged",
    "sends_parked": "messages given up",
    "compensations": "compensations started",
    "wakes": "wakes sent",
    "snapshots": "snapshots made",
    "quarantines": "entities stopped",
    "poisoned_turns": "turns that failed in evolve",
    "slow_turns": "turns above the warning time",
    "lane_batches": "batches sent to other silos",
    "lane_messages": "messages sent to other silos",
    "lane_failures": "batches not received",
    "lease_renewals": "leases renewed",
    "lease_failures": "lease renewals that failed",
    "suspensions": "times the lease ran out",
}


LANE_COUNTERS = {
    "lane_frames": "batches that went over a stream",
    "lane_fallbacks": "batches that went as calls because no stream took them",
    "lane_streams": "streams opened to other silos",
    "lane_breaks": "streams to other silos lost",
    "lane_refused": "incoming streams turned away",
}


def write_logs_to(file: Path, level: int = logging.INFO) -> Callable[[str], object]:
    """JSON lines to ``file`` for this process; returns what writes whole lines to it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.open("a", buffering=1)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(lines),
        cache_logger_on_first_use=False,
    )
    return lines.write


def metrics_text(meter: Meter, status: dict[str, Any]) -> str:
    """The silo's share of ``/metrics``. Labels are closed lists: command names, outcomes, codes, the silo."""
    return "\n".join(_lines(meter, status)) + "\n"


def _lines(meter: Meter, status: dict[str, Any]) -> Iterator[str]:
    silo = f'silo="{status["silo"].partition("#")[0]}"'
    for name, text in GAUGES.items():
        yield from _head(f"kaifan_actors_{name}", "gauge", text)
        yield f"kaifan_actors_{name}{{{silo}}} {status[name]}"
    yield from _head("kaifan_actors_serving", "gauge", "1 while the lease holds")
    yield f"kaifan_actors_serving{{{silo}}} {int(status['serving'])}"
    yield from _head("kaifan_actors_quarantined", "gauge", "entities that wait for an operator")
    yield f"kaifan_actors_quarantined{{{silo}}} {len(status['quarantined'])}"
    for name, text in COUNTERS.items():
        yield from _head(f"kaifan_actors_{name}_total", "counter", text)
        yield f"kaifan_actors_{name}_total{{{silo}}} {getattr(meter, name)}"
    for name, text in LANE_COUNTERS.items():
        yield from _head(f"kaifan_actors_{name}_total", "counter", text)
        yield f"kaifan_actors_{name}_total{{{silo}}} {status[name]}"
    yield from _head("kaifan_actors_lane_stream", "gauge", "1 while batches to that silo go over a stream")
    kinds = {to.partition("#")[0]: kind for to, kind in status["lane_kinds"].items()}
    for to, kind in sorted(kinds.items()):
        yield f'kaifan_actors_lane_stream{{{silo},to="{to}"}} {int(kind == "stream")}'
    yield from _head("kaifan_actors_commands_total", "counter", "answers by command and outcome")
    for (command, outcome), count in sorted(meter.commands.items()):
        yield f'kaifan_actors_commands_total{{{silo},command="{command}",outcome="{outcome}"}} {count}'
    yield from _head("kaifan_actors_rejects_total", "counter", "rejections and outages by code")
    for code, count in sorted((meter.rejected + meter.unserved).items()):
        yield f'kaifan_actors_rejects_total{{{silo},code="{code}"}} {count}'
    yield from _histogram(
        "kaifan_actors_commit_seconds", "a write to the journal", meter.commit_seconds, silo
    )
    yield from _histogram(
        "kaifan_actors_commit_documents", "documents per write", meter.commit_documents, silo
    )
    yield from _histogram("kaifan_actors_commit_commands", "commands per write", meter.commit_commands, silo)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _histogram(name: str, text: str, histogram: Histogram, silo: str) -> Iterator[str]:
    yield from _head(name, "histogram", text)
    total = 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.buckets, strict=True):
        total += count
        yield f'{name}_bucket{{{silo},le="{bound}"}} {total}'
    yield f"{name}_sum{{{silo}}} {histogram.sum}"
    yield f"{name}_count{{{silo}}} {histogram.count}"
