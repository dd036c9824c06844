"""The kitchen: the line's machine, sets as parts, 退菜 and 赠菜, 起菜 and 催菜, promises, screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.testing.kit import NOON, Given
from store_runtime.by import By
from store_runtime.live import GetDelta
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.kitchen.commands import (
    AnswerCancel,
    AnswerRush,
    ChangeKitchen,
    FireCourse,
    GetKitchen,
    GetPromises,
    MoveLine,
    RushLine,
    RushLines,
    TakeStep,
)
from store_runtime.store.kitchen.events import KitchenMoved
from store_runtime.store.kitchen.machine import BY_HAND, MACHINE
from store_runtime.store.kitchen.rejections import KitchenLineNotFound, TooSoon
from store_runtime.store.kitchen.terms import StationTerms
from store_runtime.store.orders.commands import (
    CancelLine,
    CompLine,
    FireLines,
    LineNote,
    NoteLines,
    RelabelOrder,
)
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.store.state import StoreBooks
from tests.store_runtime.dining import (
    HOUR,
    MINUTE,
    OTHER,
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

COOK = By("cook-1", "wok")
TO = {
    "on_hold": (),
    "queued": ("FIRE",),
    "cooking": ("FIRE", "START"),
    "ready": ("FIRE", "START", "READY"),
    "served": ("FIRE", "START", "READY", "SERVE"),
}


def standing(state: str) -> Given[StoreBooks]:
    """A line of one that stands there."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", hold=True))
    for one in TO.get(state, ("FIRE", "START")):
        step(given, "l1", one)
    if state in ("cancel_requested", "cancelled"):
        given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="慢"))
    if state == "cancelled":
        given.when(AnswerCancel(line_id="l1", agreed=True))
    assert state_of(given, "l1") == state
    return given


# --- the machine (§ 0) ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", MACHINE)
@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_O3_a_line_makes_the_steps_of_its_state_and_no_others(state: str, name: str) -> None:
    """What is not allowed is a 409 that says what is; nothing happens."""
    given = standing(state)
    steps: dict[Any, Any] = MACHINE[state]  # type: ignore[index]

    outcome = given.when(TakeStep(line_id="l1", step=name, by=COOK))  # type: ignore[arg-type]

    if name in steps:
        assert (outcome.reply.state, state_of(given, "l1")) == (steps[name], steps[name])
    else:
        assert isinstance(outcome.rejection, IllegalTransition)
        assert outcome.rejection.state == state
        assert name.lower() not in outcome.rejection.allowed
        assert state_of(given, "l1") == state
    sound(given)


def test_P1_every_step_has_an_id_of_its_own_for_good() -> None:
    """Counted per line from its ADD on, also when a part of it goes its own way."""
    given = restaurant()
    place(given, line("l1", quantity=3))

    first = step(given, "l1", "START").events[0]
    second = step(given, "l1", "READY", quantity=1).events[0]

    assert isinstance(first, KitchenMoved)
    assert isinstance(second, KitchenMoved)
    assert [move.event_id for move in first.moves] == ["l1.e2"]
    assert [(move.event_id, move.step, move.quantity) for move in second.moves] == [
        ("l1.e3", "SPLIT", 1),
        ("l1.s1.e2", "READY", 1),
    ]


def test_O3_part_of_a_line_is_split_off() -> None:
    """One of three is ready; the order's line is as far as the least of it."""
    given = restaurant()
    place(given, line("l1", quantity=3))
    step(given, "l1", "START")

    ready = step(given, "l1", "READY", quantity=1)

    assert (state_of(given, "l1"), state_of(given, "l1.s1")) == ("cooking", "ready")
    assert told(ready, NoteLines) == []
    rest = step(given, "l1", "READY")
    assert told(rest, NoteLines)[0].lines[0].status == "ready"


def test_bad_input_more_than_the_line_has_and_no_such_line() -> None:
    """422 and 404."""
    given = restaurant()
    place(given, line("l1", quantity=2))

    assert isinstance(given.when(TakeStep(line_id="l1", step="START", quantity=3)).rejection, InvalidField)
    assert given.when(TakeStep(line_id="l7", step="START")).rejection == KitchenLineNotFound()


def test_D3_a_set_is_cooked_as_its_parts_at_their_stations() -> None:
    """Each part is a line of its own; the order hears of the set when its last part has gone on."""
    given = restaurant()
    place(given, line("l1", "lunch", quantity=2))
    parts = {
        line_id: (one.cooking.name, one.station, one.quantity)
        for line_id, one in given.state.kitchen.lines.items()
    }
    assert parts == {"l1.k1": ("牛肉面", "wok", 2), "l1.k2": ("乌龙茶", "bar", 4)}

    tea = step(given, "l1.k2", "START")
    noodles = step(given, "l1.k1", "START")

    assert told(tea, NoteLines) == []
    note = told(noodles, NoteLines)[0].lines[0]
    assert (note.line_id, note.status, note.seq) == ("l1", "cooking", 1)


def test_T5_an_order_hears_of_each_change_once_and_in_order() -> None:
    """Several lines of one turn in one message; their notes are counted."""
    given = restaurant()
    place(given, line("l1", hold=True), line("l2", "tea", hold=True))

    fired = given.when(FireCourse(order=TABLE))
    started = step(given, "l1", "START")

    assert [(send.to, len(send.command.lines)) for send in fired.sends] == [(TABLE, 2)]  # type: ignore[attr-defined]
    promised = given.state.orders.lines["l1"].promised_at
    assert told(started, NoteLines)[0].lines == (
        LineNote(line_id="l1", seq=2, status="cooking", quantity=1, promised_at=promised),
    )


# --- 退菜, 赠菜 (O3, D4) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["on_hold", "queued"])
def test_O3_a_line_that_nobody_cooks_is_cancelled_at_once(state: str) -> None:
    """Two of three: their stock is back (D4)."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=3, hold=state == "on_hold"))

    outcome = given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="点多了"))

    assert (outcome.reply.cancelled, outcome.reply.asked) == (2, 0)
    assert (stock(given, "noodles"), state_of(given, "l1.s1")) == ((4, 0, 1, 0), "cancelled")
    note = told(outcome, NoteLines)[0].lines[0]
    assert (note.status, note.quantity, note.cancelled) == (state, 3, 2)
    sound(given)


def test_O3_once_it_is_cooking_the_kitchen_is_asked_and_what_it_gives_up_is_waste() -> None:
    """Asked, agreed: sold becomes waste, and nothing is left again."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=3))
    step(given, "l1", "START")

    asked = given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="太慢"))
    assert (asked.reply.cancelled, asked.reply.asked) == (0, 2)
    assert told(asked, NoteLines)[0].lines[0].status == "cancel_requested"
    agreed = given.when(AnswerCancel(line_id="l1.s1", agreed=True, by=COOK))

    assert stock(given, "noodles") == (2, 0, 1, 2)
    note = told(agreed, NoteLines)[0].lines[0]
    assert (note.status, note.cancelled, note.refused) == ("cooking", 2, 0)
    sound(given)


def test_O3_the_kitchen_may_refuse_and_the_line_goes_on_from_where_it_was() -> None:
    """The order hears how many."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=2))
    step(given, "l1", "START", "READY")
    given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="太慢"))

    refused = given.when(AnswerCancel(line_id="l1", agreed=False, reason="好了", by=COOK))

    assert (state_of(given, "l1"), stock(given, "noodles")) == ("ready", (3, 0, 2, 0))
    note = told(refused, NoteLines)[0].lines[0]
    assert (note.status, note.cancelled, note.refused) == ("ready", 0, 2)
    sound(given)


def test_O3_the_least_advanced_go_first() -> None:
    """One is cooking, two are queued: cancelling two asks nobody, a third asks."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=3))
    step(given, "l1", "START", quantity=1)

    two = given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="点多了"))
    third = given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="点多了"))

    assert (two.reply.cancelled, two.reply.asked) == (2, 0)
    assert (third.reply.cancelled, third.reply.asked) == (0, 1)
    sound(given)


def test_O3_a_served_line_is_comped_or_refunded_and_never_cancelled() -> None:
    """Also when only some of it is served and more is asked for than is not."""
    given = restaurant()
    place(given, line("l1", quantity=2))
    step(given, "l1", "START", "READY")
    step(given, "l1", "SERVE", quantity=1)

    both = given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="慢"))

    assert both.rejection == IllegalTransition(state="ready", allowed=["comp", "refund"])
    assert given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="慢")).reply.asked == 1
    asked_already = given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="慢"))
    assert isinstance(asked_already.rejection, IllegalTransition)
    many = given.when(CancelLine(order=TABLE, line_id="l1", quantity=3, reason="慢"))
    assert many.rejection == InvalidField(path="$.quantity", problem="at most 2")


def test_O3_a_set_is_cancelled_whole_and_one_answer_is_for_all_its_parts() -> None:
    """Its noodles are cooking, its tea is not: the kitchen is asked; noodles are waste, tea is left again."""
    given = restaurant({"noodles": 5, "tea": 10, "lunch": 5})
    place(given, line("l1", "lunch", quantity=2))
    step(given, "l1.k1", "START")

    asked = given.when(CancelLine(order=TABLE, line_id="l1", quantity=1, reason="慢"))
    assert (asked.reply.cancelled, asked.reply.asked) == (0, 1)
    agreed = given.when(AnswerCancel(line_id="l1.k2.s1", agreed=True))

    assert (stock(given, "noodles"), stock(given, "tea")) == ((3, 0, 1, 1), (8, 0, 2, 0))
    assert stock(given, "lunch") == (3, 0, 1, 1)
    assert told(agreed, NoteLines)[0].lines[0].cancelled == 1
    sound(given)


def test_O3_a_set_that_nobody_cooks_is_off_at_once() -> None:
    """All its stock is back, its own and its parts'."""
    given = restaurant({"noodles": 5, "tea": 10, "lunch": 5})
    place(given, line("l1", "lunch", quantity=2))

    outcome = given.when(CancelLine(order=TABLE, line_id="l1", quantity=2, reason="走了"))

    assert told(outcome, NoteLines)[0].lines[0].status == "cancelled"
    assert [stock(given, key) for key in ("noodles", "tea", "lunch")] == [
        (5, 0, 0, 0),
        (10, 0, 0, 0),
        (5, 0, 0, 0),
    ]
    sound(given)


def test_O3_a_comp_stays_sold_and_is_served() -> None:
    """One of two; a second comp of more than is left is refused."""
    given = restaurant({"noodles": 5})
    place(given, line("l1", quantity=2))
    step(given, "l1", "START")

    given.when(CompLine(order=TABLE, line_id="l1", quantity=1, reason="等久了", by=By("manager-1")))

    assert (state_of(given, "l1.s1"), stock(given, "noodles")) == ("cooking", (3, 0, 2, 0))
    assert given.state.orders.lines["l1"].comped == 1
    again = given.when(CompLine(order=TABLE, line_id="l1", quantity=2, reason="等久了"))
    assert isinstance(again.rejection, IllegalTransition)
    sound(given)


def test_D4_a_dish_that_is_made_again_takes_another_one() -> None:
    """What was spoilt is waste; what the books thought was not there is restocked."""
    given = restaurant({"noodles": 3})
    place(given, line("l1", quantity=2))
    step(given, "l1", "START", "READY")

    step(given, "l1", "REMAKE")

    assert (state_of(given, "l1"), stock(given, "noodles")) == ("queued", (0, 0, 2, 2))
    sound(given)


def test_bad_input_lines_of_others_cannot_be_cancelled() -> None:
    """An order knows its own lines only."""
    given = restaurant()
    place(given, line("l1"))

    assert (
        given.when(CancelLine(order=OTHER, line_id="l1", quantity=1, reason="x")).rejection == OrderUnknown()
    )
    assert isinstance(
        given.when(CancelLine(order=TABLE, line_id="l1", quantity=1_000_000, reason="x")).rejection,
        InvalidField,
    )


# --- 叫起, 起菜, 催菜 (O8) --------------------------------------------------------------------------------


def test_O8_a_course_waits_until_it_is_fired() -> None:
    """Only that course goes on the fire; a second course right after it is too soon."""
    given = restaurant()
    given.when(ChangeKitchen(course_cooldown_s=30))
    place(given, line("l1", hold=True), line("l2", "tea", hold=True))

    fired = given.when(FireCourse(order=TABLE, course="drink"))
    too_soon = given.when(FireCourse(order=TABLE, course="main"))

    assert (fired.reply, state_of(given, "l1"), state_of(given, "l2")) == (["l2"], "on_hold", "queued")
    assert too_soon.rejection == TooSoon(again_at=NOON + 30_000)
    assert given.when(FireCourse(order=TABLE, course="main"), NOON + 30_000).reply == ["l1"]
    assert given.when(FireCourse(order=TABLE), NOON + 90_000).rejection == IllegalTransition(
        state="fired", allowed=[]
    )
    assert given.when(FireCourse(order=OTHER)).rejection == OrderUnknown()


def test_O8_a_rush_reaches_the_kitchen_and_its_answer_reaches_the_order() -> None:
    """催菜 with a cooldown per line; the reply is a new promise."""
    given = restaurant()
    place(given, line("l1"), line("l2", "tea"))

    rushed = given.when(RushLines(order=TABLE, line_ids=("l1",)))
    again = given.when(RushLines(order=TABLE, line_ids=("l1",)), NOON + MINUTE)
    other = given.when(RushLines(order=TABLE), NOON + MINUTE)
    reply = given.when(AnswerRush(line_id="l1", minutes=4, text="马上", by=COOK), NOON + MINUTE)

    assert (rushed.reply, other.reply) == (["l1"], ["l2"])
    assert again.rejection == TooSoon(again_at=NOON + 3 * MINUTE)
    note = told(reply, NoteLines)[0].lines[0]
    assert (note.line_id, note.reply, note.promised_at) == ("l1", "马上", NOON + 5 * MINUTE)
    assert given.when(RushLine(line_id="l1"), NOON + 3 * MINUTE).reply.rushes == 2


def test_O8_what_is_on_hold_is_fired_and_not_rushed() -> None:
    """The answer says what can be done."""
    given = restaurant()
    place(given, line("l1", hold=True))

    rejection = given.when(RushLines(order=TABLE)).rejection

    assert isinstance(rejection, IllegalTransition)
    assert "fire" in rejection.allowed


def test_T13_an_order_for_later_is_fired_in_time() -> None:
    """At its moment less the make-minutes, by the clock, and promised for that moment."""
    given = restaurant()
    slot = NOON + 60 * MINUTE
    placed = place(given, line("l1"), order=PICKUP, channel="pickup", ready_at=slot)
    assert (state_of(given, "l1"), placed.reply.lines[0].promised_at) == ("on_hold", slot)

    given.wakes_until(slot - 10 * MINUTE - 1)
    assert state_of(given, "l1") == "on_hold"
    given.wakes_until(slot - 10 * MINUTE)

    assert state_of(given, "l1") == "queued"
    sound(given)


# --- promises and load (O7, ★8) ------------------------------------------------------------------------


def promises(given: Given[StoreBooks]) -> dict[str, int]:
    """Minutes per dish, as a guest is told."""
    return {one.dish_id: one.ready_in_minutes for one in given.ask(GetPromises()).items}


def test_O7_a_promise_counts_what_waits_at_the_station() -> None:
    """Ten minutes each, before anybody orders; two cooks share the work; the bar waits for nobody."""
    given = restaurant()
    assert promises(given)["noodles"] == 10
    placed = place(given, line("l1", quantity=2))
    assert placed.reply.lines[0].promised_at == NOON + 20 * MINUTE

    assert (promises(given)["noodles"], promises(given)["tea"]) == (30, 2)
    given.when(ChangeKitchen(stations=(StationTerms(station="wok", cooks=2),)))
    assert promises(given)["noodles"] == 20
    step(given, "l1", "START")
    given.when(ChangeKitchen(rush_cooldown_s=1), NOON + 10 * MINUTE)
    assert promises(given)["noodles"] == 15
    step(given, "l1", "READY")
    assert promises(given)["noodles"] == 10


def test_O7_what_was_held_is_promised_anew_when_it_is_fired() -> None:
    """The kitchen begins then; an order for later keeps its moment."""
    given = restaurant()
    place(given, line("l1"), fire=False)
    slot = NOON + 60 * MINUTE
    place(given, line("l2", "tea"), order=PICKUP, channel="pickup", ready_at=slot, fire=False)

    fired = given.when(FireLines(order=TABLE, batch=1), NOON + 7 * MINUTE)
    later = given.when(FireLines(order=PICKUP, batch=1))

    note = told(fired, NoteLines)[0].lines[0]
    assert (note.line_id, note.seq, note.status, note.promised_at) == ("l1", 1, "queued", NOON + 17 * MINUTE)
    assert given.state.kitchen.lines["l1"].promised_at == NOON + 17 * MINUTE
    assert (told(later, NoteLines), given.state.kitchen.lines["l2"].promised_at) == ([], slot)


def test_O7_only_the_overloaded_station_throttles() -> None:
    """Its dishes are refused to channels with its name; the bar, and guests who are seated, go on."""
    given = restaurant()
    given.when(ChangeKitchen(stations=(StationTerms(station="wok", minutes_max=25),)))
    place(given, line("l1", quantity=2))

    busy = given.when(placing(line("l2"), line("l3", "tea"), order=PICKUP, channel="pickup"))

    assert problems(busy) == [("l2", "kitchen_busy")]
    assert busy.rejection is not None
    assert busy.rejection.facts()["lines"][0].detail == "wok"
    place(given, line("l3", "tea"), order=PICKUP, channel="pickup")
    place(given, line("l4"), batch=2)
    load = {one.station: one.full for one in given.ask(GetKitchen()).stations}
    assert load == {"wok": True, "bar": False}


def test_O7_seated_guests_are_throttled_where_the_store_says_so() -> None:
    """And an idle station takes one order however large."""
    given = restaurant()
    wok = StationTerms(station="wok", minutes_max=15, throttles_dine_in=True)
    given.when(ChangeKitchen(stations=(wok,)))
    place(given, line("l1", quantity=9))

    assert problems(given.when(placing(line("l2"), batch=2))) == [("l2", "kitchen_busy")]


# --- screens (P4) --------------------------------------------------------------------------------------


def test_P4_a_station_sees_its_own_and_all_day_counts() -> None:
    """What is served leaves; recalled it is back."""
    given = restaurant()
    place(given, line("l1", quantity=2, options=["egg"], note="少辣", allergy=True), line("l2", "tea"))
    place(given, line("l3", options=["egg"]), order=PICKUP, channel="pickup")

    wok = given.ask(GetKitchen(station="wok"))
    assert [(one.line_id, one.options_text, one.allergy) for one in wok.lines] == [
        ("l1", "加蛋", True),
        ("l3", "加蛋", False),
    ]
    assert [(one.name, one.options_text, one.quantity) for one in wok.all_day] == [("牛肉面", "加蛋", 3)]

    step(given, "l1", "START", "READY", "SERVE")
    wok = given.ask(GetKitchen(station="wok"))
    assert ([one.line_id for one in wok.lines], [one.line_id for one in wok.recent]) == (["l3"], ["l1"])
    step(given, "l1", "RECALL")
    assert "l1" in [one.line_id for one in given.ask(GetKitchen(station="wok")).lines]


def test_P4_the_pass_sees_which_orders_are_complete_and_how_old_they_are() -> None:
    """Complete when all that was fired is ready; late when past its promise."""
    given = restaurant()
    place(given, line("l1"), line("l2", "tea"), line("l3", hold=True))
    step(given, "l1", "START", "READY")

    before = given.ask(GetKitchen()).expo[0]
    step(given, "l2", "START", "READY")
    after = given.ask(GetKitchen(), NOON + 30 * MINUTE)

    assert (before.complete, before.queued, before.ready, before.on_hold) == (False, 1, 1, 1)
    assert after.expo[0].complete
    place(given, line("l4"), batch=2)
    shown = {one.line_id: (one.age_ms, one.late) for one in given.ask(GetKitchen(), NOON + HOUR).lines}
    assert shown["l4"] == (30 * MINUTE, True)
    assert shown["l1"] == (0, False)


def test_P4_a_line_goes_to_another_station() -> None:
    """Rerouted, it is work there."""
    given = restaurant()
    place(given, line("l1"))

    given.when(MoveLine(line_id="l1", station="grill", by=COOK))

    assert [one.line_id for one in given.ask(GetKitchen(station="grill")).lines] == ["l1"]
    assert given.ask(GetKitchen(station="wok")).lines == []


def test_T8_an_order_that_moves_is_relabelled_and_nothing_is_cooked_again() -> None:
    """转台 moves all of it, 转菜 some lines; the notes follow to their new order."""
    given = restaurant({"noodles": 5})
    place(given, line("l1"), line("l2"))

    given.when(RelabelOrder(order=TABLE, label="9 号桌"))
    moved = given.when(RelabelOrder(order=TABLE, label="3 号桌", to_order=OTHER, line_ids=("l2",)))
    started = step(given, "l2", "START")

    lines = given.state.kitchen.lines
    assert (lines["l1"].label, lines["l2"].label) == ("9 号桌", "3 号桌")
    assert [one.step for one in moved.events[1].moves] == ["MOVE"]  # type: ignore[attr-defined]
    assert [send.to for send in started.sends] == [OTHER]
    assert stock(given, "noodles") == (3, 0, 2, 0)
    assert given.state.orders.lines["l2"].order == OTHER
    unknown = given.when(RelabelOrder(order=TABLE, label="x", to_order=OTHER, line_ids=("l2",)))
    assert unknown.rejection == OrderUnknown()
    sound(given)


def test_X1_screens_follow_orders_kitchen_and_stock() -> None:
    """Gap-free from the store's own count."""
    given = restaurant({"noodles": 5})
    seen = given.state.live.seq
    place(given, line("l1"))
    step(given, "l1", "START")

    delta = given.ask(GetDelta(since=seen))

    assert [event.seq for event in delta.events] == list(range(seen + 1, delta.seq + 1))
    assert [event.type for event in delta.events] == ["stock_left", "order_fired", "kitchen_moved"]
    assert delta.events[0].data == {"left": {"noodles": 4}}


def test_the_page_shows_the_machine_as_it_runs() -> None:
    """docs/kitchen.md lists the steps of every state."""
    page = (Path(__file__).parents[2] / "docs" / "kitchen.md").read_text(encoding="utf-8")
    table = page.partition("| State | Steps |")[2].partition("\n\n")[0]
    rows = [row.strip("|").split("|") for row in table.splitlines()[2:]]

    shown = {state.strip(): [one for one in steps.strip().split(", ") if one != "–"] for state, steps in rows}

    assert shown == {state: list(steps) for state, steps in MACHINE.items()}
