"""The dispatcher's morning in a real browser: the truck, the address, and the customer who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from data import tables
from tests.address_region import an_address_region
from tests.desk import Desk, a_desk
from tests.website import PASSWORD, Website, a_website, served

PAGES = (
    "/", "/receipts", "/release", "/addresses", "/orders", "/search?q=caf", "/tasks", "/messages", "/import",
    "/export", "/settings", "/figures", "/fleet", "/fleet/vehicles/new", "/fleet/drivers/new", "/fleet/shifts/new",
)  # fmt: skip


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture
def said(context: BrowserContext) -> list[str]:
    """What the console said that it should not, and every request that went to another machine."""
    heard: list[str] = []
    context.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    context.on(
        "request",
        lambda request: None if "//127.0.0.1:" in request.url or "data:" in request.url else heard.append(request.url),
    )
    return heard


@pytest.fixture
def page(website: Website, desk: Desk, context: BrowserContext, said: list[str]) -> Iterator[Page]:
    """A dispatcher who has signed in; at the end the console must have been quiet."""
    email = website.an_account()
    with served(website) as address:
        made = context.new_page()
        made.goto(f"{address}/login")
        made.get_by_label("E-mail").fill(email)
        made.get_by_label("Password").fill(PASSWORD)
        made.get_by_role("button", name="Sign in").click()
        expect(made.get_by_role("heading", level=1)).to_be_visible()
        # A key pressed before the page's script is there is lost.
        made.wait_for_load_state()
        yield made
        assert said == []


def axe(page: Page, script: Path) -> list[str]:
    found = page.evaluate(script.read_text() + "\n;axe.run().then((result) => result.violations)")
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in found]


def test_the_truck_came_short_and_the_day_goes_on(page: Page, website: Website, desk: Desk) -> None:
    page.get_by_role("link", name="Count in IN-1").click()
    page.get_by_label("Counted OAT").fill("24")
    page.get_by_role("button", name="Show who goes and who waits").click()
    expect(page.get_by_role("heading", name="OAT came short: 24 of 36")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(3)).to_contain_text("waits")
    page.get_by_role("button", name="Fair share").click()
    expect(page.get_by_role("button", name="Fair share")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name=re.compile("Tier, then first ordered")).click()
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("24 units counted in and given out.")).to_be_visible()
    page.get_by_role("link", name="Today").click()
    page.get_by_role("link", name=re.compile("Release 3 orders")).click()
    page.get_by_role("button", name="Release all 3 orders").click()
    expect(page.get_by_text("3 orders released in 3 deliveries.")).to_be_visible()
    with website.installation.database.reading() as connection:
        released = connection.scalars(select(tables.delivery.c.site_id).order_by(tables.delivery.c.site_id)).all()
    assert released == [desk.sites[1], desk.sites[2], desk.sites[4]]


def test_an_address_is_set_by_dragging_its_pin(page: Page, website: Website, desk: Desk) -> None:
    page.get_by_role("link", name="Addresses", exact=True).click()
    expect(page.locator("#map[data-ready]")).to_be_attached()
    before = page.get_by_label("Latitude").input_value()
    pin = page.locator(".your-pin").bounding_box()
    assert pin is not None
    page.mouse.move(pin["x"] + 15, pin["y"] + 15)
    page.mouse.down()
    page.mouse.move(pin["x"] + 75, pin["y"] + 55, steps=8)
    page.mouse.up()
    expect(page.get_by_label("Latitude")).not_to_have_value(before)
    dragged = float(page.get_by_label("Latitude").input_value())
    page.get_by_role("button", name="Set the pin here").click()
    expect(page.get_by_text("That was the last one.")).to_be_visible()
    with website.installation.database.reading() as connection:
        kept = connection.scalars(select(tables.site.c.lat).where(tables.site.c.id == desk.sites[4])).one()
    assert kept == dragged < float(before)


def test_an_address_is_set_without_a_mouse(page: Page, website: Website, desk: Desk) -> None:
    page.get_by_role("link", name="Addresses", exact=True).click()
    before = float(page.get_by_label("Latitude").input_value())
    north = page.get_by_role("button", name="5 m north")
    north.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert float(page.get_by_label("Latitude").input_value()) == pytest.approx(before + 10 / 111_320, abs=2e-6)
    page.get_by_role("button", name="Set the pin here").press("Enter")
    expect(page.get_by_text("That was the last one.")).to_be_visible()


def test_the_figures_say_what_they_were_counted_from(page: Page, desk: Desk) -> None:
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/figures")
    expect(page.get_by_role("heading", level=1)).to_have_text("Figures")
    page.get_by_role("link", name="7 days").click()
    page.wait_for_url("**/figures?period=7")
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    chart = page.locator("#chart-stock_units")
    counted = page.locator("#figure-stock_units").get_by_role("cell").nth(1).inner_text()
    expect(chart).to_contain_text(counted)
    expect(chart.get_by_role("img")).to_be_visible()
    chart.get_by_text("Table").click()
    expect(chart.get_by_role("table").get_by_role("row").last).to_contain_text(counted.split(" of ")[0])


def test_any_reference_leads_to_where_the_order_is(page: Page, desk: Desk) -> None:
    page.keyboard.press("/")
    page.keyboard.type("PO-703")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Waits for stock; expected today.")
    expect(page.get_by_role("listitem").filter(has_text="Ordered, as PO-703.")).to_be_visible()
    page.locator("body").press("g")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_ticking_chooses_what_is_released(page: Page, website: Website, desk: Desk) -> None:
    page.get_by_role("link", name="Release", exact=True).click()
    expect(page.get_by_role("button", name="Release the chosen")).to_be_hidden()
    page.get_by_label("SO-1").check()
    page.get_by_role("button", name="Release the chosen").click()
    expect(page.get_by_text("1 order released in 1 delivery.")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_can_be_used_by_everybody(page: Page, desk: Desk, axe_script: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    root = page.url.rstrip("/")
    for path in (*PAGES, f"/orders/{desk.orders[1]}"):
        page.goto(root + path)
        assert axe(page, axe_script) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.goto(f"{root}/receipts")
    page.get_by_label("Counted OAT").fill("24")
    page.get_by_role("button", name="Show who goes and who waits").click()
    page.emulate_media(color_scheme="dark")
    assert axe(page, axe_script) == []


def test_an_address_is_completed_with_the_keyboard_alone(
    page: Page, website: Website, desk: Desk, said: list[str]
) -> None:
    an_address_region(website.installation.home)
    page.get_by_role("link", name="Addresses", exact=True).click()
    field = page.get_by_role("combobox", name="Another way to write it")
    field.fill("")
    field.press_sequentially("aleksant")
    street = page.get_by_role("option", name="Aleksanterinkatu, Helsinki")
    expect(street).to_be_visible()
    field.press("ArrowDown")
    expect(street).to_have_attribute("aria-selected", "true")
    field.press("Enter")
    expect(field).to_have_value("Aleksanterinkatu ")
    field.press_sequentially("15")
    expect(page.get_by_role("option", name="Aleksanterinkatu 15, 00100 Helsinki")).to_be_visible()
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.press("ArrowDown")
    expect(page.get_by_role("option", name="Aleksanterinkatu 15, 00100 Helsinki")).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("Aleksanterinkatu 15, 00100 Helsinki")
    field.press("Enter")
    expect(page.get_by_role("button", name="This one: Aleksanterinkatu 15")).to_be_visible()
