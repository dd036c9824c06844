"""What goes wrong in a seed, drawn from it: weather of the outside, kills, pauses, jumps, silos that come and go."""

from __future__ import annotations

from collections.abc import Callable

from actors.testing.simulation.loop import SimLoop
from actors.testing.simulation.world import CALM, Weather, World

SILOS_MAX = 4
CALLBACKS_MAX = 40
"""A kill or pause hits up to so many callbacks later: between any two of them, not only when the silo is idle."""


class Faults:
    """Schedules faults from now until ``until`` (virtual seconds); afterwards the world heals."""

    def __init__(self, world: World, until: float) -> None:
        self.world = world
        self.until = until
        rng = world.rng
        bad = rng.choice((0.0, 0.0, 0.02, 0.05, 0.1))
        world.weather = Weather(
            lost=bad * rng.random(),
            answer_lost=bad * rng.random(),
            late=bad * rng.random(),
            partial=bad * rng.random(),
            slow=bad * rng.random(),
            doubled=rng.choice((0.0, 0.1)),
        )
        self._every_s = rng.choice((0.4, 0.8, 1.6))
        self._kinds = rng.sample(
            (
                "kill",
                "kill",
                "kill unseen",
                "pause",
                "long pause",
                "outage",
                "jump",
                "rebalance",
                "passivate",
                "snapshots",
            ),
            k=rng.randint(2, 10),
        )
        self._next()

    def _next(self) -> None:
        world = self.world
        delay = self._every_s * (0.3 + world.rng.random())
        if world.now + delay < self.until:
            world.after(delay, self._strike)

    def _strike(self) -> None:
        world = self.world
        seats = world.living()
        if seats:
            seat = seats[world.rng.randrange(len(seats))]
            kind = self._kinds[world.rng.randrange(len(self._kinds))]
            self._do(kind, seat.name)
        self._next()

    def _do(self, kind: str, name: str) -> None:
        world, rng = self.world, self.world.rng
        match kind:
            case "kill" | "kill unseen":
                self._between_callbacks(name, lambda: self._kill(name, told=kind == "kill"))
            case "pause":
                seconds = rng.random() * 0.5
                self._between_callbacks(name, lambda: world.pause(name, seconds))
            case "long pause":
                seconds = world.settings.lease_s * (1 + rng.random() * 2)
                self._between_callbacks(name, lambda: world.pause(name, seconds))
            case "outage":
                world.outage_until = max(world.outage_until, world.now + rng.random() * 1.5)
                world.say(f"outage until {world.outage_until:.2f}")
            case "jump":
                clock = world.seats[name].clock
                assert clock is not None
                clock.skew_ms = rng.randint(-3_000, 3_000)
            case "rebalance":
                self._rebalance(name)
            case "passivate":
                silo = world.seats[name].silo
                if silo is not None:
                    list(silo.host.passivate_idle())
            case "snapshots":
                for entity in list(world.shadow):
                    self._lose_snapshot(entity)

    def _lose_snapshot(self, entity: str) -> None:
        """All of it, or one part that its manifest still names."""
        snapshots = self.world.snapshots
        manifest = snapshots.latest_now(entity)
        if manifest is None or self.world.rng.random() < 0.5:
            snapshots.delete_now(entity)
        else:
            snapshots.lose_now(entity, self.world.rng.choice(manifest.parts).digest)

    def _between_callbacks(self, name: str, fault: Callable[[], None]) -> None:
        loop = self.world.seats[name].loop
        assert loop is not None
        loop.strike_after(self.world.rng.randint(1, CALLBACKS_MAX), fault)

    def _kill(self, name: str, told: bool) -> None:
        self.world.kill(name, told)
        self.world.after(0.1 + self.world.rng.random() * 1.5, lambda: self._revive(name))

    def _revive(self, name: str) -> None:
        if not self.world.seats[name].alive:
            self.world.start_silo(name)

    def _rebalance(self, name: str) -> None:
        world = self.world
        if len(world.living()) < SILOS_MAX and world.rng.random() < 0.5:
            free = [f"silo-{n}" for n in range(SILOS_MAX) if not self._alive(f"silo-{n}")]
            if free:
                world.start_silo(free[0])
                return
        self._drain(name)

    def _alive(self, name: str) -> bool:
        seat = self.world.seats.get(name)
        return seat is not None and seat.alive

    def _drain(self, name: str) -> None:
        """Leave in order, as ``kaifan scale`` asks for."""
        seat = self.world.seats[name]
        if seat.leaving or len([s for s in self.world.living() if not s.leaving]) < 2:
            return
        loop, silo = seat.loop, seat.silo
        assert loop is not None
        assert silo is not None
        seat.leaving = True
        self.world.say(f"{name} leaves")

        async def leave() -> None:
            await silo.drain(4.0)
            await silo.stop()
            loop.dead = True

        loop.call_soon(lambda: loop.create_task(leave()))


def heal(world: World, at_least: int = 1) -> None:
    """No more faults: everything goes on, and enough silos live."""
    world.weather = CALM
    world.outage_until = world.now
    for seat in world.seats.values():
        loop: SimLoop | None = seat.loop
        if loop is not None:
            loop.strike_in = 0
        if loop is not None and not loop.dead and loop.paused_until > world.now:
            loop.paused_until = world.now
            world.note_ready(loop)
        if seat.clock is not None:
            seat.clock.skew_ms = 0
    for name in sorted(world.seats):
        alive = [seat for seat in world.seats.values() if seat.alive and not seat.leaving]
        if len(alive) >= at_least:
            return
        if not world.seats[name].alive:
            world.start_silo(name)
