"""The entry token of a sale (F8): bound to the sale and the diner, signed, checked at the door without state.

The secret is passed in. A token is ``<valid_from in ms>.<HMAC-SHA256, base64url>``; it ends with the sale.
"""

from __future__ import annotations

import base64
import hmac

from flash_sale.rejections import EntryTokenInvalid

TOKEN_LENGTH_MAX = 80


def sign(secret: bytes, flash_sale_id: str, user_id: str, valid_from: int) -> str:
    """A token with which this diner may claim in this sale from ``valid_from`` (ms) on.

    >>> token = sign(b"secret", "sale-1", "guest-1", valid_from=5)
    >>> verify(b"secret", token, "sale-1", "guest-1", at=5)
    """
    return f"{valid_from}.{_signature(secret, flash_sale_id, user_id, valid_from)}"


def verify(secret: bytes, token: str, flash_sale_id: str, user_id: str, at: int) -> None:
    """Accept the token, or raise EntryTokenInvalid: forged, of another diner or sale, or not valid yet.

    ``at`` is the time of the door, in ms.
    """
    head, _, signature = token.partition(".")
    if len(token) > TOKEN_LENGTH_MAX or not (head.isascii() and head.isdigit()):
        raise EntryTokenInvalid(valid_from=None)
    valid_from = int(head)
    expected = _signature(secret, flash_sale_id, user_id, valid_from)
    if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
        raise EntryTokenInvalid(valid_from=None)
    if at < valid_from:
        raise EntryTokenInvalid(valid_from=valid_from)


def _signature(secret: bytes, flash_sale_id: str, user_id: str, valid_from: int) -> str:
    # With its length before it, no part can be read as the end of another.
    text = f"flash-sale-entry {valid_from} {len(flash_sale_id)} {flash_sale_id} {user_id}"
    raw = hmac.digest(secret, text.encode(errors="surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
