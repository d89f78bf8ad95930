"""A new van, its driver and its shift, typed in a real browser; then the van is made smaller on a day with a plan."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from tests.journeys.test_desk import context, desk, page, said, website
from tests.web.test_fleet_page import fill, planned
from tests.website import Website

__all__ = ["context", "desk", "page", "said", "website"]


def test_a_van_gets_its_driver_and_shift_and_a_planned_day_is_said_before_it_is_made_smaller(
    page: Page, website: Website
) -> None:
    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Fleet").click()
    page.get_by_role("link", name="New vehicle").click()
    page.get_by_label("Number").fill("V9")
    page.get_by_label("Name").fill("Van 9")
    page.get_by_label("Weight, kg").fill("520")
    page.get_by_label("Volume, m³").fill("3.6")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Van 9 is saved.")).to_be_visible()
    page.get_by_role("link", name="New driver").click()
    page.get_by_label("Number").fill("DR9")
    page.get_by_label("Name").fill("Driver 9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Driver 9 is saved.")).to_be_visible()
    page.get_by_role("link", name="New shift").click()
    page.get_by_label("Number").fill("S9")
    page.get_by_label("Vehicle").select_option("V9")
    page.get_by_label("Driver", exact=True).select_option("DR9")
    page.get_by_label("From", exact=True).fill("07:00")
    page.get_by_label("To", exact=True).fill("15:00")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="S9")).to_contain_text("07:00–15:00")

    planned(website, website.clock.at.date().isoformat())
    page.get_by_role("link", name="Van 9", exact=True).click()
    page.get_by_label("Weight, kg").fill("300")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("No plan changes by this")).to_be_visible()
    expect(page.get_by_label("Weight, kg")).to_have_value("300")
    page.get_by_role("button", name="Save it all the same").click()
    expect(page.get_by_role("row").filter(has_text="Van 9").first).to_contain_text("300 kg")
    expect(page.get_by_role("link", name="Plan it again on the board")).to_be_visible()


def test_a_van_is_removed_and_its_shift_ends_after_what_that_does_was_said(page: Page, website: Website) -> None:
    fill(website.signed_in(role="admin"))
    day = (website.clock.at.date() + timedelta(days=1)).isoformat()
    planned(website, day)
    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Fleet").click()
    page.get_by_role("link", name="S9", exact=True).click()
    page.get_by_role("link", name="End it from a day on").click()
    page.get_by_label("From which day on").fill(day)
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_text("1 delivery rides on it")).to_be_visible()
    expect(page.get_by_text("the shifts of these days stay")).to_be_visible()
    page.get_by_role("link", name="Not now").click()
    expect(page.get_by_role("row").filter(has_text="S9")).not_to_contain_text("gone from")

    page.get_by_role("link", name="Van 9", exact=True).click()
    page.get_by_role("link", name="Remove it from a day on").click()
    page.get_by_label("From which day on").fill(day)
    page.get_by_role("button", name="Show what it does").click()
    expect(page.get_by_text("Nothing has changed yet")).to_be_visible()
    expect(page.get_by_text("These shifts of the standing week end with it: S9.")).to_be_visible()
    expect(page.get_by_text("1 delivery rides on it")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways for"
    page.get_by_role("button", name="Remove Van 9").click()
    expect(page.get_by_text("Van 9 is gone from")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="S9")).to_contain_text("gone from")
    expect(page.get_by_role("link", name="Plan it again on the board")).to_be_visible()

    page.get_by_role("link", name="Van 9", exact=True).click()
    page.get_by_role("link", name="Change or undo that").click()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.get_by_text("Van 9 stays.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="S9")).not_to_contain_text("gone from")
