"""What staff change on a session's bill: lock, discount, round, reopen; cancel, comp, refund, weigh (O3–O5, M7).

Each is an act that the store's log keeps (A1). What is given away is checked again here against what was allowed when
the ingress asked: between the two, the bill may have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.bill import at_the_till, lines
from store_runtime.bill.events import GivenAway, LineComped
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.projections import BillView, Giveaway, bill_facts
from store_runtime.bill.rejections import IllegalTransition, LineUnconfirmed, MoreThanAllowed, OverRefund
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
        return (yield from self._done(session, ledger, turn, cmd.by, action, cmd.reason))

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
        _within(session, "bill.discount", cmd.by, off_fen, cmd.allowed_fen)
        act = self._done(
            session, ledger, turn, cmd.by, "bill.discount", cmd.reason, off_fen, line_id=cmd.line_id
        )
        return (yield from act)

    @decides(WithdrawDiscount)
    def withdraw(self, session: Session, cmd: WithdrawDiscount, turn: Turn) -> Decision[BillView]:
        """What was taken off is charged again."""
        self.bill_must_be_open(session)
        ledger = self.ledger(session, turn)
        at_the_till.withdraw_discount(ledger, cmd.discount_id, cmd.by)
        act = self._done(
            session,
            ledger,
            turn,
            cmd.by,
            "bill.discount_withdrawn",
            subject=f"discounts/{cmd.discount_id}",
        )
        return (yield from act)

    @decides(RoundBill)
    def round_bill(self, session: Session, cmd: RoundBill, turn: Turn) -> Decision[BillView]:
        """抹零 (M7)."""
        self.bill_must_be_open(session)
        ledger = self.ledger(session, turn)
        off_fen = max(0, at_the_till.round_to(ledger, cmd.rounding, cmd.by))
        _within(session, "bill.discount", cmd.by, off_fen, cmd.allowed_fen)
        return (yield from self._done(session, ledger, turn, cmd.by, "bill.round", cmd.rounding, off_fen))

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
        return (yield from self._done(session, ledger, turn, cmd.by, "bill.reopen", cmd.reason, paid_fen))

    @answers(GetGiveaway)
    def giveaway(self, session: Session, query: GetGiveaway, at: int) -> Giveaway:
        """The same decisions, tried: what they would give away now."""
        self.must_exist(session)
        if session.moved_to:
            return Giveaway(amount_fen=0)
        ledger = Ledger(session.bill, self.id, at)
        by, back_fen, action = By(account=query.account), 0, _LIMITED_AS.get(query.act, "")
        unconfirmed = bool(ledger.bill.unconfirmed)
        match query.act:
            case "discount":
                fields = {"line_id": query.line_id, "amount_fen": query.amount_fen}
                given = at_the_till.discount(ledger, "", by, **fields, permille=query.permille)  # type: ignore[arg-type]
            case "rounding":
                given = at_the_till.round_to(ledger, query.rounding, by)
            case "comp":
                given = lines.comp(ledger, query.line_id, query.quantity, "", by)
            case "cancel":
                given, back_fen = _cancelled(session, ledger, query.line_id, query.quantity)
                action = "line.refund" if back_fen else action
            case "refund":
                given = lines.refund(ledger, query.line_id, query.quantity, "", by)
            case "weigh":
                given = lines.weigh(ledger, query.line_id, by, query.weight_milli, query.unit_price_fen)
            case "reopen":
                given = ledger.bill.applied_fen
            case _:
                give_up_held(session, ledger)
                unconfirmed = bool(ledger.bill.unconfirmed)
                lines.take_as_shown(ledger, by)
                given = ledger.due_fen
        return Giveaway(
            amount_fen=max(0, given),
            given_fen=session.bill.given_fen(action, query.account),
            back_fen=back_fen,
            unconfirmed=unconfirmed,
        )

    # --- lines -----------------------------------------------------------------------------------------

    @decides(CancelOrdered)
    def cancel_line(self, session: Session, cmd: CancelOrdered, turn: Turn) -> Decision[BillView]:
        """退菜: the kitchen is asked; the bill changes when it says yes (O3). Money back is a refund (C3)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        worth_fen, back_fen = _cancelled(session, ledger, cmd.line_id, cmd.quantity)
        if cmd.allowed_back_fen is not None and back_fen > cmd.allowed_back_fen:
            raise MoreThanAllowed(amount_fen=back_fen, allowed_fen=cmd.allowed_back_fen)
        limited_as = "line.refund" if back_fen else "line.cancel"
        _within(session, limited_as, cmd.by, worth_fen, cmd.allowed_fen)
        yield CancelAsked(line_id=cmd.line_id, quantity=cmd.quantity, reason=cmd.reason, by=cmd.by)
        act = self._done(
            session,
            ledger,
            turn,
            cmd.by,
            "line.cancel",
            cmd.reason,
            worth_fen,
            line_id=cmd.line_id,
            counts_as=limited_as,
            asked=cmd.quantity,
        )
        return (yield from act)

    @decides(CompOrdered)
    def comp_line(self, session: Session, cmd: CompOrdered, turn: Turn) -> Decision[BillView]:
        """赠菜 (O3)."""
        self.must_be_open(session)
        return (yield from self._off_line(session, cmd, turn, "line.comp", lines.comp))

    @decides(RefundOrdered)
    def refund_line(self, session: Session, cmd: RefundOrdered, turn: Turn) -> Decision[BillView]:
        """So many of a paid line are taken back: old payable − new payable (O4)."""
        self.bill_must_be_open(session)
        return (yield from self._off_line(session, cmd, turn, "line.refund", lines.refund))

    def _off_line(
        self,
        session: Session,
        cmd: CompOrdered | RefundOrdered,
        turn: Turn,
        action: str,
        decide: Callable[[Ledger, str, int, str, By], int],
    ) -> Decision[BillView]:
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        off_fen = decide(ledger, cmd.line_id, cmd.quantity, cmd.reason, cmd.by)
        _within(session, action, cmd.by, off_fen, cmd.allowed_fen)
        act = self._done(
            session,
            ledger,
            turn,
            cmd.by,
            action,
            cmd.reason,
            off_fen,
            line_id=cmd.line_id,
            counts_as=action,
        )
        return (yield from act)

    @decides(WeighOrdered)
    def weigh_line(self, session: Session, cmd: WeighOrdered, turn: Turn) -> Decision[BillView]:
        """Its weight or price is known: it can be paid (D5). Below the shown price it is a discount (M7)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        ledger = self.ledger(session, turn)
        below_fen = lines.weigh(ledger, cmd.line_id, cmd.by, cmd.weight_milli, cmd.unit_price_fen)
        _within(session, "bill.discount", cmd.by, below_fen, cmd.allowed_fen)
        act = self._done(
            session,
            ledger,
            turn,
            cmd.by,
            "line.weigh",
            amount_fen=below_fen,
            line_id=cmd.line_id,
            counts_as="bill.discount",
        )
        return (yield from act)

    def _done(
        self,
        session: Session,
        ledger: Ledger,
        turn: Turn,
        by: By,
        action: str,
        reason: str = "",
        amount_fen: int = 0,
        *,
        line_id: str = "",
        subject: str = "",
        counts_as: str = "",
        asked: int = 0,
    ) -> Decision[BillView]:
        """It happens, and the log hears of it.

        ``counts_as``: by which action the account gave the amount away; ``asked``: so many are still to come off.
        """
        before = bill_facts(session.bill, turn.at, line_id)
        if counts_as and amount_fen:
            ledger.add(GivenAway(action=counts_as, account=by.account, amount_fen=amount_fen))
        after = bill_facts(ledger.bill, turn.at, line_id)
        if asked:
            after["line_quantity"] -= asked
        yield from ledger.events
        yield from fired(session, ledger)
        subject = f"lines/{line_id}" if line_id else subject
        yield from self.act(
            session, turn, by, action, subject, reason, amount_fen, before=before, after=after
        )
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


_LIMITED_AS = {
    "discount": "bill.discount",
    "rounding": "bill.discount",
    "weigh": "bill.discount",
    "comp": "line.comp",
    "cancel": "line.cancel",
    "refund": "line.refund",
}
"""Act → the action whose limit is for all that one account gives away by it on a bill (C3)."""

_BEGUN = ("cooking", "ready", "cancel_requested")


def _within(session: Session, action: str, by: By, amount_fen: int, allowed_fen: int | None) -> None:
    if not amount_fen or allowed_fen is None:
        return
    together_fen = amount_fen + session.bill.given_fen(action, by.account)
    if together_fen > allowed_fen:
        raise MoreThanAllowed(amount_fen=together_fen, allowed_fen=allowed_fen)


def _cancelled(session: Session, ledger: Ledger, line_id: str, quantity: int) -> tuple[int, int]:
    """What so many of a line are worth, and how much of that was paid and would go back. Refuses what cannot be."""
    line, ordered = ledger.bill.lines.get(line_id), session.ordered.get(line_id)
    if line is None or ordered is None:
        raise LineNotFound()
    if ordered.status == "served":
        raise IllegalTransition(state="served", allowed=["comp", "refund"])
    if quantity > line.standing:
        raise OverRefund(line_id=line_id, left=line.standing)
    if line.provisional and ordered.status in _BEGUN:
        raise LineUnconfirmed(line_ids=[line_id])
    # What the kitchen was asked to give up already may be off any moment.
    off = {
        one: ledger.bill.lines[one].standing
        for one, of in session.ordered.items()
        if of.status == "cancel_requested" and one in ledger.bill.lines
    }
    return line.worth_fen(quantity), lines.money_back_fen(ledger, {**off, line_id: quantity})
