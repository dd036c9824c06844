"""News between silos on Redis pub/sub: a channel per entity, shared by all followers of a silo (actors/live.py).

Every silo also listens on one channel for wishes: who follows an entity of another silo says so, at once and again
every few seconds, so that whoever owns it, now or after a hand-over, knows that it is wanted. A silo that does not
hear its own wishes has lost Redis, whatever its connections say.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from actors.feeds import News
from actors.live import Hub
from actors.tasks import end_tasks

WISHES_EVERY_S = 2.0
SILENT_S = 6.0
RETRY_S = 0.5
READ_S = 1.0
TIMEOUT_S = 2.0
WISHES_AT_ONCE = 500
PUBLISHED_AT_ONCE = 500
OUTBOX_MAX = 10_000
OUTBOX_BYTES_MAX = 16_000_000

log = structlog.get_logger("kaifan.live")


class Wishes(msgspec.Struct, array_like=True):
    """What a silo wants to hear of: entity → the newest it has. ``asks``: it has just come and knows nobody's."""

    silo: str
    entities: dict[str, int]
    asks: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode_news = msgspec.msgpack.Decoder(News).decode
_decode_wishes = msgspec.msgpack.Decoder(Wishes).decode


class RedisFanOut:
    """One silo's part. Everything runs on the silo's loop; :meth:`run` for as long as the silo lives."""

    def __init__(self, hub: Hub, uri: str, prefix: str, silo: str, random: Callable[[], float]) -> None:
        self._hub = hub
        self._silo = silo
        self._channel = f"{prefix}:of:"
        self._wishes = f"{prefix}:wishes".encode()
        self._random = random
        self._redis = Redis.from_url(
            uri,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
        )
        self._subscribed: dict[str, None] = {}
        self._changes: dict[str, bool] = {}
        self._outbox: deque[tuple[bytes, bytes]] = deque()
        self._outbox_bytes = 0
        self._work = asyncio.Event()
        self._heard_at = 0.0
        self.up = False
        self.outages = 0
        self.lost = 0
        """News that did not fit into the outbox or met an outage; those who want them notice."""
        hub.fan_out = self

    # --- for the hub -----------------------------------------------------------------------------------------

    def subscribe(self, entity: str) -> None:
        self._subscribed[entity] = None
        self._change(entity, True)

    def unsubscribe(self, entity: str) -> None:
        self._subscribed.pop(entity, None)
        self._change(entity, False)

    def publish(self, entity: str, news: News) -> None:
        if self.up:
            self._put((self._channel + entity).encode(), _encode(news))
        else:
            self.lost += 1

    def _change(self, entity: str, wanted: bool) -> None:
        self._changes[entity] = wanted
        self._work.set()

    def _put(self, channel: bytes, message: bytes) -> None:
        if len(self._outbox) >= OUTBOX_MAX or self._outbox_bytes + len(message) > OUTBOX_BYTES_MAX:
            self.lost += 1
            return
        self._outbox.append((channel, message))
        self._outbox_bytes += len(message)
        self._work.set()

    # --- life ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and again after every outage; cancelled at the end."""
        try:
            while True:
                try:
                    await self._connected()
                except (RedisError, OSError, TimeoutError) as error:
                    self._cut(error)
                except Exception as error:  # a mistake of ours costs the fan-out, never the silo
                    log.exception("live_fan_out_failed")
                    self._cut(error)
                await asyncio.sleep(RETRY_S * (0.5 + self._random()))
        finally:
            await self._redis.aclose()

    def _cut(self, error: Exception) -> None:
        if self.up:
            self.outages += 1
            log.warning("live_fan_out_lost", error=type(error).__name__)
            self.up = False
            self._hub.cut()
        self._outbox.clear()
        self._outbox_bytes = 0

    async def _connected(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._redis.pubsub() as listening:
            async with asyncio.timeout(TIMEOUT_S):
                await listening.subscribe(self._wishes)
            self._changes = dict.fromkeys(self._subscribed, True)
            self._work.set()
            self._heard_at = loop.time()
            self._wish(asks=True)
            reading = loop.create_task(self._read(listening))
            writing = loop.create_task(self._write(listening))
            wishing = loop.create_task(self._wish_for_ever())
            tasks = (reading, writing, wishing)
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await end_tasks(*tasks)

    # --- out -------------------------------------------------------------------------------------------------

    async def _write(self, listening: PubSub) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            async with asyncio.timeout(TIMEOUT_S):
                await self._write_changes(listening)
                while self._outbox:
                    await self._write_some()

    async def _write_changes(self, listening: PubSub) -> None:
        changes, self._changes = self._changes, {}
        new = [entity for entity, wanted in changes.items() if wanted]
        old = [self._channel + entity for entity, wanted in changes.items() if not wanted]
        if new:
            await listening.subscribe(*[self._channel + entity for entity in new])
            self._tell_wishes(new)
        if old:
            await listening.unsubscribe(*old)

    async def _write_some(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for _ in range(min(len(self._outbox), PUBLISHED_AT_ONCE)):
                channel, message = self._outbox.popleft()
                self._outbox_bytes -= len(message)
                pipeline.publish(channel, message)
            await pipeline.execute()

    async def _wish_for_ever(self) -> None:
        while True:
            await asyncio.sleep(WISHES_EVERY_S * (0.75 + self._random() / 2))
            if asyncio.get_running_loop().time() - self._heard_at > SILENT_S:
                raise TimeoutError("our own wishes are not heard")
            self._wish()

    def _wish(self, asks: bool = False) -> None:
        """Everything that we want; also when it is nothing, to hear ourselves."""
        entities = list(self._subscribed)
        self._tell_wishes(entities[:WISHES_AT_ONCE], asks)
        for first in range(WISHES_AT_ONCE, len(entities), WISHES_AT_ONCE):
            self._tell_wishes(entities[first : first + WISHES_AT_ONCE])

    def _tell_wishes(self, entities: list[str], asks: bool = False) -> None:
        wanted = {entity: self._hub.seq_of(entity) for entity in entities}
        self._put(self._wishes, _encode(Wishes(self._silo, wanted, asks)))

    # --- in --------------------------------------------------------------------------------------------------

    async def _read(self, listening: PubSub) -> None:
        while True:
            message = await listening.get_message(timeout=READ_S)
            if message is not None:
                try:
                    self._take(message)
                except msgspec.MsgspecError:
                    log.warning("live_fan_out_unreadable", channel=str(message["channel"])[:100])

    def _take(self, message: dict[str, Any]) -> None:
        channel: bytes = message["channel"]
        if channel == self._wishes:
            if message["type"] == "message":
                self._take_wishes(_decode_wishes(message["data"]))
            return
        entity = channel.decode().removeprefix(self._channel)
        if message["type"] == "message":
            self._hub.heard(entity, _decode_news(message["data"]))
        elif message["type"] == "subscribe":
            self._hub.subscribed(entity)

    def _take_wishes(self, wishes: Wishes) -> None:
        if wishes.silo == self._silo:
            self._heard_at = asyncio.get_running_loop().time()
            if not self.up:
                self.up = True
                log.info("live_fan_out_up")
            return
        for entity, seq in wishes.entities.items():
            self._hub.wanted(entity, seq)
        if wishes.asks:
            self._wish()
