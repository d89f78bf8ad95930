"""What to order, as a page and as a command say it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, update

from data import tables
from tests.desk import Desk, a_desk
from tests.website import Website, a_website
from web.cli import main


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    """With 120 days of 12 OAT a day."""
    desk = a_desk(website)
    with website.installation.database.writing() as connection:
        first = connection.execute(select(tables.order).where(tables.order.c.id == desk.orders[1])).one()
        product_id = connection.scalar(select(tables.product.c.id).where(tables.product.c.number == "OAT"))
        for n in range(1, 121):
            order_id = connection.execute(
                insert(tables.order).values(
                    number=f"OLD-{n}", customer_id=first.customer_id, site_id=first.site_id, depot_id=first.depot_id,
                    ordered_at=website.clock.at - timedelta(days=n), currency="EUR",
                ).returning(tables.order.c.id)
            ).scalar_one()  # fmt: skip
            connection.execute(
                insert(tables.order_line).values(order_id=order_id, number="1", product_id=product_id, quantity=12)
            )
    return desk


def test_the_page_says_what_to_order_and_where_the_numbers_come_from(website: Website, desk: Desk) -> None:
    client = website.signed_in(role="salesperson")
    page = client.get("/replenish").text
    assert "units uncovered" in page
    one = client.get("/replenish?sku=OAT").text
    assert "on hand" in one
    assert "as last week: smoothing was no better" in one
    assert client.get("/replenish?sku=%3Cscript%3E&depot=none&supplier=x").status_code == 200


def test_the_command_prints_the_same_numbers(website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    shown = CliRunner().invoke(main, ["replenish", "--sku", "OAT"])
    assert shown.exit_code == 0, shown.output
    assert "to order now" in shown.output
    lines = json.loads(CliRunner().invoke(main, ["replenish", "--json", "--sku", "OAT"]).output)["lines"]
    assert lines[0]["position"] == (
        lines[0]["on_hand"] - lines[0]["allocated"] + lines[0]["on_order"] - lines[0]["unallocated"]
    )
    refused = CliRunner().invoke(main, ["replenish", "--depot", "NOWHERE"])
    assert refused.exit_code == 2
    assert 'There is no depot "NOWHERE"' in refused.output


def test_without_enough_history_there_is_no_forecast_and_no_number_that_looks_like_one(
    website: Website, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKROUTE_HOME", str(website.installation.home))
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order).values(ordered_at=website.clock.at - timedelta(days=9)))
    page = website.signed_in(role="salesperson").get("/replenish?sku=OAT").text
    assert "no forecast:" in " ".join(page.split())
    shown = " ".join(CliRunner().invoke(main, ["replenish", "--sku", "OAT"]).output.split())
    assert "No forecast for OAT" in shown
    lines = json.loads(CliRunner().invoke(main, ["replenish", "--json", "--sku", "OAT"]).output)["lines"]
    assert "16 are needed" in lines[0]["forecast"]["refused"]
    for number in ("next_week", "error", "naive_error", "scaled_error"):
        assert lines[0]["forecast"][number] is None
