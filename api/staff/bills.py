"""What staff change on a table's bill: lock, adjust, reopen, deposits, and its lines (O3–O5, T6, T18, D5, M7).

What gives money away asks first what it comes to, then whether this account may, alone or with a second person (C3);
the session checks again that it gives away no more than that.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.approvals import APPROVAL_HEADERS, WHO_HEADERS, authorize, who
from api.audiences import Audience
from api.bill_views import BillShown, TenderShown
from api.call import Call
from api.operations import Answer, Key, Table
from api.rejections import ApprovalInvalid, SecondPersonRequired
from api.staff.tables import session_for_staff
from brand.roles import Action
from pricing.facts import Rounding
from pricing.selection import LineQuantity
from store_runtime.bill.projections import BillView, Giveaway, TenderView
from store_runtime.bill.rejections import (
    BillSettled,
    ChannelNotTaken,
    DepositNotHeld,
    DiscountNotFound,
    IllegalTransition,
    InvalidField,
    LineUnconfirmed,
    MoreThanAllowed,
    OverRefund,
    PaymentNotFound,
    ReopenTooLate,
)
from store_runtime.by import By
from store_runtime.table_session.bill_commands import (
    AmountFen,
    CancelOrdered,
    CompOrdered,
    DiscountBill,
    EndDeposit,
    GetGiveaway,
    Giving,
    LockBill,
    Permille,
    Ref,
    RefundOrdered,
    ReopenBill,
    RoundBill,
    TakeDeposit,
    WeighOrdered,
    WeightMilli,
    Why,
    WhyOrNot,
    WithdrawDiscount,
)
from store_runtime.table_session.rejections import LineNotFound, SessionClosed, TableSessionNotFound

table = Table("Bills")


def _staff(action: Action) -> Audience:
    return Audience(action=action, where="any")


_ALWAYS = (TableSessionNotFound, SessionClosed, InvalidField)
_GIVES = (*_ALWAYS, SecondPersonRequired, ApprovalInvalid, MoreThanAllowed)


class LockBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why, for the record."""

    reason: WhyOrNot = ""


class ReopenBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why; it stands in the audit log."""

    reason: Why


class AdjustmentBody(msgspec.Struct, forbid_unknown_fields=True):
    """``discount``: amount_fen, or permille (100 is 10 %), of the bill or of ``line_id``. ``rounding``: 抹零 down to
    jiao or yuan. ``withdraw``: what ``discount_id`` took off is charged again.
    """

    kind: Literal["discount", "rounding", "withdraw"]
    reason: WhyOrNot = ""
    amount_fen: AmountFen = 0
    permille: Permille = 0
    line_id: Ref = ""
    rounding: Rounding = "none"
    discount_id: Ref = ""


class LineBody(msgspec.Struct, forbid_unknown_fields=True):
    """So many of it, and why."""

    reason: Why
    quantity: LineQuantity = 1


class LineDiscountBody(msgspec.Struct, forbid_unknown_fields=True):
    """An amount, or permille (100 is 10 %), off the line."""

    reason: Why
    amount_fen: AmountFen = 0
    permille: Permille = 0


class WeighBody(msgspec.Struct, forbid_unknown_fields=True):
    """``weight_milli``: of the whole line, in thousandths of its unit; ``unit_price_fen``: of a market dish."""

    weight_milli: WeightMilli = 0
    unit_price_fen: AmountFen = 0


class DepositBody(msgspec.Struct, forbid_unknown_fields=True):
    """How much, and how it is paid."""

    amount_fen: Annotated[int, Meta(ge=1, le=100_000_000)]
    channel: Literal["cash", "simulated"] = "cash"


class EndDepositBody(msgspec.Struct, forbid_unknown_fields=True):
    """``refund``: it goes back; ``forfeit``: it stays with the house."""

    how: Literal["refund", "forfeit"]
    reason: Why


async def _may_give(call: Call, action: Action, act: Giving, **fields: Any) -> tuple[str, By, Giveaway]:
    """The session, who does it, and the most that it may give away: what it would now, with what they gave before.

    Paid money that goes back is a refund, whatever the act.
    """
    session, store_id = await session_for_staff(call)
    given = await call.ask(session, GetGiveaway(act=act, account=who(call).account, **fields), Giveaway)
    by = await authorize(call, store_id, "line.refund" if given.back_fen else action, given.judged_fen)
    return session, by, given


async def _bill(call: Call, session: str, command: Any) -> Answer:
    return Answer(200, BillShown.of(await call.tell(session, command, BillView)))


# --- the bill --------------------------------------------------------------------------------------------------


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lock",
    audience=_staff("table.manage"),
    body=LockBody,
    answers={200: BillShown},
    headers=WHO_HEADERS,
    problems=_ALWAYS,
    example={},
)
async def lock_bill(call: Call) -> Answer:
    """锁单: guests neither order, split nor pay until it is unlocked.

    A bill that was reopened is closed with it: what is over goes back.
    """
    session, _ = await session_for_staff(call)
    return await _bill(call, session, LockBill(locked=True, by=who(call), reason=call.body.reason))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/unlock",
    audience=_staff("table.manage"),
    body=LockBody,
    answers={200: BillShown},
    headers=WHO_HEADERS,
    problems=_ALWAYS,
    example={},
)
async def unlock_bill(call: Call) -> Answer:
    """Guests may order and pay again."""
    session, _ = await session_for_staff(call)
    return await _bill(call, session, LockBill(locked=False, by=who(call), reason=call.body.reason))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/adjustments",
    audience=_staff("bill.discount"),
    body=AdjustmentBody,
    answers={200: BillShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, BillSettled, LineNotFound, LineUnconfirmed, DiscountNotFound],
    example={"kind": "discount", "permille": 100, "reason": "老客"},
)
async def adjust_bill(call: Call) -> Answer:
    """人工优惠 or 抹零, or take a discount back.

    Fees and boxes are never discounted, and a discount takes no more off a bill that grows later. A settled bill must
    be reopened first.
    """
    body: AdjustmentBody = call.body
    if body.kind == "withdraw":
        session, _ = await session_for_staff(call)
        return await _bill(call, session, WithdrawDiscount(discount_id=body.discount_id, by=who(call)))
    if body.kind == "rounding":
        session, by, given = await _may_give(call, "bill.discount", "rounding", rounding=body.rounding)
        command = RoundBill(rounding=body.rounding, by=by, allowed_fen=given.judged_fen)
        return await _bill(call, session, command)
    if not body.reason:
        raise InvalidField(path="$.reason", problem="why it is given")
    return await _discount(call, body.line_id, body.amount_fen, body.permille, body.reason)


async def _discount(call: Call, line_id: str, amount_fen: int, permille: int, reason: str) -> Answer:
    fields = {"line_id": line_id, "amount_fen": amount_fen, "permille": permille}
    session, by, given = await _may_give(call, "bill.discount", "discount", **fields)
    command = DiscountBill(
        reason=reason,
        by=by,
        line_id=line_id,
        amount_fen=amount_fen,
        permille=permille,
        allowed_fen=given.judged_fen,
    )
    return await _bill(call, session, command)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/reopen",
    audience=_staff("bill.reopen"),
    body=ReopenBody,
    answers={200: BillShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, IllegalTransition, ReopenTooLate],
    example={"reason": "折扣打错"},
)
async def reopen_bill(call: Call) -> Answer:
    """反结账: a settled bill opens again, on its business day.

    What was paid stays as credit until the bill is locked, or for half an hour. The table stays as it is and the
    kitchen hears nothing. Also after the table was cleared: it stays free, and its guests can only read. What is due
    then is paid, or written off by clearing again.
    """
    session, by, _ = await _may_give(call, "bill.reopen", "reopen")
    return await _bill(call, session, ReopenBill(reason=call.body.reason, by=by))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/deposits",
    audience=_staff("bill.take"),
    body=DepositBody,
    answers={201: TenderShown},
    key=Key.REQUIRED,
    headers=WHO_HEADERS,
    problems=[*_ALWAYS, ChannelNotTaken],
    example={"amount_fen": 20000},
)
async def take_deposit(call: Call) -> Answer:
    """押金: money before there is a bill for it.

    It pays the bill once with channel deposit; what is over goes back, and all of it when the table is cleared.
    """
    session, _ = await session_for_staff(call)
    command = TakeDeposit(channel=call.body.channel, amount_fen=call.body.amount_fen, by=who(call))
    return Answer(201, TenderShown.of(await call.tell(session, command, TenderView)))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/deposits/{payment_id}/end",
    audience=_staff("bill.write_off"),
    body=EndDepositBody,
    answers={200: TenderShown},
    key=Key.REQUIRED,
    headers=WHO_HEADERS,
    problems=[*_ALWAYS, PaymentNotFound, DepositNotHeld],
    example={"how": "refund", "reason": "取消"},
)
async def end_deposit(call: Call) -> Answer:
    """A deposit goes back, or stays with the house as a row of its own."""
    session, _ = await session_for_staff(call)
    command = EndDeposit(
        payment_id=call.params["payment_id"], how=call.body.how, reason=call.body.reason, by=who(call)
    )
    return Answer(200, TenderShown.of(await call.tell(session, command, TenderView)))


# --- its lines -------------------------------------------------------------------------------------------------


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines/{line_id}/cancel",
    audience=_staff("line.cancel"),
    body=LineBody,
    answers={200: BillShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, LineNotFound, OverRefund, IllegalTransition, LineUnconfirmed],
    example={"quantity": 1, "reason": "上错"},
)
async def cancel_ordered(call: Call) -> Answer:
    """退菜: so many of a line shall not be served.

    What the kitchen has not begun is off at once; else it is asked, and the bill changes when it says yes. Where paid
    money goes back, that is a refund, and allowed as one. What is served is comped or refunded.
    """
    line_id, body = call.params["line_id"], call.body
    session, by, given = await _may_give(
        call, "line.cancel", "cancel", line_id=line_id, quantity=body.quantity
    )
    command = CancelOrdered(
        line_id=line_id,
        quantity=body.quantity,
        reason=body.reason,
        by=by,
        allowed_fen=given.judged_fen,
        allowed_back_fen=given.back_fen,
    )
    return await _bill(call, session, command)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines/{line_id}/comp",
    audience=_staff("line.comp"),
    body=LineBody,
    answers={200: BillShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, LineNotFound, OverRefund, LineUnconfirmed],
    example={"quantity": 1, "reason": "凉了"},
)
async def comp_ordered(call: Call) -> Answer:
    """赠菜: so many of a line cost nothing; they stay sold, and count to no threshold."""
    line_id, body = call.params["line_id"], call.body
    session, by, given = await _may_give(call, "line.comp", "comp", line_id=line_id, quantity=body.quantity)
    command = CompOrdered(
        line_id=line_id, quantity=body.quantity, reason=body.reason, by=by, allowed_fen=given.judged_fen
    )
    return await _bill(call, session, command)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines/{line_id}/refund",
    audience=_staff("line.refund"),
    body=LineBody,
    answers={200: BillShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, LineNotFound, OverRefund, IllegalTransition, LineUnconfirmed],
    example={"quantity": 1, "reason": "不新鲜"},
)
async def refund_ordered(call: Call) -> Answer:
    """So many of a paid line are taken back.

    What goes back is the bill as it was less the bill without them, at least nothing; the newest money goes first.
    Also after the table was cleared.
    """
    line_id, body = call.params["line_id"], call.body
    session, by, given = await _may_give(
        call, "line.refund", "refund", line_id=line_id, quantity=body.quantity
    )
    command = RefundOrdered(
        line_id=line_id, quantity=body.quantity, reason=body.reason, by=by, allowed_fen=given.judged_fen
    )
    return await _bill(call, session, command)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines/{line_id}/discount",
    audience=_staff("bill.discount"),
    body=LineDiscountBody,
    answers={200: BillShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, LineNotFound, LineUnconfirmed, BillSettled],
    example={"permille": 200, "reason": "等太久"},
)
async def discount_ordered(call: Call) -> Answer:
    """人工优惠 on one line."""
    body: LineDiscountBody = call.body
    return await _discount(call, call.params["line_id"], body.amount_fen, body.permille, body.reason)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines/{line_id}/weigh",
    audience=_staff("line.weigh"),
    body=WeighBody,
    answers={200: BillShown},
    headers=APPROVAL_HEADERS,
    problems=[*_GIVES, LineNotFound, IllegalTransition],
    example={"weight_milli": 1350},
)
async def weigh_ordered(call: Call) -> Answer:
    """The weight, or the price, of a line is confirmed: from now on it can be paid.

    Below the price that guests were shown, the difference is a discount, and allowed as one.
    """
    session, store_id = await session_for_staff(call)
    line_id, body, by = call.params["line_id"], call.body, who(call)
    fields = {
        "line_id": line_id,
        "weight_milli": body.weight_milli,
        "unit_price_fen": body.unit_price_fen,
    }
    asked = GetGiveaway(act="weigh", account=by.account, **fields)
    given = await call.ask(session, asked, Giveaway)
    if given.amount_fen:
        by = await authorize(call, store_id, "bill.discount", given.judged_fen)
    command = WeighOrdered(by=by, allowed_fen=given.judged_fen, **fields)
    return await _bill(call, session, command)
