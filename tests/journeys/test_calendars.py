"""A dispatcher fills in the public holidays and looks at what to order, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.test_desk import context, desk, page, said, website

__all__ = ["context", "desk", "page", "said", "website"]


def test_the_holidays_are_shown_first_and_one_is_switched_to_we_deliver(page: Page) -> None:
    address = page.url.split("/", 3)
    page.goto("/".join([*address[:3], "calendars"]))
    page.get_by_label("Country, two letters").fill("FI")
    page.get_by_role("button", name="Show what they close").click()
    expect(page.get_by_text("Nothing has changed yet")).to_be_visible()
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("Kept. Every date goes by it now.")).to_be_visible()
    christmas = page.get_by_role("row").filter(has_text="Christmas Day")
    christmas.get_by_role("button", name="We deliver").click()
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_role("row").filter(has_text="Christmas Day")).to_contain_text("we deliver")
    page.goto("/".join([*address[:3], "replenish"]))
    expect(page.get_by_role("heading", name="Replenish")).to_be_visible()
    page.get_by_text("Nothing to do now").click()  # 3 days of orders say nothing yet
    expect(page.get_by_role("link", name="OAT")).to_be_visible()
