"""What a flash sale remembers, and what one can ask of it without looking through all claims."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

import msgspec
from msgspec.structs import replace

from actors.parts import Part, Segment
from flash_sale.claim import GONE_STATES, ClaimState, Reason
from flash_sale.claims import ClaimRecord, Claims
from flash_sale.diners import Diners
from flash_sale.sequence import SEQUENCE_START, next_link
from flash_sale.waitlist import Waitlist

ROWS_PER_STEP = 2_000
"""Rows taken back from a snapshot between two looks at the loop."""

REOPEN_MS = 100
"""What is given back to a sold-out sale is claimed no sooner: for so long a silo may still say sold out (F9)."""


NUMBER_BITS = 32
NUMBER_MASK = (1 << NUMBER_BITS) - 1


def hold_entry(release_at: int, number: int) -> int:
    """A hold in the heap: when its stock becomes free, then the claim's number; one int takes a third of a tuple."""
    return release_at << NUMBER_BITS | number


class Sale(msgspec.Struct, kw_only=True, dict=True):
    """One flash sale. ``left`` + held + paying + sold + returned = stock, always.

    ``reopens_at``: from when on what came back is for claims that do not wait (``edge.py``). ``refused``: orders
    whose money came too late to be sold to, and why; they stay refused.
    """

    store_id: str = ""
    dish_id: str = ""
    dish_name: str = ""
    title: str = ""
    price_fen: int = 0
    stock: int = 0
    per_user_limit: int = 0
    starts_at: int = 0
    ends_at: int = 0
    hold_ms: int = 0
    grace_ms: int = 0
    draw: bool = False
    draw_window_ms: int = 0
    draw_ends_at: int = 0
    entry_required: bool = True
    seed: bytes = b""

    opened: bool = False
    started: bool = False
    ended: bool = False
    drawn: bool = False
    seq: int = 0

    left: int = 0
    reopens_at: int = 0
    held: int = 0
    paying: int = 0
    sold: int = 0
    returned: int = 0
    entered: int = 0

    claims: Claims = msgspec.field(default_factory=Claims)
    waitlist: Waitlist = msgspec.field(default_factory=Waitlist)
    refused: dict[str, str] = {}
    sequence_hash: bytes = SEQUENCE_START
    entries: int = 0
    entries_digest: bytes = b""

    @property
    def taken(self) -> Diners:
        """What each diner has entered, waits for, holds or bought (F2)."""
        return self.claims.diners

    @property
    def holds(self) -> list[int]:
        """A heap of ``hold_entry``; follows from the claims, so it is no part of what is stored."""
        holds: list[int] | None = self.__dict__.get("holds_heap")
        if holds is None:
            numbered = enumerate(self.claims.release_moments())
            holds = [hold_entry(release_at, number) for number, release_at in numbered if release_at]
            heapify(holds)
            self.__dict__["holds_heap"] = holds
        return holds

    @property
    def waiting(self) -> int:
        """Claims in the waitlist."""
        return self.waitlist.size

    @property
    def unsold(self) -> int:
        """All that may still be left for somebody, once every hold has run out; the most that a claim can ask for."""
        return self.stock - self.sold

    @property
    def draw_open(self) -> bool:
        """Claims are entries of a draw that has not been held."""
        return self.draw and not self.drawn

    @property
    def deadline(self) -> int | None:
        """The earliest moment at which something is due: start, draw, end, or the first hold to run out."""
        if not self.opened:
            return None
        due = self.holds[0] >> NUMBER_BITS if self.holds else None
        if self.ended:
            return due
        if not self.started:
            clock = self.starts_at
        elif self.draw and not self.drawn:
            clock = self.draw_ends_at
        else:
            clock = self.ends_at
        clock = min(clock, self.ends_at)
        return clock if due is None or clock < due else due

    def phase(self, at: int) -> str:
        """upcoming, open, sold_out or ended, judged by the sale's clock (F7)."""
        if self.ended or at >= self.ends_at:
            return "ended"
        if at < self.starts_at:
            return "upcoming"
        if self.draw and not self.drawn:
            return "open"
        return "sold_out" if self.shut or at < self.reopens_at else "open"

    @property
    def shut(self) -> bool:
        """Nothing is left for a new claim: with a waitlist what is left belongs to its head."""
        return self.left == 0 or self.waitlist.size > 0

    def expires_at(self, at: int) -> int:
        """When a hold given now runs out, as its diner is told."""
        return at + self.hold_ms

    # --- in parts, for snapshots (actors/parts.py) --------------------------------------------------------

    def segments(self) -> list[Segment]:
        """Claims, then diners."""
        return [*self.claims.segments, *self.taken.segments]

    def head(self) -> Sale:
        """Without claims and diners."""
        return replace(self, claims=self.claims.head())

    def attach(self, raw: bytes, part: Part) -> Iterator[None]:
        """The next segment; claims that have a hold stand in the heap again."""
        claims, diners = self.claims, self.taken
        if len(claims.segments) * claims.rows_max < claims.count:
            holds: list[int] = self.__dict__.setdefault("holds_heap", [])
            for number, _, fields in claims.attach(raw, part):
                if release_at := fields[2]:
                    heappush(holds, hold_entry(release_at, number))
                if number % ROWS_PER_STEP == 0:
                    yield
        else:
            for number, _, _ in diners.attach(raw, part):
                if number % ROWS_PER_STEP == 0:
                    yield

    def users_after(self, after: int, count: int) -> list[str]:
        """Who made the claims that follow the first ``after``, at most ``count`` of them."""
        until = min(after + count, len(self.claims))
        return [self.claims.at(number).user_id for number in range(after, until)]

    # --- used by evolve only -----------------------------------------------------------------------------

    def hold_back(self, at: int) -> None:
        """Something comes back that no clock announced; silos may still say sold out (F9)."""
        if self.shut:
            self.reopens_at = at + REOPEN_MS

    def enter(self, claim_id: str, user_id: str, quantity: int, wait: bool, at: int) -> ClaimRecord:
        """A new claim takes the next place in the sequence (F12) and counts for its diner (F2)."""
        number = self.claims.add(claim_id, user_id, quantity, wait, at)
        self._link(number, claim_id, quantity, wait, at)
        return self.claims.at(number)

    def enter_held(
        self, claim_id: str, user_id: str, quantity: int, wait: bool, at: int, expires_at: int
    ) -> None:
        """``enter``, then ``hold``, in one step: what nearly every claim is."""
        release_at = expires_at + self.grace_ms
        holds = self.holds
        number = self.claims.add(
            claim_id, user_id, quantity, wait, at, ClaimState.HELD, Reason.IN_ORDER, expires_at, release_at
        )
        self._link(number, claim_id, quantity, wait, at)
        self.left -= quantity
        self.held += quantity
        if release_at:
            heappush(holds, hold_entry(release_at, number))

    def _link(self, number: int, claim_id: str, quantity: int, wait: bool, at: int) -> None:
        self.sequence_hash = next_link(self.sequence_hash, number + 1, claim_id, quantity, wait, at)
        self.seq += 1

    def hold(self, record: ClaimRecord, expires_at: int, reason: Reason) -> None:
        """Stock that is left is held for the claim."""
        self.left -= record.quantity
        self.held += record.quantity
        record.state = ClaimState.HELD
        record.reason = reason
        self.keep_until(record, expires_at, expires_at + self.grace_ms)

    def keep_until(self, record: ClaimRecord, expires_at: int, release_at: int) -> None:
        """The hold runs out at ``expires_at``; its stock is free from ``release_at``."""
        record.expires_at = expires_at
        if release_at != record.release_at:
            holds = self.holds  # before the claim changes: it may be made from the claims just now
            record.release_at = release_at
            heappush(holds, hold_entry(release_at, record.number))
            self.trim_holds()

    def let_go(self, record: ClaimRecord, state: ClaimState, reason: Reason) -> None:
        """The claim is over without being sold: stock it held is left, and it no longer counts for its
        diner.
        """
        self._leave(record)
        self.taken.take(record.diner, -record.quantity)
        record.state = state
        record.reason = reason
        self.trim_holds()
        self.waitlist.trim(self.claims)

    def sell(self, record: ClaimRecord, order_id: str, payment_id: str, late: bool) -> None:
        """The claim is sold, from its own hold or (F6) from what is left."""
        if record.state in GONE_STATES:
            self.left -= record.quantity
            self.taken.take(record.diner, record.quantity)
        elif record.state is ClaimState.HELD:
            self.held -= record.quantity
        else:
            self.paying -= record.quantity
        self.sold += record.quantity
        record.state = ClaimState.SOLD
        record.reason = Reason.PAID_LATE if late else Reason.PAID
        record.order_id = order_id
        record.payment_id = payment_id
        record.release_at = 0
        self.trim_holds()

    def _leave(self, record: ClaimRecord) -> None:
        match record.state:
            case ClaimState.HELD:
                self.held -= record.quantity
                self.left += record.quantity
            case ClaimState.PAYING:
                self.paying -= record.quantity
                self.left += record.quantity
            case ClaimState.WAITING:
                self.waitlist.leave(record.quantity)
            case ClaimState.ENTERED:
                self.entered -= 1
        record.release_at = 0

    def trim_holds(self) -> None:
        """Drop what no longer runs out from the front, so that the front is the next deadline.

        An entry counts while its claim still has that very ``release_at``; others were extended, sold or
        let go.
        """
        holds = self.holds
        claims = self.claims
        while holds and claims.at(holds[0] & NUMBER_MASK).release_at != holds[0] >> NUMBER_BITS:
            heappop(holds)
