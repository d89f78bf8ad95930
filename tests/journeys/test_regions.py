"""A dispatcher asks a region's map by clicks and by keys, in a real browser and on real roads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from data.store import open_store
from tests.demo_day import built_regions
from tests.journeys.test_desk import axe, context, desk, page, said
from tests.website import Website, a_website

__all__ = ["context", "desk", "page", "said"]

ENGINE_MS = 30_000
"""An engine that has to be read first, on a busy machine."""


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "regions").symlink_to(built_regions(), target_is_directory=True)
    with a_website(tmp_path / "home") as made:
        yield made


def test_the_map_of_a_region_tells_times_and_what_is_reached(page: Page, axe_script: Path) -> None:
    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Regions").click()
    expect(page.get_by_role("heading", name="helsinki")).to_be_visible()
    expect(page.locator("#map[data-ready]")).to_be_attached()
    box = page.locator("#map").bounding_box()
    assert box is not None
    east, north = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    # Two clicks: the way between them by every vehicle, each with who measured it.
    page.mouse.click(east - 60, north + 40)
    expect(page.get_by_label("From", exact=True)).to_have_value(re.compile(r"^60\.\d+, 24\.\d+$"))
    expect(page.get_by_text("Now the place it goes to.")).to_be_visible()
    page.mouse.click(east + 90, north - 50)
    ways = page.get_by_role("table", name="The way by each vehicle")
    # The first question starts OSRM.
    expect(ways.get_by_role("row").filter(has_text="Van")).to_contain_text("OSRM", timeout=ENGINE_MS)
    expect(ways.get_by_role("row").filter(has_text="Cargo bike")).to_contain_text("OSRM")
    expect(page.locator("path.way-line")).to_be_attached()
    # One click and some minutes: the area.
    page.get_by_label("What is reached in time").check()
    expect(page.get_by_text("Within 15 min by van")).to_be_visible(timeout=ENGINE_MS)
    page.get_by_label("Minutes").fill("1")
    page.mouse.click(east, north)
    expect(page.get_by_text("Within 1 min by van")).to_be_visible()
    expect(page.locator("path.reached")).to_be_attached()
    expect(page.get_by_text(re.compile(r"Road graph, calibrated \(× 1\.\d\d; nine of ten"))).to_be_visible()
    assert axe(page, axe_script) == []
    # A file that is too large is told how to be built before it is sent.
    page.locator("summary", has_text="Another region").click()
    file = page.locator("#f-file-new")
    file.set_input_files({"name": "north.osm.pbf", "mimeType": "a/b", "buffer": bytes(25 * 2**20 + 1)})
    assert "--pbf north.osm.pbf" in file.evaluate("it => it.validationMessage")
    assert not file.evaluate("it => it.form.checkValidity()")
    # Without a mouse: two addresses, completed while they are typed.
    page.get_by_label("The way between two places").check()
    page.get_by_label("From", exact=True).fill("fabianinkatu 2")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("From", exact=True)).to_have_value(re.compile("^Fabianinkatu 2"))
    page.get_by_label("To", exact=True).fill("Bulevardi 1")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_text(re.compile("Fabianinkatu 2.* → Bulevardi 1"))).to_be_visible()
    # The address of the page is the question: it can be sent to somebody.
    page.reload()
    expect(page.get_by_text(re.compile("Fabianinkatu 2.* → Bulevardi 1"))).to_be_visible()


def test_a_rush_is_written_and_the_way_between_two_places_feels_it(
    page: Page, website: Website, axe_script: Path
) -> None:
    with open_store(website.installation.database) as store:
        store.save_region(name="helsinki", build="a build", facts={}, built_at=website.clock.at)
    page.goto(page.url.rstrip("/") + "/regions/helsinki")
    page.get_by_text("Add a slice of the day").click()
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"):
        page.get_by_label(day, exact=True).check()
    page.get_by_label("Begins").fill("07:00")
    page.get_by_label("Ends").fill("09:00")
    page.get_by_label("Takes, in % of the free time").fill("250")
    page.get_by_role("button", name="Add it").click()
    slices = page.get_by_role("region", name="Times by time of day").get_by_role("table")
    expect(slices.get_by_role("row").filter(has_text="any day")).to_contain_text("250 %")
    page.get_by_label("From", exact=True).fill("60.1699, 24.9515")
    page.get_by_label("To", exact=True).fill("60.1655, 24.9405")
    page.get_by_label("Leaving at").fill("07:30")
    page.get_by_role("button", name="Ask").click()
    ways = page.get_by_role("table", name="The way by each vehicle")
    expect(ways.get_by_role("row").filter(has_text="Van")).to_contain_text("free:", timeout=ENGINE_MS)
    expect(ways.get_by_role("row").filter(has_text="Cargo bike")).not_to_contain_text("free:")
    page.get_by_role("link", name="What the drivers' ways say").click()
    expect(page.get_by_text("Learnt from 0 ways driven")).to_be_visible()
    assert axe(page, axe_script) == []
