"""What operators, load balancers and readers of the documentation call."""

from __future__ import annotations

from typing import Any

import msgspec

from api.audiences import PUBLIC, operators
from api.call import Call
from api.operations import Answer, Table
from api.problems import Problem

table = Table("System")


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str
    silo: str


class SiloList(msgspec.Struct, frozen=True):
    """The silos as they stand: name, pid, node, port, spare, shards, entities, mailbox_depth, and more."""

    items: list[dict[str, Any]]
    next_cursor: str | None


@table.route("GET", "/healthz", audience=PUBLIC, answers={200: Alive}, entity=False)
async def show_health(call: Call) -> Answer:
    """Alive."""
    return Answer(200, Alive(status="alive", silo=call.door.settings.silo))


@table.route("GET", "/readyz", audience=PUBLIC, answers={200: Alive, 503: None}, entity=False)
async def show_readiness(call: Call) -> Answer:
    """Able to commit."""
    if not call.door.services.ready():
        raise Problem(503, "unavailable", "This silo cannot commit now.")
    return Answer(200, Alive(status="ready", silo=call.door.settings.silo))


@table.route("GET", "/metrics", audience=PUBLIC, answers={200: str}, entity=False)
async def show_metrics(call: Call) -> Answer:
    """Metrics of this silo, for Prometheus."""
    text = call.door.metrics().encode()
    return Answer(200, text, content_type=b"text/plain; version=0.0.4; charset=utf-8")


@table.route("GET", "/openapi.json", audience=PUBLIC, answers={200: dict}, entity=False)
async def show_openapi(call: Call) -> Answer:
    """This description, OpenAPI 3.1."""
    return Answer(200, msgspec.json.encode(call.door.openapi()))


@table.route(
    "GET",
    "/api/v1/ops/silos",
    audience=operators("ops.read"),
    answers={200: SiloList},
)
async def list_silos(call: Call) -> Answer:
    """All silos, as they stand."""
    return Answer(200, SiloList(items=await call.door.services.silos(), next_cursor=None))
