"""DinerOrders: notes from orders come in, pages go out."""

from __future__ import annotations

from bisect import bisect_left, insort

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from store_runtime.diner_orders.commands import PAGE_MAX, ListOrders, NoteOrder
from store_runtime.diner_orders.events import OrderNoted
from store_runtime.diner_orders.projections import OrderPage, OrderRow
from store_runtime.diner_orders.rejections import InvalidField
from store_runtime.diner_orders.state import DinerList, ListedOrder


class DinerOrders(Entity[DinerList]):
    """The orders of one diner."""

    kind = "diner-orders"

    def blank(self) -> DinerList:
        return DinerList()

    @decides(NoteOrder)
    def note(self, diner: DinerList, cmd: NoteOrder, turn: Turn) -> Decision[None]:
        """Take note, unless a later note has come before."""
        known = diner.orders.get(cmd.order_id)
        if known is None or cmd.seq > known.seq:
            yield OrderNoted(
                order_id=cmd.order_id,
                store_id=cmd.store_id,
                title=cmd.title,
                amount_fen=cmd.amount_fen,
                created_at=cmd.created_at,
                status=cmd.status,
                money_status=cmd.money_status,
                seq=cmd.seq,
            )

    @evolves(OrderNoted)
    def on_noted(self, diner: DinerList, e: OrderNoted, at: int) -> None:
        if e.order_id not in diner.orders:
            insort(diner.by_age, (e.created_at, e.order_id))
        diner.orders[e.order_id] = ListedOrder(
            store_id=e.store_id,
            title=e.title,
            amount_fen=e.amount_fen,
            created_at=e.created_at,
            status=e.status,
            money_status=e.money_status,
            seq=e.seq,
        )

    @answers(ListOrders)
    def page(self, diner: DinerList, query: ListOrders, at: int) -> OrderPage:
        """Up to ``limit`` orders, newest first, from where the cursor left off.

        A cursor stays good while orders are added; a made-up one is an InvalidField.
        """
        limit = min(max(query.limit, 1), PAGE_MAX)
        end = bisect_left(diner.by_age, _position(query.cursor)) if query.cursor else len(diner.by_age)
        begin = max(0, end - limit)
        page = diner.by_age[begin:end][::-1]
        rows = [_row(order_id, diner.orders[order_id]) for _, order_id in page]
        return OrderPage(items=rows, next_cursor=f"{page[-1][0]}-{page[-1][1]}" if begin else None)


def _position(cursor: str) -> tuple[int, str]:
    created_at, _, order_id = cursor.partition("-")
    if not (created_at.isascii() and created_at.isdigit() and len(created_at) < 20 and order_id):
        raise InvalidField(path="$.cursor", problem="the next_cursor of the page before")
    return int(created_at), order_id


def _row(order_id: str, order: ListedOrder) -> OrderRow:
    return OrderRow(
        order_id=order_id,
        store_id=order.store_id,
        title=order.title,
        amount_fen=order.amount_fen,
        created_at=order.created_at,
        status=order.status,
        money_status=order.money_status,
    )
