"""The token in a table's printed code (T1, W3): 32 characters, signed, checked at the door without asking anybody.

``<number><signature>``, sixteen characters of base32 each. The number is an HMAC over store, table and rotation, so
that nobody can foresee the next one; the signature is an HMAC over the number, so that a made-up token wakes no
entity. Where the number stands is in ``table-code/<number>``, and each silo remembers that for good.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict

from actors.turn import readable
from api.call import Call
from api.rejections import TableTokenInvalid
from store_runtime.table.code import CodePlace, GetCode, NameCode

NUMBER_LENGTH = 16
PLACES_MAX = 20_000


def sign(secret: bytes, store_id: str, table_id: str, rotation: int) -> str:
    """The token of a table's code.

    >>> token = sign(b"secret", "s1", "t8", 1)
    >>> len(token), number_of(b"secret", token) == token[:16]
    (32, True)
    """
    number = _digest(secret, f"table-code {len(store_id)} {store_id} {len(table_id)} {table_id} {rotation}")
    return number + _digest(secret, f"table-token {number}")


def number_of(secret: bytes, token: str) -> str:
    """The number in a token. Raises TableTokenInvalid for one that we have not signed."""
    number, signature = token[:NUMBER_LENGTH], token[NUMBER_LENGTH:]
    expected = _digest(secret, f"table-token {number}")
    if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
        raise TableTokenInvalid()
    return number


class TablePlaces:
    """Where codes stand, as far as this silo has asked."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, CodePlace] = OrderedDict()

    async def of(self, call: Call, token: str) -> CodePlace:
        """The table of a token. Raises TableTokenInvalid, or a Problem."""
        number = number_of(call.door.settings.secret_key, token)
        known = self._known.get(number)
        if known is None:
            known = await call.ask(f"table-code/{number}", GetCode(), CodePlace)
            self._known[number] = known
            if len(self._known) > PLACES_MAX:
                self._known.popitem(last=False)
        return known


async def hand_out(call: Call, store_id: str, table_id: str, rotation: int) -> str:
    """The token of a table's code, once it is known where it stands; empty where there is none."""
    if not rotation:
        return ""
    token = sign(call.door.settings.secret_key, store_id, table_id, rotation)
    name = NameCode(store_id=store_id, table_id=table_id, rotation=rotation)
    number = token[:NUMBER_LENGTH]
    await call.tell(f"table-code/{number}", name, CodePlace, number.encode())
    return token


def _digest(secret: bytes, text: str) -> str:
    return readable(hmac.digest(secret, text.encode(errors="surrogatepass"), "sha256")[:10])
