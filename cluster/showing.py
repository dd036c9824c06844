"""Events and states as an operator reads them: plain values, bytes as hex, nothing secret, nothing endless."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

SECRET_FIELDS = frozenset({"password_hash", "seed"})
"""A password's hash, and a draw's seed: who reads a journal must not be able to foresee a draw (F11)."""

HIDDEN = "(hidden)"
SHOWN_MAX = 20


def plain(value: Any, shown_max: int | None = None) -> Any:
    """Structs as dicts with their fields' names; long lists and dicts cut at ``shown_max`` with a note."""
    match value:
        case msgspec.Struct():
            fields = {name: getattr(value, name) for name in value.__struct_fields__}
            return {
                name: HIDDEN if name in SECRET_FIELDS and field else plain(field, shown_max)
                for name, field in fields.items()
            }
        case bytes():
            return value.hex()
        case enum.Enum():
            return value.value
        case dict():
            items = list(value.items())[:shown_max]
            short = {str(name): plain(field, shown_max) for name, field in items}
            if len(items) < len(value):
                short["…"] = f"{len(value) - len(items)} more"
            return short
        case list() | tuple() | set() | frozenset():
            rows = list(value)[:shown_max]
            note = [f"… {len(value) - len(rows)} more"] if len(rows) < len(value) else []
            return [plain(row, shown_max) for row in rows] + note
        case _:
            return value


def fields_of(event: msgspec.Struct) -> str:
    """``claim_id=c123 quantity=1``, in the order of the declaration."""
    return " ".join(f"{name}={_short(field)}" for name, field in plain(event, SHOWN_MAX).items())


def _short(value: Any) -> str:
    text = (
        value
        if isinstance(value, str) and value and " " not in value
        else msgspec.json.encode(value).decode()
    )
    return text if len(text) <= 200 else text[:200] + "…"


def moment(at_ms: int) -> str:
    """``2026-11-24T10:13:50.123Z``."""
    text = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def lines_of(value: Any, indent: int = 2) -> Iterator[str]:
    """A state, a field a line; inner structs and lists on one line each where they fit."""
    for name, field in value.items():
        text = msgspec.json.encode(field).decode()
        if isinstance(field, dict) and field and len(text) > 90:
            yield " " * indent + f"{name}:"
            yield from lines_of(field, indent + 2)
        else:
            yield " " * indent + f"{name}: {text}"
