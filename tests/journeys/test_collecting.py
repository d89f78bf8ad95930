"""Empties that we never delivered: asked for by the dispatcher, fetched by the driver, counted and inspected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import insert, select, update

from data import tables
from data.store import SqlStore
from tests.rounds import DAY, SIX, Round, row
from tests.website import PASSWORD, Website, a_website, served


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(reduced_motion="reduce", has_touch=True)
    yield context.new_page()
    context.close()


def on_the_list(website: Website, this: Round) -> int:
    """The collection rides on the van that brings goods to its door; returns its key."""
    with website.installation.database.writing() as connection:
        collects = tables.delivery.c.direction == "collect"
        key: int = connection.execute(select(tables.delivery.c.id).where(collects)).scalar_one()
        connection.execute(update(tables.delivery).where(collects).values(state="dispatched"))
        connection.execute(
            insert(tables.stop_delivery).values(stop_id=this.stops[0].stop_id, delivery_id=key, sequence=2)
        )
    return key


def lines(website: Website) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(tables.empties_line)))


def test_empties_are_asked_for_fetched_counted_and_inspected(website: Website, page: Page) -> None:
    this = website.a_round(stops=1, loaded=12)
    with website.installation.database.writing() as connection:
        crate = row(connection, tables.product, number="CRATE", name="Crate, empty", weight_g=900, returnable=True)
        order = connection.scalar(select(tables.order.c.id))
    email = website.an_account(role="dispatcher")
    with served(website) as address:
        page.goto(f"{address}/login?next=/orders/{order}")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_label("Goods or empties").select_option(label="CRATE Crate, empty")
        page.get_by_label("Units").fill("6")
        page.get_by_label("From which day").fill(DAY)
        page.get_by_label("Why", exact=True).fill("empty crates")
        page.get_by_role("button", name="Fetch it").click()
        expect(page.get_by_text("6 × CRATE are to be fetched from")).to_be_visible()
        collection = on_the_list(website, this)

        page.goto(f"{address}/t/{website.link('tracking', 'delivery', this.stops[0].delivery_id)}")
        expect(page.get_by_role("heading", name="What we fetch")).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="Crate, empty")).to_contain_text("6 pcs")

        page.goto(f"{address}/d/{website.link('driver', 'manifest', this.manifest_id)}")
        expect(page.locator("html[data-ready]")).to_be_attached()
        page.get_by_role("button", name="Delivered").click()
        page.get_by_role("spinbutton", name="Crate, empty: Collected").fill("4")
        page.get_by_label("Received by").fill("Goods-in 1")
        with page.expect_response(lambda answer: answer.url.endswith("/reports")) as sent:
            page.get_by_role("button", name="Save").click()
        assert sent.value.ok
        expect(page.get_by_text("All sent")).to_be_visible()
        assert [(line.quantity, line.collected) for line in lines(website)] == [(6, 4)]

        page.goto(f"{address}/evening?day={DAY}")
        page.get_by_label("Counted: Crate, empty").fill("4")
        page.get_by_role("button", name="Close van").click()
        expect(page.get_by_text("back for their customers, 4 returned, 0 lost").first).to_be_visible()

        page.goto(f"{address}/warehouse")
        page.get_by_role("link", name="Inspect what came back").click()
        expect(page.get_by_role("listitem").filter(has_text="CRATE")).to_contain_text("4 pcs")
        page.get_by_role("button", name="To stock").click()
        expect(page.get_by_role("heading", name="Nothing to inspect")).to_be_visible()

        page.goto(f"{address}/orders/{order}")
        expect(page.get_by_text("4 collected")).to_be_visible()
    with website.installation.database.reading() as connection:
        store = SqlStore(connection)
        assert store.goods_at(f"depot:{this.depot_id}")[crate] == 4
        assert store.delivery_id(f"D-{collection:06d}") == collection


def test_refused_goods_leave_the_crates_of_that_door_to_an_answer_of_their_own(website: Website, page: Page) -> None:
    this = website.a_round(stops=1, loaded=12)
    with website.installation.database.writing() as connection:
        crate = row(connection, tables.product, source="own", number="CRATE", name="Crate, empty", returnable=True)
        depot = this.depot_id
        release = connection.execute(select(tables.delivery.c.release_id)).scalar_one()
        key = row(
            connection, tables.delivery, number="D-CRATES", release_id=release, site_id=this.stops[0].site_id,
            depot_id=depot, direction="collect", for_day=DAY, oldest_ordered_at=SIX, state="dispatched",
        )  # fmt: skip
        row(connection, tables.empties_line, delivery_id=key, product_id=crate, quantity=6)
        connection.execute(
            insert(tables.stop_delivery).values(stop_id=this.stops[0].stop_id, delivery_id=key, sequence=2)
        )
    with served(website) as address:
        page.goto(f"{address}/d/{website.link('driver', 'manifest', this.manifest_id)}")
        expect(page.locator("html[data-ready]")).to_be_attached()
        page.get_by_role("button", name="Problem").click()
        page.get_by_text("All refused").click()
        expect(page.get_by_text("What is to be collected here is asked next.")).to_be_visible()
        with page.expect_response(lambda answer: answer.url.endswith("/reports")) as sent:
            page.get_by_role("button", name="Save").click()
        assert sent.value.ok
        page.get_by_role("button", name="Collected").click()
        page.get_by_role("spinbutton", name="Crate, empty: Collected").fill("4")
        page.get_by_label("Handed over by").fill("Goods-in 1")
        with page.expect_response(lambda answer: answer.url.endswith("/reports")) as sent:
            page.get_by_role("button", name="Save").click()
        assert sent.value.ok
        expect(page.get_by_text("All stops are done")).to_be_visible()
    assert [(line.quantity, line.collected) for line in lines(website)] == [(6, 4)]
    with website.installation.database.reading() as connection:
        found = connection.execute(select(tables.proof.c.outcome).order_by(tables.proof.c.id)).scalars().all()
    assert found == ["refused", "delivered"]
