"""What the events of orders do to the books."""

from __future__ import annotations

from msgspec.structs import replace

from actors.entity import evolves
from store_runtime.store.books import Desk
from store_runtime.store.kitchen.lines import added, forget, note, settle
from store_runtime.store.kitchen.words import Cooking
from store_runtime.store.orders import goods
from store_runtime.store.orders.events import (
    AcceptAwaited,
    BatchEscalated,
    BatchFired,
    BatchPlaced,
    BatchRejected,
    BatchReleased,
    BatchRetaken,
    DayTurned,
    HeldLineCancelled,
    HoldLapsed,
    Number,
    OrderRelabelled,
)
from store_runtime.store.orders.state import (
    Batch,
    BatchState,
    OrderLine,
    batch_key,
    is_over,
)
from store_runtime.store.state import StoreBooks


class OrderEvolution(Desk):
    """The evolving half of OrderDesk."""

    @evolves(BatchPlaced)
    def on_batch_placed(self, store: StoreBooks, e: BatchPlaced, at: int) -> None:
        batch = Batch(
            order=e.order,
            batch=e.batch,
            state=BatchState(e.state),
            label=e.label,
            channel=e.channel,
            menu_version=e.menu_version,
            fingerprint=e.fingerprint,
            lines=e.lines,
            cooking=e.cooking,
            number_wanted=e.number_wanted,
            hold_until=e.hold_until,
            accept_by=e.accept_by,
            placed_at=at,
        )
        for line, takes in zip(e.lines, e.takes, strict=True):
            store.orders.lines[line.line_id] = OrderLine(
                order=e.order,
                placed_in=e.order,
                batch=e.batch,
                dish_id=line.dish_id,
                quantity=line.quantity,
                takes=takes,
                promised_at=line.promised_at,
            )
        store.orders.batches[batch_key(e.order, e.batch)] = batch
        store.orders.day_ends_at = store.orders.day_ends_at or e.day_ends_at
        goods.hold(store, store.orders.takes(batch), at)
        store.menu.companions.note(line.dish_id for line in e.lines if line.dish_id)
        self._numbered(store, batch, e.number)
        self._now(store, batch, batch.state, at)
        if batch.state is BatchState.FIRED:
            self._fire(store, batch, e.cooking, e.no, at)

    @evolves(BatchFired)
    def on_batch_fired(self, store: StoreBooks, e: BatchFired, at: int) -> None:
        batch = self._batch(store, e.order, e.batch)
        self._numbered(store, batch, e.number)
        self._now(store, batch, BatchState.FIRED, at)
        self._fire(store, batch, e.cooking, e.no, at)

    def _fire(self, store: StoreBooks, batch: Batch, cooking: tuple[Cooking, ...], no: int, at: int) -> None:
        """What was held is sold, and the kitchen has it."""
        store.stock.sell(store.orders.takes(batch))
        batch.cooking = ()
        kitchen = store.kitchen
        kitchen.moved = no
        for one in cooking:
            line = kitchen.lines[one.line_id] = added(one, batch, at)
            ordered = store.orders.lines[one.order_line_id]
            ordered.cooked_as.append(one.line_id)
            ordered.status = line.state
        settle(kitchen, [one.line_id for one in cooking])
        self._promised(store, cooking, no)

    def _promised(self, store: StoreBooks, cooking: tuple[Cooking, ...], no: int) -> None:
        """An order's line is promised with the last of its parts; a promise that is another one is news."""
        promises: dict[str, int] = {}
        for one in cooking:
            promises[one.order_line_id] = max(promises.get(one.order_line_id, 0), one.promised_at)
        for line_id, promised_at in promises.items():
            ordered = store.orders.lines[line_id]
            if ordered.promised_at != promised_at:
                ordered.promised_at = promised_at
                note(ordered, no)

    @evolves(AcceptAwaited)
    def on_accept_awaited(self, store: StoreBooks, e: AcceptAwaited, at: int) -> None:
        batch = self._batch(store, e.order, e.batch)
        batch.accept_by = e.accept_by
        self._numbered(store, batch, e.number)
        self._now(store, batch, BatchState.WAITING, at)

    @evolves(BatchEscalated)
    def on_batch_escalated(self, store: StoreBooks, e: BatchEscalated, at: int) -> None:
        batch = self._batch(store, e.order, e.batch)
        batch.escalated = True
        store.orders.deadlines.set(batch_key(e.order, e.batch), 0)
        store.live.add("order_escalated", at, order=e.order, batch=e.batch, label=batch.label)

    @evolves(BatchReleased)
    def on_batch_released(self, store: StoreBooks, e: BatchReleased, at: int) -> None:
        batch = store.orders.batch(e.order, e.batch)
        if batch is None:
            batch = Batch(order=e.order, batch=e.batch, state=BatchState.LAPSED, placed_at=at)
            store.orders.batches[batch_key(e.order, e.batch)] = batch
        batch.reason = e.reason
        self._end(store, batch, BatchState.RELEASED, at)

    @evolves(BatchRejected)
    def on_batch_rejected(self, store: StoreBooks, e: BatchRejected, at: int) -> None:
        batch = self._batch(store, e.order, e.batch)
        batch.reason = e.reason
        self._end(store, batch, BatchState.REJECTED, at)

    @evolves(HoldLapsed)
    def on_hold_lapsed(self, store: StoreBooks, e: HoldLapsed, at: int) -> None:
        self._end(store, self._batch(store, e.order, e.batch), BatchState.LAPSED, at)

    @evolves(BatchRetaken)
    def on_batch_retaken(self, store: StoreBooks, e: BatchRetaken, at: int) -> None:
        batch = self._batch(store, e.order, e.batch)
        batch.hold_until = 0
        goods.hold(store, store.orders.takes(batch), at)
        self._now(store, batch, BatchState.HELD, at)

    def _end(self, store: StoreBooks, batch: Batch, state: BatchState, at: int) -> None:
        """It holds nothing any more."""
        if batch.state.holds:
            goods.give_back(store, store.orders.takes(batch), at)
        self._now(store, batch, state, at)

    @evolves(HeldLineCancelled)
    def on_held_line_cancelled(self, store: StoreBooks, e: HeldLineCancelled, at: int) -> None:
        line = store.orders.lines[e.line_id]
        line.cancelled += e.quantity
        line.cancelled_held = line.cancelled
        line.status = line.status if line.left else "cancelled"
        line.seq += 1
        goods.give_back(store, {key: count * e.quantity for key, count in line.takes}, at)
        batch = self._batch(store, line.placed_in, line.batch)
        batch.changed_at = at
        less = (
            replace(one, quantity=one.quantity - one.of_one * e.quantity)
            if one.order_line_id == e.line_id
            else one
            for one in batch.cooking
        )
        batch.cooking = tuple(one for one in less if one.quantity)

    @evolves(OrderRelabelled)
    def on_order_relabelled(self, store: StoreBooks, e: OrderRelabelled, at: int) -> None:
        if not e.line_ids:
            for batch in store.orders.batches.values():
                if batch.order == e.order:
                    batch.label = e.label
                    batch.moves = e.moves[0] if e.moves else batch.moves
        for number, line_id in enumerate(e.line_ids):
            line = store.orders.lines[line_id]
            line.order = e.to_order
            line.moves = e.moves[number] if e.moves else line.moves
        store.live.add("order_relabelled", at, order=e.order, label=e.label, line_ids=list(e.line_ids))

    @evolves(DayTurned)
    def on_day_turned(self, store: StoreBooks, e: DayTurned, at: int) -> None:
        orders, kitchen = store.orders, store.kitchen
        for key in [key for key, batch in orders.batches.items() if is_over(orders, batch, at)]:
            for placed in orders.batches.pop(key).lines:
                for line_id in orders.lines.pop(placed.line_id).cooked_as:
                    forget(kitchen, line_id)
        kitchen.course_fired_at.clear()
        orders.day_ends_at = e.ends_at if orders.batches else 0

    def _batch(self, store: StoreBooks, order: str, batch: int) -> Batch:
        return store.orders.batches[batch_key(order, batch)]

    def _numbered(self, store: StoreBooks, batch: Batch, number: Number | None) -> None:
        if number is not None:
            batch.number, batch.number_day = number.text, number.day
            store.orders.numbers.day, store.orders.numbers.last = number.day, number.serial

    def _now(self, store: StoreBooks, batch: Batch, state: BatchState, at: int) -> None:
        """It stands so from now on, and screens hear it."""
        batch.state = state
        batch.changed_at = at
        key = batch_key(batch.order, batch.batch)
        if state.holds:
            store.orders.open[key] = None
        else:
            store.orders.open.pop(key, None)
        store.orders.deadlines.set(key, batch.deadline)
        store.live.add(
            f"order_{state.value}",
            at,
            order=batch.order,
            batch=batch.batch,
            label=batch.label,
            channel=batch.channel,
            number=batch.number,
            lines=[line.line_id for line in batch.lines],
        )
