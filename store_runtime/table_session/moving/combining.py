"""拼台: two parties sit together, each with its own bill (T8)."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.by import By
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.moving.commands import BeCombined, Combine, Uncombine
from store_runtime.table_session.moving.events import SessionsCombined, SessionsUncombined
from store_runtime.table_session.rejections import InvalidField, TableSessionNotFound
from store_runtime.table_session.state import Session


class CombineDesk(Desk):
    """Keeps who sits together; bills and lines stay apart."""

    @decides(Combine)
    def combine(self, session: Session, cmd: Combine, turn: Turn) -> Decision[BeCombined]:
        """They sit together as soon as the other session knows it too; if it cannot be, they do not."""
        self.must_be_open(session)
        if cmd.with_session == self.id:
            raise InvalidField(path="$.session_id", problem="another session")
        if cmd.with_session not in session.combined:
            yield SessionsCombined(with_session=cmd.with_session, label="", by=cmd.by, asks=True)
        return self._be_combined(session, cmd.by)

    @decides(BeCombined)
    def be_combined(self, session: Session, cmd: BeCombined, turn: Turn) -> Decision[None]:
        """The other session says so."""
        self.must_be_open(session)
        if cmd.store_id != session.store_id:
            raise TableSessionNotFound()
        if session.combined.get(cmd.with_session) != cmd.label:
            asks = cmd.with_session not in session.combined and not cmd.answer
            yield SessionsCombined(with_session=cmd.with_session, label=cmd.label, by=cmd.by, asks=asks)

    @decides(Uncombine)
    def uncombine(self, session: Session, cmd: Uncombine, turn: Turn) -> Decision[None]:
        """They sit apart, each is told once; also of a session that is over."""
        self.must_exist(session)
        if cmd.with_session in session.combined:
            yield SessionsUncombined(with_session=cmd.with_session, tells=not cmd.told)

    @reacts(SessionsCombined)
    def tell_combined(self, session: Session, e: SessionsCombined, turn: Turn) -> Iterator[Send]:
        """The other session knows whom it sits with, under which label."""
        if e.asks:
            yield Send(
                to=f"table-session/{e.with_session}",
                command=self._be_combined(session, e.by, answer=bool(e.label)),
                step="combine",
                if_rejected=Uncombine(with_session=e.with_session, told=True),
            )

    @reacts(SessionsUncombined)
    def tell_uncombined(self, session: Session, e: SessionsUncombined, turn: Turn) -> Iterator[Send]:
        """The other session knows that it sits alone."""
        if e.tells:
            apart = Uncombine(with_session=self.id, told=True)
            yield Send(to=f"table-session/{e.with_session}", command=apart, step="uncombine")

    def _be_combined(self, session: Session, by: By, *, answer: bool = False) -> BeCombined:
        return BeCombined(
            with_session=self.id, store_id=session.store_id, label=session.label, by=by, answer=answer
        )

    @evolves(SessionsCombined)
    def on_combined(self, session: Session, e: SessionsCombined, at: int) -> None:
        session.combined[e.with_session] = e.label
        session.live.add("sessions_combined", at, session_id=e.with_session, label=e.label)

    @evolves(SessionsUncombined)
    def on_uncombined(self, session: Session, e: SessionsUncombined, at: int) -> None:
        del session.combined[e.with_session]
        session.live.add("sessions_uncombined", at, session_id=e.with_session)
