"""A dispatcher asks a region's map by clicks and by keys, in a real browser and on real roads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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
