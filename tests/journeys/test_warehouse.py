"""A tablet in the warehouse: scans typed as a scanner types them, in both orientations, without a mouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import update

from data import tables
from data.store import SqlStore
from tests.rounds import DAY, Round
from tests.website import PASSWORD, Website, a_website, served


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def floor(website: Website) -> Round:
    """Van 3 with three stops of 12 pieces, planned, on hand, nothing picked."""
    made = website.a_round()
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.allocation).values(loaded=0, released=12))
        connection.execute(update(tables.delivery).values(state="released"))
        connection.execute(update(tables.movement).values(from_place="supplier", to_place=f"depot:{made.depot_id}"))
        connection.execute(tables.manifest.delete())
        connection.execute(tables.current_plan.insert().values(depot_id=made.depot_id, day=DAY, plan_id=made.plan_id))
    return made


@pytest.fixture(params=[(1024, 768), (768, 1024)], ids=["lying", "standing"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    width, height = request.param
    made = browser.new_context(viewport={"width": width, "height": height}, has_touch=True, reduced_motion="reduce")
    yield made
    made.close()


def scans(page: Page, code: str, said: str | re.Pattern[str], *, aside: bool = False) -> None:
    """As a wedge does: keys without a field, then Enter. `aside`: somebody touched the page beside the field; else the
    page is given the time to listen."""
    if not aside:
        expect(page.get_by_label("Scan or type a code")).to_be_focused()
    page.keyboard.type(code)
    page.keyboard.press("Enter")
    expect(page.locator(".says .say").first).to_contain_text(said)


def test_a_van_is_picked_staged_and_loaded_by_scanning(
    website: Website, floor: Round, context: BrowserContext, axe_script: Path
) -> None:
    heard: list[str] = []
    context.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    email = website.an_account(role="warehouse")
    with served(website) as address:
        page = context.new_page()
        page.goto(f"{address}/login?next=/warehouse")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name=re.compile("Van 3")).click()
        expect(page.get_by_label("Scan or type a code")).to_be_focused()
        page.evaluate("document.activeElement.blur()")  # somebody touched the page beside the field

        scans(page, "8*SKU1", "8 of 12 SKU1", aside=True)
        scans(page, "undo", "Undone.")
        scans(page, "4006381333931", "is no product, barcode or delivery")
        for stop in (3, 2, 1):
            scans(page, f"D-1-{stop}", "12 to pick")
            scans(page, "12*SKU1", "complete")
            scans(page, f"D-1-{stop}", "Scan its place")
            scans(page, "@A3", f"D-1-{stop} at A3")
        small = page.evaluate(
            "[...document.querySelectorAll('main a, main button, main input:not([type=hidden])')]"
            ".map((each) => each.getBoundingClientRect().height).filter((height) => height > 0 && height < 48)"
        )
        assert small == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        violations = page.evaluate(axe_script.read_text() + "\n;axe.run().then((result) => result.violations)")
        assert [each["id"] for each in violations] == []

        page.get_by_role("link", name="Load", exact=True).click()
        page.wait_for_url("**mode=load*")
        scans(page, "D-1-1", "goes in first")
        for stop in (3, 2, 1):
            scans(page, f"D-1-{stop}", f"On Van 3: D-1-{stop}")
        expect(page.get_by_role("button", name="Off the van")).to_have_count(3)
        assert heard == []
    with website.installation.database.reading() as connection:
        store = SqlStore(connection)
        assert store.goods_at(f"depot:{floor.depot_id}") == {}
        assert store.goods_at(f"vehicle:{floor.vehicle_id}") == {floor.product_id: 36}


@pytest.fixture
def picking(website: Website, floor: Round, browser: Browser) -> Iterator[Page]:
    """The trip's page, ready for a scan."""
    email = website.an_account(role="warehouse")
    context = browser.new_context(viewport={"width": 1024, "height": 768}, reduced_motion="reduce")
    with served(website) as address:
        page = context.new_page()
        page.goto(f"{address}/login?next=/warehouse/trips/{floor.shift_id}/1")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_label("Scan or type a code")).to_be_focused()
        yield page
    context.close()


def picked(website: Website, floor: Round) -> list[int]:
    with website.installation.database.reading() as connection:
        found = SqlStore(connection).pick_deliveries([stop.delivery_id for stop in floor.stops])
    return [each.picked for each in sorted(found, key=lambda each: each.number)]


def test_scans_that_come_faster_than_the_pages_are_all_counted_in_their_order(
    website: Website, floor: Round, picking: Page
) -> None:
    for code in ("D-1-1", "SKU1", "nothing", "5*", "SKU1", "SKU1"):
        picking.keyboard.type(code)  # at once: faster than any scanner, and than any page
        picking.keyboard.press("Enter")
    expect(picking.locator(".says .say").first).to_contain_text("7 of 12 SKU1")
    # The refusal in between is not wiped away by what came after it.
    expect(picking.locator(".says .say.failed")).to_contain_text('"nothing" is no product')
    expect(picking.locator("[data-waiting]")).to_be_hidden()
    assert picked(website, floor) == [7, 0, 0]
    picking.keyboard.type("undo")
    picking.keyboard.press("Enter")
    expect(picking.locator(".says .say").first).to_contain_text("Undone.")
    picking.reload()
    expect(picking.get_by_label("Scan or type a code")).to_be_focused()
    assert picked(website, floor) == [6, 0, 0]


def test_a_scan_without_an_answer_stops_those_after_it_until_a_person_says_so(
    website: Website, floor: Round, picking: Page
) -> None:
    def scans_now(code: str) -> None:
        picking.keyboard.type(code)
        picking.keyboard.press("Enter")

    picking.route("**/warehouse/scan", lambda route: route.abort())
    scans_now("SKU1")
    stopped = picking.locator("[data-stopped]")
    expect(stopped).to_contain_text("No answer for SKU1.")
    scans_now("2*SKU1")
    expect(picking.locator("[data-waiting]")).to_have_text("2 waiting")
    picking.unroute("**/warehouse/scan")
    picking.get_by_role("button", name="Send it again").click()
    expect(picking.locator(".says .say").first).to_contain_text("3 of 12 SKU1")
    expect(stopped).to_be_hidden()
    assert picked(website, floor) == [0, 0, 3]
