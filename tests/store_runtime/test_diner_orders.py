"""A diner's list of orders: notes in any order, pages that hold still."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as given_any
from hypothesis import strategies

from actors.testing.kit import NOON, Given, after
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.diner_orders.commands import ListOrders, NoteOrder
from store_runtime.diner_orders.rejections import InvalidField
from store_runtime.diner_orders.state import DinerList


def note(order_id: str, **fields: Any) -> NoteOrder:
    plain: dict[str, Any] = {
        "order_id": order_id,
        "store_id": "store-1",
        "title": "大闸蟹",
        "amount_fen": 3_900,
        "created_at": NOON,
        "status": "created",
        "money_status": "open",
        "seq": 2,
    }
    return NoteOrder(**(plain | fields))


def diner(*notes: NoteOrder) -> Given[DinerList]:
    given = after(DinerOrders("guest-1"))
    for one in notes:
        assert given.when(one).accepted
    return given


def pages(given: Given[DinerList], limit: int) -> list[list[str]]:
    """All pages by order id."""
    found, cursor = [], ""
    while True:
        page = given.ask(ListOrders(cursor=cursor, limit=limit))
        found.append([row.order_id for row in page.items])
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


def test_X2_the_newest_order_comes_first() -> None:
    """Orders of one millisecond are told apart by their id."""
    given = diner(
        note("o1", created_at=NOON), note("o3", created_at=NOON + 5), note("o2", created_at=NOON + 5)
    )

    assert pages(given, 10) == [["o3", "o2", "o1"]]


@given_any(order=strategies.permutations([2, 3, 4, 5]))
def test_X2_notes_may_arrive_in_any_order(order: list[int]) -> None:
    """The list shows the latest note, whichever arrived last."""
    given = diner(*(note("o1", seq=seq, status=f"status-{seq}") for seq in order))

    (row,) = given.ask(ListOrders()).items

    assert row.status == "status-5"


@given_any(ages=strategies.lists(strategies.integers(0, 5), max_size=12), limit=strategies.integers(1, 5))
def test_X2_the_pages_are_the_list(ages: list[int], limit: int) -> None:
    """Every order is on exactly one page, in order."""
    given = diner(*(note(f"o{n:02}", created_at=NOON + age) for n, age in enumerate(ages)))

    listed = pages(given, limit)

    expected = sorted(((age, f"o{n:02}") for n, age in enumerate(ages)), reverse=True)
    assert [order_id for page in listed for order_id in page] == [order_id for _, order_id in expected]
    assert all(len(page) == limit for page in listed[:-1])


def test_X2_a_cursor_holds_still_while_orders_come() -> None:
    """A new order appears on the first page and moves nothing on the next."""
    given = diner(*(note(f"o{n}", created_at=NOON + n) for n in range(4)))
    first = given.ask(ListOrders(limit=2))
    given.when(note("o9", created_at=NOON + 9))

    second = given.ask(ListOrders(cursor=first.next_cursor or "", limit=2))

    assert [row.order_id for row in second.items] == ["o1", "o0"]


def test_X2_a_list_without_orders_is_empty() -> None:
    """A diner who never ordered has one empty page."""
    assert pages(diner(), 10) == [[]]


@pytest.mark.parametrize("cursor", ["x", "-", "12-", "-o1", "1e5-o1", "9" * 50 + "-o1", "١-o1"])
def test_X2_a_made_up_cursor_is_refused(cursor: str) -> None:
    """Only what the page before gave is a cursor."""
    with pytest.raises(InvalidField):
        diner(note("o1")).ask(ListOrders(cursor=cursor))
