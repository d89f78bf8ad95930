"""A van that goes out twice: on the board, in the warehouse, on the driver's phone, and in the evening."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data.store import SqlStore
from tests.rounds import DAY, SIX, Round, a_round, in_two_trips, waiting_at_the_depot, with_its_problem
from tests.website import PASSWORD, Website, a_website, served

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def day(website: Website) -> Round:
    """Van 3 holds 24 pieces and brings 48 to four doors: it goes out twice."""
    with website.installation.database.writing() as connection:
        made = a_round(connection, stops=4)
        waiting_at_the_depot(connection, made)
        with_its_problem(connection, made)
        in_two_trips(connection, made.route_id, after=2)
    return made


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def hand_over(page: Page, where: str) -> None:
    expect(page.get_by_role("heading", name=where)).to_be_visible()
    press(page, "Delivered")
    page.get_by_label("Received by").fill("Goods-in 1")
    press(page, "Save")


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_van_goes_out_twice_and_its_day_adds_up(website: Website, day: Round, browser: Browser) -> None:
    website.clock.at = SIX
    email = website.an_account(role="dispatcher")
    desk = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
    phone = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    with served(website) as address:
        desk.goto(f"{address}/login?next=/plan?day={DAY}")
        desk.get_by_label("E-mail").fill(email)
        desk.get_by_label("Password").fill(PASSWORD)
        press(desk, "Sign in")

        # The board: two trips, each with its load, and the van at the depot in between.
        desk.goto(f"{address}/plan?day={DAY}&route={day.shift_id}")
        part = desk.locator("#part")
        expect(part.get_by_role("heading", name=re.compile(r"^Trip [12]"))).to_have_text(
            [re.compile(r"Trip 1\s+07:50-08:38"), re.compile(r"Trip 2\s+08:58-")]
        )
        expect(part.locator(".reload")).to_contain_text("08:38-08:58")
        expect(part.locator(".trip-head progress")).to_have_count(2)
        expect(desk.locator(".tl-reload")).to_have_count(1)
        picture(desk, "board")
        press(part.page, "Load trip 1")
        expect(desk.locator("#says")).to_contain_text("2 deliveries loaded.")
        expect(desk.locator("#part [data-live-route]")).to_have_text("trip 1 loaded")

        # The warehouse stages the second trip, and cannot load it yet.
        desk.goto(f"{address}/warehouse?day={DAY}")
        desk.get_by_role("link", name=re.compile("Van 3, trip 2")).click()
        expect(desk.get_by_text("The van is back for this trip at about 08:38.")).to_be_visible()
        picture(desk, "warehouse-trip-2")
        desk.get_by_role("link", name="Load", exact=True).click()
        desk.wait_for_url("**mode=load*")
        press(desk, "Load")
        expect(desk.locator(".says .say").first).to_contain_text("has not left for trip 1 yet")

        # It leaves with the whole list.
        desk.goto(f"{address}/plan/dispatch?day={DAY}")
        press(desk, "Dispatch 1 route")
        expect(desk.locator("#says")).to_contain_text("1 route is out.")
        with website.installation.database.reading() as connection:
            held = SqlStore(connection).held_manifest(day.shift_id)
        assert held is not None
        token = website.link("driver", "manifest", held.id)

        # The driver's first trip, the depot, the second trip.
        website.clock.at = SIX + timedelta(hours=2)
        phone.goto(f"{address}/d/{token}")
        expect(phone.locator("html[data-ready]")).to_be_attached()
        expect(phone.get_by_role("button", name=re.compile("Back to the depot, load trip 2"))).to_be_visible()
        for café in (12, 13):
            hand_over(phone, f"Café {café} at the corner")
        expect(phone.get_by_role("heading", name="Back to the depot, load trip 2")).to_be_visible()
        expect(phone.get_by_text("All sent")).to_be_visible()
        picture(phone, "driver-depot")
        website.clock.at = SIX + timedelta(hours=3)
        phone.context.set_offline(True)  # behind thick walls
        press(phone, "Loaded, go on")
        expect(phone.get_by_role("heading", name="Café 14 at the corner")).to_be_visible()
        expect(phone.get_by_text("1 not sent")).to_be_visible()
        phone.context.set_offline(False)
        expect(phone.get_by_text("All sent")).to_be_visible()
        desk.goto(f"{address}/warehouse?day={DAY}")
        expect(desk.get_by_role("link", name=re.compile("Van 3, trip 2"))).to_contain_text("gone")
        for café in (14, 15):
            hand_over(phone, f"Café {café} at the corner")
        expect(phone.get_by_role("heading", name="All stops are done")).to_be_visible()
        expect(phone.get_by_text("All sent")).to_be_visible()

        # The evening: nothing is left on the van, of either trip.
        desk.goto(f"{address}/evening?day={DAY}")
        expect(desk.get_by_text("By the ledger nothing is on it.")).to_be_visible()
        picture(desk, "evening")
        press(desk, "Close van")
        expect(desk.get_by_text("Counted: 0 back for their customers, 0 returned, 0 lost.")).to_be_visible()
        desk.close()
        phone.close()
    with website.installation.database.reading() as connection:
        store = SqlStore(connection)
        assert store.goods_at(f"vehicle:{day.vehicle_id}") == {}
        assert store.goods_at(f"depot:{day.depot_id}") == {}
        assert store.goods_at("delivered") == {day.product_id: 48}
