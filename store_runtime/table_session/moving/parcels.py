"""What travels from one session to another: lines with who ordered them, and where notes about them go (T8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from store_runtime.bill.state import BillLine
from store_runtime.table_session.cart import CartLine
from store_runtime.table_session.parts import Guest, OrderedLine


class MovedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it travels. ``part_of``: the line that some of it was taken from; the store knows only that one.

    ``billed`` is what the bill knows of it.
    """

    line_id: str
    line: OrderedLine
    part_of: str = ""
    billed: BillLine | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of one session for another.

    Args:
        guests: who is meant by the guest ids of the lines; with ``whole`` they come along, with cart and head count.
    """

    parcel_id: str
    from_session: str
    lines: tuple[MovedLine, ...]
    guests: dict[str, Guest] = {}
    whole: bool = False
    cart: tuple[CartLine, ...] = ()
    party_size: int = 0
    home: bool = False
    """It comes home from a session that it was merged into."""


class Forward(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Notes about a line that is no longer here go to ``session`` as notes about ``line_id``."""

    session: str
    line_id: str


def packed(ordered: Mapping[str, OrderedLine], wanted: Iterable[tuple[str, int]]) -> tuple[MovedLine, ...]:
    """Lines, or some of each, as they travel. They themselves are not touched."""
    moved = []
    for line_id, quantity in wanted:
        line = ordered[line_id]
        if quantity == line.quantity:
            moved.append(MovedLine(line_id=line_id, line=copied(line)))
            continue
        part = copied(line)
        part.counts = _share(line.counts, quantity)
        part.quantity, part.cancelled, part.refused, part.part = quantity, 0, 0, True
        part_id = f"{line_id}-{line.parted + 1}"
        moved.append(MovedLine(line_id=part_id, line=part, part_of=line_id))
    return tuple(moved)


def copied(line: OrderedLine) -> OrderedLine:
    """Of its own: what an event holds is not what a state changes."""
    return msgspec.structs.replace(line, counts=dict(line.counts))


def renamed(counts: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    """Counts by the guest ids of another session; who is unknown there orders for the table."""
    result: dict[str, int] = {}
    for author, quantity in counts.items():
        name = names.get(author, author if author.startswith("staff:") else "")
        result[name] = result.get(name, 0) + quantity
    return result


def _share(counts: Mapping[str, int], quantity: int) -> dict[str, int]:
    """``quantity`` of what authors have, in their order."""
    taken: dict[str, int] = {}
    for author, has in counts.items():
        here = min(has, quantity)
        if here:
            taken[author] = here
            quantity -= here
    return taken
