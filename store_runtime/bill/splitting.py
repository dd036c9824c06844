"""分账/AA: how a bill is split, as it is asked for (T7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from store_runtime.bill.events import BillSplit
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.rejections import (
    BillSettled,
    InvalidField,
    LineIndivisible,
    LineNotFound,
    LineUnconfirmed,
    OverRefund,
)
from store_runtime.bill.state import Bill, Portion, Share
from store_runtime.texts import ONE_LINE

OrderedBy = Mapping[str, Mapping[str, int]]
"""Line → guest → how many of it are theirs; what nobody ordered is everybody's."""

SplitMode = Literal["equal", "by_line", "by_person", "by_amount", "mixed"]


class LineClaim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line, or ``quantity`` of it. Named in several parts without one, it is divided among them evenly."""

    line_id: Annotated[str, Meta(max_length=100)]
    quantity: Annotated[int, Meta(ge=0, le=999)] = 0


class SplitPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One share as it is asked for: an amount, some lines, what a guest ordered, or a weight in what is left."""

    label: Annotated[str, Meta(max_length=40, pattern=ONE_LINE)] = ""
    guest_id: Annotated[str, Meta(max_length=64)] = ""
    amount_fen: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    lines: Annotated[tuple[LineClaim, ...], Meta(max_length=200)] = ()
    weight: Annotated[int, Meta(ge=0, le=1_000)] = 0


SHARES_MAX = 100

Parts = Annotated[tuple[SplitPart, ...], Meta(max_length=SHARES_MAX)]


def split(
    ledger: Ledger,
    mode: SplitMode,
    parts: tuple[SplitPart, ...],
    guests: Iterable[str] = (),
    ordered_by: OrderedBy | None = None,
) -> None:
    """Split what is still due. Shares that are paid, or being paid, stay; the others are made anew (T7).

    Args:
        parts: of ``equal`` only their number counts. ``by_person`` without parts: a share for each of ``guests`` who
            ordered; what nobody ordered is divided among them evenly.
    """
    if ledger.due_fen <= 0:
        raise LineUnconfirmed(line_ids=ledger.bill.unconfirmed) if ledger.bill.unconfirmed else BillSettled()
    match mode:
        case "equal":
            made = [Share(share_id="", label=part.label, guest_id=part.guest_id, weight=1) for part in parts]
        case "by_amount":
            made = [_by_amount(part, place) for place, part in enumerate(parts)]
        case "by_line" | "mixed":
            made = _by_line(ledger.bill, parts)
        case "by_person":
            made = _by_person(ledger.bill, parts, set(guests), ordered_by or {})
    if not made:
        raise InvalidField(path="$.parts", problem="at least one share")
    shares = tuple(
        msgspec.structs.replace(share, share_id=ledger.next_share_id(place))
        for place, share in enumerate(made)
    )
    ledger.add(BillSplit(mode=mode, shares=shares))


def _by_amount(part: SplitPart, place: int) -> Share:
    if not part.amount_fen:
        raise InvalidField(path=f"$.parts[{place}].amount_fen", problem="above 0")
    return Share(share_id="", label=part.label, guest_id=part.guest_id, fixed_fen=part.amount_fen)


def _by_line(bill: Bill, parts: tuple[SplitPart, ...]) -> list[Share]:
    named: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for place, part in enumerate(parts):
        says = [bool(part.amount_fen), bool(part.lines), bool(part.weight)]
        if sum(says) != 1:
            problem = "one of amount_fen, lines and weight"
            raise InvalidField(path=f"$.parts[{place}]", problem=problem)
        for claim in part.lines:
            line = bill.lines.get(claim.line_id)
            if line is None:
                raise LineNotFound()
            named[claim.line_id] += 1
            wanted[claim.line_id] += claim.quantity
    for line_id, times in named.items():
        line = bill.lines[line_id]
        if wanted[line_id] > line.charged:
            raise OverRefund(line_id=line_id, left=line.charged)
        if times > 1 and not wanted[line_id] and not line.divisible:
            raise LineIndivisible(line_id=line_id)
    return [
        Share(
            share_id="",
            label=part.label,
            guest_id=part.guest_id,
            fixed_fen=part.amount_fen,
            weight=part.weight,
            portions=tuple(
                Portion(line_id=claim.line_id, part=claim.quantity, of=bill.lines[claim.line_id].charged)
                if claim.quantity
                else Portion(line_id=claim.line_id, of=named[claim.line_id])
                for claim in part.lines
            ),
        )
        for part in parts
    ]


def _by_person(
    bill: Bill, parts: tuple[SplitPart, ...], known: set[str], ordered_by: OrderedBy
) -> list[Share]:
    """What everybody ordered; a line that is named in some parts is divided among those people instead."""
    named: dict[str, list[str]] = {}
    for part in parts:
        for claim in part.lines:
            if claim.line_id not in bill.lines:
                raise LineNotFound()
            named.setdefault(claim.line_id, []).append(part.guest_id)
    if any(part.guest_id not in known for part in parts):
        raise InvalidField(path="$.parts", problem="guest_id names a guest of this table")
    people = [part.guest_id for part in parts] or sorted(
        known & {guest for line_id in bill.lines for guest in ordered_by.get(line_id, {})}
    )
    labels = {part.guest_id: part.label for part in parts}
    portions: dict[str, list[Portion]] = {guest: [] for guest in people}
    for line in bill.lines.values():
        if not line.charged:
            continue
        counts: Mapping[str, int] = (
            dict.fromkeys(named[line.line_id], 1)
            if line.line_id in named
            else ordered_by.get(line.line_id, {})
        )
        counts = {guest: count for guest, count in counts.items() if guest in portions}
        counts = counts or dict.fromkeys(people, 1)
        if len(counts) > 1 and line.line_id in named and not line.divisible:
            raise LineIndivisible(line_id=line.line_id)
        for guest, count in counts.items():
            portions[guest].append(Portion(line_id=line.line_id, part=count, of=sum(counts.values())))
    return [
        Share(
            share_id="",
            label=labels.get(guest, ""),
            guest_id=guest,
            portions=tuple(of),
            weight=0 if of else 1,
        )
        for guest, of in portions.items()
    ]
