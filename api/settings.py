"""What the ingress is given: its settings, and the services of the silo it runs in."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from redis.asyncio import Redis

from actors.journal import Document
from actors.live import Hub
from actors.words import Command, Query, Reply

SECRET_BYTES_MIN = 32


class Rate(msgspec.Struct, frozen=True):
    """A token bucket: ``per_second`` requests for ever, ``burst`` at once."""

    per_second: float
    burst: int


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Every number of the ingress. Networks are CIDR texts (``10.0.0.0/8``)."""

    secret_key: bytes
    """Signs tokens and entry tokens and keys the command ids; at least 32 bytes, the same in all silos."""
    silo: str = "silo"
    """This silo's name, sent as header Kaifan-Silo."""
    limit_exempt: tuple[str, ...] = ()
    """Networks that limits per address do not apply to."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""
    simulated_channel: bool = True
    """Whether payments on the simulated channel can be reported over HTTP."""
    deadline_s: float = 5.0
    """How long an entity has for its answer; after it the request gets a 503."""
    body_bytes_max: int = 1_000_000
    file_bytes_max: int = 5_000_000
    """Of a body that is a file: a menu to import."""
    guest_token_s: int = 30 * 86_400
    staff_token_s: int = 12 * 3_600
    user_rate: Rate = Rate(50, 500)
    """Requests of one diner or staff account. Too low: a retrying phone is refused. Too high: bots are not."""
    address_rate: Rate = Rate(1_000, 3_000)
    """Requests from one address; wide, because one Wi-Fi holds 300 diners."""
    guest_rate: Rate = Rate(20, 600)
    """New guests from one address."""
    login_rate: Rate = Rate(1, 30)
    """Failed staff logins from one address; a tenth of it for one account from there."""
    account_login_rate: Rate = Rate(0.5, 100)
    """Failed staff logins of one account from anywhere."""
    sockets_max: int = 10_000
    """WebSockets of one silo. More: 503."""
    sockets_per_user: int = 16
    """WebSockets of one diner or staff account on one silo. More: 429."""
    buckets_max: int = 200_000
    """Callers whose buckets are kept; above it those not seen for longest start anew."""
    login_floor_s: float = 0.3
    """A failed login is answered no sooner, whatever it failed on."""
    account_fresh_s: float = 5.0
    """A change of roles or password ends earlier tokens within this time."""
    fast_road: bool = True
    """Hot routes are answered by the HTTP protocol itself; off: all routes go through FastAPI."""
    log_share: float = 1.0
    """Share of requests that get a log line, 0 to 1; server errors always do."""

    def __post_init__(self) -> None:
        if len(self.secret_key) < SECRET_BYTES_MIN:
            raise ValueError(f"secret_key has {len(self.secret_key)} bytes; at least {SECRET_BYTES_MIN}")


class Router(Protocol):
    """The part of actors.router that the ingress uses."""

    def submit(
        self,
        entity: str,
        word: Command | Query,
        *,
        command_id: bytes,
        deadline: float,
        callback: Callable[[Reply], None],
        final_no: bool = False,
    ) -> None:
        """Ask ``kind/id``; one reply to the callback, Unserved at the latest at ``deadline`` (monotonic seconds).

        With ``final_no`` a rejection is recorded under the command id and stays one.
        """
        ...


class DoorClock(Protocol):
    """The part of actors.clock that the ingress uses."""

    def monotonic(self) -> float: ...

    def now_ms(self) -> int: ...


@dataclass(frozen=True)
class Services:
    """What the silo lends to the ingress. All of it is used on the silo's loop."""

    router: Router
    settings: ApiSettings
    clock: DoorClock
    silos: Callable[[], Awaitable[list[dict[str, Any]]]]
    """Rows for GET /ops/silos."""
    ready: Callable[[], bool]
    """Whether this silo can commit now."""
    metrics_text: Callable[[], str]
    """The silo's metrics in Prometheus text form; the ingress adds its own."""
    write_log: Callable[[str], object] = sys.stdout.write
    """Takes whole lines of JSON: the access log."""
    redis: Redis | None = None
    """Where limits are shared; without it, or when it is away, each silo counts for itself."""
    history: Callable[[str], AsyncIterator[Document]] | None = None
    """An entity's documents from the journal, in order; without it there is no replay."""
    live: Hub | None = None
    """What WebSockets follow; without it they are refused."""
