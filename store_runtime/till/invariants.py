"""What must always hold of a till (A3)."""

from __future__ import annotations

from store_runtime.till.state import CASH, Tender, TillBooks, shift_id


def violations(till: TillBooks) -> list[str]:
    """What it contradicts; empty when all holds."""
    found: list[str] = []
    for account, shift in till.open.items():
        cash = shift.tenders.get(CASH, Tender())
        put_in = shift.float_fen + shift.cash_in_fen + cash.received_fen
        expected = put_in - shift.cash_out_fen - cash.refunded_fen
        if shift.drawer_fen != expected:
            name = shift_id(shift.number)
            found.append(
                f"A3: shift {name} of {account} expects {shift.drawer_fen}, its bookings say {expected}"
            )
        if shift.number > till.shifts:
            found.append(f"A3: shift {shift_id(shift.number)} is newer than the newest")
    numbers = [shift.number for shift in till.open.values()]
    if len(set(numbers)) != len(numbers):
        found.append("A3: two shifts have one number")
    return found
