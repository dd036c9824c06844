"""What must always hold of an audit log (A1)."""

from __future__ import annotations

from store_runtime.audit_log.state import Log


def violations(log: Log) -> list[str]:
    """What it contradicts; empty when the chain holds."""
    if log.broken_at:
        return [f"A1: entry {log.broken_at} was changed, is missing, or is not where it was"]
    return []
