"""Screens that follow a table, on real sockets (X1, T2)."""

from __future__ import annotations

import asyncio
from socket import SO_RCVBUF, SOL_SOCKET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.live import desk as desk_module
from api.live import frames, socket
from api.tokens import Diner
from tests.api.house import House, open_house, until
from tests.api.phones import Refused, dial, following, masked
from tests.api.test_tables import Headers, add, ops, sit, stock, token_of, view

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


async def test_X1_D4_staff_follow_their_store(house: House) -> None:
    """What is set in the kitchen is on every screen of the store; the reset names a view that is there."""
    waiter = await house.staff("waiter")
    async with following(house.port, "/api/v1/stores/s1/live", waiter) as phone:
        first = await phone.next()
        await stock(house, {"state": "qty", "left": 7})
        async with asyncio.timeout(10):
            while "noodles" not in str((event := await phone.next())["data"]):
                pass
        await stock(house, {"state": "qty", "left": 30})

    assert first["type"] == "reset"
    assert (await house.http.get(first["data"]["view"], headers=waiter)).status_code == 200
    assert event["seq"] > first["seq"]


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
        (masked(frames.TEXT, b"\xe9\x96"), frames.NOT_UTF8),
        (
            masked(frames.TEXT, b"\xe5", final=False) + masked(frames.CONTINUATION, b"\xbc\xff"),
            frames.NOT_UTF8,
        ),
        (masked(frames.CLOSE, b"\x03"), frames.PROTOCOL_ERROR),
        (masked(frames.CLOSE, b"\x03\xed"), frames.PROTOCOL_ERROR),
        (masked(frames.CLOSE, b"\x03\xe8\xff"), frames.NOT_UTF8),
    ],
    # Masks are random, and each worker of the test run must name the tests alike.
    ids=[
        "no frame",
        "not masked",
        "long ping",
        "unknown opcode",
        "nothing to continue",
        "too large",
        "too many",
        "half a character",
        "not UTF-8 in the second frame",
        "close of one byte",
        "close with a code that is never sent",
        "close with a reason that is not UTF-8",
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
        half, rest = masked(frames.TEXT, b"\xe5\xbc", final=False), masked(frames.CONTINUATION, b"\x80")
        phone.writer.write(half + masked(frames.PING, b"\xff") + rest + masked(frames.BINARY, b"\xff"))
        assert await phone.frame() == (frames.PONG, b"\xff")
        phone.writer.write(masked(frames.CLOSE, b"\x03\xe8"))
        assert await phone.frame() == (frames.CLOSE, b"\x03\xe8")


async def test_X1_who_never_reads_costs_a_bounded_buffer_and_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The neighbour sees everything; the slow one is dropped, and comes again with since."""
    monkeypatch.setattr(socket, "BEHIND_S", 0.3)
    session, ann = await seated(house)
    seq = (await view(house, session, ann))["seq"]
    slow = await dial(house.port, live(session), headers=ann, since=seq)
    slow.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
    slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
    desk = house.app.live
    assert desk is not None
    (held,) = [one for one in desk.sockets if one.place.entity == f"table-session/{session}"]
    blob = frames.frame(frames.TEXT, b'{"seq":0,"type":"noise","at":"","data":"' + b"x" * 50_000 + b'"}')
    while held.ready:
        held.transport.write(blob)
        await asyncio.sleep(0)

    async with following(house.port, live(session), ann, since=seq) as good:
        for number in range(5):
            last = (await ops(house, session, ann, add(f"a{number}"))).json()["seq"]
        await good.until(last)
    assert held.transport.get_write_buffer_size() < 2 * len(blob) + socket.BUFFER_BYTES_MAX
    await until(lambda: held not in desk.sockets, "the slow one is closed")
    slow.leave()

    assert desk.meter.closed[frames.TOO_SLOW] == 1
    async with following(house.port, live(session), ann, since=seq) as again:
        await again.until(last)


async def test_X1_a_phone_that_is_silent_is_pinged_and_then_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, ann = await seated(house)
    async with following(house.port, live(session), ann) as phone:
        await phone.next()
        monkeypatch.setattr(socket, "PING_S", 0.5)
        opcode, _ = await phone.frame()
        assert opcode == frames.PING
        assert (await phone.closing()).code == frames.GOING_AWAY


async def test_X1_sockets_are_bounded_per_guest_and_per_silo() -> None:
    """One more is refused in HTTP; one that is closed makes room."""
    async with open_house(settings={"sockets_per_user": 2, "sockets_max": 3}) as house:
        session, ann = await seated(house)
        waiter = await house.staff("waiter")
        phones = [await dial(house.port, live(session), headers=ann) for _ in range(2)]
        with pytest.raises(Refused) as third:
            await dial(house.port, live(session), headers=ann)
        phones.append(await dial(house.port, live(session), headers=waiter))
        with pytest.raises(Refused) as fourth:
            await dial(house.port, live(session), headers=waiter)
        assert (third.value.status, third.value.problem["code"]) == (429, "too_many_sockets")
        assert (fourth.value.status, fourth.value.problem["code"]) == (503, "overloaded")

        phones[0].leave()
        await until(lambda: house.app.live is not None and len(house.app.live.sockets) == 2, "room")
        phones.append(await dial(house.port, live(session), headers=ann))
        for phone in phones:
            phone.leave()


async def test_X1_a_silo_that_drains_says_so_and_the_phone_comes_again() -> None:
    """1012 and a hint; nothing that was committed is missed before it."""
    async with open_house() as house:
        session, ann = await seated(house)
        phone = await dial(house.port, live(session), headers=ann, since=0)
        last = (await ops(house, session, ann, add("a1"))).json()["seq"]
        await phone.until(last)
        drained = asyncio.create_task(house.server.drain(5.0))
        closed = await phone.closing()
        await drained
    assert (closed.code, "since" in closed.reason) == (frames.RESTARTING, True)


async def test_X1_who_may_not_see_it_any_more_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that has ended: 4401. Looked at from time to time."""
    monkeypatch.setattr(desk_module, "RECHECK_S", 0.1)
    session, ann = await seated(house)
    soon = house.clock.now_ms() + 2_000
    diner = house.tokens.principal(ann["Authorization"].encode(), 0)
    assert isinstance(diner, Diner)
    short = {"Authorization": f"Bearer {house.tokens.for_diner(diner, soon)}"}
    async with following(house.port, live(session), short) as phone:
        assert (await phone.closing()).code == frames.UNAUTHENTICATED


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_X1_resumed_anywhere_there_is_no_gap_and_nothing_twice(cuts: list[int]) -> None:
    """Whatever the number of events between two connections, and however many are read of each."""

    async def play() -> None:
        async with open_house() as house:
            session, ann = await seated(house)
            seen = [(await view(house, session, ann))["seq"]]
            for number, cut in enumerate(cuts):
                phone = await dial(house.port, live(session), headers=ann, since=seen[-1])
                changes = [add(f"{number}-{n}") for n in range(cut)]
                last = (await ops(house, session, ann, *changes)).json()["seq"] if cut else seen[-1]
                stop = seen[-1] + (last - seen[-1] + 1) // 2
                seen += [event["seq"] for event in await phone.until(stop)]
                phone.leave()
            last = (await view(house, session, ann))["seq"]
            async with following(house.port, live(session), ann, since=seen[-1]) as phone:
                seen += [event["seq"] for event in await phone.until(last)]
            assert seen == list(range(seen[0], last + 1))

    asyncio.run(play())
