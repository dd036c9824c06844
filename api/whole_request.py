"""A request that came whole and in plain form: one read holds it from its first byte to its last, and nothing else.

That is how nearly every request of a peak comes. The parser calls back for the beginning, the address, each header,
the head's end, the body and the end; two patterns find the same in a fourth of the time. They take less than the
parser does: whatever is not plain (a name twice, a body in chunks, Expect, an odd byte) is the parser's to judge.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_HEAD = re.compile(
    rb"(GET|POST|PUT|PATCH|DELETE) (/[!-~]*+) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]++: [!-~]++(?: ++[!-~]++)*+\r\n)++)\r\n"
)
_FIELDS = re.compile(rb"([A-Za-z0-9-]++): ([^\r]++)\r\n")
_FOR_THE_PARSER = frozenset((b"transfer-encoding", b"expect", b"upgrade", b"proxy-connection"))
_KEEP_ALIVE = {b"keep-alive": True, b"close": False}


class WholeRequest(NamedTuple):
    """What the parser would have called back with; header names in lower case, none of them twice."""

    method: bytes
    url: bytes
    raw_headers: list[tuple[bytes, bytes]]
    headers: dict[bytes, bytes]
    body: bytes
    keep_alive: bool


def read_whole(data: bytes) -> WholeRequest | None:
    """The request that ``data`` is, None if it is for the parser.

    >>> read_whole(b"GET /x HTTP/1.1\\r\\nHost: h\\r\\n\\r\\n").headers
    {b'host': b'h'}
    >>> read_whole(b"GET /x HTTP/1.1\\r\\nHost: h\\r\\n\\r\\nGET /y") is None
    True
    """
    head = _HEAD.match(data)
    if head is None:
        return None
    method, url, fields = head.groups()
    raw_headers = [(name.lower(), value) for name, value in _FIELDS.findall(fields)]
    headers = dict(raw_headers)
    body = data[head.end() :]
    length = headers.get(b"content-length")
    if (
        len(headers) != len(raw_headers)
        or b"host" not in headers
        or not _FOR_THE_PARSER.isdisjoint(headers)
        or (length != b"%d" % len(body) if body else length is not None and length != b"0")
    ):
        return None
    connection = headers.get(b"connection")
    keep_alive = True if connection is None else _KEEP_ALIVE.get(connection.lower())
    if keep_alive is None:
        return None
    return WholeRequest(method, url, raw_headers, headers, body, keep_alive)
