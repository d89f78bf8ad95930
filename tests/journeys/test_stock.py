"""A truck is overdue: the dispatcher sees who waits for it, writes to the supplier, and enters the day it named."""

from __future__ import annotations

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
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        if width > 900:  # narrower, the bar's second line is scrolled by hand
            assert page.evaluate("(n => n.scrollWidth <= n.clientWidth)(document.querySelector('.bar .nav'))"), width
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
