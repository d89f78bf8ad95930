"""The standing week in the database: its shifts follow the file, are made once, and are made ahead by themselves."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, update

from data import tables
from data.db import Database
from data.exporters.kinds import export
from data.health import Check, check_rows
from data.importers.fleet import COLUMNS, import_fleet
from data.store import open_store
from routing.model.imports import ImportResult
from routing.services.fleet import ahead_of, make_ahead

NOW = datetime(2026, 5, 12, 3, 0, tzinfo=UTC)  # a Tuesday
TODAY = "2026-05-12"
ROWS = (
    {"kind": "depot", "number": "D1", "name": "Depot 1", "zone": "Europe/Helsinki"},
    {"kind": "vehicle", "number": "V1", "name": "Van 1", "depot": "D1", "weight_g": "500000"},
    {"kind": "driver", "number": "DR1", "name": "Driver 1", "depot": "D1"},
    {"kind": "shift", "number": "S1", "depot": "D1", "vehicle": "V1", "driver": "DR1", "from": "07:00", "to": "15:00",
     "break_minutes": "30", "break_from": "10:00", "break_to": "12:00", "weekdays": "mon,tue,wed,thu,fri"},
)  # fmt: skip
SHIFT = ROWS[3]


def bring_in(database: Database, *rows: dict[str, str]) -> ImportResult:
    columns = COLUMNS
    lines = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows)]
    with open_store(database) as store:
        result = import_fleet(store, io.BytesIO("\n".join(lines).encode()), now=NOW, by="test")
    assert result.errors == []
    return result


def company(database: Database) -> None:
    with open_store(database) as store:
        store.set_company(name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")


def worked(database: Database) -> list[tuple[str, str, int]]:
    """Day, start and length of the break of every shift."""
    with database.reading() as connection:
        rows = connection.execute(
            select(tables.shift.c.day, tables.shift.c.starts, tables.shift_break.c.duration_s)
            .outerjoin(tables.shift_break, tables.shift_break.c.shift_id == tables.shift.c.id)
            .order_by(tables.shift.c.day, tables.shift.c.id)
        )
        return [tuple(row) for row in rows]


def test_another_start_in_the_file_moves_the_shifts_and_makes_none_twice(database: Database) -> None:
    company(database)
    bring_in(database, *ROWS)
    assert len(worked(database)) == 10
    with database.writing() as connection:
        depot_id = connection.scalar(select(tables.depot.c.id))
        plan_id = connection.execute(
            insert(tables.plan).values(
                from_day=TODAY, to_day=TODAY, depot_ids=[depot_id], problem=b"", engine="test", cost=0,
                served_by_tier=[], why="planned", by="test", made_at=NOW,
            ).returning(tables.plan.c.id)
        ).scalar_one()  # fmt: skip
        connection.execute(insert(tables.current_plan).values(depot_id=depot_id, day=TODAY, plan_id=plan_id))
        by_hand = tables.shift.c.day == "2026-05-13"
        connection.execute(update(tables.shift).where(by_hand).values(starts="09:00"))
    result = bring_in(database, SHIFT | {"from": "06:00", "break_minutes": "45"})
    assert (result.changed, result.unchanged) == (1, 0)
    assert result.notes == ["Shift S1 stays as it was on Tue 12 May 2026: there is a plan. See Fleet."]
    found = worked(database)
    assert found[:3] == [(TODAY, "07:00", 1800), ("2026-05-13", "09:00", 1800), ("2026-05-14", "06:00", 2700)]
    assert (len(found), {begins for _day, begins, _pause in found[2:]}) == (10, {"06:00"})


def left_out(database: Database, *rows: dict[str, str], dry_run: bool = False) -> list[str]:
    columns = COLUMNS
    lines = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows)]
    with open_store(database) as store:
        file = io.BytesIO("\n".join(lines).encode())
        result = import_fleet(store, file, now=NOW, by="test", dry_run=dry_run)
    return [error.what for error in result.errors]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_books_no_van_and_no_driver_twice(database: Database, dry_run: bool) -> None:
    company(database)
    bring_in(database, *ROWS)
    more = (
        {"kind": "vehicle", "number": "V2", "name": "Van 2", "depot": "D1"},
        {"kind": "vehicle", "number": "V3", "name": "Van 3", "depot": "D1"},
        {"kind": "vehicle", "number": "V4", "name": "Rocket 4", "depot": "D1", "profile": "rocket"},
        SHIFT | {"number": "S2", "vehicle": "V1", "driver": ""},
        SHIFT | {"number": "S3", "vehicle": "V2"},
        SHIFT | {"number": "S4", "vehicle": "V2", "driver": ""},
        SHIFT | {"number": "S5", "vehicle": "V3", "driver": ""},
        SHIFT | {"number": "S6", "vehicle": "V3", "driver": "", "from": "14:00", "to": "18:00"},
        SHIFT | {"number": "S7", "vehicle": "V3", "driver": "", "from": "15:00", "to": "18:00"},
    )
    said = left_out(database, *more, dry_run=dry_run)
    assert [each.split(" was left out")[0] for each in said] == ["Vehicle V4", "Shift S2", "Shift S3", "Shift S6"]
    assert '"rocket" is no kind of vehicle' in said[0]
    assert "column vehicle: Van 1 is in shift S1 from 07:00 to 15:00 already: choose another vehicle" in said[1]
    assert "column driver: Driver 1 is in shift S1 from 07:00 to 15:00 already" in said[2]


def test_the_doctor_names_a_van_that_is_in_two_shifts_already(database: Database) -> None:
    company(database)
    bring_in(database, *ROWS, SHIFT | {"number": "S2", "driver": "", "from": "15:00", "to": "18:00"})

    def doctor() -> Check:
        with database.reading() as connection:
            return next(check for check in check_rows(connection) if check.name == "standing week")

    assert doctor().state == "ok"
    with database.writing() as connection:
        second = tables.shift_template.c.number == "S2"
        connection.execute(update(tables.shift_template).where(second).values(starts="14:00"))
    assert (doctor().state, "the vehicle of S2 is in S1 too" in doctor().sentence) == ("warn", True)


def test_a_van_that_comes_to_another_depot_without_its_shift_is_said(database: Database) -> None:
    company(database)
    bring_in(database, *ROWS)
    south = {"kind": "depot", "number": "D2", "name": "Depot 2", "zone": "Europe/Helsinki"}
    said = "Vehicle V1 comes to another depot and its shift S1 does not: see Fleet."
    assert said in bring_in(database, south, ROWS[1] | {"depot": "D2"}).notes
    assert said not in bring_in(database, ROWS[1] | {"depot": "D1"}).notes
    together = bring_in(database, ROWS[1] | {"depot": "D2"}, SHIFT | {"depot": "D2"})
    assert said not in together.notes


def test_two_shifts_of_one_file_may_change_their_vans(database: Database) -> None:
    company(database)
    van = {"kind": "vehicle", "number": "V2", "name": "Van 2", "depot": "D1"}
    bring_in(database, *ROWS, van, SHIFT | {"number": "S2", "vehicle": "V2", "driver": ""})
    swapped = SHIFT | {"vehicle": "V2"}, SHIFT | {"number": "S2", "vehicle": "V1", "driver": ""}
    assert bring_in(database, *swapped).changed == 2


def test_a_weekday_that_falls_away_ends_its_shifts_and_comes_back_with_them(database: Database) -> None:
    company(database)
    bring_in(database, *ROWS)
    bring_in(database, SHIFT | {"weekdays": "mon,tue,wed,thu"})
    assert [day for day, _begins, _pause in worked(database)].count("2026-05-15") == 0
    assert len(worked(database)) == 8
    bring_in(database, SHIFT)
    assert len(worked(database)) == 10


def test_a_file_says_from_which_day_on_a_shift_or_a_van_is_gone_and_one_without_that_column_leaves_it(
    database: Database,
) -> None:
    company(database)
    bring_in(database, *ROWS)
    bring_in(database, SHIFT | {"gone_from": "2026-05-15"})
    assert [day for day, _begins, _pause in worked(database)] == ["2026-05-12", "2026-05-13", "2026-05-14"]
    bring_in(database, SHIFT)  # with the column, and empty: it runs on
    assert len(worked(database)) == 10
    bring_in(database, ROWS[1] | {"gone_from": "2026-05-14"})
    assert [day for day, _begins, _pause in worked(database)] == ["2026-05-12", "2026-05-13"]
    columns = [name for name in COLUMNS if name != "gone_from"]
    old = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in ROWS)]
    with open_store(database) as store:
        again = import_fleet(store, io.BytesIO("\n".join(old).encode()), now=NOW, by="test")
    assert (again.changed, again.errors) == (0, [])
    assert len(worked(database)) == 2
    out = io.BytesIO()
    with database.reading() as connection:
        export(connection, "fleet", out, format="csv")
    told = {row["number"]: row["gone_from"] for row in csv.DictReader(io.StringIO(out.getvalue().decode("utf-8-sig")))}
    assert (told["V1"], told["S1"]) == ("2026-05-14", "")


def test_the_week_makes_the_shifts_of_the_day_that_comes_into_sight_once(database: Database) -> None:
    company(database)
    bring_in(database, *ROWS)
    tomorrow = "2026-05-13"
    with open_store(database) as store:
        assert not store.shifts_lack_on(ahead_of(TODAY))
        assert store.shifts_lack_on(ahead_of(tomorrow))  # Tuesday the 26th
        assert make_ahead(store, today=tomorrow) == 1
        assert not store.shifts_lack_on(ahead_of(tomorrow))
        assert make_ahead(store, today=tomorrow) == 0
