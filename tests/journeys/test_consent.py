"""A customer answers a delay on a phone, without scripts too; a salesperson settles the call that nobody answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.delayed import a_delay, with_substitute
from tests.website import PASSWORD, Website, a_website, served
from web.due import do_due

PHONE = {"width": 390, "height": 780}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def test_a_delay_is_answered_on_a_phone_and_changed_until_the_term(
    website: Website, page: Page, axe_script: Path
) -> None:
    delayed = a_delay(website)
    with served(website) as address:
        page.set_viewport_size(PHONE)
        page.goto(f"{address}/c/{delayed.token()}")
        expect(page.get_by_role("heading", level=1)).to_have_text("New day: Tuesday 19 May")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.evaluate(axe_script.read_text())
        assert page.evaluate("axe.run().then((result) => result.violations.map((each) => each.id))") == []
        for name in ("Agree to Tuesday 19 May", "Take this day", "Cancel"):
            box = page.get_by_role("button", name=name, exact=True).bounding_box()
            assert box is not None
            assert box["height"] >= 48, name
        page.get_by_role("button", name="Agree to Tuesday 19 May").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Agreed: Tuesday 19 May")
        expect(page.get_by_text("You may change this until Friday 15 May.")).to_be_visible()
        page.get_by_label("Another day on which we come to you").select_option("2026-05-21")
        page.get_by_role("button", name="Take this day").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Agreed: Thursday 21 May")
        assert delayed.consent()["answer"] == "other_day"


def test_other_goods_are_taken_on_a_phone_instead_of_those_that_are_late(
    website: Website, page: Page, axe_script: Path
) -> None:
    delayed = with_substitute(a_delay(website))
    with served(website) as address:
        page.set_viewport_size(PHONE)
        page.goto(f"{address}/c/{delayed.token()}")
        offer = page.locator("[data-offer=BARISTA]")
        expect(offer).to_contain_text("12 pcs Barista oat drink")
        expect(offer).to_contain_text("They cost what was agreed: €24.00.")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.evaluate(axe_script.read_text())
        assert page.evaluate("axe.run().then((result) => result.violations.map((each) => each.id))") == []
        button = page.get_by_role("button", name="Take these instead")
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 48
        button.click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Agreed: other goods come instead")
        expect(page.get_by_text("12 pcs Oat drink")).to_be_visible()
        assert page.locator("form[method=post]").count() == 0, "nothing is left to press"
        assert delayed.consent()["closed_why"] == "substituted"


def test_a_page_without_script_takes_the_answer_too(website: Website, page: Page) -> None:
    delayed = a_delay(website)
    browser = page.context.browser
    assert browser is not None
    with served(website) as address, browser.new_context(java_script_enabled=False, viewport=PHONE) as plain:
        quiet = plain.new_page()
        quiet.goto(f"{address}/c/{delayed.token()}")
        quiet.get_by_role("button", name="Cancel", exact=True).click()
        expect(quiet.get_by_role("heading", level=1)).to_have_text("Cancel these goods?")
        quiet.get_by_role("link", name="Back, nothing is cancelled").click()
        expect(quiet.get_by_role("heading", level=1)).to_have_text("New day: Tuesday 19 May")
        quiet.get_by_role("button", name="Cancel", exact=True).click()
        quiet.get_by_role("button", name="Yes, cancel").click()
        expect(quiet.get_by_role("heading", level=1)).to_have_text("Cancelled")
        assert quiet.get_by_role("button", name=re.compile("Agree")).count() == 0


def test_a_salesperson_reads_the_backorders_and_settles_the_call_on_a_phone(website: Website, page: Page) -> None:
    delayed = a_delay(website)
    website.clock.at += timedelta(days=4)
    do_due(website.installation)
    email = website.an_account(role="salesperson")
    with served(website) as address:
        page.set_viewport_size(PHONE)
        page.goto(f"{address}/login")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{address}/backorders?customer=C-2")
        expect(page.get_by_text("1 line waits for stock")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.goto(f"{address}/tasks")
        task = page.get_by_role("listitem").filter(has_text="Call Café 2,")
        task.get_by_label("The day the customer wants").fill("2026-05-21")
        task.get_by_role("button", name="Another day").click()
        expect(page.get_by_text("Moved to the day the customer chose.")).to_be_visible()
        assert delayed.consent(2)["chosen"] == "2026-05-21"
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
