"""What a till shows. Amounts are fen, moments ms."""

from __future__ import annotations

import msgspec

from store_runtime.till.state import Movement, Shift, Tender, TillBooks, shift_id


class ShiftView(msgspec.Struct, frozen=True, kw_only=True):
    """A shift as the one who works it sees it. What should be in the drawer is not shown before it is counted
    (A3).
    """

    shift_id: str
    account: str
    opened_at: int
    float_fen: int
    cash_in_fen: int
    cash_out_fen: int
    bookings: int
    movements: list[Movement]


class TenderSum(msgspec.Struct, frozen=True, kw_only=True):
    """One channel in a shift."""

    channel: str
    payments: int
    received_fen: int
    refunds: int
    refunded_fen: int


class ShiftSums(msgspec.Struct, frozen=True, kw_only=True):
    """A shift as a manager sees it."""

    shift_id: str
    account: str
    opened_at: int
    float_fen: int
    cash_in_fen: int
    cash_out_fen: int
    tenders: list[TenderSum]
    drawer_fen: int


class ShiftList(msgspec.Struct, frozen=True, kw_only=True):
    """The open shifts, the oldest first."""

    items: list[ShiftSums]


def shift_view(account: str, shift: Shift) -> ShiftView:
    """Without sums."""
    return ShiftView(
        shift_id=shift_id(shift.number),
        account=account,
        opened_at=shift.opened_at,
        float_fen=shift.float_fen,
        cash_in_fen=shift.cash_in_fen,
        cash_out_fen=shift.cash_out_fen,
        bookings=sum(tender.payments + tender.refunds for tender in shift.tenders.values()),
        movements=list(shift.recent),
    )


def shift_list(till: TillBooks) -> ShiftList:
    """With sums."""
    by_age = sorted(till.open.items(), key=lambda item: item[1].number)
    return ShiftList(items=[_sums(account, shift) for account, shift in by_age])


def _sums(account: str, shift: Shift) -> ShiftSums:
    return ShiftSums(
        shift_id=shift_id(shift.number),
        account=account,
        opened_at=shift.opened_at,
        float_fen=shift.float_fen,
        cash_in_fen=shift.cash_in_fen,
        cash_out_fen=shift.cash_out_fen,
        tenders=[_tender(channel, shift.tenders[channel]) for channel in sorted(shift.tenders)],
        drawer_fen=shift.drawer_fen,
    )


def _tender(channel: str, tender: Tender) -> TenderSum:
    return TenderSum(channel=channel, **msgspec.structs.asdict(tender))
