"""An inbound that did not come is no cover for ever: its goods lose their date until somebody names another."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from data import tables
from data.db import Database
from data.queries.backorder_figures import Scope as Whose
from data.queries.period_figures import PeriodFigures, period_figures
from data.store import SqlStore, open_store
from routing.rules.figures.figure import Ratio
from routing.rules.figures.slips import Cause
from routing.rules.policies import PolicyRow, Scope
from routing.services.overdue import give_up_dates, overdue_due
from routing.services.promising import PromisedLine, promised_lines
from routing.services.ruling import Ruling, simulate_ruling
from tests.backorder_world import DEPOT, World


@pytest.fixture
def world(database: Database) -> World:
    """24 oat drinks come tomorrow, and one order waits for them."""
    made = World(database)
    made.expect(product=1, quantity=24, days=1)
    made.order(lines=[(1, 12)], site=1, completeness="partial", wanted_in=0)
    return made


def due(world: World) -> list[int]:
    with world.database.reading() as connection:
        return overdue_due(SqlStore(connection), now=world.now)


def a_night(world: World, *, days: int) -> None:
    world.now += timedelta(days=days)
    for depot_id in due(world):
        with open_store(world.database) as store:
            give_up_dates(store, depot_id, now=world.now)


def line(world: World) -> PromisedLine:
    with world.database.reading() as connection:
        (found,) = promised_lines(SqlStore(connection), depot_id=DEPOT, now=world.now)
    return found


def kept(world: World) -> tuple[str, list[str]]:
    """The line's day as the database has it, and every day that was promised."""
    with world.database.reading() as connection:
        day = connection.scalar(select(tables.order_line.c.expected_on))
        promised = list(connection.scalars(select(tables.promise.c.promised_on).order_by(tables.promise.c.version)))
    return day or "", promised


def open_tasks(world: World) -> list[str]:
    query = select(tables.task.c.sentence).where(
        tables.task.c.kind == "supply_overdue", tables.task.c.done_at.is_(None)
    )
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def figures(world: World, *, first: date | None = None, last: date | None = None) -> PeriodFigures:
    """Of today, if no other days are named."""
    today = world.now.date()
    with world.database.reading() as connection:
        return period_figures(connection, first=first or today, last=last or today, now=world.now, scope=Whose())


def test_an_overdue_truck_is_expected_for_three_days_and_then_nobody_is_promised_its_goods(world: World) -> None:
    first = line(world).expected_on
    a_night(world, days=4)  # three days late
    assert (first < line(world).expected_on, open_tasks(world)) == (True, [])
    promised = kept(world)[1]
    a_night(world, days=1)
    after = line(world)
    assert (after.expected_on, after.uncovered, [each.kind for each in after.covered_by]) == ("", 0, ["inbound"])
    # Written too, no promise was made of it, and the old one is neither moved nor kept.
    assert kept(world) == ("", promised)
    (asked,) = open_tasks(world)
    assert "24 × OAT no longer count for any date" in asked
    assert due(world) == []


def test_the_suppliers_new_day_brings_the_date_back_and_closes_the_task(world: World) -> None:
    a_night(world, days=5)
    world.slip(which=0, days=2)
    assert line(world).expected_on >= (world.now + timedelta(days=2)).date().isoformat()
    assert open_tasks(world) == []
    a_night(world, days=1)
    assert (open_tasks(world), bool(line(world).expected_on)) == ([], True)


def test_counted_in_after_all_nobody_is_asked_any_more(world: World) -> None:
    a_night(world, days=5)
    world.receive(product=1, quantity=24, quarantined=0, of_inbound=True, more_to_come=False)
    assert (open_tasks(world), line(world).covered_by[0].kind, bool(line(world).expected_on)) == ([], "stock", True)


def test_how_long_is_a_policy_that_is_shown_first(world: World) -> None:
    world.now += timedelta(days=2)
    today = world.now.date().isoformat()
    at_once = PolicyRow(scope=Scope.COMPANY, name="overdue_days", value="0", effective_from=today)
    with world.database.reading() as connection:
        _row, (preview,) = simulate_ruling(SqlStore(connection), Ruling(row=at_once), now=world.now)
    assert [bool(change.old_day) and not change.new_day for change in preview.lines] == [True]
    assert bool(line(world).expected_on)


def test_a_truck_of_another_depot_or_of_today_asks_nobody(world: World) -> None:
    world.expect(product=2, quantity=12, days=5)
    a_night(world, days=5)
    with world.database.reading() as connection:
        tasks = select(func.count()).select_from(tables.task).where(tables.task.c.kind == "supply_overdue")
        assert connection.scalar(tasks) == 1


def test_goods_without_a_date_cover_nothing_in_the_figures_until_the_supplier_names_one(world: World) -> None:
    all_of_it, none = Ratio(numerator=12, denominator=12), Ratio(numerator=0, denominator=12)
    a_night(world, days=4)
    assert figures(world).covered == all_of_it
    a_night(world, days=1)
    yesterday = world.now.date() - timedelta(days=1)
    assert (figures(world).covered, figures(world, first=yesterday, last=yesterday).covered) == (none, all_of_it)
    world.slip(which=0, days=2)
    assert figures(world).covered == all_of_it


def test_a_policy_that_waits_longer_brings_the_cover_back(world: World) -> None:
    a_night(world, days=5)
    week = PolicyRow(scope=Scope.COMPANY, name="overdue_days", value="7", effective_from=world.now.date().isoformat())
    with open_store(world.database) as store:
        store.set_policy(week, by="test", now=world.now)
    a_night(world, days=0)
    assert figures(world).covered == Ratio(numerator=12, denominator=12)


def test_a_promise_that_lost_its_date_slipped_on_that_day_and_not_again_when_the_new_one_is_known(
    world: World,
) -> None:
    first = world.now.date()
    a_night(world, days=4)
    assert (figures(world).slips.by_cause, figures(world).slipped.numerator) == ((), 0)
    a_night(world, days=1)
    once = ((Cause.SUPPLIER, 1),)
    assert (figures(world).slips.by_cause, figures(world).slipped) == (once, Ratio(numerator=1, denominator=1))
    world.now += timedelta(days=1)
    world.slip(which=0, days=2)
    assert len(kept(world)[1]) == 2, "a promise of the new day"
    assert (figures(world).slips.by_cause, figures(world).slipped) == ((), Ratio(numerator=0, denominator=1))
    whole = figures(world, first=first)
    assert (whole.slips.by_cause, whole.slipped) == (once, Ratio(numerator=1, denominator=1))
    # The new day is given up too: that is a slip of its own.
    a_night(world, days=7)
    assert figures(world).slips.by_cause == once
