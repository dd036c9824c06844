"""An evening of the demo's restaurants on the real system, a silo killed in the middle of it, and the books after."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loadtests.backends import start_postgres
from loadtests.orders import CASE, Done, KaifanTables, OrderPeer, Played, bench
from loadtests.scenarios.__main__ import main
from loadtests.scenarios.books import violations
from loadtests.scenarios.counter import Pickup
from loadtests.scenarios.house import House, Table
from loadtests.scenarios.kitchen import Kitchen
from loadtests.scenarios.party import Party


@pytest.mark.services
def test_O1_D4_T7_an_evening_in_every_restaurant_with_a_silo_killed_leaves_the_books_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Guests repeat what broke; nothing is cooked twice, nothing is lost, every bill is settled to the fen."""
    code = main(["--parties", "1", "--pickups", "6", "--silos", "2", "--kills", "1"])

    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "restaurants=3 kills=1 violations=0", said
    assert code == 0
    assert " bills," in said


def test_the_books_see_a_dish_that_was_cooked_twice_or_never_and_a_number_given_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A check that finds nothing wrong in a wrong evening would be worth nothing."""
    house = House("http://127.0.0.1:1", "s1", "Bistro", [], {"manager": ""}, 1)
    house.dishes = [{"dish_id": "duck", "slots": []}]
    kitchen = Kitchen(house)
    kitchen.served.update({"k1": 2})
    party = Party(house, Table("t1", "token"), 0)
    party.ordered, party.dish_of = {"l1": 1}, {"l1": "duck"}
    pickups = [Pickup(house), Pickup(house)]
    for pickup in pickups:
        pickup.number = "A001"

    async def no_stock_gone(*_: Any) -> dict[str, int]:
        return {}

    monkeypatch.setattr("loadtests.scenarios.books.sold", no_stock_gone)
    found = asyncio.run(violations(house, kitchen, [party], pickups))

    assert found == [
        "O1: kitchen line k1 was handed out 2 times",
        "O1: line l1 was ordered and never handed out",
        "D4: duck: 1 ordered, 0 gone from the stock",
        "T13: the number A001 was given 2 times",
    ]


@pytest.mark.services
def test_whole_orders_are_measured_on_kaifan_and_on_its_peer() -> None:
    """Both answer every step as the contract says; the ratio is there."""
    peer = OrderPeer(
        "fastapi + postgresql", "fsync", "fastapi_orders", backend=start_postgres, packages=("asyncpg",)
    )
    rows, notes = asyncio.run(bench([KaifanTables("kaifan", silos=1), peer], tables=4, rounds=1, seconds=1.0))

    assert notes == []
    assert [(row.subject, row.correct) for row in rows if row.case == CASE] == [
        ("kaifan", True),
        ("fastapi + postgresql", True),
    ]


def test_latencies_of_orders_count_from_when_they_were_due_whatever_order_they_ended_in() -> None:
    """Percentiles are of the sorted latencies."""
    ended = [
        Done(due_ns=0, settled_ns=ms * 1_000_000, total_fen=1)
        for ms in (90, 10, 50, 20, 100, 30, 70, 40, 60, 80)
    ]
    played = Played(1.0, ended, [])

    assert (played.rate, played.latency_ms(50), played.latency_ms(99)) == (10.0, 50.0, 100.0)
