"""Diners who want more than there is: they claim, wait, look and give back until they are told to stop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise

from loadtests.client import StormClient
from loadtests.generator import Diner
from loadtests.history import Attempt, moment_ms
from loadtests.wire import ConnectionBroken
from tests.chaos.system import wait_until

QUANTITIES = (1, 1, 1, 2, 2, 3)
RELEASE_SHARE = 0.4
LOOK_SHARE = 0.15
WAIT_SHARE = 0.2
THINKING_SECONDS_MAX = 0.06
PATIENCE_SECONDS = 45.0
ACKNOWLEDGED_SECONDS_MAX = 40.0


class Storm:
    """All diners of one sale, sharing one log. ``stale`` lists reads that showed the past.

    A read is stale when it shows fewer changes of the sale (``seq``) than a read that was answered before it
    was sent, or a claim as held that its diner knows to be given back.
    """

    def __init__(self, base_url: str, flash_sale_id: str, diners: Sequence[Diner], seed: int) -> None:
        self.base_url = base_url
        self.flash_sale_id = flash_sale_id
        self.diners = diners
        self.log: list[Attempt] = []
        self.stale: list[str] = []
        self.reads = 0
        self._path = f"/api/v1/flash-sales/{flash_sale_id}"
        self._seed = seed
        self._seq_seen = 0
        self._stop = asyncio.Event()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Storm:
        self._running = [
            asyncio.get_running_loop().create_task(self._dine(diner, random.Random(self._seed + number)))
            for number, diner in enumerate(self.diners)
        ]
        return self

    async def __aexit__(self, *error: object) -> None:
        """Every diner finishes what they are at, and insists on an answer; after an error they just stop."""
        self._stop.set()
        if any(error):
            for task in self._running:
                task.cancel()
        results = await asyncio.gather(*self._running, return_exceptions=True)
        mistakes = [result for result in results if isinstance(result, Exception)]
        if mistakes and not any(error):
            raise mistakes[0]

    async def _dine(self, diner: Diner, chance: random.Random) -> None:
        mine: list[str] = []
        async with StormClient(self.base_url, diner.token, user=diner.user, log=self.log) as client:
            while not self._stop.is_set():
                await self._act(client, mine, chance)
                await asyncio.sleep(chance.uniform(0, THINKING_SECONDS_MAX))

    async def _act(self, client: StormClient, mine: list[str], chance: random.Random) -> None:
        act = chance.random()
        if act < RELEASE_SHARE and mine:
            claim_id = mine.pop(chance.randrange(len(mine)))
            released = await client.release(self.flash_sale_id, claim_id, patience_seconds=PATIENCE_SECONDS)
            if released.accepted:
                await self.look_at_released(client, claim_id)
        elif act > 1 - LOOK_SHARE:
            await self._look(client)
        else:
            claimed = await client.claim(
                self.flash_sale_id,
                chance.choice(QUANTITIES),
                wait=chance.random() < WAIT_SHARE,
                patience_seconds=PATIENCE_SECONDS,
            )
            if claimed.accepted:
                mine.append(str(claimed.body["claim_id"]))

    # --- reads ---------------------------------------------------------------------------------------------

    async def _look(self, client: StormClient) -> None:
        seen = self._seq_seen
        try:
            answer = await client.get(self._path, patience_seconds=PATIENCE_SECONDS)
        except ConnectionBroken:
            return
        if answer.status != 200:
            self._undocumented(self._path, answer.status)
            return
        self.reads += 1
        seq = int(answer.json()["seq"])
        if seq < seen:
            self.stale.append(f"GET {self._path} showed change {seq} after {seen} had been shown")
        self._seq_seen = max(self._seq_seen, seq)

    async def look_at_released(self, client: StormClient, claim_id: str) -> None:
        """A claim whose return was acknowledged must not be shown as held."""
        path = f"{self._path}/claims/{claim_id}"
        try:
            answer = await client.get(path, patience_seconds=PATIENCE_SECONDS)
        except ConnectionBroken:
            return
        self.judge_released(path, answer.status, answer.json().get("status"))

    def judge_released(self, path: str, status: int, shown: object) -> None:
        """503 is no answer; 200 must say that it was given back."""
        if status == 200:
            self.reads += 1
            if shown != "released":
                self.stale.append(f"GET {path} showed {shown!r} after the claim was given back")
        else:
            self._undocumented(path, status)

    def _undocumented(self, path: str, status: int) -> None:
        if status not in {429, 503}:
            self.stale.append(f"GET {path} answered {status}")

    # --- watching the log ----------------------------------------------------------------------------------

    async def sold_out(self) -> None:
        """Wait until demand has met the end of the stock. Raises NotRecovered."""

        async def holds() -> bool:
            return any(attempt.code == "sold_out" for attempt in self.log)

        await wait_until("somebody is told sold out", holds, ACKNOWLEDGED_SECONDS_MAX)

    async def acknowledged_after(self, moment: float) -> float:
        """Wait for the first claim that was begun after ``moment`` and is held; how many ms after it.

        Raises NotRecovered.
        """
        old = {attempt.key for attempt in self.log if attempt.sent_at <= moment}
        looked = len(self.log)
        found: list[Attempt] = []

        async def holds() -> bool:
            nonlocal looked
            fresh = self.log[looked:]
            looked = len(self.log)
            for attempt in fresh:
                if attempt.sent_at <= moment:
                    old.add(attempt.key)
                elif attempt.act == "claim" and attempt.status == 201 and attempt.key not in old:
                    found.append(attempt)
            return bool(found)

        await wait_until("a claim begun after the fault is held", holds, ACKNOWLEDGED_SECONDS_MAX)
        return min(attempt.answered_at or moment_ms() for attempt in found) - moment

    def longest_silence(self, since: float) -> float:
        """The longest time after ``since``, in ms, in which no claim was answered with a yes."""
        answers = sorted(
            attempt.answered_at
            for attempt in self.log
            if attempt.act == "claim"
            and attempt.accepted
            and attempt.answered_at is not None
            and attempt.answered_at > since
        )
        return max(later - earlier for earlier, later in pairwise([since, *answers]))
