"""What a table remembers."""

from __future__ import annotations

import msgspec

from store_runtime.table.commands import SessionState
from store_runtime.table.terms import TableTerms

NO_TERMS = TableTerms(name="")


class Sitting(msgspec.Struct, kw_only=True):
    """A party at the table, as its session last told. ``seq`` is that note's."""

    letter: str
    label: str
    opened_at: int
    seq: int = 0
    state: SessionState = "seated"
    party_size: int = 0
    guests: int = 0
    calls: tuple[str, ...] = ()
    due_fen: int = 0


class TableState(msgspec.Struct, kw_only=True):
    """One table.

    ``seats`` says at which session a guest was seated, so that a second scan finds the same one; ``noted`` counts
    what the store was told; ``free_at`` (ms) ends the phase clearing (0: it is not being cleared).
    """

    version: int = 0
    terms: TableTerms = NO_TERMS
    removed: bool = False
    rotation: int = 1
    revoked: bool = False
    sittings: dict[str, Sitting] = {}
    seats: dict[str, str] = {}
    waiting: dict[str, str] = {}
    pin: str = ""
    pin_misses: int = 0
    pin_missed_at: int = 0
    free_at: int = 0
    noted: int = 0

    @property
    def known(self) -> bool:
        """The store has it."""
        return self.version > 0 and not self.removed

    @property
    def phase(self) -> str:
        """free, seated, ordering, settled or clearing; of several parties the one that is furthest from free."""
        states = {sitting.state for sitting in self.sittings.values()}
        for state in ("ordering", "seated", "settled"):
            if state in states:
                return state
        return "clearing" if self.free_at else "free"

    def next_letter(self) -> str:
        """Of a new party at a shared table: the first letter that nobody has."""
        taken = {sitting.letter for sitting in self.sittings.values()}
        return next(letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in taken)
