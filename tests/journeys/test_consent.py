"""A customer answers a delay on a phone: agrees, then takes another day; without scripts too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.delayed import a_delay
from tests.website import Website, a_website, served

PHONE = {"width": 390, "height": 780}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


def test_a_delay_is_answered_on_a_phone_and_changed_until_the_term(website: Website, page: Page) -> None:
    delayed = a_delay(website)
    with served(website) as address:
        page.set_viewport_size(PHONE)
        page.goto(f"{address}/c/{delayed.token()}")
        expect(page.get_by_role("heading", level=1)).to_have_text("New day: Tuesday 19 May")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
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


def test_a_page_without_script_takes_the_answer_too(website: Website, page: Page) -> None:
    delayed = a_delay(website)
    browser = page.context.browser
    assert browser is not None
    with served(website) as address, browser.new_context(java_script_enabled=False, viewport=PHONE) as plain:
        quiet = plain.new_page()
        quiet.goto(f"{address}/c/{delayed.token()}")
        quiet.get_by_role("button", name="Cancel", exact=True).click()
        expect(quiet.get_by_role("heading", level=1)).to_have_text("Cancelled")
        assert quiet.get_by_role("button", name=re.compile("Agree")).count() == 0
