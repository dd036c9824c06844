"""Signed tokens: who a request says it is from (JWT, HS256).

A diner's has ``aud: diner``; a staff account's ``aud: staff`` and the epoch it was given under. Both end with
``exp``. Nothing about a token is stored.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from typing import Annotated, Literal

import jwt
import msgspec
from msgspec import Meta

from api.rejections import Unauthenticated
from store_runtime.texts import END

VERIFIED_MAX = 50_000
REMEMBERED_BYTES_MAX = 2_048

_Subject = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}" + END)]


class Diner(msgspec.Struct, frozen=True):
    """A guest with a token."""

    user_id: str
    nickname: str = ""

    @property
    def caller(self) -> str:
        """The name that limits and idempotency keys are kept under."""
        return f"diner:{self.user_id}"


class Staff(msgspec.Struct, frozen=True):
    """Someone who works here, by an account as it was at ``epoch``."""

    username: str
    epoch: int

    @property
    def caller(self) -> str:
        """The name that limits and idempotency keys are kept under."""
        return f"staff:{self.username}"


Principal = Diner | Staff


class _Fields(msgspec.Struct):
    sub: _Subject
    aud: Literal["diner", "staff"]
    exp: int
    name: str = ""
    epoch: int = 0


_decode_fields = msgspec.json.Decoder(_Fields).decode
_HEADER = jwt.encode({}, b"any key of thirty-two bytes or more", algorithm="HS256").partition(".")[0].encode()


class Tokens:
    """Signs and verifies; verified ones are remembered by their raw bytes until they expire."""

    def __init__(self, secret_key: bytes) -> None:
        self._key = secret_key
        self._verified: OrderedDict[bytes, tuple[Principal, int]] = OrderedDict()

    def for_diner(self, diner: Diner, expires_at: int) -> str:
        """A diner's token; ``expires_at`` in ms."""
        fields: dict[str, object] = {"sub": diner.user_id, "aud": "diner", "exp": expires_at // 1_000}
        if diner.nickname:
            fields["name"] = diner.nickname
        return jwt.encode(fields, self._key, algorithm="HS256")

    def for_staff(self, staff: Staff, roles: dict[str, list[str]], expires_at: int) -> str:
        """A staff account's token. ``roles`` are for the client to read; the account decides."""
        fields = {
            "sub": staff.username,
            "aud": "staff",
            "exp": expires_at // 1_000,
            "epoch": staff.epoch,
            "roles": roles,
        }
        return jwt.encode(fields, self._key, algorithm="HS256")

    def principal(self, authorization: bytes, now_ms: int) -> Principal:
        """Who the value of an Authorization header stands for. Raises Unauthenticated."""
        known = self._verified.get(authorization)
        if known is not None and known[1] > now_ms:
            return known[0]
        principal, expires_at = self._verify(authorization)
        if expires_at <= now_ms:
            self._verified.pop(authorization, None)
            raise Unauthenticated()
        if len(authorization) <= REMEMBERED_BYTES_MAX:
            self._verified[authorization] = (principal, expires_at)
            if len(self._verified) > VERIFIED_MAX:
                self._verified.popitem(last=False)
        return principal

    def _verify(self, authorization: bytes) -> tuple[Principal, int]:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthenticated()
        token = token.strip()
        try:
            fields = self._own(token) or self._any(token)
        except (jwt.PyJWTError, msgspec.MsgspecError, ValueError) as damaged:
            raise Unauthenticated() from damaged
        if fields.aud == "diner":
            return Diner(fields.sub, fields.name), fields.exp * 1_000
        return Staff(fields.sub, fields.epoch), fields.exp * 1_000

    def _own(self, token: bytes) -> _Fields | None:
        """A token with the very header that we write, by RFC 7515's steps; None with another header.

        At the start of a sale every diner's token is new to this silo, and PyJWT takes ten times as long.
        """
        signed, _, signature = token.rpartition(b".")
        header, _, payload = signed.partition(b".")
        if header != _HEADER:
            return None
        expected = urlsafe_b64encode(hmac.digest(self._key, signed, "sha256")).rstrip(b"=")
        if not hmac.compare_digest(signature, expected):
            raise Unauthenticated()
        return _decode_fields(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))

    def _any(self, token: bytes) -> _Fields:
        raw = jwt.decode(
            token,
            self._key,
            algorithms=["HS256"],
            # The audience is read by the caller, and the expiry by the cluster's clock, not the machine's.
            options={"verify_exp": False, "verify_aud": False, "require": ["sub", "aud", "exp"]},
        )
        return msgspec.convert(raw, _Fields)
