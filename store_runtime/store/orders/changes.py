"""What staff change of an order after it was placed: 退菜, 赠菜, 转台, 转菜 (O3, T8)."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.kitchen import cancelling
from store_runtime.store.kitchen.machine import MACHINE
from store_runtime.store.kitchen.plan import Plan
from store_runtime.store.orders.commands import CancelLine, CompLine, NoteLines, RelabelOrder
from store_runtime.store.orders.desk import OrderDesk
from store_runtime.store.orders.events import HeldLineCancelled, OrderRelabelled
from store_runtime.store.orders.projections import CancelOutcome
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.store.orders.state import Batch, BatchState, OrderLine, line_note
from store_runtime.store.state import StoreBooks


class ChangeDesk(OrderDesk):
    """Cancels, comps, relabels."""

    @decides(CancelLine)
    def cancel_line(self, store: StoreBooks, cmd: CancelLine, turn: Turn) -> Decision[CancelOutcome]:
        """Off at once where nobody began to cook it; else the kitchen is asked (O3)."""
        line = self._line_of(store, cmd.order, cmd.line_id)
        InvalidField.check(cmd)
        if not line.left:
            raise IllegalTransition(state=line.status, allowed=[])
        if cmd.quantity > line.left:
            raise InvalidField(path="$.quantity", problem=f"at most {line.left}")
        if (batch := self._unfired(store, line)) is not None:
            if not batch.state.holds:
                raise IllegalTransition(state=batch.state.value, allowed=[])
            yield HeldLineCancelled(
                order=cmd.order, line_id=cmd.line_id, quantity=cmd.quantity, reason=cmd.reason, by=cmd.by
            )
            return CancelOutcome(line_id=cmd.line_id, cancelled=cmd.quantity, asked=0)
        plan = Plan(store.kitchen, turn.at, cmd.by)
        cancelling.cancel(plan, store.kitchen, line, cmd.quantity, cmd.reason)
        yield plan.event()
        asked = cancelling.asked(plan, store.kitchen, line)
        return CancelOutcome(line_id=cmd.line_id, cancelled=cmd.quantity - asked, asked=asked)

    @reacts(HeldLineCancelled)
    def tell_cancelled(self, store: StoreBooks, e: HeldLineCancelled, turn: Turn) -> Iterator[Send]:
        """The order hears of it as it hears of what the kitchen gives up."""
        note = line_note(e.line_id, store.orders.lines[e.line_id])
        yield Send(to=e.order, command=NoteLines(lines=(note,)), step=f"note.{e.order}")

    @decides(CompLine)
    def comp_line(self, store: StoreBooks, cmd: CompLine, turn: Turn) -> Decision[None]:
        """It stays sold and is served; the kitchen's record says that it is on the house (O3)."""
        line = self._line_of(store, cmd.order, cmd.line_id)
        InvalidField.check(cmd)
        if self._unfired(store, line) is None:
            self._must_be_made(line)
            plan = Plan(store.kitchen, turn.at, cmd.by)
            cancelling.comp(plan, store.kitchen, line, cmd.quantity, cmd.reason)
            yield plan.event()

    @decides(RelabelOrder)
    def relabel_order(self, store: StoreBooks, cmd: RelabelOrder, turn: Turn) -> Decision[None]:
        """转台: nothing is cooked again, one MOVE says where it goes (T8)."""
        self.must_exist(store)
        if bool(cmd.line_ids) != bool(cmd.to_order):
            raise InvalidField(path="$.to_order", problem="with line_ids, and only then")
        if cmd.line_ids:
            going = self._going(store, cmd)
            moved = tuple(going)
            moves = tuple(going.values())
        else:
            batches = [batch for batch in store.orders.batches.values() if batch.order == cmd.order]
            if cmd.moves and all(batch.moves >= cmd.moves[0] for batch in batches):
                return
            moved = tuple(key for key, line in store.orders.lines.items() if line.order == cmd.order)
            moves = cmd.moves
        if cmd.line_ids and not moved:
            return
        yield OrderRelabelled(
            order=cmd.order,
            label=cmd.label,
            to_order=cmd.to_order,
            line_ids=moved if cmd.line_ids else (),
            moves=moves,
        )
        plan = Plan(store.kitchen, turn.at)
        for line_id in moved:
            for cooked in store.orders.lines[line_id].cooked_as:
                if "MOVE" in MACHINE[store.kitchen.lines[cooked].state]:
                    plan.step(cooked, "MOVE", order=cmd.to_order, label=cmd.label)
        if plan.moves:
            yield plan.event()

    def _going(self, store: StoreBooks, cmd: RelabelOrder) -> dict[str, int]:
        """Line → its number of moves, of those of which nothing newer was heard."""
        if not cmd.moves:
            return {key: self._line_of(store, cmd.order, key).moves for key in cmd.line_ids}
        going = dict(zip(cmd.line_ids, cmd.moves, strict=True))
        if any(key not in store.orders.lines for key in going):
            raise OrderUnknown()
        return {key: number for key, number in going.items() if store.orders.lines[key].moves < number}

    def _line_of(self, store: StoreBooks, order: str, line_id: str) -> OrderLine:
        self.must_exist(store)
        line = store.orders.lines.get(line_id)
        if line is None or line.order != order:
            raise OrderUnknown()
        return line

    def _must_be_made(self, line: OrderLine) -> None:
        """All of it was off before it was fired: the kitchen has nothing of it."""
        if not line.cooked_as:
            raise IllegalTransition(state=line.status, allowed=[])

    def _unfired(self, store: StoreBooks, line: OrderLine) -> Batch | None:
        """The batch of a line that the kitchen does not have."""
        batch = self._batch(store, line.placed_in, line.batch)
        return None if batch.state is BatchState.FIRED else batch
