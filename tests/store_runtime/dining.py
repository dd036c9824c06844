"""A restaurant with a kitchen: a menu with options and a set, two stations, and orders that hear of their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from actors.entity import Decision, Entity, decides, evolves
from actors.testing.kit import NOON, Given, Outcome, after
from actors.turn import Turn
from actors.words import Event
from pricing.menu import Dish, Menu, Option, OptionGroup, SetChoice, SetSlot
from pricing.selection import Chosen, Selection
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateStore
from store_runtime.store.invariants import violations
from store_runtime.store.kitchen.commands import TakeStep
from store_runtime.store.menu.commands import PublishMenu, SaveDraft, SetDishStock
from store_runtime.store.orders.commands import (
    LinesPlaced,
    NoteLines,
    PlaceLines,
    RejectOrder,
    WantedLine,
)
from store_runtime.store.state import StoreBooks

MINUTE = 60_000
HOUR = 60 * MINUTE
TABLE = "table-session/ts1"
OTHER = "table-session/ts2"
PICKUP = "takeout/o1"

NOODLES = Dish(
    dish_id="noodles",
    name="牛肉面",
    name_en="Beef noodles",
    price_fen=2_800,
    station="wok",
    course="main",
    make_minutes=10,
    allergens=("gluten",),
    option_groups=(
        OptionGroup(
            group_id="extras",
            name="加料",
            max=2,
            options=(
                Option(option_id="egg", name="加蛋", price_delta_fen=300),
                Option(option_id="beef", name="加牛肉", price_delta_fen=1_200),
            ),
        ),
    ),
)
TEA = Dish(dish_id="tea", name="乌龙茶", price_fen=600, station="bar", course="drink", make_minutes=2)
LUNCH = Dish(
    dish_id="lunch",
    name="午市套餐",
    kind="set",
    price_fen=3_000,
    slots=(
        SetSlot(slot_id="main", name="主食", choices=(SetChoice(dish_id="noodles"),)),
        SetSlot(slot_id="drink", name="饮料", choices=(SetChoice(dish_id="tea", quantity=2),)),
    ),
)
MENU = Menu(dishes=(NOODLES, TEA, LUNCH))
PRICES = {"noodles": 2_800, "tea": 600, "lunch": 3_000}


def restaurant(left: dict[str, int] | None = None, *, thorough: bool = True) -> Given[StoreBooks]:
    """A store with the menu, of which so many are left per stock key; what is not named is not counted."""
    given = after(Store("store-1"), thorough=thorough)
    assert given.when(CreateStore(name="面馆")).accepted
    assert given.when(SaveDraft(menu=MENU)).accepted
    assert given.when(PublishMenu()).accepted
    for key, count in (left or {}).items():
        assert given.when(SetDishStock(dish_id=key, state="qty", left=count)).accepted
    return given


def line(line_id: str, dish_id: str = "noodles", quantity: int = 1, **fields: Any) -> WantedLine:
    """A line at the price of the menu. ``options`` of it; of the set the only choice is made."""
    options = tuple(fields.pop("options", ()))
    choices = (
        (Chosen(slot_id="main", dish_id="noodles"), Chosen(slot_id="drink", dish_id="tea"))
        if dish_id == "lunch"
        else ()
    )
    extra = {"egg": 300, "beef": 1_200}
    quoted = fields.pop("quoted_fen", PRICES[dish_id] + sum(extra[option] for option in options))
    return WantedLine(
        line_id=line_id,
        selection=Selection(dish_id=dish_id, options=options, choices=choices),
        quantity=quantity,
        quoted_fen=quoted,
        **fields,
    )


def placing(*lines: WantedLine, order: str = TABLE, batch: int = 1, **fields: Any) -> PlaceLines:
    """A round of a table, fired at once, unless the test says otherwise."""
    plain: dict[str, Any] = {"label": "8 号桌", "channel": "dine_in", "menu_version": 1}
    return PlaceLines(order=order, batch=batch, lines=lines, **(plain | fields))


def place(given: Given[StoreBooks], *lines: WantedLine, **fields: Any) -> Outcome:
    """A round that is taken."""
    placed = given.when(placing(*lines, **fields))
    assert placed.accepted, placed.rejection
    sound(given)
    return placed


def step(given: Given[StoreBooks], line_id: str, *steps: str, quantity: int | None = None) -> Outcome:
    """A line goes through steps, all of which are allowed; the outcome of the last one."""
    outcome: Outcome | None = None
    for one in steps:
        outcome = given.when(TakeStep(line_id=line_id, step=one, quantity=quantity))  # type: ignore[arg-type]
        assert outcome.accepted, outcome.rejection
        sound(given)
    assert outcome is not None
    return outcome


def state_of(given: Given[StoreBooks], line_id: str) -> str:
    """Where a kitchen line stands."""
    return given.state.kitchen.lines[line_id].state


def stock(given: Given[StoreBooks], key: str) -> tuple[int, int, int, int]:
    """left, held, sold, waste."""
    books = given.state.stock.of(key)
    return books.left, books.held, books.sold, books.waste


def told(outcome: Outcome, word: type[Any]) -> list[Any]:
    """What orders are told by a turn."""
    return [send.command for send in outcome.sends if isinstance(send.command, word)]


def sound(given: Given[StoreBooks]) -> None:
    """All invariants hold."""
    assert violations(given.state) == []


# --- whoever can be an order, as far as its store is concerned -----------------------------------------


class Heard(Event, frozen=True, kw_only=True):
    """The store said something."""

    placed: LinesPlaced | None = None
    lines: NoteLines | None = None
    rejected: RejectOrder | None = None


class Party(msgspec.Struct, kw_only=True):
    """What an order has heard of its lines. ``stale``: notes that were older than one it had."""

    lines: dict[str, tuple[int, str, int]] = {}
    placed: dict[int, bool] = {}
    rejected: dict[int, str] = {}
    number: str = ""
    twice: int = 0


class PartyOrder(Entity[Party]):
    """A stand-in for table sessions and takeout orders: it hears what they hear."""

    kind = "party"

    def blank(self) -> Party:
        return Party()

    @decides(LinesPlaced)
    def placed(self, party: Party, cmd: LinesPlaced, turn: Turn) -> Decision[None]:
        yield Heard(placed=cmd)

    @decides(NoteLines)
    def noted(self, party: Party, cmd: NoteLines, turn: Turn) -> Decision[None]:
        yield Heard(lines=cmd)

    @decides(RejectOrder)
    def rejected(self, party: Party, cmd: RejectOrder, turn: Turn) -> Decision[None]:
        yield Heard(rejected=cmd)

    @evolves(Heard)
    def on_heard(self, party: Party, e: Heard, at: int) -> None:
        if e.placed is not None:
            batch = e.placed.placed.batch
            party.placed[batch] = party.placed.get(batch, False) or e.placed.fired
            party.number = e.placed.placed.number or party.number
        if e.rejected is not None:
            party.rejected[e.rejected.batch] = e.rejected.reason
        for note in e.lines.lines if e.lines is not None else ():
            seen = party.lines.get(note.line_id, (0, "", 0))[0]
            party.twice += note.seq == seen
            if note.seq > seen:
                party.lines[note.line_id] = (note.seq, note.status, note.cancelled)


def problems(outcome: Outcome) -> list[tuple[str, str]]:
    """(line, problem) of a CartStale."""
    lines: Sequence[Any] = getattr(outcome.rejection, "lines", ())
    return [(one.line_id, one.problem) for one in lines]


__all__ = ["NOON"]
