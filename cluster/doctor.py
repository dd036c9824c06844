"""``kaifan doctor``: what is wrong with the machine, the data folder or the running system, and how to mend it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import msgspec
import psutil

from actors.clock import DRIFT_ALARM_MS
from cluster.control import NotRunning, ask, control_path
from cluster.door import open_listener
from cluster.embedded import EmbeddedFailure
from cluster.embedded.failure import DISK_FREE_BYTES_MIN
from cluster.embedded.mongod import find_mongod, series_of
from cluster.embedded.valkey import find_valkey
from cluster.records import Records, is_running, open_records
from cluster.settings import Settings

GOOD, POOR, BAD = "good", "poor", "bad"

CONNECTIONS_WANTED = 10_000
FILES_WANTED = CONNECTIONS_WANTED + 500
DISK_COMFORTABLE_BYTES = 2_000_000_000
SILO_BYTES = 200_000_000
SERVERS_BYTES = 900_000_000
STATUS_S = 10.0
REMINDERS_LATE_MS = 10_000
COMMIT_SLOW_MS = 50


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. ``how`` mends it, when it is not good."""

    state: str
    what: str
    how: str = ""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """All findings, the machine's first."""
    for finding in (*_machine(settings), *_programs(settings), *_folder(settings)):
        yield finding
    if is_running(settings.data_dir):
        async for finding in _running(settings):
            yield finding
    else:
        yield _port(settings)
        yield Finding(GOOD, f"no Kaifan runs on {settings.data_dir}")


# --- the machine ---------------------------------------------------------------------------------------------


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding(GOOD, f"Python {version}")
    yield _files()
    yield _memory(settings.silo_count())
    yield _short_paths()


def _files() -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= FILES_WANTED:
        return Finding(
            GOOD, f"open files: up to {hard} per process, enough for {CONNECTIONS_WANTED} connections"
        )
    return Finding(
        POOR,
        f"open files: at most {hard} per process; {CONNECTIONS_WANTED} connections need {FILES_WANTED}",
        f"raise the hard limit: `ulimit -Hn {FILES_WANTED}` as root, LimitNOFILE= in systemd, "
        "or nofile in /etc/security/limits.conf",
    )


def _memory(silos: int) -> Finding:
    wanted, available = SERVERS_BYTES + silos * SILO_BYTES, psutil.virtual_memory().available
    text = f"memory: {available // 1_000_000} MB available, {silos} silo(s) and servers want {wanted // 1_000_000}"
    if available >= wanted:
        return Finding(GOOD, text)
    return Finding(
        POOR, text, "end other programs, run fewer silos (KAIFAN_SILOS), or use a MongoDB elsewhere"
    )


def _short_paths() -> Finding:
    folder = tempfile.gettempdir()
    if not os.access(folder, os.W_OK):
        return Finding(BAD, f"{folder} is not writable", "set TMPDIR to a folder that you may write to")
    # Ray's longest socket under it; a unix socket's path holds 107 bytes.
    if len(folder) > 30:
        return Finding(BAD, f"the temp folder's path {folder} is too long for sockets", "set TMPDIR=/tmp")
    return Finding(GOOD, f"temp folder {folder}")


# --- programs and folder -------------------------------------------------------------------------------------


def _programs(settings: Settings) -> Iterator[Finding]:
    for uri, name, find in (
        (settings.mongo_uri, "mongod", find_mongod),
        (settings.redis_uri, "Redis-compatible server", find_valkey),
    ):
        if uri:
            yield Finding(GOOD, f"{name}: {uri.rpartition('@')[2]} (given)")
            continue
        try:
            yield Finding(GOOD, f"{name}: {find()}")
        except EmbeddedFailure as failure:
            yield Finding(BAD, failure.what, failure.how)


def _folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.resolve()
    parent = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(parent, os.W_OK):
        yield Finding(BAD, f"{parent} is not writable", "give a folder that you may write to with --data-dir")
        return
    yield _disk(parent)
    if not folder.exists():
        yield Finding(GOOD, f"data folder {folder}: not there yet, the first start makes it")
        return
    yield from _secret(folder)
    yield from _series(settings, folder)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"disk under {folder}: {free // 1_000_000} MB free"
    if free < DISK_FREE_BYTES_MIN:
        return Finding(BAD, text, f"free {DISK_FREE_BYTES_MIN // 1_000_000} MB, or move the data folder")
    if free < DISK_COMFORTABLE_BYTES:
        return Finding(POOR, text, "free some: MongoDB stops writing when the disk is full")
    return Finding(GOOD, text)


def _secret(folder: Path) -> Iterator[Finding]:
    file = folder / "secret_key"
    if file.exists() and file.stat().st_mode & 0o077:
        yield Finding(BAD, f"{file} can be read by others", f"chmod 600 {file}")


def _series(settings: Settings, folder: Path) -> Iterator[Finding]:
    record = folder / "mongod.json"
    if settings.mongo_uri or not record.exists():
        return
    try:
        written, ours = json.loads(record.read_text())["series"], series_of(find_mongod())
    except (EmbeddedFailure, ValueError, KeyError):
        yield Finding(POOR, f"{record} cannot be read", "remove it; the next start writes it again")
        return
    if written != ours:
        how = f"put a mongod {written} on PATH, or give a new --data-dir"
        yield Finding(BAD, f"the data were written by mongod {written}, this one is {ours}", how)
    else:
        yield Finding(GOOD, f"data folder {folder}: mongod {written}")


def _port(settings: Settings) -> Finding:
    try:
        open_listener(settings.host, settings.port).close()
    except EmbeddedFailure as failure:
        return Finding(BAD, failure.what, failure.how)
    return Finding(GOOD, f"port {settings.port} is free")


# --- the running system --------------------------------------------------------------------------------------


async def _running(settings: Settings) -> AsyncIterator[Finding]:
    try:
        status = await ask(control_path(settings.data_dir), {"do": "status"}, STATUS_S)
    except (NotRunning, TimeoutError):
        how = (
            "wait if it is starting or stopping; else end the process named in the data folder's file `lock`"
        )
        yield Finding(BAD, f"a process holds {settings.data_dir} and its launcher does not answer", how)
        return
    yield Finding(GOOD, f"Kaifan runs at {status['base_url']}, up {status['up_s']} s")
    if status["restarts"]:
        how = "look for `endless_turn` and errors in the data folder's logs/silo-*.log, and for kills by the kernel"
        yield Finding(POOR, f"silos ended by themselves: {status['restarts']} times", how)
    for silo in status["silos"]:
        for finding in _silo(silo):
            yield finding
    try:
        async with open_records(settings) as records:
            async for finding in _store(records):
                yield finding
    except EmbeddedFailure as failure:
        yield Finding(BAD, failure.what, failure.how)


def _silo(silo: dict[str, Any]) -> Iterator[Finding]:
    name = silo["silo"]
    if not silo["serving"]:
        how = "its lease has run out or it is starting: see its log in logs/, and whether MongoDB answers"
        yield Finding(BAD, f"{name} does not serve ({silo.get('reason') or silo['state']})", how)
        return
    text = f"{name}: {silo['shards']} shards, {silo['entities']} entities, {silo['mailbox_depth']} commands waiting"
    yield Finding(
        GOOD, f"{text}, {silo['lane_depth']} messages to other silos, commit {silo['commit_ms']} ms"
    )
    if silo["commit_ms"] > COMMIT_SLOW_MS:
        yield Finding(POOR, f"{name}: a commit takes {silo['commit_ms']} ms", "look at MongoDB's disk")
    if abs(silo["drift_ms"]) > DRIFT_ALARM_MS:
        how = "set the clocks (NTP) of this machine and of MongoDB's"
        yield Finding(BAD, f"{name}: cluster time is {silo['drift_ms']} ms off this machine's clock", how)


async def _store(records: Records) -> AsyncIterator[Finding]:
    began = time.monotonic()
    hello = await records.client.admin.command("hello")
    took_ms = (time.monotonic() - began) * 1000
    # The driver gives UTC without saying so.
    theirs = hello["localTime"].replace(tzinfo=UTC).timestamp()
    drift_ms = (theirs - time.time()) * 1000
    yield Finding(GOOD, f"MongoDB answers in {took_ms:.1f} ms")
    if abs(drift_ms) > DRIFT_ALARM_MS:
        yield Finding(BAD, f"MongoDB's clock is {drift_ms:.0f} ms off ours", "set the clocks (NTP)")
    late = await records.overdue_reminders(int(time.time() * 1000) - REMINDERS_LATE_MS)
    if late:
        yield Finding(
            POOR, f"{late} reminders are late by more than 10 s", "silos are overloaded, or none serves"
        )
    for stopped in await records.quarantine.all():
        yield Finding(
            BAD if stopped.mode == "stopped" else POOR,
            f"{stopped.entity} is in quarantine ({stopped.mode}): {stopped.reason}",
            f"`kaifan replay {stopped.entity}` shows its history; then `kaifan entity {stopped.entity}` "
            "resume (try again), skip (leave the event out) or end",
        )
