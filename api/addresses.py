"""Where a request came from, and which networks are special."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

FORWARDED_HOPS_MAX = 20

Address = IPv4Address | IPv6Address


class Networks:
    """A set of networks; membership is remembered for the addresses asked last."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ip_network(text, strict=False) for text in networks]
        self._holds = lru_cache(maxsize=10_000)(self._look)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return bool(self._networks) and self._holds(address)

    def _look(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def parse_address(text: str) -> Address | None:
    """An address, IPv4 in IPv6 unwrapped; None for anything else."""
    try:
        parsed = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def client_address(peer: str, forwarded: Iterable[bytes], trusted: Networks) -> str:
    """The nearest address that is not one of our proxies.

    ``forwarded`` are the values of X-Forwarded-For; they count only when ``peer`` is a trusted proxy, and are
    read from the right: what a client wrote itself stands to the left of what our proxies added.
    """
    if peer not in trusted:
        return peer
    address = peer
    hops = b",".join(forwarded).decode("latin-1").split(",")
    for hop in reversed(hops[-FORWARDED_HOPS_MAX:]):
        parsed = parse_address(hop)
        if parsed is None:
            return address
        address = str(parsed)
        if address not in trusted:
            return address
    return address


@lru_cache(maxsize=10_000)
def bucket_of(address: str) -> str:
    """What shares one bucket: an IPv4 address, or an IPv6 /64 (one subscriber's network)."""
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address
