"""Till: shifts open, cash moves, and what others took or gave back is booked to them."""

from __future__ import annotations

import copy

from actors.entity import Decision, answers, decides
from actors.turn import Turn
from actors.words import Event
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.till.bookings import BookToShift
from store_runtime.till.commands import GetShift, ListShifts, MoveCash, OpenShift
from store_runtime.till.events import Booked, CashMoved, FloatCounted, ShiftOpened
from store_runtime.till.evolution import TillEvolution
from store_runtime.till.projections import ShiftList, ShiftView, shift_list, shift_view
from store_runtime.till.rejections import InvalidField, ShiftAlreadyOpen, ShiftNotFound
from store_runtime.till.state import Shift, TillBooks, shift_id


class Till(Audited, TillEvolution):
    """The till of one store."""

    kind = "till"

    @decides(OpenShift)
    def open_shift(self, till: TillBooks, cmd: OpenShift, turn: Turn) -> Decision[ShiftView]:
        """A new shift, or the float of one that a booking began."""
        InvalidField.check(cmd)
        account = cmd.by.account
        shift = till.open.get(account)
        if shift is not None and shift.counted:
            raise ShiftAlreadyOpen(shift_id=shift_id(shift.number))
        opened: ShiftOpened | FloatCounted
        if shift is None:
            opened = ShiftOpened(account=account, number=till.shifts + 1, float_fen=cmd.float_fen)
        else:
            opened = FloatCounted(account=account, float_fen=cmd.float_fen)
        yield opened
        number = till.shifts + 1 if shift is None else shift.number
        subject = f"till/{self.id}/shifts/{shift_id(number)}"
        yield from act_done(self.id, turn, cmd.by, "shift.open", subject, after={"float_fen": cmd.float_fen})
        return shift_view(account, self._after(till, account, opened, turn.at))

    @decides(MoveCash)
    def move_cash(self, till: TillBooks, cmd: MoveCash, turn: Turn) -> Decision[ShiftView]:
        """In or out of the drawer of an open shift, with a reason."""
        InvalidField.check(cmd)
        account = cmd.by.account
        shift = till.open.get(account)
        if shift is None:
            raise ShiftNotFound()
        moved = CashMoved(account=account, kind=cmd.kind, amount_fen=cmd.amount_fen, reason=cmd.reason)
        yield moved
        yield from act_done(
            self.id,
            turn,
            cmd.by,
            f"shift.cash_{cmd.kind}",
            f"till/{self.id}/shifts/{shift_id(shift.number)}",
            reason=cmd.reason,
            amount_fen=cmd.amount_fen,
        )
        return shift_view(account, self._after(till, account, moved, turn.at))

    @decides(BookToShift)
    def book(self, till: TillBooks, cmd: BookToShift, turn: Turn) -> Decision[None]:
        """Money that moved is booked, whether or not anybody thought of opening a shift before (A3)."""
        account = cmd.by.account
        if account not in till.open:
            yield ShiftOpened(account=account, number=till.shifts + 1, counted=False)
        yield Booked(
            account=account,
            kind=cmd.kind,
            channel=cmd.channel,
            amount_fen=cmd.amount_fen,
            subject=cmd.subject,
        )

    @answers(GetShift)
    def show(self, till: TillBooks, query: GetShift, at: int) -> ShiftView:
        """One's own shift."""
        shift = till.open.get(query.account)
        if shift is None:
            raise ShiftNotFound()
        return shift_view(query.account, shift)

    @answers(ListShifts)
    def list_shifts(self, till: TillBooks, query: ListShifts, at: int) -> ShiftList:
        """All open ones."""
        return shift_list(till)

    def _after(self, till: TillBooks, account: str, event: Event, at: int) -> Shift:
        """The account's shift as the event will leave it."""
        shift = till.open.get(account)
        after = TillBooks(shifts=till.shifts, open={} if shift is None else {account: copy.deepcopy(shift)})
        self.type.evolvers[type(event)](self, after, event, at)
        return after.open[account]
