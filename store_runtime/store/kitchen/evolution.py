"""What the kitchen's events do to the books."""

from __future__ import annotations

from msgspec import to_builtins

from actors.entity import evolves
from store_runtime.store.books import Desk
from store_runtime.store.kitchen.events import CourseFired, KitchenChanged, KitchenMoved
from store_runtime.store.kitchen.lines import apply, note, refresh, settle, touched
from store_runtime.store.kitchen.words import Move
from store_runtime.store.orders import goods
from store_runtime.store.state import StoreBooks


class KitchenEvolution(Desk):
    """The evolving half of KitchenDesk."""

    @evolves(KitchenMoved)
    def on_kitchen_moved(self, store: StoreBooks, e: KitchenMoved, at: int) -> None:
        kitchen = store.kitchen
        kitchen.moved = e.no
        refused: dict[str, int] = {}
        for move in e.moves:
            apply(kitchen.lines, move, at)
            self._follow(store, move, at, refused)
        settle(kitchen, touched(e.moves))
        if e.back:
            goods.take_back(store, e.back, at)
        if e.again:
            goods.make_again(store, e.again, at)
        store.stock.waste(e.waste)
        self._refused(store, refused, e.no)
        for line_id in dict.fromkeys(kitchen.lines[move.line_id].cooking.order_line_id for move in e.moves):
            refresh(kitchen, store.orders.lines[line_id], e.no)
        # A move that says what it is, and not how it was decided: what a screen has to draw.
        store.live.add("kitchen_moved", at, moves=[to_builtins(move) for move in e.moves])

    def _follow(self, store: StoreBooks, move: Move, at: int, refused: dict[str, int]) -> None:
        """What a step of a kitchen line means beyond it."""
        line = store.kitchen.lines[move.line_id]
        ordered = store.orders.lines[line.cooking.order_line_id]
        first_part = line.cooking.line_id == store.kitchen.lines[ordered.cooked_as[0]].cooking.line_id
        if move.step == "SPLIT":
            ordered.cooked_as.append(move.into)
        elif move.step == "CANCEL_REFUSED" and first_part:
            refused[line.cooking.order_line_id] = refused.get(line.cooking.order_line_id, 0) + move.quantity
        elif move.step == "COMP" and first_part:
            ordered.comped += move.quantity // line.cooking.of_one

    def _refused(self, store: StoreBooks, refused: dict[str, int], no: int) -> None:
        """How many the kitchen will not take off: of a set in sets."""
        for line_id, quantity in refused.items():
            ordered = store.orders.lines[line_id]
            of_one = store.kitchen.lines[ordered.cooked_as[0]].cooking.of_one
            ordered.refused += quantity // of_one
            note(ordered, no)

    @evolves(KitchenChanged)
    def on_kitchen_changed(self, store: StoreBooks, e: KitchenChanged, at: int) -> None:
        store.kitchen.terms = e.terms

    @evolves(CourseFired)
    def on_course_fired(self, store: StoreBooks, e: CourseFired, at: int) -> None:
        store.kitchen.course_fired_at[e.order] = at
