"""How often a caller may ask, and who a caller is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from actors.clock import ClusterClock
from api.addresses import Networks, bucket_of, client_address
from api.limits import Buckets
from api.settings import Rate
from api.shared_limits import SharedLimits
from tests.api.house import open_house

pytestmark = pytest.mark.anyio

TIGHT = Rate(0.001, 3)
"""Three requests, and none for a long time."""


# --- buckets ---------------------------------------------------------------------------------------------------


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """Three at once, then one every half second; a refusal takes nothing and says how long."""
    buckets = Buckets("b", Rate(2, 3), 100)

    assert [buckets.take("k", 10.0) for _ in range(3)] == [0.0] * 3
    assert buckets.take("k", 10.0) == pytest.approx(0.5)
    assert buckets.take("k", 10.4) == pytest.approx(0.1)
    assert buckets.take("k", 10.5) == 0.0
    assert buckets.take("other", 10.5) == 0.0


@given(
    st.floats(0.1, 100),
    st.integers(1, 50),
    st.lists(st.floats(0, 2), max_size=100),
)
def test_no_run_of_requests_passes_burst_plus_rate(rate: float, burst: int, pauses: list[float]) -> None:
    """Over any stretch of time: allowed ≤ burst + rate × time; and after a wait as told, one is allowed."""
    buckets = Buckets("b", Rate(rate, burst), 100)
    now, allowed = 1.0, []
    for pause in pauses:
        now += pause
        wait_s = buckets.take("k", now)
        if wait_s == 0.0:
            allowed.append(now)
        elif buckets.take("k", now + wait_s) == 0.0:
            now += wait_s
            allowed.append(now)
        else:
            pytest.fail(f"told to wait {wait_s}, and refused after it")
    for first, start in enumerate(allowed):
        assert len(allowed) - first <= burst + rate * (now - start) + 1e-6


def test_buckets_are_bounded() -> None:
    """A flood of callers takes the place of full buckets, then of the oldest; never more than the bound."""
    buckets = Buckets("b", Rate(1, 10), 100)
    for number in range(1_000):
        buckets.take(f"k{number}", 1.0)
        assert len(buckets) <= 100

    assert buckets.take("late", 100.0) == 0.0
    for number in range(100):
        buckets.take(f"l{number}", 100.0)
    assert len(buckets) <= 100


def test_what_is_given_back_can_be_taken_again() -> None:
    """A token that turned out not to count."""
    buckets = Buckets("b", TIGHT, 100)
    for _ in range(3):
        assert buckets.take("k", 0.0) == 0.0
    buckets.give_back("k")

    assert buckets.take("k", 0.0) == 0.0
    assert buckets.take("k", 0.0) > 0.0


# --- where a request is from -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [b"1.1.1.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", [b"1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", [b"1.1.1.1", b"198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", [b"198.51.100.7, rubbish"], "10.0.0.1"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [b"," * 1_000], "10.0.0.1"),
        ("10.0.0.1", [b"\xff"], "10.0.0.1"),
        ("::ffff:10.0.0.1", [b"2001:db8::7"], "2001:db8::7"),
        ("", [b"1.1.1.1"], ""),
    ],
)
def test_forwarded_addresses_count_only_from_our_proxies(
    peer: str, forwarded: list[bytes], address: str
) -> None:
    """Read from the right, up to the first that is not a proxy of ours; what a client wrote does not count."""
    assert client_address(peer, forwarded, Networks(["10.0.0.0/8"])) == address


def test_one_subscriber_is_one_address() -> None:
    """IPv6 is limited by /64, IPv4 by address."""
    assert bucket_of("2001:db8:0:1::5") == bucket_of("2001:db8:0:1:ffff::1")
    assert bucket_of("2001:db8:0:2::5") != bucket_of("2001:db8:0:1::5")
    assert bucket_of("198.51.100.7") == "198.51.100.7"


# --- over HTTP -------------------------------------------------------------------------------------------------


async def test_F8_a_diner_who_asks_too_often_is_slowed_down_alone() -> None:
    """The fourth request of three: 429 rate_limited with Retry-After; the next diner is served."""
    async with open_house(settings={"user_rate": TIGHT}) as house:
        who, other = await house.diner(), await house.diner()
        codes = [(await house.http.get("/api/v1/orders", headers=who)).status_code for _ in range(3)]
        limited = await house.http.get("/api/v1/orders", headers=who)
        served = await house.http.get("/api/v1/orders", headers=other)

    assert codes == [200] * 3
    assert (limited.status_code, limited.json()["code"], limited.json()["scope"]) == (
        429,
        "rate_limited",
        "user",
    )
    assert int(limited.headers["retry-after"]) >= 1
    assert served.status_code == 200


async def test_a_diner_who_is_slowed_down_uses_up_nothing_of_the_address() -> None:
    """Their refused requests do not count against everybody behind the same Wi-Fi."""
    async with open_house(settings={"user_rate": TIGHT, "address_rate": Rate(0.001, 12)}) as house:
        who, other = await house.diner(), await house.diner()
        for _ in range(20):
            await house.http.get("/api/v1/orders", headers=who)

        assert (await house.http.get("/api/v1/orders", headers=other)).status_code == 200


async def test_an_address_has_its_own_bound() -> None:
    """Also for who shows no token; another address behind our proxy is served."""
    settings = {"address_rate": TIGHT, "trusted_proxies": ("127.0.0.0/8",)}
    async with open_house(settings=settings) as house:

        async def get(address: str) -> Any:
            return await house.http.get("/healthz", headers={"X-Forwarded-For": address})

        codes = [(await get("198.51.100.7")).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert (await get("198.51.100.7")).json()["scope"] == "address"
        assert (await get("198.51.100.8")).status_code == 200


async def test_a_client_cannot_choose_its_address() -> None:
    """Without a trusted proxy X-Forwarded-For is what the client says, and counts for nothing."""
    async with open_house(settings={"address_rate": TIGHT}) as house:
        codes = [
            (await house.http.get("/healthz", headers={"X-Forwarded-For": f"198.51.100.{n}"})).status_code
            for n in range(4)
        ]

    assert codes == [200, 200, 200, 429]


async def test_an_exempt_network_is_not_limited_by_address() -> None:
    """limit_exempt lifts what counts by address; a diner's own bound stays."""
    settings = {
        "address_rate": TIGHT,
        "guest_rate": TIGHT,
        "user_rate": TIGHT,
        "limit_exempt": ("127.0.0.0/8",),
    }
    async with open_house(settings=settings) as house:
        diners = [await house.diner() for _ in range(8)]
        codes = [(await house.http.get("/api/v1/orders", headers=diners[0])).status_code for _ in range(4)]

    assert codes == [200, 200, 200, 429]


async def test_new_guests_are_limited_by_address() -> None:
    """One address cannot make guests without end."""
    async with open_house(settings={"guest_rate": TIGHT}) as house:
        codes = [(await house.http.post("/api/v1/auth/guest", json={})).status_code for _ in range(4)]

    assert codes == [201, 201, 201, 429]


# --- shared ----------------------------------------------------------------------------------------------------


async def test_silos_share_what_they_let_through(redis_url: str) -> None:
    """Two silos with one bucket each: what one let through is gone for the other, once both have shared."""
    clock = ClusterClock()
    buckets = [Buckets("shared", Rate(0.1, 8), 100) for _ in range(2)]
    async with Redis.from_url(redis_url) as redis:
        shared = [SharedLimits(redis, [one], clock) for one in buckets]
        for _ in range(4):
            assert buckets[0].take("k", clock.monotonic()) == 0.0
        await shared[0].share()
        for _ in range(3):
            assert buckets[1].take("k", clock.monotonic()) == 0.0
        await shared[1].share()

        left = 0
        while buckets[1].take("k", clock.monotonic()) == 0.0:
            left += 1
        await shared[1].share()
        await shared[0].share()
        assert left <= 3
        assert not any(one.away for one in shared)


async def test_a_new_window_of_the_shared_counter_is_understood(redis_url: str) -> None:
    """The counter ended and began anew with another silo's tokens: those count, the old ones no more."""
    clock = ClusterClock()
    buckets = Buckets("window", Rate(0.01, 8), 100)
    async with Redis.from_url(redis_url) as redis:
        shared = SharedLimits(redis, [buckets], clock)
        for _ in range(4):
            buckets.take("k", clock.monotonic())
        await shared.share()
        await redis.set("kaifan:limit:window:k", 1)
        buckets.take("k", clock.monotonic())
        await shared.share()

    left = 0
    while buckets.take("k", clock.monotonic()) == 0.0:
        left += 1
    assert left == 8 - 5 - 1


async def test_without_redis_each_silo_counts_for_itself() -> None:
    """Redis away: requests are answered and limited as before, and the outage ends nothing."""

    class Away:
        def pipeline(self, transaction: bool) -> Any:
            raise RedisAway("away")

    clock = ClusterClock()
    buckets = Buckets("b", TIGHT, 100)
    shared = SharedLimits(Away(), [buckets], clock)  # type: ignore[arg-type]
    for _ in range(3):
        assert buckets.take("k", clock.monotonic()) == 0.0
    await shared.share()

    assert shared.away
    assert buckets.take("k", clock.monotonic()) > 0.0


async def test_an_ingress_whose_redis_is_away_serves(unused_port: int) -> None:
    """The background exchange fails, and nobody notices."""
    async with Redis(port=unused_port) as redis, open_house(redis=redis) as house:
        answers = await asyncio.gather(*(house.http.get("/healthz") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
