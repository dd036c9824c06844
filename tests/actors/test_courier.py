"""A send has one effect: what its receiver did, or its compensation, never both."""

from __future__ import annotations

import msgspec
import pytest

from actors.lanes import Answer, Batch, Request, decode_batch, encode_batch
from actors.silo import Silo
from actors.testing.local import LocalLanes, local_silo, memory_stores, start_local_silo
from actors.words import Accepted, Rejected, Reply, Unserved
from tests.actors.counter_shop import EmptyTill, RingUp, TillEntity
from tests.actors.test_host import until

pytestmark = pytest.mark.anyio

SEND = b"send".ljust(16)


async def deliver(silo: Silo, *, final_no: bool = True, quantity: int = 9) -> Reply:
    """One copy of the send reaches the till; nine are too many for it."""
    replies: list[Reply] = []
    silo.router.submit(
        "till/t",
        RingUp(quantity=quantity),
        command_id=SEND,
        deadline=silo.clock.monotonic() + 5,
        callback=replies.append,
        final_no=final_no,
    )
    await until(lambda: bool(replies), "answered")
    return replies[0]


async def test_G6_a_late_copy_of_a_refused_send_is_refused_when_there_is_room_again() -> None:
    """The sender has undone it by then: both would be true. The no survives the end of the process."""
    stores = memory_stores()
    async with local_silo(TillEntity, stores=stores) as silo:
        await silo.router.ask("till/t", RingUp(quantity=3), command_id=b"first".ljust(16))
        first = await deliver(silo, quantity=4)
        await silo.router.ask("till/t", EmptyTill(), command_id=b"empty".ljust(16))
        late = await deliver(silo, quantity=4)

    async with local_silo(TillEntity, stores=stores) as silo:
        after_restart = await deliver(silo, quantity=4)

    for no in (first, late, after_restart):
        assert isinstance(no, Rejected)
        assert (no.code, no.status, no.detail) == ("till_full", 409, "The till takes no more.")
    assert isinstance(late, Rejected)
    assert isinstance(first, Rejected)
    assert late.seq > first.seq


async def test_G6_a_no_that_nobody_undoes_leaves_no_trace() -> None:
    """A diner who was refused may try again with the same key when things have changed."""
    async with local_silo(TillEntity) as silo:
        await silo.router.ask("till/t", RingUp(quantity=3), command_id=b"first".ljust(16))
        assert isinstance(await deliver(silo, final_no=False, quantity=4), Rejected)
        assert silo.host.activations["till/t"].memory.seq == 1
        await silo.router.ask("till/t", EmptyTill(), command_id=b"empty".ljust(16))

        assert isinstance(await deliver(silo, final_no=False, quantity=4), Accepted)


async def test_G6_a_send_is_known_by_its_id_whatever_the_digest() -> None:
    """A newer release may digest the same stored send otherwise; it is still the one that was accepted."""
    async with local_silo(TillEntity) as silo:
        yes = await deliver(silo, quantity=1)
        answers = silo.host.activations["till/t"].memory.remembered
        answered = answers.get(SEND)
        assert answered is not None
        answers.put(SEND, msgspec.structs.replace(answered, digest=b"otherwise"))

        assert await deliver(silo, quantity=1) == yes


async def test_G6_a_word_this_release_does_not_know_is_not_a_no_to_a_send() -> None:
    """A no that cannot be recorded would become a yes after the roll-out."""
    answers: dict[int, Reply] = {}
    lanes, stores = LocalLanes(), memory_stores()
    silo = await start_local_silo("local", [TillEntity], stores=stores, lanes=lanes)

    class Elsewhere:
        """The silo that asks; hears the answers."""

        def receive(self, raw: bytes) -> None:
            for message in decode_batch(raw).messages:
                assert isinstance(message, Answer)
                answers[message.number] = message.reply

    lanes.silos["elsewhere#1"] = Elsewhere()  # type: ignore[assignment]
    await until(lambda: silo.router.placement is not None and silo.router.placement.owner[0] != "", "ours")
    requests = [
        Request(1, "till/t", "RingUpTwice", b"\x80", SEND, 5_000, True),
        Request(2, "till/t", "RingUpTwice", b"\x80", SEND, 5_000, False),
    ]
    silo.router.receive(encode_batch(Batch("elsewhere#1", silo.address, 0, list(requests))))
    await until(lambda: len(answers) == 2, "both answered")

    assert isinstance(answers[1], Unserved)
    assert isinstance(answers[2], Rejected)
    assert answers[2].code == "unknown_command"
    await silo.drain(5.0)
    await silo.stop()
