"""Lanes as streams: a unix socket on one machine, TCP (with TLS where configured) between machines.

Start with ``transport.py`` (the stream, and Ray calls behind it), then ``sending.py`` and ``receiving.py`` (the two
ends of a connection), ``handshake.py`` (how they prove the secret to each other), ``frames.py``, ``sockets.py``.
"""

from actors.on_stream.bounds import StreamBounds, StreamMeter
from actors.on_stream.handshake import lane_key
from actors.on_stream.receiving import Intake
from actors.on_stream.sockets import TCP_FACT, UNIX_FACT, Dialer, Endpoint, Tls, endpoints_of, listen
from actors.on_stream.transport import StreamTransport

__all__ = [
    "TCP_FACT",
    "UNIX_FACT",
    "Dialer",
    "Endpoint",
    "Intake",
    "StreamBounds",
    "StreamMeter",
    "StreamTransport",
    "Tls",
    "endpoints_of",
    "lane_key",
    "listen",
]
