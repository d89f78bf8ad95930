"""What if, in a real browser: longer hours for a van are tried, compared with the plan, and used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.demo_day import copy_home, planned_demo_home, website_at
from tests.journeys.test_board import current, desk, heard, open_board, sign_in
from tests.website import Website, served
from web.jobs import Background

__all__ = ["desk", "heard"]


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Website]:
    with website_at(copy_home(planned_demo_home(), tmp_path / "home")) as website:
        background = Background(website.installation)
        background.start()
        yield website
        background.stop()


def test_a_spare_van_is_tried_beside_the_plan_and_used(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    before = current(planned)
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        open_board(page, address)
        page.get_by_role("link", name="What if …").click()
        expect(page.get_by_role("heading", name="What if", exact=True)).to_be_visible()
        page.get_by_label("Of the kind of").select_option(label="Van 5")
        page.locator("form.what-if", has_text="One van more").get_by_role("button", name="Try it").click()
        # The scenario, and of itself the same day planned again; each worked out by a worker.
        expect(page.locator("th[data-scenario]")).to_have_count(2)
        expect(page.locator("#scenarios[data-waits]")).to_have_count(0, timeout=120_000)
        expect(page.locator("th[data-scenario]").nth(1)).to_have_text(re.compile("^Van 5 .* goes out too"))
        page.get_by_role("button", name="Use this").last.click()
        expect(page.get_by_text(re.compile("^Done: Van 5 .* The plan goes by it now"))).to_be_visible()
        after = current(planned)
        assert after.parent_id == before.plan_id
        assert "Van 5" in {route.vehicle for route in after.routes}
        assert heard == []
