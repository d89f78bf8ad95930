"""Where the ERP allocates: from its release to its results, and nothing stays with us."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.health import check_rows
from data.importers import inbound, orders
from data.importers.released import COLUMNS, import_released
from data.queries.open_lines import open_lines
from data.queries.results import day_results, period_results
from data.store import SqlStore, open_store
from routing.errors import BackrouteError, Conflict, NotFound
from routing.model.imports import ImportResult
from routing.model.proofs import DeliveryReport, DoorEvent, DoorLine, DoorReport, Outcome
from routing.services.closing import close_day, close_van
from routing.services.correcting import correct_report
from routing.services.delivering import record
from routing.services.dispatching import dispatch_day
from routing.services.importing import settle
from routing.services.loading import load_route
from routing.services.planning import plan_day
from routing.services.receiving import commit_receipt
from routing.services.releasing import release_orders, simulate_release, unrelease
from routing.services.switching import switch_allocation
from tests.desk import Desk, counted, fill_desk
from tests.rounds import DAY, SIX

SECRET = b"0" * 32
NOW = SIX - timedelta(hours=1)


def table(*rows: dict[str, object]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def row(order: str, site: int, quantity: int, **values: object) -> dict[str, object]:
    return {
        "release": "REL-1", "day": DAY, "depot": "NORTH", "order": order, "customer": f"C-{site}", "site": f"S-{site}",
        "line": "10", "sku": "COFFEE", "quantity": quantity, "erp_reference": f"ERP {order}",
        "line_erp_reference": f"ERP {order}/10", **values,
    }  # fmt: skip


FILE = (row("E-1", 1, 12), row("E-2", 2, 8), row("E-3", 3, 6))


def taken(database: Database, *rows: dict[str, object], dry_run: bool = False) -> ImportResult:
    with open_store(database) as store:
        return import_released(store, io.BytesIO(table(*rows)), now=NOW, by="test", dry_run=dry_run)


@pytest.fixture
def desk(database: Database) -> Desk:
    """The cafés of `tests.desk`, whose ERP allocates; their own orders of before still wait."""
    made = fill_desk(database, NOW)
    with database.writing() as connection:
        connection.execute(tables.site.update().values(pin_quality="exact", lat=60.17, lon=24.94, pin_at=NOW))
        connection.execute(tables.depot.update().values(lat=60.171, lon=24.941))
        vehicle = connection.execute(
            tables.vehicle.insert().values(number="V1", name="Van 1", depot_id=made.depot, weight_g=10**6)
        ).inserted_primary_key[0]
        driver = connection.execute(
            tables.driver.insert().values(number="D1", name="Driver 1", depot_id=made.depot, email="d@example.com")
        ).inserted_primary_key[0]
        connection.execute(
            tables.shift.insert().values(
                day=DAY, depot_id=made.depot, vehicle_id=vehicle, driver_id=driver, starts="07:00", ends="15:00"
            )
        )
    with open_store(database) as store:
        assert switch_allocation(store, erp=True, now=NOW, by="test").changed
    return made


def everything(database: Database) -> dict[str, list[Any]]:
    with database.reading() as connection:
        return {
            each.name: [tuple(found) for found in connection.execute(select(each).order_by(each.c.id))]
            for each in tables.metadata.sorted_tables
        }


def goods(database: Database, desk: Desk) -> dict[str, int]:
    """Of the coffee, by place."""
    with database.reading() as connection:
        store = SqlStore(connection)
        moved = connection.execute(select(tables.movement)).all()
        places = {place for each in moved for place in (each.from_place, each.to_place)}
        units = {place.partition(":")[0]: store.goods_at(place).get(desk.products["COFFEE"], 0) for place in places}
    return {place: n for place, n in units.items() if n and place != "supplier"}


# ---------------------------------------------------------------------------- the chain


class Straight:
    """Every way takes a minute."""

    def table(self, places: Any, *, profile: str) -> Any:
        from routing.ports import TravelTable

        n = len(places)
        minute = np.full((n, n), 60, dtype=np.int64)
        np.fill_diagonal(minute, 0)
        return TravelTable(
            durations_s=minute, distances_m=minute * 10, snapped_m=np.zeros(n, dtype=np.int64),
            engine="great circle", build="test",
        )  # fmt: skip

    def path(self, places: Any, *, profile: str) -> Any:
        return list(places)


def drive(database: Database, desk: Desk, reports: dict[str, tuple[Outcome, dict[str, int]]]) -> int:
    """Plans, loads, dispatches; reports by order; counts the van. Returns the manifest."""
    from routing.engines.solver.process import solve_in_process

    with database.reading() as connection:
        shift = connection.scalar(select(tables.shift.c.id))
    plan_day(
        lambda: open_store(database), from_day=DAY, to_day=DAY, depot_ids=[desk.depot], travel=Straight(),
        solve=solve_in_process, clock=lambda: NOW, by="test", time_limit_s=1,
    )  # fmt: skip
    with open_store(database) as store:
        load_route(store, shift_id=shift, by="warehouse", now=NOW)
        dispatch_day(store, day=DAY, depot_ids=[desk.depot], secret=SECRET, by="test", now=NOW)
        manifest = store.held_manifest(shift)
    assert manifest is not None
    with database.reading() as connection:
        at = connection.execute(
            select(
                tables.order.c.number, tables.stop.c.id.label("stop_id"), tables.delivery.c.id,
                tables.delivery_line.c.allocation_id,
            )
            .join(tables.stop_delivery, tables.stop_delivery.c.stop_id == tables.stop.c.id)
            .join(tables.delivery, tables.delivery.c.id == tables.stop_delivery.c.delivery_id)
            .join(tables.delivery_line, tables.delivery_line.c.delivery_id == tables.delivery.c.id)
            .join(tables.allocation, tables.allocation.c.id == tables.delivery_line.c.allocation_id)
            .join(tables.order_line, tables.order_line.c.id == tables.allocation.c.order_line_id)
            .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
        ).all()  # fmt: skip
    assert {each.number for each in at} == set(reports)
    for n, each in enumerate(at):
        outcome, counts = reports[each.number]
        lines = (DoorLine(allocation_id=each.allocation_id, **counts),) if counts else ()
        with open_store(database) as store:
            record(
                store=store, manifest_id=manifest.id, now=SIX + timedelta(hours=3), secret=SECRET,
                report=DoorReport(
                    client_id=f"r-{each.id}", sequence=n, payload_sha256=f"r-{each.id}", kind=DoorEvent.OUTCOME,
                    stop_id=each.stop_id, captured_at=SIX + timedelta(hours=3),
                    deliveries=(DeliveryReport(delivery_id=each.id, outcome=outcome, lines=lines),),
                ),
            )  # fmt: skip
    return manifest.id


def test_from_the_erps_release_to_its_results_and_nothing_stays_with_us(database: Database, desk: Desk) -> None:
    before = goods(database, desk)  # the 12 of Café 4's own order of before
    result = taken(database, *FILE)
    assert (result.created, result.lines, result.errors) == (3, 3, [])
    assert goods(database, desk) == {"depot": before["depot"] + 26}
    with database.reading() as connection:
        receipts = connection.execute(
            select(tables.supply.c.number, tables.supply.c.quantity)
            .where(tables.supply.c.source == "erp")
            .order_by(tables.supply.c.number)
        ).all()
    assert [tuple(each) for each in receipts] == [("REL-1/E-1", 12), ("REL-1/E-2", 8), ("REL-1/E-3", 6)]

    manifest = drive(
        database, desk,
        {
            "E-1": (Outcome.DELIVERED, {}),
            "E-2": (Outcome.DELIVERED, {"delivered": 3, "short": 2, "damaged": 1, "refused": 2}),
            "E-3": (Outcome.NOT_HOME, {}),
        },
    )  # fmt: skip
    with open_store(database) as store:
        close_van(
            store=store, manifest_id=manifest, counted={desk.products["COFFEE"]: 8}, now=SIX + timedelta(hours=10),
            by="test",
        )  # fmt: skip
        close_day(store=store, day=DAY, depot_id=desk.depot, now=SIX + timedelta(hours=10), by="test")

    with database.reading() as connection:
        told = day_results(connection, day=DAY)
        waits = [(each.order, each.needed) for each in open_lines(connection)]
        tasks = connection.scalars(select(tables.task.c.kind)).all()
        lines = connection.execute(select(tables.allocation)).all()
        wrong = [each.sentence for each in check_rows(connection) if each.state == "fail"]
    counts = ("sent", "delivered", "short", "damaged", "refused", "returned")
    assert [
        (each.order, each.erp_reference, each.line_erp_reference, *(getattr(each, name) for name in counts))
        for each in told
    ] == [
        ("E-1", "ERP E-1", "ERP E-1/10", 12, 12, 0, 0, 0, 0),
        ("E-2", "ERP E-2", "ERP E-2/10", 8, 3, 2, 1, 2, 0),
        ("E-3", "ERP E-3", "ERP E-3/10", 6, 0, 0, 0, 0, 6),
    ]
    assert [each.open for each in told] == [0, 0, 0]
    # What nobody brings any more is cancelled with us, but the ERP ordered it all the same.
    assert [(each.ordered, each.outcome) for each in told] == [
        (12, "delivered"), (8, "partly_delivered"), (6, "not_home"),
    ]  # fmt: skip
    assert all(each.proof_link == "" for each in told)  # no address was given; the links are made elsewhere
    assert [order for order, _ in waits if order.startswith("E-")] == []
    assert set(tasks) <= {"address_in_review"}  # no redelivery and no decision of ours
    states = ("allocated", "released", "picked", "loaded", "delivered", "short", "refused", "damaged")
    assert all(sum(getattr(each, state) for state in states) == each.quantity for each in lines)
    # 26 came in: 15 delivered, 1 damaged, 2 refused came back and wait to be looked at, 2 short lost or counted,
    # 6 went back to the ERP.
    left = goods(database, desk)
    assert (left["delivered"], left["quarantine"], left["erp"], left["depot"]) == (15, 1, 6, before["depot"])
    assert left["delivered"] + left["quarantine"] + left["erp"] + left.get("returned", 0) + left.get("lost", 0) == 26
    assert wrong == []


def test_a_corrected_door_of_the_erps_stays_the_erps(database: Database, desk: Desk) -> None:
    """3 of 8 were handed over, 5 were not; then it was 6 and 2 short. Nothing of it waits with us either way."""
    taken(database, *FILE)
    drive(
        database, desk,
        {
            "E-1": (Outcome.DELIVERED, {}),
            "E-2": (Outcome.DELIVERED, {"delivered": 3, "short": 5}),
            "E-3": (Outcome.NOT_HOME, {}),
        },
    )  # fmt: skip

    def line() -> tuple[int, int, list[str]]:
        with database.reading() as connection:
            mine = connection.execute(
                select(tables.order_line.c.cancelled, tables.order_line.c.quantity)
                .join(tables.order, tables.order.c.id == tables.order_line.c.order_id)
                .where(tables.order.c.number == "E-2")
            ).one()
            return mine.cancelled, mine.quantity, [each.order for each in open_lines(connection) if each.order == "E-2"]

    assert line() == (5, 8, [])
    with database.reading() as connection:
        (at,) = connection.execute(
            select(tables.proof.c.delivery_id, tables.proof_line.c.allocation_id)
            .join(tables.proof_line, tables.proof_line.c.proof_id == tables.proof.c.id)
            .where(tables.proof_line.c.delivered == 3)
        ).all()
    for delivered, short in ((6, 2), (2, 6)):
        report = DeliveryReport(
            delivery_id=at.delivery_id, outcome=Outcome.DELIVERED,
            lines=(DoorLine(allocation_id=at.allocation_id, delivered=delivered, short=short),),
        )  # fmt: skip
        with open_store(database) as store:
            correct_report(
                store=store, report=report, why="counted again", now=SIX + timedelta(hours=4), by="test", secret=SECRET
            )
        assert line() == (short, 8, [])
        with database.reading() as connection:
            assert [each.sentence for each in check_rows(connection) if each.state == "fail"] == []
            told = [each for each in day_results(connection, day=DAY) if each.order == "E-2"]
        assert (sum(each.sent for each in told), sum(each.delivered for each in told)) == (8, delivered)
        assert sum(each.short for each in told) == short


def test_a_report_is_not_corrected_to_more_than_the_erp_ordered(database: Database, desk: Desk) -> None:
    """3 of 8 were handed over, and the ERP released the 5 again: they cannot also have been handed over before."""
    taken(database, *FILE)
    drive(
        database,
        desk,
        {
            "E-1": (Outcome.DELIVERED, {}),
            "E-2": (Outcome.DELIVERED, {"delivered": 3, "short": 5}),
            "E-3": (Outcome.NOT_HOME, {}),
        },
    )
    assert taken(database, row("E-2", 2, 5, release="REL-2")).errors == []
    with database.reading() as connection:
        ordered = [each.ordered for each in day_results(connection, day=DAY) if each.order == "E-2"]
        at = connection.execute(
            select(tables.proof.c.delivery_id, tables.proof_line.c.allocation_id)
            .join(tables.proof_line, tables.proof_line.c.proof_id == tables.proof.c.id)
            .where(tables.proof_line.c.delivered == 3)
        ).one()
    assert ordered == [8]
    before = everything(database)
    for outcome, lines in (
        (Outcome.DELIVERED, (DoorLine(allocation_id=at.allocation_id, delivered=8),)),
        (Outcome.NOT_HOME, ()),
    ):
        report = DeliveryReport(delivery_id=at.delivery_id, outcome=outcome, lines=lines)
        with (
            pytest.raises(Conflict, match="of E-2 waited for goods since this report") as refused,
            open_store(database) as store,
        ):
            correct_report(
                store=store, report=report, why="counted again", now=SIX + timedelta(hours=4), by="test", secret=SECRET
            )
        assert refused.value.code == "on_its_way_again"
        assert everything(database) == before


def test_what_was_released_and_went_on_no_van_is_a_result_once_its_day_is_over(database: Database, desk: Desk) -> None:
    taken(database, *FILE)
    with database.writing() as connection:
        made = connection.execute(
            tables.plan.insert().values(
                from_day=DAY, to_day=DAY, depot_ids=[desk.depot], problem=b"", engine="test", cost=0,
                served_by_tier=[], why="planned", by="test", made_at=NOW,
            )
        ).inserted_primary_key[0]  # fmt: skip
        connection.execute(
            tables.current_plan.insert().values(depot_id=desk.depot, day=DAY, plan_id=made, state="draft")
        )
        first = connection.scalar(select(tables.delivery.c.id).order_by(tables.delivery.c.id))
        connection.execute(
            tables.unassigned.insert().values(plan_id=made, delivery_id=first, reasons=["closed_that_day"])
        )
    with database.reading() as connection:
        for today in ("", DAY):
            with pytest.raises(NotFound, match="no results"):
                day_results(connection, day=DAY, today=today)
            with pytest.raises(NotFound, match="no results"):
                period_results(connection, from_day=DAY, to_day=DAY, today=today)
        told = day_results(connection, day=DAY, today="2026-05-13")
        assert list(period_results(connection, from_day=DAY, to_day="2026-05-20", today="2026-05-21")) == list(told)
    assert [(each.order, each.ordered, each.sent, each.open, each.outcome, each.reason) for each in told] == [
        ("E-1", 12, 0, 12, "not_dispatched", "closed_that_day"),
        ("E-2", 8, 0, 8, "not_dispatched", "not_planned"),
        ("E-3", 6, 0, 6, "not_dispatched", "not_planned"),
    ]
    assert all((each.erp_reference, each.delivery, each.at) != ("", "", None) for each in told)


# ---------------------------------------------------------------------------- the file


def test_a_day_on_which_the_site_is_closed_is_warned_of(database: Database, desk: Desk) -> None:
    sunday = "2026-05-17"
    with database.writing() as connection:
        connection.execute(tables.site.update().values(delivery_days="mon,tue,wed,thu,fri"))
    for dry_run in (True, False):
        result = taken(database, row("E-1", 1, 12, day=sunday), row("E-2", 2, 8), dry_run=dry_run)
        assert (result.created, result.errors) == (2, [])
        (warning,) = result.warnings
        assert warning.startswith("Order E-1 was released for Sun 17 May 2026, on which nothing is brought to its site")


def test_the_same_file_again_changes_nothing(database: Database, desk: Desk) -> None:
    taken(database, *FILE)
    before = everything(database)
    again = taken(database, *reversed(FILE))
    assert (again.created, again.unchanged, again.errors) == (0, 3, [])
    assert everything(database) == before


def test_a_dry_run_says_the_same_and_changes_nothing(database: Database, desk: Desk) -> None:
    before = everything(database)
    assert taken(database, *FILE, dry_run=True).created == 3
    assert everything(database) == before


def test_a_release_that_says_otherwise_of_an_order_is_left_out(database: Database, desk: Desk) -> None:
    taken(database, *FILE)
    result = taken(database, row("E-1", 1, 13), row("E-9", 2, 1))
    assert (result.created, result.unchanged) == (1, 0)
    (error,) = result.errors
    assert "said otherwise" in error.what


def test_a_second_release_of_a_line_sends_out_more_of_it(database: Database, desk: Desk) -> None:
    taken(database, *FILE)
    assert taken(database, row("E-1", 1, 5, release="REL-2")).created == 1
    with database.reading() as connection:
        (line,) = connection.execute(
            select(tables.order_line).join(tables.order).where(tables.order.c.number == "E-1")
        ).all()
    assert line.quantity == 17


def test_an_order_that_waited_with_us_becomes_the_erps(database: Database, desk: Desk) -> None:
    """Café 4's own order holds 12 of our coffee; the ERP sends 8 of it: the 12 are free, and the line is not longer."""
    taken(database, row("SO-4", 4, 8, line="1"))
    with database.reading() as connection:
        held = connection.execute(
            select(tables.allocation, tables.supply.c.source, tables.order_line.c.quantity.label("ordered"))
            .join(tables.supply)
            .join(tables.order_line)
            .where(tables.order_line.c.order_id == desk.orders[4])
            .order_by(tables.supply.c.id)
        ).all()
    assert [(each.source, each.quantity, each.released, each.ordered) for each in held] == [
        ("own", 0, 0, 12), ("erp", 8, 8, 12),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"sku": "NONE"}, "there is no product"),
        ({"quantity": 0}, "out of range"),
        ({"quantity": "many"}, "no whole number"),
        ({"day": "2026-05-11"}, "is over"),
        ({"day": ""}, "must be the day"),
        ({"site": "S-2"}, "is a site of customer"),
        ({"release": ""}, "is empty"),
        ({"order": "SO-2"}, "another customer"),
        ({"order": "SO-1", "line": "1"}, "line 1 is OAT here"),
    ],
)
def test_a_faulty_row_leaves_out_its_whole_order(
    database: Database, desk: Desk, changes: dict[str, object], what: str
) -> None:
    bad = row("E-1", 1, 12) | changes
    result = taken(database, bad, bad | {"line": "20", "sku": "COFFEE", "quantity": 1}, row("E-2", 2, 8))
    assert result.created == 1
    assert any(what in error.what for error in result.errors)
    with database.reading() as connection:
        assert connection.scalars(select(tables.supply.c.number).where(tables.supply.c.source == "erp")).all() == [
            "REL-1/E-2"
        ]


# ---------------------------------------------------------------------------- who decides


def test_nothing_of_ours_decides_while_the_erp_does(database: Database, desk: Desk) -> None:
    taken(database, *FILE)
    before = everything(database)
    receipt = counted("R-9", desk.depot, desk.products["OAT"], "OAT", 36, NOW)
    with database.reading() as connection:
        delivery = connection.scalar(select(tables.delivery.c.id))

    def file(module: Any, **cells: str) -> io.BytesIO:
        names = module.COLUMNS
        row = ",".join(cells.get(name, "") for name in names)
        return io.BytesIO("\n".join([",".join(names), row, ""]).encode())

    order = {
        "order": "SO-9", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": DAY, "sku": "OAT",
        "quantity": "1",
    }  # fmt: skip
    coming = {"number": "IN-9", "depot": "NORTH", "sku": "OAT", "quantity": "5"}
    for work in (
        lambda store: commit_receipt(store, receipt, now=NOW, by="test"),
        lambda store: release_orders(store, depot_id=desk.depot, for_day=DAY, now=NOW, by="test"),
        lambda store: unrelease(store, delivery, now=NOW, by="test", why=""),
        lambda store: settle(store, {}, now=NOW, by="test", tell=False, why=""),
        lambda store: orders.import_orders(store, file(orders, **order), now=NOW, by="test"),
        lambda store: orders.import_orders(store, file(orders, **order), now=NOW, by="test", dry_run=True),
        lambda store: inbound.import_inbound(store, file(inbound, **coming), now=NOW, by="test"),
    ):
        with pytest.raises(BackrouteError, match="The ERP allocates and releases here"), open_store(database) as store:
            work(store)
    with database.reading() as connection:
        found = simulate_release(SqlStore(connection), depot_id=desk.depot, for_day=DAY, now=NOW)
    assert (found.ready, found.stays) == ((), ())
    assert everything(database) == before


def test_where_we_allocate_no_release_of_an_erp_comes_in(database: Database) -> None:
    fill_desk(database, NOW)
    with pytest.raises(Conflict, match="We allocate here"):
        taken(database, *FILE)


def test_switched_back_what_is_open_is_given_out_and_what_the_erp_released_goes_on(
    database: Database, desk: Desk
) -> None:
    taken(database, *FILE)
    with database.writing() as connection:  # meanwhile a lorry of oat drinks was booked by hand, and nobody got it
        connection.execute(tables.supply.update().where(tables.supply.c.kind == "inbound").values(quantity=24))
        connection.execute(tables.allocation.delete().where(tables.allocation.c.order_line_id.in_(
            select(tables.order_line.c.id).where(tables.order_line.c.product_id == desk.products["OAT"])
        )))  # fmt: skip
    with open_store(database) as store:
        assert switch_allocation(store, erp=False, now=NOW, by="test").changed
        assert not switch_allocation(store, erp=False, now=NOW, by="test").changed
    with database.reading() as connection:
        covered = {each.order: each.provisional for each in open_lines(connection, sku="OAT")}
        released = connection.scalars(
            select(tables.allocation.c.released).join(tables.supply).where(tables.supply.c.source == "erp")
        ).all()
    assert covered == {"SO-1": 12, "SO-2": 12, "SO-3": 0}
    assert sorted(released) == [6, 8, 12]
