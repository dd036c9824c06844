"""No-op below ASGI: a subclass of uvicorn's ``HttpToolsProtocol`` that answers a claim where its parsing ends.

It parses the same bytes as a claim: request line, every header (the token and the key are picked out), the JSON
body into its type; and it encodes an answer of the same shape. It checks nothing and remembers nothing, so it is
the ceiling of a road that runs in the protocol, and its audit must fail. Everything else goes to the empty ASGI app.

Run: ``uvicorn loadtests.peers.empty_asgi:app --http loadtests.peers.noop_protocol:NoopProtocol``
"""

from __future__ import annotations

from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CLAIMS = b"/claims"
HEAD = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
MALFORMED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a diner sends."""

    quantity: int
    wait: bool = False


class Answer(msgspec.Struct):
    """What a diner gets."""

    claim_id: str
    status: str
    quantity: int
    position: int
    expires_at: str


decode = msgspec.json.Decoder(Request).decode
encode = msgspec.json.Encoder().encode


class NoopProtocol(HttpToolsProtocol):
    """Claims are answered at once and in order; keep-alive and pipelining come from the parser."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.claim_body = b""
        self.is_claim = False
        self.token = self.key = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        name = self.headers[-1][0]  # in lower case
        if name == b"authorization":
            self.token = value
        elif name == b"idempotency-key":
            self.key = value

    def on_headers_complete(self) -> None:
        # A reply that waits for an earlier one is the real road's business: here every answer is immediate.
        self.is_claim = self.url.endswith(CLAIMS) and self.parser.get_method() == b"POST"
        if self.is_claim:
            self._unset_keepalive_if_required()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.is_claim:
            self.claim_body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.is_claim:
            super().on_message_complete()
            return
        self.transport.write(self.answer())
        if not self.parser.should_keep_alive():
            self.transport.close()

    def answer(self) -> Any:
        """The bytes of an answer."""
        try:
            request = decode(self.claim_body)
        except msgspec.DecodeError:
            return MALFORMED
        body = encode(Answer("no-op", "held", request.quantity, 1, "2099-01-01T00:00:00+00:00"))
        return HEAD % (len(body), body)
