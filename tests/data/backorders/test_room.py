"""A zone takes so many stops a day: who ranks lower is dated on the next day with room, on both databases."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from data import tables
from data.importers.orders import COLUMNS, import_orders
from data.store import open_store
from routing.services.promising import promised_lines
from routing.services.receiving import commit_receipts
from routing.services.releasing import release_orders
from tests.data.backorders.conftest import NOW, Company


def dated(company: Company) -> dict[str, str]:
    with open_store(company.database) as store:
        return {line.order: line.expected_on for line in promised_lines(store, depot_id=company.depot_id, now=NOW)}


def three_sites_of_a_zone(company: Company, **zone: Any) -> int:
    with company.open():
        zone_id = company.add(tables.zone, depot_id=company.depot_id, number="Z", name="Z", **zone)
        oats = company.product("OAT")
        for _ in range(3):
            order_id = company.order({oats: 10})
            site_id = company.connection.scalar(select(tables.order.c.site_id).where(tables.order.c.id == order_id))
            company.connection.execute(
                update(tables.site).where(tables.site.c.id == site_id).values(delivery_zone_id=zone_id)
            )
    receipt = company.receipt("OAT", 30)
    with open_store(company.database) as store:
        commit_receipts(store, [receipt], now=NOW, by="test")
    return zone_id


def test_a_full_day_is_skipped_by_who_ranks_lower(company: Company) -> None:
    # Tuesday takes two stops: SO-1 and SO-2 go, SO-3 is expected on Wednesday.
    three_sites_of_a_zone(company, stops_a_day=2)
    assert dated(company) == {"SO-1": "2026-05-12", "SO-2": "2026-05-12", "SO-3": "2026-05-13"}


def test_without_a_limit_everybody_goes_on_the_first_day(company: Company) -> None:
    three_sites_of_a_zone(company)
    assert set(dated(company).values()) == {"2026-05-12"}


def test_the_dates_of_other_goods_and_what_is_released_take_room(company: Company) -> None:
    zone_id = three_sites_of_a_zone(company, stops_a_day=3)
    with company.open():
        tea = company.product("TEA")
        order_id = company.order({tea: 5}, ordered_at=NOW - timedelta(days=1))
        company.connection.execute(
            update(tables.site)
            .where(
                tables.site.c.id
                == select(tables.order.c.site_id).where(tables.order.c.id == order_id).scalar_subquery()
            )
            .values(delivery_zone_id=zone_id)
        )
    receipt = company.receipt("TEA", 5)
    with open_store(company.database) as store:
        commit_receipts(store, [receipt], now=NOW, by="test")
        assert store.connection.scalars(
            select(tables.order_line.c.expected_on).where(tables.order_line.c.order_id == order_id)
        ).all() == ["2026-05-13"]
        release_orders(store, depot_id=company.depot_id, for_day="2026-05-13", now=NOW, by="test", orders=[order_id])
        stops = store.stops_outside(company.depot_id, [])
    assert [day for _zone, day, _site in stops] == ["2026-05-12"] * 3 + ["2026-05-13"]


def test_a_company_holiday_moves_dates_shifts_and_plans_alike(company: Company) -> None:
    with company.open():
        calendar_id = company.add(tables.calendar, scope="company", weekdays="mon,tue,wed,thu,fri,sat,sun")
        company.add(tables.calendar_day, calendar_id=calendar_id, day="2026-05-12", why="Founder's day")
    three_sites_of_a_zone(company)
    assert set(dated(company).values()) == {"2026-05-13"}


def test_a_site_without_a_postcode_s_zone_belongs_to_the_only_such_zone_of_the_depot_that_serves_it(
    company: Company,
) -> None:
    with company.open():
        other = company.add(tables.depot, number="SOUTH", name="Depot South", zone="Europe/Helsinki")
        mine = company.add(tables.zone, depot_id=company.depot_id, number="Z1", name="North")
        company.add(tables.zone, depot_id=other, number="Z2", name="South")
        named = company.add(tables.zone, depot_id=other, number="Z3", name="Island", postcodes="00190")
        oats = company.product("OAT")
        orders = [company.order({oats: 1}) for _ in range(3)]
        sites = [
            company.connection.scalar(select(tables.order.c.site_id).where(tables.order.c.id == each))
            for each in orders
        ]
        company.connection.execute(update(tables.site).filter_by(id=sites[1]).values(postcode="00190"))
        company.connection.execute(update(tables.order).filter_by(id=orders[2]).values(depot_id=other))
    with open_store(company.database) as store:
        assert store.assign_zones() == 3
        assert store.assign_zones() == 0, "the same again changes nothing"
        rows = store.connection.execute(
            select(tables.site.c.id, tables.site.c.delivery_zone_id, tables.zone.c.number).join(
                tables.zone, tables.zone.c.id == tables.site.c.delivery_zone_id
            )
        ).all()
    found = {row.id: row.number for row in rows}
    assert [found[each] for each in sites] == ["Z1", "Z3", "Z2"]
    assert (mine, named) == (1, 3)


def test_a_site_s_first_order_by_file_gives_it_the_zone_of_the_depot_it_ordered_from(company: Company) -> None:
    with company.open():
        other = company.add(tables.depot, number="SOUTH", name="Depot South", zone="Europe/Helsinki")
        company.add(tables.zone, depot_id=company.depot_id, number="Z1", name="North")
        south = company.add(tables.zone, depot_id=other, number="Z2", name="South")
        company.product("OAT")
        site_id = company.site(company.customer())
    row = {
        "order": "SO-9", "customer": "C-1", "site": "S-1", "depot": "SOUTH",
        "ordered_at": "2026-05-11T08:00:00+03:00", "line": "1", "sku": "OAT", "quantity": "5",
    }  # fmt: skip
    file = ",".join(COLUMNS) + "\n" + ",".join(row.get(column, "") for column in COLUMNS) + "\n"
    for dry_run, zone_id in ((True, None), (False, south)):
        with open_store(company.database) as store:
            result = import_orders(store, io.BytesIO(file.encode()), now=NOW, by="test", dry_run=dry_run)
            assert (result.created, result.errors) == (1, [])
        with company.database.reading() as connection:
            chosen = select(tables.site.c.delivery_zone_id).where(tables.site.c.id == site_id)
            assert connection.scalar(chosen) == zone_id


def test_a_postcode_is_in_its_zone_however_either_is_written(company: Company) -> None:
    with company.open():
        named = company.add(
            tables.zone, depot_id=company.depot_id, number="Z", name="Z", postcodes="00100; FI-00120, 001 30"
        )
        postcodes = ["FI-00100", "00120", "fi 00130", "00140", ""]
        sites = [company.site(company.customer(), postcode=each) for each in postcodes]
    with open_store(company.database) as store:
        assert store.assign_zones() == 3
        rows = store.connection.execute(select(tables.site.c.id, tables.site.c.delivery_zone_id)).all()
    found = {row.id: row.delivery_zone_id for row in rows}
    assert [found[each] for each in sites] == [named, named, named, None, None]
