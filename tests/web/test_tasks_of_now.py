"""A task says what holds now: its sentence was written when it was made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from data import tables
from data.store import open_store
from routing.services.importing import settle
from routing.services.supplying import Slip, commit_slip
from tests.delayed import LATER
from tests.desk import Desk, a_desk
from tests.website import Website, a_website


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture(params=["call_customer", "delay_consent"])
def called(request: pytest.FixtureRequest, website: Website) -> Desk:
    """The truck slips to Tuesday the 19th; nobody at the cafés agreed to messages, private ones are to be asked."""
    desk = a_desk(website)
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.customer).values(business=request.param == "call_customer"))
        connection.execute(update(tables.contact).values(consent=False))
    with open_store(website.installation.database) as store:
        commit_slip(store, Slip(number="IN-1", to=LATER), now=website.clock.at, by="test")
        assert request.param in set(store.connection.scalars(select(tables.task.c.kind)))
    return desk


def quietly(website: Website, desk: Desk, expected_at: datetime | None) -> None:
    """A file moves the truck, and nobody is told."""
    with open_store(website.installation.database) as store:
        inbound = tables.supply.c.number == "IN-1"
        store.connection.execute(update(tables.supply).where(inbound).values(expected_at=expected_at))
        products = set(store.connection.scalars(select(tables.supply.c.product_id).where(inbound)))
        settle(store, {desk.depot: products}, now=website.clock.at, by="file", tell=False, why="a file")


def test_a_call_says_that_its_day_moved_since_it_was_asked_for(website: Website, called: Desk) -> None:
    client = website.signed_in()
    page = client.get("/tasks").text
    assert "comes on Tue 19 May 2026 instead of Tue 12 May 2026" in page
    assert "Since then" not in page
    quietly(website, called, website.clock.at + timedelta(days=16))
    page = client.get("/tasks").text
    assert "comes on Tue 19 May 2026 instead of Tue 12 May 2026" in page
    assert "Since then the day moved: expected on Thu 28 May now." in page
    quietly(website, called, None)
    assert "Since then the day was lost: there is none now." in client.get("/tasks").text


def test_a_call_about_a_lost_day_says_that_there_is_one_again(website: Website) -> None:
    desk = a_desk(website)
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.contact).values(consent=False))
    with open_store(website.installation.database) as store:
        commit_slip(store, Slip(number="IN-1", to=None), now=website.clock.at, by="test")
    client = website.signed_in()
    assert "has no date any more" in client.get("/tasks").text
    with open_store(website.installation.database) as store:
        store.connection.execute(
            update(tables.supply).where(tables.supply.c.number == "IN-1").values(cancelled_at=None)
        )
    quietly(website, desk, website.clock.at + timedelta(days=7))
    assert "Since then the day moved: expected on Tue 19 May now." in client.get("/tasks").text
