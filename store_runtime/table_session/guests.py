"""Who sits at the table: guests, their host, how many they are, and what they must not eat (T1, T3, T10, D7)."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.bill.at_the_till import count_guests
from store_runtime.bill.ledger import Ledger
from store_runtime.store.zone import local_time
from store_runtime.table_session.commands import (
    GUESTS_MAX,
    ChangeParty,
    DeclareAllergens,
    JoinSession,
    LeaveSession,
    OpenSession,
    SetHost,
)
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import (
    AllergensDeclared,
    GuestJoined,
    GuestLeft,
    HostSet,
    PartyChanged,
    SessionBegan,
)
from store_runtime.table_session.projections import Joined
from store_runtime.table_session.rejections import (
    GuestNotFound,
    InvalidField,
    NotHost,
    PartyFixed,
    SessionFull,
)
from store_runtime.table_session.state import STAFF, Guest, Session

FIRST_GUEST = "g1"


class GuestsDesk(Desk):
    """Lets guests in whom the table has let in."""

    @decides(OpenSession)
    def open(self, session: Session, cmd: OpenSession, turn: Turn) -> Decision[Joined]:
        """The table has opened it; opening it again changes nothing."""
        if not session.exists:
            yield SessionBegan(opening=cmd)
        elif cmd.user_id and session.guest_of(cmd.user_id):
            return self._joined(session, session.guest_of(cmd.user_id))
        guest_id = FIRST_GUEST if cmd.user_id else ""
        return Joined(session_id=self.id, guest_id=guest_id, seq=session.live.seq + (not session.exists))

    @decides(JoinSession)
    def join(self, session: Session, cmd: JoinSession, turn: Turn) -> Decision[Joined]:
        """A guest sits down, or comes back as who they were."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        known = session.guest_of(cmd.user_id)
        if known and not session.guests[known].left:
            return self._joined(session, known)
        if not known and len(session.guests) >= GUESTS_MAX:
            raise SessionFull(guests_max=GUESTS_MAX)
        guest_id = known or f"g{len(session.guests) + 1}"
        yield GuestJoined(guest_id=guest_id, user_id=cmd.user_id, nickname=cmd.nickname)
        seq = session.live.seq + 1
        if not session.host:
            yield HostSet(guest_id=guest_id)
            seq += 1
        return Joined(session_id=self.id, guest_id=guest_id, seq=seq)

    @decides(LeaveSession)
    def leave(self, session: Session, cmd: LeaveSession, turn: Turn) -> Decision[None]:
        """What they put into the cart stays theirs. The next guest is host (T3)."""
        guest_id = self.guest_of(session, cmd.user_id)
        self.must_be_open(session)
        if session.guests[guest_id].left:
            return
        yield GuestLeft(guest_id=guest_id)
        if session.host == guest_id:
            others = (one for one, guest in session.guests.items() if one != guest_id and not guest.left)
            yield HostSet(guest_id=next(others, ""))

    @decides(SetHost)
    def set_host(self, session: Session, cmd: SetHost, turn: Turn) -> Decision[None]:
        """By staff, or the host gives it away."""
        author = self.author_here(session, cmd)
        guest = session.guests.get(cmd.guest_id)
        if not session.is_boss(author):
            raise NotHost()
        if guest is None or guest.left:
            raise GuestNotFound()
        if session.host != cmd.guest_id:
            yield HostSet(guest_id=cmd.guest_id, by=author)

    @decides(ChangeParty)
    def change_party(self, session: Session, cmd: ChangeParty, turn: Turn) -> Decision[None]:
        """Head count (T10). Guests may say it until something was ordered; then it is the staff's."""
        author = self.author_here(session, cmd)
        InvalidField.check(cmd)
        if session.rounds and not author.startswith(STAFF):
            raise PartyFixed()
        if session.party_size != cmd.party_size:
            yield PartyChanged(party_size=cmd.party_size, by=author)
            ledger = Ledger(session.bill, self.id, turn.at)
            count_guests(ledger, cmd.party_size or session.heads)
            yield from ledger.events

    @decides(DeclareAllergens)
    def declare(self, session: Session, cmd: DeclareAllergens, turn: Turn) -> Decision[None]:
        """Known to this guest alone; others are warned of dishes, not told of people (D7)."""
        guest_id = self.present_guest(session, cmd.user_id)
        InvalidField.check(cmd)
        if session.guests[guest_id].allergens != cmd.allergens:
            yield AllergensDeclared(guest_id=guest_id, allergens=cmd.allergens)

    def _joined(self, session: Session, guest_id: str) -> Joined:
        return Joined(session_id=self.id, guest_id=guest_id, seq=session.live.seq)

    # --- the table hears -------------------------------------------------------------------------------

    @reacts(SessionBegan)
    @reacts(GuestJoined)
    @reacts(GuestLeft)
    @reacts(PartyChanged)
    def tell_guests(self, session: Session, e: Event, turn: Turn) -> Iterator[Send]:
        """How many there are."""
        yield self.note_to_table(session, type(e).__name__)

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(SessionBegan)
    def on_began(self, session: Session, e: SessionBegan, at: int) -> None:
        opening = e.opening
        session.store_id, session.table_id = opening.store_id, opening.table_id
        session.letter, session.label, session.terms = opening.letter, opening.label, opening.terms
        session.party_size, session.opened_at = opening.party_size, at
        if opening.by is not None:
            session.opened_by = STAFF + opening.by.account
        if opening.user_id:
            session.host = session.opened_by = FIRST_GUEST
            session.guests[FIRST_GUEST] = Guest(
                user_id=opening.user_id, name=opening.nickname or FIRST_GUEST, joined_at=at
            )
        session.bill.terms, session.bill.seated_at = session.terms.bill, at
        session.bill.seated_minute = local_time(session.terms.zone_offsets, at).minute
        session.count_heads()
        session.live.add("session_opened", at, table_id=session.table_id, label=session.label)

    @evolves(GuestJoined)
    def on_joined(self, session: Session, e: GuestJoined, at: int) -> None:
        known = session.guests.get(e.guest_id)
        if known is None:
            name = e.nickname or e.guest_id
            known = session.guests[e.guest_id] = Guest(user_id=e.user_id, name=name, joined_at=at)
        else:
            known.left, known.name = False, e.nickname or known.name
        session.count_heads()
        session.live.add("guest_joined", at, guest_id=e.guest_id, name=known.name)

    @evolves(GuestLeft)
    def on_left(self, session: Session, e: GuestLeft, at: int) -> None:
        session.guests[e.guest_id].left = True
        session.live.add("guest_left", at, guest_id=e.guest_id)

    @evolves(HostSet)
    def on_host(self, session: Session, e: HostSet, at: int) -> None:
        session.host = e.guest_id
        session.live.add("host_changed", at, host=e.guest_id, by=e.by)

    @evolves(PartyChanged)
    def on_party(self, session: Session, e: PartyChanged, at: int) -> None:
        session.party_size = e.party_size
        session.live.add("party_changed", at, party_size=e.party_size, by=e.by)

    @evolves(AllergensDeclared)
    def on_allergens(self, session: Session, e: AllergensDeclared, at: int) -> None:
        session.guests[e.guest_id].allergens = e.allergens
