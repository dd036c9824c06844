"""How two silos prove the cluster's secret to each other, before anything else is read.

::

    receiver → Challenge  its nonce
    sender   → Hello      both addresses, its own nonce, proof
    receiver → Welcome    proof

A proof is an HMAC over role, both addresses, both nonces and the channel: what was recorded cannot be played again
(fresh nonces), sent back (roles), or used at another silo or incarnation (addresses). The channel is the hash of the
receiver's certificate under TLS, so that nobody with a certificate of his own can stand in between. Whoever does not
know the secret learns a random number.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

VERSION = 1
NONCE_BYTES = 32
HANDSHAKE_BYTES_MAX = 512
"""Of a frame, until the peer has proved the secret."""

SENDER, RECEIVER = "sender", "receiver"


class Unproved(Exception):
    """The peer does not know the secret, means somebody else, or speaks another version."""


class Challenge(msgspec.Struct, array_like=True):
    version: int
    nonce: bytes


class Hello(msgspec.Struct, array_like=True):
    sender: str
    receiver: str
    nonce: bytes
    proof: bytes


class Welcome(msgspec.Struct, array_like=True):
    proof: bytes


class Exchange(msgspec.Struct, frozen=True):
    """What both ends must agree on."""

    sender: str
    receiver: str
    sender_nonce: bytes
    receiver_nonce: bytes
    channel: bytes


def lane_key(secret: bytes) -> bytes:
    """A key for this purpose only, from the secret that also signs tokens."""
    return hmac.digest(secret, b"kaifan lane 1", "sha256")


def channel_of(certificate: bytes | None) -> bytes:
    """``certificate`` is the receiver's, DER; None without TLS."""
    return hashlib.sha256(certificate).digest() if certificate is not None else b""


def prove(key: bytes, role: str, exchange: Exchange) -> bytes:
    """The proof of one role. Msgpack keeps the fields apart: no two exchanges have the same bytes."""
    told = (VERSION, role, *msgspec.structs.astuple(exchange))
    return hmac.digest(key, msgspec.msgpack.encode(told), "sha256")


def check(key: bytes, role: str, exchange: Exchange, proof: bytes) -> None:
    """Raises Unproved. Takes the same time wherever the proof is wrong."""
    if not hmac.compare_digest(prove(key, role, exchange), proof):
        raise Unproved("the proof is wrong: another secret, another silo, or an old recording")


def check_nonce(nonce: bytes) -> None:
    """Raises Unproved: a peer that does not bring its own randomness is not spoken to."""
    if len(nonce) != NONCE_BYTES:
        raise Unproved(f"a nonce of {len(nonce)} bytes")
