"""A send has one effect: what its receiver did, or its compensation, never both."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.activation import Pending
from actors.codec import digest
from actors.courier import Compensation
from actors.testing.local import local_silo
from actors.words import Accepted, Command, Reply, Unserved
from tests.actors.counter_shop import GiveBack, HowMany, Note, Shop, TillEntity

pytestmark = pytest.mark.anyio

FAR_AWAY_S = 1e12


def waiting(
    kind: type[Pending], command: Command, command_id: bytes, callback: Callable[[Reply], None]
) -> Pending:
    """A command in a mailbox that nobody has decided yet."""
    return kind(command, command_id, digest(command), FAR_AWAY_S, callback)


async def test_G6_a_compensation_does_not_outlive_the_state_that_heard_the_rejection() -> None:
    """The state is lost before the compensation is stored: the send goes out again, so the compensation must not wait
    in the new state's mailbox; a diner's command beside it does."""
    replies: list[Reply] = []
    async with local_silo(Shop, TillEntity) as silo:
        assert isinstance(await silo.router.ask("shop/a", HowMany()), Accepted)
        lost = silo.host.activations["shop/a"]
        undo = waiting(Compensation, GiveBack(quantity=2), b"undo".ljust(16), replies.append)
        note = waiting(Pending, Note(), b"note".ljust(16), lambda reply: None)
        for pending in (undo, note):
            silo.host.admit(pending)
            lost.mailbox.append(pending)

        silo.host.drop(lost)

        fresh = silo.host.activations["shop/a"]
        assert fresh is not lost
        assert [type(reply) for reply in replies] == [Unserved]
        assert list(fresh.mailbox) == [note]
