"""Requests that are made at about the same time go to the server as one.

A request costs the driver a third of a millisecond of processor, whatever it brings. When a silo dies its heir loads
thousands of entities: what is asked for while a read is under way goes together in the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

FLIGHTS_MAX = 2


class Gathering(Generic[K, V]):
    """``fetch`` reads many keys at once and answers for each; what it raises, everybody who asked hears."""

    def __init__(self, fetch: Callable[[list[K]], Awaitable[Mapping[K, V]]], keys_max: int) -> None:
        self._fetch = fetch
        self._keys_max = keys_max
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._flights: set[asyncio.Task[None]] = set()

    async def ask(self, key: K) -> V:
        """What is there when the read begins, which is after this call."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if len(self._flights) < FLIGHTS_MAX:
                flight = asyncio.get_running_loop().create_task(self._fly())
                self._flights.add(flight)
                flight.add_done_callback(self._flights.discard)
        # Others may wait for the same key: one who gives up takes nothing from them.
        return await asyncio.shield(future)

    async def _fly(self) -> None:
        # Whoever asks within this turn of the loop comes along.
        await asyncio.sleep(0)
        while self._waiting:
            keys = list(islice(self._waiting, self._keys_max))
            futures = [self._waiting.pop(key) for key in keys]
            try:
                found = await self._fetch(keys)
            except Exception as error:
                for future in futures:
                    future.set_exception(error)
                    future.exception()  # whoever gave up meanwhile does not look at it
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            else:
                for key, future in zip(keys, futures, strict=True):
                    future.set_result(found[key])
