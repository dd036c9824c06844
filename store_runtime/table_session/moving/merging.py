"""并台, 拆台, 转菜: parcels of lines between sessions (T8).

    Merge at T ──► GiveAll at F ──► TakeParcel at T ──► ParcelArrived at F: F's table is free
    MoveLines at S ──► TakeParcel at T ──► ParcelArrived at S
    ComeBack at F (``transfer.py``) ──► GiveBack at T ──► TakeParcel at F

Each arrow is a stored message with a named undoing; a session that waits for an answer refuses to be asked for
another move, so two that merge each other are both refused, and nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.by import By
from store_runtime.store.orders.commands import NoteLines, RelabelOrder
from store_runtime.table_session.billing import billed, may_go_unpaid, packed_with_bill, unbilled
from store_runtime.table_session.cart import summed
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.moving.commands import (
    GiveAll,
    GiveBack,
    Merge,
    MergeRefused,
    MoveLines,
    ParcelArrived,
    ParcelReturned,
    TakeParcel,
)
from store_runtime.table_session.moving.events import (
    MergeBegan,
    MergeGivenUp,
    NotesForwarded,
    ParcelBack,
    ParcelDelivered,
    ParcelSent,
    ParcelTaken,
)
from store_runtime.table_session.moving.parcels import Forward, Parcel, copied, packed, renamed
from store_runtime.table_session.moving.projections import MergeAnswer, ParcelAnswer
from store_runtime.table_session.parts import Guest, Round
from store_runtime.table_session.projections import cart_line_view, ordered_line_view, shown
from store_runtime.table_session.rejections import (
    IllegalTransition,
    InvalidField,
    LineNotFound,
    MoneyMoved,
    SessionBusy,
    TableSessionNotFound,
)
from store_runtime.table_session.state import Session
from store_runtime.table_session.wishes import wishes_changed

MOVABLE = frozenset({"fired", "moved"})


class MergeDesk(Desk):
    """Sends and takes parcels."""

    # --- whole parties ---------------------------------------------------------------------------------

    @decides(Merge)
    def merge(self, session: Session, cmd: Merge, turn: Turn) -> Decision[MergeAnswer]:
        """并台: this session takes over another; it waits until it has everything, or hears no."""
        self.must_stand_still(session)
        if cmd.from_session == self.id:
            raise InvalidField(path="$.from", problem="another session")
        yield MergeBegan(from_session=cmd.from_session, by=cmd.by)
        give = self._give(session, cmd.by)
        return MergeAnswer(from_session=cmd.from_session, give=give)

    @decides(GiveAll)
    def give_all(self, session: Session, cmd: GiveAll, turn: Turn) -> Decision[ParcelAnswer]:
        """Guests, cart and lines go; what this session is from now on is the way to the other one."""
        self.must_stand_still(session)
        if cmd.store_id != session.store_id:
            raise TableSessionNotFound()
        self._must_be_free_to_go(session, list(session.ordered))
        whole = [(key, line.quantity) for key, line in session.ordered.items()]
        lines = packed_with_bill(session, packed(session.ordered, whole))
        parcel = Parcel(
            parcel_id=self._next_parcel(session),
            from_session=self.id,
            lines=lines,
            guests={key: guest for key, guest in session.guests.items() if not guest.left},
            whole=True,
            cart=tuple(session.cart.lines.values()),
            party_size=session.party_size,
        )
        yield from wishes_changed(session, ())
        yield ParcelSent(to_session=cmd.to_session, to_label=cmd.to_label, parcel=parcel, by=cmd.by)
        yield from unbilled(session, parcel.lines)
        return ParcelAnswer(to_session=cmd.to_session, take=TakeParcel(parcel=parcel))

    @decides(MergeRefused)
    def merge_refused(self, session: Session, cmd: MergeRefused, turn: Turn) -> Decision[None]:
        """The other session keeps what it has."""
        if session.moving == "merge" and session.moving_to == cmd.from_session:
            yield MergeGivenUp(from_session=cmd.from_session)

    @decides(GiveBack)
    def give_back(self, session: Session, cmd: GiveBack, turn: Turn) -> Decision[ParcelAnswer]:
        """拆台: what came with the other session and is still here goes home; its guests do too."""
        self.must_stand_still(session)
        came = session.received.get(cmd.to_session)
        if came is None:
            raise IllegalTransition(state=session.status, allowed=[])
        here = [key for key in came if key in session.ordered]
        # Those who stay may have paid what is theirs.
        unpaid = may_go_unpaid(session, self.id, here, turn.at)
        self._must_be_free_to_go(session, here, unpaid=unpaid)
        parcel = Parcel(
            parcel_id=self._next_parcel(session),
            from_session=self.id,
            lines=packed_with_bill(
                session, packed(session.ordered, [(key, session.ordered[key].quantity) for key in here])
            ),
            guests=dict(session.guests),
            home=True,
        )
        yield ParcelSent(to_session=cmd.to_session, to_label="", parcel=parcel, by=cmd.by)
        yield from unbilled(session, parcel.lines)
        return ParcelAnswer(to_session=cmd.to_session, take=TakeParcel(parcel=parcel))

    # --- single lines ----------------------------------------------------------------------------------

    @decides(MoveLines)
    def move_lines(self, session: Session, cmd: MoveLines, turn: Turn) -> Decision[ParcelAnswer]:
        """转菜: whole lines, or some of one."""
        self.must_stand_still(session)
        InvalidField.check(cmd)
        wanted = self._wanted(session, cmd)
        self._must_be_free_to_go(session, [key for key, _ in wanted])
        parcel = Parcel(
            parcel_id=self._next_parcel(session),
            from_session=self.id,
            lines=packed_with_bill(session, packed(session.ordered, wanted)),
            guests=dict(session.guests),
        )
        yield ParcelSent(to_session=cmd.to_session, to_label="", parcel=parcel, by=cmd.by)
        yield from unbilled(session, parcel.lines)
        return ParcelAnswer(to_session=cmd.to_session, take=TakeParcel(parcel=parcel))

    def _wanted(self, session: Session, cmd: MoveLines) -> list[tuple[str, int]]:
        if cmd.to_session == self.id:
            raise InvalidField(path="$.to_session", problem="another session")
        if any(key not in session.ordered for key in cmd.line_ids):
            raise LineNotFound()
        if not cmd.quantity:
            return [(key, session.ordered[key].quantity) for key in dict.fromkeys(cmd.line_ids)]
        key = cmd.line_ids[0]
        line = session.ordered[key]
        left = line.quantity - line.cancelled
        if len(cmd.line_ids) > 1 or cmd.quantity > left:
            raise InvalidField(path="$.quantity", problem=f"of one line, at most {left}")
        return [(key, cmd.quantity)]

    # --- parcels ---------------------------------------------------------------------------------------

    @decides(TakeParcel)
    def take(self, session: Session, cmd: TakeParcel, turn: Turn) -> Decision[None]:
        """They are this session's from now on; a parcel that comes twice is here already."""
        parcel = cmd.parcel
        if not (parcel.home and session.moving == "return" and session.moved_to == parcel.from_session):
            self.must_be_open(session)
        yield ParcelTaken(parcel=parcel)
        yield from billed(parcel.lines)

    @decides(ParcelArrived)
    def arrived(self, session: Session, cmd: ParcelArrived, turn: Turn) -> Decision[None]:
        """The other session has it."""
        if cmd.parcel_id in session.outgoing:
            yield ParcelDelivered(parcel_id=cmd.parcel_id)

    @decides(ParcelReturned)
    def returned(self, session: Session, cmd: ParcelReturned, turn: Turn) -> Decision[None]:
        """The other session is over: the lines are here again."""
        if cmd.parcel_id in session.outgoing:
            yield ParcelBack(parcel_id=cmd.parcel_id)
            yield from billed(session.outgoing[cmd.parcel_id].lines, back=True)

    def _must_be_free_to_go(self, session: Session, line_ids: list[str], *, unpaid: bool = False) -> None:
        """Lines that the store holds for a payment stay until it is made; so does what is paid, or may be."""
        going = {session.ordered[key].round_no for key in line_ids}
        if any(session.rounds[number].state not in MOVABLE for number in going):
            raise SessionBusy()
        if session.money_moved and not unpaid:
            raise MoneyMoved()

    def _next_parcel(self, session: Session) -> str:
        return f"{self.id}.m{session.parcels + 1}"

    def _give(self, session: Session, by: By) -> GiveAll:
        return GiveAll(store_id=session.store_id, to_session=self.id, to_label=session.label, by=by)

    # --- reactions -------------------------------------------------------------------------------------

    @reacts(MergeBegan)
    def ask_for_all(self, session: Session, e: MergeBegan, turn: Turn) -> Iterator[Send]:
        """The other session gives everything, or keeps it."""
        yield Send(
            to=f"table-session/{e.from_session}",
            command=self._give(session, e.by),
            step="give",
            if_rejected=MergeRefused(from_session=e.from_session),
        )

    @reacts(ParcelSent)
    def send_parcel(self, session: Session, e: ParcelSent, turn: Turn) -> Iterator[Send]:
        """The other session takes it, or it comes back."""
        yield Send(
            to=f"table-session/{e.to_session}",
            command=TakeParcel(parcel=e.parcel),
            step="parcel",
            if_rejected=ParcelReturned(parcel_id=e.parcel.parcel_id),
        )

    @reacts(ParcelTaken)
    def tell_taken(self, session: Session, e: ParcelTaken, turn: Turn) -> Iterator[Send]:
        """The sender's books are closed, the table knows, and one slip says where the food goes."""
        parcel = e.parcel
        arrived = ParcelArrived(parcel_id=parcel.parcel_id)
        yield Send(to=f"table-session/{parcel.from_session}", command=arrived, step="arrived")
        yield self.note_to_table(session, "parcel")
        whole = tuple(moved.line_id for moved in parcel.lines if not moved.line.part)
        if whole:
            # The words of several moves may overtake each other on the way to the store; the highest number holds.
            relabel = RelabelOrder(
                order=f"table-session/{parcel.from_session}",
                label=session.label,
                to_order=f"table-session/{self.id}",
                line_ids=whole,
                moves=tuple(session.ordered[key].moves for key in whole),
            )
            yield Send(to=f"store/{session.store_id}", command=relabel, step="relabel")

    @reacts(ParcelDelivered)
    def leave_table(self, session: Session, e: ParcelDelivered, turn: Turn) -> Iterator[Send]:
        """A session that gave everything leaves its table once the other one has it; any other owes less."""
        yield self.note_to_table(session, "merged" if session.moved_to else "gave")

    @reacts(NotesForwarded)
    def forward(self, session: Session, e: NotesForwarded, turn: Turn) -> Iterator[Send]:
        """The kitchen's word goes to where the lines are."""
        yield Send(
            to=f"table-session/{e.session}", command=NoteLines(lines=e.notes), step=f"forward.{e.session}"
        )

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(MergeBegan)
    def on_merge_began(self, session: Session, e: MergeBegan, at: int) -> None:
        session.moving, session.moving_to, session.moving_by = "merge", e.from_session, e.by

    @evolves(MergeGivenUp)
    def on_merge_given_up(self, session: Session, e: MergeGivenUp, at: int) -> None:
        session.stand()

    @evolves(ParcelSent)
    def on_sent(self, session: Session, e: ParcelSent, at: int) -> None:
        parcel = e.parcel
        session.parcels += 1
        session.outgoing[parcel.parcel_id] = parcel
        for moved in parcel.lines:
            forward = Forward(session=e.to_session, line_id=moved.line_id)
            if not moved.part_of:
                del session.ordered[moved.line_id]
                session.forwards[moved.line_id] = (*session.forwards.get(moved.line_id, ()), forward)
                continue
            rest = session.ordered[moved.part_of]
            rest.parted += 1
            rest.quantity -= moved.line.quantity
            rest.counts = _less(rest.counts, moved.line.counts)
            session.forwards[moved.part_of] = (*session.forwards.get(moved.part_of, ()), forward)
        if parcel.whole:
            session.moved_to = e.to_session
            session.cart.lines = {}
        if parcel.home:
            session.received.pop(e.to_session, None)
        session.live.add(
            "lines_left",
            at,
            line_ids=[moved.part_of or moved.line_id for moved in parcel.lines],
            to_session=e.to_session,
            moved_to=session.moved_to,
        )

    @evolves(ParcelTaken)
    def on_parcel_taken(self, session: Session, e: ParcelTaken, at: int) -> None:
        parcel = e.parcel
        if parcel.home:
            session.moved_to = ""
        if parcel.home or session.moving == "merge":
            session.stand()
        names = self._names(session, parcel, at)
        if parcel.lines:
            self._put_lines(session, parcel, names, at)
        seq = session.live.seq + 1
        cart = []
        for line in parcel.cart:
            number = session.cart.next_line
            session.cart.next_line += 1
            mine = msgspec.structs.replace(line, counts=renamed(line.counts, names))
            there, back = session.cart.put_back(number, mine, seq)
            cart.append(shown(cart_line_view(self.id, there, back)))
        session.party_size += parcel.party_size
        session.count_heads()
        session.live.add(
            "lines_came",
            at,
            from_session=parcel.from_session,
            lines=[
                shown(ordered_line_view(moved.line_id, session.ordered[moved.line_id]))
                for moved in parcel.lines
            ],
            cart=cart,
            guests=[{"guest_id": key, "name": guest.name} for key, guest in session.guests.items()],
            party_size=session.party_size,
        )

    @evolves(ParcelDelivered)
    def on_delivered(self, session: Session, e: ParcelDelivered, at: int) -> None:
        del session.outgoing[e.parcel_id]

    @evolves(ParcelBack)
    def on_back(self, session: Session, e: ParcelBack, at: int) -> None:
        parcel = session.outgoing.pop(e.parcel_id)
        for moved in parcel.lines:
            key = moved.part_of or moved.line_id
            session.forwards[key] = session.forwards[key][:-1]
            if not moved.part_of:
                session.ordered[moved.line_id] = copied(moved.line)
                continue
            rest = session.ordered[moved.part_of]
            rest.quantity += moved.line.quantity
            rest.counts = summed(rest.counts, moved.line.counts)
        if parcel.whole:
            session.moved_to = ""
            for line in parcel.cart:
                session.cart.put_back(session.cart.next_line, line, session.live.seq + 1)
                session.cart.next_line += 1
        session.live.add("lines_back", at, line_ids=[moved.line_id for moved in parcel.lines])

    @evolves(NotesForwarded)
    def on_forwarded(self, session: Session, e: NotesForwarded, at: int) -> None:
        """Only the message matters."""

    def _names(self, session: Session, parcel: Parcel, at: int) -> dict[str, str]:
        """Guest ids there → here; guests of a whole party sit down here, others are known or they are nobody."""
        names: dict[str, str] = {}
        for key, guest in parcel.guests.items():
            known = session.guest_of(guest.user_id)
            if known and parcel.whole:
                session.guests[known].left = False  # who had left for the other table is back with it
            if not known and parcel.whole:
                known = f"g{len(session.guests) + 1}"
                session.guests[known] = Guest(
                    user_id=guest.user_id, name=guest.name, joined_at=at, allergens=guest.allergens
                )
                session.host = session.host or known
            if known:
                names[key] = known
        return names

    def _put_lines(self, session: Session, parcel: Parcel, names: dict[str, str], at: int) -> None:
        number = max(session.rounds, default=0) + 1
        keys = tuple(moved.line_id for moved in parcel.lines)
        for moved in parcel.lines:
            # It may have been here before; notes about it stay here from now on.
            session.forwards.pop(moved.line_id, None)
            line = copied(moved.line)
            line.round_no, line.counts = number, renamed(line.counts, names)
            line.moves += 1
            session.ordered[moved.line_id] = line
        session.rounds[number] = Round(state="moved", by="", at=at, lines=keys)
        if parcel.whole:
            session.received[parcel.from_session] = keys


def _less(counts: dict[str, int], taken: dict[str, int]) -> dict[str, int]:
    return summed(counts, {author: -quantity for author, quantity in taken.items()})
