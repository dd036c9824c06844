"""Peers as subjects: a server of ``loadtests/peers`` with the store it sells from."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from loadtests import equipment
from loadtests.backends import Backend
from loadtests.generator import Diner
from loadtests.processes import HOST, Server, free_port
from loadtests.subjects import Subject

START_SECONDS_MAX = 60.0


class Peer(Subject):
    """One ASGI application of ``loadtests/peers`` under uvicorn.

    Args:
        app: the module.
        http: uvicorn's HTTP protocol, ``httptools`` or a class of ours.
        backend: starts the store.
        packages: Python packages beyond the lock's usual ones; without them the subject is left out.
        remembers: False for a server that only answers.
    """

    def __init__(
        self,
        name: str,
        durability: str,
        app: str,
        *,
        cases: Iterable[str] = (),
        workers: int = 1,
        http: str = "httptools",
        backend: Callable[[Path], Awaitable[Backend]] | None = None,
        packages: Iterable[str] = (),
        remembers: bool = True,
    ) -> None:
        super().__init__(name, durability, cases=cases)
        self.remembers = remembers
        self._app, self._workers, self._http = app, workers, http
        self._start_backend, self._packages = backend, tuple(packages)
        self._backend: Backend | None = None
        self._secret = secrets.token_hex(32)
        self._diners: list[Diner] = []

    async def start(self, folder: Path) -> None:
        """Raises Missing when its software is not there, and DidNotStart."""
        from loadtests.peers.shapes import mint

        for package in self._packages:
            equipment.module(package)
        self._mint = mint
        self._staff_token = mint("manager", self._secret)
        port = free_port()
        self.base_url = f"http://{HOST}:{port}"
        command = self.command(port)
        env = {"PEER_SECRET": self._secret, "PEER_RAY_FOLDER": str(folder / "ray"), "PEER_PORT": str(port)}
        if self._start_backend is not None:
            self._backend = await self._start_backend(folder)
            env |= self._backend.env
        self.servers.append(Server("peer", command, folder, env))
        await self.servers[-1].answers(self.base_url, "/readyz", seconds=START_SECONDS_MAX)

    def command(self, port: int) -> list[str]:
        """The server's command line. Raises Missing."""
        command = [sys.executable, "-m", "uvicorn", f"loadtests.peers.{self._app}:app"]
        command += ["--host", HOST, "--port", str(port), "--workers", str(self._workers)]
        command += ["--loop", "uvloop", "--http", self._http, "--timeout-keep-alive", "75"]
        return [*command, "--backlog", "4096", "--no-access-log", "--log-level", "warning"]

    async def diners(self, count: int) -> list[Diner]:
        for number in range(len(self._diners), count):
            user = f"diner-{number}"
            self._diners.append(Diner(user, self._mint(user, self._secret)))
        return self._diners

    async def stop_sale(self, flash_sale_id: str) -> None:
        if self.remembers:
            await super().stop_sale(flash_sale_id)

    async def stop(self) -> None:
        await super().stop()
        if self._backend is not None:
            await self._backend.stop()
            self._backend = None


class Fastify(Peer):
    """The peer that is written in JavaScript: one Node process."""

    def command(self, port: int) -> list[str]:
        return [equipment.node(), str(equipment.fastify())]
