"""What the launcher tells a silo: plain values, so that Ray can hand them to a process that starts again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from actors.settings import RuntimeSettings
from cluster.settings import Settings

READY_FILE = "ready"
"""In the run folder while the launcher calls the system ready: a silo serves before that, and says so after it."""

SPARES_FROM = 64


class LanePlan(msgspec.Struct, kw_only=True, frozen=True):
    """How a silo's lanes run. ``folder`` is a short one, for unix sockets; ``host`` "" means no TCP."""

    stream: bool
    folder: str
    host: str = ""
    port: int = 0
    """Of silo-0; 0: any."""
    certificate: str = ""
    key: str = ""
    ca: str = ""


class SiloPlan(msgspec.Struct, kw_only=True):
    """Everything a silo process needs to serve by itself, also after Ray has restarted it."""

    name: str
    namespace: str
    mongo_uri: str
    mongo_database: str
    redis_uri: str
    secret_key: str
    door: str
    """Unix socket from which the launcher hands out the listening socket."""
    notices: str
    """Unix socket on which the launcher tells of ends."""
    run_folder: str
    log_file: str
    node: str
    limit_exempt: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    simulated_channel: bool
    log_share: float
    fast_road: bool
    runtime: RuntimeSettings
    lane: LanePlan
    spare: bool = False
    """Owns nothing at first, follows the hottest entities, and stands in for a silo that ends."""


def lane_plan(settings: Settings, folder: str) -> LanePlan:
    """The lanes as set; TLS files as they are found from anywhere."""
    return LanePlan(
        stream=settings.lane == "stream",
        folder=folder,
        host=settings.lane_host,
        port=settings.lane_port,
        certificate=_absolute(settings.lane_tls_cert),
        key=_absolute(settings.lane_tls_key),
        ca=_absolute(settings.lane_tls_ca),
    )


def _absolute(path: str) -> str:
    return str(Path(path).resolve()) if path else ""


def lane_port(name: str, first: int) -> int:
    """A seat's port: silo-0 has the first one, spare-0 the 65th; 0 stays "any".

    >>> [lane_port(name, 7000) for name in ("silo-0", "silo-1", "spare-0")], lane_port("silo-1", 0)
    ([7000, 7001, 7064], 0)
    """
    seat, _, number = name.rpartition("-")
    return first and first + int(number) + (0 if seat == "silo" else SPARES_FROM)


def runtime_settings(settings: Settings) -> RuntimeSettings:
    """The runtime's numbers as set."""
    return RuntimeSettings(
        lease_s=settings.lease_s,
        renew_every_s=settings.lease_s * 0.3,
        watch_every_s=min(1.0, settings.lease_s * 0.2),
        mailbox_max=settings.mailbox_max,
        queue_max=settings.queue_max,
        idle_s=settings.idle_s,
        snapshot_every=settings.snapshot_every,
        memory_bytes_max=settings.memory_mb_max * 1_000_000,
        turn_max_s=settings.turn_max_s,
    )
