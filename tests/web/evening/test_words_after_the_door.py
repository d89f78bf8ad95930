"""What a door left behind is told alike to the desk and to the customer: on the order, on its page and by message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from data import tables
from routing.model.proofs import Outcome
from tests.evening import Driven
from tests.rounds import DAY, row
from tests.website import Website, a_website


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as site:
        yield site


@pytest.fixture
def driven(website: Website) -> Driven:
    return a_day(website)


def a_day(website: Website, **values: Any) -> Driven:
    made = website.a_round(told=("08:00", "08:30"), **values)
    with website.installation.database.writing() as connection:
        row(connection, tables.current_plan, depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched")
    return Driven(website.installation.database, made, website.installation.secret)


def order_page(website: Website, driven: Driven, stop: int = 0) -> str:
    line, orders = tables.order_line, driven.round.stops[stop].order_line_id
    with website.installation.database.reading() as connection:
        order_id = connection.scalars(select(line.c.order_id).where(line.c.id == orders)).one()
    return " ".join(website.signed_in().get(f"/orders/{order_id}").text.split())


def customer_page(website: Website, driven: Driven, stop: int = 0, *, kind: str = "tracking") -> str:
    token = website.link(kind, "delivery", driven.round.stops[stop].delivery_id)
    return " ".join(website.client().get(f"/{kind[0]}/{token}").text.split())


@pytest.mark.parametrize(
    ("language", "headline", "below", "step"),
    [
        ("en", "The goods were not accepted", "We will call you to agree on what next.", "Delivered"),
        ("fi", "Tavaraa ei otettu vastaan", "Soitamme sinulle ja sovimme jatkosta.", "Toimitettu"),
        ("sv", "Varorna togs inte emot", "Vi ringer dig och kommer överens om fortsättningen.", "Levererat"),
    ],
)
def test_goods_that_were_refused_were_not_delivered_on_the_customers_page(
    website: Website, language: str, headline: str, below: str, step: str
) -> None:
    driven = a_day(website, language=language)
    driven.says(0, Outcome.REFUSED)
    shown = customer_page(website, driven)
    assert f"<h1>{headline}</h1>" in shown
    assert below in shown
    assert 'class="steps"' not in shown, "nothing was delivered, so nothing is ticked"
    assert f"<h1>{step}</h1>" not in shown


def test_an_order_whose_goods_were_refused_says_so_and_that_a_decision_waits(website: Website, driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    shown = order_page(website, driven)
    assert "Refused at the door on Tue 12 May at 08:05: a decision waits, credit, cancel or deliver again." in shown
    assert "Delivered on" not in shown
    assert "chip done" not in shown.split('class="timeline"')[0]
    assert "D-1-1 was refused at the door." in shown


def test_an_order_of_which_a_part_was_refused_names_both(website: Website, driven: Driven) -> None:
    driven.says(0, delivered=10, refused=2)
    shown = order_page(website, driven)
    assert "Delivered on Tue 12 May at 08:05." in shown
    assert "2 of 12 units were refused: a decision waits, credit, cancel or deliver again." in shown


def test_a_customer_who_refused_everything_hears_what_comes_next(driven: Driven) -> None:
    driven.says(0, Outcome.REFUSED)
    told = [each for each in driven.rows(tables.notice) if each.kind != "out_today"]
    assert {each.kind for each in told} == {"failed"}
    assert told[0].data["goods"] == [{"quantity": 12, "unit": "pcs", "name": "Oat milk 1 l"}]
    assert told[0].data["why"] == "the goods were not accepted"
