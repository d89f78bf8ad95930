"""Time of day from the table to the plan, the driver's ETA and back: what vans drove becomes a proposal."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.exporters.speeds import write_speeds as write_file
from data.importers.speeds import read_speeds
from data.store import SqlStore, open_store
from routing.errors import Conflict, FileRefused, InvalidInput, NotFound
from routing.model.day import SpeedRow
from routing.model.plans import Problem
from routing.rules.check import violations
from routing.rules.progress import forecast
from routing.rules.time_of_day import check_table
from routing.services.planning import PlannedDay, begin_plan, plan_day, save_plan
from routing.services.speeds import propose_speeds, take_learnt, write_speeds

RUSH = SpeedRow(begins="00:00", ends="12:00", percent=200)


@pytest.fixture
def depot(day: Any) -> int:
    """A depot on the roads of a region, and 9 doors in a line, 111 s from each other."""
    region = day.add(tables.region, name="town", build="one", facts={}, built_at=datetime(2026, 5, 1, tzinfo=UTC))
    depot_id: int = day.depot(region_id=region)
    product = day.product()
    for n in range(9):
        site = day.site(lat=60.17, lon=24.95 + n / 50)
        day.delivery(site_id=site, depot_id=depot_id, product_id=product)
    return depot_id


def planned(database: Database, kit: Any, depot_id: int, for_day: str) -> PlannedDay:
    return plan_day(
        lambda: open_store(database), from_day=for_day, to_day=for_day, depot_ids=[depot_id],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    )  # fmt: skip


def written(database: Database, kit: Any, *rows: SpeedRow) -> None:
    with open_store(database) as store:
        write_speeds(store, region="town", rows=rows, by="test", now=kit.NOW)


def test_a_plan_is_timed_with_the_table_of_its_region(day: Any, database: Database, kit: Any, depot: int) -> None:
    day.shift(depot_id=depot)
    free = planned(database, kit, depot, kit.DAY)
    written(database, kit, RUSH)
    slow = planned(database, kit, depot, kit.DAY)
    assert (free.served, slow.served) == (9, 9)
    assert not free.problem.speeds
    travel = [sum(stop.travel_s for stop in each.plan.routes[0].stops) for each in (free, slow)]
    assert travel[1] == 2 * travel[0]
    assert violations(slow.plan, slow.problem) == []
    with open_store(database) as store:
        kept: Problem = store.plan(slow.plan_id).problem
        assert kept.speeds == slow.problem.speeds
        events = store.connection.scalars(select(tables.event.c.kind)).all()
    assert "speeds_written" in events


def test_a_plan_begun_before_the_table_changed_is_not_saved(day: Any, database: Database, kit: Any, depot: int) -> None:
    day.shift(depot_id=depot)
    first = planned(database, kit, depot, kit.DAY)
    with open_store(database) as store:
        draft = begin_plan(store, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot], now=kit.NOW)
    written(database, kit, RUSH)
    with open_store(database) as store, pytest.raises(Conflict):
        save_plan(store, draft, problem=first.problem, plan=first.plan, why="planned", by="test", now=kit.NOW)


def driven(day: Any, database: Database, kit: Any, depot_id: int, for_day: str, percent: int) -> list[int]:
    """A whole day as it was driven: each way in so many per cent of its planned time. The deliveries of its stops."""
    shift = day.shift(depot_id=depot_id, day=for_day)
    with database.writing() as connection:
        connection.execute(update(tables.delivery).values(for_day=for_day, state="released"))
    of_day = planned(database, kit, depot_id, for_day)
    route = of_day.plan.routes[0]
    with open_store(database) as store:
        row = store.connection.execute(select(tables.route).where(tables.route.c.plan_id == of_day.plan_id)).one()
        driver_id = store.connection.scalar(select(tables.shift.c.driver_id).where(tables.shift.c.id == shift))
    manifest = day.add(
        tables.manifest,
        plan_id=of_day.plan_id, route_id=row.id, shift_id=shift, driver_id=driver_id, day=for_day, content={},
        dispatched_at=row.starts_at, by="test",
    )  # fmt: skip
    at = row.starts_at
    for n, stop in enumerate(route.stops):
        at += timedelta(seconds=stop.travel_s * (100 if n == 0 else percent) // 100)
        with open_store(database) as store:
            event = store.append_event(
                kind="stop.arrived", actor="driver", captured_at=at, received_at=at, shift_id=shift,
                data={"deliveries": list(stop.visits)},
            )  # fmt: skip
        at += timedelta(minutes=5)
        site = day.connection.execute(
            select(tables.delivery.c.site_id).where(tables.delivery.c.id == stop.visits[0])
        ).scalar_one()
        day.add(
            tables.proof,
            event_id=event, delivery_id=stop.visits[0], manifest_id=manifest, site_id=site, outcome="recipient",
            captured_at=at, received_at=at, attempt=1 + int(for_day[-2:]),
        )  # fmt: skip
    return [key for stop in route.stops for key in stop.visits]


def test_too_little_is_refused_with_what_there_is_and_enough_is_exact(
    day: Any, database: Database, kit: Any, depot: int
) -> None:
    table = (SpeedRow(begins="06:00", ends="12:00", percent=100), SpeedRow(begins="12:00", ends="20:00", percent=110))
    written(database, kit, *table)
    for n in range(4):
        driven(day, database, kit, depot, f"2026-05-{11 + n}", 150)
    later = datetime(2026, 5, 20, tzinfo=UTC)
    with open_store(database) as store:
        few = propose_speeds(store, region="town", now=later)
        assert few.slices[0].percent is None
        assert few.slices[0].why_not == "32 of the 30 legs, 4 of the 5 days and 4 of the 3 vehicles that it takes"
        with pytest.raises(Conflict, match="nothing was learnt"):
            take_learnt(store, region="town", by="test", now=later)
    driven(day, database, kit, depot, "2026-05-15", 150)
    with open_store(database) as store:
        enough = propose_speeds(store, region="town", now=later)
        assert [(each.percent, each.legs, each.days) for each in enough.slices] == [(150, 40, 5), (None, 0, 0)]
        take_learnt(store, region="town", by="test", now=later)
        morning, evening = store.speeds_of_region("town")
    assert (morning.percent, morning.learnt) == (150, True)
    assert evening == table[1]
    # What was driven long ago is no longer asked.
    with open_store(database) as store:
        assert propose_speeds(store, region="town", now=later + timedelta(days=120)).legs == 0


def test_an_eta_that_is_late_into_the_rush_gets_later_by_it(day: Any, database: Database, kit: Any, depot: int) -> None:
    """Planned freely before nine; two hours late the same ways take twice their time."""
    written(database, kit, SpeedRow(begins="09:00", ends="20:00", percent=200))
    driven(day, database, kit, depot, "2026-05-12", 100)
    with open_store(database) as store:
        store.connection.execute(tables.proof.delete())
        manifest = store.connection.scalar(select(tables.manifest.c.id)) or 0
        in_hand = store.manifest_in_hand(manifest)
    assert in_hand.stops[0].speeds
    late = in_hand.departs_at + timedelta(hours=2)
    before = forecast(in_hand.stops, {}, departs_at=in_hand.departs_at, now=in_hand.departs_at)
    after = forecast(in_hand.stops, {}, departs_at=in_hand.departs_at, now=late)
    assert [eta.arrival for eta in before] == [stop.arrival for stop in in_hand.stops]
    ways = [[(b.arrival - a.departure).total_seconds() for a, b in pairwise(etas)] for etas in (before, after)]
    assert ways[1] == [2 * way for way in ways[0]]


def test_a_table_goes_out_and_comes_back_as_a_file(day: Any, database: Database, kit: Any, depot: int) -> None:
    rows = (
        SpeedRow(weekdays=("mon", "fri"), begins="07:00", ends="09:00", percent=130),
        SpeedRow(begins="22:00", ends="05:00", percent=80, profile="truck"),
    )
    written(database, kit, *rows)
    with open_store(database) as store:
        kept = store.speeds_of_region("town")
        assert kept == rows
        assert store.speeds_of_depot(depot) == rows
    out = io.BytesIO()
    write_file(out, kept)
    assert read_speeds(io.BytesIO(out.getvalue())) == rows


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"weekdays,from,to,percent\nmon-fri,7:00,9:00,130 %\nmon,8:00,10:00,120\n", "overlap on mon"),
        (b"weekdays,from,to,percent\nmonday,7:00,9:00,130\n", "no weekday"),
        (b"weekdays,from,to,percent\nmon,7:00,9:00,much\n", 'Row 2: percent is "much"'),
        (b"weekdays,from,to,percent\nmon,7:00,9:00,1300000000\n", "out of reach"),
        (b"weekdays,from,to,percent\nmon,seven,9:00,130\n", "no time of day"),
        (b"weekdays,from,to,percent\n", "no rows"),
        (b"", "empty"),
        (b"\x00\xff\x00", "file"),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(file: bytes, says: str) -> None:
    with pytest.raises((InvalidInput, FileRefused), match=says):
        check_table(read_speeds(io.BytesIO(file)))


def test_a_table_that_is_refused_changes_nothing(database: Database, kit: Any, depot: int) -> None:
    written(database, kit, RUSH)
    with pytest.raises(InvalidInput, match="overlap"):
        written(database, kit, RUSH, RUSH)
    with database.reading() as connection:
        assert SqlStore(connection).speeds_of_region("town") == (RUSH,)


def test_a_region_that_nobody_built_has_no_table(database: Database, kit: Any) -> None:
    with pytest.raises(NotFound, match="no region"):
        written(database, kit, RUSH)


def test_a_file_that_names_a_kind_of_vehicle_that_is_none_is_refused_with_those_there_are() -> None:
    """Taken as it stands, its slice would hold for nobody and no one would be told."""
    head = "weekdays,from,to,percent,profile\n"
    with pytest.raises(InvalidInput, match=r'Row 2: "vans" is no kind of vehicle\. Write car, van, truck, cargo_bike'):
        read_speeds(io.BytesIO(f"{head},07:00,09:00,200,vans\n".encode()))
    for said, kept in (("Van", "van"), ("all", ""), ("", ""), ("bike", "bike")):
        (row,) = read_speeds(io.BytesIO(f"{head},07:00,09:00,200,{said}\n".encode()))
        assert row.profile == kept


def test_the_only_van_of_a_region_is_learnt_of_after_fifteen_of_its_days(
    day: Any, database: Database, kit: Any, depot: int
) -> None:
    """Two ways a morning, in 1.3 times their free time, as its phone told them. A van that is out of service, and one
    at a depot on other roads, make it no larger fleet."""
    van = day.vehicle(depot_id=depot, profile="van")
    day.vehicle(depot_id=depot, profile="van", available=False)
    day.vehicle(depot_id=day.depot(), profile="van")
    day.vehicle(depot_id=depot, profile="bike")
    region = day.connection.execute(select(tables.region.c.id)).scalar_one()
    for n in range(15):
        on = datetime(2026, 5, 1, 4, 30, tzinfo=UTC) + timedelta(days=n)
        shift = day.shift(depot_id=depot, vehicle_id=van, day=on.date().isoformat())
        for _ in range(2):
            day.add(
                tables.driven_way,
                region_id=region, shift_id=shift, day=on.date().isoformat(), profile="van", left_at=on,
                arrived_at=on + timedelta(seconds=780), free_s=600,
            )  # fmt: skip
    written(database, kit, SpeedRow(begins="07:00", ends="12:00", percent=100))
    later = datetime(2026, 5, 20, tzinfo=UTC)
    with open_store(database) as store:
        assert store.fleet_of_region("town") == {"bike": 1, "van": 1}
        (said,) = propose_speeds(store, region="town", now=later).slices
        assert (said.percent, said.vehicles, said.days, said.by_days) == (130, 1, 15, True)
    day.vehicle(depot_id=depot, profile="van")
    day.vehicle(depot_id=depot, profile="van")
    with open_store(database) as store:
        (said,) = propose_speeds(store, region="town", now=later).slices
    assert said.why_not == "30 of the 30 legs, 15 of the 5 days and 1 of the 3 vehicles that it takes"
