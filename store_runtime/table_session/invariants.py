"""What must always hold of a session: its bill's books (T7, O4)."""

from __future__ import annotations

from store_runtime.bill.invariants import violations as bill_violations
from store_runtime.table_session.state import Session


def violations(session: Session) -> list[str]:
    """What contradicts itself; empty when all holds. Time that is charged stands still once money came."""
    return bill_violations(session.bill, session.bill.stopped_at or session.opened_at)
