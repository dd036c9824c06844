"""Rounds (T5, T6): what was seen is ordered, once, all of it or none; the store's word decides.

A round is on its way (``placing``) from RoundSubmitted until the store has taken it (RoundTaken) or not
(RoundReturned). Both the session's own message and the ingress ask the store, under one id, and its no is final: what
was told to the guest as refused is never cooked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.store.orders.commands import (
    FireLines,
    LineNote,
    LinesPlaced,
    NoteLines,
    PlaceLines,
    RejectOrder,
    ReleaseLines,
    WantedLine,
)
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.table_session.billing import bill_round, lines_off, notes_heard
from store_runtime.table_session.cart import CartLine, portion
from store_runtime.table_session.commands import Quote, RoundRefused, SubmitRound
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import (
    LinesFlagged,
    LinesStand,
    RoundAccepted,
    RoundFired,
    RoundRejected,
    RoundReleased,
    RoundReturned,
    RoundSubmitted,
    RoundTaken,
    TakenLine,
)
from store_runtime.table_session.moving.events import NotesForwarded
from store_runtime.table_session.projections import (
    RoundAnswer,
    RoundStands,
    cart_line_view,
    line_id,
    line_number,
    round_view,
    shown,
)
from store_runtime.table_session.rejections import (
    BillLocked,
    InvalidField,
    NothingToSubmit,
    ViewTooOld,
)
from store_runtime.table_session.state import OrderedLine, Round, Session
from store_runtime.table_session.wishes import wishes_changed

TAKEN = Quote(name="", unit_price_fen=0, menu_version=0)
"""Instead of a quote, once the store's own prices stand on the line."""


class RoundsDesk(Desk):
    """Takes rounds to the store and back."""

    @decides(SubmitRound)
    def submit(self, session: Session, cmd: SubmitRound, turn: Turn) -> Decision[RoundAnswer]:
        """What stood in the cart at ``seen_seq``, each line with its quantity then or now, whichever is less."""
        author = self.author_here(session, cmd)
        if session.locked:
            raise BillLocked()
        if cmd.seen_seq > session.live.seq:
            raise InvalidField(path="$.seen_seq", problem=f"at most {session.live.seq}, the session's seq")
        taken = self._taken(session, cmd.seen_seq)
        if not taken:
            raise NothingToSubmit()
        round_no = max(session.rounds, default=0) + 1
        place = self._placing(session, round_no, taken, cmd.on_hold, turn.at)
        yield RoundSubmitted(round_no=round_no, by=author, seen_seq=cmd.seen_seq, taken=taken, place=place)
        if session.wishes:
            rest = session.cart.draft()
            for one in taken:
                rest.take(one.line, one.counts, session.live.seq + 1)
            yield from wishes_changed(session, rest.lines.values())
        return RoundAnswer(
            round_no=round_no, seq=session.live.seq + 1, place=place, store_id=session.store_id
        )

    def _taken(self, session: Session, seen_seq: int) -> tuple[TakenLine, ...]:
        taken = []
        free = session.cart.next_line
        for number, line in session.cart.lines.items():
            seen = line.quantity_at(seen_seq)
            if seen is None:
                raise ViewTooOld(seq=session.live.seq)
            quantity = min(seen, line.quantity)
            if not quantity:
                continue
            # A line that stays in the cart keeps its number there: ops that name it are under way.
            ordered = number
            if quantity < line.quantity:
                ordered, free = free, free + 1
            taken.append(TakenLine(line=number, ordered=ordered, counts=portion(line.counts, quantity)))
        return tuple(taken)

    def _placing(
        self, session: Session, round_no: int, taken: tuple[TakenLine, ...], on_hold: bool, at: int
    ) -> PlaceLines:
        cart, terms = session.cart.lines, session.terms
        first = terms.pay_mode == "pay_first"
        return PlaceLines(
            order=f"table-session/{self.id}",
            batch=round_no,
            label=session.label,
            channel="dine_in",
            menu_version=max(cart[one.line].quote.menu_version for one in taken),
            lines=tuple(
                WantedLine(
                    line_id=line_id(self.id, one.ordered),
                    selection=(line := cart[one.line]).selection,
                    quantity=sum(one.counts.values()),
                    quoted_fen=line.quote.unit_price_fen,
                    note=line.note,
                    hold=on_hold,
                    allergy=bool(session.clashing(line.quote.allergens)),
                )
                for one in taken
            ),
            fire=not first,
            # Held as long as it can be paid, and the grace that nobody is shown (§ 0).
            hold_until=at + (terms.order_hold_s + terms.grace_s) * 1_000 if first else 0,
        )

    # --- the store's word ------------------------------------------------------------------------------

    @decides(LinesPlaced)
    def placed(self, session: Session, cmd: LinesPlaced, turn: Turn) -> Decision[RoundStands]:
        """Taken, at these prices, and later: fired; heard twice it changes nothing."""
        one = session.rounds.get(cmd.placed.batch)
        seq = session.live.seq
        state = "" if one is None else one.state
        if one is not None and state == "placing":
            yield RoundTaken(placed=cmd.placed)
            follows = bill_round(session, self.id, cmd.placed, turn.at)
            yield from follows
            # Of what follows, only a round that costs nothing and goes to the kitchen is shown by itself.
            at_once = any(isinstance(event, RoundFired) for event in follows)
            seq += 1 + at_once
            state = "waiting" if at_once else _taken_as(one, cmd.placed)
        if cmd.fired and state in {"waiting", "held"}:
            yield RoundAccepted(round_no=cmd.placed.batch, number=cmd.placed.number)
            seq += 1
        # Guests are shown the hold without its grace (§ 0).
        until = 0 if one is None else one.hold_until
        pay_by = until - session.terms.grace_s * 1_000 if until else 0
        return RoundStands(round_no=cmd.placed.batch, seq=seq, pay_by=pay_by)

    @decides(RoundRefused)
    def refused(self, session: Session, cmd: RoundRefused, turn: Turn) -> Decision[None]:
        """Not taken: the lines are back, and those in the cart say what stands against them (D1)."""
        one = session.rounds.get(cmd.round_no)
        returned = one is not None and one.state == "placing"
        if returned:
            yield RoundReturned(round_no=cmd.round_no)
        if one is not None and cmd.problems and (returned or one.state == "returned"):
            yield LinesFlagged(round_no=cmd.round_no, problems=cmd.problems)

    @decides(RejectOrder)
    def rejected(self, session: Session, cmd: RejectOrder, turn: Turn) -> Decision[None]:
        """The store will not make it: its lines are off the bill, and what was paid of them goes back (O2)."""
        one = session.rounds.get(cmd.batch)
        if one is not None and one.state in {"held", "waiting"}:
            yield RoundRejected(round_no=cmd.batch, reason=cmd.reason, by=cmd.by)
            yield from lines_off(session, self.id, one.lines, turn.at)

    @decides(NoteLines)
    def noted(self, session: Session, cmd: NoteLines, turn: Turn) -> Decision[None]:
        """How lines stand in the kitchen; an older word that comes late is passed over."""
        newer = tuple(
            note
            for note in cmd.lines
            if (line := session.ordered.get(note.line_id)) is not None and line.note_seq < note.seq
        )
        if newer or cmd.number:
            yield LinesStand(notes=newer, number=cmd.number)
            yield from notes_heard(session, self.id, newer, turn.at)
        yield from _elsewhere(session, cmd)

    # --- reactions -------------------------------------------------------------------------------------

    @reacts(RoundSubmitted)
    def place(self, session: Session, e: RoundSubmitted, turn: Turn) -> Iterator[Send]:
        """The store takes all lines or none."""
        yield Send(
            to=f"store/{session.store_id}",
            command=e.place,
            step="place",
            if_rejected=RoundRefused(round_no=e.round_no),
        )

    @reacts(RoundTaken)
    def tell_ordering(self, session: Session, e: RoundTaken, turn: Turn) -> Iterator[Send]:
        """The table is ordering."""
        yield self.note_to_table(session, "RoundTaken")

    @reacts(RoundFired)
    def fire(self, session: Session, e: RoundFired, turn: Turn) -> Iterator[Send]:
        """The kitchen may have it; where the hold had run out and nothing is left, the money goes back (O6)."""
        yield Send(
            to=f"store/{session.store_id}",
            command=FireLines(order=f"table-session/{self.id}", batch=e.round_no),
            step=f"fire.{e.round_no}",
            if_rejected=RejectOrder(batch=e.round_no, reason="not_left"),
        )

    @reacts(RoundReleased)
    def release(self, session: Session, e: RoundReleased, turn: Turn) -> Iterator[Send]:
        """The store has its dishes back."""
        command = ReleaseLines(order=f"table-session/{self.id}", batch=e.round_no, reason=e.reason)
        yield Send(to=f"store/{session.store_id}", command=command, step=f"release.{e.round_no}")

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(RoundSubmitted)
    def on_submitted(self, session: Session, e: RoundSubmitted, at: int) -> None:
        seq = session.live.seq + 1
        wanted = {one.line_id: one for one in e.place.lines}
        lines = []
        for one in e.taken:
            there = session.cart.lines[one.line]
            session.cart.take(one.line, one.counts, seq)
            session.cart.next_line = max(session.cart.next_line, one.ordered + 1)
            key = line_id(self.id, one.ordered)
            session.ordered[key] = OrderedLine(
                round_no=e.round_no,
                selection=there.selection,
                quote=there.quote,
                counts=one.counts,
                quantity=sum(one.counts.values()),
                added_by=there.added_by,
                added_at=there.added_at,
                note=there.note,
                allergy=wanted[key].allergy,
            )
            lines.append(key)
        session.rounds[e.round_no] = Round(
            state="placing",
            by=e.by,
            at=at,
            lines=tuple(lines),
            menu_version=e.place.menu_version,
            hold_until=e.place.hold_until,
        )
        left = [
            shown(cart_line_view(self.id, one.line, session.cart.lines[one.line]))
            for one in e.taken
            if one.line in session.cart.lines
        ]
        gone = [line_id(self.id, one.line) for one in e.taken if one.line not in session.cart.lines]
        session.live.add(
            "round_submitted", at, round=self._round(session, e.round_no), gone=gone, changed=left
        )

    @evolves(RoundTaken)
    def on_taken(self, session: Session, e: RoundTaken, at: int) -> None:
        one = session.rounds[e.placed.batch]
        one.state = _taken_as(one, e.placed)
        one.menu_version = e.placed.menu_version
        one.number = e.placed.number
        for placed in e.placed.lines:
            line = session.ordered[placed.line_id]
            # What the menu said when it was in the cart is of no use any more.
            line.placed, line.quote = placed, TAKEN
            line.promised_at = placed.promised_at
            if line.status == "placing":
                line.status = "queued" if one.state == "fired" else "held"
        session.live.add("round_taken", at, round=self._round(session, e.placed.batch))

    @evolves(RoundReturned)
    def on_returned(self, session: Session, e: RoundReturned, at: int) -> None:
        seq = session.live.seq + 1
        one = session.rounds[e.round_no]
        one.state = "returned"
        back = []
        for key in one.lines:
            line = session.ordered.pop(key)
            if line.unlisted:
                continue
            number, there = session.cart.put_back(line_number(self.id, key), _cart_line(line, seq), seq)
            one.back[key] = number
            back.append(shown(cart_line_view(self.id, number, there)))
        session.live.add("round_returned", at, round_no=e.round_no, back=back)

    @evolves(LinesFlagged)
    def on_flagged(self, session: Session, e: LinesFlagged, at: int) -> None:
        flagged = []
        for problem in e.problems:
            number = session.rounds[e.round_no].back.get(problem.line_id, 0)
            line = session.cart.lines.get(number)
            if line is None:
                continue
            quote = line.quote
            if problem.price_fen is not None:
                quote = msgspec.structs.replace(quote, unit_price_fen=problem.price_fen)
            line = msgspec.structs.replace(line, problem=problem, quote=quote)
            session.cart.lines[number] = line
            flagged.append(shown(cart_line_view(self.id, number, line)))
        session.live.add("lines_flagged", at, changed=flagged)

    @evolves(RoundFired)
    def on_fired(self, session: Session, e: RoundFired, at: int) -> None:
        # The kitchen has it once the store says so (RoundAccepted).
        session.rounds[e.round_no].state = "waiting"
        session.live.add("round_fired", at, round_no=e.round_no)

    @evolves(RoundAccepted)
    def on_accepted(self, session: Session, e: RoundAccepted, at: int) -> None:
        one = session.rounds[e.round_no]
        one.state, one.number = "fired", e.number or one.number
        for key in one.lines:
            line = session.ordered.get(key)
            if line is not None and line.status == "held":
                line.status = "queued"
        session.live.add("round_accepted", at, round_no=e.round_no, number=one.number)

    @evolves(RoundRejected)
    def on_rejected(self, session: Session, e: RoundRejected, at: int) -> None:
        self._off(session, e.round_no, "rejected")
        session.live.add("round_rejected", at, round_no=e.round_no, reason=e.reason)

    @evolves(RoundReleased)
    def on_released(self, session: Session, e: RoundReleased, at: int) -> None:
        self._off(session, e.round_no, "released")
        session.live.add("round_released", at, round_no=e.round_no, reason=e.reason)

    @evolves(LinesStand)
    def on_lines_stand(self, session: Session, e: LinesStand, at: int) -> None:
        changed = []
        for note in e.notes:
            line = session.ordered[note.line_id]
            line.note_seq, line.status = note.seq, note.status
            line.cancelled, line.refused = note.cancelled, note.refused
            line.promised_at = note.promised_at or line.promised_at
            changed.append(shown(note))
        session.live.add("lines_stand", at, lines=changed)

    def _off(self, session: Session, round_no: int, state: Literal["released", "rejected"]) -> None:
        """Nothing of it was cooked, and nothing will be."""
        one = session.rounds[round_no]
        one.state = state
        for key in one.lines:
            session.ordered.pop(key, None)

    def _round(self, session: Session, round_no: int) -> Any:
        return shown(round_view(session, round_no, session.rounds[round_no]))


def _taken_as(one: Round, placed: PlacedLines) -> Literal["held", "waiting", "fired"]:
    """How a round stands that the store has just taken."""
    if one.hold_until:
        return "held"
    return "waiting" if placed.waits else "fired"


def _elsewhere(session: Session, cmd: NoteLines) -> Iterator[NotesForwarded]:
    """T8: what the kitchen says of lines that went to other sessions, and of parts of lines, goes there."""
    there: dict[str, list[LineNote]] = {}
    for note in cmd.lines:
        for forward in session.forwards.get(note.line_id, ()):
            part = forward.line_id != note.line_id
            told = msgspec.structs.replace(
                note,
                line_id=forward.line_id,
                cancelled=0 if part else note.cancelled,
                refused=0 if part else note.refused,
            )
            there.setdefault(forward.session, []).append(told)
    for to, notes in there.items():
        yield NotesForwarded(session=to, notes=tuple(notes))


def _cart_line(line: OrderedLine, seq: int) -> CartLine:
    """An ordered line as it was in the cart."""
    return CartLine(
        selection=line.selection,
        quote=line.quote,
        counts=line.counts,
        added_by=line.added_by,
        added_at=line.added_at,
        since=seq,
        changes=((seq, sum(line.counts.values())),),
        note=line.note,
    )
