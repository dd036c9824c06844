"""One seed from beginning to end: start, workload under faults, heal, and what must then be true."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from actors.entity import Entity
from actors.settings import RuntimeSettings
from actors.silo import Silo
from actors.testing.simulation.clients import Clients
from actors.testing.simulation.faults import Faults, heal
from actors.testing.simulation.world import SETTINGS, World
from actors.words import Accepted, Query, Rejected, Unserved

SILOS = 2
SPARE_SHARE = 0.4
FAULTY_S = 5.0
HEAL_S = 9.0
"""Virtual seconds after the last fault within which everything must be well again: leases run out, reminders fire."""
LATE_MAX_MS = 4_000


class Workload:
    """What the clients of a scenario do. Subclass it; all chance comes from ``rng``."""

    types: Sequence[type[Entity[Any]]] = ()
    checks: Mapping[str, Callable[[Any], Sequence[str]]] = {}
    """Per kind: what is wrong with a state; looked at after every stored document."""

    load: int = 1
    """How many times the usual number of requests; long runs raise it."""

    def __init__(self, world: World, clients: Clients, rng: random.Random) -> None:
        self.world, self.clients, self.rng = world, clients, rng

    def begin(self) -> None:
        """Schedule requests on ``world.after`` and send them with ``clients.send``."""
        raise NotImplementedError

    def probes(self) -> Mapping[str, Query]:
        """A query for each entity that must be answered when all is well again."""
        return {}

    def verdict(self) -> Sequence[str]:
        """What is wrong at the end, over all entities (sums, sagas)."""
        return ()

    def new_id(self) -> bytes:
        return self.rng.randbytes(16)


class Report(msgspec.Struct, frozen=True):
    """What a seed showed. ``history`` is the hash of its journal; ``trace`` its last lines if it failed."""

    seed: int
    commands: int
    history: str
    violations: list[str]
    trace: list[str]


def simulate(
    seed: int,
    workload: type[Workload],
    *,
    silo_class: type[Silo] = Silo,
    settings: RuntimeSettings = SETTINGS,
    faults: type[Faults] = Faults,
) -> Report:
    """Run one seed. The same seed gives the same report, everywhere."""
    world = World(seed, workload.types, silo_class=silo_class, settings=settings)
    world.state_checks = dict(workload.checks)
    clients = Clients(world)
    try:
        for number in range(SILOS):
            world.start_silo(f"silo-{number}")
        world.run_until(0.3)
        # Of its own chance, so that seeds without a spare play what they always did.
        if random.Random(f"spare {seed}").random() < SPARE_SHARE:
            world.start_silo("spare-0", spare=True)
        work = workload(world, clients, random.Random(world.rng.getrandbits(64)))
        faults(world, world.now + FAULTY_S)
        work.begin()
        world.run_until(world.now + FAULTY_S)
        _heal(world, clients)
        if not world.violations:
            _judge(world, clients, work)
    finally:
        world.bury()
    failed = bool(world.violations)
    return Report(
        seed,
        clients.answers,
        world.history,
        world.violations,
        list(world.trace) if failed else [],
    )


def _heal(world: World, clients: Clients) -> None:
    heal(world)
    world.run_until(world.now + HEAL_S)


def _judge(world: World, clients: Clients, work: Workload) -> None:
    for forgotten in clients.unanswered():
        world.violate(forgotten)
    # Before anybody asks: a question would bring the entity into memory, and its deadlines with it.
    for key, memory in sorted(world.shadow.items()):
        due = memory.deadline()
        now_ms = 1_800_000_000_000 + int(world.now * 1_000)
        if due is not None and due < now_ms - LATE_MAX_MS:
            world.violate(f"{key}: a deadline {now_ms - due} ms ago was never kept (guarantee 7)")
        if memory.sends:
            world.violate(f"{key}: {len(memory.sends)} sends are still owed (guarantee 6)")
    for entity, query in work.probes().items():
        _probe(world, clients, entity, query)
        if world.violations:
            return
    for broken in world.sagas.broken(world.stored_at):
        world.violate(broken)
    for broken in work.verdict():
        world.violate(broken)


def _probe(world: World, clients: Clients, entity: str, query: Query) -> None:
    """An entity that does not answer after healing is a hand-over or a doubt that never ended."""
    request = clients.send(entity, query)
    world.run_until(world.now + 3.0)
    reply = request.reply
    if not isinstance(reply, Accepted | Rejected) and not (
        isinstance(reply, Unserved) and reply.code == "quarantined"
    ):
        world.violate(f"{entity} does not answer after all has healed: {reply}")
