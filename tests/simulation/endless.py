"""A turn that never ends, among shops that go on: it costs processes, but not the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors import Command, Decision, Entity, Event, Query, Turn, answers, decides, evolves
from actors.testing.simulation import EndlessTurn
from tests.actors.counter_shop import Shop, TillEntity
from tests.simulation.shops import Shops

CUCKOOS = 2


class Strike(Command, frozen=True, kw_only=True):
    """Strikes the hour."""


class Loop(Command, frozen=True, kw_only=True):
    """Its decision never ends."""


class Struck(Event, frozen=True, kw_only=True):
    pass


class Hour(Query, frozen=True, kw_only=True):
    pass


class Dial(msgspec.Struct):
    hour: int = 0


class Cuckoo(Entity[Dial]):
    kind = "cuckoo"

    def blank(self) -> Dial:
        return Dial()

    @decides(Strike)
    def strike(self, dial: Dial, cmd: Strike, turn: Turn) -> Decision[int]:
        yield Struck()
        return dial.hour + 1

    @decides(Loop)
    def loop(self, dial: Dial, cmd: Loop, turn: Turn) -> Decision[None]:
        raise EndlessTurn(turn.entity)
        yield

    @evolves(Struck)
    def on_struck(self, dial: Dial, e: Struck, at: int) -> None:
        dial.hour += 1

    @answers(Hour)
    def hour(self, dial: Dial, query: Hour, at: int) -> int:
        return dial.hour


class Cuckoos(Shops):
    types = (Shop, TillEntity, Cuckoo)

    def begin(self) -> None:
        super().begin()
        for _ in range(20):
            self.world.after(self.rng.random() * 5.0, self._strike)
        self.world.after(0.5 + self.rng.random() * 3.0, self._loop)

    def _cuckoo(self) -> str:
        return f"cuckoo/{self.rng.randrange(CUCKOOS)}"

    def _strike(self) -> None:
        self.clients.send(self._cuckoo(), Strike(), self.new_id())

    def _loop(self) -> None:
        self.clients.send(self._cuckoo(), Loop(), self.new_id())

    def probes(self) -> Mapping[str, Query]:
        cuckoos: dict[str, Query] = {f"cuckoo/{number}": Hour() for number in range(CUCKOOS)}
        return {**super().probes(), **cuckoos}

    def verdict(self) -> Sequence[str]:
        """Its client insists, so an heir may meet it too before the quarantine is known; no seat meets it twice."""
        stopped = {row.entity for row in self.world.quarantine.all_now()}
        broken = [f"{key} was endless and is not stopped" for key in self.world.endless if key not in stopped]
        broken += [
            f"pitfall 13: {key} cost processes of {seats}"
            for key, seats in self.world.endless.items()
            if len(set(seats)) < len(seats)
        ]
        return [*super().verdict(), *broken]
