"""A dispatcher takes the open lines home as a spreadsheet, in a real browser."""

from __future__ import annotations

from pathlib import Path

import openpyxl
from playwright.sync_api import Browser, expect

from tests.desk import a_desk
from tests.website import PASSWORD, a_website, served


def test_the_open_lines_are_taken_out_as_a_spreadsheet(browser: Browser, tmp_path: Path) -> None:
    with a_website(tmp_path / "home") as website:
        a_desk(website)
        email = website.an_account()
        with served(website) as address:
            context = browser.new_context(accept_downloads=True)
            page = context.new_page()
            page.goto(f"{address}/login")
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_text("Your menu").locator("..").click()
            page.get_by_role("link", name="Take files out").click()
            expect(page.get_by_role("heading", name="Take files out")).to_be_visible()
            with page.expect_download() as waiting:
                page.get_by_role("link", name="Open lines, XLSX").click()
            waiting.value.save_as(tmp_path / "lines.xlsx")
            context.close()
    rows = list(openpyxl.load_workbook(tmp_path / "lines.xlsx").active.iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["order", "SO-1", "SO-2", "SO-3", "SO-4"]
