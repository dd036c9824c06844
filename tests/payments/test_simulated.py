"""The simulated channel keeps a real channel's rules."""

from __future__ import annotations

from payments.channel import CloseRefused
from payments.simulated import CHANNELS, CLOSE_REFUSED_MS


def test_O6_a_young_payment_is_not_closed() -> None:
    """The refusal says when to ask again, and then the close is done."""
    channel = CHANNELS["simulated"]

    refused = channel.close(opened_at=1_000, at=1_000 + CLOSE_REFUSED_MS - 1)

    assert refused == CloseRefused(again_at=1_000 + CLOSE_REFUSED_MS)
    assert channel.close(opened_at=1_000, at=refused.again_at) is None


def test_O6_a_payment_has_one_transaction() -> None:
    """However often it is reported, it is the same money."""
    channel = CHANNELS["simulated"]

    assert channel.transaction_id("o1.p1") == channel.transaction_id("o1.p1")
    assert channel.transaction_id("o1.p1") != channel.transaction_id("o2.p1")


def test_every_channel_is_found_by_its_own_name() -> None:
    """A payment keeps the name it was opened with."""
    assert all(channel.name == name for name, channel in CHANNELS.items())
