"""What is written can be read: events, commands, sends, digests; older forms through upcasters; damage is told."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.activation import Batch
from actors.codec import (
    Acknowledged,
    CommandRecord,
    EventRecord,
    SendRecord,
    Unreadable,
    decode_event,
    decode_word,
    digest,
    encode,
    encode_payload,
    read_commands,
    read_events,
    read_sends,
    record_event,
)
from actors.turn import Turn, command_id, derived_id
from tests.actors.counter_shop import Bought, Buy, Filled, GivenBack, Lapsed, Shop

moments = st.integers(0, 2**48)
events = st.one_of(
    st.builds(Bought, quantity=st.integers(-(2**62), 2**62), till=st.text(max_size=40)),
    st.builds(GivenBack, quantity=st.integers(0, 1000)),
    st.builds(Filled, filling=st.binary(max_size=300)),
    st.just(Lapsed()),
    st.builds(Acknowledged, sends=st.lists(st.binary(min_size=16, max_size=16), max_size=5)),
)


@given(st.lists(st.tuples(events, moments), min_size=1, max_size=20))
def test_G9_events_come_back_as_they_were_written(history: list[tuple[msgspec.Struct, int]]) -> None:
    """Any events at any moments, in one document."""
    batch = Batch(first_seq=7)
    batch.events = [record_event(event, at) for event, at in history]  # type: ignore[arg-type]
    batch.nonce = b"n"
    document = batch.document("shop/a", "silo-0#1")

    records = read_events(document.events)
    assert document.n == len(history)
    assert document.last_seq == 6 + len(history)
    assert [(decode_event(record, Shop.type), record.at) for record in records] == history


@given(
    st.lists(
        st.builds(CommandRecord, st.binary(), st.binary(), st.integers(0, 99), st.binary(), st.booleans())
    )
)
def test_G4_commands_come_back_as_they_were_written(commands: list[CommandRecord]) -> None:
    """Ids, digests and answers are bytes, byte for byte."""
    assert read_commands(encode(commands)) == commands


@given(
    st.lists(st.builds(SendRecord, st.binary(), st.text(), st.text(), st.binary(), st.text(), st.binary()))
)
def test_G6_sends_come_back_as_they_were_written(sends: list[SendRecord]) -> None:
    """With their compensations."""
    assert read_sends(encode(sends)) == sends


@given(st.integers(), st.text(max_size=20))
def test_a_command_means_the_same_after_a_lane(quantity: int, till: str) -> None:
    """Encoded, decoded, and with the same digest on both sides."""
    if not -(2**63) <= quantity < 2**63:
        quantity %= 2**32
    word = Buy(quantity=quantity, till=till)
    again = decode_word("Buy", encode_payload(word), Shop.type)

    assert again == word
    assert digest(again) == digest(word)


@given(st.integers(0, 1000), moments)
def test_G9_version_1_is_read_through_its_upcaster(count: int, at: int) -> None:
    """``count`` of version 1 is ``quantity`` of version 2."""
    old = EventRecord("Bought", 1, at, msgspec.Raw(encode({"count": count})))

    assert decode_event(old, Shop.type) == Bought(quantity=count)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (EventRecord("Bought", 3, 0, msgspec.Raw(encode({}))), "newer release"),
        (EventRecord("Vanished", 1, 0, msgspec.Raw(encode({}))), "no event"),
        (EventRecord("Bought", 2, 0, msgspec.Raw(encode({"quantity": "x"}))), "quantity"),
        (EventRecord("Bought", 0, 0, msgspec.Raw(encode({}))), "no upcaster"),
    ],
)
def test_G9_what_cannot_be_read_says_why(record: EventRecord, reason: str) -> None:
    """A newer version, an unknown type, wrong fields, a missing upcaster."""
    with pytest.raises(Unreadable, match=reason):
        decode_event(record, Shop.type)


@given(st.binary(min_size=1, max_size=32), st.text(max_size=10))
def test_a_turn_draws_the_same_again(cause: bytes, entity: str) -> None:
    """A command that is decided again gets the same ids and the same randomness, and no two draws are alike."""
    cause = derived_id(cause, "x")
    one, two = Turn(5, cause, entity), Turn(9, cause, entity)
    first = [one.new_id("c"), one.random_bytes(32), one.new_id("c")]

    assert first == [two.new_id("c"), two.random_bytes(32), two.new_id("c")]
    assert first[0] != first[2]


def test_F5_a_command_id_is_scoped_and_keyed() -> None:
    """Another caller, route, target, key or cluster gives another id."""
    base = ("guest-1", "POST", "/claims", "sale", "key")
    ids = {command_id(b"s" * 32, *base), command_id(b"t" * 32, *base)}
    for position in range(5):
        changed = [*base]
        changed[position] += "x"
        ids.add(command_id(b"s" * 32, *changed))

    assert len(ids) == 7
