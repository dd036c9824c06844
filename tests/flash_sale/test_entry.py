"""The entry token (F8): for one diner, one sale, from one moment on."""

from __future__ import annotations

import pytest

from flash_sale.commands import GetSale
from flash_sale.entry import TOKEN_LENGTH_MAX, sign, verify
from flash_sale.rejections import EntryTokenInvalid
from tests.flash_sale.builders import sale

SECRET = b"of this system"


def test_F8_a_token_lets_its_diner_in() -> None:
    """What was signed is accepted, from its moment on."""
    token = sign(SECRET, "f1", "guest-1", valid_from=1_000)

    verify(SECRET, token, "f1", "guest-1", at=1_000)
    assert len(token) <= TOKEN_LENGTH_MAX


def test_F8_a_token_before_its_moment_says_when() -> None:
    """A bot that asked early cannot use the answer early."""
    token = sign(SECRET, "f1", "guest-1", valid_from=1_000)

    with pytest.raises(EntryTokenInvalid) as refused:
        verify(SECRET, token, "f1", "guest-1", at=999)

    assert refused.value == EntryTokenInvalid(valid_from=1_000)


@pytest.mark.parametrize(
    ("secret", "flash_sale_id", "user_id"),
    [(SECRET, "f1", "guest-2"), (SECRET, "f2", "guest-1"), (b"another", "f1", "guest-1")],
)
def test_F8_a_token_is_of_no_use_to_others(secret: bytes, flash_sale_id: str, user_id: str) -> None:
    """Another diner, another sale, another system: refused."""
    token = sign(SECRET, "f1", "guest-1", valid_from=0)

    with pytest.raises(EntryTokenInvalid):
        verify(secret, token, flash_sale_id, user_id, at=1)


def test_F8_sale_and_diner_cannot_be_shifted_into_each_other() -> None:
    """The token of diner "b-c" in sale "a" is not one of diner "c" in sale "a-b"."""
    token = sign(SECRET, "a", "b\x1fc", valid_from=0)

    with pytest.raises(EntryTokenInvalid):
        verify(SECRET, token, "a\x1fb", "c", at=1)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "1",
        "1.",
        ".x",
        "x.y",
        "-1.x",
        "1.é",
        "١.x",
        "1." + "A" * 10_000,
        "9" * 5_000 + ".x",
        "1.\udcff",
    ],
)
def test_F8_rubbish_is_refused_without_a_fuss(token: str) -> None:
    """Whatever a header holds, the answer is the same refusal."""
    with pytest.raises(EntryTokenInvalid):
        verify(SECRET, token, "f1", "guest-1", at=1)


def test_F8_a_token_cannot_be_dated_back() -> None:
    """The moment is part of what is signed."""
    signature = sign(SECRET, "f1", "guest-1", valid_from=9_000).partition(".")[2]

    with pytest.raises(EntryTokenInvalid):
        verify(SECRET, f"1.{signature}", "f1", "guest-1", at=5)


def test_F8_a_sale_says_whether_it_asks_for_a_token() -> None:
    """It does unless it was switched off."""
    assert sale().ask(GetSale()).entry_required is True
    assert sale(entry_required=False).ask(GetSale()).entry_required is False
