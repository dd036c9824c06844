"""The load: N kept connections, each sends its next claim as soon as the last one is answered.

A closed loop in one process, on uvloop and httptools, faster than any subject here so far
(docs/performance.md has its ceiling). Written here rather than taken from a tool because the audit needs
every answer, not a summary: each claim has a fresh idempotency key, and each answer is kept until the round
is over.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import secrets
import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import httptools
import msgspec

from loadtests.history import Attempt, moment_ms

NAME = "loadtests.generator (asyncio, uvloop, httptools, 1 process)"
DRAIN_SECONDS_MAX = 15.0
DRAIN_STEP_SECONDS = 0.01
STEADY_STEP_SECONDS = 0.001
RECONNECTS_PER_CONNECTION_MAX = 3


class Diner(NamedTuple):
    """Who claims: the name in the log, and the bearer token."""

    user: str
    token: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the claims of one round go."""

    base_url: str
    flash_sale_id: str
    diners: Sequence[Diner]


class Shot(NamedTuple):
    """One claim and its answer. Moments are monotonic, in ns; status 0 is a broken connection.

    ``due_ns`` is when it should have been sent: with a steady load it may have waited for a free connection, and
    a diner would have waited with it.
    """

    key: bytes
    diner: int
    due_ns: int
    sent_ns: int
    answered_ns: int
    status: int
    body: bytes


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round saw. ``shots`` also holds the answers that came after the bell; the rate does not."""

    seconds: float
    shots: list[Shot]
    diners: Sequence[Diner]
    bell_ns: int
    not_sent: int = 0
    """Claims of a steady load that were due and found no free connection until the bell."""

    def rated(self) -> list[Shot]:
        """The shots answered within the measured time."""
        return [shot for shot in self.shots if shot.status and shot.answered_ns <= self.bell_ns]

    def statuses(self) -> Counter[int]:
        """How many shots per status, 0 for broken connections."""
        return Counter(shot.status for shot in self.shots)

    def history(self) -> list[Attempt]:
        """The round as the checker reads it."""
        return [_attempt(shot, self.diners[shot.diner].user) for shot in self.shots]


async def storm(
    target: Target, *, connections: int, seconds: float, per_second: float | None = None
) -> Round:
    """Claim from ``connections`` connections for ``seconds``, then wait for the answers still under way.

    Diners are dealt out to the connections, so that no diner ever has two claims in flight; each connection
    takes its diners in turn. Must run on a quiet loop: whatever else the loop does is measured too.

    Without ``per_second`` a closed loop: each connection sends its next claim when the last one is answered. With
    it claims become due at that steady rate, whatever the server does (an open loop); one that finds no free
    connection waits for it, and its waiting counts.

    Raises:
        ConnectionError: a server that cannot be reached at the start.
        ValueError: fewer diners than connections.
    """
    if len(target.diners) < connections:
        raise ValueError(f"{connections} connections need as many diners, there are {len(target.diners)}")
    loop = asyncio.get_running_loop()
    volley = _Volley(target)
    split = urlsplit(target.base_url)
    host, port = split.hostname or "127.0.0.1", split.port or 80
    guns = [_Gun(volley, range(first, len(target.diners), connections)) for first in range(connections)]
    for gun in guns:
        await loop.create_connection(lambda gun=gun: gun, host, port)  # type: ignore[misc]
    gc.collect()
    gc.freeze()
    gc.disable()  # a full collection over a hundred thousand shots would look like a slow server
    try:
        started_ns = time.monotonic_ns()
        if per_second is None:
            for gun in guns:
                gun.shoot(started_ns)
            await asyncio.sleep(seconds)
        else:
            await _steady(volley, guns, started_ns, seconds, per_second)
        bell_ns = time.monotonic_ns()
        volley.over = True
        await _drained(volley, guns)
    finally:
        gc.enable()
        gc.unfreeze()
        for gun in guns:
            gun.close()
    return Round(
        seconds=(bell_ns - started_ns) / 1e9,
        shots=volley.shots,
        diners=target.diners,
        bell_ns=bell_ns,
        not_sent=len(volley.due or ()),
    )


async def _steady(
    volley: _Volley, guns: Sequence[_Gun], started_ns: int, seconds: float, per_second: float
) -> None:
    """Let claims become due at equal distances; look at the clock each millisecond."""
    due = volley.due = deque()
    volley.idle = deque(guns)
    total, made = round(seconds * per_second), 0
    while made < total:
        until = min(total, int((time.monotonic_ns() - started_ns) * per_second / 1e9) + 1)
        due.extend(started_ns + int(number * 1e9 / per_second) for number in range(made, until))
        made = max(made, until)
        while due and volley.idle:
            volley.idle.popleft().shoot(due.popleft())
        await asyncio.sleep(STEADY_STEP_SECONDS)


async def _drained(volley: _Volley, guns: Sequence[_Gun]) -> None:
    """Wait for the last answers; what has none in time counts as broken."""
    for _ in range(round(DRAIN_SECONDS_MAX / DRAIN_STEP_SECONDS)):
        if not any(gun.waiting for gun in guns):
            return
        await asyncio.sleep(DRAIN_STEP_SECONDS)
    for gun in guns:
        if gun.waiting:
            gun.give_up()


class _Volley:
    """What the connections of one round share."""

    def __init__(self, target: Target) -> None:
        split = urlsplit(target.base_url)
        head = (
            f"POST /api/v1/flash-sales/{target.flash_sale_id}/claims HTTP/1.1\r\nHost: {split.netloc}\r\n"
            "Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: 14\r\n"
        )
        self.heads = [
            f"{head}Authorization: Bearer {diner.token}\r\nIdempotency-Key: ".encode()
            for diner in target.diners
        ]
        run = secrets.token_hex(4)
        self.next_key = (f"{run}-{number:08d}".encode() for number in itertools.count()).__next__
        self.shots: list[Shot] = []
        self.over = False
        self.due: deque[int] | None = None
        """Moments of claims that wait for a connection; None with a closed loop."""
        self.idle: deque[_Gun] = deque()

    def next_for(self, gun: _Gun) -> None:
        """A connection is free again."""
        if self.over:
            return
        if self.due is None:
            gun.shoot(time.monotonic_ns())
        elif self.due:
            gun.shoot(self.due.popleft())
        else:
            self.idle.append(gun)


class _Gun(asyncio.Protocol):
    """One connection: send a claim, keep its answer, send the next; httptools calls the ``on_`` methods."""

    def __init__(self, volley: _Volley, diners: Sequence[int]) -> None:
        self._volley = volley
        self._next_diner = itertools.cycle(diners).__next__
        self._diner = diners[0]
        self._transport: asyncio.Transport | None = None
        self._reconnects = 0
        self._reconnecting: asyncio.Task[object] | None = None
        self.waiting = False

    def shoot(self, due_ns: int) -> None:
        """Send the next claim, which was due at ``due_ns``."""
        assert self._transport is not None
        self._diner, self._key = self._next_diner(), self._volley.next_key()
        self._body = b""
        self._due_ns = due_ns
        self.waiting = True
        request = b'%b%b\r\n\r\n{"quantity":1}' % (self._volley.heads[self._diner], self._key)
        self._sent_ns = time.monotonic_ns()
        self._transport.write(request)

    def give_up(self) -> None:
        """No answer came: the claim may or may not have been done."""
        self._keep(0)

    def close(self) -> None:
        """The round is over."""
        self._volley.over = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)
        if self._reconnects:
            self._volley.next_for(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body = self._body + body if self._body else body

    def on_message_complete(self) -> None:
        self._keep(self._parser.get_status_code())
        if not self._parser.should_keep_alive():
            assert self._transport is not None
            self._transport.close()
        else:
            self._volley.next_for(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting:
            self._keep(0)
        if self in self._volley.idle:
            self._volley.idle.remove(self)
        if not self._volley.over and self._reconnects < RECONNECTS_PER_CONNECTION_MAX:
            self._reconnects += 1
            self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("peername")[:2]
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, host, port)
        except OSError:
            now_ns = time.monotonic_ns()
            self._volley.shots.append(Shot(self._volley.next_key(), self._diner, now_ns, now_ns, 0, 0, b""))

    def _keep(self, status: int) -> None:
        self.waiting = False
        answered_ns = time.monotonic_ns()
        self._volley.shots.append(
            Shot(self._key, self._diner, self._due_ns, self._sent_ns, answered_ns, status, self._body)
        )


def _attempt(shot: Shot, user: str) -> Attempt:
    try:
        body = msgspec.json.decode(shot.body) if shot.body else {}
    except msgspec.DecodeError:
        body = {}
    return Attempt(
        key=shot.key.decode(),
        user=user,
        sent_at=moment_ms(shot.sent_ns),
        answered_at=moment_ms(shot.answered_ns) if shot.status else None,
        status=shot.status or None,
        body=body if isinstance(body, dict) else {},
    )


def percentile_ms(latencies_ns: Sequence[int], percent: float) -> float:
    """A percentile of *sorted* latencies, nearest rank, in ms; 0.0 when there are none.

    >>> percentile_ms([1_000_000, 2_000_000, 9_000_000], 50)
    2.0
    """
    if not latencies_ns:
        return 0.0
    rank = max(0, -(-len(latencies_ns) * percent // 100) - 1)
    return round(latencies_ns[int(rank)] / 1e6, 3)
