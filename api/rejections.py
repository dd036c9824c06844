"""Why the door says no, before any entity is asked. Codes are stable; ``docs/errors.md`` lists them all."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection


class MalformedRequest(Rejection):
    """The bytes are not an HTTP/1.1 request."""

    status: ClassVar[int] = 400


class MalformedJson(Rejection):
    """The body is not JSON in UTF-8.

    ``problem`` says where reading it stopped.
    """

    status: ClassVar[int] = 400
    hint: ClassVar[str] = "Send one JSON object, encoded in UTF-8."

    problem: str


class IdempotencyKeyRequired(Rejection):
    """This request needs an Idempotency-Key."""

    status: ClassVar[int] = 400
    hint: ClassVar[str] = (
        "Send header Idempotency-Key, 1 to 64 of A-Z a-z 0-9 _ -, new for every new request."
    )


class Unauthenticated(Rejection):
    """No valid token came with this request, or the login is wrong.

    A token is sent as ``Authorization: Bearer <token>``; it may be missing, damaged, expired, or ended by a
    change of the account.
    """

    status: ClassVar[int] = 401
    hint: ClassVar[str] = "Get a token from POST /api/v1/auth/guest or POST /api/v1/auth/staff."


class Forbidden(Rejection):
    """This account may not do that here.

    ``audience`` says who may.
    """

    status: ClassVar[int] = 403

    audience: str


class SecondPersonRequired(Rejection):
    """This needs a second person: it is more than one may do alone here (C3).

    ``alone_up_to_fen`` is what the caller does alone; nobody approves of what they do themselves.
    """

    status: ClassVar[int] = 403
    hint: ClassVar[str] = (
        "Let somebody else whose role may approve at POST /api/v1/stores/{store_id}/approvals, then send the same"
        " request with header Approval."
    )

    action: str
    subject: str
    amount_fen: int
    alone_up_to_fen: int


class ApprovalInvalid(Rejection):
    """The second person's approval does not count.

    ``problem`` says why: wrong password, expired, for another request, for a smaller amount, or more than the second
    person may.
    """

    status: ClassVar[int] = 403
    hint: ClassVar[str] = "Ask for a new approval of exactly this request, with its Idempotency-Key."

    problem: str


class RouteNotFound(Rejection):
    """There is nothing at this address."""

    status: ClassVar[int] = 404
    hint: ClassVar[str] = "GET /openapi.json lists every address."


class MethodNotAllowed(Rejection):
    """This address does not take this method.

    ``allowed_methods`` lists those it takes, as header Allow does.
    """

    status: ClassVar[int] = 405

    allowed_methods: list[str]


class RequestTimeout(Rejection):
    """The request did not arrive in time; the connection is closed.

    Nothing was done: a request is executed only when all of it has arrived.
    """

    status: ClassVar[int] = 408
    hint: ClassVar[str] = "Send it again, without pauses."


class BodyTooLarge(Rejection):
    """The body is larger than any request of this service."""

    status: ClassVar[int] = 413

    size_bytes_max: int


class HeadersTooLarge(Rejection):
    """Request line and headers are larger than any request of this service; the connection is closed."""

    status: ClassVar[int] = 431

    size_bytes_max: int


class UpgradeRequired(Rejection):
    """This address is a WebSocket (RFC 6455, version 13)."""

    status: ClassVar[int] = 426
    hint: ClassVar[str] = "Connect with a WebSocket client."


class TooManySockets(Rejection):
    """The caller has as many WebSockets open on this silo as one may have."""

    status: ClassVar[int] = 429
    hint: ClassVar[str] = "Close one; a page needs one per table."

    sockets_max: int


class RateLimited(Rejection):
    """Too many requests: of this caller (``scope`` user), from this address (address), or too many attempts to log in
    (login). Retry-After says when to come again.
    """

    status: ClassVar[int] = 429

    scope: str


class ClaimInFlight(Rejection):
    """Another claim of this diner in this sale is being decided (F8)."""

    status: ClassVar[int] = 429
    hint: ClassVar[str] = "Wait for its answer; a repeated request with the same Idempotency-Key joins it."


class TableTokenInvalid(Rejection):
    """This is no code of a table here."""

    status: ClassVar[int] = 403
    hint: ClassVar[str] = "Scan the code on the table again."
