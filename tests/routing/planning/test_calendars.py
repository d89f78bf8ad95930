"""Wall clocks that jump, and days on which a door takes goods."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.errors import InvalidInput
from routing.model.day import CalendarFacts
from routing.rules.calendars import (
    clock_minutes,
    days_between,
    moment,
    next_delivery_day,
    past_cut_off,
    span,
    why_depot_closed,
    why_site_closed,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Clocks go from 03:00 to 04:00, and from 04:00 back to 03:00."""


def test_a_time_that_does_not_exist_is_the_moment_of_the_jump() -> None:
    assert moment(SPRING, clock_minutes("03:30"), HELSINKI) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_time_that_exists_twice_opens_with_the_first_and_closes_with_the_second() -> None:
    first, last = span(AUTUMN, "03:30", "03:30", HELSINKI)
    assert (first, last) == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


def test_hours_that_close_before_they_open_last_into_the_next_day() -> None:
    first, last = span(date(2026, 5, 12), "22:00", "02:00", HELSINKI)
    assert last - first == timedelta(hours=4)


clocks = st.integers(0, 1439).map(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}")


@given(
    opens=clocks,
    closes=clocks,
    day=st.sampled_from([SPRING, AUTUMN, SPRING - timedelta(days=1), AUTUMN - timedelta(days=1), date(2026, 5, 12)]),
    zone=st.sampled_from(["Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_hours_are_never_turned_round_however_the_clock_jumps(opens: str, closes: str, day: date, zone: str) -> None:
    first, last = span(day, opens, closes, ZoneInfo(zone))
    assert first <= last
    assert last - first <= timedelta(hours=25)


@given(st.integers(0, 1439), st.integers(0, 1439))
def test_later_on_the_clock_is_never_earlier_in_time(one: int, other: int) -> None:
    early, late = sorted((one, other))
    for day in (SPRING, AUTUMN):
        assert moment(day, early, HELSINKI) <= moment(day, late, HELSINKI, last=True)


@pytest.mark.parametrize("text", ["8", "25:00", "12:60", "24:01", "noon"])
def test_a_text_that_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no time of day"):
        clock_minutes(text)


def test_days_turned_round_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Swap the two"):
        days_between("2026-05-13", "2026-05-12")


TUESDAY = date(2026, 5, 12)


def calendar(scope: str, scope_id: int = 0, *days: tuple[str, bool, str]) -> CalendarFacts:
    return CalendarFacts(scope=scope, scope_id=scope_id, weekdays=("fri", "mon", "thu", "tue", "wed"), days=days)


def test_a_holiday_of_the_company_closes_the_depot_unless_the_depot_works_that_day() -> None:
    company = calendar("company", 0, ("2026-05-12", False, "Founder's day"))
    assert why_depot_closed([company], TUESDAY, depot_id=1) == "Founder's day"
    works = calendar("depot", 1, ("2026-05-12", True, ""))
    assert why_depot_closed([company, works], TUESDAY, depot_id=1) == ""


def test_a_site_takes_goods_on_its_delivery_days_and_its_own_exceptions() -> None:
    def asked(*calendars: CalendarFacts, days: tuple[str, ...] = ("tue",)) -> str:
        return why_site_closed(calendars, TUESDAY, site_id=5, zone_id=2, delivery_days=days)

    assert asked() == ""
    assert "Tuesday is not one of its delivery days" in asked(days=("mon",))
    assert asked(calendar("zone", 2, ("2026-05-12", False, "road works"))) == "road works"
    assert asked(calendar("site", 5, ("2026-05-12", True, "")), days=("mon",)) == ""


def test_an_order_after_the_cut_off_of_the_day_before_is_too_late() -> None:
    cut_off = datetime(2026, 5, 11, 13, 0, tzinfo=UTC)  # 16:00 in Helsinki
    assert not past_cut_off(cut_off, TUESDAY, cut_off="16:00", zone=HELSINKI)
    assert past_cut_off(cut_off + timedelta(seconds=1), TUESDAY, cut_off="16:00", zone=HELSINKI)
    assert not past_cut_off(cut_off + timedelta(days=9), TUESDAY, cut_off="", zone=HELSINKI)


def test_the_next_delivery_day_skips_what_is_closed() -> None:
    closed = calendar("company", 0, ("2026-05-14", False, "Ascension Day"))
    found = next_delivery_day([closed], TUESDAY, depot_id=1, site_id=5, zone_id=None, delivery_days=("thu", "tue"))
    assert found == date(2026, 5, 19)
