"""PickupScreen: words of orders come in, rows go out."""

from __future__ import annotations

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from store_runtime.live import Delta, GetDelta
from store_runtime.pickup_screen.commands import GetScreen, NotePickup
from store_runtime.pickup_screen.events import PickupNoted
from store_runtime.pickup_screen.projections import ScreenView, screen_view
from store_runtime.pickup_screen.state import KEPT_MS, ROWS_MAX, Row, Screen


class PickupScreen(Entity[Screen]):
    """The screen of one store."""

    kind = "pickup-screen"

    def blank(self) -> Screen:
        return Screen()

    @decides(NotePickup)
    def note(self, screen: Screen, cmd: NotePickup, turn: Turn) -> Decision[None]:
        """Take note, unless a later word has come before."""
        known = screen.rows.get(cmd.order_id)
        if known is None or cmd.seq > known.seq:
            yield PickupNoted(
                order_id=cmd.order_id,
                number=cmd.number,
                state=cmd.state,
                seq=cmd.seq,
                promised_at=cmd.promised_at,
                calls=cmd.calls,
                called_at=cmd.called_at,
            )

    @evolves(PickupNoted)
    def on_noted(self, screen: Screen, e: PickupNoted, at: int) -> None:
        known = screen.rows.pop(e.order_id, None)
        was_ready = known.ready_at if known is not None and known.state == "ready" else 0
        screen.rows[e.order_id] = Row(
            number=e.number,
            state=e.state,
            seq=e.seq,
            noted_at=at,
            ready_at=(was_ready or at) if e.state == "ready" else 0,
            promised_at=e.promised_at,
            calls=e.calls,
            called_at=e.called_at,
        )
        if known is None or (known.state, known.calls, known.promised_at) != (
            e.state,
            e.calls,
            e.promised_at,
        ):
            screen.live.add(
                f"pickup_{e.state}", at, number=e.number, promised_at=e.promised_at, calls=e.calls
            )
        for order_id, row in list(screen.rows.items()):
            if row.noted_at > at - KEPT_MS and len(screen.rows) <= ROWS_MAX:
                break
            del screen.rows[order_id]

    @answers(GetScreen)
    def show(self, screen: Screen, query: GetScreen, at: int) -> ScreenView:
        """What is on the screen now."""
        return screen_view(screen, at)

    @answers(GetDelta)
    def delta(self, screen: Screen, query: GetDelta, at: int) -> Delta:
        """What happened since (X1)."""
        return screen.live.since(query.since)
