"""One rule for every kind of file: what it has no column for stays as it is, an empty cell of a column that it has
empties."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from data.db import Database
from data.importers.kinds import KINDS
from data.importers.table import AS_OURS, Reading
from data.store import open_store
from routing.model.imports import ImportResult, LineIn, OrderIn
from routing.rules.imports import content_hash

Rows = list[dict[str, str]]

EVERY_COLUMN: dict[str, Rows] = {
    "fleet": [
        {"kind": "depot", "number": "NORTH", "name": "Depot North", "address": "Testgatan 1", "lat": "60.1",
         "lon": "24.9", "zone": "Europe/Helsinki"},
        {"kind": "zone", "number": "Z-1", "name": "Centre", "depot": "NORTH", "zone": "00100;00120",
         "cut_off": "16:00", "weekdays": "tue,thu", "stops_a_day": "7"},
        {"kind": "vehicle", "number": "V-1", "name": "Van 1", "depot": "NORTH", "profile": "truck",
         "weight_g": "900000", "volume_cm3": "8000000", "pieces": "40", "height_cm": "250", "length_cm": "600",
         "skills": "cold", "reload_minutes": "25", "most_trips": "2", "gross_kg": "3500", "out_from": "2026-06-01",
         "out_to": "2026-06-02", "out_why": "workshop"},
        {"kind": "driver", "number": "DR-1", "name": "Driver 1", "depot": "NORTH", "phone": "+358 9 5550",
         "email": "driver@example.com", "language": "sv", "skills": "ferry", "weekdays": "mon,tue", "licence": "C",
         "driving_hours": "eu"},
        {"kind": "shift", "number": "W-1", "depot": "NORTH", "vehicle": "V-1", "driver": "DR-1", "from": "06:00",
         "to": "14:00", "crew": "2", "weekdays": "mon", "break_minutes": "30", "break_from": "09:00",
         "break_to": "11:00", "loading_minutes": "20", "debrief_minutes": "10", "fixed_cost": "12",
         "cost_per_hour": "32.50", "cost_per_km": "0.40", "max_stops": "30", "overtime_minutes": "45",
         "cost_per_overtime_hour": "18", "cost_per_stop": "3.50", "max_km": "120", "start_place": "anywhere",
         "end_place": "anywhere", "gone_from": "2027-06-01", "rest_after": "reduced",
         "second_break_minutes": "15", "second_break_from": "11:30", "second_break_to": "12:30"},
    ],
    "suppliers": [{"supplier": "SUP-1", "name": "Mill 1", "email": "mill@example.com", "lead_days": "9",
                   "language": "fi"}],
    "products": [
        {"sku": "OAT-1", "name": "Oat drink", "unit": "tin", "case_pack": "12", "pallet_pack": "480",
         "weight_g": "1030", "volume_cm3": "1100", "pieces": "2", "price": "1.95", "currency": "SEK",
         "supplier": "SUP-1", "barcode": "064123", "returnable": "yes"},
        {"sku": "OAT-2", "name": "Oat drink, other", "currency": "EUR"},
    ],
    "customers": [
        {"customer": "C-1", "customer_name": "Café 12", "tier": "2", "business": "no", "language": "fi",
         "rank_rule": "never_loses", "salesperson": "Sales 1", "payment_hold": "owes", "site": "S-1",
         "site_name": "Café 12", "address": "Testgatan 1", "postcode": "00100", "city": "Helsinki", "country": "FI",
         "delivery_days": "mon,tue", "windows": "06:00-11:00", "window_kind": "finish_by", "service_minutes": "12",
         "service_seconds_per_case": "9", "parking_minutes": "4", "max_vehicle_height_cm": "300",
         "max_vehicle_length_cm": "700", "max_vehicle_weight_kg": "7500", "skills": "cold", "crew": "2",
         "notes": "Ring", "contact_name": "Buyer 1", "contact_role": "goods_in", "contact_channel": "email",
         "contact_address": "buyer@cafe.example", "contact_consent": "yes", "late_minutes": "15",
         "late_price_per_minute": "0.50", "known_to": "DR-1", "stranger_price": "2.50",
         "vehicles": "V-1", "run": "V-1", "motor_hours": "06:00-10:00"},
    ],
    "sites": [
        {"customer": "C-1", "site": "S-2", "site_name": "Back door", "address": "Testgatan 2", "postcode": "00120",
         "city": "Helsinki", "country": "FI", "delivery_days": "wed", "windows": "07:00-12:00",
         "window_kind": "finish_by", "service_minutes": "12", "service_seconds_per_case": "9", "parking_minutes": "4",
         "max_vehicle_height_cm": "300", "max_vehicle_length_cm": "700", "max_vehicle_weight_kg": "7500",
         "skills": "cold", "crew": "2", "notes": "Ring", "late_minutes": "15", "late_price_per_minute": "0.50",
         "known_to": "DR-1", "stranger_price": "2.50",
         "vehicles": "V-1", "run": "V-1", "motor_hours": "06:00-10:00"},
    ],
    "orders": [
        {"order": "SO-17", "customer": "C-1", "site": "S-1", "depot": "NORTH", "ordered_at": "2026-05-08T10:00",
         "wanted_on": "2026-05-20", "not_before": "2026-05-19", "not_after": "2026-05-29",
         "customer_reference": "PO 7", "erp_reference": "E-7", "completeness": "complete", "min_percent": "50",
         "min_value": "12.50", "max_wait_days": "9", "max_shipments": "2", "hold": "asks", "payment": "pending",
         "collect_at_door": "112.50",
         "urgent_by": "Sales 1", "note": "Ring twice", "source": "shopify", "line": "1", "sku": "OAT-1",
         "quantity": "24", "unit_price": "1.75", "currency": "SEK", "promised_on": "2026-05-21"},
    ],
    "inbound": [{"number": "PO-1", "supplier": "SUP-1", "depot": "NORTH", "sku": "OAT-1", "quantity": "96",
                 "expected_at": "2026-05-20T05:30"}],
    "sources": [{"supplier": "SUP-9", "sku": "OAT-1", "name": "Mill 9", "email": "nine@example.com",
                 "language": "sv", "lead_days": "14"}],
    "substitutes": [{"sku": "OAT-1", "substitute": "OAT-2", "gives": "2", "replaces": "3", "preference": "4"}],
}  # fmt: skip

NOTHING_TO_LEAVE = {"counts", "released"}
"""Every column of a count is needed, and what an ERP released is taken once, by its release."""

NEEDED_TOO = {"fleet": ("depot",), "orders": ("source",)}
"""A delivery zone is told apart by its depot too, an order by the shop it came from."""

STAYS = {
    "fleet": {
        "name",
        "depot",
        "vehicle",
        "lat",
        "lon",
        "from",
        "to",
        "break_from",
        "break_to",
        "second_break_from",
        "second_break_to",
    },
    "customers": {"contact_address", "contact_channel"},
    "orders": {"site", "source", "line", "promised_on"},
    "sources": {"sku"},
}
"""Cells that cannot be emptied by themselves."""


def take(database: Database, kind: str, rows: Rows, columns: Sequence[str], now: datetime, **how: Any) -> ImportResult:
    content = "\n".join([",".join(columns), *(",".join(f'"{row.get(n, "")}"' for n in columns) for row in rows)])
    reading: Reading = how.pop("reading", AS_OURS)
    with open_store(database) as store:
        return KINDS[kind].work(store, io.BytesIO(content.encode()), now=now, by="test", reading=reading, **how)


def all_columns(kind: str) -> tuple[str, ...]:
    return tuple(KINDS[kind].columns)


@pytest.fixture
def filled(sqlite_url: str, now: datetime) -> Iterator[Database]:
    database = Database(sqlite_url)
    with open_store(database) as store:
        store.set_company(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")
    for kind, rows in EVERY_COLUMN.items():
        result = take(database, kind, rows, all_columns(kind), now)
        assert (result.created, result.errors) == (len(rows), [])
    yield database
    database.close()


def test_every_kind_and_every_column_is_here() -> None:
    assert set(EVERY_COLUMN) | NOTHING_TO_LEAVE == set(KINDS)
    for kind, rows in EVERY_COLUMN.items():
        assert [name for name in all_columns(kind) if not any(row.get(name) for row in rows)] == []


@pytest.mark.parametrize("kind", EVERY_COLUMN)
def test_a_file_without_the_other_columns_leaves_them_alone(filled: Database, kind: str, now: datetime) -> None:
    rows = EVERY_COLUMN[kind]
    columns = (*KINDS[kind].needed, *NEEDED_TOO.get(kind, ()))
    theirs = {f"their {name}": name for name in columns}
    foreign = [{f"their {name}": row.get(name, "") for name in columns} for row in rows]
    result = take(filled, kind, foreign, tuple(theirs), now, reading=Reading(mapping=theirs))
    assert (result.errors, result.changed, result.unchanged) == ([], 0, len(rows))
    again = take(filled, kind, rows, all_columns(kind), now)
    assert (again.errors, again.changed, again.unchanged) == ([], 0, len(rows)), "and nothing was lost meanwhile"


@pytest.mark.parametrize("kind", EVERY_COLUMN)
def test_an_empty_cell_empties(filled: Database, kind: str, now: datetime) -> None:
    stayed = set()
    for column in set(all_columns(kind)) - set(KINDS[kind].needed):
        before = take(filled, kind, EVERY_COLUMN[kind], all_columns(kind), now, dry_run=True)
        assert before.errors == []
        if not take(
            filled, kind, [row | {column: ""} for row in EVERY_COLUMN[kind]], all_columns(kind), now, dry_run=True
        ).changed:
            stayed.add(column)
    assert stayed == STAYS.get(kind, set())


def test_a_part_of_a_break_goes_with_what_is_known_of_it(filled: Database, now: datetime) -> None:
    def said(**of: str) -> list[str]:
        row = {"kind": "shift", "number": "W-1", "depot": "NORTH", "vehicle": "V-1", "from": "06:00", "to": "14:00"}
        row |= of
        theirs = {f"their {name}": name for name in row}
        foreign = [{f"their {name}": text for name, text in row.items()}]
        result = take(filled, "fleet", foreign, tuple(theirs), now, reading=Reading(mapping=theirs))
        return [str(each) for each in result.errors]

    assert said(break_minutes="20") == [], "its hours are known"
    (error,) = said(break_to="12:00")
    assert "second_break_from: the first break may last until 12:20" in error
    (error,) = said(number="W-2", weekdays="sun", break_minutes="30")
    assert "break_from: is missing: there is a break of 30 minutes" in error
    assert "break_to: is missing" in error


def test_what_is_known_of_a_supplier_stands_on_one_of_its_rows(filled: Database, now: datetime) -> None:
    (row,) = EVERY_COLUMN["sources"]
    more = {"supplier": "SUP-9", "sku": "OAT-2"}
    for rows in ([row, more], [more, row]):
        take(filled, "sources", rows, all_columns("sources"), now)
        with filled.reading() as connection:
            known = connection.execute(select(tables.supplier).where(tables.supplier.c.number == "SUP-9")).one()
        assert (known.name, known.email, known.language, known.lead_days) == ("Mill 9", "nine@example.com", "sv", 14)


def test_saying_nothing_and_then_saying_that_there_is_nothing_are_two_things(filled: Database, now: datetime) -> None:
    (row,) = EVERY_COLUMN["orders"]
    without = tuple(name for name in all_columns("orders") if name != "min_value")
    assert take(filled, "orders", [row], without, now).unchanged == 1
    assert take(filled, "orders", [row | {"min_value": ""}], all_columns("orders"), now).changed == 1
    assert take(filled, "orders", [row], without, now).unchanged == 1


def test_what_orders_learn_to_say_leaves_old_hashes_true() -> None:
    order = OrderIn(
        row=2, number="SO-1", customer_id=1, site_id=1, depot_id=1,
        ordered_at=datetime.fromisoformat("2026-05-08T10:00+00:00"),
        lines=(LineIn(number="1", product_id=1, sku="OAT-1", quantity=24, unit_price=195),),
        unsaid=frozenset({"min_value", "collect_at_door"}),
    )  # fmt: skip
    assert content_hash(order) == "b7e71714e4f76c5c2e628c7ce75f7d5f0e44b1ca6fe2d2a012df8b1077fecc4b"
