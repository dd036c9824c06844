"""Which silos live: a document per incarnation, renewed by compare-and-set; and the lease that guards reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

LEASE_S = 5.0
RENEW_EVERY_S = 1.5
OTHERS_WAIT_S = LEASE_S * 1.2
"""Others call a silo dead only after its beat stood still for the lease and 20 % more, on their own clock."""

ALIVE, LEAVING, ENDED = "alive", "leaving", "ended"


class StoreUnreachable(Exception):
    """The store did not answer; whether a write landed is not known. Every caller's write is a compare-and-set."""


class Member(msgspec.Struct, kw_only=True):
    """One incarnation of a silo. ``beat`` counts renewals; ``state`` is alive, leaving or ended.

    A ``spare`` owns nothing. When it stands in for a silo that has ended, it is a spare no more: ``seat`` names whose
    place it has taken. ``hot`` are its busiest entities, which a spare follows.
    """

    name: str
    incarnation: int
    beat: int = 0
    state: str = ALIVE
    spare: bool = False
    seat: str = ""
    hot: list[str] = []
    node: str = ""
    pid: int = 0
    port: int = 0
    facts: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"{self.name}#{self.incarnation}"

    @property
    def held(self) -> str:
        """The seat whose shards it gets: its own, or the one it has taken over."""
        return self.seat or self.name


def heirs(members: Iterable[Member], owners: Collection[str]) -> dict[str, str]:
    """Who may own shards, and which seat each of them holds: the living silos, and a spare for each vacant seat.

    A seat is vacant when its holder has ended, still stands in ``owners`` (the placement) and has no successor. All
    that see the same members name the same spare, so that nobody else takes its shards first.
    """
    known = list(members)
    living = [member for member in known if member.state == ALIVE]
    seats = {member.address: member.held for member in living if not member.spare}
    ended = {member.held for member in known if member.state == ENDED and member.address in owners}
    vacant = sorted(ended - set(seats.values()))
    seats.update(zip(sorted(member.address for member in living if member.spare), vacant, strict=False))
    return seats


class Renewal(msgspec.Struct, frozen=True):
    """The lease was renewed; ``primary_ms`` is the store's clock at that moment. ``ended``: a successor has
    declared us dead, stop for good."""

    ended: bool
    primary_ms: int


class MemberStore(Protocol):
    """Where members live. All calls raise StoreUnreachable in an outage; all writes are majority writes."""

    async def register(self, member: Member) -> Member:
        """Store ``member`` under a new incarnation number, higher than any before for its name."""
        ...

    async def renew(self, member: Member) -> Renewal:
        """Raise the beat if this incarnation still stands and is not ended; carries ``state``, ``port``, ``spare``,
        ``seat`` and ``hot`` too."""
        ...

    async def mark_ended(self, name: str, incarnation: int, beat: int | None) -> bool:
        """Mark ended if its beat is still ``beat`` (None: whatever it is, the process is known dead).

        True when it is ended now, by this call or an earlier one.
        """
        ...

    async def members(self) -> list[Member]:
        """All incarnations that are known, ended ones of the last day included."""
        ...


class Lease:
    """How long this silo may answer, by its own clock. Counted from before the renewal was sent (guarantee 5)."""

    def __init__(self, duration_s: float = LEASE_S) -> None:
        self._duration_s = duration_s
        self._until = float("-inf")
        self.ended = False

    def renewed(self, sent_at: float) -> None:
        if not self.ended:
            self._until = max(self._until, sent_at + self._duration_s)

    def end(self) -> None:
        """A successor marked us ended, or we stop: never valid again."""
        self.ended = True
        self._until = float("-inf")

    def valid(self, now: float) -> bool:
        return now < self._until
