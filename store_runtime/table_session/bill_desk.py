"""The bill of a session as guests and the till use it: split, pay, deposits, the channel's word (T6, T7, T18).

``bill_staff_desk.py`` is what staff change; the rules of both are ``store_runtime/bill``. Whatever was paid, rounds
that waited for it go to the kitchen in the same turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.audit_log.acts import Audited, Facts, act_done
from store_runtime.bill import paying, splitting
from store_runtime.bill.events import (
    BILL_EVENTS,
    DepositUsed,
    GivenAway,
    LineOff,
    LinesBilled,
    LinesUnbilled,
    TenderPaid,
    TenderReturning,
    TenderTaken,
)
from store_runtime.bill.evolution import apply
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.payment import Payment
from store_runtime.bill.projections import BillView, TenderView, bill_view, tender_view
from store_runtime.bill.rejections import BillIsLocked, PaymentNotFound
from store_runtime.by import By
from store_runtime.table_session.bill_commands import EndDeposit, GetBill, PayBill, SplitBill, TakeDeposit
from store_runtime.table_session.billing import fired
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.rejections import InvalidField
from store_runtime.table_session.state import Session
from store_runtime.takeout.commands import GetPayment, ReportPayment
from store_runtime.takeout.projections import PaymentView
from store_runtime.till.bookings import book_to_shift

F = TypeVar("F")

_SHOWN_ELSEWHERE = (LinesBilled, LinesUnbilled, LineOff, GivenAway)
"""Screens hear of these with the round, the note, the move or the act that they follow from."""

_NO_MONEY = ("write_off", "voucher")


def _evolves_every_bill_event(function: F) -> F:
    for event in BILL_EVENTS:
        evolves(event)(function)  # type: ignore[type-var]
    return function


class BillDesk(Audited, Desk):
    """Splits and takes money."""

    def ledger(self, session: Session, turn: Turn) -> Ledger:
        """A decision about the bill."""
        return Ledger(session.bill, self.id, turn.at)

    def shown(self, ledger: Ledger) -> BillView:
        """The bill as the decision leaves it."""
        return bill_view(ledger.bill, ledger.at)

    # --- split and pay ---------------------------------------------------------------------------------

    @decides(SplitBill)
    def split(self, session: Session, cmd: SplitBill, turn: Turn) -> Decision[BillView]:
        """分账; a locked bill is split by staff only."""
        self.author(session, cmd)
        InvalidField.check(cmd)
        if session.locked and cmd.by is None:
            raise BillIsLocked()
        ledger = self.ledger(session, turn)
        ordered_by = {line_id: line.counts for line_id, line in session.ordered.items()}
        parts = cmd.parts or (self._everybody(session) if cmd.mode == "equal" else ())
        splitting.split(ledger, cmd.mode, parts, session.guests, ordered_by)
        yield from ledger.events
        return self.shown(ledger)

    def _everybody(self, session: Session) -> tuple[splitting.SplitPart, ...]:
        return tuple(
            splitting.SplitPart(guest_id=guest_id, label=guest.name)
            for guest_id, guest in session.guests.items()
            if not guest.left
        )

    @decides(PayBill)
    def pay(self, session: Session, cmd: PayBill, turn: Turn) -> Decision[TenderView]:
        """A payment is opened, or taken where the money is there; rounds that it covers go to the kitchen."""
        if cmd.by is None:
            self.author(session, cmd)
        else:
            self.bill_must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        payment = paying.pay(
            ledger,
            cmd.channel,
            share_id=cmd.share_id,
            amount_fen=cmd.amount_fen,
            tendered_fen=cmd.tendered_fen,
            reference=cmd.reference,
            user_id=cmd.user_id,
            by=cmd.by,
            hold_ms=self._hold_ms(session, turn.at),
        )
        yield from ledger.events
        yield from fired(session, ledger)
        return tender_view(payment)

    def _hold_ms(self, session: Session, at: int) -> int:
        """A payment is open as long as what it is for is held; guests are not shown the grace (§ 0)."""
        grace_ms = session.terms.grace_s * 1_000
        holds = [one.hold_until - grace_ms - at for one in session.rounds.values() if one.state == "held"]
        return max(0, min([session.terms.order_hold_s * 1_000, *holds]))

    # --- what the channel says -------------------------------------------------------------------------

    @decides(ReportPayment)
    def report(self, session: Session, cmd: ReportPayment, turn: Turn) -> Decision[PaymentView]:
        """Paid, failed or late; also after the table was cleared: money has one end, whenever it comes (O6)."""
        self._must_know(session, cmd.payment_id, cmd.user_id)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        payment = paying.report(ledger, cmd.payment_id, cmd.outcome, cmd.transaction_id)
        yield from ledger.events
        yield from fired(session, ledger)
        return self._payment_view(session, payment)

    @answers(GetPayment)
    def show_payment(self, session: Session, query: GetPayment, at: int) -> PaymentView:
        """One payment, to guests of the table and staff."""
        self._must_know(session, query.payment_id, query.user_id)
        return self._payment_view(session, session.bill.payments[query.payment_id])

    def _must_know(self, session: Session, payment_id: str, user_id: str) -> None:
        if payment_id not in session.bill.payments or (user_id and not session.guest_of(user_id)):
            raise PaymentNotFound()

    def _payment_view(self, session: Session, payment: Payment) -> PaymentView:
        return PaymentView(
            payment_id=payment.payment_id,
            order_id=self.id,
            store_id=session.store_id,
            channel=payment.channel,
            status=payment.status.value,
            amount_fen=payment.amount_fen,
            refunded_fen=payment.refunded_fen,
            expires_at=payment.expires_at,
            transaction_id=payment.transaction_id,
        )

    # --- deposits --------------------------------------------------------------------------------------

    @decides(TakeDeposit)
    def take_deposit(self, session: Session, cmd: TakeDeposit, turn: Turn) -> Decision[TenderView]:
        """押金: held until it pays the bill, goes back, or is forfeited (T18)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        payment = paying.take_deposit(ledger, cmd.channel, cmd.amount_fen, by=cmd.by)
        yield from ledger.events
        return tender_view(payment)

    @decides(EndDeposit)
    def end_deposit(self, session: Session, cmd: EndDeposit, turn: Turn) -> Decision[TenderView]:
        """It goes back, or stays with the house as a row of its own."""
        self.must_be_open(session)
        ledger = self.ledger(session, turn)
        end = paying.return_deposit if cmd.how == "refund" else paying.forfeit_deposit
        held_fen = ledger.bill.held_fen
        payment = end(ledger, cmd.payment_id, cmd.reason, cmd.by)
        yield from ledger.events
        yield from self.act(
            session,
            turn,
            cmd.by,
            f"deposit.{cmd.how}",
            cmd.payment_id,
            cmd.reason,
            payment.amount_fen,
            before={"held_fen": held_fen},
            after={"held_fen": ledger.bill.held_fen},
        )
        return tender_view(payment)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetBill)
    def show_bill(self, session: Session, query: GetBill, at: int) -> BillView:
        """The bill, every fen of it explained; its guests may read it after the table was cleared."""
        self.must_exist(session)
        if query.user_id:
            self.guest_of(session, query.user_id)
        return bill_view(session.bill, at)

    # --- what follows ----------------------------------------------------------------------------------

    def act(
        self,
        session: Session,
        turn: Turn,
        by: By,
        action: str,
        subject: str,
        reason: str,
        amount_fen: int,
        *,
        before: Facts,
        after: Facts,
    ) -> Iterator[Event]:
        """The store's log has to know (A1)."""
        yield from act_done(
            session.store_id,
            turn,
            by,
            action,
            f"table-session/{self.id}/{subject}" if subject else f"table-session/{self.id}",
            before=before,
            after=after,
            reason=reason,
            amount_fen=amount_fen,
        )

    @reacts(TenderTaken)
    def book_taken(self, session: Session, e: TenderTaken, turn: Turn) -> Iterator[Send]:
        """Into the shift of who took it (A3)."""
        if e.by is not None and e.channel not in _NO_MONEY:
            yield self._book(session, e.by, "payment", e.channel, e.amount_fen, e.payment_id)
        yield self.note_to_table(session, f"taken.{e.payment_id}")

    @reacts(TenderPaid)
    def book_paid(self, session: Session, e: TenderPaid, turn: Turn) -> Iterator[Send]:
        """A payment that staff opened belongs to their shift."""
        payment = session.bill.payments[e.payment_id]
        if payment.account:
            by = By(account=payment.account)
            yield self._book(session, by, "payment", payment.channel, payment.amount_fen, e.payment_id)
        yield self.note_to_table(session, f"paid.{e.payment_id}")

    @reacts(TenderReturning)
    def book_returned(self, session: Session, e: TenderReturning, turn: Turn) -> Iterator[Send]:
        """Out of the shift of who gave it back, or had taken it."""
        payment = session.bill.payments[e.payment_id]
        by = e.by or (By(account=payment.account) if payment.account else None)
        if by is not None and payment.channel not in _NO_MONEY:
            yield self._book(session, by, "refund", payment.channel, e.amount_fen, e.refund_id)
        yield self.note_to_table(session, f"returned.{e.refund_id}")

    @reacts(DepositUsed)
    @reacts(LineOff)
    def tell_table(self, session: Session, e: DepositUsed | LineOff, turn: Turn) -> Iterator[Send]:
        """It may be settled now."""
        subject = e.payment_id if isinstance(e, DepositUsed) else e.line_id
        yield self.note_to_table(session, f"{type(e).__name__}.{subject}")

    def _book(self, session: Session, by: By, kind: Any, channel: str, amount_fen: int, subject: str) -> Send:
        return book_to_shift(session.store_id, by, kind, channel, amount_fen, subject)

    @_evolves_every_bill_event
    def on_bill(self, session: Session, e: Event, at: int) -> None:
        apply(session.bill, e, at)
        if not isinstance(e, _SHOWN_ELSEWHERE):
            total_fen, paid_fen = session.bill.total_fen(at), session.bill.applied_fen
            session.live.add(
                "bill_changed",
                at,
                what=type(e).__name__,
                total_fen=total_fen,
                paid_fen=paid_fen,
                due_fen=total_fen - paid_fen,
                locked=session.locked,
            )
