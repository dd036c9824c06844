"""What is read without the parser is what the parser would have read; everything else is left to it."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.whole_request import WholeRequest, read_whole

PLAIN = (
    b"POST /api/v1/flash-sales/s/claims HTTP/1.1\r\nHost: kaifan\r\nAuthorization: Bearer a.b-c_d\r\n"
    b'content-length: 14\r\n\r\n{"quantity":1}'
)


class Parsed:
    """The parser's callbacks, kept."""

    def __init__(self, data: bytes) -> None:
        self.urls: list[bytes] = []
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.whole = 0
        parser = httptools.HttpRequestParser(self)
        parser.feed_data(data)
        self.request = WholeRequest(
            parser.get_method(),
            b"".join(self.urls),
            self.headers,
            dict(self.headers),
            self.body,
            parser.should_keep_alive(),
        )
        self.plain = parser.get_http_version() == "1.1" and not parser.should_upgrade()

    def on_url(self, url: bytes) -> None:
        self.urls.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.whole += 1


NAMES = [b"host", b"Host", b"content-length", b"Content-Length", b"connection", b"Connection", b"x", b"x_y"]
NAMES += [b"transfer-encoding", b"upgrade", b"expect", b"proxy-connection", b"x ", b"\xe9", b""]
VALUES = [b"kaifan", b"14", b"0", b"014", b"+14", b"close", b"Keep-Alive", b"keep-alive, upgrade", b"chunked"]
VALUES += [b"", b" ", b"a b", b" a", b"a ", b"a\tb", b"\xe9", b"a\rb", b"a\nb", b"a\x00b", b"a\r\n b"]
ENDS = [b"", b'{"quantity":1}', b'{"quantity":1} ', PLAIN, b"\r\n", b"0\r\n\r\n"]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Plain ones, and ones that are odd in some way."""
    start = draw(st.sampled_from([b"POST", b"GET", b"post", b"P T", b"CONNECT", b""])) + b" "
    start += draw(st.sampled_from([b"/a", b"/a?b#c", b"*", b"http://h/a", b"/\xe9", b"/a b", b"/a\tb"]))
    start += draw(
        st.sampled_from([b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b"  HTTP/1.1", b""])
    )
    fields = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4))
    plain = [(b"host", b"kaifan"), (b"content-length", b"14")][: draw(st.integers(0, 2))]
    between = draw(st.sampled_from([b": ", b": ", b":", b":  "]))
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]))
    lines = [start, *(name + between + value for name, value in [*plain, *fields])]
    return end.join(lines) + end + end + draw(st.sampled_from(ENDS))


def damaged(at: int, instead: bytes) -> bytes:
    """The plain one with one byte replaced."""
    return PLAIN[:at] + instead + PLAIN[at + 1 :]


DAMAGED = st.builds(damaged, st.integers(0, len(PLAIN) - 1), st.binary(max_size=2))


@settings(max_examples=1_000)
@given(data=st.one_of(requests(), DAMAGED))
def test_what_is_read_whole_is_what_the_parser_reads(data: bytes) -> None:
    """Same method, address, headers, body and keep-alive, and the parser too finds exactly one request."""
    whole = read_whole(data)
    if whole is None:
        return

    parsed = Parsed(data)

    assert parsed.whole == 1
    assert parsed.plain
    assert whole == parsed.request


def test_a_plain_claim_is_read_whole() -> None:
    """Its parts, with the names in lower case."""
    whole = read_whole(PLAIN)

    assert whole is not None
    assert (whole.method, whole.url) == (b"POST", b"/api/v1/flash-sales/s/claims")
    assert whole.headers[b"authorization"] == b"Bearer a.b-c_d"
    assert (whole.body, whole.keep_alive) == (b'{"quantity":1}', True)


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b"Host: kaifan\r\n", b""),
        (b"Host: kaifan", b"Host: kaifan\r\nhost: kaifan"),
        (b"length: 14", b"length: 13"),
        (b"length: 14", b"length: 15"),
        (b"content-length: 14", b"transfer-encoding: chunked"),
        (b"Host: kaifan", b"Host: kaifan\r\nExpect: 100-continue"),
        (b"Host: kaifan", b"Host: kaifan\r\nConnection: upgrade"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"kaifan\r\n", b"kaifan\n"),
        (b"kaifan", b"kaif\x01n"),
    ],
)
def test_what_is_not_plain_is_for_the_parser(found: bytes, instead: bytes) -> None:
    """A name twice, a body of another size, chunks, Expect, Upgrade, another version, an odd byte."""
    assert found in PLAIN

    assert read_whole(PLAIN.replace(found, instead)) is None
