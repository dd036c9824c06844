"""A second person approves, at the same device (C3)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.accounts import Password, Username
from api.approvals import WHO_HEADERS, approve, signed, who
from api.audiences import store_staff
from api.call import Call
from api.endpoint import KEY_PATTERN
from api.moments import rfc3339
from api.operations import Answer, Table
from api.rejections import ApprovalInvalid, SecondPersonRequired
from api.views import Settings
from brand.roles import LimitedAction
from store_runtime.audit_log.acts import Act, RecordAct
from store_runtime.audit_log.projections import EntryView
from store_runtime.by import By
from store_runtime.store.commands import AmountLimits, ChangeSettings
from store_runtime.store.rejections import InvalidField, StoreNotFound
from store_runtime.texts import END

table = Table("Staff")


class ApprovalBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The second person's account, and the one request that they approve of: ``action``, ``subject`` and
    ``amount_fen`` as ``second_person_required`` named them, and the Idempotency-Key that it will be sent with.
    """

    username: Username
    password: Password
    action: LimitedAction
    subject: Annotated[str, Meta(min_length=1, max_length=500)]
    amount_fen: Annotated[int, Meta(ge=0, le=100_000_000_000)]
    idempotency_key: Annotated[str, Meta(pattern=KEY_PATTERN.removesuffix("$") + END)]


class ApprovalGiven(msgspec.Struct, frozen=True, kw_only=True):
    """Sent as header ``Approval`` with the request, until it expires."""

    approval: str
    approved_by: str
    expires_at: str


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/approvals",
    audience=store_staff("order.read"),
    body=ApprovalBody,
    answers={201: ApprovalGiven},
    problems=[SecondPersonRequired, ApprovalInvalid, StoreNotFound],
    headers=WHO_HEADERS,
    example={
        "username": "manager",
        "password": "correct horse battery staple",
        "action": "line.comp",
        "subject": "/table-sessions/t4wz/lines/l3/comp",
        "amount_fen": 5_200,
        "idempotency_key": "comp-7",
    },
)
async def give_approval(call: Call) -> Answer:
    """Approve what somebody else is about to do.

    Called by the first person's device, with the second person's name and password. It holds for two minutes,
    for this person, this request and up to this amount, and is entered in the audit log. Wrong passwords count
    against the limits of logins.
    """
    body: ApprovalBody = call.body
    store_id = call.params["store_id"]
    approval = await approve(
        call,
        store_id,
        body.username,
        body.password,
        body.action,
        body.subject,
        body.amount_fen,
        body.idempotency_key,
    )
    first = who(call)
    act = Act(
        by=By(first.account, device=first.device, approved_by=approval.sub),
        action="approval.give",
        subject=body.subject,
        at=call.door.clock.now_ms(),
        after={"action": body.action},
        amount_fen=body.amount_fen,
    )
    await call.tell(f"audit-log/{store_id}", RecordAct(act=act), EntryView)
    given = ApprovalGiven(
        approval=signed(call, approval),
        approved_by=approval.sub,
        expires_at=rfc3339(approval.exp * 1_000),
    )
    return Answer(201, given)


class LimitsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Role → action → the most, in fen, that it does alone; 0: always two people. It takes the place of what the
    store had set; what is not named is as everywhere.
    """

    amount_limits: AmountLimits


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/amount-limits",
    audience=store_staff("staff.manage"),
    body=LimitsBody,
    answers={200: Settings},
    problems=[StoreNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"amount_limits": {"cashier": {"bill.discount": 2_000}, "manager": {"line.comp": 0}}},
)
async def set_amount_limits(call: Call) -> Answer:
    """What each role does without a second person in this store."""
    command = ChangeSettings(amount_limits=call.body.amount_limits, by=who(call))
    return Answer(200, await call.tell(f"store/{call.params['store_id']}", command, Settings))
