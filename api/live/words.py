"""What an entity says of its commits, as the frames that screens get."""

from __future__ import annotations

import msgspec

from actors.feeds import News
from actors.words import Query
from api.live.frames import TEXT, frame
from api.table_views import LiveEventShown
from store_runtime.live import Delta, GetDelta, LiveEvent

_encode = msgspec.json.Encoder().encode
_decode = msgspec.msgpack.Decoder(Delta).decode


class ScreenLanguage:
    """Asks for a delta; a piece is one event as a ready text frame, so that it is encoded once for all screens."""

    def question(self, since: int) -> Query:
        """Asked for the hub: as staff may see it."""
        return GetDelta(since=since)

    def news(self, answer: bytes) -> News:
        """The events of an answer."""
        return news_of(_decode(answer))


def news_of(delta: Delta) -> News:
    """A delta as frames."""
    return News(delta.seq, [_event_frame(event) for event in delta.events], delta.reset)


def _event_frame(event: LiveEvent) -> bytes:
    return frame(TEXT, _encode(LiveEventShown.of(event)))


def reset_frame(seq: int, view: str) -> bytes:
    """The first frame for who missed more than is kept: read ``view``, and go on from there."""
    return frame(TEXT, _encode({"seq": seq, "type": "reset", "data": {"view": view}}))
