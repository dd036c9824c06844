"""OrderDesk: takes what orders want, all of it or nothing, and hands it to the kitchen (D4, T5, T13, O2, O6).

Whoever asks is an order (``orders/__init__.py``); every command may come twice, late, or before the one it follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actors.entity import Decision, decides, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.audit_log.acts import act_done
from store_runtime.by import By
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.kitchen.load import Load
from store_runtime.store.orders import goods
from store_runtime.store.orders.commands import (
    AcceptLines,
    FireLines,
    LinesPlaced,
    NoteLines,
    PlaceLines,
    PlaceUnlisted,
    RejectLines,
    RejectOrder,
    ReleaseLines,
)
from store_runtime.store.orders.events import (
    AcceptAwaited,
    BatchEscalated,
    BatchFired,
    BatchPlaced,
    BatchRejected,
    BatchReleased,
    BatchRetaken,
    DayTurned,
    HoldLapsed,
    Number,
)
from store_runtime.store.orders.evolution import OrderEvolution
from store_runtime.store.orders.placing import (
    Placement,
    fingerprint,
    placement,
    priced,
    promised,
    shortages,
    unlisted,
)
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import BatchExists, CartStale, LineProblem, OrderUnknown
from store_runtime.store.orders.state import Batch, BatchState, notes_of
from store_runtime.store.state import StoreBooks

_ALLOWED = {
    BatchState.HELD: ["reject"],
    BatchState.WAITING: ["accept", "reject"],
    BatchState.LAPSED: ["reject"],
}
"""What staff can do from a state, as the addresses name it; what follows from a payment is nobody's to ask for."""


class OrderDesk(OrderEvolution):
    """Places, fires, releases, accepts and rejects."""

    # --- placed ----------------------------------------------------------------------------------------

    @decides(PlaceLines)
    def place_lines(self, store: StoreBooks, cmd: PlaceLines, turn: Turn) -> Decision[PlacedLines]:
        """All lines or none (T2, § 0). The same batch again gets the same answer and takes nothing."""
        self.must_exist(store)
        if (known := self._known(store, cmd)) is not None:
            return known
        InvalidField.check(cmd)
        self._must_be_new(store, [line.line_id for line in cmd.lines])
        given_up = store.orders.batches.get(cmd.instead_of)
        if given_up is not None and not given_up.state.holds:
            given_up = None
        made = self._wanted(store, cmd, given_up, turn.at)
        if given_up is not None:
            yield BatchReleased(order=given_up.order, batch=given_up.batch, reason="taken_over")
        placed = yield from self._place(store, cmd, made, turn.at)
        return placed

    @decides(PlaceUnlisted)
    def place_unlisted(self, store: StoreBooks, cmd: PlaceUnlisted, turn: Turn) -> Decision[PlacedLines]:
        """临时菜 (D8): it has a price and a station, and no stock."""
        self.must_exist(store)
        if (known := self._known(store, cmd)) is not None:
            return known
        InvalidField.check(cmd)
        self._must_be_new(store, [cmd.line_id])
        made = unlisted(cmd, Load(store.kitchen, turn.at), turn.at)
        placed = yield from self._place(store, cmd, made, turn.at)
        return placed

    def _known(self, store: StoreBooks, cmd: PlaceLines | PlaceUnlisted) -> PlacedLines | None:
        batch = store.orders.batch(cmd.order, cmd.batch)
        if batch is None:
            return None
        if batch.state in (BatchState.RELEASED, BatchState.REJECTED):
            raise IllegalTransition(state=batch.state.value, allowed=[])
        if batch.fingerprint != fingerprint(cmd):
            raise BatchExists()
        return placed_lines(batch)

    def _must_be_new(self, store: StoreBooks, line_ids: list[str]) -> None:
        seen: set[str] = set()
        for number, line_id in enumerate(line_ids):
            if line_id in store.orders.lines or line_id in seen:
                raise InvalidField(path=f"$.lines[{number}].line_id", problem="a new id, for this line alone")
            seen.add(line_id)

    def _wanted(self, store: StoreBooks, cmd: PlaceLines, given_up: Batch | None, at: int) -> Placement:
        """Prices, stock on the sum, the stations' load: CartStale with what stands against each line (D1, D4, O7)."""
        index = self.menu_index(store)
        now = store.settings.local_time(at)
        items = priced(index, cmd.lines, now.weekday, now.minute)
        problems = {item.line_id: item for item in items if isinstance(item, LineProblem)}
        good = [
            (line, item)
            for line, item in zip(cmd.lines, items, strict=True)
            if not isinstance(item, LineProblem)
        ]
        wanted = [(line.line_id, item.dish_id, line.quantity, item.stock) for line, item in good]
        keys = {key for _, item in good for key, _ in item.stock}
        can_give = goods.can_give(store, keys, at)
        if given_up is not None:
            for key, count in self._kept(store, given_up).items():
                if (limit := can_give.get(key)) is not None:
                    can_give[key] = limit + count
        problems |= shortages(wanted, can_give)
        if not problems:
            made, busy = placement(cmd, [item for _, item in good], Load(store.kitchen, at), at)
            if not busy:
                return made
            problems = busy
        lines = [problems[line.line_id] for line in cmd.lines if line.line_id in problems]
        raise CartStale(lines=lines, menu_version=index.version)

    def _place(
        self, store: StoreBooks, cmd: PlaceLines | PlaceUnlisted, made: Placement, at: int
    ) -> Decision[PlacedLines]:
        waits = cmd.fire and self._must_accept(store, cmd.channel)
        state = BatchState.WAITING if waits else BatchState.FIRED if cmd.fire else BatchState.HELD
        wants_number = isinstance(cmd, PlaceLines) and cmd.number_wanted
        number = self._next_number(store, at) if wants_number and cmd.fire else None
        version = self.menu_index(store).version
        yield BatchPlaced(
            order=cmd.order,
            batch=cmd.batch,
            label=cmd.label,
            channel=cmd.channel,
            state=state.value,
            menu_version=version,
            fingerprint=fingerprint(cmd),
            lines=made.lines,
            takes=made.takes,
            cooking=made.cooking,
            day_ends_at=store.settings.day_ends_at(at),
            hold_until=cmd.hold_until,
            accept_by=self._accept_by(store, at) if waits else 0,
            number_wanted=wants_number,
            number=number,
            no=store.kitchen.moved + (state is BatchState.FIRED),
        )
        return PlacedLines(
            batch=cmd.batch,
            menu_version=version,
            lines=made.lines,
            number=number.text if number else "",
            waits=waits,
        )

    # --- fired, or not ---------------------------------------------------------------------------------

    @decides(FireLines)
    def fire_lines(self, store: StoreBooks, cmd: FireLines, turn: Turn) -> Decision[PlacedLines]:
        """Paid, or asked for. A hold that ran out is taken again, or this is refused and the order refunds (O6)."""
        batch = self._batch_of(store, cmd.order, cmd.batch)
        if batch.state in (BatchState.FIRED, BatchState.WAITING):
            return placed_lines(batch)
        self._must_be_in(batch, BatchState.HELD, BatchState.LAPSED)
        if batch.state is BatchState.LAPSED:
            self._must_be_left(store, batch, turn.at)
            yield BatchRetaken(order=batch.order, batch=batch.batch)
        number = self._next_number(store, turn.at) if batch.number_wanted else None
        waits = self._must_accept(store, batch.channel)
        if waits:
            yield AcceptAwaited(
                order=batch.order,
                batch=batch.batch,
                accept_by=self._accept_by(store, turn.at),
                number=number,
            )
        else:
            yield self._fired(store, batch, number, turn.at)
        return placed_lines(batch, number, waits=waits)

    @decides(AcceptLines)
    def accept_lines(self, store: StoreBooks, cmd: AcceptLines, turn: Turn) -> Decision[PlacedLines]:
        """接单 (O2)."""
        batch = self._batch_of(store, cmd.order, cmd.batch)
        if batch.state is not BatchState.FIRED:
            self._must_be_in(batch, BatchState.WAITING)
            yield self._fired(store, batch, None, turn.at, cmd.by)
        return placed_lines(batch, waits=False)

    @decides(RejectLines)
    def reject_lines(self, store: StoreBooks, cmd: RejectLines, turn: Turn) -> Decision[None]:
        """拒单: the stock is back, and the order starts its refund when it hears of it (O2)."""
        batch = self._batch_of(store, cmd.order, cmd.batch)
        InvalidField.check(cmd)
        if batch.state is not BatchState.REJECTED:
            self._must_be_in(batch, BatchState.WAITING, BatchState.HELD, BatchState.LAPSED)
            yield BatchRejected(order=batch.order, batch=batch.batch, reason=cmd.reason, by=cmd.by)
            yield from act_done(self.id, turn, cmd.by, "order.reject", batch.order, reason=cmd.reason)

    @decides(ReleaseLines)
    def release_lines(self, store: StoreBooks, cmd: ReleaseLines, turn: Turn) -> Decision[None]:
        """What is held is back. Before the batch has come it is remembered, and nothing will be taken."""
        self.must_exist(store)
        batch = store.orders.batch(cmd.order, cmd.batch)
        if batch is None or batch.state.holds or batch.state is BatchState.LAPSED:
            yield BatchReleased(order=cmd.order, batch=cmd.batch, reason=cmd.reason)
        elif batch.state is BatchState.FIRED:
            raise IllegalTransition(state=batch.state.value, allowed=_ALLOWED.get(batch.state, []))

    def _fired(
        self, store: StoreBooks, batch: Batch, number: Number | None, at: int, by: By | None = None
    ) -> BatchFired:
        """What was promised when it was placed counted from then; the kitchen begins now."""
        return BatchFired(
            order=batch.order,
            batch=batch.batch,
            cooking=promised(batch.cooking, Load(store.kitchen, at), at),
            no=store.kitchen.moved + 1,
            number=number,
            by=by,
        )

    def _kept(self, store: StoreBooks, batch: Batch) -> Counter[str]:
        """What a hold keeps, per stock key."""
        kept: Counter[str] = Counter()
        for placed in batch.lines:
            line = store.orders.lines[placed.line_id]
            for key, count in line.takes:
                kept[key] += count * line.left
        return kept

    def _must_be_left(self, store: StoreBooks, batch: Batch, at: int) -> None:
        lines = store.orders.lines
        wanted = [
            (placed.line_id, placed.dish_id, lines[placed.line_id].left, lines[placed.line_id].takes)
            for placed in batch.lines
        ]
        keys = {key for _, _, _, takes in wanted for key, _ in takes}
        if short := shortages(wanted, goods.can_give(store, keys, at)):
            raise CartStale(lines=list(short.values()), menu_version=batch.menu_version)

    def _batch_of(self, store: StoreBooks, order: str, batch: int) -> Batch:
        self.must_exist(store)
        known = store.orders.batch(order, batch)
        if known is None:
            raise OrderUnknown()
        return known

    def _must_be_in(self, batch: Batch, *states: BatchState) -> None:
        if batch.state not in states:
            raise IllegalTransition(state=batch.state.value, allowed=_ALLOWED.get(batch.state, []))

    def _must_accept(self, store: StoreBooks, channel: str) -> bool:
        if channel == "dine_in":
            return store.kitchen.terms.table_accept
        return not store.settings.auto_accept

    def _accept_by(self, store: StoreBooks, at: int) -> int:
        return at + store.kitchen.terms.accept_within_s * 1_000

    def _next_number(self, store: StoreBooks, at: int) -> Number:
        """T13: the next of today's, whoever gave the last one: it is in the books."""
        day = store.settings.business_day(at)
        numbers, terms = store.orders.numbers, store.kitchen.terms
        serial = terms.number_after(numbers.last if numbers.day == day else -1)
        return Number(text=terms.number_text(serial), serial=serial, day=day)

    # --- by the clock ----------------------------------------------------------------------------------

    def orders_due(self, store: StoreBooks, at: int) -> Iterator[Event]:
        """Holds that ran out, orders that nobody accepted, and the change of the business day."""
        for key in store.orders.deadlines.due(at):
            batch = store.orders.batches[key]
            if batch.state is BatchState.HELD:
                yield HoldLapsed(order=batch.order, batch=batch.batch)
            else:
                yield BatchEscalated(order=batch.order, batch=batch.batch)
        if 0 < store.orders.day_ends_at <= at:
            yield DayTurned(ends_at=store.settings.day_ends_at(at))

    # --- what orders are told --------------------------------------------------------------------------

    @reacts(BatchPlaced)
    def tell_placed(self, store: StoreBooks, e: BatchPlaced, turn: Turn) -> Iterator[Send]:
        """Its prices are frozen from now on (T5)."""
        yield self._tell_batch(store, e.order, e.batch, "placed")

    @reacts(BatchFired)
    def tell_fired(self, store: StoreBooks, e: BatchFired, turn: Turn) -> Iterator[Send]:
        """The kitchen has it, and says anew when it will be ready."""
        yield self._tell_batch(store, e.order, e.batch, "fired")
        notes = notes_of(store.orders, dict.fromkeys(one.order_line_id for one in e.cooking), e.no)
        for order, lines in notes.items():
            yield Send(to=order, command=NoteLines(lines=lines), step=f"note.{order}")

    @reacts(AcceptAwaited)
    def tell_number(self, store: StoreBooks, e: AcceptAwaited, turn: Turn) -> Iterator[Send]:
        """It has its number, and waits."""
        yield self._tell_batch(store, e.order, e.batch, "fired")

    @reacts(BatchRejected)
    def tell_rejected(self, store: StoreBooks, e: BatchRejected, turn: Turn) -> Iterator[Send]:
        """The order refunds in the turn in which it hears this (O2)."""
        yield Send(to=e.order, command=RejectOrder(batch=e.batch, reason=e.reason, by=e.by), step="rejected")

    def _tell_batch(self, store: StoreBooks, order: str, batch: int, step: str) -> Send:
        stands = self._batch(store, order, batch)
        told = LinesPlaced(placed=placed_lines(stands), fired=stands.state is BatchState.FIRED)
        return Send(to=order, command=told, step=step)


def placed_lines(batch: Batch, number: Number | None = None, *, waits: bool | None = None) -> PlacedLines:
    """The answer that a batch has, whenever it is asked for; with what a decision is about to change of it.

    The ingress tells the order the same words under the same id as the store's message: they must be alike.
    """
    return PlacedLines(
        batch=batch.batch,
        menu_version=batch.menu_version,
        lines=batch.lines,
        number=number.text if number else batch.number,
        waits=batch.state is BatchState.WAITING if waits is None else waits,
    )
