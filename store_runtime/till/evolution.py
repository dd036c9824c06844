"""How each event changes a till."""

from __future__ import annotations

from actors.entity import Entity, evolves
from store_runtime.till.events import Booked, CashMoved, FloatCounted, ShiftOpened
from store_runtime.till.state import CASH, RECENT_MAX, Movement, Shift, Tender, TillBooks


class TillEvolution(Entity[TillBooks]):
    """The evolving half of Till."""

    def blank(self) -> TillBooks:
        return TillBooks()

    @evolves(ShiftOpened)
    def on_opened(self, till: TillBooks, e: ShiftOpened, at: int) -> None:
        till.shifts = e.number
        till.open[e.account] = Shift(
            number=e.number,
            opened_at=at,
            float_fen=e.float_fen,
            counted=e.counted,
            drawer_fen=e.float_fen,
        )

    @evolves(FloatCounted)
    def on_float_counted(self, till: TillBooks, e: FloatCounted, at: int) -> None:
        shift = till.open[e.account]
        shift.float_fen, shift.counted = e.float_fen, True
        shift.drawer_fen += e.float_fen

    @evolves(CashMoved)
    def on_cash_moved(self, till: TillBooks, e: CashMoved, at: int) -> None:
        shift = till.open[e.account]
        if e.kind == "in":
            shift.cash_in_fen += e.amount_fen
            shift.drawer_fen += e.amount_fen
        else:
            shift.cash_out_fen += e.amount_fen
            shift.drawer_fen -= e.amount_fen
        shift.recent.append(Movement(kind=e.kind, amount_fen=e.amount_fen, reason=e.reason, at=at))
        if len(shift.recent) > RECENT_MAX:
            del shift.recent[0]

    @evolves(Booked)
    def on_booked(self, till: TillBooks, e: Booked, at: int) -> None:
        shift = till.open[e.account]
        tender = shift.tenders.setdefault(e.channel, Tender())
        in_drawer_fen = e.amount_fen if e.channel == CASH else 0
        if e.kind == "payment":
            tender.payments += 1
            tender.received_fen += e.amount_fen
            shift.drawer_fen += in_drawer_fen
        else:
            tender.refunds += 1
            tender.refunded_fen += e.amount_fen
            shift.drawer_fen -= in_drawer_fen
