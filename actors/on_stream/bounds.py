"""The numbers of a stream, and what it counts."""

from __future__ import annotations

import msgspec


class StreamBounds(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, bytes, counts. A batch beyond them goes as a call."""

    frame_bytes_max: int = 8_000_000
    in_flight_max: int = 16
    """Frames of one connection without an acknowledgement."""
    in_flight_bytes_max: int = 16_000_000
    connections_max: int = 256
    """Incoming connections that have proved the secret; one per silo that sends."""
    strangers_max: int = 64
    """Incoming connections that have not proved it yet."""
    handshake_s: float = 2.0
    """Connect and prove; a stranger that takes longer is closed."""
    silence_s: float = 2.0
    """A frame without an acknowledgement for so long: the peer is stopped, or gone without a word."""
    retry_first_s: float = 0.05
    retry_max_s: float = 2.0
    """Between attempts to connect; doubled after each failure. Nothing is tried while nothing is sent."""


class StreamMeter(msgspec.Struct):
    """Counters since the start of the process."""

    frames: int = 0
    fallbacks: int = 0
    """Batches that went as calls because no stream took them."""
    streams: int = 0
    """Streams opened to other silos."""
    breaks: int = 0
    """Open streams that were lost."""
    refused: int = 0
    """Incoming connections turned away."""
