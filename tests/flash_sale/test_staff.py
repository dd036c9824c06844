"""What staff do with a sale, and what everybody sees of it."""

from __future__ import annotations

import msgspec
import pytest

from actors.testing.kit import NOON, after
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import ChangeSale, Claim, GetSale, ReleaseClaim
from flash_sale.rejections import AlreadyOpened, AlreadyStarted, Ended, FlashSaleNotFound, InvalidField
from tests.flash_sale.builders import HOUR, MINUTE, SECOND, claim, draw_sale, names, opening, sale, sound


def test_F7_a_start_that_is_past_opens_at_once() -> None:
    """A manager who is late can sell immediately."""
    given = after(FlashSaleItem("f1"))

    outcome = given.when(opening(starts_at=NOON - HOUR))

    assert names(outcome) == ["SaleOpened", "SaleStarted"]
    assert outcome.reply.phase == "open"
    assert outcome.reply == given.ask(GetSale())


def test_F7_a_planned_sale_starts_by_itself() -> None:
    """The reminder at the start tells everybody, without anybody asking."""
    given = sale(starts_at=NOON + MINUTE)

    outcome = given.then_wake()

    assert (outcome.at, names(outcome)) == (NOON + MINUTE, ["SaleStarted"])
    assert given.deadline == NOON + HOUR


def test_F11_only_a_draw_has_a_seed_to_show() -> None:
    """The hash of the seed is part of the answer to creating a draw."""
    assert sale().ask(GetSale()).seed_hash is None
    assert len(draw_sale().ask(GetSale()).seed_hash) == 64


def test_F11_every_sale_has_a_seed_of_its_own() -> None:
    """Seeds follow from the command that opens the sale, and from the sale."""
    seeds = set()
    for flash_sale_id in ("f1", "f2"):
        for key in (b"a" * 16, b"b" * 16):
            given = after(FlashSaleItem(flash_sale_id))
            given.when(opening(), command_id=key)
            seeds.add(given.state.seed)

    assert len(seeds) == 4


def test_F10_a_sale_is_opened_once() -> None:
    """A second opening, under another id, changes nothing."""
    assert sale().when(opening(stock=99)).rejection == AlreadyOpened()


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ({"stock": 0}, "$.stock"),
        ({"stock": 10**9}, "$.stock"),
        ({"price_fen": -1}, "$.price_fen"),
        ({"per_user_limit": 0}, "$.per_user_limit"),
        ({"hold_seconds": 0}, "$.hold_seconds"),
        ({"title": ""}, "$.title"),
        ({"ends_at": NOON}, "$.ends_at"),
        ({"starts_at": NOON - HOUR, "ends_at": NOON - MINUTE}, "$.ends_at"),
        ({"policy": "draw"}, "$.draw_window_ms"),
        ({"policy": "draw", "draw_window_ms": HOUR + 1}, "$.draw_window_ms"),
        ({"policy": "draw", "draw_window_ms": HOUR, "starts_at": NOON + 1}, "$.draw_window_ms"),
        ({"policy": "auction"}, "$.policy"),
        ({"policy": "fifo", "draw_window_ms": 10 * SECOND}, "$.draw_window_ms"),
        ({"title": "Crab\u202e"}, "$.title"),
        ({"title": "Crab\n"}, "$.title"),
    ],
)
def test_F7_terms_that_make_no_sale_are_refused(terms: dict[str, object], path: str) -> None:
    """The refusal names the field that is wrong."""
    outcome = after(FlashSaleItem("f1")).when(opening(**terms))

    assert isinstance(outcome.rejection, InvalidField), outcome.rejection
    assert outcome.rejection.path == path


def test_F7_staff_change_a_sale_before_it_starts() -> None:
    """Everything but the stock can still be planned anew; the answer shows the new terms."""
    given = sale(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)

    outcome = given.when(
        ChangeSale(
            title="Crab tonight", price_fen=2_900, starts_at=NOON + MINUTE, per_user_limit=1, hold_seconds=60
        )
    )

    view = outcome.reply
    assert (view.title, view.price_fen, view.per_user_limit) == ("Crab tonight", 2_900, 1)
    assert view == given.ask(GetSale())
    assert given.deadline == NOON + MINUTE
    given.then_wake()
    assert given.when(Claim(user_id="g", quantity=1)).reply.expires_at == NOON + MINUTE + 60 * SECOND


@pytest.mark.parametrize(
    "change", [{"price_fen": 1}, {"starts_at": NOON + MINUTE}, {"draw_window_ms": 20 * SECOND}]
)
def test_F7_what_diners_have_acted_on_cannot_be_changed(change: dict[str, int]) -> None:
    """Price, start and draw window are fixed once the sale has started."""
    assert draw_sale().when(ChangeSale(**change)).rejection == AlreadyStarted(starts_at=NOON)


def test_F11_a_sale_without_a_draw_gets_no_window_by_a_change() -> None:
    """It would say something that does not happen."""
    given = sale(starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)

    rejection = given.when(ChangeSale(draw_window_ms=10 * SECOND)).rejection

    assert isinstance(rejection, InvalidField)
    assert rejection.path == "$.draw_window_ms"


def test_F7_a_running_sale_can_be_prolonged_and_renamed() -> None:
    """What hurts no diner stays open to staff; naming a fixed value again is no change."""
    given = sale()

    outcome = given.when(ChangeSale(ends_at=NOON + 2 * HOUR, title="More time", price_fen=3_900))

    assert outcome.reply.ends_at == NOON + 2 * HOUR
    assert given.deadline == NOON + 2 * HOUR


def test_F7_a_draw_keeps_its_window_when_the_end_moves() -> None:
    """The draw must still be held before the end."""
    given = draw_sale()

    assert given.when(ChangeSale(ends_at=NOON + MINUTE)).accepted
    refused = given.when(ChangeSale(ends_at=NOON + SECOND))

    assert isinstance(refused.rejection, InvalidField)
    assert given.state.draw_ends_at == NOON + 10 * SECOND


def test_F7_a_sale_that_is_over_stays_as_it_was() -> None:
    """Nothing of an ended sale can be changed, and no sale can be moved into the past."""
    given = sale()

    past = given.when(ChangeSale(ends_at=NOON), NOON + MINUTE)
    over = given.when(ChangeSale(title="Again"), NOON + HOUR)

    assert isinstance(past.rejection, InvalidField)
    assert over.rejection == Ended(ends_at=NOON + HOUR)
    assert after(FlashSaleItem("f9")).when(ChangeSale(title="x")).rejection == FlashSaleNotFound()


def test_F7_a_lower_limit_binds_later_claims_only() -> None:
    """A claim that was made under the old limit stands."""
    given = sale(per_user_limit=3)
    claim(given, "guest-1", 3)
    given.when(ChangeSale(per_user_limit=1))

    assert not given.when(Claim(user_id="guest-1", quantity=1)).accepted
    assert given.when(Claim(user_id="guest-2", quantity=1)).accepted
    sound(given)


def test_X1_the_view_counts_its_changes_without_a_gap() -> None:
    """Two views that differ (but for the clock) have different seq, and each event counts one."""
    given = sale(stock=2)
    seen: dict[int, bytes] = {}

    def look() -> None:
        view = given.ask(GetSale())
        shown = msgspec.msgpack.encode(msgspec.structs.replace(view, server_time=0, phase=""))
        assert seen.setdefault(view.seq, shown) == shown

    look()
    one = claim(given, "guest-1")
    look()
    claim(given, "guest-2")
    look()
    claim(given, "guest-3", wait=True)
    look()
    given.when(ReleaseClaim(claim_id=one, user_id="guest-1"))
    look()
    given.when(ChangeSale(title="x"))
    look()
    given.wakes_until(NOON + 2 * HOUR)
    look()

    shown_events = len(given.history)
    assert given.state.seq == shown_events
