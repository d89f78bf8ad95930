"""What the calendar alone moves is decided once a day at every depot, by nobody's press."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, pairwise

import numpy as np
from sqlalchemy import select

from data import tables
from data.store import SqlStore, open_store
from routing.model.places import Location, metres_between
from routing.services.horizon import horizons_due
from routing.services.overdue import overdue_due
from routing.services.unsent import unsent_due
from routing.services.waiting import waits_due
from tests.demo_day import OPENING, demo_home, demo_website
from tests.website import Website
from web.due import do_due

__all__ = ["demo_home", "demo_website"]


def due(website: Website) -> list[list[int]]:
    with website.installation.database.reading() as connection:
        store, now = SqlStore(connection), website.clock.now()
        return [each(store, now=now) for each in (horizons_due, overdue_due, waits_due, unsent_due)]


def test_orders_that_come_near_goods_that_are_overdue_and_waits_that_end_are_decided_the_next_day(
    demo_website: Website,
) -> None:
    demo_website.clock.at = OPENING + timedelta(days=1)
    assert due(demo_website) == [[1, 2]] * 4
    do_due(demo_website.installation)
    assert due(demo_website) == [[]] * 4


def test_where_a_van_was_becomes_ways_on_the_roads_the_next_day(demo_website: Website) -> None:
    """Through the streets of the demo at 18 km/h, told each half minute."""
    installation = demo_website.installation
    corners = [
        Location(lat=60.1711, lon=24.9432),
        Location(lat=60.1676, lon=24.9450),
        Location(lat=60.1712, lon=24.9500),
    ]
    line = installation.travel("helsinki").path(corners, profile="car")
    along = [0.0, *accumulate(metres_between(one, other) for one, other in pairwise(line))]
    eight = OPENING.replace(hour=6, minute=0)
    with open_store(installation.database) as store:
        shift_id = store.connection.scalar(
            select(tables.shift.c.id)
            .join(tables.vehicle, tables.vehicle.c.id == tables.shift.c.vehicle_id)
            .where(tables.shift.c.day == OPENING.date().isoformat(), tables.vehicle.c.profile == "car")
            .order_by(tables.shift.c.id)
        )
        assert shift_id is not None
        for second in range(0, int(along[-1] / 5), 30):
            lat, lon = (np.interp(second * 5, along, [getattr(at, name) for at in line]) for name in ("lat", "lon"))
            at = eight + timedelta(seconds=second)
            store.add_position(
                shift_id=shift_id,
                location=Location(lat=float(lat), lon=float(lon)),
                accuracy_m=6.0,
                captured_at=at,
                received_at=at,
            )
    demo_website.clock.at = OPENING + timedelta(days=1)
    do_due(installation)
    do_due(installation)
    with open_store(installation.database) as store:
        ways = [leg for leg in store.driven_legs("helsinki", since=OPENING.date().isoformat()) if leg.tracked]
        assert not store.tracks_to_read(before=demo_website.clock.at)
    assert ways
    for way in ways:
        took_s = (way.arrived_at - way.left_at).total_seconds()
        assert 0.3 < way.free_s / took_s < 1.5, "the streets of a centre are not much quicker, nor much slower"
