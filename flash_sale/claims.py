"""The claims of a sale: claim id → record, in the order they were made, a million in some 150 MB."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import ClassVar, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from actors.keymap import KeyMap, key_hash
from actors.parts import Part
from flash_sale.claim import ClaimState, Reason
from flash_sale.diners import Diners
from flash_sale.table import Segment, Table

STATES = list(ClaimState)
REASONS = list(Reason)
"""A row keeps the place in these lists: new members go to the end of their enum."""

STATE_NUMBER = {state: number for number, state in enumerate(STATES)}
REASON_NUMBER = {reason: number for number, reason in enumerate(REASONS)}
WAIT, EXTENDED, CLOSING = 1, 2, 4

ROW = Struct("<QQQIIIIIIHBBB")
"""at, expires_at, release_at; place, rank; name, user, order, payment; quantity, state, reason, flags."""

T = TypeVar("T")


class _Number:
    """A number in a claim's row."""

    def __init__(self, form: str, offset: int) -> None:
        self._form = Struct("<" + form)
        self._offset = offset

    def __get__(self, record: ClaimRecord, owner: type[ClaimRecord] | None = None) -> int:
        return self._form.unpack_from(record.segment.rows, record.offset + self._offset)[0]  # type: ignore[no-any-return]

    def __set__(self, record: ClaimRecord, value: int) -> None:
        self._form.pack_into(record.segment.rows, record.offset + self._offset, value)
        record.segment.changed()


class _OneOf(Generic[T]):
    """A member of an enum in a claim's row."""

    def __init__(self, members: list[T], offset: int) -> None:
        self._members = members
        self._numbers = {member: number for number, member in enumerate(members)}
        self._offset = offset

    def __get__(self, record: ClaimRecord, owner: type[ClaimRecord] | None = None) -> T:
        return self._members[record.segment.rows[record.offset + self._offset]]

    def __set__(self, record: ClaimRecord, value: T) -> None:
        record.segment.rows[record.offset + self._offset] = self._numbers[value]
        record.segment.changed()


class _Flag:
    """A yes or no in a claim's row."""

    def __init__(self, bit: int) -> None:
        self._bit = bit

    def __get__(self, record: ClaimRecord, owner: type[ClaimRecord] | None = None) -> bool:
        return bool(record.segment.rows[record.offset + 52] & self._bit)

    def __set__(self, record: ClaimRecord, value: bool) -> None:
        at = record.offset + 52
        flags = record.segment.rows[at]
        record.segment.rows[at] = flags | self._bit if value else flags & ~self._bit
        record.segment.changed()


class _Text:
    """A text that a claim's row names."""

    def __init__(self, offset: int) -> None:
        self._reference = _Number("I", offset)

    def __get__(self, record: ClaimRecord, owner: type[ClaimRecord] | None = None) -> str:
        return record.segment.text(self._reference.__get__(record))

    def __set__(self, record: ClaimRecord, value: str) -> None:
        if value != self.__get__(record):
            self._reference.__set__(record, record.segment.put(value))


class ClaimRecord:
    """One claim: a window on its row. Setting a field changes the sale, so only ``evolve`` does it.

    ``release_at`` is when its stock becomes free unless something happens (0: never by itself), ``place``
    its place in the waitlist, ``rank`` its place in the draw (from 1). ``extended``: a checkout has
    extended the hold; it does so once. ``closing``: the order was asked to close the payment.
    """

    __slots__ = ("claims", "number", "offset", "segment")

    def __init__(self, claims: Claims, number: int) -> None:
        self.claims = claims
        self.number = number
        self.segment, self.offset = claims.place(number)

    at = _Number("Q", 0)
    expires_at = _Number("Q", 8)
    release_at = _Number("Q", 16)
    place = _Number("I", 24)
    rank = _Number("I", 28)
    name = _Text(32)
    diner = _Number("I", 36)
    order_id = _Text(40)
    payment_id = _Text(44)
    quantity = _Number("H", 48)
    state = _OneOf(STATES, 50)
    reason = _OneOf(REASONS, 51)
    wait = _Flag(WAIT)
    extended = _Flag(EXTENDED)
    closing = _Flag(CLOSING)

    @property
    def position(self) -> int:
        """Its place in the sale's sequence of claims, from 1 and for ever (F12)."""
        return self.number + 1

    @property
    def user_id(self) -> str:
        return self.claims.diners.name(self.diner)


class Claims(Table):
    """A mapping from claim id to record. ``prefix``: what all ids begin with, ``<flash_sale_id>.``, kept once."""

    row: ClassVar[Struct] = ROW

    prefix: str = ""
    diners: Diners = msgspec.field(default_factory=Diners)

    def add(
        self,
        claim_id: str,
        user_id: str,
        quantity: int,
        wait: bool,
        at: int,
        state: ClaimState = ClaimState.ENTERED,
        reason: Reason = Reason.IN_DRAW,
        expires_at: int = 0,
        release_at: int = 0,
    ) -> int:
        """The next claim in the sequence, which counts for its diner (F2); answers its number, from 0."""
        if not self.count:
            self.prefix = claim_id[: claim_id.rfind(".") + 1]
        name = self._name(claim_id)
        index = self._index()
        segment = self.open_segment()
        diner = self.diners.take_by_name(user_id, quantity)
        row = ROW.pack(
            at,
            expires_at,
            release_at,
            0,
            0,
            segment.put(name),
            diner,
            0,
            0,
            quantity,
            STATE_NUMBER[state],
            REASON_NUMBER[reason],
            wait,
        )
        number = self.append(segment, row)
        index.add(key_hash(name.encode()), number)
        return number

    def at(self, number: int) -> ClaimRecord:
        """By place in the sequence, from 0."""
        return ClaimRecord(self, number)

    def get(self, claim_id: str) -> ClaimRecord | None:
        name = self._name(claim_id)
        for number in self._index().find(key_hash(name.encode())):
            record = ClaimRecord(self, number)
            if record.name == name:
                return record
        return None

    def __getitem__(self, claim_id: str) -> ClaimRecord:
        record = self.get(claim_id)
        if record is None:
            raise KeyError(claim_id)
        return record

    def __contains__(self, claim_id: str) -> bool:
        return self.get(claim_id) is not None

    def __iter__(self) -> Iterator[str]:
        return (claim_id for claim_id, _ in self.items())

    def id_of(self, record: ClaimRecord) -> str:
        name = record.name
        return name[1:] if name.startswith(".") else self.prefix + name

    def items(self, after: int = 0, upto: int | None = None) -> Iterator[tuple[str, ClaimRecord]]:
        """In the order of the sequence, those at positions ``after + 1 … upto``."""
        for record in self.values(after, upto):
            yield self.id_of(record), record

    def values(self, after: int = 0, upto: int | None = None) -> Iterator[ClaimRecord]:
        for number in range(after, self.count if upto is None else min(upto, self.count)):
            yield ClaimRecord(self, number)

    def release_moments(self) -> Iterator[int]:
        """``release_at`` of every claim, in order."""
        return (fields[2] for _, _, fields in self.unpacked())

    def head(self) -> Claims:
        return replace(self, segments=[], diners=self.diners.head())

    # --- finding -------------------------------------------------------------------------------------------

    def attach(self, raw: bytes, part: Part) -> Iterator[tuple[int, Segment, tuple[int, ...]]]:
        index = self._index()
        for number, segment, fields in super().attach(raw, part):
            index.add(key_hash(segment.raw(fields[5])), number)
            yield number, segment, fields

    def _name(self, claim_id: str) -> str:
        """The id without the prefix; behind a dot when it has another one."""
        prefix = self.prefix
        if (
            prefix
            and claim_id.startswith(prefix)
            and claim_id[len(prefix) : len(prefix) + 1] not in ("", ".")
        ):
            return claim_id[len(prefix) :]
        return "." + claim_id

    def _index(self) -> KeyMap:
        """Made when it is first needed: it is no part of what is stored."""
        index: KeyMap | None = self.__dict__.get("index")
        if index is None:
            index = self.__dict__["index"] = KeyMap()
            for number, segment, fields in self.unpacked():
                index.add(key_hash(segment.raw(fields[5])), number)
        return index
