"""The steps that explain a date are those that made it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from routing.model.orders import DeliveryDays
from routing.rules.promises import first_delivery_day
from routing.rules.why_date import MOST_SKIPPED, Skipped, why_day

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MOMENTS = st.integers(0, 18 * 24 * 60).map(lambda minutes: MONDAY + timedelta(minutes=minutes))


@given(
    ready_at=MOMENTS,
    ordered_at=MOMENTS,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    closed=st.frozensets(st.dates(date(2026, 3, 2), date(2026, 4, 30)), max_size=6),
    cut_off=st.sampled_from((time(9), time(14), time(23, 59))),
    earliest=st.sampled_from(("", "2026-03-10", "2026-03-25")),
    full=st.frozensets(st.dates(date(2026, 3, 2), date(2026, 4, 30)), max_size=8),
)
def test_the_steps_lead_from_the_goods_to_the_very_day_and_pass_over_no_day_that_was_free(
    ready_at: datetime,
    ordered_at: datetime,
    weekdays: frozenset[int],
    closed: frozenset[date],
    cut_off: time,
    earliest: str,
    full: frozenset[date],
) -> None:
    days = DeliveryDays(weekdays=weekdays, closed=closed, cut_off=cut_off)

    def has_room(day: date) -> bool:
        return day not in full

    why = why_day(ready_at=ready_at, ordered_at=ordered_at, days=days, earliest=earliest, has_room=has_room)
    assert why.day == first_delivery_day(
        ready_at=ready_at, ordered_at=ordered_at, days=days, earliest=earliest, has_room=has_room
    )
    assert why.day is not None
    passed = [each.day for each in why.skipped]
    between = (why.day - why.start).days
    assert passed == [why.start + timedelta(days=n) for n in range(min(between, MOST_SKIPPED))]
    for each in why.skipped:
        assert (each.day in full) if each.why is Skipped.FULL else not days.serves(each.day)
