"""What staff change on a session's bill: lock, discount, round, reopen; cancel, comp, refund, weigh (O3–O5, M7).

Each is an act that the store's log keeps (A1). What is given away is checked again here against what was allowed when
the ingress asked: between the two, the bill may have changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.bill import at_the_till, lines
from store_runtime.bill.events import LineComped
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.projections import BillView, Giveaway
from store_runtime.bill.rejections import MoreThanAllowed, OverRefund
from store_runtime.by import By
from store_runtime.store.orders.commands import CancelLine, CompLine
from store_runtime.store.zone import business_day
from store_runtime.table_session.bill_commands import (
    CancelOrdered,
    CompOrdered,
    DiscountBill,
    GetGiveaway,
    LockBill,
    RefundOrdered,
    ReopenBill,
    RoundBill,
    WeighOrdered,
    WithdrawDiscount,
)
from store_runtime.table_session.bill_desk import BillDesk
from store_runtime.table_session.billing import fired, give_up_held
from store_runtime.table_session.events import CancelAsked
from store_runtime.table_session.rejections import InvalidField, LineNotFound
from store_runtime.table_session.state import Session


class BillStaffDesk(BillDesk):
    """Changes the bill by hand."""

    @decides(LockBill)
    def lock(self, session: Session, cmd: LockBill, turn: Turn) -> Decision[BillView]:
        """锁单, or unlock; twice changes nothing."""
        self.bill_must_be_open(session)
        ledger = self.ledger(session, turn)
        (at_the_till.lock if cmd.locked else at_the_till.unlock)(ledger, cmd.by, cmd.reason)
        action = "bill.lock" if cmd.locked else "bill.unlock"
        return (yield from self._done(session, ledger, turn, cmd.by, action, "", cmd.reason, 0))

    @decides(DiscountBill)
    def discount(self, session: Session, cmd: DiscountBill, turn: Turn) -> Decision[BillView]:
        """人工优惠 (M7)."""
        self.bill_must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        off_fen = at_the_till.discount(
            ledger,
            cmd.reason,
            cmd.by,
            line_id=cmd.line_id,
            amount_fen=cmd.amount_fen,
            permille=cmd.permille,
        )
        _within(off_fen, cmd.allowed_fen)
        subject = _line(cmd.line_id)
        return (
            yield from self._done(
                session, ledger, turn, cmd.by, "bill.discount", subject, cmd.reason, off_fen
            )
        )

    @decides(WithdrawDiscount)
    def withdraw(self, session: Session, cmd: WithdrawDiscount, turn: Turn) -> Decision[BillView]:
        """What was taken off is charged again."""
        self.bill_must_be_open(session)
        ledger = self.ledger(session, turn)
        at_the_till.withdraw_discount(ledger, cmd.discount_id, cmd.by)
        subject = f"discounts/{cmd.discount_id}"
        return (
            yield from self._done(session, ledger, turn, cmd.by, "bill.discount_withdrawn", subject, "", 0)
        )

    @decides(RoundBill)
    def round_bill(self, session: Session, cmd: RoundBill, turn: Turn) -> Decision[BillView]:
        """抹零 (M7)."""
        self.bill_must_be_open(session)
        ledger = self.ledger(session, turn)
        off_fen = at_the_till.round_to(ledger, cmd.rounding, cmd.by)
        _within(off_fen, cmd.allowed_fen)
        return (
            yield from self._done(
                session, ledger, turn, cmd.by, "bill.round", "", cmd.rounding, max(0, off_fen)
            )
        )

    @decides(ReopenBill)
    def reopen(self, session: Session, cmd: ReopenBill, turn: Turn) -> Decision[BillView]:
        """反结账: on the business day of its last payment; the kitchen hears nothing (O5)."""
        self.bill_must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        paid_at = max((p.opened_at for p in session.bill.payments.values()), default=turn.at)
        terms = session.terms
        day, today = (business_day(terms.zone_offsets, terms.cutoff, at) for at in (paid_at, turn.at))
        paid_fen = session.bill.applied_fen
        at_the_till.reopen(ledger, cmd.reason, cmd.by, day == today)
        return (yield from self._done(session, ledger, turn, cmd.by, "bill.reopen", "", cmd.reason, paid_fen))

    @answers(GetGiveaway)
    def giveaway(self, session: Session, query: GetGiveaway, at: int) -> Giveaway:
        """The same decisions, tried: what they would give away now."""
        self.must_exist(session)
        if session.moved_to:
            return Giveaway(amount_fen=0)
        ledger = Ledger(session.bill, self.id, at)
        nobody, line = By(account=""), ledger.bill.lines.get(query.line_id)
        if line is None and (query.line_id or query.act in ("comp", "refund", "cancel")):
            raise LineNotFound()
        match query.act:
            case "discount":
                fields = {"line_id": query.line_id, "amount_fen": query.amount_fen}
                given = at_the_till.discount(ledger, "", nobody, **fields, permille=query.permille)  # type: ignore[arg-type]
            case "rounding":
                given = at_the_till.round_to(ledger, query.rounding, nobody)
            case "comp" | "cancel" if line is not None:
                given = line.amount_fen * min(query.quantity, line.charged) // max(1, line.charged)
            case "refund":
                given = lines.refund(ledger, query.line_id, query.quantity, "", nobody)
            case "reopen":
                given = ledger.bill.applied_fen
            case _:
                give_up_held(session, ledger)
                given = ledger.due_fen
        return Giveaway(amount_fen=max(0, given))

    # --- lines -----------------------------------------------------------------------------------------

    @decides(CancelOrdered)
    def cancel_line(self, session: Session, cmd: CancelOrdered, turn: Turn) -> Decision[BillView]:
        """退菜: the kitchen is asked; the bill changes when it says yes (O3)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        line = ledger.bill.lines.get(cmd.line_id)
        if line is None or cmd.line_id not in session.ordered:
            raise LineNotFound()
        if cmd.quantity > line.standing:
            raise OverRefund(line_id=cmd.line_id, left=line.standing)
        yield CancelAsked(line_id=cmd.line_id, quantity=cmd.quantity, reason=cmd.reason, by=cmd.by)
        amount_fen = line.amount_fen * min(cmd.quantity, line.charged) // max(1, line.charged)
        subject = _line(cmd.line_id)
        return (
            yield from self._done(
                session, ledger, turn, cmd.by, "line.cancel", subject, cmd.reason, amount_fen
            )
        )

    @decides(CompOrdered)
    def comp_line(self, session: Session, cmd: CompOrdered, turn: Turn) -> Decision[BillView]:
        """赠菜 (O3)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        before_fen = lines.line_of(ledger, cmd.line_id).amount_fen
        lines.comp(ledger, cmd.line_id, cmd.quantity, cmd.reason, cmd.by)
        off_fen = before_fen - ledger.bill.lines[cmd.line_id].amount_fen
        _within(off_fen, cmd.allowed_fen)
        subject = _line(cmd.line_id)
        return (
            yield from self._done(session, ledger, turn, cmd.by, "line.comp", subject, cmd.reason, off_fen)
        )

    @decides(RefundOrdered)
    def refund_line(self, session: Session, cmd: RefundOrdered, turn: Turn) -> Decision[BillView]:
        """So many of a paid line are taken back: old payable − new payable (O4)."""
        self.bill_must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        back_fen = lines.refund(ledger, cmd.line_id, cmd.quantity, cmd.reason, cmd.by)
        _within(back_fen, cmd.allowed_fen)
        subject = _line(cmd.line_id)
        return (
            yield from self._done(session, ledger, turn, cmd.by, "line.refund", subject, cmd.reason, back_fen)
        )

    @decides(WeighOrdered)
    def weigh_line(self, session: Session, cmd: WeighOrdered, turn: Turn) -> Decision[BillView]:
        """Its weight or price is known: it can be paid (D5)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        lines.weigh(ledger, cmd.line_id, cmd.by, cmd.weight_milli, cmd.unit_price_fen)
        priced_fen = ledger.bill.lines[cmd.line_id].priced_fen or 0
        return (
            yield from self._done(
                session, ledger, turn, cmd.by, "line.weigh", _line(cmd.line_id), "", priced_fen
            )
        )

    def _done(
        self,
        session: Session,
        ledger: Ledger,
        turn: Turn,
        by: By,
        action: str,
        subject: str,
        reason: str,
        amount_fen: int,
    ) -> Decision[BillView]:
        yield from ledger.events
        yield from fired(session, ledger)
        yield from self.act(session, turn, by, action, subject, reason, amount_fen)
        return self.shown(ledger)

    # --- the store hears -------------------------------------------------------------------------------

    @reacts(CancelAsked)
    def ask_kitchen(self, session: Session, e: CancelAsked, turn: Turn) -> Iterator[Send]:
        """The store takes it off, or asks whoever is cooking it."""
        yield Send(
            to=f"store/{session.store_id}",
            command=CancelLine(
                order=f"table-session/{self.id}",
                line_id=e.line_id,
                quantity=e.quantity,
                reason=e.reason,
                by=e.by,
            ),
            step="cancel",
        )

    @reacts(LineComped)
    def tell_comped(self, session: Session, e: LineComped, turn: Turn) -> Iterator[Send]:
        """The kitchen's record says that it is on the house."""
        yield Send(
            to=f"store/{session.store_id}",
            command=CompLine(
                order=f"table-session/{self.id}",
                line_id=e.line_id,
                quantity=e.quantity,
                reason=e.reason,
                by=e.by,
            ),
            step="comp",
        )

    @evolves(CancelAsked)
    def on_cancel_asked(self, session: Session, e: CancelAsked, at: int) -> None:
        session.live.add("cancel_asked", at, line_id=e.line_id, quantity=e.quantity)


def _within(amount_fen: int, allowed_fen: int | None) -> None:
    if allowed_fen is not None and amount_fen > allowed_fen:
        raise MoreThanAllowed(amount_fen=amount_fen, allowed_fen=allowed_fen)


def _line(line_id: str) -> str:
    return f"lines/{line_id}" if line_id else ""
