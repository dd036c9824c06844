"""FastAPI with Redis pub/sub, as its users write it: a WebSocket per phone, one subscription per table and worker.

An op is stored by one script (AOF always) that also publishes it, so that every worker shows them in order.

Run: ``PEER_REDIS_PORT=… uvicorn loadtests.peers.fastapi_live:app --workers 2``
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import redis.asyncio as redis
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from loadtests.peers.claim_script import ClaimScript

SCRIPT = Path(__file__).with_name("cart.lua").read_text()


class Rooms:
    """The phones of each table on this worker."""

    def __init__(self) -> None:
        self.client = redis.Redis(port=int(os.environ["PEER_REDIS_PORT"]))
        self.cart = ClaimScript(self.client, SCRIPT)
        self.pubsub = self.client.pubsub()
        self.phones: dict[str, set[asyncio.Queue[str]]] = {}
        """A queue per phone: a reader that awaited each send would show one event per turn of the loop."""
        self.reading: asyncio.Task[None] | None = None

    async def join(self, table: str, phone: asyncio.Queue[str]) -> None:
        if table not in self.phones:
            self.phones[table] = set()
            await self.pubsub.subscribe(f"live:{table}")
            if self.reading is None:
                self.reading = asyncio.create_task(self.read())
        self.phones[table].add(phone)

    async def read(self) -> None:
        async for message in self.pubsub.listen():
            if message["type"] == "message":
                text = message["data"].decode()
                for queue in self.phones.get(message["channel"].decode().removeprefix("live:"), ()):
                    queue.put_nowait(text)

    async def store(self, table: str, guest: str, op: dict[str, str]) -> int:
        data = {"op_id": op["op_id"], "line": op["line"], "by": guest, "dish_id": op["dish_id"]}
        event = {"type": op["op"], "at": datetime.now(UTC).isoformat(), "data": data}
        keys = [f"{table}:seq", f"{table}:cart", f"{table}:log", f"{table}:op:{op['op_id']}"]
        rest = json.dumps(event, ensure_ascii=False)[1:]
        return int(await self.cart(*keys, op["op"], op["line"], rest, f"live:{table}"))


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.rooms = Rooms()
    await app.state.rooms.cart.load()
    yield
    if app.state.rooms.reading is not None:
        app.state.rooms.reading.cancel()
    await app.state.rooms.client.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def ready() -> str:
    return "ok"


@app.websocket("/live/{table}/{guest}")
async def live(phone: WebSocket, table: str, guest: str) -> None:
    rooms: Rooms = phone.app.state.rooms
    await phone.accept()
    queue: asyncio.Queue[str] = asyncio.Queue()
    await rooms.join(table, queue)
    sending = asyncio.create_task(send(phone, queue))
    try:
        while True:
            op = await phone.receive_json()
            seq = await rooms.store(table, guest, op)
            queue.put_nowait(json.dumps({"ack": op["op_id"], "of": seq}))
    except WebSocketDisconnect:
        rooms.phones[table].discard(queue)
        sending.cancel()


async def send(phone: WebSocket, queue: asyncio.Queue[str]) -> None:
    while True:
        await phone.send_text(await queue.get())
