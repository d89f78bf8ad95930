"""What a driver reads beside a door: when the hand-over begins; and the arrival, where the door is not open yet."""

from __future__ import annotations

from datetime import timedelta

from data import tables
from data.db import Database
from data.queries.driver import driver_route
from tests.rounds import a_round
from web.driver import _expected_as_json, _iso


def test_the_start_of_service_is_shown_and_where_the_van_waits_its_arrival_too(database: Database) -> None:
    with database.writing() as connection:
        made = a_round(connection, stops=2)
        first = connection.execute(tables.stop.select().where(tables.stop.c.id == made.stops[0].stop_id)).one()
        early = first.start - timedelta(hours=2, minutes=5)
        connection.execute(tables.stop.update().where(tables.stop.c.id == first.id).values(arrival=early))
    with database.reading() as connection:
        one, two = driver_route(connection, made.manifest_id, now=early - timedelta(hours=1)).stops
    assert _expected_as_json(one.planned) == {"eta": _iso(first.start), "waitsFrom": _iso(early)}
    assert _expected_as_json(two.planned) == {"eta": _iso(two.planned.arrival), "waitsFrom": None}
    for each in (one, two):
        if each.eta is not None:
            assert each.eta.arrival <= each.eta.start


def test_the_hours_of_a_street_are_shown_to_whom_they_bind(database: Database) -> None:
    with database.writing() as connection:
        made = a_round(connection, stops=1)
        connection.execute(tables.site.update().values(motor_hours="06:00-10:00"))
    for profile, shown in (("van", (("06:00", "10:00", "motor_hours"),)), ("cargo_bike", ())):
        with database.writing() as connection:
            connection.execute(tables.vehicle.update().values(profile=profile))
        with database.reading() as connection:
            (stop,) = driver_route(connection, made.manifest_id, now=made.stops[0].arrival).stops
        assert tuple(each for each in stop.hours if each[2] == "motor_hours") == shown
