"""A file with somebody else's column names, in a real browser: explained once, tried, imported, remembered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from data import tables
from tests.desk import a_desk
from tests.website import PASSWORD, Website, a_website, served


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        a_desk(made)
        yield made


@pytest.fixture
def page(website: Website, browser: Browser) -> Iterator[Page]:
    email = website.an_account()
    heard: list[str] = []
    with served(website) as address:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        context.on(
            "console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None
        )
        made = context.new_page()
        made.goto(f"{address}/login")
        made.get_by_label("E-mail").fill(email)
        made.get_by_label("Password").fill(PASSWORD)
        made.get_by_role("button", name="Sign in").click()
        expect(made.get_by_role("heading", level=1)).to_be_visible()
        made.goto(f"{address}/import?kind=products")
        yield made
        context.close()
        assert heard == []


def choose(page: Page, name: str, content: str) -> None:
    page.get_by_label("What can be ordered, one row a SKU.").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Try it").first.click()


def test_a_foreign_file_is_explained_once_and_the_next_is_taken_at_once(
    page: Page, website: Website, axe_script: Path
) -> None:
    choose(page, "erp.csv", "Item No,Descr,Gross weight g\nTEA,Green tea,100\n")
    expect(page.get_by_role("heading", name="Which column of erp.csv is which?")).to_be_visible()
    expect(page.get_by_label("sku needed")).to_have_value("item no")
    expect(page.get_by_label("weight_g")).to_have_value("gross weight g")
    page.get_by_label("name needed").select_option("descr")
    found = page.evaluate(axe_script.read_text() + "\n;axe.run().then((result) => result.violations.map((v) => v.id))")
    assert found == []
    page.locator("form:has(.columns-map) > .row").get_by_role("button", name="Try it").click()
    expect(page.get_by_text("Dry run of erp.csv: nothing was changed.")).to_be_visible()
    page.get_by_role("button", name="Import it now").click()
    expect(page.get_by_text("erp.csv: 1 new, 0 changed, 0 as before.")).to_be_visible()
    expect(page.get_by_text("said by dispatcher 1")).to_be_visible()

    choose(page, "next.csv", "Item No,Descr,Gross weight g\nRICE,Rice,900\n")
    expect(page.get_by_text("Dry run of next.csv: nothing was changed.")).to_be_visible()
    page.get_by_role("button", name="Import it now").click()
    expect(page.get_by_text("next.csv: 1 new, 0 changed, 0 as before.")).to_be_visible()
    with website.installation.database.reading() as connection:
        weights = dict(connection.execute(select(tables.product.c.number, tables.product.c.weight_g)).all())
    assert (weights["TEA"], weights["RICE"]) == (100, 900)

    page.once("dialog", lambda question: question.accept())
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_text("The next file with that header is asked about again.")).to_be_visible()
