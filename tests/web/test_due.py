"""What the calendar alone moves is decided once a day at every depot, by nobody's press."""

from __future__ import annotations

from datetime import timedelta

from data.store import SqlStore
from routing.services.horizon import horizons_due
from routing.services.overdue import overdue_due
from routing.services.waiting import waits_due
from tests.demo_day import OPENING, demo_home, demo_website
from tests.website import Website
from web.due import do_due

__all__ = ["demo_home", "demo_website"]


def due(website: Website) -> list[list[int]]:
    with website.installation.database.reading() as connection:
        store, now = SqlStore(connection), website.clock.now()
        return [each(store, now=now) for each in (horizons_due, overdue_due, waits_due)]


def test_orders_that_come_near_goods_that_are_overdue_and_waits_that_end_are_decided_the_next_day(
    demo_website: Website,
) -> None:
    demo_website.clock.at = OPENING + timedelta(days=1)
    assert due(demo_website) == [[1, 2], [1, 2], [1, 2]]
    do_due(demo_website.installation)
    assert due(demo_website) == [[], [], []]
