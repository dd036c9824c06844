"""Who does it, and with whose approval (C3).

A handler of a sensitive act asks ``by = await authorize(call, store_id, action, amount_fen)`` and puts ``by``
into its command. Within what their role does alone, nothing more is needed. Above it a second person gives an
approval at the same device (``POST /stores/{store_id}/approvals``), and the request carries it as header
``Approval``.

An approval is a signed token and nothing is stored: it names both people, the store, the action, the subject,
the most it may amount to, and the Idempotency-Key of the one request that it is for. So it is used once, and a
repeated request may still carry it.
"""

from __future__ import annotations

import re

import jwt
import msgspec

from api.call import Call
from api.rejections import ApprovalInvalid, Forbidden, SecondPersonRequired
from api.tokens import Staff
from brand.roles import ALONE_UP_TO_FEN, Action, Overrides, allowed, alone_up_to_fen
from store_runtime.by import By
from store_runtime.rejections import InvalidField
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView

APPROVAL_S = 120
"""How long an approval may be used."""

WHO_HEADERS = {
    "Device": "The till, tablet or phone at which it is done, for the record: 1 to 64 of A-Z a-z 0-9 . _ -.",
}
APPROVAL_HEADERS = {
    **WHO_HEADERS,
    "Approval": "Of a second person, from POST /stores/{store_id}/approvals, where one is needed.",
}
"""For the ``headers`` of a route that asks ``authorize``."""

_DEVICE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ALGORITHM = "HS256"
_AUDIENCE = "approval"


class Approval(msgspec.Struct, frozen=True):
    """What a second person approved of: ``sub`` approves what ``of`` does, up to ``amount_fen``."""

    sub: str
    of: str
    store: str
    action: str
    subject: str
    amount_fen: int
    key: str
    exp: int
    aud: str = _AUDIENCE


def who(call: Call) -> By:
    """The staff account that calls, and its device. For routes of staff only."""
    assert isinstance(call.principal, Staff), "a route for staff"
    return By(call.principal.username, device=_device(call))


def who_if_staff(call: Call) -> By | None:
    """The same on a route for diners and staff; None for a diner."""
    return who(call) if isinstance(call.principal, Staff) else None


async def authorize(call: Call, store_id: str, action: Action, amount_fen: int = 0, subject: str = "") -> By:
    """Whether they may do this here, alone or with the approval that the request carries; who it is then.

    Args:
        amount_fen: what the act gives away, or charges off the menu, in fen, zero or more.
        subject: what it is done to; without one, the request's own address after ``/api/v1``.

    Raises Forbidden, SecondPersonRequired, ApprovalInvalid.
    """
    by = who(call)
    assert isinstance(call.principal, Staff), "who() has made sure"
    roles = await call.door.staff.roles(call.principal)
    if not allowed(roles, store_id, action):
        raise Forbidden(audience=f"staff who may {action}")
    own = await _overrides(call, store_id, action)
    limit_fen = alone_up_to_fen(roles, store_id, action, own)
    if limit_fen is None or amount_fen <= limit_fen:
        return by
    subject = subject or subject_of(call)
    given = call.headers.get(b"approval")
    if given is None:
        raise SecondPersonRequired(
            action=action, subject=subject, amount_fen=amount_fen, alone_up_to_fen=limit_fen
        )
    approval = _read(call, given)
    fits = (
        approval.of == by.account
        and approval.sub != by.account
        and approval.store == store_id
        and approval.action == action
        and approval.subject == subject
        and approval.key == call.key
    )
    if not fits:
        raise ApprovalInvalid(problem="for another request")
    if amount_fen > approval.amount_fen:
        raise ApprovalInvalid(problem="for a smaller amount")
    return By(by.account, device=by.device, approved_by=approval.sub)


async def approve(
    call: Call,
    store_id: str,
    second: str,
    password: str,
    action: Action,
    subject: str,
    amount_fen: int,
    key: str,
) -> Approval:
    """A second person's approval of one request that the caller is going to send.

    Raises Forbidden (the caller may not do it at all), SecondPersonRequired (it is the same person),
    ApprovalInvalid (wrong password, or more than the second person may), RateLimited.
    """
    by = who(call)
    assert isinstance(call.principal, Staff), "who() has made sure"
    door = call.door
    if not allowed(await door.staff.roles(call.principal), store_id, action):
        raise Forbidden(audience=f"staff who may {action}")
    if second == by.account:
        raise SecondPersonRequired(action=action, subject=subject, amount_fen=amount_fen, alone_up_to_fen=0)
    account = await door.staff.with_password(second, password, call.address, call.address in door.exempt)
    if account is None:
        raise ApprovalInvalid(problem="the second person's name or password is wrong")
    if not allowed(account.roles, store_id, action):
        raise ApprovalInvalid(problem="the second person may not do it either")
    # Where the store wants two people always (0), each of them still approves up to the limit of their role.
    own = _without_zero(await _overrides(call, store_id, action))
    limit_fen = alone_up_to_fen(account.roles, store_id, action, own)
    if limit_fen is not None and amount_fen > limit_fen:
        raise ApprovalInvalid(problem="more than the second person may")
    exp = door.clock.now_ms() // 1_000 + APPROVAL_S
    return Approval(account.username, by.account, store_id, action, subject, amount_fen, key, exp)


def signed(call: Call, approval: Approval) -> str:
    """The token of an approval."""
    return jwt.encode(msgspec.to_builtins(approval), call.door.settings.secret_key, algorithm=_ALGORITHM)


def subject_of(call: Call) -> str:
    """The request's own address, as an approval names it.

    ``/table-sessions/x/lines/l3/comp`` for ``POST /api/v1/table-sessions/x/lines/l3/comp``.
    """
    return call.operation.path.removeprefix("/api/v1").format(**call.params)


def _read(call: Call, given: bytes) -> Approval:
    try:
        fields = jwt.decode(
            given,
            call.door.settings.secret_key,
            algorithms=[_ALGORITHM],
            # Expiry goes by the cluster's clock, not the machine's.
            options={"verify_exp": False, "verify_aud": False, "require": ["sub", "aud", "exp"]},
        )
        approval = msgspec.convert(fields, Approval)
    except (jwt.PyJWTError, msgspec.MsgspecError, ValueError) as damaged:
        raise ApprovalInvalid(problem="not one of ours") from damaged
    if approval.aud != _AUDIENCE:
        raise ApprovalInvalid(problem="not one of ours")
    if approval.exp * 1_000 <= call.door.clock.now_ms():
        raise ApprovalInvalid(problem="expired")
    return approval


async def _overrides(call: Call, store_id: str, action: Action) -> Overrides:
    if action not in ALONE_UP_TO_FEN:
        return {}
    view = await call.ask(f"store/{store_id}", GetStore(), StoreView)
    return view.settings.amount_limits


def _without_zero(overrides: Overrides) -> Overrides:
    return {
        role: {action: fen for action, fen in limits.items() if fen} for role, limits in overrides.items()
    }


def _device(call: Call) -> str:
    given = call.headers.get(b"device", b"")
    if given and not _DEVICE.fullmatch(given):
        raise InvalidField(path="header.Device", problem="1 to 64 of A-Z a-z 0-9 . _ -")
    return given.decode()
