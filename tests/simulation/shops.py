"""The runtime's own scenario: shops with a shelf and a deadline, a saga to a till, poison, bursts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from actors.codec import read_sends
from actors.testing.simulation import Workload
from actors.words import Query
from tests.actors.counter_shop import (
    Buy,
    EmptyTill,
    GiveBack,
    HowMany,
    Note,
    Poison,
    RingUp,
    Shelf,
    Shop,
    Stumble,
    TillEntity,
    Total,
)

SHOPS = 3
TILLS = 2
STOCK = 10


def shelf_violations(shelf: Shelf) -> Sequence[str]:
    return [f"F1: {shelf.left} left"] if shelf.left < 0 else []


class Shops(Workload):
    types = (Shop, TillEntity)
    checks = {"shop": shelf_violations}

    def begin(self) -> None:
        for _ in range(self.rng.randint(40, 90) * self.load):
            self.world.after(self.rng.random() * 5.0, self._visit)
        for _ in range(self.rng.randint(4, 10) * self.load):
            self.world.after(self.rng.random() * 5.0, self._rush)
        for _ in range(self.rng.randint(0, 30) * self.load):
            self.world.after(self.rng.random() * 5.0, self._empty_a_till)
        if self.rng.random() < 0.5:
            self.world.after(self.rng.random() * 4.0, self._burst)

    def _shop(self) -> str:
        return f"shop/{self.rng.randrange(SHOPS)}"

    def _rush(self) -> None:
        """One moment, every shop: their commits share a write."""
        for number in range(SHOPS):
            for _ in range(2):
                self.clients.send(f"shop/{number}", Buy(), self.new_id())

    def _burst(self) -> None:
        shop = self._shop()
        for _ in range(80):
            self.clients.send(shop, Note(), self.new_id())

    def _empty_a_till(self) -> None:
        """A full till takes again: what it refused a moment ago it would now accept."""
        self.clients.send(f"till/t{self.rng.randrange(TILLS)}", EmptyTill(), self.new_id())

    def _visit(self) -> None:
        shop, chance = self._shop(), self.rng.random()
        if chance < 0.45:
            till = f"t{self.rng.randrange(TILLS)}" if self.rng.random() < 0.5 else ""
            self.clients.send(shop, Buy(quantity=self.rng.randint(1, 3), till=till), self.new_id())
        elif chance < 0.55:
            self.clients.send(shop, GiveBack(quantity=1), self.new_id())
        elif chance < 0.85:
            self.clients.send(shop, HowMany())
        elif chance < 0.9:
            self.clients.send(shop, Note(), self.new_id())
        elif chance < 0.95:
            self.clients.send(shop, Poison(), self.new_id())
        else:
            self.clients.send(shop, Stumble(), self.new_id())

    def probes(self) -> Mapping[str, Query]:
        shops: dict[str, Query] = {f"shop/{number}": HowMany() for number in range(SHOPS)}
        return shops | {"till/t0": Total(), "till/t1": Total()}

    def verdict(self) -> Sequence[str]:
        """What the tills rang up is what the shops sent them, each message once, and within their limit."""
        tills = {key: memory.state for key, memory in self.world.shadow.items() if key.startswith("till/")}
        sent = dict.fromkeys(tills, 0)
        for shop in sorted(self.world.shadow):
            for document in self.world.journal.read_now(shop):
                for send in read_sends(document.sends):
                    if (send.to, send.id) in self.world.stored_at:
                        sent[send.to] += msgspec.msgpack.decode(send.payload, type=RingUp).quantity
        limit = [
            f"{key}: {till.total} rung up, 5 is its limit" for key, till in tills.items() if till.total > 5
        ]
        sums = [
            f"{key}: {till.total + till.emptied} rung up, the shops sent {sent[key]}"
            for key, till in tills.items()
            if till.total + till.emptied != sent[key]
        ]
        return [*limit, *sums]
