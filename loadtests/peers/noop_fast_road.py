"""No-op on Kaifan's own fast road: its protocol, its bounds, its route table; and a handler that does nothing.

It takes a claim's body and gives one answer that was made beforehand: what is left of a hot route when nobody is
asked who they are and nothing is decided. So it is what a sold-out answer at the edge can come near to; the bare
protocol (``noop_protocol.py``) lacks deadlines, bounds, request ids, metrics and the access log. Its audit must fail.

Run: ``uvicorn loadtests.peers.empty_asgi:app --http loadtests.peers.noop_fast_road:NoopFastRoad``
"""

from __future__ import annotations

from typing import Any

from actors.clock import ClusterClock
from actors.collecting import ShortCollections
from actors.words import Unserved
from api.audiences import PUBLIC
from api.call import Call
from api.diner.flash_sales import ClaimBody
from api.door import Door
from api.fast_protocol import FastProtocol
from api.fast_road import FastRoad
from api.operations import Answer, Done, Table
from api.settings import ApiSettings, Services
from loadtests.peers.empty_asgi import BODY

table = Table("No-op")
CREATED = Answer(201, BODY)


@table.route(
    "POST",
    "/api/v1/flash-sales/{flash_sale_id}/claims",
    audience=PUBLIC,
    body=ClaimBody,
    answers={201: None},
    example={"quantity": 1},
)
def claim(call: Call, done: Done) -> None:
    """Claim nothing."""
    done(CREATED)


class Nobody:
    """There are no entities."""

    def submit(self, *asked: Any, callback: Any, **named: Any) -> None:
        """Nobody to ask."""
        callback(Unserved("unavailable", "A no-op has no entities.", 1_000))


async def no_silos() -> list[dict[str, Any]]:
    """None."""
    return []


services = Services(
    router=Nobody(),
    settings=ApiSettings(secret_key=b"no-op" * 8, limit_exempt=("127.0.0.0/8",)),
    clock=ClusterClock(),
    silos=no_silos,
    ready=lambda: True,
    metrics_text=lambda: "",
    write_log=lambda lines: None,
)


# As a silo does when it has started.
ShortCollections().install()


class NoopFastRoad(FastProtocol):
    """One connection. What is no claim goes to the empty ASGI application."""

    road = FastRoad(Door(services), table.operations)
