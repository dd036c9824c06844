"""What rounds, the kitchen's word and moves mean to the bill: events that follow in the same decision (T5, T6, T8).

A round that is paid first is a share of its own, and fires when that is paid, or nothing is due any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from actors.words import Event
from store_runtime.bill import lines, paying
from store_runtime.bill.events import LinesBilled, LinesUnbilled
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.state import parted
from store_runtime.store.orders.commands import LineNote
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.table_session.events import RoundFired, RoundReleased
from store_runtime.table_session.moving.parcels import MovedLine
from store_runtime.table_session.state import Session

UNPAID = "unpaid"


def bill_round(session: Session, session_id: str, placed: PlacedLines, at: int) -> list[Event]:
    """A round was taken, at these prices. One that is paid first is a share of its own."""
    ledger = Ledger(session.bill, session_id, at)
    first = session.rounds[placed.batch].hold_until > 0
    lines.enter(ledger, lines.bill_lines(placed.lines, placed.batch), own_share=first)
    just_held = {placed.batch} if first else frozenset[int]()
    return [*ledger.events, *fired(session, ledger, just_held=just_held)]


def lines_off(session: Session, session_id: str, line_ids: Iterable[str], at: int) -> list[Event]:
    """Nothing of these lines will be cooked; what was paid for them goes back in this turn (O2, O6)."""
    ledger = Ledger(session.bill, session_id, at)
    for line_id in line_ids:
        if line := ledger.bill.lines.get(line_id):
            lines.take_off(ledger, line_id, line.quantity)
    return ledger.events


def notes_heard(session: Session, session_id: str, notes: Iterable[LineNote], at: int) -> list[Event]:
    """So many of these lines are cancelled by now, says the kitchen (O3)."""
    if not any(note.cancelled for note in notes):
        return []
    ledger = Ledger(session.bill, session_id, at)
    for note in notes:
        lines.take_off(ledger, note.line_id, note.cancelled)
    return [*ledger.events, *fired(session, ledger)]


def give_up_held(session: Session, ledger: Ledger) -> list[int]:
    """Rounds that wait to be paid are off the bill: who clears the table does not wait for them."""
    held = [number for number, one in session.rounds.items() if one.state == "held"]
    for number in held:
        for line_id in session.rounds[number].lines:
            if line := ledger.bill.lines.get(line_id):
                lines.take_off(ledger, line_id, line.quantity)
    return held


def what_is_due(session: Session, session_id: str, at: int) -> list[Event]:
    """The clock: payments that ran out, credits, and rounds that nobody paid in time (T6)."""
    ledger = Ledger(session.bill, session_id, at)
    paying.what_is_due(ledger)
    events: list[Event] = []
    for number, one in session.rounds.items():
        if one.state == "held" and one.hold_until <= at and not covered(session, ledger, number):
            events.append(RoundReleased(round_no=number, reason=UNPAID))
            for line_id in one.lines:
                if line := ledger.bill.lines.get(line_id):
                    lines.take_off(ledger, line_id, line.quantity)
    released = {event.round_no for event in events if isinstance(event, RoundReleased)}
    return [*events, *ledger.events, *fired(session, ledger, without=released)]


def fired(
    session: Session,
    ledger: Ledger,
    *,
    just_held: Iterable[int] = (),
    without: Iterable[int] = (),
) -> Iterator[RoundFired]:
    """Rounds that were held and are paid now go to the kitchen (T6)."""
    held = {number for number, one in session.rounds.items() if one.state == "held"} | set(just_held)
    for number in sorted(held - set(without)):
        if covered(session, ledger, number):
            yield RoundFired(round_no=number)


def covered(session: Session, ledger: Ledger, round_no: int) -> bool:
    """The round's own share is paid, or nothing at all is due."""
    if ledger.settled:
        return True
    mine = set(session.rounds[round_no].lines)
    return any(
        share.paid_by and share.paid_fen > 0 and {portion.line_id for portion in share.portions} == mine
        for share in ledger.bill.shares.values()
    )


# --- moves (T8) ------------------------------------------------------------------------------------------------


def packed_with_bill(session: Session, moved: Iterable[MovedLine]) -> tuple[MovedLine, ...]:
    """Lines as they travel, with what the bill knows of each."""
    return tuple(
        msgspec.structs.replace(
            one,
            billed=None
            if (line := session.bill.lines.get(one.part_of or one.line_id)) is None
            else msgspec.structs.replace(
                line if not one.part_of else parted(line, one.line.quantity)[0], line_id=one.line_id
            ),
        )
        for one in moved
    )


def may_go_unpaid(session: Session, session_id: str, line_ids: Iterable[str], at: int) -> bool:
    """Whether nobody has paid these lines, though something is paid: what came in was for the rest of the bill.

    No payment is under way and no credit is kept; no share of these lines is paid; nobody who ordered one of them has
    paid; and without them no more came in than is owed, so that nothing would have to go back.
    """
    bill, going = session.bill, set(line_ids)
    if bill.pending or bill.reopened_until:
        return False
    theirs = {author for line_id in going for author in session.ordered[line_id].counts}
    payers = {
        session.guest_of(bill.payments[one].user_id) for one in bill.applied if bill.payments[one].user_id
    }
    for share in bill.shares.values():
        if share.paid_by:
            payers |= {share.guest_id} - {""}
            if any(portion.line_id in going for portion in share.portions):
                return False
    if theirs & payers:
        return False
    ledger = Ledger(bill, session_id, at)
    billed_ones = {line_id: line.quantity for line_id in going if (line := bill.lines.get(line_id))}
    if billed_ones:
        ledger.add(LinesUnbilled(quantities=billed_ones))
    return ledger.due_fen >= 0


def unbilled(session: Session, moved: Iterable[MovedLine]) -> Iterator[LinesUnbilled]:
    """Lines that go are no longer on this bill."""
    gone = {
        one.part_of or one.line_id: one.billed.quantity
        for one in moved
        if one.billed is not None and (one.part_of or one.line_id) in session.bill.lines
    }
    if gone:
        yield LinesUnbilled(quantities=gone)


def billed(moved: Iterable[MovedLine], *, back: bool = False) -> Iterator[LinesBilled]:
    """Lines that came are on this bill; ``back``: a part joins the line that it was taken from."""
    came = tuple(
        msgspec.structs.replace(one.billed, line_id=one.part_of or one.line_id) if back else one.billed
        for one in moved
        if one.billed is not None
    )
    if came:
        yield LinesBilled(lines=came)
