"""A customer takes whole orders from tomorrow on: the dispatcher sees who gets its goods, keeps it, and so it comes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from data import tables
from data.store import open_store
from routing.services.receiving import commit_receipt
from routing.services.ruling import policy_day
from tests.desk import Desk, counted
from tests.journeys.test_desk import axe, context, desk, page, said, website
from tests.journeys.test_stock import look
from tests.website import Website

__all__ = ["context", "desk", "page", "said", "website"]


@pytest.fixture
def short_truck(website: Website, desk: Desk) -> None:
    """Of 36 came 20: Café 1 has its 12, Café 2 has 8 of 12, Café 3 waits."""
    receipt = counted("R-1", desk.depot, desk.products["OAT"], "OAT", 20, website.clock.at, inbound_id=desk.inbound)
    with open_store(website.installation.database) as store:
        commit_receipt(store, receipt, now=website.clock.at, by="warehouse", tell=False)
    assert on_the_shelf(website, desk) == {1: 12, 2: 8, 3: 0}


def on_the_shelf(website: Website, desk: Desk) -> dict[int, int]:
    """Units that lie there for each of the three cafés."""
    found = {}
    with website.installation.database.reading() as connection:
        for café in (1, 2, 3):
            units = connection.scalars(
                select(tables.allocation.c.allocated)
                .join(tables.order_line, tables.order_line.c.id == tables.allocation.c.order_line_id)
                .join(tables.supply, tables.supply.c.id == tables.allocation.c.supply_id)
                .where(tables.order_line.c.order_id == desk.orders[café], tables.supply.c.kind == "receipt")
            ).all()
            found[café] = sum(units)
    return found


@pytest.mark.usefixtures("short_truck")
def test_a_customer_s_policy_from_tomorrow_on_is_shown_kept_and_comes(
    page: Page, website: Website, desk: Desk, axe_script: Path
) -> None:
    address = page.url.split("/", 3)
    home = "/".join(address[:3])
    tomorrow = website.clock.at + timedelta(days=1)
    page.goto(f"{home}/policies?scope=customer")
    page.get_by_label("What", exact=True).select_option(value="completeness")
    page.get_by_role("button", name="Choose").click()
    assert axe(page, axe_script) == []
    look(page, "policies")
    page.get_by_label("Customer, by number or name").fill("C-2")
    page.locator("input[name=value][value=complete]").check()
    page.get_by_label("From", exact=True).fill(tomorrow.date().isoformat())
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_text("Nothing has changed yet. It begins on Wed 13 May")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Café 2: ships complete")
    main = page.get_by_role("main")
    expect(main).to_contain_text("SO-2")
    expect(main).to_contain_text("SO-3")
    assert on_the_shelf(website, desk) == {1: 12, 2: 8, 3: 0}, "looking gives nothing away"
    assert axe(page, axe_script) == []
    look(page, "policy")
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text(": kept.")).to_be_visible()
    listed = page.get_by_role("row").filter(has_text="Café 2")
    expect(listed).to_contain_text("13 May 2026")
    expect(listed).not_to_contain_text("in force")
    assert on_the_shelf(website, desk) == {1: 12, 2: 8, 3: 0}, "its day has not begun"

    website.clock.at = tomorrow
    with open_store(website.installation.database) as store:
        (row,) = store.policies().rows
        policy_day(store, row_id=row.id, now=tomorrow, by="backroute")
    page.reload()
    expect(listed).to_contain_text("in force")
    assert on_the_shelf(website, desk) == {1: 12, 2: 0, 3: 8}
    listed.get_by_role("button", name="End it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ends")
    page.get_by_role("link", name="Not now").click()
    expect(listed).to_contain_text("in force")
