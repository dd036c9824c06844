"""The check over messages between entities tells each way in which one can go wrong."""

from __future__ import annotations

import pytest

from actors.codec import SendRecord, encode
from actors.courier import REJECTED
from actors.journal import Document
from actors.testing.simulation.sagas import Sagas
from actors.turn import derived_id

SEND = b"send".ljust(16)
TAKEN = ("till/t", SEND)
UNDONE = ("shop/a", derived_id(SEND, REJECTED))


def sagas(rejected_type: str = "GiveBack") -> Sagas:
    """One shop has sent one message to a till."""
    sends = [SendRecord(SEND, "till/t", "RingUp", b"", rejected_type, b"")]
    checked = Sagas()
    document = Document(
        entity="shop/a",
        first_seq=1,
        n=1,
        events=b"",
        cmds=b"",
        sends=encode(sends),
        types=[],
        silo="silo-0#1",
        nonce=b"n",
    )
    checked.note(document)
    return checked


@pytest.mark.parametrize("stored", [{TAKEN}, {UNDONE}])
def test_G6_one_effect_is_well(stored: set[tuple[str, bytes]]) -> None:
    """Accepted there, or compensated here."""
    assert list(sagas().broken(dict.fromkeys(stored))) == []


def test_G6_both_effects_are_told() -> None:
    """Accepted there and compensated here: both would be true."""
    (broken,) = sagas().broken({TAKEN: None, UNDONE: None})

    assert "till/t accepted what shop/a undid" in broken


def test_G6_no_effect_is_told() -> None:
    """Neither accepted nor compensated: something was lost on the way."""
    (broken,) = sagas().broken({})

    assert "had no effect at all" in broken


def test_G6_a_no_without_compensation_is_well() -> None:
    """The sender said that a rejection needs no undoing."""
    assert list(sagas(rejected_type="").broken({})) == []
