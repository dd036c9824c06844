"""A delivery fee that is promised for ten minutes (T12): signed, self-contained, checked without state.

It is bound to the store, the diner and the address, so that it cannot be used by another, for another place, or with
another fee. The secret is passed in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

from store_runtime.delivery.commands import Point
from store_runtime.delivery.projections import Fee
from store_runtime.delivery.rejections import QuoteInvalid

QUOTE_MS = 600_000
QUOTE_LENGTH_MAX = 512
SIGNATURE_BYTES = 16


class _Promise(msgspec.Struct, array_like=True, frozen=True):
    store_id: str
    user_id: str
    place: str
    expires_at: int
    fee: Fee


def sign(secret: bytes, store_id: str, user_id: str, to: Point, fee: Fee, expires_at: int) -> str:
    """The quote's id: whoever holds it is promised ``fee`` until ``expires_at`` (ms).

    >>> fee = Fee(zone_id="z", distance_m=900, fee_fen=500)
    >>> quote_id = sign(b"secret", "s1", "guest", Point(lat=31.2, lng=121.4), fee, expires_at=5)
    >>> verify(b"secret", quote_id, "s1", "guest", Point(lat=31.2, lng=121.4), at=4) == fee
    True
    """
    promise = _Promise(store_id, user_id, _place(to), expires_at, fee)
    body = msgspec.msgpack.encode(promise)
    return base64.urlsafe_b64encode(body + _signature(secret, body)).decode().rstrip("=")


def verify(secret: bytes, quote_id: str, store_id: str, user_id: str, to: Point, at: int) -> Fee:
    """The promised fee. Raises QuoteInvalid. ``at`` is the time of the door, in ms."""
    try:
        if len(quote_id) > QUOTE_LENGTH_MAX:
            raise ValueError
        raw = base64.b64decode(quote_id + "=" * (-len(quote_id) % 4), altchars=b"-_", validate=True)
        body, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
        if base64.urlsafe_b64encode(raw).decode().rstrip("=") != quote_id:
            raise ValueError  # one quote is one text
        if not hmac.compare_digest(signature, _signature(secret, body)):
            raise ValueError
        promise = msgspec.msgpack.decode(body, type=_Promise)
    except (ValueError, msgspec.MsgspecError):
        raise QuoteInvalid(problem="forged") from None
    if (promise.store_id, promise.user_id) != (store_id, user_id):
        raise QuoteInvalid(problem="forged")
    if promise.expires_at <= at:
        raise QuoteInvalid(problem="expired")
    if promise.place != _place(to):
        raise QuoteInvalid(problem="other_address")
    return promise.fee


def _place(to: Point) -> str:
    """The address as a digest: the quote travels in logs of proxies, the diner's home does not."""
    text = f"{to.lat!r} {to.lng!r}"
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()


def _signature(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"delivery-quote " + body, "sha256")[:SIGNATURE_BYTES]
