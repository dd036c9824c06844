"""Shifts at the till (A3): open one with its float, put cash in and take it out, see it."""

from __future__ import annotations

from typing import Self

import msgspec

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.moments import rfc3339
from api.operations import Answer, Key, Table
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound
from store_runtime.till.bookings import AmountFen
from store_runtime.till.commands import (
    CashKind,
    CashReason,
    FloatFen,
    GetShift,
    ListShifts,
    MoveCash,
    OpenShift,
)
from store_runtime.till.projections import ShiftList, ShiftSums, ShiftView, TenderSum
from store_runtime.till.rejections import ShiftAlreadyOpen, ShiftNotFound

table = Table("Staff")

OWN = store_staff("shift.own")


class OpenBody(msgspec.Struct, forbid_unknown_fields=True):
    """The change that is in the drawer at the start (备用金)."""

    float_fen: FloatFen


class CashBody(msgspec.Struct, forbid_unknown_fields=True):
    """Cash ``in`` or ``out`` that belongs to no bill, and why."""

    kind: CashKind
    amount_fen: AmountFen
    reason: CashReason


class CashMovement(msgspec.Struct, frozen=True, kw_only=True):
    """Cash that was put in or taken out."""

    kind: str
    amount_fen: int
    reason: str
    at: str


class MyShift(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's open shift. What should be in the drawer is not shown before it is counted."""

    shift_id: str
    account: str
    opened_at: str
    float_fen: int
    cash_in_fen: int
    cash_out_fen: int
    bookings: int
    movements: list[CashMovement]

    @classmethod
    def of(cls, view: ShiftView) -> Self:
        """As the till shows it."""
        fields = {**msgspec.structs.asdict(view), "opened_at": rfc3339(view.opened_at)}
        fields["movements"] = [
            CashMovement(kind=one.kind, amount_fen=one.amount_fen, reason=one.reason, at=rfc3339(one.at))
            for one in view.movements
        ]
        return cls(**fields)


class OpenShiftRow(msgspec.Struct, frozen=True, kw_only=True):
    """An open shift with its sums per channel; ``drawer_fen`` is the cash that should be there."""

    shift_id: str
    account: str
    opened_at: str
    float_fen: int
    cash_in_fen: int
    cash_out_fen: int
    tenders: list[TenderSum]
    drawer_fen: int

    @classmethod
    def of(cls, view: ShiftSums) -> Self:
        """As the till shows it."""
        return cls(**{**msgspec.structs.asdict(view), "opened_at": rfc3339(view.opened_at)})


class OpenShifts(msgspec.Struct, frozen=True, kw_only=True):
    """The oldest first."""

    items: list[OpenShiftRow]
    next_cursor: str | None


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/shifts",
    audience=OWN,
    body=OpenBody,
    answers={201: MyShift},
    key=Key.REQUIRED,
    problems=[ShiftAlreadyOpen, StoreNotFound],
    headers=WHO_HEADERS,
    example={"float_fen": 50_000},
)
async def open_shift(call: Call) -> Answer:
    """Begin a shift.

    From then on every payment and refund that this account takes or gives is booked to it. A shift that the first
    payment began takes its float in the same way.
    """
    # A till is made by its first shift; one of a store that does not exist would be nobody's.
    await call.ask(f"store/{call.params['store_id']}", GetStore(), StoreView)
    command = OpenShift(by=who(call), float_fen=call.body.float_fen)
    return Answer(201, MyShift.of(await call.tell(_till(call), command, ShiftView)))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/shifts/current",
    audience=OWN,
    answers={200: MyShift},
    problems=[ShiftNotFound],
)
async def show_shift(call: Call) -> Answer:
    """The caller's open shift."""
    query = GetShift(account=who(call).account)
    return Answer(200, MyShift.of(await call.ask(_till(call), query, ShiftView)))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/shifts/current/cash",
    audience=OWN,
    body=CashBody,
    answers={200: MyShift},
    key=Key.REQUIRED,
    problems=[ShiftNotFound],
    headers=WHO_HEADERS,
    example={"kind": "out", "amount_fen": 3_500, "reason": "买葱"},
)
async def move_cash(call: Call) -> Answer:
    """Put cash into the drawer, or take it out.

    For what belongs to no bill, with a reason; it is entered in the audit log.
    """
    body: CashBody = call.body
    command = MoveCash(by=who(call), kind=body.kind, amount_fen=body.amount_fen, reason=body.reason)
    return Answer(200, MyShift.of(await call.tell(_till(call), command, ShiftView)))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/shifts",
    audience=store_staff("shift.read"),
    answers={200: OpenShifts},
)
async def list_shifts(call: Call) -> Answer:
    """All open shifts, with their sums."""
    view = await call.ask(_till(call), ListShifts(), ShiftList)
    return Answer(200, OpenShifts(items=[OpenShiftRow.of(item) for item in view.items], next_cursor=None))


def _till(call: Call) -> str:
    return f"till/{call.params['store_id']}"
