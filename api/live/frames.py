"""RFC 6455, the part that is needed: whole frames out, masked frames in."""

from __future__ import annotations

import base64
import codecs
import hashlib

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NORMAL = 1000
GOING_AWAY = 1001
PROTOCOL_ERROR = 1002
NOT_UTF8 = 1007
POLICY = 1008
TOO_LARGE = 1009
RESTARTING = 1012
UNAUTHENTICATED = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
TOO_SLOW = 4408

MESSAGE_BYTES_MAX = 4_096
"""Of a client; it has nothing to say here."""

_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""That may stand in a frame; applications have 3000 to 4999."""

_UTF8 = codecs.getincrementaldecoder("utf-8")
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class BadFrame(Exception):
    """What came is not WebSocket. ``code`` is what to close with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def accept_of(key: bytes) -> bytes:
    """The proof for a Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key + _ACCEPT, usedforsecurity=False).digest())


def frame(opcode: int, payload: bytes) -> bytes:
    """A server's frame: whole and unmasked, so that the same bytes suit every socket."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65_536:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def close_frame(code: int, reason: str) -> bytes:
    """The last frame."""
    return frame(CLOSE, code.to_bytes(2, "big") + reason.encode()[:120])


class Frames:
    """Takes a client's bytes and gives its frames. Bounded: a frame is refused by its head."""

    __slots__ = ("_buffer", "_message_bytes", "_open", "_text")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._open = False
        self._message_bytes = 0
        self._text: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(opcode, payload) of the frames that are whole now. Raises BadFrame."""
        self._buffer += data
        found = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        opcode, final, size = buffer[0] & 0x0F, bool(buffer[0] & 0x80), buffer[1] & 0x7F
        if buffer[0] & 0x70:
            raise BadFrame(PROTOCOL_ERROR, "reserved bits are set and no extension was agreed on")
        if not buffer[1] & 0x80:
            raise BadFrame(PROTOCOL_ERROR, "a client masks its frames")
        at = 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if opcode >= CLOSE:
                raise BadFrame(PROTOCOL_ERROR, "a control frame has at most 125 bytes")
            if len(buffer) < 2 + width:
                return None
            size = int.from_bytes(buffer[2 : 2 + width], "big")
            at += width
        self._check(opcode, final, size)
        if len(buffer) < at + 4 + size:
            return None
        payload = _unmasked(bytes(buffer[at + 4 : at + 4 + size]), bytes(buffer[at : at + 4]))
        del buffer[: at + 4 + size]
        if opcode == CLOSE:
            _check_close(payload)
        if opcode < CLOSE:
            self._check_text(opcode, payload, final)
            self._message_bytes = 0 if final else self._message_bytes + size
            self._open = not final
        return opcode, payload

    def _check(self, opcode: int, final: bool, size: int) -> None:
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise BadFrame(PROTOCOL_ERROR, "there is no such opcode")
        if opcode >= CLOSE:
            if not final:
                raise BadFrame(PROTOCOL_ERROR, "a control frame comes whole")
            return
        if (opcode == CONTINUATION) != self._open:
            raise BadFrame(PROTOCOL_ERROR, "messages come one after the other")
        if self._message_bytes + size > MESSAGE_BYTES_MAX:
            raise BadFrame(TOO_LARGE, f"a message has at most {MESSAGE_BYTES_MAX} bytes")

    def _check_text(self, opcode: int, payload: bytes, final: bool) -> None:
        """A character may lie in two frames of a message, not in two messages."""
        if opcode == TEXT:
            self._text = _UTF8()
        if self._text is None:
            return
        try:
            self._text.decode(payload, final)
        except UnicodeDecodeError:
            raise BadFrame(NOT_UTF8, "a text is UTF-8") from None
        if final:
            self._text = None


def _check_close(payload: bytes) -> None:
    """Nothing, or a code and a reason."""
    if not payload:
        return
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code < 5000):
        raise BadFrame(PROTOCOL_ERROR, "a close frame begins with a code that may be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise BadFrame(NOT_UTF8, "the reason of a close is UTF-8") from None


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    if not size:
        return payload
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
