"""A token is what we signed, unchanged and not yet over; anything else is nobody."""

from __future__ import annotations

import base64
import hmac
from typing import Any

import jwt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.rejections import Unauthenticated
from api.tokens import Diner, Staff, Tokens

KEY = b"a key of the tests with 32 bytes or more"
NOW = 1_800_000_000_000
LATER = NOW + 60_000


def bearer(token: str | bytes) -> bytes:
    return b"Bearer " + (token.encode() if isinstance(token, str) else token)


def signed(fields: Any, *, key: bytes = KEY, header: dict[str, str] | None = None) -> bytes:
    """A token as anybody might put it together."""
    parts = [msgspec.json.encode(header or {"alg": "HS256", "typ": "JWT"}), msgspec.json.encode(fields)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return text + b"." + base64.urlsafe_b64encode(hmac.digest(key, text, "sha256")).rstrip(b"=")


@given(st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True), st.text(max_size=40))
def test_a_diner_comes_back_as_they_were(user_id: str, nickname: str) -> None:
    diner = Diner(user_id, nickname)

    assert Tokens(KEY).principal(bearer(Tokens(KEY).for_diner(diner, LATER)), NOW) == diner


def test_a_staff_account_comes_back_as_it_was() -> None:
    token = Tokens(KEY).for_staff(Staff("cook", 3), {"s1": ["cook"]}, LATER)

    assert Tokens(KEY).principal(bearer(token), NOW) == Staff("cook", 3)


def test_a_token_of_another_writer_with_our_key_counts() -> None:
    """Its header says the same in other bytes, which PyJWT reads."""
    fields = {"sub": "guest-1", "aud": "diner", "exp": LATER // 1_000}
    token = signed(fields, header={"typ": "JWT", "alg": "HS256", "kid": "1"})

    assert Tokens(KEY).principal(bearer(token), NOW) == Diner("guest-1")


@given(st.data())
def test_a_changed_byte_is_nobody(data: st.DataObject) -> None:
    """Wherever it is; also when the unchanged token was just seen."""
    tokens = Tokens(KEY)
    token = bytearray(tokens.for_diner(Diner("guest-1", "小王"), LATER).encode())
    tokens.principal(bearer(bytes(token)), NOW)
    at = data.draw(st.integers(0, len(token) - 2))  # of the last character two bits carry nothing
    token[at] = data.draw(st.sampled_from([byte for byte in b"Aa0-._ =" if byte != token[at]]))

    with pytest.raises(Unauthenticated):
        tokens.principal(bearer(bytes(token)), NOW)


FIELDS = {"sub": "guest-1", "aud": "diner", "exp": LATER // 1_000}


@pytest.mark.parametrize(
    "token",
    [
        signed({**FIELDS, "aud": "owner"}),
        signed({**FIELDS, "exp": "soon"}),
        signed({**FIELDS, "sub": "a b"}),
        signed({**FIELDS, "sub": {"$gt": ""}}),
        signed([FIELDS]),
        signed({}),
        signed(FIELDS, key=b"another key of 32 bytes and some more"),
        signed(FIELDS, header={"alg": "none", "typ": "JWT"}),
        jwt.encode(FIELDS, "", algorithm="none").encode(),
        signed(FIELDS) + b"=",
        signed(FIELDS).rpartition(b".")[0] + b".",
        b"..",
        b"",
        b"\xff\xfe",
    ],
)
def test_what_we_did_not_sign_so_is_nobody(token: bytes) -> None:
    with pytest.raises(Unauthenticated):
        Tokens(KEY).principal(bearer(token), NOW)


def test_a_token_ends_by_the_clusters_clock() -> None:
    """Also one that was remembered."""
    tokens = Tokens(KEY)
    token = bearer(tokens.for_diner(Diner("guest-1"), LATER))
    tokens.principal(token, LATER - 1)

    with pytest.raises(Unauthenticated):
        tokens.principal(token, LATER)
