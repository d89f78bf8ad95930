"""A stop is cancelled on the board, in a real browser: the ways out with their price, and the one that is done."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, expect

from tests.journeys.test_board import current, desk, heard, open_board, planned, sign_in
from tests.website import Website, served

__all__ = ["desk", "heard", "planned"]


def test_a_stop_that_is_cancelled_is_off_the_van_and_its_time_is_offered(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    before = current(planned)
    stop = before.routes[0].stops[2]
    (number, *_) = [each.number for each in stop.deliveries]
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address, stop=stop.stop_id)
        page.get_by_role("link", name="Cancelled …").first.click()
        expect(page.get_by_role("heading", name=re.compile(f"^Cancelled for today: {number}"))).to_be_visible(
            timeout=120_000
        )
        first = page.locator(".option").first
        expect(first.get_by_role("heading")).to_have_text(re.compile(f"{number} stays here"))
        first.get_by_role("button", name="Do this").click()
        expect(page.get_by_text(re.compile(f"^Done: {number} stays here"))).to_be_visible(timeout=120_000)
        after = current(planned)
        assert after.parent_id == before.plan_id
        assert number not in {each.number for route in after.routes for one in route.stops for each in one.deliveries}
        assert heard == []
