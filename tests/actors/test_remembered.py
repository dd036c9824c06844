"""Answers in sealed blocks are the same bytes; they are let go by time, a whole block at once."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from actors import remembered
from actors.parts import Part
from actors.remembered import KEPT_MS, Answers, Remembered

HOUR = 3_600_000


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 5))
def test_G4_answers_are_a_dict_that_forgets_after_a_day(hours: list[int], block: int) -> None:
    """What was answered in the last 24 h is there as it was given; restored blocks say the same."""
    with patch.object(remembered, "BLOCK", block):
        answers, at = Answers(), 0
        plain: dict[bytes, Remembered] = {}
        for number, passed in enumerate(hours):
            at += passed * HOUR
            one = Remembered(at, number, b"d%d" % number, b"answer %d" % number, number % 5 == 0)
            plain[number.to_bytes(2, "big")] = one
            answers.put(number.to_bytes(2, "big"), one)
        again = Answers()
        for sealed in answers.blocks():
            again.attach(sealed.encode(), Part(b"", 0))
        again.take_over(answers.new_records())

    for command_id, one in plain.items():
        kept = answers.get(command_id)
        assert kept in (one, None)
        if one.at >= at - KEPT_MS:
            assert kept == one
        assert again.get(command_id) == kept
    assert answers.get(b"never") is None
    assert list(again) == list(answers)
