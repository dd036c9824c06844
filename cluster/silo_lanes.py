"""The lanes of one silo put together: listening sockets, what the others are told of them, and the transport."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from actors.lanes import LaneTransport
from actors.membership import Member
from actors.on_ray import RayTransport
from actors.on_stream import (
    TCP_FACT,
    UNIX_FACT,
    Dialer,
    Endpoint,
    Intake,
    StreamMeter,
    StreamTransport,
    Tls,
    endpoints_of,
    lane_key,
    listen,
)
from cluster.plan import SiloPlan, lane_port

log = structlog.get_logger("kaifan.lane")


class SiloLanes:
    """``address`` is "" until the silo has one; ``members`` are the silos as it knows them."""

    def __init__(
        self,
        plan: SiloPlan,
        *,
        address: Callable[[], str],
        members: Callable[[], Sequence[Member]],
        receive: Callable[[bytes], None],
    ) -> None:
        self.facts: dict[str, str] = {}
        """Where others connect to: for the membership."""
        self.meter = StreamMeter()
        self._plan = plan
        self._members = members
        self._servers: list[asyncio.AbstractServer] = []
        lane, key = plan.lane, lane_key(plan.secret_key.encode())
        self._tls = Tls(Path(lane.certificate), Path(lane.key), Path(lane.ca)) if lane.ca else None
        self._intake = Intake(address=address, receive=receive, key=key, random=os.urandom, meter=self.meter)
        calls = RayTransport(plan.namespace)
        self._stream: StreamTransport | None = None
        if lane.stream:
            self._stream = StreamTransport(
                address=address,
                key=key,
                dial=Dialer(self._find, self._tls),
                calls=calls,
                random=os.urandom,
                meter=self.meter,
            )
        self.transport: LaneTransport = self._stream or calls

    async def open(self) -> None:
        """Listen. A socket that cannot be had is logged: the others then take the next way to us."""
        lane = self._plan.lane
        if not lane.stream:
            return
        await self._listen(UNIX_FACT, Endpoint(path=f"{lane.folder}/lane-{self._plan.name}.sock"))
        if lane.host:
            await self._listen(TCP_FACT, Endpoint(host=lane.host, port=lane_port(self._plan.name, lane.port)))

    async def _listen(self, fact: str, endpoint: Endpoint) -> None:
        try:
            server, self.facts[fact] = await listen(endpoint, self._intake.end, self._tls)
        except OSError as error:
            log.error("lane_not_listening", at=endpoint.path or endpoint.host, reason=str(error))
        else:
            self._servers.append(server)

    def _find(self, receiver: str) -> list[Endpoint]:
        for member in self._members():
            if member.address == receiver:
                return endpoints_of(member, self._plan.node)
        return []

    def status(self) -> dict[str, Any]:
        """For ``kaifan status`` and the metrics: what carries batches to whom, and the counters."""
        kinds = self._stream.kinds() if self._stream is not None else {}
        counted = Counter(kinds.values())
        return {
            "lanes": ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items())),
            "lane_kinds": kinds,
            **{f"lane_{name}": count for name, count in msgspec.structs.asdict(self.meter).items()},
        }

    def close(self) -> None:
        """Streams and sockets. What is in flight counts as lost."""
        for server in self._servers:
            server.close()
        if UNIX_FACT in self.facts:
            Path(self.facts[UNIX_FACT]).unlink(missing_ok=True)
        self._intake.close()
        if self._stream is not None:
            self._stream.close()
