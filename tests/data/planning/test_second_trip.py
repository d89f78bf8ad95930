"""The second trip of a shift: loaded when the van is back, on the same driver's list, on the same account."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.queries.driver import DepotStep, driver_route
from data.queries.tracking import tracked
from data.queries.warehouse import floor
from data.store import open_store
from routing.errors import Conflict
from routing.model.proofs import DeliveryReport, DoorEvent, DoorReport, Outcome
from routing.services.closing import close_van, not_attempted
from routing.services.delivering import Recorded, record
from routing.services.dispatching import DispatchedDay, dispatch_day
from routing.services.loading import Loaded, load_delivery, load_route, unload_delivery
from routing.services.releasing import unrelease
from tests.rounds import DAY, SIX, Round, a_round, in_two_trips, waiting_at_the_depot

SECRET = b"0" * 32
EIGHT = SIX + timedelta(hours=2)
"""When the van is at its first door: 20 minutes each, 8 at the door; home at 08:38, off again at 08:58."""


@pytest.fixture
def day(database: Database) -> Day:
    """Van 3 with four stops of 12 pieces, two on each trip; all is on hand, nothing loaded."""
    with database.writing() as connection:
        made = a_round(connection, stops=4)
        waiting_at_the_depot(connection, made)
        in_two_trips(connection, made.route_id, after=2)
    return Day(database, made)


class Day:
    def __init__(self, database: Database, made: Round) -> None:
        self.database, self.made = database, made
        self.first, self.second = made.stops[:2], made.stops[2:]

    def loads(self, at: datetime = SIX) -> Loaded:
        with open_store(self.database) as store:
            return load_route(store, shift_id=self.made.shift_id, by="warehouse", now=at)

    def loads_one(self, stop: int, at: datetime, trip: int = 2, **how: bool) -> Loaded:
        with open_store(self.database) as store:
            return load_delivery(
                store, shift_id=self.made.shift_id, trip=trip, delivery_id=self.made.stops[stop].delivery_id,
                by="warehouse", now=at, pick_rest=True, **how,
            )  # fmt: skip

    def dispatches(self, at: datetime = SIX) -> DispatchedDay:
        with open_store(self.database) as store:
            return dispatch_day(store, day=DAY, depot_ids=[self.made.depot_id], secret=SECRET, by="test", now=at)

    @property
    def manifest_id(self) -> int:
        with open_store(self.database) as store:
            held = store.held_manifest(self.made.shift_id)
        assert held is not None
        return held.id

    def says(self, stop: int, kind: DoorEvent, at: datetime, outcome: Outcome = Outcome.DELIVERED) -> Recorded:
        here = self.made.stops[stop]
        done = (DeliveryReport(delivery_id=here.delivery_id, outcome=outcome),) if kind is DoorEvent.OUTCOME else ()
        name = f"{stop}-{kind}-{at.isoformat()}"
        manifest_id = self.manifest_id
        with open_store(self.database) as store:
            return record(
                store=store, manifest_id=manifest_id, now=at, secret=SECRET,
                report=DoorReport(
                    client_id=name, sequence=stop, payload_sha256=name, kind=kind, captured_at=at,
                    stop_id=here.stop_id, deliveries=done, recipient="Goods-in 1",
                ),
            )  # fmt: skip

    def does_the_first_trip(self) -> None:
        self.loads()
        self.dispatches()
        for n in (0, 1):
            self.says(n, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=20 * n + 8))

    def depot_step(self, at: datetime) -> DepotStep:
        manifest_id = self.manifest_id
        with self.database.reading() as connection:
            step = driver_route(connection, manifest_id, now=at).stops[2].depot_step
        assert step is not None
        return step

    def on_van(self) -> int:
        with open_store(self.database) as store:
            return store.goods_at(f"vehicle:{self.made.vehicle_id}").get(self.made.product_id, 0)

    def states(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.scalars(select(tables.delivery.c.state).order_by(tables.delivery.c.id)))

    def events(self, kind: str) -> int:
        with self.database.reading() as connection:
            return len(connection.execute(select(tables.event).where(tables.event.c.kind == kind)).all())


def test_a_van_is_loaded_and_leaves_with_its_first_trip_and_the_whole_list(day: Day) -> None:
    assert (day.loads().deliveries, day.loads().deliveries) == (2, 0)
    result = day.dispatches()
    assert [each.stops for each in result.dispatched] == [4]
    assert result.left == ()
    assert (day.on_van(), day.states()) == (24, ["dispatched", "dispatched", "released", "released"])
    assert day.dispatches().as_before == 1


def test_everybody_is_told_at_dispatch_those_of_the_second_trip_too(day: Day) -> None:
    day.loads()
    assert [each.told for each in day.dispatches().dispatched] == [4]
    with day.database.reading() as connection:
        found = tracked(connection, day.second[0].delivery_id, now=EIGHT)
    assert found.stage == "planned"
    assert found.window is not None
    assert found.window[0] <= EIGHT + timedelta(minutes=68) <= found.window[1]


def test_the_second_trip_is_not_loaded_before_the_van_is_back(day: Day) -> None:
    day.loads()
    with pytest.raises(Conflict, match="which has not left for trip 1 yet"):
        day.loads_one(3, SIX)
    day.dispatches()
    with pytest.raises(Conflict, match="Van 3 is out on trip 1 as far as we know: 2 deliveries are not reported"):
        day.loads_one(3, EIGHT)
    assert day.on_van() == 24
    day.loads_one(3, EIGHT, van_is_here=True)
    day.loads_one(2, EIGHT)  # where one of them is on board, the van is here
    assert day.states()[2:] == ["dispatched", "dispatched"]


def test_a_van_that_is_loaded_with_stops_of_its_first_trip_open_is_not_back_before_they_are_reported(day: Day) -> None:
    day.loads()
    day.dispatches()
    day.says(0, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=8))
    for stop in (3, 2):
        day.loads_one(stop, EIGHT + timedelta(minutes=10), van_is_here=True)
    assert not day.depot_step(EIGHT + timedelta(minutes=10)).is_loaded
    day.says(1, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=28))
    assert day.depot_step(EIGHT + timedelta(minutes=28)).is_loaded


def test_the_warehouse_sees_when_a_late_van_is_back_and_its_break_is_in_the_forecast(day: Day) -> None:
    day.loads()
    day.dispatches()
    with day.database.writing() as connection:  # back at 08:38, break until 08:58, loaded until 09:18
        trips = tables.trip.update().where(tables.trip.c.sequence == 2)
        connection.execute(trips.values(departs_at=EIGHT + timedelta(minutes=78)))
        second = [stop.stop_id for stop in day.second]
        for n, stop in enumerate(second):
            there = EIGHT + timedelta(minutes=88 + 20 * n)
            times = {"arrival": there, "start": there, "departure": there + timedelta(minutes=8)}
            connection.execute(tables.stop.update().where(tables.stop.c.id == stop).values(times))
        pause = {
            "break_id": 1, "after_stop": 2, "starts_at": (EIGHT + timedelta(minutes=38)).isoformat(),
            "ends_at": (EIGHT + timedelta(minutes=58)).isoformat(),
        }  # fmt: skip
        connection.execute(tables.route.update().values(breaks=[pause]))
    late = EIGHT + timedelta(minutes=58)  # half an hour behind at both doors
    day.says(0, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=38))
    with day.database.reading() as connection:
        (home,) = floor(connection, day=DAY, now=EIGHT + timedelta(minutes=38))
    assert [trip.away_until for trip in home.trips] == [None, EIGHT + timedelta(minutes=68)]
    day.says(1, DoorEvent.OUTCOME, late)
    step = day.depot_step(late)
    assert (step.back_at, step.leaves_at) == (late + timedelta(minutes=10), late + timedelta(minutes=50))


def test_the_second_trip_is_loaded_when_the_first_is_done_and_comes_off_again_before_it_leaves(day: Day) -> None:
    day.does_the_first_trip()
    assert day.on_van() == 0
    assert day.loads(EIGHT + timedelta(minutes=40)).deliveries == 2
    assert (day.on_van(), day.states()[2:]) == (24, ["dispatched", "dispatched"])
    with open_store(day.database) as store:
        unload_delivery(
            store, shift_id=day.made.shift_id, delivery_id=day.second[1].delivery_id, by="warehouse", now=EIGHT
        )
    assert (day.on_van(), day.states()[2:]) == (12, ["dispatched", "released"])
    day.loads_one(3, EIGHT)
    day.says(2, DoorEvent.ARRIVED, EIGHT + timedelta(minutes=68))
    with pytest.raises(Conflict, match="has left with it"), open_store(day.database) as store:
        unload_delivery(
            store, shift_id=day.made.shift_id, delivery_id=day.second[1].delivery_id, by="warehouse", now=EIGHT
        )


def test_the_driver_says_that_the_second_trip_is_loaded_and_the_forecast_goes_on_from_there(day: Day) -> None:
    day.does_the_first_trip()
    late = EIGHT + timedelta(minutes=80)
    day.says(2, DoorEvent.LOADED, late)
    assert (day.on_van(), day.events("trip.loaded"), day.events("loaded")) == (24, 1, 4)
    with day.database.reading() as connection:
        route = driver_route(connection, day.manifest_id, now=late)
    assert [each.trip for each in route.stops] == [1, 1, 2, 2]
    step = route.stops[2].depot_step
    assert step is not None
    assert step.is_loaded
    eta = route.stops[2].eta
    assert eta is not None
    assert eta.arrival == eta.start == late + timedelta(minutes=10)
    with day.database.reading() as connection:
        assert tracked(connection, day.second[0].delivery_id, now=late).stage == "next"


def test_a_report_from_a_door_of_the_second_trip_takes_its_goods_along_that_nobody_said_were_loaded(day: Day) -> None:
    day.does_the_first_trip()
    day.says(2, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=75))
    assert (day.on_van(), day.states()[2:]) == (0, ["done", "released"])
    day.says(3, DoorEvent.ARRIVED, EIGHT + timedelta(minutes=90))
    assert (day.on_van(), day.states()[2:]) == (12, ["done", "under_way"])


def test_goods_that_the_books_do_not_have_make_a_task_and_no_report_is_lost(day: Day) -> None:
    day.does_the_first_trip()
    with day.database.writing() as connection:
        connection.execute(
            tables.movement.insert().values(
                at=EIGHT, product_id=day.made.product_id, quantity=12, from_place=f"depot:{day.made.depot_id}",
                to_place="lost", why="recounted", by="test",
            )
        )  # fmt: skip
    said = day.says(2, DoorEvent.LOADED, EIGHT + timedelta(minutes=50))
    assert "has 0 on hand" in said.remarks[0]
    with day.database.reading() as connection:
        (task,) = connection.execute(select(tables.task).where(tables.task.c.kind == "trip_not_loaded")).all()
    assert task.sentence.startswith("The driver has loaded trip 2, but the books do not let all of it out: ")
    arrived = day.says(3, DoorEvent.ARRIVED, EIGHT + timedelta(minutes=90))
    assert "has 0 on hand" in arrived.remarks[0]
    with pytest.raises(Conflict, match="has 0 on hand"):
        day.says(3, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=95))
    assert day.states()[2:] == ["dispatched", "released"]


def test_the_account_of_the_evening_counts_both_trips(day: Day) -> None:
    day.does_the_first_trip()
    day.loads(EIGHT + timedelta(minutes=40))
    day.says(2, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=75), Outcome.NOT_HOME)
    day.says(3, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=95))
    manifest_id = day.manifest_id
    with open_store(day.database) as store:
        done = close_van(store=store, manifest_id=manifest_id, counted={day.made.product_id: 12}, now=EIGHT, by="test")
    assert (done.kept_for_customers, done.lost, day.on_van()) == (12, 0, 0)


def test_a_second_trip_that_never_left_stands_open_in_the_evening_and_its_goods_stay(day: Day) -> None:
    day.does_the_first_trip()
    manifest_id = day.manifest_id
    with pytest.raises(Conflict, match=r"D-1-3, D-1-4 still open on this route"), open_store(day.database) as store:
        close_van(store=store, manifest_id=manifest_id, counted={}, now=EIGHT, by="test")
    for each in day.second:
        with open_store(day.database) as store:
            not_attempted(
                store=store, manifest_id=manifest_id, stop_id=each.stop_id, now=EIGHT, by="test", secret=SECRET
            )
    assert (day.on_van(), day.states()) == (0, ["done", "done", "released", "released"])
    with open_store(day.database) as store:
        close_van(store=store, manifest_id=manifest_id, counted={}, now=EIGHT, by="test")
    with day.database.reading() as connection:
        days = connection.scalars(select(tables.delivery.c.for_day).order_by(tables.delivery.c.id)).all()
        told = connection.scalars(select(tables.notice.c.kind).where(tables.notice.c.kind == "failed")).all()
    assert [each > DAY for each in days] == [False, False, True, True]
    assert len(told) > 0


def test_a_stop_that_goes_to_the_other_trip_makes_a_new_list(day: Day) -> None:
    day.loads()
    day.dispatches()
    with day.database.writing() as connection:
        trips = connection.scalars(select(tables.trip.c.id).order_by(tables.trip.c.sequence)).all()
        for sequence, each in ((3, day.second[1]), (2, day.second[0]), (1, day.first[1])):
            connection.execute(
                tables.stop.update().where(tables.stop.c.id == each.stop_id).values(trip_id=trips[1], sequence=sequence)
            )
    assert [each.version for each in day.dispatches().dispatched] == [2]


def test_what_the_driver_left_at_the_depot_is_not_loaded_with_the_rest_of_its_trip(day: Day) -> None:
    day.does_the_first_trip()
    day.says(3, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=30), Outcome.NOT_ATTEMPTED)
    day.says(2, DoorEvent.LOADED, EIGHT + timedelta(minutes=40))
    assert (day.on_van(), day.states()[2:]) == (12, ["dispatched", "released"])
    day.says(3, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=90))  # it was on board all the same
    assert (day.on_van(), day.states()[2:]) == (12, ["dispatched", "done"])


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.NOT_HOME, Outcome.NOT_ATTEMPTED])
def test_an_old_list_ends_nothing_of_goods_that_were_taken_back_meanwhile(day: Day, outcome: Outcome) -> None:
    day.does_the_first_trip()
    with open_store(day.database) as store:
        unrelease(store, day.second[1].delivery_id, now=EIGHT, by="desk", why="stays")
    gone = "D-1-4 does not go with this van any more"
    assert gone in day.says(3, DoorEvent.ARRIVED, EIGHT + timedelta(minutes=90)).remarks[0]
    if outcome is Outcome.DELIVERED:
        with pytest.raises(Conflict, match=gone):
            day.says(3, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=95), outcome)
    else:
        assert gone in day.says(3, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=95), outcome).remarks[0]
    day.says(2, DoorEvent.OUTCOME, EIGHT + timedelta(minutes=99))
    assert day.states() == ["done", "done", "done", "unreleased"]
    manifest_id = day.manifest_id
    with open_store(day.database) as store:
        close_van(store=store, manifest_id=manifest_id, counted={}, now=EIGHT, by="test")
