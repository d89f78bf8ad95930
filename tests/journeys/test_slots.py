"""An order on the phone, in a real browser: the times of the next days, and the one that is agreed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.demo_day import copy_home, planned_demo_home, website_at
from tests.journeys.test_board import desk, heard, sign_in
from tests.web.test_slots import NEXT_WEEK, waiting
from tests.website import Website, served

__all__ = ["desk", "heard"]


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Website]:
    with website_at(copy_home(planned_demo_home(), tmp_path / "home")) as website:
        yield website


def test_a_time_is_offered_on_the_phone_and_agreed_on(planned: Website, desk: BrowserContext, heard: list[str]) -> None:
    order = waiting(planned)
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        page.goto(f"{address}/orders/{order}")
        page.get_by_role("link", name="Offer a time").click()
        # Its goods come with next week's truck: the coming days say so, and offer nothing.
        expect(page.locator(".slot-day")).to_have_count(5, timeout=120_000)
        expect(page.get_by_text(re.compile("^The goods are there on Tue 10 Mar"))).to_have_count(5)
        page.get_by_label("From day").fill(NEXT_WEEK)
        page.get_by_label("Days").fill("1")
        page.get_by_role("button", name="Show times").click()
        day = page.locator(f'.slot-day[data-day="{NEXT_WEEK}"]')
        expect(day.locator("tr.best").first).to_be_visible(timeout=120_000)
        window = day.locator("tr.best td").first.inner_text().strip()
        day.locator("tr.best").first.get_by_role("button", name="Agree").click()
        expect(page.get_by_text(re.compile(f"^Agreed: Tue 10 Mar, {window}"))).to_be_visible(timeout=120_000)
        assert heard == []


def test_a_customer_on_the_phone_orders_and_the_time_that_suits_enters_the_order(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        page.goto(f"{address}/slots")
        page.get_by_label("or an address").fill("Fabianinkatu 29")
        page.get_by_label("What is ordered").fill("P102 2")
        page.get_by_label("New customer").fill("Café 9 at the corner")
        page.get_by_label("From", exact=True).select_option("D1")
        page.get_by_label("From day").fill(NEXT_WEEK)
        page.get_by_label("Days").fill("1")
        page.get_by_role("button", name="Show times").click()
        day = page.locator(f'.slot-day[data-day="{NEXT_WEEK}"]')
        expect(day.locator("tr.best").first).to_be_visible(timeout=120_000)
        expect(page.get_by_text("there from")).to_be_visible()
        window = day.locator("tr.best td").first.inner_text().strip()
        day.locator("tr.best").first.get_by_role("button", name="Order").click()
        said = re.compile(f"^T-20260303-1 is entered and agreed: Tue 10 Mar, {window}")
        expect(page.get_by_text(said)).to_be_visible(timeout=120_000)
        expect(page.get_by_text("Agreed on Tue 10 Mar")).to_be_visible()
        assert heard == []
