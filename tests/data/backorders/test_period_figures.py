"""Figures of a period, on companies small enough to be counted by hand, and on any that can be made up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

import data.migrations
from data import tables
from data.db import Database
from data.migrate import upgrade
from data.queries import backorder_figures
from data.queries.backorder_figures import Scope
from data.queries.period_figures import PeriodFigures, period_figures, scope_of
from data.store import open_store
from routing.errors import InvalidInput, NotFound
from routing.rules.figures.figure import Period, Ratio
from routing.rules.figures.slips import Cause
from routing.services.importing import settle
from routing.services.receiving import commit_receipt
from routing.services.supplying import Slip, commit_slip
from web.figure_rows import figure_rows

TODAY = date(2026, 5, 12)
DAY = timedelta(days=1)


def of(numerator: float, denominator: float) -> Ratio:
    return Ratio(numerator=numerator, denominator=denominator)


def figures(database: Database, now: datetime, *, first: date = TODAY, last: date = TODAY, **of_whom: Any) -> Any:
    with database.reading() as connection:
        return period_figures(connection, first=first, last=last, now=now, scope=Scope(**of_whom))


def come_in(database: Database, depot_id: int, product_id: int, *, now: datetime) -> None:
    """The orders that the test inserted, as an import leaves them."""
    with open_store(database) as store:
        store.touched_lines.update(store.connection.scalars(select(tables.order_line.c.id)))
        settle(store, {depot_id: {product_id}}, now=now, by="import", tell=False, why="new orders")


@pytest.fixture
def two_orders(company: Any, database: Database, now: datetime) -> int:
    """14 on the shelf; SO-1 and SO-2 order 10 each today, and SO-2 finds 4. Six more are due tomorrow."""
    with company.open():
        oat: int = company.product("OAT", case_pack=1)
        company.inbound(oat, 6, now + DAY)
    with open_store(database) as store:
        commit_receipt(store, company.receipt("OAT", 14), now=now, by="test")
    with company.open():
        for _order in range(2):
            company.order({oat: 10}, ordered_at=now)
    come_in(database, company.depot_id, oat, now=now)
    return oat


def test_flow_and_stock_are_what_a_hand_would_count(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    found = figures(database, now)
    for rates in (found.flow, found.stock):
        assert (rates.units, rates.lines, rates.orders) == (of(6, 20), of(1, 2), of(1, 2))
    assert found.covered == of(6, 6)
    assert found.ageing.since_ordered[0].units == 6
    assert found.flow_by_step == found.stock_by_step == (of(6, 20),)


def test_a_day_that_is_past_stays_as_it_was(company: Any, database: Database, two_orders: int, now: datetime) -> None:
    with open_store(database) as store:
        later = company.receipt("OAT", 6, counted_at=now + DAY)
        commit_receipt(store, later, now=now + DAY, by="test")
    found = figures(database, now + DAY, last=TODAY + DAY)
    assert found.stock.units == of(0, 20)
    assert found.stock_by_step == (of(6, 20), of(0, 20))
    assert found.flow.units == of(6, 20)  # they found none when they came in, whatever came since
    assert figures(database, now + DAY).stock.units == of(6, 20)


def test_of_a_month_that_runs_nobody_has_waited_until_its_end(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    """Ordered today, for tomorrow: on the 12th the figures of all of May say what those until the 12th say."""
    so_far, month = (figures(database, now, first=date(2026, 5, 1), last=last) for last in (TODAY, date(2026, 5, 31)))
    assert month.ageing == so_far.ageing
    assert month.ageing.since_ordered[0].units == month.ageing.not_due.units == 6
    assert (month.stock, month.covered, month.circulating) == (so_far.stock, so_far.covered, so_far.circulating)
    nothing = figures(database, now, first=TODAY + DAY, last=TODAY + 3 * DAY)
    assert (nothing.stock, nothing.ageing, nothing.covered, nothing.circulating) == (None, None, None, None)
    assert figure_rows(nothing)["stock_units"].counted == "the period has not begun"


def test_a_suppliers_cancellation_improves_no_figure(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    tomorrow = {"first": TODAY, "last": TODAY + DAY}
    before = figures(database, now + 2 * DAY, **tomorrow)
    with open_store(database) as store:
        commit_slip(store, Slip(number="PO-1"), now=now + timedelta(hours=1), by="test")
    after = figures(database, now + 2 * DAY, **tomorrow)
    assert (after.flow, after.stock, after.stock_by_step) == (before.flow, before.stock, before.stock_by_step)
    assert after.ageing.since_ordered == before.ageing.since_ordered
    assert (before.covered, after.covered) == (of(6, 6), of(0, 6))
    assert after.inbounds == before.inbounds
    assert (after.inbounds.due, after.inbounds.missing, after.inbounds.on_the_day) == (1, 1, 0)


def test_a_supplier_who_sets_a_new_date_is_judged_by_the_first(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    with open_store(database) as store:
        commit_slip(store, Slip(number="PO-1", to=TODAY + 3 * DAY), now=now + timedelta(hours=1), by="test")
    found = figures(database, now + 5 * DAY, first=TODAY + DAY, last=TODAY + DAY)
    assert (found.inbounds.due, found.inbounds.missing) == (1, 1)
    assert figures(database, now + 5 * DAY, first=TODAY + 3 * DAY, last=TODAY + 3 * DAY).inbounds.due == 0


def test_before_the_first_line_stood_nothing_is_guessed(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    found = figures(database, now, first=TODAY - 9 * DAY, last=TODAY - 3 * DAY)
    assert (found.flow, found.stock, found.ageing, found.covered) == (None, None, None, None)
    assert set(found.stock_by_step) == {None}
    assert figure_rows(found)["stock_units"].counted == "not known before Tue 12 May 2026"
    over_it = figures(database, now, first=TODAY - DAY, last=TODAY)
    assert (over_it.flow, over_it.stock.units, over_it.stock_by_step) == (None, of(6, 20), (None, of(6, 20)))


def promise(connection: Connection, line_id: int, version: int, day: date, why: str, made_at: datetime) -> None:
    connection.execute(
        insert(tables.promise).values(
            order_line_id=line_id, version=version, promised_on=day.isoformat(), why=why, by="test", made_at=made_at
        )
    )


def test_a_promise_moved_at_the_customers_wish_is_no_slip(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    with database.writing() as connection:
        mine, theirs = connection.scalars(select(tables.order_line.c.id).order_by(tables.order_line.c.id))
        connection.execute(tables.promise.delete())
        for line_id, why in ((mine, "Supplier 4 shipped late"), (theirs, "The customer asked for a later day")):
            promise(connection, line_id, 1, TODAY, "first date", now - DAY)
            promise(connection, line_id, 2, TODAY + DAY, why, now)
    found = figures(database, now + DAY, last=TODAY)
    assert found.slips.by_cause == ((Cause.SUPPLIER, 1),)
    assert (found.slips.at_wish, found.slipped) == (1, of(1, 2))
    # Mine fell due today and was not there; theirs is due tomorrow, as they wished.
    assert found.promises.first.kept == of(0, 1)
    assert found.promises.fill == of(0, 10)
    assert found.promises.last.kept == of(0, 0)
    both = figures(database, now + 2 * DAY, last=TODAY + DAY)
    assert (both.promises.first.kept, both.promises.last.kept) == (of(0, 2), of(0, 2))


def test_what_is_due_today_is_not_missed_yet(company: Any, database: Database, two_orders: int, now: datetime) -> None:
    assert figures(database, now).promises is None


def test_urgent_orders_are_counted_by_who_set_them(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    with database.writing() as connection:
        connection.execute(
            tables.order.update().where(tables.order.c.number == "SO-1").values(urgent_by="Sales person 1")
        )
    found = figures(database, now)
    assert (found.urgent, found.orders) == ((("Sales person 1", 1),), 2)


def test_a_depot_and_a_customer_see_their_own(company: Any, database: Database, two_orders: int, now: datetime) -> None:
    with database.reading() as connection:
        depot_scope = scope_of(connection, depot_number="NORTH")
        customers = [scope_of(connection, customer_number=f"C-{n}") for n in (1, 2)]
        with pytest.raises(NotFound, match='no customer "nobody"'):
            scope_of(connection, customer_number="nobody")
        parts = [
            period_figures(connection, first=TODAY, last=TODAY, now=now, scope=each).stock
            for each in (depot_scope, *customers)
        ]
    assert [each.units for each in parts if each] == [of(6, 20), of(0, 10), of(6, 10)]


def test_a_period_that_cannot_be_is_refused(database: Database, now: datetime) -> None:
    with pytest.raises(InvalidInput, match="Swap the two days"):
        figures(database, now, first=TODAY, last=TODAY - DAY)
    with pytest.raises(InvalidInput, match="three years"):
        figures(database, now, first=TODAY - 2000 * DAY)


# ---------------------------------------------------------------------------- any company


LINE = st.tuples(
    st.integers(0, 9),  # the day it came in
    st.integers(1, 20),  # units
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1), st.floats(0, 1)), max_size=4),  # days later, open, short
)


class _Undo(Exception):
    pass


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('figures')}/empty.db")
    upgrade(made)
    with made.writing() as connection:
        connection.execute(insert(tables.company).values(name="Example", currency="EUR", zone="Europe/Helsinki"))
        connection.execute(insert(tables.depot).values(id=1, number="N", name="North", zone="Europe/Helsinki"))
        connection.execute(insert(tables.customer).values(id=1, number="C", name="Customer 1"))
        connection.execute(insert(tables.site).values(id=1, customer_id=1, number="S", name="Café 1", address="x"))
        connection.execute(insert(tables.product).values(id=1, number="OAT", name="Oat"))
    yield made
    made.close()


def _put(connection: Connection, lines: list[Any], *, start: date) -> None:
    for n, (offset, units, changes) in enumerate(lines, 1):
        day = start + timedelta(days=offset)
        at = datetime(day.year, day.month, day.day, 9).astimezone()
        connection.execute(
            insert(tables.order).values(
                id=n, number=str(n), customer_id=1, site_id=1, depot_id=1, ordered_at=at, currency="EUR"
            )
        )
        connection.execute(insert(tables.order_line).values(id=n, order_id=n, number="1", product_id=1, quantity=units))
        rows = []
        for sequence, (later, still_open, short) in enumerate([(0, 1.0, 0.5), *changes], 1):
            day += timedelta(days=later)
            remaining = round(units * still_open)
            rows.append(
                {
                    "order_line_id": n, "sequence": sequence, "at": at, "day": day.isoformat(),
                    "until_day": "9999-12-31", "ordered": units,
                    "open": remaining, "backordered": round(remaining * short), "covered": 0,
                }
            )  # fmt: skip
        for row, after in pairwise(rows):
            row["until_day"] = after["day"]
        connection.execute(insert(tables.line_stand), rows)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINE, min_size=1, max_size=12), first=st.integers(0, 6), days=st.integers(1, 10))
def test_shares_are_shares_and_days_add_up(empty: Database, lines: list[Any], first: int, days: int) -> None:
    start = date(2026, 5, 1)
    period = Period(first=start + timedelta(days=first), last=start + timedelta(days=first + days - 1),
                    zone="Europe/Helsinki")  # fmt: skip
    now = datetime(2026, 6, 30, 12).astimezone()
    with contextlib.suppress(_Undo), empty.writing() as connection:
        _put(connection, lines, start=start)
        flow, by_day = backorder_figures.flow(connection, period=period, scope=Scope())
        assert sum(each.numerator for each in by_day) == flow.units.numerator
        assert sum(each.denominator for each in by_day) == flow.units.denominator
        standing = backorder_figures.stock_by_step(connection, period=period, scope=Scope())
        for (_start, end), ratio in zip(period.spans, standing, strict=True):
            stock, _covered = backorder_figures.stock(connection, day=end, scope=Scope())
            assert ratio == stock.units
        found = period_figures(connection, first=period.first, last=period.last, now=now)
        assert_shares(found)
        if found.ageing is not None and found.stock is not None:
            assert sum(each.units for each in found.ageing.since_ordered) == found.stock.units.numerator
            past = (*found.ageing.past_promise, found.ageing.not_due, found.ageing.unpromised)
            assert sum(each.lines for each in past) == found.stock.lines.numerator
        raise _Undo


def assert_shares(found: PeriodFigures) -> None:
    for key, row in figure_rows(found).items():
        if row.ratio is None or key == "circulating":
            continue
        assert 0 <= row.ratio.numerator <= row.ratio.denominator
        assert row.ratio.value is None or 0 <= row.ratio.value <= 1


def test_an_upgraded_database_knows_how_its_open_lines_stand_from_then_on(
    company: Any, database: Database, two_orders: int, now: datetime
) -> None:
    counts = [tables.line_stand.c[name] for name in ("order_line_id", "ordered", "open", "backordered", "covered")]
    scripts = ScriptDirectory(str(Path(data.migrations.__file__).parent)).walk_revisions()
    migration = next(each.module for each in scripts if hasattr(each.module, "_as_they_stand_now"))
    with database.writing() as connection:
        written = connection.execute(select(*counts).order_by(tables.line_stand.c.order_line_id)).all()
        connection.execute(tables.line_stand.delete())
        with Operations.context(MigrationContext.configure(connection)):
            migration._as_they_stand_now()
        assert connection.execute(select(*counts).order_by(tables.line_stand.c.order_line_id)).all() == written
        # How they stood when they came in is not known any more: they are in no flow.
        assert set(connection.scalars(select(tables.line_stand.c.sequence))) == {2}
