"""The bill of a table, for its guests and the till: read, split, pay (T6, T7).

Prices are never taken from a request: what a share or the bill comes to is the server's word (D2).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.approvals import WHO_HEADERS, who_if_staff
from api.audiences import diner_or_staff
from api.bill_views import BillShown, TenderShown
from api.call import Call
from api.diner.tables import staffed_session
from api.operations import Answer, Key, Table
from store_runtime.bill.projections import BillView, TenderView
from store_runtime.bill.rejections import (
    AmountTooHigh,
    BillIsLocked,
    BillSettled,
    ChannelNotTaken,
    DepositNotHeld,
    InvalidField,
    LineIndivisible,
    LineUnconfirmed,
    OverRefund,
    ShareAlreadyPaid,
    ShareNotFound,
    TenderedTooLittle,
)
from store_runtime.bill.splitting import SHARES_MAX, LineClaim, SplitMode, SplitPart
from store_runtime.table_session.bill_commands import AmountFen, GetBill, PayBill, Ref, SplitBill
from store_runtime.table_session.rejections import LineNotFound, SessionClosed, TableSessionNotFound
from store_runtime.texts import ONE_LINE

table = Table("Bills")

GUEST_OR_TILL = diner_or_staff("bill.take")

SIMULATED = "simulated"
Channel = Literal["simulated", "cash", "deposit"]
"""Vouchers are not among them: nobody issues codes yet, so that none could be told from an invented one."""


class PartBody(msgspec.Struct, forbid_unknown_fields=True):
    """One share: an amount, lines (``line_ids``; ``lines`` with quantities), a guest, or a weight in what is left."""

    label: Annotated[str, Meta(max_length=40, pattern=ONE_LINE)] = ""
    guest_id: Annotated[str, Meta(max_length=64)] = ""
    amount_fen: AmountFen = 0
    line_ids: Annotated[list[Ref], Meta(max_length=200)] = []
    lines: Annotated[list[LineClaim], Meta(max_length=200)] = []
    weight: Annotated[int, Meta(ge=0, le=1_000)] = 0

    def part(self) -> SplitPart:
        """As the bill takes it."""
        named = tuple(LineClaim(line_id=line_id) for line_id in self.line_ids)
        return SplitPart(
            label=self.label,
            guest_id=self.guest_id,
            amount_fen=self.amount_fen,
            lines=(*named, *self.lines),
            weight=self.weight,
        )


Shares = Annotated[int, Meta(ge=1, le=SHARES_MAX)]
PartBodies = Annotated[list[PartBody], Meta(min_length=1, max_length=SHARES_MAX)]


class SplitBody(msgspec.Struct, forbid_unknown_fields=True):
    """``parts``: how many shares, or what each is. ``equal`` without parts: one for every guest."""

    mode: SplitMode
    parts: Shares | PartBodies | None = None


class PayBody(msgspec.Struct, forbid_unknown_fields=True):
    """A share, an amount, or, with neither, all that is due. ``tendered_fen``: cash that was put down."""

    channel: Channel
    share_id: Ref = ""
    amount_fen: AmountFen = 0
    tendered_fen: AmountFen = 0
    reference: Ref = ""


@table.route(
    "GET",
    "/api/v1/table-sessions/{session_id}/bill",
    audience=GUEST_OR_TILL,
    answers={200: BillShown},
    problems=[TableSessionNotFound],
)
async def show_bill(call: Call) -> Answer:
    """The bill, every fen of it explained.

    Each line says how its amount comes about; each adjustment names its rule, its words and the amount it was
    reckoned on. Its guests may read it also after the table was cleared.
    """
    session = await staffed_session(call)
    return Answer(200, BillShown.of(await call.ask(session, GetBill(user_id=call.user_id), BillView)))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/split",
    audience=GUEST_OR_TILL,
    body=SplitBody,
    answers={200: BillShown},
    key=Key.OPTIONAL,
    headers=WHO_HEADERS,
    problems=[
        TableSessionNotFound,
        SessionClosed,
        BillIsLocked,
        BillSettled,
        LineUnconfirmed,
        LineNotFound,
        LineIndivisible,
        OverRefund,
        InvalidField,
    ],
    example={"mode": "equal", "parts": 3},
)
async def split_bill(call: Call) -> Answer:
    """分账: split what is still due.

    Shares that are paid, or being paid, stay as they are. by_amount: what is left is share rest. by_line: a line that
    several parts name is divided among them. by_person: what everybody ordered; the rest is divided evenly.
    mixed: parts of any kind; amounts first, then lines, then weights share what is left.
    """
    session = await staffed_session(call)
    command = SplitBill(
        mode=call.body.mode, parts=_parts(call.body), user_id=call.user_id, by=who_if_staff(call)
    )
    return Answer(200, BillShown.of(await call.tell(session, command, BillView)))


def _parts(body: SplitBody) -> tuple[SplitPart, ...]:
    if body.parts is None:
        return ()
    if isinstance(body.parts, int):
        if body.mode != "equal":
            raise InvalidField(path="$.parts", problem=f"a list of parts, one for each share of {body.mode}")
        return (SplitPart(),) * body.parts
    return tuple(part.part() for part in body.parts)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/payments",
    audience=GUEST_OR_TILL,
    body=PayBody,
    answers={201: TenderShown},
    key=Key.REQUIRED,
    headers=WHO_HEADERS,
    problems=[
        TableSessionNotFound,
        SessionClosed,
        BillIsLocked,
        BillSettled,
        LineUnconfirmed,
        AmountTooHigh,
        TenderedTooLittle,
        ShareNotFound,
        ShareAlreadyPaid,
        ChannelNotTaken,
        DepositNotHeld,
        InvalidField,
    ],
    example={"channel": "simulated"},
)
async def pay_bill(call: Call) -> Answer:
    """Pay a share, an amount, or all that is due.

    Cash is taken by staff and gives change. Of two who pay the same share the second gets it back by itself. A round
    that is paid first goes to the kitchen with its payment.
    """
    if call.body.channel == SIMULATED and not call.door.settings.simulated_channel:
        raise ChannelNotTaken(channels=["cash", "deposit"])
    session = await staffed_session(call)
    command = PayBill(
        channel=call.body.channel,
        share_id=call.body.share_id,
        amount_fen=call.body.amount_fen,
        tendered_fen=call.body.tendered_fen,
        reference=call.body.reference,
        user_id=call.user_id,
        by=who_if_staff(call),
    )
    return Answer(201, TenderShown.of(await call.tell(session, command, TenderView)))
