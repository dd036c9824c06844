"""换台 and 拆台: a session sits at another table, or again at its own (T8).

One thing is reserved, the other table, and nothing is held while it is asked: A→B and B→A are both refused or one of
them goes, and nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.store.orders.commands import RelabelOrder
from store_runtime.table.commands import NoteSession, ReceiveSession
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.moving.commands import (
    ComeBack,
    GiveBack,
    GiveBackRefused,
    TableReserved,
    Transfer,
    TransferRefused,
)
from store_runtime.table_session.moving.events import (
    ReturnBegan,
    ReturnGivenUp,
    SessionReturned,
    SessionTransferred,
    TransferBegan,
    TransferGivenUp,
)
from store_runtime.table_session.moving.projections import ReservedAnswer, TransferAnswer
from store_runtime.table_session.rejections import IllegalTransition, SessionBusy
from store_runtime.table_session.state import Session


class TransferDesk(Desk):
    """Asks the other table, and goes when it says yes."""

    @decides(Transfer)
    def transfer(self, session: Session, cmd: Transfer, turn: Turn) -> Decision[TransferAnswer]:
        """The party wants to sit at another table; to where it sits already it need not go."""
        self.must_stand_still(session)
        table = f"{session.store_id}.{cmd.to_table_id}"
        if cmd.to_table_id == session.table_id:
            return TransferAnswer(table=table)
        yield TransferBegan(to_table_id=cmd.to_table_id, by=cmd.by)
        return TransferAnswer(
            table=table, receive=self._receive(session, session.status, session.live.seq + 1)
        )

    @decides(ComeBack)
    def come_back(self, session: Session, cmd: ComeBack, turn: Turn) -> Decision[TransferAnswer]:
        """拆台: a merged session wants its table again; its lines come after it has it."""
        self.must_exist(session)
        if session.closed or not session.moved_to:
            raise IllegalTransition(state=session.status, allowed=[])
        if session.moving or session.outgoing:
            raise SessionBusy()
        yield ReturnBegan(by=cmd.by)
        table = f"{session.store_id}.{session.table_id}"
        return TransferAnswer(table=table, receive=self._receive(session, "seated", session.live.seq + 1))

    @decides(TableReserved)
    def reserved(self, session: Session, cmd: TableReserved, turn: Turn) -> Decision[ReservedAnswer]:
        """The table is ours; heard twice it changes nothing."""
        if session.moving_to == cmd.table_id and session.moving == "transfer":
            yield SessionTransferred(
                from_table_id=session.table_id,
                table_id=cmd.table_id,
                letter=cmd.letter,
                label=cmd.label,
                terms=cmd.terms,
            )
        elif session.moving_to == cmd.table_id and session.moving == "return":
            yield SessionReturned(table_id=cmd.table_id, letter=cmd.letter, label=cmd.label)
            give_back = GiveBack(to_session=self.id, by=session.moving_by)
            return ReservedAnswer(from_session=session.moved_to, give_back=give_back)
        return ReservedAnswer()

    @decides(TransferRefused)
    def table_refused(self, session: Session, cmd: TransferRefused, turn: Turn) -> Decision[None]:
        """The table is taken: nothing has changed."""
        if session.moving_to == cmd.table_id and session.moving == "transfer":
            yield TransferGivenUp(table_id=cmd.table_id)
        elif session.moving_to == cmd.table_id and session.moving == "return":
            yield ReturnGivenUp(seated=False)

    @decides(GiveBackRefused)
    def lines_refused(self, session: Session, cmd: GiveBackRefused, turn: Turn) -> Decision[None]:
        """Its lines cannot be had back, as something is paid there: it stays merged, and its table is free again."""
        if session.moving == "return":
            yield ReturnGivenUp(seated=True)

    def _receive(self, session: Session, state: str, seq: int) -> ReceiveSession:
        """``seq`` is that after the move has begun."""
        return ReceiveSession(
            session_id=self.id,
            seq=seq,
            opened_at=session.opened_at,
            party_size=session.party_size,
            guests=sum(1 for guest in session.guests.values() if not guest.left),
            state=state,  # type: ignore[arg-type]
        )

    # --- reactions -------------------------------------------------------------------------------------

    @reacts(TransferBegan)
    @reacts(ReturnBegan)
    def ask_table(self, session: Session, e: Event, turn: Turn) -> Iterator[Send]:
        """It takes the session, or does not."""
        state = session.status if isinstance(e, TransferBegan) else "seated"
        yield Send(
            to=f"table/{session.store_id}.{session.moving_to}",
            command=self._receive(session, state, session.live.seq),
            step="receive",
            if_rejected=TransferRefused(table_id=session.moving_to),
        )

    @reacts(SessionTransferred)
    def tell_transferred(self, session: Session, e: SessionTransferred, turn: Turn) -> Iterator[Send]:
        """The old table is free, the new one knows how the party stands, and one slip says where the food goes."""
        yield self._leave(session, e.from_table_id)
        yield self.note_to_table(session, "arrived")
        if session.ordered:
            relabel = RelabelOrder(order=f"table-session/{self.id}", label=e.label, moves=(session.live.seq,))
            yield Send(to=f"store/{session.store_id}", command=relabel, step="relabel")

    @reacts(SessionReturned)
    def ask_lines(self, session: Session, e: SessionReturned, turn: Turn) -> Iterator[Send]:
        """The lines that are left of what it brought."""
        yield Send(
            to=f"table-session/{session.moved_to}",
            command=GiveBack(to_session=self.id, by=session.moving_by),
            step="giveback",
            if_rejected=GiveBackRefused(),
        )

    @reacts(ReturnGivenUp)
    def leave_again(self, session: Session, e: ReturnGivenUp, turn: Turn) -> Iterator[Send]:
        """The table that was had for a moment is free."""
        if e.seated:
            yield self._leave(session, session.table_id)

    def _leave(self, session: Session, table_id: str) -> Send:
        left = NoteSession(session_id=self.id, seq=session.live.seq, state="moved")
        return Send(to=f"table/{session.store_id}.{table_id}", command=left, step="left")

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(TransferBegan)
    def on_transfer_began(self, session: Session, e: TransferBegan, at: int) -> None:
        session.moving, session.moving_to, session.moving_by = "transfer", e.to_table_id, e.by
        # Its seq tells the tables' books apart: what a table is asked now is newer than what it was told before.
        session.live.add("session_moving", at, to_table_id=e.to_table_id)

    @evolves(TransferGivenUp)
    def on_transfer_given_up(self, session: Session, e: TransferGivenUp, at: int) -> None:
        session.stand()
        session.live.add("session_stays", at, table_id=session.table_id)

    @evolves(SessionTransferred)
    def on_transferred(self, session: Session, e: SessionTransferred, at: int) -> None:
        session.stand()
        session.table_id, session.letter, session.label = e.table_id, e.letter, e.label
        # T6: how it is paid stays as it was; the rest are the new table's terms.
        session.terms = msgspec.structs.replace(e.terms, pay_mode=session.terms.pay_mode)
        if not session.money_moved:
            session.bill.terms = e.terms.bill
        session.live.add(
            "session_transferred", at, table_id=e.table_id, label=e.label, from_table_id=e.from_table_id
        )

    @evolves(ReturnBegan)
    def on_return_began(self, session: Session, e: ReturnBegan, at: int) -> None:
        session.moving, session.moving_to, session.moving_by = "return", session.table_id, e.by
        session.live.add("session_moving", at, to_table_id=session.table_id)

    @evolves(SessionReturned)
    def on_returned_to_table(self, session: Session, e: SessionReturned, at: int) -> None:
        session.letter, session.label = e.letter, e.label

    @evolves(ReturnGivenUp)
    def on_return_given_up(self, session: Session, e: ReturnGivenUp, at: int) -> None:
        session.stand()
        session.live.add("session_stays", at, moved_to=session.moved_to)
