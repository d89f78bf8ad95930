"""An urgent order, in a real browser: where it fits, why it is urgent, and who set it so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect
from sqlalchemy import select

from data import tables
from tests.demo_day import copy_home, planned_demo_home, website_at
from tests.journeys.test_board import current, desk, heard, sign_in
from tests.website import Website, served

__all__ = ["desk", "heard"]


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Website]:
    with website_at(copy_home(planned_demo_home(), tmp_path / "home")) as website:
        yield website


def test_an_urgent_order_is_not_brought_without_a_reason(
    planned: Website, desk: BrowserContext, heard: list[str]
) -> None:
    before = current(planned)
    left = next(row for row in before.left_out if "competed_out" in row.reasons)
    with served(planned) as address:
        page = desk.new_page()
        sign_in(page, address)
        page.goto(f"{address}/plan/{before.plan_id}/happened/urgent/{left.delivery_id}")
        why = page.get_by_label("Why it is urgent")
        first = page.get_by_role("button", name="Do this").first
        first.click()
        # The browser asks for it: nothing was sent.
        expect(why).to_be_focused()
        assert current(planned).plan_id == before.plan_id
        why.fill("their party is tonight")
        first.click()
        expect(page.get_by_text(re.compile("^Done: "))).to_be_visible()
        assert current(planned).parent_id == before.plan_id
        with planned.installation.database.reading() as connection:
            order_id = connection.scalar(
                select(tables.order_line.c.order_id)
                .join(tables.allocation, tables.allocation.c.order_line_id == tables.order_line.c.id)
                .join(tables.delivery_line, tables.delivery_line.c.allocation_id == tables.allocation.c.id)
                .where(tables.delivery_line.c.delivery_id == left.delivery_id)
            )
        page.goto(f"{address}/orders/{order_id}")
        expect(page.get_by_text(f"{left.number} set urgent: their party is tonight.")).to_be_visible()
        expect(page.get_by_text("set by Dispatcher 1")).to_be_visible()
        assert heard == []
