"""The draw: chance that nobody can aim, and everybody can check."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter

import pytest

from actors.testing.kit import NOON
from flash_sale import draw
from flash_sale.claims import Claims
from flash_sale.commands import Claim, GetClaim, GetProof, GetSale, ReleaseClaim
from flash_sale.draw import Entry, hand_out
from flash_sale.rejections import DrawFull, SoldOut
from tests.flash_sale.builders import HOLD, HOUR, SECOND, claim, draw_sale, names, sound, states


def test_F11_claims_of_the_window_are_entries() -> None:
    """Who claims in the window is told when the result is there, and holds nothing yet."""
    given = draw_sale()

    view = given.when(Claim(user_id="guest-1", quantity=1), NOON + 9 * SECOND).reply

    assert (view.status, view.reason, view.result_at) == ("entered", "in_draw", NOON + 10 * SECOND)
    assert given.state.left == 10
    assert given.ask(GetClaim(claim_id=view.claim_id)) == view


def test_F11_the_draw_gives_exactly_the_stock_away() -> None:
    """Of thirty entries for ten, ten are held, those who asked wait, the others are not drawn."""
    given = draw_sale(per_user_limit=1)
    claims = [claim(given, f"guest-{n}", wait=n % 2 == 0) for n in range(30)]

    outcome = given.then_wake()

    assert outcome.at == NOON + 10 * SECOND
    assert names(outcome) == ["DrawHeld"]
    drawn = Counter(states(given, *claims))
    assert drawn["held"] == 10
    assert drawn["held"] + drawn["waiting"] + drawn["not_drawn"] == 30
    assert {given.state.claims[one].wait for one in claims if states(given, one) == ["not_drawn"]} == {False}
    assert given.ask(GetClaim(claim_id=_first(given.state.claims, "held"))).expires_at == outcome.at + HOLD
    sound(given)


def test_F11_the_order_is_the_published_rule() -> None:
    """Rank 1 has the smallest HMAC-SHA256(seed, digest ‖ claim_id)."""
    given = draw_sale(stock=1)
    claims = [claim(given, f"guest-{n}") for n in range(8)]
    given.then_wake()
    seed, digest = given.state.seed, given.state.entries_digest

    by_hand = sorted(claims, key=lambda one: hmac.new(seed, digest + one.encode(), hashlib.sha256).digest())

    assert sorted(claims, key=lambda one: given.state.claims[one].rank) == by_hand
    assert states(given, by_hand[0]) == ["held"]


def test_F11_the_seed_is_committed_to_before_anybody_enters() -> None:
    """The hash stands in the sale from its creation; the seed is shown after the draw and fits it."""
    given = draw_sale()
    promised = given.ask(GetSale()).seed_hash
    claim(given, "guest-1")
    before = given.ask(GetProof())

    given.then_wake()
    after_draw = given.ask(GetProof())

    assert (before.seed, before.lines, before.seed_hash) == (None, [], promised)
    assert hashlib.sha256(bytes.fromhex(after_draw.seed)).hexdigest() == promised


def test_F11_the_digest_of_all_entries_takes_part() -> None:
    """One more entry changes everybody's lot, so the seed alone cannot be aimed at anybody."""
    few, more = draw_sale(), draw_sale()
    assert few.state.seed == more.state.seed
    for given in (few, more):
        for n in range(6):
            claim(given, f"guest-{n}")
    claim(more, "guest-6")
    few.then_wake()
    more.then_wake()

    shared = list(few.state.claims)
    ranks = [sorted(shared, key=lambda one, g=given: g.state.claims[one].rank) for given in (few, more)]

    assert few.state.entries_digest != more.state.entries_digest
    assert ranks[0] != ranks[1]


def test_F11_an_entry_given_back_is_not_drawn() -> None:
    """Who withdraws takes no part, and stays in the digest."""
    given = draw_sale(stock=1)
    withdrawn, stays = claim(given, "guest-1"), claim(given, "guest-2")
    given.when(ReleaseClaim(claim_id=withdrawn, user_id="guest-1"))

    given.then_wake()

    assert states(given, withdrawn, stays) == ["released", "held"]
    assert given.state.entries == 2
    sound(given)


def test_F11_after_the_window_the_sale_goes_on_in_order() -> None:
    """What the draw left is first come, first served."""
    given = draw_sale(stock=2)
    claim(given, "guest-1")
    given.then_wake()

    held = given.when(Claim(user_id="guest-2", quantity=1)).reply
    nothing = given.when(Claim(user_id="guest-3", quantity=1))

    assert (held.status, held.reason) == ("held", "in_order")
    assert nothing.rejection == SoldOut(left=0, waiting=0)


def test_F11_a_claim_after_the_window_is_no_entry_though_the_reminder_is_late() -> None:
    """The draw is held before the late claim is looked at, and the claim gets what the draw left."""
    given = draw_sale(stock=2, per_user_limit=1)
    first = claim(given, "guest-1")

    outcome = given.when(Claim(user_id="guest-2", quantity=1), NOON + 11 * SECOND)
    sold_out = given.when(Claim(user_id="guest-3", quantity=1))

    assert names(outcome) == ["DrawHeld", "Claimed"]
    assert states(given, first, outcome.reply.claim_id) == ["held", "held"]
    assert sold_out.rejection == SoldOut(left=0, waiting=0)
    sound(given)


def test_F11_a_late_claim_sees_what_the_draw_leaves() -> None:
    """It is refused or waits when the draw it triggers gives everything away, with the numbers after the draw."""
    given = draw_sale(stock=1)
    for n in range(3):
        claim(given, f"guest-{n}", wait=True)

    refused = given.when(Claim(user_id="late", quantity=1), NOON + 11 * SECOND)
    waits = given.when(Claim(user_id="late", quantity=1, wait=True))

    assert refused.rejection == SoldOut(left=0, waiting=2)
    assert names(waits) == ["DrawHeld", "JoinedWaitlist"]
    assert waits.reply.ahead_max == 2
    sound(given)


def test_F11_a_draw_is_held_late_rather_than_never() -> None:
    """After a silence that outlasts the sale, the promised draw is held; the winners may still pay."""
    given = draw_sale(stock=1)
    claims = [claim(given, f"guest-{n}", wait=True) for n in range(3)]

    outcomes = [given.then_wake(NOON + 2 * HOUR), given.then_wake()]

    assert [names(outcome) for outcome in outcomes] == [["DrawHeld"], ["SaleEnded"]]
    assert Counter(states(given, *claims)) == {"held": 1, "expired": 2}
    sound(given)


def test_F11_an_entry_that_does_not_fit_blocks_those_behind_it_only_if_it_waits() -> None:
    """The draw follows the rule of an ordinary claim, in drawn order."""
    entries = [Entry("a", 1, False), Entry("b", 2, False), Entry("c", 1, False)]
    waiting = [Entry("a", 1, False), Entry("b", 2, True), Entry("c", 1, True), Entry("d", 1, False)]

    assert [one.state.value for one in hand_out(entries, 2)] == ["held", "not_drawn", "held"]
    assert [one.state.value for one in hand_out(waiting, 2)] == ["held", "waiting", "waiting", "not_drawn"]


def test_F11_a_start_that_is_past_opens_the_window_now() -> None:
    """A draw that is planned late has its whole window."""
    given = draw_sale(starts_at=NOON - HOUR)

    assert given.ask(GetSale()).result_at == NOON + 10 * SECOND


def test_F11_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than ENTRIES_MAX is refused with a reason of its own."""
    monkeypatch.setattr(draw, "ENTRIES_MAX", 2)
    given = draw_sale()
    claim(given, "guest-1")
    claim(given, "guest-2")

    assert given.when(Claim(user_id="guest-3", quantity=1)).rejection == DrawFull(entries=2)


def test_F11_chance_favours_nobody() -> None:
    """Over many draws every place in the sequence wins about as often."""
    wins: Counter[int] = Counter()
    entries = [Entry(f"f1.c{n}", 1, False) for n in range(10)]
    for round_no in range(2_000):
        seed = hashlib.sha256(round_no.to_bytes(4, "big")).digest()
        (winner, *_) = draw.in_drawn_order(entries, seed, b"digest")
        wins[int(winner.claim_id[4:])] += 1

    # 200 each are expected; beyond five standard deviations (13.4) something is aimed.
    assert all(abs(wins[n] - 200) < 67 for n in range(10)), wins


def _first(claims: Claims, state: str) -> str:
    return next(claim_id for claim_id, one in claims.items() if one.state == state)
