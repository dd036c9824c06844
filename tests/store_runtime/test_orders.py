"""Orders at their store: all or none, once, held until fired or released, and told what becomes of them."""

from __future__ import annotations

import pytest

from actors.testing.kit import NOON
from pricing.menu import Menu
from store_runtime.audit_log.acts import RecordAct
from store_runtime.by import By
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.commands import ChangeSettings
from store_runtime.store.kitchen.commands import ChangeKitchen
from store_runtime.store.kitchen.terms import KitchenTerms
from store_runtime.store.menu.commands import PublishMenu, SaveDraft, SetDishStock
from store_runtime.store.orders.commands import (
    AcceptLines,
    CancelLine,
    FireLines,
    LinesPlaced,
    NoteLines,
    PlaceUnlisted,
    RejectLines,
    RejectOrder,
    ReleaseLines,
)
from store_runtime.store.orders.rejections import BatchExists, CartStale, LineProblem, OrderUnknown
from store_runtime.store.zone import day_ends_at
from tests.store_runtime.dining import (
    HOUR,
    MINUTE,
    PICKUP,
    TABLE,
    line,
    place,
    placing,
    problems,
    restaurant,
    sound,
    state_of,
    step,
    stock,
    told,
)

DAY = 24 * HOUR


# --- all or none (§ 0, D1, D2, D3, D4) -----------------------------------------------------------------


def test_D4_a_round_takes_its_stock_and_goes_to_the_kitchen() -> None:
    """Sold at once, each line with the price that is frozen for it."""
    given = restaurant({"noodles": 5, "noodles#egg": 3})

    placed = place(given, line("l1", options=["egg"], quantity=2), line("l2", "tea"))

    assert [(one.line_id, one.unit_price_fen) for one in placed.reply.lines] == [("l1", 3_100), ("l2", 600)]
    assert stock(given, "noodles") == (3, 0, 2, 0)
    assert stock(given, "noodles#egg") == (1, 0, 2, 0)
    assert (state_of(given, "l1"), state_of(given, "l2")) == ("queued", "queued")
    assert told(placed, LinesPlaced) == [LinesPlaced(placed=placed.reply, fired=True)]


def test_D3_stock_is_checked_on_the_sum_of_lines_options_and_sets() -> None:
    """Three lines fit one by one; their sum does not, and the answer says which one is too much."""
    given = restaurant({"noodles": 3, "tea": 9})

    placed = given.when(placing(line("l1", quantity=2), line("l2", "lunch"), line("l3", "noodles")))

    assert placed.rejection == CartStale(
        lines=[LineProblem(line_id="l3", dish_id="noodles", problem="sold_out", left=0)], menu_version=1
    )
    assert stock(given, "noodles") == (3, 0, 0, 0)


def test_D4_nothing_is_taken_when_one_line_cannot_be_had() -> None:
    """A problem per line: out, too few, and the option; nothing fires."""
    given = restaurant({"noodles": 9, "noodles#egg": 0, "tea": 1})
    given.when(SetDishStock(dish_id="lunch", state="out"))

    wanted = [line("l1", "lunch"), line("l2", options=["egg"]), line("l3", "tea", quantity=2), line("l4")]
    placed = given.when(placing(*wanted))

    assert problems(placed) == [("l1", "sold_out"), ("l2", "option_sold_out"), ("l3", "not_enough")]
    assert placed.rejection is not None
    assert placed.rejection.facts()["lines"][2].left == 1
    assert (given.state.orders.lines, given.state.kitchen.lines) == ({}, {})


def test_D1_a_price_that_differs_is_said_and_nothing_is_ordered() -> None:
    """Up and down, with both prices; the server's is the only one that counts."""
    given = restaurant()

    placed = given.when(placing(line("l1", quoted_fen=2_700), line("l2", "tea", quoted_fen=700)))

    assert problems(placed) == [("l1", "price_up"), ("l2", "price_down")]
    assert placed.rejection is not None
    first = placed.rejection.facts()["lines"][0]
    assert (first.quoted_fen, first.price_fen) == (2_700, 2_800)


def test_D1_a_dish_that_left_the_menu_is_gone() -> None:
    """The menu was published anew while the cart stood open."""
    given = restaurant()
    given.when(SaveDraft(menu=Menu()))
    given.when(PublishMenu())

    placed = given.when(placing(line("l1")))

    assert problems(placed) == [("l1", "gone")]


def test_T5_the_same_batch_again_is_one_round() -> None:
    """The same answer, and nothing is taken twice; other lines under its number are refused."""
    given = restaurant({"noodles": 5})
    first = place(given, line("l1", quantity=2))

    again = given.when(placing(line("l1", quantity=2)))
    other = given.when(placing(line("l1", quantity=3)))

    assert (again.reply, again.events) == (first.reply, [])
    assert other.rejection == BatchExists()
    assert stock(given, "noodles") == (3, 0, 2, 0)


def test_bad_input_a_line_id_is_used_once() -> None:
    """Within a round, and over all orders."""
    given = restaurant()
    place(given, line("l1"))

    for wanted in (placing(line("l2"), line("l2"), batch=2), placing(line("l1"), order=PICKUP)):
        assert isinstance(given.when(wanted).rejection, InvalidField)


def test_D8_an_unlisted_dish_has_a_price_and_a_station() -> None:
    """It is cooked like any other, and no stock is asked."""
    given = restaurant()
    command = PlaceUnlisted(
        order=TABLE,
        batch=2,
        label="8 号桌",
        channel="dine_in",
        line_id="l9",
        name="长寿面",
        unit_price_fen=3_800,
        quantity=1,
        station="wok",
    )

    placed = given.when(command)

    assert (placed.reply.lines[0].unit_price_fen, state_of(given, "l9")) == (3_800, "queued")
    assert given.state.kitchen.lines["l9"].station == "wok"
    assert given.when(command).reply == placed.reply
    sound(given)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"name": "面\u202e"}, "$.name"),
        ({"unit_price_fen": -1}, "$.unit_price_fen"),
        ({"quantity": 1_000_000}, "$.quantity"),
    ],
)
def test_D8_bad_input_an_unlisted_dish_that_cannot_be(fields: dict[str, object], path: str) -> None:
    """Refused with the field's path; nothing is cooked."""
    given = restaurant()
    plain: dict[str, object] = {"line_id": "l9", "name": "长寿面", "unit_price_fen": 3_800, "quantity": 1}
    command = PlaceUnlisted(order=TABLE, batch=2, label="8", channel="dine_in", **(plain | fields))  # type: ignore[arg-type]

    rejection = given.when(command).rejection

    assert isinstance(rejection, InvalidField)
    assert (rejection.path, given.state.kitchen.lines) == (path, {})


# --- held, fired, released (T6, O6) --------------------------------------------------------------------


def test_T6_pay_first_holds_until_it_is_fired() -> None:
    """Held is neither left nor sold, and the kitchen has nothing of it."""
    given = restaurant({"noodles": 5})

    held = place(given, line("l1", quantity=2), fire=False, hold_until=NOON + 15 * MINUTE)
    assert (stock(given, "noodles"), given.state.kitchen.lines) == ((3, 2, 0, 0), {})
    assert told(held, LinesPlaced)[0].fired is False
    fired = given.when(FireLines(order=TABLE, batch=1))

    assert (stock(given, "noodles"), state_of(given, "l1")) == ((3, 0, 2, 0), "queued")
    assert told(fired, LinesPlaced) == [LinesPlaced(placed=held.reply, fired=True)]
    assert given.when(FireLines(order=TABLE, batch=1)).events == []
    sound(given)


def test_O6_a_hold_that_runs_out_gives_its_stock_back() -> None:
    """At its moment, by itself."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=2), fire=False, hold_until=NOON + 15 * MINUTE)

    given.wakes_until(NOON + 15 * MINUTE)

    assert stock(given, "noodles") == (5, 0, 0, 0)
    sound(given)


def test_O6_paid_after_its_hold_it_takes_what_is_left() -> None:
    """There is enough: it is fired as if nothing had been."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=2), fire=False, hold_until=NOON + 15 * MINUTE)
    given.wakes_until(NOON + 16 * MINUTE)

    fired = given.when(FireLines(order=TABLE, batch=1))

    assert fired.accepted
    assert (stock(given, "noodles"), state_of(given, "l1")) == ((3, 0, 2, 0), "queued")
    sound(given)


def test_O6_paid_after_its_hold_and_nothing_left_it_is_refused() -> None:
    """Then the order refunds; nothing was taken, nothing is cooked."""
    given = restaurant({"noodles": 3})
    place(given, line("l1", quantity=2), fire=False, hold_until=NOON + 15 * MINUTE)
    given.wakes_until(NOON + 16 * MINUTE)
    place(given, line("l2", quantity=2), order=PICKUP)

    fired = given.when(FireLines(order=TABLE, batch=1))

    assert problems(fired) == [("l1", "not_enough")]
    assert (stock(given, "noodles"), list(given.state.kitchen.lines)) == ((1, 0, 2, 0), ["l2"])


def test_T6_released_it_is_left_again_and_cannot_be_fired() -> None:
    """Unpaid or cancelled; releasing twice gives back once."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=2), fire=False)

    given.when(ReleaseLines(order=TABLE, batch=1, reason="unpaid"))
    again = given.when(ReleaseLines(order=TABLE, batch=1, reason="unpaid"))

    assert (again.events, stock(given, "noodles")) == ([], (5, 0, 0, 0))
    assert given.when(FireLines(order=TABLE, batch=1)).rejection == IllegalTransition(
        state="released", allowed=[]
    )
    assert isinstance(given.when(placing(line("l1", quantity=2), fire=False)).rejection, IllegalTransition)
    sound(given)


def test_T6_a_release_that_comes_first_is_remembered() -> None:
    """The order was cancelled before its batch came: nothing is taken."""
    given = restaurant({"noodles": 5})
    given.when(ReleaseLines(order=TABLE, batch=1, reason="cancelled"))

    placed = given.when(placing(line("l1"), fire=False))

    assert placed.rejection == IllegalTransition(state="released", allowed=[])
    assert stock(given, "noodles") == (5, 0, 0, 0)


def test_D4_a_release_after_it_was_fired_gives_nothing_back() -> None:
    """It is cooked; what can be done is to cancel its lines."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=2))

    released = given.when(ReleaseLines(order=TABLE, batch=1, reason="late"))

    assert released.rejection == IllegalTransition(state="fired", allowed=[])
    assert stock(given, "noodles") == (3, 0, 2, 0)


def test_O3_part_of_a_held_line_is_cancelled_before_it_is_fired() -> None:
    """Its stock is back, the kitchen gets the rest, also of a set."""
    given = restaurant({"noodles": 5, "tea": 10})
    place(given, line("l1", "lunch", quantity=3), fire=False)

    outcome = given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="少点"))
    assert (outcome.reply.cancelled, stock(given, "noodles"), stock(given, "tea")) == (
        2,
        (4, 1, 0, 0),
        (8, 2, 0, 0),
    )
    assert told(outcome, NoteLines)[0].lines[0].cancelled == 2
    given.when(FireLines(order=TABLE, batch=1))

    cooked = {line_id: one.quantity for line_id, one in given.state.kitchen.lines.items()}
    assert cooked == {"l1.k1": 1, "l1.k2": 2}
    sound(given)


def test_O3_a_batch_of_which_nothing_is_left_is_fired_without_a_line() -> None:
    """The kitchen gets nothing, and nothing more of it can be cancelled."""
    given = restaurant({"noodles": 5})
    place(given, line("l1"), fire=False)
    given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="走了"))

    fired = given.when(FireLines(order=TABLE, batch=1))

    assert (fired.accepted, given.state.kitchen.lines, stock(given, "noodles")) == (True, {}, (5, 0, 0, 0))
    again = given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="走了"))
    assert again.rejection == IllegalTransition(state="cancelled", allowed=[])
    sound(given)


def test_bad_input_an_unknown_batch_is_not_found() -> None:
    """Neither fired, nor accepted, nor rejected, nor cancelled."""
    given = restaurant()

    for command in (
        FireLines(order=TABLE, batch=1),
        AcceptLines(order=TABLE, batch=1),
        RejectLines(order=TABLE, batch=1, reason="忙"),
        CancelLine(order=TABLE, line_id="l1", quantity=1, reason="错"),
    ):
        assert given.when(command).rejection == OrderUnknown()


# --- 接单, 拒单 (O1, O2) ----------------------------------------------------------------------------------


def test_O2_an_order_waits_for_its_acceptance() -> None:
    """It has its number and its stock; the kitchen has it once it is accepted."""
    given = restaurant({"noodles": 5})
    given.when(ChangeSettings(auto_accept=False))
    placed = place(given, line("l1"), order=PICKUP, channel="pickup", number_wanted=True)
    assert (placed.reply.number, stock(given, "noodles")) == ("A001", (4, 1, 0, 0))
    assert given.state.kitchen.lines == {}

    accepted = given.when(AcceptLines(order=PICKUP, batch=1))

    assert (state_of(given, "l1"), stock(given, "noodles")) == ("queued", (4, 0, 1, 0))
    assert told(accepted, LinesPlaced) == [LinesPlaced(placed=accepted.reply, fired=True)]
    assert given.when(AcceptLines(order=PICKUP, batch=1)).events == []
    sound(given)


def test_O2_paid_first_it_waits_then_and_not_before() -> None:
    """Held until paid, then it waits to be accepted, with its number."""
    given = restaurant()
    given.when(ChangeSettings(auto_accept=False))
    place(given, line("l1"), order=PICKUP, channel="pickup", number_wanted=True, fire=False)
    assert given.when(AcceptLines(order=PICKUP, batch=1)).rejection == IllegalTransition(
        state="held", allowed=["reject"]
    )

    fired = given.when(FireLines(order=PICKUP, batch=1))

    assert (fired.reply.number, given.state.kitchen.lines) == ("A001", {})
    assert told(fired, LinesPlaced) == [LinesPlaced(placed=fired.reply)]
    assert fired.reply.waits
    sound(given)


def test_O2_a_rejection_has_a_reason_and_tells_the_order_to_refund() -> None:
    """In the same turn; accepting after it is impossible, whichever comes twice."""
    given = restaurant({"noodles": 5})
    given.when(ChangeSettings(auto_accept=False))
    place(given, line("l1"), order=PICKUP, channel="pickup")

    by = By("waiter-1", device="till-1")
    rejected = given.when(RejectLines(order=PICKUP, batch=1, reason="煤气停了", by=by))

    assert told(rejected, RejectOrder) == [RejectOrder(batch=1, reason="煤气停了", by=by)]
    act = told(rejected, RecordAct)[0].act
    assert (act.by, act.action, act.subject, act.reason) == (by, "order.reject", PICKUP, "煤气停了")
    assert stock(given, "noodles") == (5, 0, 0, 0)
    assert given.when(RejectLines(order=PICKUP, batch=1, reason="煤气停了")).sends == []
    assert given.when(AcceptLines(order=PICKUP, batch=1)).rejection == IllegalTransition(
        state="rejected", allowed=[]
    )
    sound(given)


def test_O2_what_was_refunded_cannot_be_accepted() -> None:
    """The order released it while it waited."""
    given = restaurant()
    given.when(ChangeSettings(auto_accept=False))
    place(given, line("l1"), order=PICKUP, channel="pickup")
    given.when(ReleaseLines(order=PICKUP, batch=1, reason="refunded"))

    assert given.when(AcceptLines(order=PICKUP, batch=1)).rejection == IllegalTransition(
        state="released", allowed=[]
    )


def test_O2_a_fired_order_cannot_be_rejected() -> None:
    """The kitchen has it: its lines are cancelled instead."""
    given = restaurant()
    place(given, line("l1"), order=PICKUP, channel="pickup")

    assert given.when(RejectLines(order=PICKUP, batch=1, reason="忙")).rejection == IllegalTransition(
        state="fired", allowed=[]
    )


def test_O2_table_rounds_need_no_accept_unless_the_store_says_so() -> None:
    """By default they fire although the store accepts orders by hand."""
    given = restaurant()
    given.when(ChangeSettings(auto_accept=False))
    place(given, line("l1"))
    given.when(ChangeKitchen(table_accept=True))
    place(given, line("l2"), batch=2)

    assert list(given.state.kitchen.lines) == ["l1"]


def test_O1_an_order_that_nobody_accepts_is_escalated_once() -> None:
    """After the store's patience; it can still be accepted."""
    given = restaurant()
    given.when(ChangeSettings(auto_accept=False))
    given.when(ChangeKitchen(accept_within_s=60))
    place(given, line("l1"), order=PICKUP, channel="pickup")

    woken = given.wakes_until(NOON + 10 * MINUTE)

    assert len(woken) == 1
    assert "order_escalated" in [event.type for event in given.state.live.kept]
    assert given.when(AcceptLines(order=PICKUP, batch=1)).accepted


# --- numbers (T13) -------------------------------------------------------------------------------------


def test_T13_numbers_are_gap_free_over_those_that_are_allowed() -> None:
    """Prefix, digits that are never given, and single numbers that are not."""
    given = restaurant()
    given.when(ChangeKitchen(number_prefix="B", number_width=2, number_skip_digits="4", number_skip=(2, 13)))

    numbers = [
        place(given, line(f"l{n}"), order=f"takeout/o{n}", channel="pickup", number_wanted=True).reply.number
        for n in range(14)
    ]

    assert numbers == [f"B{n:02d}" for n in (1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18)]


def test_T13_a_new_business_day_begins_again() -> None:
    """At the store's cut-off, not at midnight."""
    given = restaurant()
    cutoff = day_ends_at(given.state.settings.zone_offsets, "04:00", NOON)
    numbers = []
    for n, at in enumerate((NOON, cutoff - 1, cutoff)):
        given.wakes_until(at)
        placed = place(given, line(f"l{n}"), order=f"takeout/o{n}", channel="pickup", number_wanted=True)
        numbers.append(placed.reply.number)

    assert numbers == ["A001", "A002", "A001"]


def test_T13_a_number_is_given_when_it_is_paid_and_kept() -> None:
    """Held orders have none, so those that are never paid leave no gap."""
    given = restaurant()
    held = place(given, line("l1"), order=PICKUP, channel="pickup", number_wanted=True, fire=False)
    place(given, line("l2"), order="takeout/o2", channel="pickup", number_wanted=True)

    fired = given.when(FireLines(order=PICKUP, batch=1))

    assert (held.reply.number, fired.reply.number) == ("", "A002")
    assert given.when(FireLines(order=PICKUP, batch=1)).reply.number == "A002"


@pytest.mark.parametrize(
    "terms",
    [
        {"number_skip_digits": "0123456789"},
        {"number_width": 0},
        {"number_prefix": "号"},
        {"number_first": -1},
    ],
)
def test_T13_bad_input_numbers_that_can_never_be_given(terms: dict[str, object]) -> None:
    """Refused with the field's path."""
    given = restaurant()

    rejection = given.when(ChangeKitchen(**terms)).rejection  # type: ignore[arg-type]

    assert isinstance(rejection, InvalidField)
    assert rejection.path == f"$.{next(iter(terms))}"
    assert given.state.kitchen.terms == KitchenTerms()


# --- bounded (kept state) ------------------------------------------------------------------------------


def test_what_is_over_leaves_memory_and_what_is_not_stays() -> None:
    """After the change of the business day, once no answer may be asked for again; stock stays as it is."""
    given = restaurant({"noodles": 9})
    place(given, line("l1"), batch=1)
    step(given, "l1", "START", "READY", "SERVE")
    place(given, line("l2"), batch=2, fire=False)
    place(given, line("l3"), batch=3)
    given.when(ReleaseLines(order=PICKUP, batch=7, reason="cancelled"))

    given.wakes_until(NOON + 2 * DAY)
    assert (list(given.state.orders.lines), list(given.state.kitchen.lines)) == (["l2", "l3"], ["l3"])
    given.wakes_until(NOON + 4 * DAY)

    assert (list(given.state.orders.lines), list(given.state.kitchen.lines)) == (["l2"], [])
    assert stock(given, "noodles") == (6, 1, 2, 0)
    sound(given)
