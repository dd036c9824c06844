"""The waitlist: strict order, at once, nobody skipped."""

from __future__ import annotations

import pytest

from actors.testing.kit import NOON, Given
from flash_sale import waitlist
from flash_sale.actor import WAITLIST_MAX
from flash_sale.commands import Claim, GetClaim, GetSale, OrderClosed, ReleaseClaim
from flash_sale.events import HoldExpired, Offered, WaitingLetGo
from flash_sale.rejections import SoldOut, WaitlistFull
from flash_sale.state import Sale
from tests.flash_sale.builders import GRACE, HOLD, HOUR, checkout, claim, confirm, names, sale, sound, states


def test_F4_only_a_claim_that_asks_joins_the_waitlist() -> None:
    """Without wait the answer is sold out, and nothing is remembered."""
    given = sale(stock=1)
    claim(given, "guest-1")

    outcome = given.when(Claim(user_id="guest-2", quantity=1))

    assert outcome.rejection == SoldOut(left=0, waiting=0)
    assert given.state.waiting == 0


def test_F4_an_expired_hold_goes_to_the_head_in_the_same_decision() -> None:
    """Between one hold's end and the next hold nothing is ever left to a stampede."""
    given = sale(stock=1)
    first = claim(given, "guest-1")
    second = claim(given, "guest-2", wait=True)
    third = claim(given, "guest-3", wait=True)

    outcome = given.then_wake()

    assert outcome.at == NOON + HOLD + GRACE
    assert outcome.events == [
        HoldExpired(claim_id=first),
        Offered(claim_id=second, expires_at=outcome.at + HOLD),
    ]
    assert states(given, first, second, third) == ["expired", "held", "waiting"]
    sound(given)


def test_F4_a_hold_given_back_goes_to_the_head_in_the_same_decision() -> None:
    """DELETE frees the stock for the one who waits longest."""
    given = sale(stock=1)
    first = claim(given, "guest-1")
    second = claim(given, "guest-2", wait=True)

    outcome = given.when(ReleaseClaim(claim_id=first, user_id="guest-1"))

    assert names(outcome) == ["Released", "Offered"]
    assert states(given, first, second) == ["released", "held"]
    sound(given)


def test_F4_a_head_that_needs_two_blocks_those_behind_it() -> None:
    """Nobody is skipped: one that would fit waits until the head before it has what it wants."""
    given = sale(stock=2)
    one, two = claim(given, "guest-1"), claim(given, "guest-2")
    head = claim(given, "guest-3", 2, wait=True)
    behind = claim(given, "guest-4", 1, wait=True)

    given.when(ReleaseClaim(claim_id=one, user_id="guest-1"))

    assert states(given, head, behind) == ["waiting", "waiting"]
    assert given.state.left == 1
    given.when(ReleaseClaim(claim_id=two, user_id="guest-2"))
    assert states(given, head, behind) == ["held", "waiting"]
    sound(given)


def test_F4_a_new_claim_does_not_overtake_the_waitlist() -> None:
    """What is left while somebody waits belongs to them, though a new claim would fit."""
    given = sale(stock=2)
    one = claim(given, "guest-1")
    claim(given, "guest-2")
    claim(given, "guest-3", 2, wait=True)
    given.when(ReleaseClaim(claim_id=one, user_id="guest-1"))

    outcome = given.when(Claim(user_id="guest-4", quantity=1))

    assert outcome.rejection == SoldOut(left=1, waiting=1)
    assert given.ask(GetSale()).phase == "sold_out"


def test_F4_when_a_blocking_head_leaves_those_behind_are_served_at_once() -> None:
    """The head gives up its place; what is left fits the next ones."""
    given = sale(stock=3)
    one, _ = claim(given, "guest-1"), claim(given, "guest-2", 2)
    head = claim(given, "guest-3", 2, wait=True)
    next_one = claim(given, "guest-4", 1, wait=True)
    last = claim(given, "guest-5", 1, wait=True)
    given.when(ReleaseClaim(claim_id=one, user_id="guest-1"))

    outcome = given.when(ReleaseClaim(claim_id=head, user_id="guest-3"))

    assert names(outcome) == ["Released", "Offered"]
    assert states(given, head, next_one, last) == ["released", "held", "waiting"]
    sound(given)


def test_F4_a_claim_of_more_than_can_ever_come_back_is_refused_at_once() -> None:
    """Given one unsold piece, when somebody asks to wait for two, then they hear that one is all there may be."""
    given = sale(stock=2)
    sold = claim(given, "guest-1")
    confirm(given, sold, checkout(given, sold))

    outcome = given.when(Claim(user_id="guest-2", quantity=2, wait=True))

    assert outcome.rejection == SoldOut(left=1, waiting=0, unsold=1)
    assert given.state.left == 1
    claim(given, "guest-2", 1)


def test_F4_a_waiting_claim_that_can_no_longer_be_served_is_let_go_with_the_sale_that_makes_it_so() -> None:
    """Given a head that waits for three of three, when one is sold, then it is let go in the same decision, and those
    behind it get what it blocked.
    """
    given = sale(stock=3)
    one = claim(given, "guest-1")
    head = claim(given, "guest-2", 3, wait=True)
    behind = claim(given, "guest-3", 2, wait=True)
    last = claim(given, "guest-4", 1, wait=True)
    order_id = checkout(given, one)

    outcome = confirm(given, one, order_id)

    assert outcome.events[1:] == [
        WaitingLetGo(above=2),
        Offered(claim_id=behind, expires_at=outcome.at + HOLD),
    ]
    assert states(given, head, behind, last) == ["expired", "held", "waiting"]
    assert given.ask(GetClaim(claim_id=head)).reason == "too_few_left"
    assert given.state.taken.get("guest-2", 0) == 0


def test_F4_nobody_is_let_go_as_long_as_a_hold_may_run_out() -> None:
    """What others hold or pay for may come back, so a head that wants all of it waits on."""
    given = sale(stock=3)
    one, two = claim(given, "guest-1"), claim(given, "guest-2")
    head = claim(given, "guest-3", 2, wait=True)

    assert names(confirm(given, one, checkout(given, one))) == ["Sold"]
    assert states(given, two, head) == ["held", "waiting"]
    assert names(confirm(given, two, checkout(given, two))) == ["Sold", "WaitingLetGo"]
    sound(given)


def test_F4_the_last_sale_lets_all_who_wait_go() -> None:
    """Nothing can come back any more, and each of them can see it."""
    given = sale(stock=1)
    one = claim(given, "guest-1")
    waiting = [claim(given, f"guest-{n}", wait=True) for n in range(2, 5)]

    confirm(given, one, checkout(given, one))

    assert states(given, *waiting) == ["expired"] * 3
    assert given.state.waiting == 0


def test_F4_leaving_from_the_middle_keeps_the_order() -> None:
    """Who gives up a place is passed over; the others keep theirs."""
    given = sale(stock=1)
    held = claim(given, "guest-0")
    waiting = [claim(given, f"guest-{n}", wait=True) for n in range(1, 5)]
    given.when(ReleaseClaim(claim_id=waiting[1], user_id="guest-2"))

    given.when(ReleaseClaim(claim_id=held, user_id="guest-0"))
    given.when(ReleaseClaim(claim_id=waiting[0], user_id="guest-1"))

    assert states(given, *waiting) == ["released", "released", "held", "waiting"]
    sound(given)


def test_F4_stock_of_a_closed_order_goes_to_the_waitlist() -> None:
    """Also what comes back from a checkout is offered in order."""
    given = sale(stock=1)
    first = claim(given, "guest-1")
    second = claim(given, "guest-2", wait=True)
    order_id = checkout(given, first)

    outcome = given.when(OrderClosed(claim_id=first, order_id=order_id, cancelled=True))

    assert names(outcome) == ["Released", "Offered"]
    assert states(given, second) == ["held"]


def test_F4_an_offered_hold_lasts_as_long_as_any_other() -> None:
    """The head has the whole hold from the moment it gets it, and is told when it ends."""
    given = sale(stock=1)
    claim(given, "guest-1")
    second = claim(given, "guest-2", wait=True)
    at = given.then_wake().at

    view = given.ask(GetClaim(claim_id=second, user_id="guest-2"))

    assert (view.status, view.reason, view.expires_at) == ("held", "from_waitlist", at + HOLD)


def test_F4_those_who_wait_are_told_how_many_are_ahead_at_most() -> None:
    """The number never grows, and is exact while nobody leaves from the middle."""
    given = sale(stock=1)
    held = claim(given, "guest-0")
    waiting = [claim(given, f"guest-{n}", wait=True) for n in range(1, 4)]

    def ahead() -> list[int | None]:
        return [given.ask(GetClaim(claim_id=claim_id)).ahead_max for claim_id in waiting]

    assert ahead() == [0, 1, 2]
    given.when(ReleaseClaim(claim_id=held, user_id="guest-0"))
    assert ahead() == [None, 0, 1]


def test_F4_a_late_reminder_does_not_let_a_new_claim_overtake() -> None:
    """A claim that comes after a hold ran out, and before the reminder, settles what is due first."""
    given = sale(stock=1)
    first = claim(given, "guest-1")
    second = claim(given, "guest-2", wait=True)

    outcome = given.when(Claim(user_id="guest-3", quantity=1, wait=True), NOON + 20 * 60_000)

    assert names(outcome) == ["HoldExpired", "Offered", "JoinedWaitlist"]
    assert states(given, first, second) == ["expired", "held"]
    sound(given)


def test_F4_a_late_reminder_does_not_hide_stock_that_is_free() -> None:
    """A hold that ran out is not in the way of a claim, though its reminder has not come."""
    given = sale(stock=1)
    claim(given, "guest-1")

    outcome = given.when(Claim(user_id="guest-2", quantity=1), NOON + HOLD + GRACE)

    assert names(outcome) == ["HoldExpired", "Claimed"]
    sound(given)


def test_F4_the_waitlist_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than WAITLIST_MAX is refused with a reason of its own."""
    assert WAITLIST_MAX == 100_000
    monkeypatch.setattr("flash_sale.actor.WAITLIST_MAX", 2)
    given = sale(stock=1)
    claim(given, "guest-0")
    claim(given, "guest-1", wait=True)
    claim(given, "guest-2", wait=True)

    outcome = given.when(Claim(user_id="guest-3", quantity=1, wait=True))

    assert outcome.rejection == WaitlistFull(waiting=2)


def test_F4_a_long_waitlist_is_cut_and_keeps_its_order() -> None:
    """Passed places are dropped now and then; places and order stay what they were."""
    given = sale(thorough=False, stock=1, per_user_limit=1, ends_at=NOON + 1_000 * HOUR)
    total = waitlist.COMPACT_AFTER * 2 + 10
    holder = claim_quickly(given, "guest-0")
    waiting = [claim_quickly(given, f"guest-{n}") for n in range(1, total)]

    for n, claim_id in enumerate(waiting, start=1):
        given.when(ReleaseClaim(claim_id=holder, user_id=f"guest-{n - 1}"))
        assert given.state.claims[claim_id].state == "held"
        holder = claim_id

    assert given.state.waitlist.cut >= waitlist.COMPACT_AFTER
    assert given.state.waitlist.length == 0
    last = claim_quickly(given, "guest-last")
    assert given.ask(GetClaim(claim_id=last)).ahead_max == 0
    sound(given)


def claim_quickly(given: Given[Sale], user_id: str) -> str:
    """A claim without looking at all the others afterwards."""
    reply = given.when(Claim(user_id=user_id, quantity=1, wait=True)).reply
    return str(reply.claim_id)
