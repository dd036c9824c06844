"""Sold out, answered at the edge (F9): a silo that heard it from the sale says it for a moment without asking again.

A *notice* is the sale's answer to a question, so it leaves the owner only when everything before it is committed and
while its lease holds. It is good for NOTICE_S from the moment the question was *sent*, and not beyond the sale's next
deadline. What is given back unannounced is held back for REOPEN_MS, which is longer: when a claim takes it, every
notice from before has run out. So nobody who was given something is told that there was nothing, by no silo.

Whoever ever claimed in the sale is asked about at the owner: a repeat must get its first answer (F5), and a limit is
another no than sold out. They are known here as bits under a hash; a hash that two diners share costs a question.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import msgspec
import xxhash

from actors.words import Accepted, Query, Rejected, Reply
from flash_sale.commands import GetSoldOut
from flash_sale.projections import SoldOutNotice
from flash_sale.rejections import SoldOut

NOTICE_S = 0.08
"""How long a notice is good. Less than REOPEN_MS by what two clocks may differ."""

RENEW_S = 0.03
"""A notice of this age is renewed by the next claim that it answers."""

SALES_MAX = 1_000
BITS_MIN = 1 << 16
BITS_PER_CLAIM = 16

HASH_BYTES = 8

No = TypeVar("No")

Ask = Callable[[str, Query, Callable[[Reply], None]], None]
"""(entity, query, callback): the way to the owner; one reply."""

_decode = msgspec.msgpack.Decoder(SoldOutNotice).decode


def user_hash(user_id: str) -> bytes:
    """Eight bytes that stand for a diner in a notice."""
    return xxhash.xxh3_64_digest(user_id.encode())


class Board:
    """What one sale said last, and who has claimed in it."""

    __slots__ = ("asking", "bits", "good_until", "mask", "no", "notice", "renew_at", "seen")

    def __init__(self) -> None:
        self.notice: SoldOutNotice | None = None
        self.no: object = None
        """What is answered while the notice is good; made once."""
        self.good_until = 0.0
        self.renew_at = 0.0
        self.asking = False
        self.seen = 0
        self.bits = bytearray()
        self.mask = 0

    def knows(self, user_id: str) -> bool:
        at = xxhash.xxh3_64_intdigest(user_id.encode()) & self.mask
        return bool(self.bits[at >> 3] & (1 << (at & 7)))

    def take(self, notice: SoldOutNotice, asked_at: float) -> None:
        """A newer notice. It counts once all claims before it are known."""
        self._make_room(notice.claims)
        if notice.after == self.seen:
            for start in range(0, len(notice.users), HASH_BYTES):
                at = int.from_bytes(notice.users[start : start + HASH_BYTES], "big") & self.mask
                self.bits[at >> 3] |= 1 << (at & 7)
            self.seen += len(notice.users) // HASH_BYTES
        self.notice = notice if notice.sold_out and self.seen >= notice.claims else None
        self.good_until = asked_at + min(NOTICE_S, notice.valid_ms / 1_000)
        self.renew_at = asked_at + RENEW_S

    def _make_room(self, claims: int) -> None:
        if claims * BITS_PER_CLAIM <= self.mask + 1 and self.bits:
            return
        bits = BITS_MIN
        while bits < claims * BITS_PER_CLAIM * 2:
            bits *= 2
        # The hashes are gone, so who claimed is asked for again from the beginning.
        self.bits, self.mask, self.seen = bytearray(bits // 8), bits - 1, 0


class Edge(Generic[No]):
    """The notices of one silo. Belongs to its loop; ``now`` is monotonic seconds.

    ``shape`` makes of a SoldOut what the caller answers with; once per notice, not per request.
    """

    board_class = Board

    def __init__(self, ask: Ask, now: Callable[[], float], shape: Callable[[SoldOut], No]) -> None:
        self._ask = ask
        self._shape = shape
        self._now = now
        self._boards: OrderedDict[str, Board] = OrderedDict()
        self.refused = 0
        """Claims that were answered here."""

    def refusal(self, flash_sale_id: str, user_id: str, quantity: int) -> No | None:
        """The no to a claim that does not wait, if it can be given without asking the sale."""
        board = self._boards.get(flash_sale_id)
        if board is None:
            return None
        now = self._now()
        if now >= board.renew_at and not board.asking:
            self._question(flash_sale_id, board)
        notice = board.notice
        if notice is None or now >= board.good_until or quantity > notice.per_user_limit:
            return None
        if board.knows(user_id):
            return None
        self.refused += 1
        if board.no is None:
            board.no = self._shape(SoldOut(left=notice.left, waiting=notice.waiting))
        return cast(No, board.no)

    def replied(self, flash_sale_id: str, reply: Reply) -> None:
        """The owner's answer to a claim: its first "sold out" makes this silo ask for a notice."""
        if not isinstance(reply, Rejected) or reply.code != SoldOut.code:
            return
        board = self._boards.get(flash_sale_id)
        if board is None:
            board = self._boards[flash_sale_id] = self.board_class()
            if len(self._boards) > SALES_MAX:
                self._boards.popitem(last=False)
        if not board.asking and self._now() >= board.renew_at:
            self._question(flash_sale_id, board)

    def _question(self, flash_sale_id: str, board: Board) -> None:
        board.asking = True
        asked_at = self._now()

        def heard(reply: Reply) -> None:
            board.asking = False
            if isinstance(reply, Accepted):
                board.take(_decode(reply.answer), asked_at)
                board.no = None
            else:
                board.notice = None

        self._ask(f"flash-sale/{flash_sale_id}", GetSoldOut(after=board.seen), heard)
