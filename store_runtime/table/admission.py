"""Who is let in (T1): by the store's policy, at a table that is empty, taken, or shared."""

from __future__ import annotations

from store_runtime.table.commands import SESSIONS_MAX, ScanCode
from store_runtime.table.rejections import (
    JoinOrNew,
    PartyOfTable,
    PinLocked,
    TableCodeVoid,
    TableFull,
    TableNotFound,
)
from store_runtime.table.state import TableState

PIN_DIGITS = 4
PIN_MISSES_MAX = 5
PIN_LOCKED_MS = 60_000

OPEN = "open"
WAIT = "wait"
MISSED = "missed"


def admit(table: TableState, cmd: ScanCode, at: int) -> str:
    """The session to join, or OPEN (a new one), WAIT (staff open it), MISSED (a wrong PIN). Raises a rejection."""
    if not table.known:
        raise TableNotFound()
    if table.revoked or cmd.rotation != table.rotation:
        raise TableCodeVoid()
    seated = table.seats.get(cmd.user_id, "")
    if seated in table.sittings and not cmd.new and cmd.session_id in {"", seated}:
        return seated
    wanted = _party(table, cmd)
    if table.terms.join_policy == "pin" and table.sittings:
        if table.pin_misses >= PIN_MISSES_MAX and at < table.pin_missed_at + PIN_LOCKED_MS:
            raise PinLocked(retry_at=table.pin_missed_at + PIN_LOCKED_MS)
        if cmd.pin != table.pin:
            return MISSED
    if wanted:
        return wanted
    return OPEN if table.terms.join_policy == "open" else WAIT


def _party(table: TableState, cmd: ScanCode) -> str:
    """The party that the guest wants to join; empty: a new one. Raises JoinOrNew when that must be asked."""
    if not table.sittings:
        return ""
    if cmd.session_id in table.sittings:
        return cmd.session_id
    if not table.terms.shared and len(table.sittings) == 1:
        return next(iter(table.sittings))
    if not cmd.new:
        raise JoinOrNew(
            parties=[
                PartyOfTable(session_id=session_id, label=sitting.label, party_size=sitting.party_size)
                for session_id, sitting in table.sittings.items()
            ]
        )
    if len(table.sittings) >= SESSIONS_MAX:
        raise TableFull(sessions_max=SESSIONS_MAX)
    return ""
