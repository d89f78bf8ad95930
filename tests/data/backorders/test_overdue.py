"""An inbound that did not come is no cover for ever: its goods lose their date until somebody names another."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

import pytest
from sqlalchemy import func, select

from data import tables
from data.db import Database
from data.importers.inbound import import_inbound
from data.queries.backorder_figures import Scope as Whose
from data.queries.period_figures import PeriodFigures, period_figures
from data.store import SqlStore, open_store
from routing.model.stock import Receipt
from routing.model.tasks import TaskKind
from routing.rules.figures.figure import Ratio
from routing.rules.figures.slips import Cause
from routing.rules.policies import PolicyRow, Scope
from routing.services.overdue import give_up_dates, overdue_due
from routing.services.promising import PromisedLine, promised_lines
from routing.services.receiving import commit_receipt
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
    query = (
        select(tables.task.c.sentence)
        .where(tables.task.c.kind == "supply_overdue", tables.task.c.done_at.is_(None))
        .order_by(tables.task.c.id)
    )
    with world.database.reading() as connection:
        return list(connection.scalars(query))


def imports(world: World, *rows: str, supplier: str = "Acme") -> None:
    """Rows of inbound.csv: number, SKU, quantity, when."""
    cells = [row.split(",") for row in rows]
    lines = [f"{number},{supplier},NORTH,{sku},{quantity},{when}" for number, sku, quantity, when in cells]
    file = "\n".join(["number,supplier,depot,sku,quantity,expected_at", *lines])
    with open_store(world.database) as store:
        result = import_inbound(store, BytesIO(file.encode()), now=world.now, by="file")
    assert result.errors == []


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
    assert (after.expected_on, after.unallocated, [each.kind for each in after.covered_by]) == ("", 0, ["inbound"])
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


def test_another_supplier_alone_asks_nobody_again(world: World) -> None:
    """Somebody has dealt with the overdue truck; that it is Bravo's says nothing new of when it comes."""
    imports(world, "PO-9,OAT,50,2026-05-13T06:00")
    a_night(world, days=5)
    (inbound,) = inbound_ids(world, "PO-9")
    with open_store(world.database) as store:
        store.finish_tasks(
            kind=TaskKind.SUPPLY_OVERDUE, subject_kind="inbound", subject_id=inbound, outcome="called", by="test",
            now=world.now,
        )  # fmt: skip
    before = open_tasks(world)
    imports(world, "PO-9,OAT,50,2026-05-13T06:00", supplier="Bravo")
    assert open_tasks(world) == before
    imports(world, "PO-9,OAT,40,2026-05-13T06:00", supplier="Bravo")
    assert ["40 × OAT" in each for each in open_tasks(world)] == [*(False for _ in before), True]


def test_counted_in_after_all_nobody_is_asked_any_more(world: World) -> None:
    a_night(world, days=5)
    world.receive(product=1, quantity=24, quarantined=0, of_inbound=True, more_to_come=False)
    assert (open_tasks(world), line(world).covered_by[0].kind, bool(line(world).expected_on)) == ([], "stock", True)


def test_while_one_sku_of_a_truck_is_outstanding_somebody_asks_about_it(world: World) -> None:
    """Two SKUs did not come. Of the first a part is counted, then the rest; then the supplier names the other's day."""
    imports(world, "PO-9,OAT,50,2026-05-13T06:00", "PO-9,CUP,60,2026-05-13T06:00")
    a_night(world, days=5)
    assert ["50 × OAT, 60 × CUP" in each for each in open_tasks(world)] == [False, True]
    oat, cup = inbound_ids(world, "PO-9")
    with open_store(world.database) as store:
        receive(store, world, of=oat, sku="OAT", quantity=20, more_to_come=True)
    assert "30 × OAT, 60 × CUP no longer" in open_tasks(world)[1]
    with open_store(world.database) as store:
        receive(store, world, of=oat, sku="OAT", quantity=30, more_to_come=False)
    assert "nothing was counted: 60 × CUP no longer" in open_tasks(world)[1]
    a_night(world, days=1)
    assert len(open_tasks(world)) == 2
    with open_store(world.database) as store:
        receive(store, world, of=cup, sku="CUP", quantity=60, more_to_come=False)
    assert [each[:4] for each in open_tasks(world)] == ["PO-1"]


def test_a_second_sku_of_a_truck_that_lapses_later_stands_in_the_same_task(world: World) -> None:
    imports(world, "PO-9,CUP,60,2026-05-14T06:00", "PO-9,OAT,50,2026-05-13T06:00")
    a_night(world, days=5)
    assert "50 × OAT no longer" in open_tasks(world)[1]
    a_night(world, days=1)
    assert ["60 × CUP, 50 × OAT no longer" in each for each in open_tasks(world)] == [False, True]


def test_a_file_with_a_day_that_is_over_is_no_answer_and_one_with_a_day_to_come_is(world: World) -> None:
    imports(world, "PO-9,OAT,50,2026-05-13T06:00")
    a_night(world, days=5)
    for row, left in (
        ("PO-9,OAT,51,2026-05-13T06:00", "51 × OAT"),  # the same day
        ("PO-9,OAT,51,2026-05-12T06:00", "51 × OAT"),  # an older one
        ("PO-9,OAT,52,2026-05-16T06:00", "51 × OAT"),  # yesterday: still counted on, and yet it did not come
    ):
        imports(world, row)
        assert left in open_tasks(world)[1]
    imports(world, "PO-9,OAT,52,2026-05-20T06:00")
    assert len(open_tasks(world)) == 1


@pytest.mark.parametrize("row", ["PO-9,OAT,0,2026-05-13T06:00", "PO-9,OAT,0,"])
def test_a_file_that_says_it_will_not_come_is_an_answer(world: World, row: str) -> None:
    imports(world, "PO-9,OAT,50,2026-05-13T06:00")
    a_night(world, days=5)
    assert len(open_tasks(world)) == 2
    imports(world, row)
    assert len(open_tasks(world)) == 1


def test_an_inbound_imported_with_a_date_long_over_is_asked_about_at_once_and_once(world: World) -> None:
    a_night(world, days=5)
    imports(world, "PO-8,CUP,40,2026-02-01T06:00", "PO-8,OAT,50,2026-02-01T06:00")
    asked = open_tasks(world)
    assert ["40 × CUP, 50 × OAT no longer" in each for each in asked] == [False, True]
    a_night(world, days=1)
    assert open_tasks(world) == asked


def test_before_the_first_night_it_is_that_night_that_asks(world: World) -> None:
    imports(world, "PO-8,CUP,40,2026-02-01T06:00")
    assert open_tasks(world) == []
    a_night(world, days=0)
    assert len(open_tasks(world)) == 1


def inbound_ids(world: World, number: str) -> list[int]:
    with world.database.reading() as connection:
        return list(
            connection.scalars(
                select(tables.supply.c.id).where(tables.supply.c.number == number).order_by(tables.supply.c.id)
            )
        )


def receive(store: SqlStore, world: World, *, of: int, sku: str, quantity: int, more_to_come: bool) -> None:
    product = {"OAT": 1, "CUP": 2}[sku]
    receipt = Receipt(
        number=world.number("R"), depot_id=DEPOT, product_id=product, sku=sku, quantity=quantity, quarantined=0,
        counted_at=world.now, inbound_id=of, more_to_come=more_to_come,
    )  # fmt: skip
    commit_receipt(store, receipt, now=world.now, by="warehouse")


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
