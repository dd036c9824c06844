"""The fast road, byte by byte: one test per override, and the same bytes get the same answers as through FastAPI."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.clock import ClusterClock
from api.app import all_operations
from api.fast_road import FastRoad
from api.protocol import ConnectionLimits
from api.settings import Router
from api.tokens import Diner, Tokens
from flash_sale.commands import Claim
from tests.api.house import SECRET, Gate, House, fresh_key, open_house, problem_of, until

pytestmark = pytest.mark.anyio

QUICK = ConnectionLimits(head_s=0.3, body_s=0.3, idle_s=0.5, answer_s=0.5)


def claim_bytes(
    sale: str, who: dict[str, str], *, key: str = "", body: bytes = b'{"quantity":1}', more: bytes = b""
) -> bytes:
    """A claim as a phone sends it."""
    lines = [
        b"POST /api/v1/flash-sales/%b/claims HTTP/1.1" % sale.encode(),
        b"host: kaifan",
        b"authorization: " + who["Authorization"].encode(),
        b"idempotency-key: " + (key or fresh_key()).encode(),
        b"content-length: %d" % len(body),
    ]
    return b"\r\n".join(lines) + b"\r\n" + more + b"\r\n" + body


def show_bytes(sale: str, more: bytes = b"") -> bytes:
    return b"GET /api/v1/flash-sales/%b HTTP/1.1\r\nhost: kaifan\r\n%b\r\n" % (sale.encode(), more)


CLOSE = b"connection: close\r\n"


def answers(raw: bytes) -> list[tuple[int, dict[bytes, bytes], Any]]:
    """The answers of a connection: (status, headers, document)."""
    found = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        if first.endswith(b"100 Continue"):
            raw = rest
            continue
        size = min(int(headers.get(b"content-length", b"0")), len(rest))  # an answer to HEAD has none of it
        found.append((int(first.split(b" ")[1]), headers, msgspec.json.decode(rest[:size] or b"{}")))
        raw = rest[size:]
    return found


async def test_the_road_takes_the_routes_of_a_peak(house: House) -> None:
    """Claim and look; what is unusual about a request is for the other road."""
    road = house.app.fast_road
    assert road is not None
    taken = {
        (method, url): road.find(method, url) is not None
        for method, url in [
            (b"POST", b"/api/v1/flash-sales/f1/claims"),
            (b"GET", b"/api/v1/flash-sales/f1"),
            (b"GET", b"/api/v1/flash-sales/f1?x=1"),
            (b"GET", b"/api/v1/flash-sales/f%31"),
            (b"GET", b"/api/v1/flash-sales/" + b"f" * 200),
            (b"POST", b"/api/v1/flash-sales/f1"),
            (b"DELETE", b"/api/v1/flash-sales/f1/claims"),
            (b"GET", b"/healthz"),
        ]
    }
    assert [taken[key] for key in taken] == [True, True, False, False, False, False, False, False]


async def test_the_parameters_of_an_address_are_read(house: House) -> None:
    """Each route of a method finds its own endpoint and its own parameters."""
    road = FastRoad(house.app.door, all_operations())

    found = road.find(b"POST", b"/api/v1/flash-sales/abc.1/claims")

    assert found is not None
    assert (found[0].operation.name, found[1]) == ("claim", {"flash_sale_id": "abc.1"})


async def test_an_answer_has_the_headers_of_every_answer(house: House) -> None:
    """Date, request id, silo, type, length; and in one piece."""
    sale = await house.open_sale()
    raw = await house.send(show_bytes(sale["flash_sale_id"], b"x-request-id: r-9\r\n" + CLOSE))
    through_fastapi = await house.send(show_bytes(sale["flash_sale_id"] + "?", CLOSE))

    ((status, headers, document),) = answers(raw)
    ((_, ordinary, _),) = answers(through_fastapi)
    assert (status, document["flash_sale_id"]) == (200, sale["flash_sale_id"])
    assert headers[b"x-request-id"] == b"r-9"
    assert set(headers) == set(ordinary)
    assert headers[b"connection"] == b"close"


async def test_a_claim_can_be_sent_byte_by_byte(house: House) -> None:
    """Whatever pieces it comes in, it is one claim."""
    sale, who = await house.open_sale(), await house.diner()
    reader, writer = await house.connect()
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in claim_bytes(sale["flash_sale_id"], who, more=CLOSE):
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    ((status, _, claim),) = answers(raw)
    assert (status, claim["status"], claim["quantity"]) == (201, "held", 1)


async def test_pipelined_requests_of_both_roads_are_answered_in_order(house: House) -> None:
    """Claim, look, health, claim, look … in one write: the answers come in that order, each claim once."""
    sale = (await house.open_sale(stock=20, per_user_limit=20))["flash_sale_id"]
    who = await house.diner()
    wanted = []
    data = b""
    for number in range(12):
        last = CLOSE if number == 11 else b""
        match number % 4:
            case 0:
                data += claim_bytes(sale, who, more=last)
                wanted.append("claim_id")
            case 1:
                data += show_bytes(sale, last)
                wanted.append("stock")
            case 2:
                data += b"GET /healthz HTTP/1.1\r\nhost: kaifan\r\n\r\n"
                wanted.append("silo")
            case _:
                data += b"GET /api/v1/flash-sales/%b?x HTTP/1.1\r\nhost: kaifan\r\n%b\r\n" % (
                    sale.encode(),
                    last,
                )
                wanted.append("stock")

    got = answers(await house.send(data))

    assert [name in document for name, (_, _, document) in zip(wanted, got, strict=True)] == [True] * 12
    left = [document["left"] for _, _, document in got if "left" in document]
    assert left == [19, 19, 18, 18, 17, 17]


async def test_a_thousand_pipelined_looks_do_not_recurse(house: House) -> None:
    """The next one begins from the loop, not inside the one before it."""
    sale = (await house.open_sale())["flash_sale_id"]

    raw = await house.send(show_bytes(sale) * 1_500 + show_bytes(sale, CLOSE), timeout_s=30)

    assert [status for status, _, _ in answers(raw)] == [200] * 1_501


def held_claims() -> tuple[list[Gate], Callable[[Router], Router]]:
    made: list[Gate] = []

    def around(router: Router) -> Router:
        made.append(Gate(router, lambda word: isinstance(word, Claim)))
        return made[0]

    return made, around


async def test_a_request_behind_a_slow_claim_waits_for_its_turn() -> None:
    """A look that was pipelined behind a claim sees what the claim did."""
    made, around = held_claims()
    async with open_house(around=around) as house:
        sale, who = (await house.open_sale())["flash_sale_id"], await house.diner()
        sending = asyncio.create_task(house.send(claim_bytes(sale, who) + show_bytes(sale, CLOSE)))
        await until(lambda: made[0].waiting == 1, "the claim at the gate")
        made[0].open()
        first, second = answers(await sending)

    assert first[0] == 201
    assert second[2]["left"] == 19


async def test_a_client_that_is_gone_when_its_answer_comes_costs_nothing() -> None:
    """The claim stands, nothing is written, nothing is left in the door."""
    made, around = held_claims()
    async with open_house(around=around) as house:
        sale, who, key = (await house.open_sale())["flash_sale_id"], await house.diner(), fresh_key()
        _, writer = await house.connect()
        writer.write(claim_bytes(sale, who, key=key))
        await until(lambda: made[0].waiting == 1, "the claim at the gate")
        writer.transport.abort()
        await until(lambda: house.server.connections <= 1, "the connection is gone")
        made[0].open()
        again = await house.claim(sale, who, key=key)

        assert again.status_code == 201
        assert house.app.door.in_flight == {}
        assert (await house.http.get(f"/api/v1/flash-sales/{sale}")).json()["left"] == 19


async def test_a_drain_answers_a_claim_that_is_under_way() -> None:
    """Hot requests are in no task list; the drain waits for them all the same."""
    made, around = held_claims()
    async with open_house(around=around) as house:
        sale, who = (await house.open_sale())["flash_sale_id"], await house.diner()
        reader, writer = await house.connect()
        writer.write(claim_bytes(sale, who))
        await until(lambda: made[0].waiting == 1, "the claim at the gate")
        draining = asyncio.create_task(house.server.drain(10.0))
        await until(lambda: house.server.draining, "the server drains")
        made[0].open()
        raw = await asyncio.wait_for(reader.read(), 10)
        await asyncio.wait_for(draining, 10)
        writer.close()

    ((status, headers, _),) = answers(raw)
    assert (status, headers[b"connection"]) == (201, b"close")


async def test_a_half_sent_claim_times_out_and_is_not_executed() -> None:
    """408, closed, and no claim."""
    async with open_house(limits=QUICK) as house:
        sale, who = (await house.open_sale())["flash_sale_id"], await house.diner()
        raw = await house.send(claim_bytes(sale, who)[:-3])

        assert problem_of(raw)["code"] == "request_timeout"
        assert (await house.http.get(f"/api/v1/flash-sales/{sale}")).json()["claims"] == 0


async def test_an_answer_that_comes_before_the_body_does_not_wait_for_it(house: House) -> None:
    """Without a token the answer is there after the head; the rest of the body is dropped, the connection lives."""
    sale = (await house.open_sale())["flash_sale_id"]
    reader, writer = await house.connect()
    head, _, body = claim_bytes(sale, {"Authorization": "Bearer x"}).partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    size = int(re.search(rb"content-length: (\d+)", first)[1])  # type: ignore[index]
    await reader.readexactly(size)
    writer.write(body + show_bytes(sale, CLOSE))
    rest = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert first.startswith(b"HTTP/1.1 401")
    assert answers(rest)[0][0] == 200


async def test_a_reader_that_does_not_read_is_cut_off_on_the_fast_road_too() -> None:
    """Answers that nobody reads wait for the reader; after answer_s the connection ends."""
    async with open_house(limits=QUICK) as house:
        sale = (await house.open_sale())["flash_sale_id"]
        _reader, writer = await house.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        writer.write(show_bytes(sale) * 20_000)
        await until(lambda: house.server.connections >= 2, "the connection is open")
        await until(lambda: house.server.connections <= 1, "it was cut off", 30)
        writer.transport.abort()


async def test_a_slow_reader_gets_every_answer_once(house: House) -> None:
    """Writing is paused while the client does not read, and goes on where it was."""
    sale = (await house.open_sale())["flash_sale_id"]
    reader, writer = await house.connect()
    count = 3_000
    writer.write(show_bytes(sale) * (count - 1) + show_bytes(sale, CLOSE))
    raw = b""
    while piece := await asyncio.wait_for(reader.read(1_000_000 if len(raw) > 200_000 else 2_048), 20):
        raw += piece
    writer.close()

    assert [status for status, _, _ in answers(raw)] == [200] * count


# --- the same bytes on both roads ----------------------------------------------------------------------------


class TwoRoads:
    """Two houses with the same people: on one hot routes take the fast road, on the other nothing does."""

    def __init__(self, fast: House, ordinary: House) -> None:
        self.fast, self.ordinary = fast, ordinary

    async def both(self, data: bytes, sales: tuple[str, str]) -> tuple[list[Any], list[Any]]:
        """What the two answer to the same bytes, each about its own sale."""
        fast, ordinary = await asyncio.gather(
            self.fast.send(data.replace(b"SALE", sales[0].encode())),
            self.ordinary.send(data.replace(b"SALE", sales[1].encode())),
        )
        return [_essence(one) for one in answers(fast)], [_essence(one) for one in answers(ordinary)]


ESSENTIAL = {
    "code",
    "title",
    "detail",
    "hint",
    "path",
    "problem",
    "status",
    "quantity",
    "position",
    "reason",
    "left",
}


def _essence(answer: tuple[int, dict[bytes, bytes], Any]) -> tuple[Any, ...]:
    """Status, code, effect; without what names the moment, the request or the sale."""
    status, headers, document = answer
    kept = {
        name: value
        for name, value in document.items()
        if name
        in {
            "code",
            "title",
            "detail",
            "hint",
            "path",
            "problem",
            "status",
            "quantity",
            "position",
            "reason",
            "left",
        }
    }
    names = {name for name in headers if name != b"date"}
    return status, kept, names, headers.get(b"retry-after"), headers.get(b"connection")


@pytest.fixture(scope="module")
async def roads() -> AsyncIterator[TwoRoads]:
    """Both roads, without limits that would tell the two apart by time."""
    wide: dict[str, Any] = {"limit_exempt": ("127.0.0.0/8",)}
    async with AsyncExitStack() as stack:
        fast = await stack.enter_async_context(open_house(settings=wide))
        slow = await stack.enter_async_context(open_house(settings={**wide, "fast_road": False}))
        assert slow.app.fast_road is None
        yield TwoRoads(fast, slow)


TOKENS = ["good", "good", "good", "staff", "none", "expired", "garbled", "twice", "basic"]
KEYS = [b"k-%d", b"k-%d", b"same", b"", b"bad key %d", b"x" * 65, None]
BODIES = [
    b'{"quantity":1}',
    b'{"quantity":2,"wait":true}',
    b'{"quantity":1,"wait":false}',
    b'{"quantity":0}',
    b'{"quantity":-1}',
    b'{"quantity":1000000000}',
    b'{"quantity":"1"}',
    b'{"quantity":{"$gt":""}}',
    b'{"quantity":1,"x":1}',
    b'{"quantity":1',
    b'{"quantity":\xff}',
    b"[]",
    b"",
    b"null",
    b"[" * 2_000,
    b'{"quantity":1}' + b" " * 200_000,
]
EXTRA = [
    b"",
    b"expect: 100-continue\r\n",
    b"upgrade: websocket\r\nconnection: upgrade\r\n",
    b"x-forwarded-for: 10.1.1.1, 10.2.2.2\r\n",
    b"entry-token: 1.nonsense\r\n",
    b"Entry-Token: \xff\xfe\r\n",
    b"x-request-id: <script>\r\n",
    b"cookie: a=b\r\n",
]
TARGETS = [
    b"SALE/claims",
    b"SALE/claims",
    b"SALE/claims",
    b"SALE",
    b"SALE",
    b"none/claims",
    b"%2e%2e/claims",
    b"SALE/claims/",
    b"SALE?x=1",
]


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request for a sale: valid, wrong in one way, or in several."""
    return {
        "method": draw(st.sampled_from([b"POST", b"POST", b"GET", b"HEAD", b"PUT", b"post"])),
        "target": draw(st.sampled_from(TARGETS)),
        "version": draw(st.sampled_from([b"1.1", b"1.1", b"1.1", b"1.0", b"2.0"])),
        "token": draw(st.sampled_from(TOKENS)),
        "key": draw(st.sampled_from(KEYS)),
        "body": draw(st.sampled_from(BODIES)),
        "chunked": draw(st.sampled_from([False, False, False, True])),
        "extra": draw(st.sampled_from(EXTRA)),
    }


_numbers = itertools.count(1)


def written(request: dict[str, Any], tokens: dict[str, bytes]) -> bytes:
    """The request's bytes; the last of its connection."""
    key = request["key"]
    lines = [
        b"%b /api/v1/flash-sales/%b HTTP/%b" % (request["method"], request["target"], request["version"]),
        b"host: kaifan",
        *([tokens[request["token"]]] if tokens[request["token"]] else []),
        *(
            [b"idempotency-key: " + (key % next(_numbers) if b"%d" in key else key)]
            if key is not None
            else []
        ),
    ]
    body = request["body"]
    if request["chunked"]:
        body = (
            b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:3], body[3:]) if part)
            + b"0\r\n\r\n"
        )
        lines.append(b"transfer-encoding: chunked")
    else:
        lines.append(b"content-length: %d" % len(body))
    close = b"" if b"connection" in request["extra"] else CLOSE
    return b"\r\n".join(lines) + b"\r\n" + request["extra"] + close + b"\r\n" + body


@pytest.fixture(scope="module")
async def sales(roads: TwoRoads) -> tuple[str, str]:
    """One sale in each house, large enough for everything."""
    made = [await house.open_sale(stock=5_000, per_user_limit=3) for house in (roads.fast, roads.ordinary)]
    return made[0]["flash_sale_id"], made[1]["flash_sale_id"]


@pytest.fixture(scope="module")
async def staff_line(roads: TwoRoads) -> bytes:
    return b"authorization: " + (await roads.fast.staff("manager"))["Authorization"].encode()


def tokens_of(user: str, staff_line: bytes) -> dict[str, bytes]:
    """Header lines of a diner whom both houses meet for the first time."""
    tokens, now = Tokens(SECRET), ClusterClock().now_ms()
    good = tokens.for_diner(Diner(user), now + 600_000).encode()
    expired = tokens.for_diner(Diner(user), now - 1_000).encode()
    return {
        "good": b"authorization: Bearer " + good,
        "twice": b"authorization: Bearer x\r\nAuthorization: bearer  " + good,
        "expired": b"authorization: Bearer " + expired,
        "garbled": b"authorization: Bearer " + good[:-2],
        "basic": b"authorization: Basic " + good,
        "staff": staff_line,
        "none": b"",
    }


@pytest.mark.timeout(300)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(requests(), min_size=1, max_size=3))
async def test_the_same_bytes_get_the_same_answers_on_both_roads(
    roads: TwoRoads, sales: tuple[str, str], staff_line: bytes, sent: list[dict[str, Any]]
) -> None:
    """Whatever is sent, valid or damaged: equal status, code, headers, and effect on the stock that is left."""
    tokens = tokens_of(f"guest-{next(_numbers)}", staff_line)
    for request in sent:
        fast, ordinary = await roads.both(written(request, tokens), sales)
        assert fast == ordinary, request
    fast, ordinary = await roads.both(show_bytes("SALE", CLOSE), sales)
    assert fast == ordinary
