"""An urgent order in, a stop cancelled, a van smaller, goods that come later: shown first, then done or refused."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.day import SavedPlan
from routing.rules.check import violations
from routing.rules.driver_out import OutKind, OutOption
from routing.services.dispatching import dispatch_day
from routing.services.editing import lock_delivery
from routing.services.loading import load_route
from routing.services.planning import plan_day
from routing.services.replanning import Happening, Ways, apply_way, ways_on

WEDNESDAY = "2026-05-13"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: what these decisions write is tested on both where it is planned and dispatched."""
    return sqlite_url


class Morning:
    """Two vans for two hours each and six doors of twenty minutes, four on one and two on the other; nothing loaded."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.database, self.kit, self.day = database, kit, day
        day.company()
        self.depot, self.product = day.depot(), day.product()
        self.deliveries = [self.delivery() for _ in range(6)]
        self.vans = [day.vehicle(depot_id=self.depot, weight_g=40_000) for _ in range(2)]
        self.shifts = [day.shift(depot_id=self.depot, vehicle_id=van, ends="09:00") for van in self.vans]
        self.plan_id = plan_day(
            self.open, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[self.depot], travel=kit.StraightTravel(),
            solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip

    def delivery(self, **values: Any) -> int:
        product = values.pop("product_id", self.product)
        key: int = self.day.delivery(
            site_id=self.day.site(service_s=1200), depot_id=self.depot, product_id=product, **values
        )
        return key

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def ways(self, kind: str, key: int, at: str = "") -> Ways:
        before = self.rows()
        found = ways_on(
            self.open, Happening(kind=kind, key=key, at=at), plan_id=self.plan_id, travel=self.kit.StraightTravel(),
            now=self.kit.NOW,
        )  # fmt: skip
        assert self.rows() == before  # looking writes nothing
        for option in found.options:
            assert violations(option.plan, option.problem) == [], option.title
        return found

    def apply(self, kind: str, key: int, chosen: OutOption, at: str = "") -> SavedPlan:
        with self.open() as store:
            happened = Happening(kind=kind, key=key, at=at, why="their party is tonight")
            new = apply_way(store, happened, plan_id=self.plan_id, chosen=chosen, by="test", now=self.kit.NOW)
        with self.open() as store:
            saved = store.plan(new)
        assert violations(saved.plan, saved.problem) == []
        return saved

    def rows(self) -> list[int]:
        with self.database.reading() as connection:
            return [
                int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in (tables.plan, tables.shift, tables.event, tables.plan_lock, tables.task)
            ]

    def load(self, shift: int) -> None:
        with self.open() as store:
            load_route(store, shift_id=shift, by="test", now=self.kit.NOW)

    def row(self, delivery: int) -> Any:
        with self.database.reading() as connection:
            return connection.execute(select(tables.delivery).where(tables.delivery.c.id == delivery)).one()


@pytest.fixture
def morning(day: Any, database: Database, kit: Any) -> Morning:
    return Morning(day, database, kit)


def home_of(saved: SavedPlan, delivery: int) -> int | None:
    return next((route.shift for route in saved.plan.routes if delivery in route.visits), None)


def kinds(found: Ways) -> list[OutKind]:
    return [option.kind for option in found.options]


# ---------------------------------------------------------------------------- urgent


def test_an_urgent_order_goes_where_it_fits_and_stays_there(morning: Morning) -> None:
    urgent = morning.delivery(tier=3)
    found = morning.ways("urgent", urgent)
    best = found.options[0]
    assert best.kind is OutKind.FITS_IN
    assert best.left_out == ()
    assert best.cost > 0
    saved = morning.apply("urgent", urgent, best)
    assert home_of(saved, urgent) == best.shift_id
    with morning.open() as store:
        facts = store.day_facts(from_day=morning.kit.DAY, to_day=morning.kit.DAY, depot_ids=[morning.depot])
    assert [(lock.delivery_id, lock.shift_id) for lock in facts.locks] == [(urgent, best.shift_id)]


def test_where_nothing_is_free_the_lowest_gives_its_turn_or_it_waits(morning: Morning, kit: Any) -> None:
    for _ in range(2):  # the vans are full by now
        more = morning.delivery(tier=2)
        option = morning.ways("urgent", more).options[0]
        morning.plan_id = morning.apply("urgent", more, option).id
    urgent = morning.delivery(tier=3)
    found = morning.ways("urgent", urgent)
    assert kinds(found)[0] in (OutKind.FITS_IN, OutKind.IN_ANOTHERS_TURN)
    while found.options[0].kind is OutKind.FITS_IN:
        morning.plan_id = morning.apply("urgent", urgent, found.options[0]).id
        urgent = morning.delivery(tier=3)
        found = morning.ways("urgent", urgent)
    turn = found.options[0]
    assert turn.kind is OutKind.IN_ANOTHERS_TURN
    (gone,) = turn.left_out
    assert gone.visit in morning.deliveries
    waits = next(option for option in found.options if option.kind is OutKind.NEXT_DAY)
    assert waits.cost == 0
    morning.apply("urgent", urgent, waits)
    assert morning.row(urgent).for_day == WEDNESDAY


def test_a_van_that_left_brings_nothing_that_lies_at_the_depot(morning: Morning) -> None:
    morning.load(morning.shifts[0])
    with morning.database.writing() as connection:
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.state == "loaded").values(state="dispatched")
        )
    urgent = morning.delivery(tier=3)
    found = morning.ways("urgent", urgent)
    assert {option.shift_id for option in found.options if option.kind is OutKind.FITS_IN} <= {morning.shifts[1]}


def test_a_van_whose_driver_has_the_list_takes_it_until_it_drives_off(morning: Morning, kit: Any) -> None:
    with morning.database.writing() as connection:  # the other van is not to take it
        connection.execute(update(tables.shift).where(tables.shift.c.id == morning.shifts[1]).values(ends="07:50"))
        connection.execute(
            update(tables.vehicle).where(tables.vehicle.c.id == morning.vans[0]).values(weight_g=100_000)
        )
    morning.load(morning.shifts[0])
    with morning.open() as store:
        dispatch_day(
            store, day=kit.DAY, depot_ids=[morning.depot], secret=b"secret", by="test", now=kit.NOW
        )  # fmt: skip
    urgent = morning.delivery(tier=3)
    before = morning.ways("urgent", urgent).options
    assert OutKind.FITS_IN in [each.kind for each in before if each.shift_id == morning.shifts[0]]
    later = ways_on(
        morning.open, Happening(kind="urgent", key=urgent), plan_id=morning.plan_id, travel=kit.StraightTravel(),
        now=kit.NOW + timedelta(hours=2),
    )  # fmt: skip
    assert morning.shifts[0] not in {each.shift_id for each in later.options if each.kind is OutKind.FITS_IN}
    saved = morning.apply("urgent", urgent, before[0])
    assert home_of(saved, urgent) == morning.shifts[0]


def test_what_is_on_a_route_already_is_no_urgent_order(morning: Morning) -> None:
    with pytest.raises(Conflict, match="on a route already"):
        morning.ways("urgent", morning.deliveries[0])


# ---------------------------------------------------------------------------- cancelled


def test_a_stop_that_is_cancelled_before_loading_waits_for_its_next_day(morning: Morning) -> None:
    gone = morning.deliveries[0]
    found = morning.ways("cancelled", gone)
    assert kinds(found)[0] is OutKind.STAYS_HERE
    assert found.options[0].cost < 0
    saved = morning.apply("cancelled", gone, found.options[0])
    assert home_of(saved, gone) is None
    assert (morning.row(gone).state, morning.row(gone).for_day) == ("released", WEDNESDAY)
    with morning.database.reading() as connection:
        event = connection.execute(select(tables.event).where(tables.event.c.kind == "postponed")).one()
    assert (event.delivery_id, event.data) == (gone, {"why": "cancelled", "day": WEDNESDAY})


def test_a_stop_that_is_cancelled_on_the_van_comes_back(morning: Morning) -> None:
    with morning.open() as store:
        saved = store.plan(morning.plan_id)
    gone = morning.deliveries[0]
    home = home_of(saved, gone)
    assert home is not None
    morning.load(home)
    found = morning.ways("cancelled", gone)
    assert kinds(found) == [OutKind.COMES_BACK]
    after = morning.apply("cancelled", gone, found.options[0])
    assert home_of(after, gone) is None
    assert morning.row(gone).state == "released"
    with morning.database.reading() as connection:
        tasks = connection.scalars(select(tables.task.c.kind)).all()
        back = connection.scalar(
            select(tables.movement.c.to_place).order_by(tables.movement.c.id.desc()).limit(1)
        )  # fmt: skip
    assert "goods_back" in tasks
    assert back == f"depot:{morning.depot}"


def test_what_was_loaded_since_the_options_were_shown_is_refused(morning: Morning) -> None:
    with morning.open() as store:
        saved = store.plan(morning.plan_id)
    gone = morning.deliveries[0]
    shown = morning.ways("cancelled", gone).options[0]
    home = home_of(saved, gone)
    assert home is not None
    morning.load(home)
    before = morning.rows()
    with pytest.raises(Conflict, match="meanwhile"):
        morning.apply("cancelled", gone, shown)
    assert morning.rows() == before


# ---------------------------------------------------------------------------- another van


def test_a_smaller_van_takes_what_it_can_and_the_rest_is_shared_or_waits(morning: Morning) -> None:
    small = morning.day.vehicle(depot_id=morning.depot, weight_g=30_000)
    with morning.open() as store:
        order = next(
            route.visits for route in store.plan(morning.plan_id).plan.routes if route.shift == morning.shifts[0]
        )
    assert len(order) == 4
    found = morning.ways("smaller", morning.shifts[0])
    assert kinds(found) == [OutKind.OTHER_VAN, OutKind.OTHER_VAN_LATER]
    share, later = found.options
    assert "3 of 4 deliveries" in share.title
    assert share.left_out == ()
    (rest,) = later.postponed
    saved = morning.apply("smaller", morning.shifts[0], later)
    assert morning.row(rest).for_day == WEDNESDAY
    with morning.open() as store:
        shifts = {each.id: each for each in store.shifts_between(morning.kit.DAY, morning.kit.DAY, [morning.depot])}
    assert shifts[morning.shifts[0]].state == "replaced"
    new = next(each for each in shifts.values() if each.vehicle.id == small)
    assert new.driver == shifts[morning.shifts[0]].driver
    assert next(route.visits for route in saved.plan.routes if route.shift == new.id) == tuple(
        key for key in order if key != rest
    )
    # And back again: the van that was replaced stands there.
    morning.plan_id = saved.id
    back = next(each for each in morning.ways("smaller", new.id).options if each.vehicle_id == morning.vans[0])
    again = morning.apply("smaller", new.id, back)
    assert morning.shifts[0] in {route.shift for route in again.plan.routes}


def test_a_van_that_is_loaded_goes_as_it_is(morning: Morning) -> None:
    morning.day.vehicle(depot_id=morning.depot)
    morning.load(morning.shifts[0])
    with pytest.raises(Conflict, match="loaded already"):
        morning.ways("smaller", morning.shifts[0])


# ---------------------------------------------------------------------------- goods come later


def test_goods_that_come_later_hold_their_van_or_wait_a_day(morning: Morning, kit: Any) -> None:
    """At 07:30 there is an hour and a half left: the van waits, or leaves them for Wednesday."""
    other = morning.day.product()
    late = morning.delivery(product_id=other, tier=3)
    morning.plan_id = morning.apply("urgent", late, morning.ways("urgent", late).options[0]).id
    found = morning.ways("later", late, at="07:20")
    assert found.concerned == (morning.row(late).number,)
    assert OutKind.NEXT_DAY in kinds(found)
    waits = next((option for option in found.options if option.kind in (OutKind.WAITS, OutKind.LATER_VAN)), None)
    assert waits is not None
    saved = morning.apply("later", late, waits, at="07:20")
    ready = datetime(2026, 5, 12, 4, 20, tzinfo=UTC)
    assert morning.row(late).ready_at == ready
    route = next(each for each in saved.plan.routes if late in each.visits)
    assert route.trips[0].departure_s >= (ready - saved.problem.epoch).total_seconds()


def test_the_same_goods_wait_together(morning: Morning) -> None:
    found = morning.ways("later", morning.deliveries[0], at="08:59")
    assert len(found.concerned) == 6
    assert kinds(found)[-1] is OutKind.NEXT_DAY


@pytest.mark.parametrize(("at", "said"), [("noon", "no time of day"), ("01:00", "is over")])
def test_a_time_that_cannot_be_is_refused(morning: Morning, at: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        morning.ways("later", morning.deliveries[0], at=at)


def test_what_is_of_no_plan_is_not_found(morning: Morning) -> None:
    for kind in ("urgent", "cancelled", "smaller", "later"):
        with pytest.raises(NotFound):
            morning.ways(kind, 999_999, at="09:00")


def test_an_old_version_is_refused(morning: Morning) -> None:
    gone = morning.deliveries[0]
    shown = morning.ways("cancelled", gone).options[0]
    with morning.open() as store:
        lock_delivery(store, plan_id=morning.plan_id, delivery=gone, by="test", now=morning.kit.NOW)
    morning.apply("cancelled", gone, shown)
    with pytest.raises(Conflict):
        morning.apply("cancelled", gone, shown)
