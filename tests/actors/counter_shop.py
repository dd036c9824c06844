"""A small entity for the runtime's own tests: a shelf with a deadline, a saga to a till, and poison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec

from actors import (
    Command,
    Decision,
    Entity,
    Event,
    Query,
    Rejection,
    Send,
    Turn,
    Wake,
    answers,
    decides,
    evolves,
    reacts,
    upcasts,
    upcasts_state,
    wakes,
)


class Buy(Command, frozen=True, kw_only=True):
    quantity: int = 1
    till: str = ""


class GiveBack(Command, frozen=True, kw_only=True):
    quantity: int


class Note(Command, frozen=True, kw_only=True):
    """Accepted without events."""


class Poison(Command, frozen=True, kw_only=True):
    """Its event cannot be evolved."""


class Stumble(Command, frozen=True, kw_only=True):
    """Its decision fails by mistake."""


class Fill(Command, frozen=True, kw_only=True):
    size_bytes: int


class HowMany(Query, frozen=True, kw_only=True):
    pass


class Bought(Event, frozen=True, kw_only=True):
    version: ClassVar[int] = 2
    quantity: int
    till: str = ""


class GivenBack(Event, frozen=True, kw_only=True):
    quantity: int


class Lapsed(Event, frozen=True, kw_only=True):
    outward: ClassVar[bool] = True


class Poisoned(Event, frozen=True, kw_only=True):
    pass


class Filled(Event, frozen=True, kw_only=True):
    filling: bytes


class SoldOut(Rejection):
    """Nothing is left."""

    left: int


class Shelf(msgspec.Struct):
    left: int = 10
    lapses_at: int | None = None
    lapses: int = 0


class View(msgspec.Struct, frozen=True, array_like=True):
    left: int
    lapses: int


LAPSE_MS = 200


class Shop(Entity[Shelf]):
    kind = "shop"
    state_version = 2

    def blank(self) -> Shelf:
        return Shelf()

    @decides(Buy)
    def buy(self, shelf: Shelf, cmd: Buy, turn: Turn) -> Decision[str]:
        if cmd.quantity > shelf.left:
            raise SoldOut(left=shelf.left)
        yield Bought(quantity=cmd.quantity, till=cmd.till)
        return turn.new_id("receipt-")

    @decides(GiveBack)
    def give_back(self, shelf: Shelf, cmd: GiveBack, turn: Turn) -> Decision[None]:
        yield GivenBack(quantity=cmd.quantity)

    @decides(Note)
    def note(self, shelf: Shelf, cmd: Note, turn: Turn) -> Decision[str]:
        return turn.new_id("note-")
        yield

    @decides(Poison)
    def poison(self, shelf: Shelf, cmd: Poison, turn: Turn) -> Decision[None]:
        yield Poisoned()

    @decides(Stumble)
    def stumble(self, shelf: Shelf, cmd: Stumble, turn: Turn) -> Decision[None]:
        raise ZeroDivisionError("a mistake of ours")
        yield

    @decides(Fill)
    def fill(self, shelf: Shelf, cmd: Fill, turn: Turn) -> Decision[None]:
        yield Filled(filling=b"x" * cmd.size_bytes)

    @decides(Wake)
    def lapse(self, shelf: Shelf, cmd: Wake, turn: Turn) -> Decision[None]:
        if shelf.lapses_at is not None and shelf.lapses_at <= turn.at:
            yield Lapsed()

    @evolves(Bought)
    def on_bought(self, shelf: Shelf, e: Bought, at: int) -> None:
        shelf.left -= e.quantity
        shelf.lapses_at = at + LAPSE_MS

    @evolves(GivenBack)
    def on_given_back(self, shelf: Shelf, e: GivenBack, at: int) -> None:
        shelf.left += e.quantity

    @evolves(Lapsed)
    def on_lapsed(self, shelf: Shelf, e: Lapsed, at: int) -> None:
        shelf.lapses_at = None
        shelf.lapses += 1

    @evolves(Poisoned)
    def on_poisoned(self, shelf: Shelf, e: Poisoned, at: int) -> None:
        raise ValueError("poison")

    @evolves(Filled)
    def on_filled(self, shelf: Shelf, e: Filled, at: int) -> None:
        return

    @reacts(Bought)
    def ring_up(self, shelf: Shelf, e: Bought, turn: Turn) -> Iterator[Send]:
        if e.till:
            yield Send(
                to=f"till/{e.till}",
                command=RingUp(quantity=e.quantity),
                step="ring-up",
                if_rejected=GiveBack(quantity=e.quantity),
            )

    @answers(HowMany)
    def how_many(self, shelf: Shelf, query: HowMany, at: int) -> View:
        return View(shelf.left, shelf.lapses)

    @wakes
    def next_lapse(self, shelf: Shelf) -> int | None:
        return shelf.lapses_at

    @upcasts(Bought, 1)
    @staticmethod
    def count_became_quantity(fields: dict[str, object]) -> dict[str, object]:
        return {"quantity": fields["count"]}

    @upcasts_state(1)
    @staticmethod
    def stock_became_left(fields: dict[str, object]) -> dict[str, object]:
        return {"left": fields["stock"], "lapses_at": None, "lapses": 0}


class RingUp(Command, frozen=True, kw_only=True):
    quantity: int


class EmptyTill(Command, frozen=True, kw_only=True):
    """A full till takes again: a no of before is not a no of now."""


class Total(Query, frozen=True, kw_only=True):
    pass


class RungUp(Event, frozen=True, kw_only=True):
    quantity: int


class Emptied(Event, frozen=True, kw_only=True):
    pass


class TillFull(Rejection):
    """The till takes no more."""


class Till(msgspec.Struct):
    total: int = 0
    emptied: int = 0


class TillEntity(Entity[Till]):
    kind = "till"

    def blank(self) -> Till:
        return Till()

    @decides(RingUp)
    def ring_up(self, till: Till, cmd: RingUp, turn: Turn) -> Decision[None]:
        if till.total + cmd.quantity > 5:
            raise TillFull()
        yield RungUp(quantity=cmd.quantity)

    @decides(EmptyTill)
    def empty(self, till: Till, cmd: EmptyTill, turn: Turn) -> Decision[None]:
        yield Emptied()

    @evolves(RungUp)
    def on_rung_up(self, till: Till, e: RungUp, at: int) -> None:
        till.total += e.quantity

    @evolves(Emptied)
    def on_emptied(self, till: Till, e: Emptied, at: int) -> None:
        till.emptied += till.total
        till.total = 0

    @answers(Total)
    def total(self, till: Till, query: Total, at: int) -> int:
        return till.total
