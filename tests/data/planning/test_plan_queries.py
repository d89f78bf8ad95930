"""What the plan page reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.queries.board import door_facts
from data.queries.plans import current_plans, plan_page, versions
from data.queries.today import routes_of
from data.store import open_store
from routing.model.orders import WEEKDAYS
from routing.rules.check import violations
from routing.rules.extra import Extra, Paid
from routing.rules.plan_prices import SETTING
from routing.services.editing import move_delivery, take_out
from routing.services.planning import plan_day
from web.cli.day import show_plan
from web.plan_job import document


def test_the_plan_page_shows_routes_loads_what_is_left_out_and_the_history(
    day: Any, database: Database, kit: Any
) -> None:
    depot, product = day.depot(), day.product(volume_cm3=2000)
    deliveries = [day.delivery(site_id=day.site(), depot_id=depot, product_id=product) for _ in range(3)]
    used, idle = day.shift(depot_id=depot), day.shift(depot_id=depot, cost_fixed=9000)
    first = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        plan_id = take_out(store, plan_id=first, delivery=deliveries[0], by="Dispatcher 1", now=kit.NOW)
    with database.reading() as connection:
        page = plan_page(connection, plan_id)
        history = versions(connection, plan_id)
        assert [each.plan_id for each in current_plans(connection, day=kit.DAY)] == [plan_id]
        assert plan_page(connection, plan_id, depot_id=depot + 1).routes == ()
    (route,) = page.routes
    assert (route.shift_id, route.vehicle, route.driver, route.deliveries) == (used, "Van 1", "Driver 1", 2)
    assert [(load.dimension, load.most, load.capacity) for load in route.loads] == [
        ("weight_g", 20_000, 1_000_000), ("volume_cm3", 40_000, None), ("pieces", 20, None),
    ]  # fmt: skip
    assert route.starts_at <= route.departs_at <= route.stops[0].arrival <= route.returns_at <= route.ends_at
    assert [stop.number for stop in route.stops] == [1, 2]
    assert [shift.shift_id for shift in page.free] == [idle]
    (gone,) = page.left_out
    assert (gone.delivery_id, gone.reasons, gone.locked) == (deliveries[0], ("locked_by_you",), True)
    assert (page.is_current, page.served) == (True, 2)
    assert [(each.plan_id, each.why) for each in history] == [(plan_id, "took D-1 out"), (first, "planned")]


def test_the_plan_page_says_what_is_overtime_late_and_new_to_the_driver_and_what_it_costs(
    day: Any, database: Database, kit: Any
) -> None:
    """Depot and door are one place: two hours of work from 7:00 on, at a door until 6:50, in a shift until 8:30."""
    depot, product = day.depot(), day.product()
    door = day.site(
        service_s=2 * 3600, late_s=1800, late_per_minute=50, lat=60.17, lon=24.94, known_to="DR-7", stranger_price=200
    )
    day.add(tables.site_window, site_id=door, opens="06:00", closes="06:50", kind="begin_by")
    delivery = day.delivery(site_id=door, depot_id=depot, product_id=product)
    shift = day.shift(depot_id=depot, ends="08:30", overtime_s=3600, cost_per_hour=0, cost_per_overtime_hour=1800)
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        saved = store.plan(plan_id)
    with database.reading() as connection:
        (route,) = plan_page(connection, plan_id).routes
    assert [stop.deliveries[0].delivery_id for stop in route.stops] == [delivery]
    assert saved.problem.shifts[0].id == shift
    # From 7:00, ten minutes late at 0.50; until 9:00, half an hour at 18.00.
    assert route.stops[0].late == Extra(seconds=600, cost=500_000)
    assert route.overtime == Extra(seconds=1800, cost=900_000)
    assert route.stops[0].stranger == 200_000
    assert route.cost == 1_600_000
    assert violations(saved.plan, saved.problem) == []


def test_the_plan_page_says_which_stop_is_off_its_run_and_what_that_costs(
    day: Any, database: Database, kit: Any
) -> None:
    """One door, of the run of Van 2; in its zone another door is the run of Van 1. Van 1 brings it, and does so for
    nothing once only the zone binds, or once Van 2 is away."""
    depot, product = day.depot(), day.product()
    zone = day.add(tables.zone, number="Z", name="Town", depot_id=depot, cut_off="23:59", delivery_days="")
    door = day.site(run="VAN-2", delivery_zone_id=zone)
    day.site(run="VAN-1", delivery_zone_id=zone)
    delivery = day.delivery(site_id=door, depot_id=depot, product_id=product)
    one, two = day.shift(depot_id=depot), day.shift(depot_id=depot)

    def stop(mode: str) -> tuple[int, int, int]:
        with open_store(database) as store:
            store.set_setting(name=SETTING, value={"runs": mode, "off_run": 2000}, by="test", now=kit.NOW)
        plan_id = plan_day(
            lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
            travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip
        with open_store(database) as store:
            saved = store.plan(plan_id)
            if saved.plan.routes[0].shift != one:
                plan_id = move_delivery(store, plan_id=plan_id, delivery=delivery, to_shift=one, by="test", now=kit.NOW)
                saved = store.plan(plan_id)
        assert violations(saved.plan, saved.problem) == []
        with database.reading() as connection:
            (route,) = plan_page(connection, plan_id).routes
            assert door_facts(connection, door).run == "Van 2"
        assert route.shift_id == one
        return route.stops[0].off_run, route.stops[0].stranger, route.cost

    free = stop("free")
    assert free[:2] == (0, 0)
    assert stop("sequence") == (2_000_000, 0, free[2] + 2_000_000)
    assert stop("zones") == free
    with open_store(database) as store:
        store.connection.execute(update(tables.shift).where(tables.shift.c.id == two).values(state="out"))
    assert stop("sequence") == free


def test_the_companys_prices_of_balance_and_area_are_in_the_next_plan_with_what_they_cost(
    day: Any, database: Database, kit: Any
) -> None:
    """Two doors, the other 0.01 degrees to the north: each is 556 m from the middle, at 0.50 a km; an hour more at
    1.00 for each hour of the day."""
    depot, product = day.depot(), day.product()
    for north in (0.0, 0.01):
        door = day.site(service_s=3600, lat=60.17 + north, lon=24.94)
        day.delivery(site_id=door, depot_id=depot, product_id=product)
    day.shift(depot_id=depot, cost_per_hour=0)

    def plan_it() -> int:
        return plan_day(
            lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
            travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip

    without = plan_it()
    with open_store(database) as store:
        store.set_setting(name=SETTING, value={"balance": 100, "area": 50}, by="test", now=kit.NOW)
    plan_id = plan_it()
    with open_store(database) as store:
        saved = store.plan(plan_id)
    with database.reading() as connection:
        (before,), (route,) = (plan_page(connection, key).routes for key in (without, plan_id))
    hours = (route.ends_at - route.starts_at).total_seconds() / 3600
    assert (before.balance, before.area) == (0, None)
    assert route.balance == pytest.approx(100_000 * hours**2 / 2, abs=1)
    assert route.area is not None
    assert route.area.metres == pytest.approx(1112, abs=2)
    assert route.area.cost == route.area.metres * 50
    assert route.cost == before.cost + route.balance + route.area.cost
    assert violations(saved.plan, saved.problem) == []


def test_a_shift_that_is_paid_by_the_stop_and_ends_anywhere_is_planned_and_shown_so(
    day: Any, database: Database, kit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two doors a good km apart on one line, three deliveries: with the way back it would be more than 3 km."""
    depot, product = day.depot(), day.product()
    for north in (0.01, 0.02):
        door = day.site(lat=60.17 + north, lon=24.94)
        day.delivery(site_id=door, depot_id=depot, product_id=product)
    day.delivery(site_id=door, depot_id=depot, product_id=product)
    day.shift(
        depot_id=depot, cost_per_hour=0, cost_per_km=0, cost_per_stop=350, max_distance_m=3000, end_place="anywhere"
    )
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with open_store(database) as store:
        saved = store.plan(plan_id)
    with database.reading() as connection:
        page = plan_page(connection, plan_id)
    (route,) = page.routes
    assert page.served == 3
    assert route.distance_m == pytest.approx(2220, abs=5)
    assert (route.starts_at_depot, route.ends_at_depot, route.max_distance_m) == (True, False, 3000)
    assert route.by_the_stop == Paid(stops=2, cost=700_000)
    assert route.cost == 700_000
    assert violations(saved.plan, saved.problem) == []
    # It comes back nowhere: the terminal and the first page say where it ends instead.
    last = route.stops[-1].site
    said = document(page, currency="EUR")
    assert [each["ends_at_site"] for each in said["routes"]] == [last]
    show_plan(said, {})
    assert f"ends at {last}" in " ".join(capsys.readouterr().out.split())
    with database.reading() as connection:
        (progress,) = routes_of(connection, day=str(kit.DAY))
    assert progress.ends_at_site == last


def test_the_plan_names_the_driver_who_would_drive_more_than_a_week_allows(
    day: Any, database: Database, kit: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tuesday to Sunday 9½ hours at the wheel each, of which half an hour is the way back: 57 in a week. The week after
    has five days of 7: 92 in two. Who drives on the Tuesday alone, and who has no rules, are not spoken of."""
    depot, product = day.depot(), day.product()
    drivers = [day.driver(depot_id=depot, name=f"Driver {n}", rule_set=rules) for n, rules in ((6, "eu"), (7, "none"))]
    mine = day.driver(depot_id=depot, name="Driver 9", rule_set="eu")
    days = [f"2026-05-{n:02}" for n in (*range(12, 18), *range(18, 23))]
    plans: dict[str, int] = {}
    for _ in range(3):
        day.delivery(site_id=day.site(delivery_days=",".join(WEEKDAYS)), depot_id=depot, product_id=product)
    for when in days:
        # On the first day one stop each; on the others all that still waits is Driver 9's.
        for each in (mine, *drivers) if when == days[0] else (mine,):
            day.shift(depot_id=depot, day=when, driver_id=each, max_stops=1 if when == days[0] else None)
        plans[when] = plan_day(
            lambda: open_store(database), from_day=when, to_day=when, depot_ids=[depot],
            travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def drive(hours: float, *, of: Sequence[str]) -> None:
        with database.writing() as connection:
            for when in of:
                trips = list(
                    connection.execute(
                        select(tables.trip.c.id)
                        .join_from(tables.trip, tables.route, tables.route.c.id == tables.trip.c.route_id)
                        .join(tables.shift, tables.shift.c.id == tables.route.c.shift_id)
                        .where(tables.shift.c.day == when, tables.route.c.plan_id == plans[when])
                    ).scalars()
                )
                for trip in trips:
                    at = connection.execute(select(tables.stop).where(tables.stop.c.trip_id == trip)).all()
                    for stop in at:
                        values = {"travel_s": round((hours - 0.5) * 3600 / len(at))}
                        connection.execute(update(tables.stop).where(tables.stop.c.id == stop.id).values(values))
                    home = max(stop.departure for stop in at) + timedelta(minutes=30)
                    connection.execute(update(tables.trip).where(tables.trip.c.id == trip).values(returns_at=home))

    def said(when: str) -> dict[str, tuple[str, ...]]:
        with database.reading() as connection:
            return {route.driver: route.over_the_week for route in plan_page(connection, plans[when]).routes}

    drive(9.5, of=days[:5])
    drive(7, of=days[5:])
    assert said(days[0]) == {"Driver 6": (), "Driver 7": (), "Driver 9": ()}
    drive(9.5, of=days[5:6])
    begins = "Driver 9 drives 57 h 00 min in the week from Mon 11 May 2026"
    week = f"{begins}, more than the 56 h allowed: give a day to another driver."
    begins = "Driver 9 drives 92 h 00 min in the two weeks from Mon 11 May 2026"
    both = f"{begins}, more than the 90 h allowed: give a day to another driver."
    assert said(days[0]) == {
        "Driver 6": (), "Driver 7": (), "Driver 9": (week, both),
    }  # fmt: skip
    assert said(days[-1]) == {"Driver 9": (both,)}
    with database.reading() as connection:
        printed = document(plan_page(connection, plans[days[0]]), currency="EUR")
    show_plan(printed, {})
    assert " ".join(capsys.readouterr().out.split()).count(week) == 1
    # A plan that does not hold (any more, or yet) counts for its own day and for no other.
    with database.writing() as connection:
        connection.execute(tables.current_plan.delete().where(tables.current_plan.c.day == days[1]))
    assert said(days[0])["Driver 9"] == ()
    assert said(days[1])["Driver 9"] == (week, both)


@pytest.mark.parametrize(("licence", "said"), [("B", True), ("C1", False), ("", False)])
def test_the_plan_says_whose_licence_is_not_good_for_the_vehicle(
    licence: str, said: bool, day: Any, database: Database, kit: Any
) -> None:
    depot, product = day.depot(), day.product()
    day.delivery(site_id=day.site(), depot_id=depot, product_id=product)
    day.shift(
        depot_id=depot,
        vehicle_id=day.vehicle(depot_id=depot, name="Truck 2", gross_kg=5_000),
        driver_id=day.driver(depot_id=depot, name="Driver 9", licence=licence),
    )
    plan_id = plan_day(
        lambda: open_store(database), from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot],
        travel=kit.StraightTravel(), solve=kit.greedy, clock=lambda: kit.NOW, by="test",
    ).plan_id  # fmt: skip
    with database.reading() as connection:
        (route,) = plan_page(connection, plan_id).routes
    words = (
        "Truck 2 weighs 5 t laden, and the licence of Driver 9 (B) is good for 3.5 t: name another driver or vehicle."
    )
    assert route.too_heavy == (words if said else "")
