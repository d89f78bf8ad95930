"""A truck is overdue: the dispatcher sees who waits for it, writes to the supplier, and enters the day it named."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from data import tables
from tests.desk import Desk, add
from tests.journeys.test_desk import axe, context, desk, page, said, website
from tests.website import Website

__all__ = ["context", "desk", "page", "said", "website"]


@pytest.fixture
def overdue(website: Website, desk: Desk) -> None:
    with website.installation.database.writing() as connection:
        mill = add(connection, tables.supplier, number="MILL", name="The Mill", email="mill@example.com", language="sv")
        connection.execute(
            update(tables.supply)
            .where(tables.supply.c.id == desk.inbound)
            .values(supplier_id=mill, expected_at=website.clock.at - timedelta(days=2))
        )


@pytest.mark.usefixtures("overdue")
def test_from_who_waits_to_the_supplier_s_answer(page: Page, axe_script: Path) -> None:
    page.get_by_role("link", name="Stock", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="OAT")).to_contain_text("overdue since")
    assert axe(page, axe_script) == []
    for width in (1440, 1366, 1280, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        for entry in page.locator(".bar .nav-item").all():  # all of it is to be seen, nothing is scrolled for
            expect(entry).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="OAT", exact=True).click()
    expect(page.get_by_role("row").filter(has_text="SO-1")).to_contain_text("12 of IN-1")
    assert axe(page, axe_script) == []
    page.get_by_role("link", name="Replenish").last.click()
    page.get_by_role("link", name="All products").click()
    text = page.get_by_label("Where is it?")
    expect(text).to_be_visible()
    assert "det här skulle ha kommit" in text.input_value()
    assert axe(page, axe_script) == []
    text.fill("Var är IN-1?")
    page.get_by_role("button", name="Send to The Mill").click()
    expect(page.get_by_text("The message to The Mill is in the outbox.")).to_be_visible()
    page.get_by_role("link", name="IN-1", exact=True).click()
    expect(page.get_by_label("Comes on another day")).to_be_visible()


def test_a_truck_that_will_not_come_names_who_loses_a_date_and_how_they_hear(
    page: Page, website: Website, desk: Desk, axe_script: Path
) -> None:
    with website.installation.database.writing() as connection:
        # Café 2 agreed to no messages.
        connection.execute(update(tables.contact).where(tables.contact.c.id == 2).values(consent=False))
    page.get_by_role("link", name="Receipts", exact=True).click()
    page.get_by_role("button", name="It will not come").first.click()
    losers = page.locator("#losers > li")
    expect(losers).to_have_count(3)
    expect(losers.filter(has_text="SO-1")).to_contain_text("no date: told by message")
    expect(losers.filter(has_text="SO-2")).to_contain_text("no date: to be called")
    expect(page.locator("#worth")).to_have_text("Worth: €0.00 goes, €72.00 waits, €72.00 in promises that break")
    assert axe(page, axe_script) == []
    look(page, "lost")
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("3 promised orders have no date any more")).to_be_visible()
    address = page.url.split("/receipts")[0]
    page.goto(f"{address}/tasks")
    expect(page.get_by_text("nobody there agreed to messages. Call the customer, and find a supplier.")).to_have_count(
        1
    )
    assert axe(page, axe_script) == []
    look(page, "tasks")
    page.goto(f"{address}/orders/{desk.orders[2]}")
    call = page.get_by_role("link", name="A call is open with nobody in particular")
    expect(call).to_be_visible()
    assert axe(page, axe_script) == []
    look(page, "order")
    call.click()
    expect(page.get_by_text("Order SO-2 of Café 2 has no date any more")).to_be_visible()
    page.goto(f"{address}/release")
    look(page, "release")
    assert axe(page, axe_script) == []


def look(page: Page, name: str) -> None:
    """No width makes the page scroll sideways; with PICTURES a folder, it is kept there."""
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
