"""T8 over HTTP: tables change, parties merge and part, lines move."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.house import House, fresh_key
from tests.api.test_tables import Headers, add, new_table, ops, sit, submit, token_of, view

pytestmark = pytest.mark.anyio


class Party:
    """A guest at a table of their own who has ordered."""

    def __init__(self, session: str, who: Headers, table: str) -> None:
        self.session, self.who, self.table = session, who, table


async def party(house: House, **dishes: int) -> Party:
    table, who = await new_table(house), await house.diner()
    session = (await sit(house, who, await token_of(house, table))).json()["session_id"]
    answer = await ops(
        house, session, who, *(add(f"a-{dish}", dish, count) for dish, count in dishes.items())
    )
    assert (await submit(house, session, who, answer.json()["seq"])).status_code == 201
    return Party(session, who, table)


async def act(house: House, session: str, what: str, **body: Any) -> httpx.Response:
    headers = {**await house.staff("waiter"), "Idempotency-Key": fresh_key()}
    return await house.http.post(f"/api/v1/table-sessions/{session}/{what}", json=body, headers=headers)


def ordered(shown: dict[str, Any]) -> dict[str, int]:
    """Dish → how many of it stand in the rounds."""
    total: dict[str, int] = {}
    for one in shown["rounds"]:
        for line in one["lines"]:
            total[line["dish_id"]] = total.get(line["dish_id"], 0) + line["quantity"]
    return total


async def test_T8_transfer_answers_when_all_is_done(house: House) -> None:
    """The new table, the same session, and a phone that goes on."""
    one, free = await party(house, crayfish=1), await new_table(house)

    moved = await act(house, one.session, "transfer", to_table_id=free)

    assert (moved.status_code, moved.json()["table_id"]) == (200, free)
    assert ordered(await view(house, one.session, one.who)) == {"crayfish": 1}
    assert (await ops(house, one.session, one.who, add("more"))).status_code == 200
    joined = await sit(house, await house.diner(), await token_of(house, free))
    assert joined.json()["session_id"] == one.session


async def test_T8_a_taken_table_is_refused_and_said_so(house: House) -> None:
    """409 with the session that sits there; an unknown one is 404; the party stays."""
    one, two = await party(house, crayfish=1), await party(house, noodles=1)

    taken = await act(house, one.session, "transfer", to_table_id=two.table)
    nowhere = await act(house, one.session, "transfer", to_table_id="t999")

    assert (taken.status_code, taken.json()["code"]) == (409, "table_taken")
    assert taken.json()["session_id"] == two.session
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "table_not_found")
    assert (await view(house, one.session, one.who))["table_id"] == one.table


async def test_T8_merge_and_unmerge(house: House) -> None:
    """One bill, and two again; who was merged reads where it went."""
    one, two = await party(house, crayfish=1), await party(house, noodles=2)

    merged = await act(house, one.session, "merge", **{"from": two.session})

    assert merged.status_code == 200, merged.text
    assert ordered(merged.json()) == {"crayfish": 1, "noodles": 2}
    gone = await view(house, two.session, two.who)
    assert (gone["state"], gone["moved_to"]) == ("moved", one.session)
    assert (await ops(house, one.session, two.who, add("b1"))).status_code == 200
    write = await ops(house, two.session, two.who, add("b2"))
    assert (write.status_code, write.json()["code"]) == (409, "session_moved")

    parted = await act(house, one.session, "unmerge", session_id=two.session)

    assert ordered(parted.json()) == {"crayfish": 1}
    assert ordered(await view(house, two.session, two.who)) == {"noodles": 2}


async def test_T8_a_line_moves_in_part(house: House) -> None:
    """One of two goes; more than there is does not."""
    one, two = await party(house, noodles=2), await party(house, crayfish=1)
    line = (await view(house, one.session, one.who))["rounds"][0]["lines"][0]["line_id"]

    moved = await act(house, one.session, f"lines/{line}/move", to_session_id=two.session, quantity=1)
    too_many = await act(house, one.session, f"lines/{line}/move", to_session_id=two.session, quantity=2)
    nowhere = await act(house, one.session, f"lines/{line}/move", to_session_id="tsnobody", quantity=1)

    assert ordered(moved.json()) == {"noodles": 1}
    assert ordered(await view(house, two.session, two.who)) == {"crayfish": 1, "noodles": 1}
    assert (too_many.status_code, too_many.json()["code"]) == (422, "invalid_field")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "table_session_not_found")
    assert ordered(await view(house, one.session, one.who)) == {"noodles": 1}


async def test_T8_combine_and_apart(house: House) -> None:
    """Each sees whom it sits with, and keeps its bill."""
    one, two = await party(house, crayfish=1), await party(house, noodles=1)

    await act(house, one.session, "combine", session_id=two.session)
    together = await view(house, two.session, two.who)
    await act(house, one.session, "unmerge", session_id=two.session)

    assert list(together["combined"]) == [one.session]
    apart = await house.becomes(
        f"/api/v1/table-sessions/{two.session}",
        two.who,
        lambda shown: not shown.get("combined"),
        "they sit apart",
    )
    assert ordered(apart) == {"noodles": 1}


async def test_T8_a_repeated_request_is_the_same_move(house: House) -> None:
    """The same key again answers the view and moves nothing a second time."""
    one, two = await party(house, noodles=3), await party(house, crayfish=1)
    line = (await view(house, one.session, one.who))["rounds"][0]["lines"][0]["line_id"]
    headers = {**await house.staff("waiter"), "Idempotency-Key": fresh_key()}
    body = {"to_session_id": two.session, "quantity": 1}
    path = f"/api/v1/table-sessions/{one.session}/lines/{line}/move"

    answers = [await house.http.post(path, json=body, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert ordered(await view(house, one.session, one.who)) == {"noodles": 2}
