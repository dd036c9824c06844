"""What a connection may do, byte by byte: one test per override of uvicorn's protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from api.protocol import SLICE_BYTES, ConnectionLimits
from tests.api.house import House, fresh_key, open_house, problem_of, until

pytestmark = pytest.mark.anyio

GET = b"GET /healthz HTTP/1.1\r\nhost: kaifan\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nhost: kaifan\r\nconnection: close\r\n\r\n"
QUICK = ConnectionLimits(head_s=0.2, body_s=0.2, idle_s=0.3, answer_s=0.4)


def _status(raw: bytes) -> int:
    return int(raw.split(b" ", 2)[1])


async def test_a_head_over_the_bound_is_refused(house: House) -> None:
    """One large header in one piece: 431 headers_too_large, and the connection is closed."""
    raw = await house.send(b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 40_000 + b"\r\n\r\n")

    assert (_status(raw), problem_of(raw)["code"]) == (431, "headers_too_large")
    assert b"connection: close" in raw


async def test_a_head_of_many_small_headers_is_refused(house: House) -> None:
    """8,000 headers of a few bytes are as large."""
    raw = await house.send(b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 8_000 + b"\r\n")

    assert (_status(raw), problem_of(raw)["code"]) == (431, "headers_too_large")


async def test_a_header_that_never_ends_is_refused(house: House) -> None:
    """The parser keeps it to itself; what it was fed is counted all the same."""
    reader, writer = await house.connect()
    writer.write(b"GET /healthz HTTP/1.1\r\nx: ")
    for _ in range(20):
        writer.write(b"y" * 4_096)
        await asyncio.sleep(0)
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert (_status(raw), problem_of(raw)["code"]) == (431, "headers_too_large")


async def test_a_head_of_the_allowed_size_is_read_in_any_pieces(house: House) -> None:
    """30 KB in pieces is not counted twice."""
    reader, writer = await house.connect()
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n")
    for number in range(30):
        writer.write(b"x-%d: " % number + b"y" * 1_000 + b"\r\n")
        await writer.drain()
    writer.write(b"\r\n")
    raw = await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert _status(raw) == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nhost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"CONNECT kaifan:80 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_not_http_is_malformed(house: House, data: bytes) -> None:
    """400 malformed_request, and the connection is closed."""
    raw = await house.send(data)

    assert (_status(raw), problem_of(raw)["code"]) == (400, "malformed_request")


async def test_a_bad_body_is_malformed(house: House) -> None:
    """A chunk that is none: 400; the request is not executed."""
    raw = await house.send(
        b"POST /api/v1/auth/guest HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnothing like a chunk\r\n"
    )

    assert (_status(raw), problem_of(raw)["code"]) == (400, "malformed_request")


async def test_pipelined_requests_are_answered_in_order(house: House) -> None:
    """Three requests in one piece: three answers, in their order."""
    raw = await house.send(
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: one\r\n\r\n"
        b"GET /nothing HTTP/1.1\r\nhost: x\r\nx-request-id: two\r\n\r\n"
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-request-id: three\r\nconnection: close\r\n\r\n"
    )

    places = [raw.index(b"x-request-id: " + name) for name in (b"one", b"two", b"three")]
    assert places == sorted(places)
    assert raw.count(b"HTTP/1.1 200") == 2
    assert raw.count(b"HTTP/1.1 404") == 1


async def test_rubbish_after_a_request_does_not_cost_its_answer(house: House) -> None:
    """The good request is answered; then the connection is closed."""
    raw = await house.send(GET + b"\x00\x00rubbish\r\n\r\n")

    assert raw.startswith(b"HTTP/1.1 200")
    assert b'"alive"' in raw


async def test_many_pipelined_writes_keep_their_bodies_apart(house: House) -> None:
    """50 guests asked for in one piece are 50 different ones."""
    one = b"POST /api/v1/auth/guest HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
    raw = await house.send(one * 50 + LAST)

    guests = {part.split(b'"')[3] for part in raw.split(b'{"user_id"')[1:] for part in [b'{"user_id"' + part]}
    assert raw.count(b"HTTP/1.1 201") == 50
    assert len(guests) == 50


async def _flood(house: House, request: bytes, seconds: float) -> tuple[int, int]:
    """Send requests without reading an answer for a while: (bytes that were taken, most requests in memory)."""
    _, writer = await house.connect()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    block = request * 1_000
    most = sent = 0
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        writer.write(block)
        sent += len(block)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.1)
        most = max(most, *(len(one.pipeline) for one in house.server.open_connections()))
        if writer.transport.get_write_buffer_size() > 4_000_000:
            break  # nothing more is taken
    await asyncio.sleep(0)
    writer.transport.abort()
    return sent - writer.transport.get_write_buffer_size(), most


@pytest.mark.parametrize("path", [b"/healthz", b"/openapi.json", b"/api/v1/flash-sales/none"])
async def test_a_client_that_only_sends_is_not_read_on(house: House, path: bytes) -> None:
    """Requests that wait for their turn are bounded, on both roads; the rest stays in the client."""
    _, most = await _flood(house, b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % path, 1.5)

    assert most <= SLICE_BYTES // 30


async def test_a_large_write_of_requests_is_answered_whole(house: House) -> None:
    """What was read ahead is parsed when there is room: 5,000 requests in one write, 5,000 answers."""
    raw = await house.send(GET * 5_000 + LAST, timeout_s=60)

    assert raw.count(b"HTTP/1.1 ") == 5_001


async def test_a_half_sent_head_times_out() -> None:
    """408 request_timeout after head_s, and the connection is closed; dripping bytes does not extend it."""
    async with open_house(limits=QUICK) as house:
        reader, writer = await house.connect()
        began = time.monotonic()
        reading = asyncio.create_task(reader.read())
        for byte in b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 1_000:
            if reading.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)
        raw = await asyncio.wait_for(reading, 10)
        writer.close()

    assert (_status(raw), problem_of(raw)["code"]) == (408, "request_timeout")
    assert time.monotonic() - began < 2


async def test_a_half_sent_body_times_out_and_is_not_executed() -> None:
    """408 request_timeout after body_s, also when bytes keep dripping."""
    async with open_house(limits=QUICK) as house:
        reader, writer = await house.connect()
        writer.write(b"POST /api/v1/auth/guest HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{")
        reading = asyncio.create_task(reader.read())
        while not reading.done():
            writer.write(b" ")
            await asyncio.sleep(0.01)
        raw = await reading
        writer.close()
        assert (_status(raw), problem_of(raw)["code"]) == (408, "request_timeout")
        await until(lambda: house.server.connections == 0, "the connection is forgotten")
        assert not house.app.door.meter.requests


async def test_an_early_answer_does_not_keep_a_slow_body_open() -> None:
    """401 at once; the body that never comes ends the connection after body_s, without a second answer."""
    async with open_house(limits=QUICK) as house:
        raw = await house.send(
            b"POST /api/v1/flash-sales/x/claims HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"
        )

    assert raw.count(b"HTTP/1.1") == 1
    assert _status(raw) == 401


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    """Before the first request and after one: closed after idle_s, nothing is sent."""
    async with open_house(limits=QUICK) as house:
        assert await house.send(b"") == b""
        raw = await house.send(GET)

    assert raw.count(b"HTTP/1.1") == 1
    assert raw.endswith(b"}")


async def test_a_reader_that_does_not_read_is_cut_off() -> None:
    """Answers that nobody takes do not pile up for ever: the connection ends."""
    async with open_house(limits=QUICK) as house:
        connection = socket.create_connection(("127.0.0.1", house.port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        try:
            many = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 500
            sending = asyncio.create_task(loop.sock_sendall(connection, many))
            await until(lambda: house.server.connections == 1, "the connection is open")
            await until(lambda: house.server.connections == 0, "the connection is cut off")
            await asyncio.wait([sending])
            sending.exception()
        finally:
            connection.close()


async def test_a_large_body_is_dropped_only_so_far() -> None:
    """413 comes at once; beyond drained_bytes_max the connection is closed."""
    async with open_house(limits=ConnectionLimits(drained_bytes_max=100_000)) as house:
        who = (await house.diner())["Authorization"].encode()
        reader, writer = await house.connect()
        writer.write(
            b"POST /api/v1/flash-sales/x/claims HTTP/1.1\r\nhost: x\r\nidempotency-key: k\r\n"
            b"authorization: " + who + b"\r\ncontent-length: 2000000\r\n\r\n"
        )
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        assert (_status(answer), problem_of(answer)["code"]) == (413, "body_too_large")
        writer.write(b"x" * 1_000_000)
        try:
            rest = await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            rest = b""
        assert rest == b""
        writer.close()


async def test_an_answer_arrives_although_its_request_is_still_being_sent(house: House) -> None:
    """413 to 1.5 MB with Connection: close: the client reads the answer, and not a reset."""
    body = b"x" * 1_500_000
    raw = await house.send(
        b"POST /api/v1/auth/guest HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        % len(body)
        + body
    )

    assert (_status(raw), problem_of(raw)["code"]) == (413, "body_too_large")


async def test_a_body_is_asked_for_only_when_it_is_wanted(house: House) -> None:
    """Expect: 100-continue: 413 or 401 come without it; a good request gets 100 and then its answer."""
    head = b"POST /api/v1/auth/guest HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\n"
    refused = await house.send(head + b"content-length: 2000000\r\n\r\n")
    assert _status(refused) == 413

    reader, writer = await house.connect()
    writer.write(head + b"content-length: 2\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert _status(await asyncio.wait_for(reader.read(), 10)) == 201
    writer.close()


async def test_an_upgrade_is_answered_in_http_and_ends_the_connection(house: House) -> None:
    """Whoever asks for h2c or a WebSocket here gets the plain answer."""
    for protocol in (b"h2c", b"websocket"):
        raw = await house.send(
            b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: " + protocol + b"\r\n\r\n"
        )
        assert _status(raw) == 200
        assert b"connection: close" in raw


async def test_more_connections_than_a_silo_can_hold_are_told_so() -> None:
    """The third of two is answered 503 overloaded and closed; when one leaves, there is room again."""
    async with open_house(limits=ConnectionLimits(connections_max=2)) as house:
        held = [await house.connect() for _ in range(2)]
        await until(lambda: house.server.connections == 2, "two connections")
        raw = await house.send(b"")
        assert (_status(raw), problem_of(raw)["code"]) == (503, "overloaded")
        assert b"retry-after: 1" in raw

        held[0][1].close()
        await until(lambda: house.server.connections == 1, "one connection")
        assert _status(await house.send(LAST)) == 200
        held[1][1].close()


async def test_head_and_body_of_an_answer_leave_together(house: House) -> None:
    """In one piece, on a socket without Nagle's delay, though it was handed over to us."""
    reader, writer = await house.connect()
    writer.write(GET)
    first = await asyncio.wait_for(reader.read(65_536), 10)
    writer.close()
    assert first.endswith(b"}")

    for connection in house.server.open_connections():
        raw = connection.transport.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_an_answer_without_a_body_leaves_at_once(house: House) -> None:
    """HEAD as the first request of a connection that stays open; the next request is answered too."""
    reader, writer = await house.connect()
    writer.write(GET.replace(b"GET", b"HEAD"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert _status(head) == 200

    writer.write(LAST)
    assert (await asyncio.wait_for(reader.read(), 5)).count(b'{"status"') == 1
    writer.close()


async def test_a_client_that_hangs_up_in_its_body_is_not_executed(house: House) -> None:
    """Half a claim and gone: no claim, and the server goes on."""
    sale = await house.open_sale()
    who = (await house.diner())["Authorization"]
    _, writer = await house.connect()
    before = house.server.connections
    writer.write(
        f"POST /api/v1/flash-sales/{sale['flash_sale_id']}/claims HTTP/1.1\r\nhost: x\r\nauthorization: {who}\r\n"
        f"idempotency-key: {fresh_key()}\r\ncontent-length: 15\r\n\r\n{{".encode()
    )
    await writer.drain()
    writer.close()
    await until(lambda: house.server.connections < before or before == 0, "the connection is gone")

    shown = (await house.http.get(f"/api/v1/flash-sales/{sale['flash_sale_id']}")).json()
    assert (shown["left"], shown["claims"]) == (20, 0)


async def test_hundreds_of_idle_connections_cost_nobody_an_answer(house: House) -> None:
    """They stay open, and claims are answered between them."""
    idle = [await house.connect() for _ in range(400)]
    try:
        assert house.server.connections >= 400
        sale = await house.open_sale()
        assert (await house.claim(sale["flash_sale_id"], await house.diner())).status_code == 201
    finally:
        for _, writer in idle:
            writer.close()


async def test_a_client_of_http_1_0_need_not_name_its_host(house: House) -> None:
    """It is of a time when nobody did."""
    assert _status(await house.send(b"GET /healthz HTTP/1.0\r\n\r\n")) == 200


async def test_the_fast_road_wants_a_host_too(house: House) -> None:
    """It is checked before the roads part."""
    sale = await house.open_sale()
    raw = await house.send(b"GET /api/v1/flash-sales/%b HTTP/1.1\r\n\r\n" % sale["flash_sale_id"].encode())

    assert (_status(raw), problem_of(raw)["code"]) == (400, "malformed_request")
