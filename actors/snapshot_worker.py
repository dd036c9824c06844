"""Snapshots of large entities, made in a process of their own: the silo's loop only passes bytes on.

The silo reads committed documents and hands them over; the worker (``python -m actors.snapshot_worker``, at low
priority) keeps a copy of the entity between two snapshots, applies them, and hands back the parts that are new. It
knows no store, and ends when the silo's end of its pipe is closed, however that came about.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from actors.entity import EntityType
from actors.entity_memory import EntityMemory
from actors.journal import Document
from actors.snapshots import PART_BYTES_MAX, Manifest

COPIES_MAX = 4
"""Entities whose copy a worker keeps; a silo has few large ones at a time."""

NICE = 10
_LENGTH_BYTES = 4


class Begin(msgspec.Struct, tag=True, frozen=True):
    """Turn to this entity. ``module`` and ``name``: where its class is. ``skip``: events an operator left out."""

    entity: str
    module: str
    name: str
    skip: list[int]


class Take(msgspec.Struct, tag=True, frozen=True):
    """Begin from a snapshot: its manifest and some of its parts, from ``number`` on."""

    manifest: Manifest
    number: int
    raws: list[bytes]


class Apply(msgspec.Struct, tag=True, frozen=True):
    """These were committed."""

    documents: list[Document]


class Cut(msgspec.Struct, tag=True, frozen=True):
    """Make a snapshot; the store has the parts with these digests."""

    stored: list[bytes]


class Standing(msgspec.Struct, tag=True, frozen=True):
    """The copy is at ``seq``."""

    seq: int


class Made(msgspec.Struct, tag=True, frozen=True):
    """Some of the new parts; more follow until the manifest is there."""

    parts: dict[bytes, bytes]
    manifest: Manifest | None


class Failed(msgspec.Struct, tag=True, frozen=True):
    """It could not be done; the copy is forgotten."""

    reason: str


Order = Begin | Take | Apply | Cut
Answer = Standing | Made | Failed

_encode = msgspec.msgpack.Encoder().encode
_decode_order = msgspec.msgpack.Decoder(Order).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


class WorkerFailed(Exception):
    """The worker ended, or could not do it. A snapshot is only an optimisation: the next threshold tries again."""


# --- in the silo -----------------------------------------------------------------------------------------------


class SnapshotWorker:
    """The silo's end. One snapshot at a time; starts the process when it is first needed."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def begin(self, entity: str, entity_type: EntityType[Any], skip: list[int]) -> int:
        """The sequence at which the worker's copy stands; 0: it has none."""
        cls = entity_type.cls
        return await self._standing(Begin(entity, cls.__module__, cls.__qualname__, skip))

    async def take(self, manifest: Manifest, number: int, raws: list[bytes]) -> int:
        return await self._standing(Take(manifest, number, raws))

    async def apply(self, documents: list[Document]) -> int:
        return await self._standing(Apply(documents))

    async def cut(self, stored: frozenset[bytes]) -> tuple[Manifest, dict[bytes, bytes]]:
        """The manifest and its new parts."""
        parts: dict[bytes, bytes] = {}
        await self._say(Cut(sorted(stored)))
        while True:
            answer = await self._hear()
            assert isinstance(answer, Made), answer
            parts.update(answer.parts)
            if answer.manifest is not None:
                return answer.manifest, parts

    async def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def _standing(self, order: Order) -> int:
        await self._say(order)
        answer = await self._hear()
        assert isinstance(answer, Standing), answer
        return answer.seq

    async def _say(self, order: Order) -> None:
        if self._process is None or self._process.returncode is not None:
            self._process = await self._start()
        stdin = self._process.stdin
        assert stdin is not None
        raw = _encode(order)
        try:
            stdin.write(len(raw).to_bytes(_LENGTH_BYTES, "big"))
            stdin.write(raw)
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise WorkerFailed("the snapshot worker has ended") from error

    async def _hear(self) -> Answer:
        assert self._process is not None
        assert self._process.stdout is not None
        stdout = self._process.stdout
        try:
            length = int.from_bytes(await stdout.readexactly(_LENGTH_BYTES), "big")
            answer: Answer = _decode_answer(await stdout.readexactly(length))
        except asyncio.IncompleteReadError as error:
            raise WorkerFailed("the snapshot worker has ended") from error
        if isinstance(answer, Failed):
            raise WorkerFailed(answer.reason)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "actors.snapshot_worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            # A Ctrl-C at the terminal is for the silo, which then closes the pipe.
            start_new_session=True,
        )


# --- in the worker ---------------------------------------------------------------------------------------------


class Workshop:
    """What the worker process does with orders; the copies it keeps."""

    def __init__(self) -> None:
        self._copies: OrderedDict[str, EntityMemory] = OrderedDict()
        self._skips: dict[str, list[int]] = {}
        self._entity = ""

    def carry_out(self, order: Order) -> Iterator[Answer]:
        """One or more answers. A copy that went wrong is forgotten."""
        try:
            yield from self._carry_out(order)
        except Exception as error:
            self._copies.pop(self._entity, None)
            yield Failed(repr(error))

    def _carry_out(self, order: Order) -> Iterator[Answer]:
        match order:
            case Begin():
                yield Standing(self._begin(order).seq)
                return
            case Cut():
                yield from self._cut(order)
                return
        memory = self._copies[self._entity]
        match order:
            case Take(manifest=manifest, number=number, raws=raws):
                if not number:
                    memory.restore_head(manifest, raws)
                else:
                    for offset, raw in enumerate(raws):
                        for _ in memory.restore_part(manifest, number + offset, raw):
                            pass
            case Apply(documents=documents):
                skip = frozenset(self._skips[self._entity])
                for document in documents:
                    memory.apply_document(document, skip)
        yield Standing(memory.seq)

    def _begin(self, order: Begin) -> EntityMemory:
        self._entity = order.entity
        memory = self._copies.pop(order.entity, None)
        if memory is None or self._skips[order.entity] != order.skip:
            entity_type = _entity_type(order.module, order.name)
            memory = EntityMemory(entity_type, order.entity)
        self._copies[order.entity] = memory
        self._skips[order.entity] = order.skip
        while len(self._copies) > COPIES_MAX:
            self._copies.popitem(last=False)
        return memory

    def _cut(self, order: Cut) -> Iterator[Answer]:
        manifest, parts = self._copies[self._entity].cut(frozenset(order.stored))
        some: dict[bytes, bytes] = {}
        size = 0
        for digest, raw in parts.items():
            some[digest] = raw
            size += len(raw)
            if size > PART_BYTES_MAX // 2:
                yield Made(some, None)
                some, size = {}, 0
        yield Made(some, manifest)


def _entity_type(module: str, name: str) -> EntityType[Any]:
    found: Any = importlib.import_module(module)
    for step in name.split("."):
        found = getattr(found, step)
    entity_type: EntityType[Any] = found.type
    return entity_type


def _serve(orders: BinaryIO, answers: BinaryIO) -> None:
    workshop = Workshop()
    while len(head := orders.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
        order = _decode_order(orders.read(int.from_bytes(head, "big")))
        for answer in workshop.carry_out(order):
            raw = _encode(answer)
            answers.write(len(raw).to_bytes(_LENGTH_BYTES, "big"))
            answers.write(raw)
            answers.flush()


def main() -> None:
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever is printed by a room must not get between the answers
    os.nice(NICE)
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
