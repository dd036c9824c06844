"""An evening in the kitchen under faults: orders that come twice and late, holds that run out, cooks, numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from actors.testing.simulation import Workload, read
from actors.testing.simulation.clients import Done
from actors.words import Command, Query, Reply, Unserved
from pricing.selection import Chosen, Selection
from store_runtime.store.actor import Store
from store_runtime.store.commands import ChangeSettings, CreateStore
from store_runtime.store.invariants import violations
from store_runtime.store.kitchen.commands import (
    AnswerCancel,
    ChangeKitchen,
    GetKitchen,
    HandStep,
    RushLines,
    TakeStep,
)
from store_runtime.store.menu.commands import PublishMenu, SaveDraft, SetDishStock
from store_runtime.store.orders.commands import (
    AcceptLines,
    CancelLine,
    FireLines,
    PlaceLines,
    RejectLines,
    ReleaseLines,
    WantedLine,
)
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.state import BatchState
from store_runtime.store.state import StoreBooks
from tests.store_runtime.dining import MENU, PRICES, PartyOrder

STORE = "store/s"
EPOCH_MS = 1_800_000_000_000
STOCK = {"noodles": 40, "tea": 60, "lunch": 15}
FAILURES = ("internal_error", "quarantined")
STEPS: tuple[HandStep, ...] = ("START", "READY", "SERVE", "RECALL", "REMAKE", "HOLD", "FIRE")
NEXT: dict[str, tuple[HandStep, ...]] = {
    "on_hold": ("FIRE",),
    "queued": ("START", "START", "HOLD"),
    "cooking": ("READY", "READY", "REMAKE"),
    "ready": ("SERVE", "SERVE", "RECALL", "REMAKE"),
    "served": ("RECALL", "REMAKE"),
}
"""What a cook mostly does with a line that stands there; now and then it is any step at all."""


class Kitchens(Workload):
    types = (Store, PartyOrder)

    def begin(self) -> None:
        self.world.state_checks = {"store": self._look_at_store}
        self.numbers: dict[str, str] = {}
        """Number → the order that was told it."""
        self.clients.send(STORE, CreateStore(name="Bistro"), self.new_id(), self._furnish)

    def _furnish(self, reply: Reply) -> None:
        self._say(SaveDraft(menu=MENU), self._publish)

    def _publish(self, reply: Reply) -> None:
        self._say(PublishMenu(), self._stock)

    def _stock(self, reply: Reply) -> None:
        self._say(ChangeSettings(auto_accept=self.rng.random() < 0.5))
        self._say(ChangeKitchen(number_skip_digits="4", rush_cooldown_s=1, accept_within_s=1))
        for key, left in STOCK.items():
            self._say(SetDishStock(dish_id=key, state="qty", left=left))
        self.world.after(0.1, self._open)

    def _open(self) -> None:
        for number in range(self.rng.randint(15, 35) * self.load):
            self.world.after(self.rng.random() * 3.0, lambda number=number: self._order(number))
        for _ in range(self.rng.randint(60, 150) * self.load):
            self.world.after(0.3 + self.rng.random() * 4.0, self._cook)

    def _say(self, command: Command, done: Done | None = None, command_id: bytes = b"") -> None:
        def answered(reply: Reply) -> None:
            if isinstance(reply, Unserved) and reply.code in FAILURES:
                self.world.violate(f"{type(command).__name__} failed: {reply}")
            if done is not None:
                done(reply)

        self.clients.send(STORE, command, command_id or self.new_id(), answered)

    # --- orders ----------------------------------------------------------------------------------------------

    def _order(self, number: int) -> None:
        """One order, perhaps said twice by different people, with what follows it in any order."""
        order = f"party/o{number}"
        fire = self.rng.random() < 0.5
        placing = PlaceLines(
            order=order,
            batch=1,
            label=str(number),
            channel=self.rng.choice(("dine_in", "pickup")),
            menu_version=1,
            lines=tuple(self._line(number, count) for count in range(self.rng.randint(1, 3))),
            fire=fire,
            hold_until=0 if fire else self._now_ms() + self.rng.randint(300, 3_000),
            number_wanted=self.rng.random() < 0.7,
        )
        for _ in range(1 + (self.rng.random() < 0.4)):
            self._later(0.4, lambda: self._say(placing, lambda reply: self._numbered(order, reply)))
        for command in self._after(order, fire):
            self.world.after(
                self.rng.random() ** 2 + self.rng.random() * 1.5,
                lambda command=command: self._tell(order, command),
            )

    def _line(self, number: int, count: int) -> WantedLine:
        dish = self.rng.choice(("noodles", "tea", "lunch"))
        choices = ()
        if dish == "lunch":
            choices = (Chosen(slot_id="main", dish_id="noodles"), Chosen(slot_id="drink", dish_id="tea"))
        return WantedLine(
            line_id=f"o{number}.l{count}",
            selection=Selection(dish_id=dish, choices=choices),
            quantity=self.rng.randint(1, 3),
            quoted_fen=PRICES[dish],
            hold=self.rng.random() < 0.2,
        )

    def _after(self, order: str, fired: bool) -> list[Command]:
        """What an order may hear of afterwards: paid, given up, accepted, rejected, some of it twice."""
        chances: list[tuple[float, Command]] = [
            (0.2 if fired else 0.7, FireLines(order=order, batch=1)),
            (0.2, FireLines(order=order, batch=1)),
            (0.2, ReleaseLines(order=order, batch=1, reason="unpaid")),
            (0.4, AcceptLines(order=order, batch=1)),
            (0.1, RejectLines(order=order, batch=1, reason="busy")),
            (0.2, RushLines(order=order)),
        ]
        return [command for chance, command in chances if self.rng.random() < chance]

    def _tell(self, order: str, command: Command) -> None:
        numbered = isinstance(command, FireLines | AcceptLines)
        self._say(command, (lambda reply: self._numbered(order, reply)) if numbered else None)

    def _numbered(self, order: str, reply: Reply) -> None:
        """T13: whoever was told a number has it alone."""
        placed: PlacedLines | None = read(reply, PlacedLines)
        if placed is not None and placed.number and self.numbers.setdefault(placed.number, order) != order:
            self.world.violate(f"T13: {placed.number} was told to {self.numbers[placed.number]} and {order}")

    # --- the kitchen -----------------------------------------------------------------------------------------

    def _cook(self) -> None:
        """Somebody at the screen does something with a line that is there, or was."""
        store = self._store()
        if store is None or not store.kitchen.lines:
            return
        lines = sorted(store.kitchen.lines)
        line_id = self.rng.choice(lines)
        line = store.kitchen.lines[line_id]
        chance = self.rng.random()
        if line.state == "cancel_requested" and chance < 0.8:
            self._say(AnswerCancel(line_id=line_id, agreed=self.rng.random() < 0.6))
        elif chance < 0.85:
            steps = NEXT.get(line.state, STEPS) if self.rng.random() < 0.8 else STEPS
            step, quantity = self.rng.choice(steps), self.rng.choice((None, None, 1))
            self._say(TakeStep(line_id=line_id, step=step, quantity=quantity))
        else:
            line_id = line.cooking.order_line_id
            self._say(CancelLine(order=line.order, line_id=line_id, quantity=1, reason="slow"))

    def _store(self) -> StoreBooks | None:
        memory = self.world.shadow.get(STORE)
        return memory.state if memory is not None else None

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self.world.after(self.rng.random() * seconds, do)

    def _now_ms(self) -> int:
        return EPOCH_MS + int(self.world.now * 1_000)

    # --- what must hold --------------------------------------------------------------------------------------

    def _look_at_store(self, store: StoreBooks) -> Sequence[str]:
        """After every stored document; and sold is what was fired and is still wanted, counted from the orders."""
        sold: Counter[str] = Counter()
        for batch in store.orders.batches.values():
            if batch.state is BatchState.FIRED:
                sold += store.orders.takes(batch)
        wrong = [
            f"D4: {key}: {store.stock.of(key).sold} sold, {sold[key]} were fired and are still wanted"
            for key in {*sold, *store.stock.books}
            if store.stock.of(key).sold != sold[key]
        ]
        return [*violations(store), *sorted(wrong)]

    def probes(self) -> Mapping[str, Query]:
        return {STORE: GetKitchen()}

    def verdict(self) -> Sequence[str]:
        """Every order knows what the store knows of it, and heard of each change once."""
        store = self._store()
        if store is None:
            return []
        broken = []
        for key, memory in sorted(self.world.shadow.items()):
            if not key.startswith("party/"):
                continue
            batch = store.orders.batch(key, 1)
            if batch is None or memory.state.placed.get(1, False) != (batch.state is BatchState.FIRED):
                broken.append(f"O2: {key} heard {memory.state.placed}, its batch is {batch and batch.state}")
            if batch is not None and (1 in memory.state.rejected) != (batch.state is BatchState.REJECTED):
                broken.append(f"O2: {key} heard {memory.state.rejected}, its batch is {batch.state}")
            for line_id, (seq, status, cancelled) in memory.state.lines.items():
                line = store.orders.lines[line_id]
                if (seq, status, cancelled) != (line.seq, line.status, line.cancelled):
                    broken.append(
                        f"T5: {line_id} is {line.status} ({line.seq}), {key} heard {status} ({seq})"
                    )
            if memory.state.twice:
                broken.append(f"T5: {key} heard {memory.state.twice} changes twice")
        return broken
