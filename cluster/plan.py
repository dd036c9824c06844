"""What the launcher tells a silo: plain values, so that Ray can hand them to a process that starts again."""

from __future__ import annotations

import msgspec

from actors.settings import RuntimeSettings
from cluster.settings import Settings

READY_FILE = "ready"
"""In the run folder while the launcher calls the system ready: a silo serves before that, and says so after it."""


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
    run_folder: str
    log_file: str
    node: str
    limit_exempt: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    simulated_channel: bool
    log_share: float
    fast_road: bool
    runtime: RuntimeSettings


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
