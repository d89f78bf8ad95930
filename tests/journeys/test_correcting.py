"""A driver pressed the wrong button: the dispatcher puts the report right from the evening page, and sees first what
it changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from data import tables
from routing.model.proofs import DoorLine, Outcome
from tests.evening import Driven
from tests.journeys.test_desk import axe
from tests.journeys.test_stock import look
from tests.rounds import DAY, SIX, row
from tests.website import PASSWORD, Website, a_website, served


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def driven(website: Website) -> Driven:
    """A round on the road, with crates to be fetched at its second stop."""
    made = website.a_round(stops=2, told=("08:00", "08:30"))
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")
        crate = row(connection, tables.product, number="CRATE", name="Crate, empty", returnable=True)
        release = connection.scalar(tables.delivery.select().with_only_columns(tables.delivery.c.release_id))
        key = row(
            connection, tables.delivery, number="D-CRATES", release_id=release, site_id=made.stops[1].site_id,
            depot_id=made.depot_id, direction="collect", for_day=DAY, oldest_ordered_at=SIX, state="dispatched",
        )  # fmt: skip
        row(connection, tables.empties_line, delivery_id=key, product_id=crate, quantity=6)
        connection.execute(
            tables.stop_delivery.insert().values(stop_id=made.stops[1].stop_id, delivery_id=key, sequence=2)
        )
    return Driven(website.installation.database, made, website.installation.secret)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def sign_in(page: Page, address: str, email: str, then: str) -> None:
    page.goto(f"{address}/login?next={then}")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_the_wrong_button_is_put_right_before_the_van_is_counted(
    website: Website, driven: Driven, page: Page, axe_script: Path
) -> None:
    with website.installation.database.reading() as connection:
        crates = connection.execute(tables.empties_line.select()).one()
    driven.says(0, Outcome.NOT_HOME)
    driven.says(1)
    driven.reports(1, crates.delivery_id, Outcome.NOT_HOME, ())
    email = website.an_account()
    with served(website) as address:
        sign_in(page, address, email, f"/evening?day={DAY}")
        page.get_by_text("3 reports from the doors").click()
        page.get_by_role("link", name="Correct D-1-1").click()
        expect(page.get_by_text("Nobody there").first).to_be_visible()
        assert axe(page, axe_script) == []
        look(page, "correct")
        page.get_by_label("At the door").select_option(label="handed over")
        page.get_by_label("Delivered: Oat milk 1 l").fill("10")
        page.get_by_label("Short: Oat milk 1 l").fill("2")
        page.get_by_label("Received by").fill("Neighbour")
        page.get_by_label("Why it is corrected").fill("the driver pressed the wrong button")
        page.get_by_role("button", name="Show what it changes").click()
        effect = page.locator("#effect")
        expect(effect).to_contain_text("10 pcs of Oat milk 1 l go from Van 3 to the customer.")
        expect(effect).to_contain_text("2 pcs of Oat milk 1 l wait for goods again, in their old place.")
        expect(effect).to_contain_text("Received by Neighbour, not by Goods-in 1.")
        assert driven.units(0) == {"loaded": 12}, "looking changes nothing"
        assert axe(page, axe_script) == []
        look(page, "correct-effect")
        page.get_by_role("button", name="Correct the report").click()
        expect(page.get_by_text("is corrected: handed over.")).to_be_visible()
        expect(page.get_by_text("it said: nobody there, received by Goods-in 1.")).to_be_visible()
        look(page, "corrected")
        assert driven.units(0) == {"delivered": 10, "short": 2}

        page.goto(f"{address}/evening?day={DAY}")
        page.get_by_label("Counted: Oat milk 1 l").fill("2")
        page.get_by_role("button", name="Close van").click()
        expect(page.get_by_text("2 returned, 0 lost").first).to_be_visible()
        page.goto(f"{address}/deliveries/{driven.round.stops[0].delivery_id}/report")
        expect(page.get_by_text("was counted already")).to_be_visible()
        expect(page.get_by_role("button", name="Show what it changes")).to_have_count(0)


def test_crates_that_were_counted_wrong_at_the_door_are_counted_right(
    website: Website, driven: Driven, page: Page, axe_script: Path
) -> None:
    with website.installation.database.reading() as connection:
        line = connection.execute(tables.empties_line.select()).one()
    driven.says(0)
    driven.says(1)
    driven.reports(1, line.delivery_id, Outcome.DELIVERED, (DoorLine(allocation_id=-line.id, collected=4),))
    email = website.an_account()
    with served(website) as address:
        sign_in(page, address, email, f"/evening?day={DAY}")
        page.get_by_text("3 reports from the doors").click()
        expect(page.get_by_role("listitem").filter(has_text="D-CRATES")).to_contain_text("collected")
        page.get_by_role("link", name="Correct D-CRATES").click()
        page.get_by_label("Collected: Crate, empty").fill("9")
        page.get_by_label("Why it is corrected").fill("counted again on the van")
        page.get_by_role("button", name="Show what it changes").click()
        expect(page.locator("#effect")).to_contain_text("5 pcs of Crate, empty more come from the customer onto Van 3")
        expect(page.locator("#effect")).to_contain_text("Nobody is written to.")
        assert axe(page, axe_script) == []
        look(page, "correct-collection")
        page.get_by_role("button", name="Correct the report").click()
        expect(page.get_by_text("is corrected: collected.")).to_be_visible()
        page.goto(f"{address}/evening?day={DAY}")
        expect(page.get_by_label("Counted: Crate, empty")).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="CRATE")).to_contain_text("9 pcs")
