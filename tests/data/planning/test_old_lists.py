"""A driver's phone without signal still has its old list: what it says of goods that go with another van meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, NullPool, create_engine, func, select

from data import tables
from data.db import Database
from data.health import check_rows
from data.queries.driver import driver_route
from data.queries.evening import evening
from data.store import SqlStore, open_store
from routing.errors import Conflict
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, Outcome
from routing.services.boarding import tell_of_refusal
from routing.services.closing import close_van, not_attempted
from routing.services.delivering import Recorded, record
from routing.services.dispatching import dispatch_day
from routing.services.editing import move_delivery, take_out
from routing.services.loading import load_route
from routing.services.planning import plan_day
from routing.services.releasing import unrelease

SECRET = b"s" * 32
ALL_LISTS = pytest.mark.parametrize("listed", [False, True], ids=["its list in force", "an older list"])


class InOneTransaction:
    """A database of which nothing is kept, so that one morning is enough for all tests here."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        with self.connection.begin_nested():
            yield self.connection

    reading = writing


class TwoVans:
    """Two vans for 20 kg each and six doors of 10 kg: one drives twice, the other once. The last delivery of the second
    trip, `moved`, goes over to the other van while the first is out; its driver's phone has the list of the morning."""

    def __init__(self, connection: Connection, kit: Any) -> None:
        self.database: Any = InOneTransaction(connection)
        self.kit, self.sent = kit, 0
        day = kit.Day(connection)
        day.company()
        self.depot, self.product = day.depot(), day.product()
        for _ in range(6):
            site = day.site()
            customer = site  # one of each
            day.add(
                tables.contact, customer_id=customer, site_id=site, name="Goods-in", role="goods_in", channel="email",
                address=f"in{site}@example.com", consent=True,
            )  # fmt: skip
            day.delivery(site_id=site, depot_id=self.depot, product_id=self.product)
        self.van, self.other_van = (
            day.vehicle(depot_id=self.depot, weight_g=20_000, most_trips=2, reload_minutes=20) for _ in range(2)
        )
        self.shift, self.other = (
            day.shift(depot_id=self.depot, vehicle_id=van, cost_fixed=cost)
            for van, cost in ((self.van, 0), (self.other_van, 5_000))
        )
        self.plan_id = plan_day(
            self.open, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[self.depot], travel=kit.StraightTravel(),
            solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip
        self.trips = self.trips_of(self.shift)
        assert [len(trip) for trip in (*self.trips, *self.trips_of(self.other))] == [2, 2, 2]
        self.kept, self.moved = self.trips[1]
        self.first_of_other = self.trips_of(self.other)[0]
        for shift in (self.shift, self.other):
            self.loads(shift)
        self.dispatches()
        self.manifest, self.other_manifest = self.manifest_of(self.shift), self.manifest_of(self.other)
        self.stops = self.stops_of(self.manifest) | self.stops_of(self.other_manifest)

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    @property
    def now(self) -> Any:
        """Some time after eight, a little later with every report."""
        return self.kit.NOW + timedelta(hours=3, minutes=self.sent)

    def trips_of(self, shift: int) -> list[tuple[int, ...]]:
        with self.open() as store:
            saved = store.plan(self.plan_id)
        return [
            tuple(key for stop in trip.stops for key in stop.visits)
            for route in saved.plan.routes
            if route.shift == shift
            for trip in route.trips
        ]

    def loads(self, shift: int) -> int:
        with self.open() as store:
            return load_route(store, shift_id=shift, by="warehouse", now=self.now).deliveries

    def dispatches(self) -> None:
        with self.open() as store:
            dispatch_day(store, day=self.kit.DAY, depot_ids=[self.depot], secret=SECRET, by="desk", now=self.now)

    def manifest_of(self, shift: int) -> int:
        with self.open() as store:
            held = store.held_manifest(shift)
        assert held is not None
        return held.id

    def stops_of(self, manifest: int) -> dict[int, int]:
        with self.open() as store:
            stops = store.manifest_in_hand(manifest).stops
        return {key: stop.stop_id for stop in stops for key in stop.deliveries}

    def moves(self, *, listed: bool = False, loaded: bool = True) -> None:
        """The dispatcher moves it to the other van; `listed`: the drivers' new lists are out; `loaded`: on that van."""
        with self.open() as store:
            self.plan_id = move_delivery(
                store, plan_id=self.plan_id, delivery=self.moved, to_shift=self.other, position=2, by="desk",
                now=self.now,
            )  # fmt: skip
        assert self.trips_of(self.other)[1] == (self.moved,)
        if listed:
            self.dispatches()
        if loaded:
            for key in self.first_of_other:
                self.says(key, manifest=self.other_manifest)
            assert self.loads(self.other) == 1
            if listed:
                self.stops |= {self.moved: self.stops_of(self.manifest_of(self.other))[self.moved]}

    def says(
        self, delivery: int, outcome: Outcome = Outcome.DELIVERED, *, kind: DoorEvent = DoorEvent.OUTCOME,
        manifest: int = 0, stop: int = 0, **counts: int,
    ) -> Recorded:  # fmt: skip
        self.sent += 1
        with self.database.reading() as connection:
            allocation = connection.scalars(
                select(tables.delivery_line.c.allocation_id).where(tables.delivery_line.c.delivery_id == delivery)
            ).one()
        lines = (DoorLine(allocation_id=allocation, **counts),) if counts else ()
        done = (DeliveryReport(delivery_id=delivery, outcome=outcome, lines=lines),)
        with self.open() as store:
            return record(
                store=store, manifest_id=manifest or self.manifest, now=self.now, secret=SECRET,
                report=DoorReport(
                    client_id=f"phone-{self.sent}", sequence=self.sent, payload_sha256=f"{self.sent}", kind=kind,
                    stop_id=stop or self.stops[delivery], captured_at=self.now, recipient="Goods-in",
                    deliveries=done if kind is DoorEvent.OUTCOME else (),
                ),
            )  # fmt: skip

    def keeps_its_old_list(self) -> None:
        """The new one of the first van is taken away again."""
        with self.database.writing() as connection:
            newer = tables.manifest.c.id != self.manifest
            connection.execute(tables.manifest.delete().where(tables.manifest.c.shift_id == self.shift, newer))
            connection.execute(
                tables.manifest.update().where(tables.manifest.c.id == self.manifest).values(replaced_at=None)
            )

    def does_the_first_trip(self) -> None:
        for key in self.trips[0]:
            self.says(key)

    def state(self, delivery: int) -> str:
        with self.database.reading() as connection:
            return str(connection.scalar(select(tables.delivery.c.state).where(tables.delivery.c.id == delivery)))

    def on(self, vehicle: int) -> int:
        return self.at(f"vehicle:{vehicle}")

    def at(self, place: str) -> int:
        with self.open() as store:
            return store.goods_at(place).get(self.product, 0)

    def tasks(self) -> list[str]:
        with self.database.reading() as connection:
            return list(connection.scalars(select(tables.task.c.sentence).order_by(tables.task.c.id)))

    def messages(self) -> int:
        """To the customer of `moved`."""
        with self.database.reading() as connection:
            site = connection.scalar(select(tables.delivery.c.site_id).where(tables.delivery.c.id == self.moved))
            to = tables.notice.c.recipient == f"in{site}@example.com"
            return connection.scalar(select(func.count()).select_from(tables.notice).where(to)) or 0

    def number(self, delivery: int) -> str:
        with self.database.reading() as connection:
            return str(connection.scalar(select(tables.delivery.c.number).where(tables.delivery.c.id == delivery)))

    def closes(self, shift: int, counted: int) -> Any:
        manifest = self.manifest_of(shift)
        with self.open() as store:
            return close_van(
                store=store, manifest_id=manifest, counted={self.product: counted} if counted else {}, now=self.now,
                by="warehouse",
            )  # fmt: skip

    def open_in_the_evening(self) -> list[str]:
        with self.database.reading() as connection:
            (depot,) = evening(connection, day=self.kit.DAY)
        return [number for van in depot.vans for stop in van.open_stops for number in stop.numbers]

    def listed(self, shift: int) -> list[int]:
        """What the driver's page shows."""
        manifest = self.manifest_of(shift)
        with self.database.reading() as connection:
            route = driver_route(connection, manifest, now=self.now)
        return [each.id for stop in route.stops if stop.state == "waiting" for each in stop.deliveries]

    def the_doctor_is_content(self) -> bool:
        with self.database.reading() as connection:
            return [check for check in check_rows(connection) if check.state == "fail"] == []


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def morning(request: pytest.FixtureRequest, tmp_path_factory: Any, kit: Any) -> Iterator[tuple[Database, TwoVans]]:
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("morning") / "backroute.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        database = Database(f"sqlite:///{path}")
    else:
        server = request.getfixturevalue("postgres_server")
        engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE two_vans TEMPLATE template")
        database = Database(server.set(database="two_vans").render_as_string(hide_password=False))
    with database.writing() as connection:
        made = TwoVans(connection, kit)
    yield database, made
    database.close()


@pytest.fixture
def vans(morning: tuple[Database, TwoVans]) -> Iterator[TwoVans]:
    database, made = morning
    with database.writing() as connection:
        mine = copy(made)
        mine.database, mine.stops = InOneTransaction(connection), dict(made.stops)
        yield mine
        connection.rollback()


@ALL_LISTS
def test_what_was_handed_over_is_booked_from_the_van_that_had_it_and_a_task_says_so(
    vans: TwoVans, listed: bool
) -> None:
    old = vans.stops[vans.moved]
    vans.moves(listed=listed)
    assert (vans.on(vans.van), vans.on(vans.other_van)) == (20, 10)
    standing = vans.says(vans.moved, kind=DoorEvent.ARRIVED, stop=old)
    assert standing.remarks == (
        f"{vans.number(vans.moved)} goes with Van 2 now. Load the route again; if you have its goods, call the "
        "dispatcher.",
    )
    assert vans.state(vans.moved) == ("dispatched" if listed else "loaded")
    said = vans.says(vans.moved, stop=old)
    assert (vans.on(vans.van), vans.on(vans.other_van), vans.at("delivered")) == (20, 0, 30)
    assert vans.state(vans.moved) == "done"
    assert said.remarks == (f"{vans.number(vans.moved)} was on Van 2 by the books. The dispatcher is told.",)
    assert vans.tasks() == [
        f"The driver of Van 1 reports {vans.number(vans.moved)} for {'Café ' + str(vans.moved)} as delivered, but by "
        "the books its goods were on Van 2. They are booked off that van: tell its driver, and count both in the "
        "evening."
    ]
    assert vans.moved not in vans.listed(vans.other), "nobody drives there again"
    assert vans.the_doctor_is_content()


def test_what_is_short_of_it_stays_on_the_account_of_the_van_that_had_it(vans: TwoVans) -> None:
    old = vans.stops[vans.moved]
    vans.moves(listed=True)
    vans.says(vans.moved, stop=old, delivered=7, short=2, damaged=1)
    assert (vans.on(vans.other_van), vans.at("delivered"), vans.at(f"quarantine:{vans.depot}")) == (3, 27, 0)
    assert vans.closes(vans.other, 3).returned == 3
    assert (vans.on(vans.other_van), vans.at(f"quarantine:{vans.depot}")) == (0, 1)
    assert vans.the_doctor_is_content()


@pytest.mark.parametrize(("listed", "loaded"), [(False, True), (True, True), (False, False)])
def test_not_attempted_says_nothing_to_the_customer_of_what_another_van_brings(
    vans: TwoVans, listed: bool, loaded: bool
) -> None:
    old = vans.stops[vans.moved]
    vans.moves(listed=listed, loaded=loaded)
    before = (vans.state(vans.moved), vans.messages())
    vans.says(vans.moved, Outcome.NOT_ATTEMPTED, stop=old)
    assert (vans.state(vans.moved), vans.messages()) == before
    assert vans.tasks() == []
    assert vans.moved not in vans.listed(vans.shift), "he has said what there is to say"


@pytest.mark.parametrize(
    ("listed", "loaded", "outcome"), [(True, True, Outcome.NOT_HOME), (False, False, Outcome.MISSING)]
)
def test_who_found_nobody_without_the_goods_ends_nothing_and_the_dispatcher_hears_of_it(
    vans: TwoVans, listed: bool, loaded: bool, outcome: Outcome
) -> None:
    old = vans.stops[vans.moved]
    vans.moves(listed=listed, loaded=loaded)
    before = (vans.state(vans.moved), vans.messages(), vans.on(vans.other_van))
    vans.says(vans.moved, outcome, stop=old)
    assert (vans.state(vans.moved), vans.messages(), vans.on(vans.other_van)) == before
    (task,) = vans.tasks()
    assert task.startswith(f"The driver of Van 1 said at Café {vans.moved} of {vans.number(vans.moved)}: ")
    assert "It goes with Van 2 and stays open" in task
    if loaded and listed:
        vans.says(vans.moved, manifest=vans.other_manifest)  # the van that has it goes there all the same
        assert vans.state(vans.moved) == "done"


def test_what_lies_at_the_depot_for_another_van_cannot_be_handed_over_and_a_person_is_asked(vans: TwoVans) -> None:
    old = vans.stops[vans.moved]
    vans.moves(loaded=False)
    with pytest.raises(Conflict, match="goes with Van 2") as refused:
        vans.says(vans.moved, stop=old)
    with vans.open() as store:
        tell_of_refusal(store=store, manifest_id=vans.manifest, refused=refused.value, now=vans.now)
    (task,) = vans.tasks()
    assert task.startswith("The phone of Van 1 keeps a report that the books do not allow: ")
    assert vans.state(vans.moved) == "released"
    with vans.open() as store:  # so it was: it goes back to the van that had it, and the phone sends again
        vans.plan_id = move_delivery(
            store, plan_id=vans.plan_id, delivery=vans.moved, to_shift=vans.shift, position=3, by="desk", now=vans.now
        )
    vans.says(vans.moved, stop=old)
    assert vans.state(vans.moved) == "done"
    assert vans.the_doctor_is_content()


@pytest.mark.parametrize(
    ("listed", "loaded", "at"), [(False, True, "kept"), (True, True, "moved"), (False, False, "moved")]
)
def test_loaded_by_an_old_list_leaves_out_what_was_moved_and_a_task_names_it(
    vans: TwoVans, listed: bool, loaded: bool, at: str
) -> None:
    old = dict(vans.stops)
    vans.does_the_first_trip()
    vans.moves(listed=listed, loaded=loaded)
    said = vans.says(vans.kept, kind=DoorEvent.LOADED, stop=old[getattr(vans, at)])
    assert (vans.on(vans.van), vans.on(vans.other_van)) == (10, 10 if loaded else 20)
    assert vans.state(vans.kept) == "dispatched"
    assert "goes with Van 2 now" in said.remarks[0]
    with vans.database.reading() as connection:
        route = driver_route(connection, vans.manifest_of(vans.shift), now=vans.now)
    assert [stop.depot_step.is_loaded for stop in route.stops if stop.depot_step] == [True]
    (task,) = vans.tasks()
    assert task == (
        f"The driver of Van 1 loaded by a list on which {vans.number(vans.moved)} stands, but it goes with Van 2 now. "
        "Ask the driver whether its goods are on board."
    )


def test_what_a_newer_list_adds_is_not_loaded_by_the_word_of_who_has_not_seen_it(vans: TwoVans) -> None:
    """Here the phone of the other van has the old list."""
    vans.moves(listed=True, loaded=False)
    for key in vans.first_of_other:
        vans.says(key, manifest=vans.other_manifest)
    vans.says(vans.first_of_other[0], kind=DoorEvent.LOADED, manifest=vans.other_manifest)
    assert (vans.on(vans.other_van), vans.state(vans.moved)) == (0, "released")


@ALL_LISTS
def test_in_the_evening_what_another_van_has_is_open_on_that_van_only(vans: TwoVans, listed: bool) -> None:
    vans.moves(listed=listed)
    vans.does_the_first_trip()
    with vans.open() as store:
        load_route(store, shift_id=vans.shift, by="warehouse", now=vans.now)
    vans.says(vans.kept)
    assert vans.open_in_the_evening() == ([vans.number(vans.moved)] if listed else [])
    done = vans.closes(vans.shift, 0)
    assert (done.kept_for_customers, done.lost, done.returned) == (0, 0, 0)
    assert vans.on(vans.other_van) == 10


def test_what_failed_on_the_other_van_comes_back_with_that_van(vans: TwoVans) -> None:
    """The first van's list in force still has it, and that van is counted first."""
    vans.moves(listed=True)
    vans.keeps_its_old_list()
    vans.does_the_first_trip()
    vans.loads(vans.shift)
    vans.says(vans.kept)
    vans.says(vans.moved, Outcome.NOT_HOME, manifest=vans.other_manifest)
    assert vans.closes(vans.shift, 0).kept_for_customers == 0
    assert (vans.state(vans.moved), vans.on(vans.other_van)) == ("failed", 10)
    assert vans.closes(vans.other, 10).kept_for_customers == 10
    assert (vans.state(vans.moved), vans.on(vans.other_van)) == ("released", 0)
    assert vans.the_doctor_is_content()


def test_what_is_only_planned_with_another_van_that_never_heard_of_it_stands_open_in_the_evening(
    vans: TwoVans,
) -> None:
    vans.moves(loaded=False)
    vans.does_the_first_trip()
    vans.loads(vans.shift)
    vans.says(vans.kept)
    for key in vans.first_of_other:
        vans.says(key, manifest=vans.other_manifest)
    before = vans.messages()
    vans.says(vans.moved, Outcome.NOT_ATTEMPTED)
    assert (vans.messages(), vans.open_in_the_evening()) == (before, [vans.number(vans.moved)])
    with vans.open() as store:
        not_attempted(
            store=store, manifest_id=vans.manifest, stop_id=vans.stops[vans.moved], now=vans.now, by="desk",
            secret=SECRET,
        )  # fmt: skip
    assert vans.messages() > before, "its customer was told of today"
    assert vans.open_in_the_evening() == []
    vans.closes(vans.shift, 0)
    assert vans.state(vans.moved) == "released"


@pytest.mark.parametrize(("outcome", "gone"), [(Outcome.NOT_HOME, "taken back"), (Outcome.NOT_ATTEMPTED, "taken out")])
def test_a_van_whose_list_has_no_second_trip_any_more_ends_nothing_of_its_old_one(
    vans: TwoVans, outcome: Outcome, gone: str
) -> None:
    old = dict(vans.stops)
    for key in vans.trips[1]:
        with vans.open() as store:
            if gone == "taken back":
                unrelease(store, key, now=vans.now, by="desk", why="stays")
            vans.plan_id = take_out(store, plan_id=vans.plan_id, delivery=key, by="desk", now=vans.now)
    vans.dispatches()
    before = (vans.state(vans.moved), vans.messages())
    vans.says(vans.moved, outcome, stop=old[vans.moved])
    assert (vans.state(vans.moved), vans.messages()) == before
    assert len(vans.tasks()) == (0 if outcome is Outcome.NOT_ATTEMPTED else 1)
    with pytest.raises(Conflict, match="does not go with this van any more"):
        vans.says(vans.moved, stop=old[vans.moved])
    vans.says(vans.moved, kind=DoorEvent.LOADED, stop=old[vans.moved])
    assert vans.on(vans.van) == 20


def test_who_runs_late_tells_no_new_time_to_whom_another_van_goes(vans: TwoVans) -> None:
    vans.moves()
    with vans.database.reading() as connection:
        before = connection.scalar(select(func.count()).select_from(tables.promise))
    vans.sent += 200
    vans.says(vans.trips[0][0])
    with vans.database.reading() as connection:
        told = connection.scalars(select(tables.promise.c.order_line_id).order_by(tables.promise.c.id)).all()[before:]
        moved = connection.scalars(
            select(tables.allocation.c.order_line_id)
            .join(tables.delivery_line, tables.delivery_line.c.allocation_id == tables.allocation.c.id)
            .where(tables.delivery_line.c.delivery_id == vans.moved)
        ).one()
    assert told != []
    assert moved not in told


def test_the_phone_of_a_van_that_was_counted_hands_over_nothing_that_goes_out_again(vans: TwoVans) -> None:
    """The first trip too: nobody was home, the van was counted, and today the goods are on the other van."""
    first, *others = vans.trips[0]
    vans.says(first, Outcome.NOT_HOME)
    for key in others:
        vans.says(key)
    vans.loads(vans.shift)
    for key in vans.trips[1]:
        vans.says(key)
    vans.closes(vans.shift, 10)
    for key in vans.first_of_other:
        vans.says(key, manifest=vans.other_manifest)
    with pytest.raises(Conflict, match="does not go with this van any more"):
        vans.says(first)
    with vans.open() as store:  # as the next day's van does
        vans.plan_id = move_delivery(
            store, plan_id=vans.plan_id, delivery=first, to_shift=vans.other, position=2, by="desk", now=vans.now
        )
    vans.loads(vans.other)
    vans.dispatches()
    before = (vans.state(first), vans.messages())
    with pytest.raises(Conflict, match=r"Van 1 was counted, and .* goes with Van 2 now"):
        vans.says(first)
    vans.says(first, Outcome.CLOSED)
    vans.says(first, Outcome.NOT_ATTEMPTED)
    assert (vans.state(first), vans.messages(), vans.on(vans.other_van)) == (*before, 10)
    assert len(vans.tasks()) == 1
    assert vans.the_doctor_is_content()
