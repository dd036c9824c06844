"""★1: a table's evening told again over HTTP: who, what, at which price by which rule, and the state at any point."""

from __future__ import annotations

import pytest

from store_runtime.table_session.story import yuan
from tests.api.house import House
from tests.api.test_live import seated
from tests.api.test_tables import add, ops, view

pytestmark = pytest.mark.anyio


async def test_replay_tells_who_did_what_and_what_priced_it(house: House) -> None:
    """Two lines and a change of one, in words; the last state is the view."""
    session, ann = await seated(house)
    manager = await house.staff("manager")
    await ops(house, session, ann, add("a1", note="少辣"), add("a2", "noodles", 3))
    await ops(house, session, ann, add("a3", note="少辣"))

    answer = await house.http.get(f"/api/v1/table-sessions/{session}/replay", headers=manager)

    assert answer.status_code == 200, answer.text
    told = answer.json()
    said = [f"{item['who']}: {item['said']}" for item in told["items"]]
    (crayfish,) = [one for one in said if "小龙虾 × 1" in one]
    assert "¥88.00 (menu version" in crayfish
    assert "note '少辣'" in crayfish
    assert "g1" in crayfish
    assert any("小龙虾" in one and "+1" in one for one in said)
    assert told["state"]["cart"] == (await view(house, session, manager))["cart"]
    assert [item["seq"] for item in told["items"]] == sorted(item["seq"] for item in told["items"])


async def test_replay_stops_at_any_seq_and_any_moment(house: House) -> None:
    """The state at each point is what the items up to it add up to."""
    session, ann = await seated(house)
    manager = await house.staff("manager")
    await ops(house, session, ann, add("a1"))
    await ops(house, session, ann, add("a2", "noodles"))
    path = f"/api/v1/table-sessions/{session}/replay"
    whole = (await house.http.get(path, headers=manager)).json()

    for item in whole["items"]:
        then = (await house.http.get(path, headers=manager, params={"at": item["seq"]})).json()
        added = sum(one["type"] == "LineAdded" for one in whole["items"] if one["seq"] <= item["seq"])
        assert (then["seq"], len(then["state"]["cart"])) == (item["seq"], added)

    moment = (await house.http.get(path, headers=manager, params={"at": whole["at"]})).json()
    assert moment["seq"] == whole["seq"]
    before = (await house.http.get(path, headers=manager, params={"at": "2020-01-01T00:00:00Z"})).json()
    assert (before["seq"], before["items"], before["state"]) == (0, [], None)


async def test_replay_is_read_page_by_page(house: House) -> None:
    session, ann = await seated(house)
    manager = await house.staff("manager")
    await ops(house, session, ann, *(add(f"a{n}") for n in range(5)))
    path = f"/api/v1/table-sessions/{session}/replay"
    whole = (await house.http.get(path, headers=manager)).json()["items"]

    pages, since = [], 0
    while since is not None:
        answer = await house.http.get(path, headers=manager, params={"limit": 2, "since": since})
        pages += answer.json()["items"]
        since = answer.json()["next_since"]

    assert pages == whole


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("owner", 200),
        ("manager", 200),
        ("waiter", 403),
        ("cashier", 403),
        ("other-manager", 403),
        ("ops", 403),
    ],
)
async def test_replay_is_for_those_who_may_read_the_audit(house: House, role: str, status: int) -> None:
    session, ann = await seated(house)
    path = f"/api/v1/table-sessions/{session}/replay"
    assert (await house.http.get(path, headers=await house.staff(role))).status_code == status
    assert (await house.http.get(path, headers=ann)).status_code == 403


@pytest.mark.parametrize("at", ["yesterday", "2026-11-24T12:00:00", "-1"])
async def test_replay_at_what_is_no_point_is_a_422(house: House, at: str) -> None:
    session, _ = await seated(house)
    headers = await house.staff("manager")
    answer = await house.http.get(
        f"/api/v1/table-sessions/{session}/replay", headers=headers, params={"at": at}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    nobody = await house.http.get("/api/v1/table-sessions/tsnone/replay", headers=headers)
    assert nobody.status_code == 404


def test_amounts_are_told_as_they_are_printed() -> None:
    assert [yuan(fen) for fen in (8_805, -50, 0)] == ["¥88.05", "-¥0.50", "¥0.00"]
