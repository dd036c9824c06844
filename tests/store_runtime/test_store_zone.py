"""A store's own time: offsets come as data, and agree with what the machine knows of the zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.testing.kit import NOON
from api.zones import UnknownZoneError, offsets_of
from store_runtime.store.zone import SHANGHAI, business_day, day_ends_at, day_text, local_time

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca")
SOON = st.integers(NOON // 1_000, NOON // 1_000 + 10 * 365 * 86_400)


@given(zone=st.sampled_from(ZONES), second=SOON)
def test_the_clock_on_the_wall_is_the_zones(zone: str, second: int) -> None:
    """For ten years, to the minute, through every change of the clocks."""
    shown = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone))

    local = local_time(offsets_of(zone, NOON), second * 1_000)

    assert (local.weekday, local.minute) == (shown.isoweekday(), shown.hour * 60 + shown.minute)


@given(zone=st.sampled_from(ZONES), second=SOON, cutoff=st.sampled_from(["00:00", "02:30", "04:00", "23:59"]))
def test_a_business_day_lasts_from_cutoff_to_cutoff(zone: str, second: int, cutoff: str) -> None:
    """It ends after now, within a day and the change of the clocks, and the next moment is of the day after."""
    offsets, at = offsets_of(zone, NOON), second * 1_000

    ends = day_ends_at(offsets, cutoff, at)

    assert at < ends <= at + 26 * 3_600_000
    today = business_day(offsets, cutoff, at)
    assert business_day(offsets, cutoff, ends) >= today
    assert business_day(offsets, cutoff, ends + 3_600_000) == today + 1


def test_before_the_cutoff_it_is_still_yesterday() -> None:
    """03:59 belongs to the evening before, 04:00 begins the day."""
    four = int(datetime(2026, 11, 24, 4, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) * 1_000

    days = [day_text(business_day(SHANGHAI, "04:00", at)) for at in (four - 1, four)]

    assert days == ["2026-11-23", "2026-11-24"]
    assert day_ends_at(SHANGHAI, "04:00", four - 1) == four
    assert day_ends_at(SHANGHAI, "04:00", four) == four + timedelta(days=1) // timedelta(milliseconds=1)


def test_bad_input_a_zone_that_nobody_knows() -> None:
    """The door says so before an entity is asked."""
    for name in ("Asia/Nowhere", "../etc/passwd"):
        with pytest.raises(UnknownZoneError):
            offsets_of(name, NOON)
