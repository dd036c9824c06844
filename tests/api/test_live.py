"""Screens that follow a table, on real sockets (X1, T2)."""

from __future__ import annotations

import asyncio

import pytest

from api.live import frames
from tests.api.house import House, until
from tests.api.phones import Refused, dial, following, masked
from tests.api.test_tables import Headers, add, ops, sit, token_of, view

pytestmark = pytest.mark.anyio


async def seated(house: House) -> tuple[str, Headers]:
    """A session with one guest."""
    ann = await house.diner()
    answer = await sit(house, ann, await token_of(house), party_size=2)
    return str(answer.json()["session_id"]), ann


def live(session: str) -> str:
    return f"/api/v1/table-sessions/{session}/live"


async def test_X1_every_phone_sees_every_op_once_and_in_order(house: House) -> None:
    """Eight phones, two writers at once; all see the same events, and the view is what they add up to."""
    session, ann = await seated(house)
    seq = (await view(house, session, ann))["seq"]
    phones = [await dial(house.port, live(session), headers=ann, since=seq) for _ in range(8)]

    answers = await asyncio.gather(*(ops(house, session, ann, add(f"a{n}")) for n in range(10)))

    last = max(answer.json()["seq"] for answer in answers)
    seen = [await phone.until(last) for phone in phones]
    assert last == seq + 10
    assert all(one == seen[0] for one in seen)
    assert [event["seq"] for event in seen[0]] == list(range(seq + 1, last + 1))
    assert (await view(house, session, ann))["seq"] == last
    for phone in phones:
        phone.leave()
    await until(lambda: house.app.live is not None and not house.app.live.sockets, "all sockets gone")
    await until(lambda: house.app.live is not None and not house.app.live.hub.feeds, "nothing is followed")


async def test_X1_a_phone_that_comes_again_gets_what_it_missed(house: House) -> None:
    """Disconnected while others order: no gap, nothing twice."""
    session, ann = await seated(house)
    first = (await ops(house, session, ann, add("a1"))).json()["seq"]
    async with following(house.port, live(session), ann, since=first - 1) as phone:
        await phone.until(first)
    missed = (await ops(house, session, ann, add("a2"), add("a3"))).json()["seq"]

    async with following(house.port, live(session), ann, since=first) as phone:
        await phone.until(missed)
        later = (await ops(house, session, ann, add("a4"))).json()["seq"]
        seen = await phone.until(later)

    assert [event["seq"] for event in seen] == list(range(missed + 1, later + 1))


@pytest.mark.parametrize("since", [None, 10**6])
async def test_X1_who_cannot_be_brought_up_to_date_starts_from_the_view(
    house: House, since: int | None
) -> None:
    """Without since, and with one of another history: the first frame names the view and where to go on."""
    session, ann = await seated(house)
    async with following(house.port, live(session), ann, since=since) as phone:
        first = await phone.next()
        shown = await view(house, session, ann)
        seq = (await ops(house, session, ann, add("a1"))).json()["seq"]
        await phone.until(seq)

    assert first == {
        "seq": shown["seq"],
        "type": "reset",
        "data": {"view": f"/api/v1/table-sessions/{session}"},
    }


async def test_X1_a_browser_sends_its_token_as_a_subprotocol(house: House) -> None:
    """And gets the other protocol it offered back, not its token."""
    session, ann = await seated(house)
    token = ann["Authorization"].removeprefix("Bearer ")
    offered = {"Sec-WebSocket-Protocol": f"kaifan.live, kaifan.bearer.{token}"}

    async with following(house.port, live(session), offered) as phone:
        assert (await phone.next())["type"] == "reset"

    assert b"sec-websocket-protocol: kaifan.live\r\n" in phone.head
    assert token.encode() not in phone.head


async def test_X1_strangers_are_refused(house: House) -> None:
    """Nobody: 401; another guest: not their session; staff of another store: 403; no such session: 404."""
    session, _ = await seated(house)
    cases = [
        ({}, session, 401, "unauthenticated"),
        ({"Authorization": "Bearer x.y.z"}, session, 401, "unauthenticated"),
        (await house.diner(), session, 404, "table_session_not_found"),
        (await house.staff("other-manager"), session, 403, "forbidden"),
        (await house.staff("waiter"), "tsnone", 404, "table_session_not_found"),
    ]
    for headers, which, status, code in cases:
        with pytest.raises(Refused) as refused:
            await dial(house.port, live(which), headers=headers)
        assert (refused.value.status, refused.value.problem["code"]) == (status, code)


async def test_X1_staff_follow_a_table_of_their_store(house: House) -> None:
    session, ann = await seated(house)
    async with following(house.port, live(session), await house.staff("waiter")) as phone:
        await phone.next()
        await phone.until((await ops(house, session, ann, add("a1"))).json()["seq"])


async def test_X1_guests_do_not_follow_the_store(house: House) -> None:
    with pytest.raises(Refused) as refused:
        await dial(house.port, "/api/v1/stores/s1/live", headers=await house.diner())
    assert refused.value.status == 403


async def test_X1_what_is_no_websocket_is_told_so(house: House) -> None:
    """A plain GET, and a client of another version: 426 and the version that is spoken."""
    session, ann = await seated(house)
    plain = await house.http.get(live(session), headers=ann)
    with pytest.raises(Refused) as old:
        await dial(house.port, live(session), headers={**ann, "Sec-WebSocket-Version": "8"})

    assert (plain.status_code, plain.json()["code"]) == (426, "upgrade_required")
    assert plain.headers["sec-websocket-version"] == "13"
    assert (old.value.status, b"sec-websocket-version: 13" in old.value.head) == (426, True)


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", frames.PROTOCOL_ERROR),
        (b"\x81\x02hi", frames.PROTOCOL_ERROR),
        (masked(frames.PING, b"x" * 10)[:1] + b"\xfe\xff\xff", frames.PROTOCOL_ERROR),
        (masked(0x3, b"x"), frames.PROTOCOL_ERROR),
        (masked(frames.CONTINUATION, b"x"), frames.PROTOCOL_ERROR),
        (masked(frames.TEXT, b"x" * 5_000), frames.TOO_LARGE),
        (masked(frames.TEXT, b"ping") * 200, frames.POLICY),
    ],
)
async def test_X1_garbage_closes_one_socket_and_no_other(house: House, garbage: bytes, code: int) -> None:
    """With the code that says why; the neighbour goes on."""
    session, ann = await seated(house)
    async with (
        following(house.port, live(session), ann) as good,
        following(house.port, live(session), ann) as bad,
    ):
        await good.next()
        bad.writer.write(garbage)
        assert (await bad.closing()).code == code
        await good.until((await ops(house, session, ann, add("a1"))).json()["seq"])


async def test_X1_pings_are_answered_and_a_close_is_echoed(house: House) -> None:
    session, ann = await seated(house)
    async with following(house.port, live(session), ann, since=0) as phone:
        await phone.next()
        phone.writer.write(masked(frames.PING, b"are you there"))
        while (got := await phone.frame())[0] == frames.TEXT:
            pass
        assert got == (frames.PONG, b"are you there")
        phone.writer.write(masked(frames.CLOSE, b"\x03\xe8"))
        assert await phone.frame() == (frames.CLOSE, b"\x03\xe8")
