"""Orders, cooks, 估清 and flash sales in any order: the books hold after every step, and orders know (D4, O2)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.testing.kit import Outcome
from store_runtime.store.commands import CreateFlashSale, RecordSold, ReturnStock
from store_runtime.store.kitchen.commands import AnswerCancel, RushLines, TakeStep
from store_runtime.store.menu.commands import SetDishStock
from store_runtime.store.orders.commands import CancelLine, CompLine, FireLines, NoteLines, ReleaseLines
from store_runtime.store.orders.state import BatchState
from tests.store_runtime.dining import HOUR, MINUTE, TABLE, line, placing, restaurant, sound, told


class KitchenMachine(RuleBasedStateMachine):
    """Orders and cooks in any order: the books hold after every step, whatever was refused."""

    @initialize()
    def open(self) -> None:
        self.given = restaurant({"noodles": 30, "tea": 60, "noodles#egg": 10})
        self.batch = 0
        self.notes: dict[str, int] = {}

    def _say(self, command: Any) -> None:
        self._hear(self.given.when(command))

    def _hear(self, outcome: Outcome) -> None:
        for noted in told(outcome, NoteLines):
            for note in noted.lines:
                assert note.seq == self.notes.get(note.line_id, 0) + 1, "O2: each change once, in order"
                self.notes[note.line_id] = note.seq

    @rule(
        dish=strategies.sampled_from(["noodles", "tea", "lunch"]),
        quantity=strategies.integers(1, 4),
        hold=strategies.booleans(),
        fire=strategies.booleans(),
        later=strategies.booleans(),
    )
    def order(self, dish: str, quantity: int, hold: bool, fire: bool, later: bool) -> None:
        self.batch += 1
        options = ["egg"] if dish == "noodles" and quantity == 1 else []
        wanted = line(f"l{self.batch}", dish, quantity, hold=hold, options=options)
        ready_at = self.given.at + 30 * MINUTE if later else 0
        self._say(placing(wanted, batch=self.batch, fire=fire, ready_at=ready_at))

    @rule(batch=strategies.integers(1, 8), fire=strategies.booleans())
    def fire_or_release(self, batch: int, fire: bool) -> None:
        if fire:
            self._say(FireLines(order=TABLE, batch=batch))
        else:
            self._say(ReleaseLines(order=TABLE, batch=batch, reason="unpaid"))

    @rule(
        pick=strategies.integers(0, 50),
        step=strategies.sampled_from(
            ["HOLD", "FIRE", "START", "START", "READY", "SERVE", "RECALL", "REMAKE"]
        ),
        quantity=strategies.one_of(strategies.none(), strategies.integers(1, 4)),
    )
    def cook(self, pick: int, step: Any, quantity: int | None) -> None:
        if lines := list(self.given.state.kitchen.lines):
            self._say(TakeStep(line_id=lines[pick % len(lines)], step=step, quantity=quantity))

    @rule(pick=strategies.integers(0, 50), agreed=strategies.booleans())
    def answer(self, pick: int, agreed: bool) -> None:
        if lines := list(self.given.state.kitchen.lines):
            self._say(AnswerCancel(line_id=lines[pick % len(lines)], agreed=agreed))

    @rule(number=strategies.integers(1, 8), quantity=strategies.integers(1, 4), comps=strategies.booleans())
    def change(self, number: int, quantity: int, comps: bool) -> None:
        command = CompLine if comps else CancelLine
        self._say(command(order=TABLE, line_id=f"l{number}", quantity=quantity, reason="慢"))

    @rule(
        key=strategies.sampled_from(["noodles", "tea", "noodles#egg"]),
        state=strategies.sampled_from(["in", "out", "qty", "qty"]),
        left=strategies.integers(0, 30),
    )
    def count(self, key: str, state: Any, left: int) -> None:
        self._say(SetDishStock(dish_id=key, state=state, left=left if state == "qty" else None))

    @rule(stock=strategies.integers(1, 6))
    def carve(self, stock: int) -> None:
        """F10: a flash sale of the same noodles."""
        at = self.given.at
        self._say(
            CreateFlashSale(
                title="面",
                dish_id="noodles",
                price_fen=900,
                stock=stock,
                per_user_limit=2,
                starts_at=at,
                ends_at=at + HOUR,
            )
        )

    @rule(quantity=strategies.integers(1, 4), sold=strategies.booleans())
    def end_sale(self, quantity: int, sold: bool) -> None:
        for sale_id, sale in self.given.state.sales.items():
            if sale.out >= quantity:
                command = RecordSold if sold else ReturnStock
                self._say(command(flash_sale_id=sale_id, dish_id="noodles", quantity=quantity))
                return

    @rule(minutes=strategies.integers(1, 40))
    def wait(self, minutes: int) -> None:
        until = self.given.at + minutes * MINUTE
        while (due := self.given.deadline) is not None and due <= until:
            self._hear(self.given.then_wake())
        self._say(RushLines(order=TABLE))

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "given"):
            sound(self.given)

    @invariant()
    def sold_is_what_was_fired_and_is_still_wanted(self) -> None:
        """D4: counted again from the orders and the sales."""
        if not hasattr(self, "given"):
            return
        store = self.given.state
        sold = Counter({"noodles": sum(sale.sold for sale in store.sales.values())})
        for batch in store.orders.batches.values():
            if batch.state is BatchState.FIRED:
                sold += store.orders.takes(batch)
        assert {key: books.sold for key, books in store.stock.books.items()} == {
            key: sold[key] for key in store.stock.books
        }

    @invariant()
    def the_order_knows_what_the_kitchen_knows(self) -> None:
        """The least of its parts, whatever was split; what is cancelled is what the kitchen counts."""
        if not hasattr(self, "given"):
            return
        for ordered in self.given.state.orders.lines.values():
            lines = [self.given.state.kitchen.lines[one] for one in ordered.cooked_as]
            live = {one.state for one in lines if one.state != "cancelled"}
            if lines:
                assert ordered.status in (live or {"cancelled"})
                assert (ordered.cancelled == ordered.quantity) == (ordered.status == "cancelled")


KitchenMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestKitchenMachine = KitchenMachine.TestCase
