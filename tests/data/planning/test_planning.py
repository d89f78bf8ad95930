"""Planning a day on a real database: begin, solve, save."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.health import check_rows
from data.mapping.plans import problem_from_bytes, problem_to_bytes
from data.queries.plans import plan_page
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput, SolverError, TravelError
from routing.model.day import Worked
from routing.model.places import Location
from routing.model.plans import Lock, Reason
from routing.rules.check import violations
from routing.services.measuring import tables_of
from routing.services.planning import PlannedDay, begin_plan, make_problem, plan_day, save_plan

BEFORE = "2026-05-11"
"""The day before the one that is planned."""


def opener(database: Database) -> Callable[[], AbstractContextManager[SqlStore]]:
    return lambda: open_store(database)


def planned(database: Database, kit: Any, *, depot_ids: list[int], **options: Any) -> PlannedDay:
    return plan_day(
        opener(database),
        **{
            "from_day": kit.DAY, "to_day": kit.DAY, "depot_ids": depot_ids, "travel": kit.StraightTravel(),
            "solve": kit.greedy, "clock": lambda: kit.NOW, "by": "test", **options,
        },
    )  # fmt: skip


def small_day(day: Any) -> tuple[int, list[int], int]:
    """A depot, three deliveries to three doors, a shift."""
    depot, product = day.depot(), day.product()
    deliveries = [day.delivery(site_id=day.site(), depot_id=depot, product_id=product) for _ in range(3)]
    return depot, deliveries, day.shift(depot_id=depot)


def test_a_day_is_planned_saved_and_read_back_as_it_was(day: Any, database: Database, kit: Any) -> None:
    depot, deliveries, shift = small_day(day)
    result = planned(database, kit, depot_ids=[depot])
    assert sorted(result.plan.routes[0].visits) == deliveries
    with database.reading() as connection:
        store = SqlStore(connection)
        saved = store.plan(result.plan_id)
        pointer = store.current_plans(from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot])
    assert saved.plan == result.plan
    assert problem_to_bytes(saved.problem) == problem_to_bytes(result.problem)
    assert saved.problem.visits == result.problem.visits
    assert saved.problem.shifts == result.problem.shifts
    assert violations(saved.plan, saved.problem) == []
    assert [(each.plan_id, each.state) for each in pointer] == [(result.plan_id, "draft")]
    assert result.plan.routes[0].shift == shift


def test_a_problem_survives_its_blob_exactly(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = small_day(day)
    problem = planned(database, kit, depot_ids=[depot]).problem
    back = problem_from_bytes(problem_to_bytes(problem))
    assert (back.epoch, back.places, back.locks, back.excluded) == (
        problem.epoch, problem.places, problem.locks, problem.excluded,
    )  # fmt: skip
    for profile, travel in problem.travel.items():
        assert (back.travel[profile].durations_s == travel.durations_s).all()
        assert (back.travel[profile].distances_m == travel.distances_m).all()


def test_the_trips_of_a_problem_survive_its_blob(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = small_day(day)
    problem = planned(database, kit, depot_ids=[depot]).problem
    (offer, *_), (visit, *_) = problem.shifts, problem.visits
    again = replace(offer, most_trips=3, reload_s=1800, trips_out=1)
    lock = Lock(visit=visit.id, shift=offer.id, position=0, done=True, trip=0)
    back = problem_from_bytes(problem_to_bytes(replace(problem, shifts=(again,), locks=(lock,))))
    assert (back.shifts, back.locks) == ((again,), (lock,))


@pytest.mark.parametrize("damage", [b"", b"not zlib", zlib.compress(b"[]"), zlib.compress(b'{"format": 1}')])
def test_a_damaged_blob_is_refused_by_a_sentence_with_the_mend(damage: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"damaged .* Plan the day again"):
        problem_from_bytes(damage)


def test_the_doctor_names_the_day_whose_plan_is_damaged(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = small_day(day)
    result = planned(database, kit, depot_ids=[depot])
    with database.writing() as connection:
        connection.execute(update(tables.plan).where(tables.plan.c.id == result.plan_id).values(problem=b"torn"))
    with database.reading() as connection:
        (plans,) = (check for check in check_rows(connection) if check.name == "plans")
    assert plans.state == "fail"
    assert f"{kit.DAY}: What this plan was made from is damaged" in plans.sentence
    assert plans.mend == "Plan that day again."


def test_a_second_plan_has_the_first_as_its_parent(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = small_day(day)
    first = planned(database, kit, depot_ids=[depot])
    second = planned(database, kit, depot_ids=[depot])
    with database.reading() as connection:
        store = SqlStore(connection)
        assert store.plan(second.plan_id).parent_id == first.plan_id
        assert store.current_plans(from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot])[0].plan_id == second.plan_id


def test_a_plan_is_refused_when_the_day_moved_on_meanwhile(day: Any, database: Database, kit: Any) -> None:
    depot, deliveries, _ = small_day(day)
    with open_store(database) as store:
        draft = begin_plan(store, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot], now=kit.NOW)
    problem = make_problem(draft, travel=kit.StraightTravel())
    plan = kit.greedy(problem, seed=0)
    with database.writing() as connection:
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.id == deliveries[0]).values(state="unreleased")
        )
    with pytest.raises(Conflict, match="D-1 changed while it was being planned"), open_store(database) as store:
        save_plan(store, draft, problem=problem, plan=plan, why="planned", by="test", now=kit.NOW)
    with database.reading() as connection:
        assert connection.execute(select(tables.plan.c.id)).all() == []


def test_a_plan_that_does_not_hold_is_not_saved(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = small_day(day)
    with open_store(database) as store:
        draft = begin_plan(store, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot], now=kit.NOW)
    problem = make_problem(draft, travel=kit.StraightTravel())
    plan = replace(kit.greedy(problem, seed=0), cost=1)
    with pytest.raises(SolverError, match="does not hold"), open_store(database) as store:
        save_plan(store, draft, problem=problem, plan=plan, why="planned", by="test", now=kit.NOW)


def test_what_is_left_out_is_saved_with_its_reasons(day: Any, database: Database, kit: Any) -> None:
    depot, _, _ = small_day(day)
    heavy = day.product(weight_g=None)
    nobody_knows = day.delivery(site_id=day.site(), depot_id=depot, product_id=heavy)
    lost = day.delivery(
        site_id=day.site(pin_quality="approximate", pin_why="Number 9999 is not known."),
        depot_id=depot,
        product_id=day.product(),
    )
    held = day.delivery(
        site_id=day.site(), depot_id=depot, product_id=day.product(), order={"hold_reason": "credit limit"}
    )
    result = planned(database, kit, depot_ids=[depot])
    with database.reading() as connection:
        rows = connection.execute(select(tables.unassigned.c.delivery_id, tables.unassigned.c.reasons)).all()
    assert {row.delivery_id: row.reasons for row in rows} == {
        nobody_knows: [Reason.MISSING_WEIGHT], lost: [Reason.ADDRESS_IN_REVIEW], held: [Reason.ON_HOLD],
    }  # fmt: skip
    assert result.left_out == 3


def test_two_depots_are_one_plan_and_each_keeps_its_own_goods(day: Any, database: Database, kit: Any) -> None:
    one, _, shift_one = small_day(day)
    two = day.depot(lat=60.18)
    theirs = day.delivery(site_id=day.site(), depot_id=two, product_id=day.product())
    shift_two = day.shift(depot_id=two)
    result = planned(database, kit, depot_ids=[one, two])
    by_shift = {route.shift: route.visits for route in result.plan.routes}
    assert by_shift[shift_two] == (theirs,)
    assert len(by_shift[shift_one]) == 3


def test_a_day_without_deliveries_gives_an_empty_plan(day: Any, database: Database, kit: Any) -> None:
    result = planned(database, kit, depot_ids=[day.depot()])
    assert (result.plan.routes, result.plan.unassigned) == ((), ())


def test_depots_in_two_regions_are_planned_apart(day: Any, database: Database, kit: Any) -> None:
    regions = [day.add(tables.region, name=name, build="b", facts={}, built_at=kit.NOW) for name in ("North", "South")]
    depots = [day.depot(region_id=region) for region in regions]
    with pytest.raises(InvalidInput, match="different regions"):
        planned(database, kit, depot_ids=depots)


def test_a_door_that_closed_early_and_two_days(day: Any, database: Database, kit: Any) -> None:
    depot = day.depot()
    site = day.site()
    day.add(tables.site_window, site_id=site, weekdays="wed", opens="08:00", closes="10:00", kind="begin_by")
    delivery = day.delivery(site_id=site, depot_id=depot, product_id=day.product())
    day.shift(depot_id=depot)
    wednesday = day.shift(depot_id=depot, day="2026-05-13")
    alone = planned(database, kit, depot_ids=[depot])
    assert [gone.reasons for gone in alone.problem.excluded] == [(Reason.CLOSED_THAT_DAY,)]
    both = planned(database, kit, depot_ids=[depot], to_day="2026-05-13")
    assert [(route.shift, route.visits) for route in both.plan.routes] == [(wednesday, (delivery,))]


class NoTrucks:
    """Straight ways for all but trucks, for whom this region has no road at all."""

    def __init__(self, kit: Any) -> None:
        self.ways = kit.StraightTravel()

    def table(self, places: Any, *, profile: str) -> Any:
        if profile == "truck":
            raise TravelError(
                "No road that a truck may use.", code="profile_without_roads", profile=profile, region="town"
            )
        return self.ways.table(places, profile=profile)


def test_a_vehicle_for_which_the_region_has_no_road_stays_and_the_others_are_planned(
    day: Any, database: Database, kit: Any
) -> None:
    """Van 1 takes D-1. D-2 needs two people, and only the truck has them: it stays out, for want of a road."""
    depot, product = day.depot(), day.product()
    van = day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, profile="van"))
    truck = day.shift(depot_id=depot, vehicle_id=day.vehicle(depot_id=depot, profile="truck"), crew=2)
    light = day.delivery(site_id=day.site(), depot_id=depot, product_id=product)
    heavy = day.delivery(site_id=day.site(crew=2), depot_id=depot, product_id=product)
    result = planned(database, kit, depot_ids=[depot], travel=NoTrucks(kit))
    assert [(route.shift, route.visits) for route in result.plan.routes] == [(van, (light,))]
    (out,) = result.plan.unassigned
    assert (out.visit, set(out.reasons), out.proven) == (heavy, {Reason.NO_ROAD, Reason.CREW}, True)
    assert "no road" in out.detail
    assert result.problem.travel_build == "test (great circle)"
    with database.reading() as connection:
        (free,) = plan_page(connection, result.plan_id).free
    assert (free.shift_id, free.without_roads) == (truck, True)


def test_ways_beside_a_plan_are_measured_though_one_vehicle_has_no_roads(kit: Any) -> None:
    places = [Location(lat=60.17, lon=24.94), Location(lat=60.18, lon=24.94)]
    tables = tables_of(NoTrucks(kit), places, {"van", "truck"})
    assert tables["van"].durations_s.tolist() == [[0, 111], [111, 0]]
    assert tables["truck"].durations_s.tolist() == [[0, -1], [-1, 0]]
    with pytest.raises(TravelError, match="No road that a truck may use"):
        tables_of(NoTrucks(kit), places, {"van", "truck"}, needed={"truck"})


def test_a_day_on_which_no_vehicle_has_roads_names_them_the_region_and_the_mend(
    day: Any, database: Database, kit: Any
) -> None:
    depot = day.depot()
    for n in range(1, 5):
        truck = day.vehicle(depot_id=depot, profile="truck", name=f"Truck {n}")
        day.shift(depot_id=depot, vehicle_id=truck)
        day.shift(depot_id=depot, vehicle_id=truck, starts="15:00", ends="20:00")
    day.delivery(site_id=day.site(), depot_id=depot, product_id=day.product())
    with pytest.raises(TravelError) as refused:
        planned(database, kit, depot_ids=[depot], travel=NoTrucks(kit))
    assert str(refused.value) == (
        'No vehicle of these days can be planned: the map of region "town" has no road for Truck 1, Truck 2, Truck 3 '
        "and 1 more (truck). Give them another kind of roads under Fleet, or build the region from a map that has such "
        "roads: backroute region add town --pbf FILE."
    )
    assert refused.value.code == "profile_without_roads"


def test_the_truck_of_one_depot_keeps_no_other_depot_from_being_planned(day: Any, database: Database, kit: Any) -> None:
    one, other, product = day.depot(), day.depot(), day.product()
    day.shift(depot_id=one, vehicle_id=day.vehicle(depot_id=one, profile="truck"))
    van = day.shift(depot_id=other, vehicle_id=day.vehicle(depot_id=other, profile="van"))
    stays = day.delivery(site_id=day.site(), depot_id=one, product_id=product)
    goes = day.delivery(site_id=day.site(), depot_id=other, product_id=product)
    result = planned(database, kit, depot_ids=[one, other], travel=NoTrucks(kit))
    assert [(route.shift, route.visits) for route in result.plan.routes] == [(van, (goes,))]
    assert [(out.visit, out.reasons) for out in result.plan.unassigned] == [(stays, (Reason.NO_ROAD,))]


def test_a_driver_under_rules_begins_when_the_rest_from_the_day_before_is_over(
    day: Any, database: Database, kit: Any
) -> None:
    depot, product = day.depot(), day.product()
    day.delivery(site_id=day.site(), depot_id=depot, product_id=product, for_day=BEFORE)
    strict, free = (day.driver(depot_id=depot, rule_set=each) for each in ("eu", "none"))
    day.shift(depot_id=depot, driver_id=strict, day=BEFORE, starts="22:00", ends="23:30")
    planned(database, kit, depot_ids=[depot], from_day=BEFORE, to_day=BEFORE)
    with database.reading() as connection:
        (ended,) = connection.scalars(select(tables.route.c.ends_at))
    again = [day.shift(depot_id=depot, driver_id=each, starts="00:30", ends="15:00") for each in (strict, free)]
    with database.reading() as connection:
        store = SqlStore(connection)
        facts = store.day_facts(from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot])
        assert facts.worked == (Worked(driver_id=strict, until=ended),)
        assert store.day_facts(from_day=BEFORE, to_day=BEFORE, depot_ids=[depot]).worked == ()
        draft = begin_plan(store, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[depot], now=kit.NOW)
    problem = make_problem(draft, travel=kit.StraightTravel())
    starts = {offer.id: problem.epoch + timedelta(seconds=offer.start_s) for offer in problem.shifts}
    assert starts[again[0]] == ended + timedelta(hours=11)
    assert starts[again[1]] == kit.NOW
