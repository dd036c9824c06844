"""Claiming: stock, limit per diner, bounds, and the sale's own clock."""

from __future__ import annotations

import msgspec
import pytest

from actors import codec
from actors.testing.kit import NOON, after
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import QUANTITY_MAX, Claim, GetClaim, GetSale
from flash_sale.events import Claimed
from flash_sale.rejections import (
    ClaimNotFound,
    Ended,
    FlashSaleNotFound,
    InvalidField,
    LimitReached,
    NotStarted,
    SoldOut,
)
from tests.flash_sale.builders import HOLD, HOUR, claim, names, sale, sound


def test_F1_exactly_n_holds() -> None:
    """Of many diners, exactly as many get a hold as there is stock; the others hear that it is sold out."""
    given = sale(stock=5)

    outcomes = [given.when(Claim(user_id=f"guest-{n}", quantity=1)) for n in range(20)]

    assert [outcome.accepted for outcome in outcomes] == [True] * 5 + [False] * 15
    assert {str(outcome.rejection) for outcome in outcomes[5:]} == {str(SoldOut(left=0, waiting=0))}
    assert given.state.held == 5
    sound(given)


def test_F1_a_claim_for_more_than_is_left_takes_nothing() -> None:
    """A claim gets all it asks for or nothing."""
    given = sale(stock=3, per_user_limit=5)
    claim(given, "guest-1", 2)

    outcome = given.when(Claim(user_id="guest-2", quantity=2))

    assert outcome.rejection == SoldOut(left=1, waiting=0)
    assert given.state.left == 1


def test_F2_two_claims_of_one_guest_share_the_limit() -> None:
    """A guest cannot pass per_user_limit by claiming twice."""
    given = sale(per_user_limit=2)
    claim(given, "guest-1", 2)

    outcome = given.when(Claim(user_id="guest-1", quantity=1))

    assert outcome.rejection == LimitReached(limit=2, taken=2)
    assert outcome.events == []
    assert given.state.left == 8


def test_F2_waiting_counts_for_the_limit() -> None:
    """A place in the waitlist becomes a hold without asking again, so it counts now."""
    given = sale(stock=2, per_user_limit=2)
    claim(given, "guest-1")
    claim(given, "guest-2", 2, wait=True)

    outcome = given.when(Claim(user_id="guest-2", quantity=1, wait=True))

    assert outcome.rejection == LimitReached(limit=2, taken=2)


def test_F5_the_same_command_names_the_same_claim() -> None:
    """The claim's id follows from the command's id, so a retry that is decided again is the same claim."""
    command = Claim(user_id="guest-1", quantity=1)

    first = sale().when(command, command_id=b"k" * 16)
    second = sale().when(command, command_id=b"k" * 16)

    assert first.reply.claim_id == second.reply.claim_id
    assert first.reply.claim_id.startswith("f1.c")


def test_F7_before_the_start_nothing_can_be_claimed() -> None:
    """The start is judged by the sale's clock, to the millisecond, also when its reminder is late."""
    given = sale(starts_at=NOON + 1_000)

    early = given.when(Claim(user_id="guest-1", quantity=1), NOON + 999)
    in_time = given.when(Claim(user_id="guest-1", quantity=1), NOON + 1_000)

    assert early.rejection == NotStarted(starts_at=NOON + 1_000)
    assert names(in_time) == ["SaleStarted", "Claimed"]


def test_F7_from_the_end_on_nothing_can_be_claimed() -> None:
    """The end is judged by the sale's clock, also when its reminder is late."""
    given = sale()

    last = given.when(Claim(user_id="guest-1", quantity=1), NOON + HOUR - 1)
    over = given.when(Claim(user_id="guest-2", quantity=1), NOON + HOUR)

    assert last.accepted
    assert over.rejection == Ended(ends_at=NOON + HOUR)


def test_F7_the_phase_follows_the_clock() -> None:
    """upcoming, open, sold_out and ended are what the clock and the stock say."""
    given = sale(stock=1, starts_at=NOON + 10)

    phases = [given.ask(GetSale(), NOON + 9).phase, given.ask(GetSale(), NOON + 10).phase]
    claim(given, "guest-1")
    phases += [given.ask(GetSale()).phase, given.ask(GetSale(), NOON + HOUR).phase]

    assert phases == ["upcoming", "open", "sold_out", "ended"]


def test_F12_a_claim_answers_its_position_and_reason() -> None:
    """Positions count the claims of the sale from 1, whatever became of them."""
    given = sale(stock=2)

    answers = [given.when(Claim(user_id=f"guest-{n}", quantity=1, wait=n == 2)).reply for n in range(3)]

    assert [(answer.position, answer.status, answer.reason) for answer in answers] == [
        (1, "held", "in_order"),
        (2, "held", "in_order"),
        (3, "waiting", "nothing_left"),
    ]


def test_F4_the_answer_of_a_claim_is_what_a_later_question_answers() -> None:
    """What a diner is told at once is what the sale says afterwards."""
    given = sale(stock=1)
    for user_id in ("guest-1", "guest-2", "guest-3"):
        answer = given.when(Claim(user_id=user_id, quantity=1, wait=True)).reply

        assert given.ask(GetClaim(claim_id=answer.claim_id, user_id=user_id)) == answer


def test_F4_a_hold_says_when_it_expires_without_the_grace() -> None:
    """expires_at is the claim's moment plus the hold; the grace is not shown."""
    outcome = sale().when(Claim(user_id="guest-1", quantity=1), NOON + 7)

    assert outcome.reply.expires_at == NOON + 7 + HOLD


@pytest.mark.parametrize("quantity", [0, -1, QUANTITY_MAX + 1, 10**9, -(2**63)])
def test_F2_a_quantity_out_of_bounds_is_refused_at_both_doors(quantity: int) -> None:
    """Neither the reader of words nor the decision lets an absurd quantity in."""
    command = Claim(user_id="guest-1", quantity=quantity)

    outcome = sale().when(command)

    assert isinstance(outcome.rejection, InvalidField)
    assert outcome.rejection.path == "$.quantity"
    with pytest.raises(codec.Unreadable):
        codec.decode_word("Claim", codec.encode_payload(command), FlashSaleItem.type)


def test_F1_an_unknown_sale_is_not_found() -> None:
    """Nothing can be claimed or seen of a sale that was never opened."""
    given = after(FlashSaleItem("nothing"))

    assert given.when(Claim(user_id="guest-1", quantity=1)).rejection == FlashSaleNotFound()
    with pytest.raises(FlashSaleNotFound):
        given.ask(GetSale())


def test_F4_anothers_claim_looks_like_an_unknown_one() -> None:
    """Nobody learns from an answer whether a claim of somebody else exists."""
    given = sale()
    claim_id = claim(given, "guest-1")

    with pytest.raises(ClaimNotFound):
        given.ask(GetClaim(claim_id=claim_id, user_id="guest-2"))
    with pytest.raises(ClaimNotFound):
        given.ask(GetClaim(claim_id="f1.cnothing", user_id="guest-2"))


def test_F3_a_sale_with_claims_survives_a_snapshot() -> None:
    """The whole state is msgpack and back, deadlines and waitlist included."""
    given = sale(stock=1)
    claim(given, "guest-1")
    claim(given, "guest-2", wait=True)

    restored = msgspec.msgpack.decode(codec.encode(given.state), type=type(given.state))

    assert restored == given.state
    assert restored.deadline == given.deadline


def test_F1_the_events_of_a_claim_say_who_what_and_until_when() -> None:
    """The journal alone tells what was held for whom."""
    outcome = sale().when(Claim(user_id="guest-1", quantity=2))

    assert outcome.events == [
        Claimed(claim_id=outcome.reply.claim_id, user_id="guest-1", quantity=2, expires_at=NOON + HOLD)
    ]
