"""A hold from the order's page: it stops the release and never the claim; who and when are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from data import tables
from data.store import SqlStore
from routing.model.imports import LineIn, OrderIn
from routing.rules.imports import HEADER, compare
from routing.services.releasing import simulate_release
from tests.desk import Desk, a_desk
from tests.website import Website, a_website, form_token


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


def hold(client: FlaskClient, order_id: int, **fields: str) -> TestResponse:
    token = form_token(client.get("/policies"))
    return client.post(f"/orders/{order_id}/hold", data={"csrf_token": token, **fields})


def why_it_stays(website: Website, desk: Desk, order_id: int) -> list[str]:
    with website.installation.database.reading() as connection:
        depot = connection.execute(select(tables.order.c.depot_id).where(tables.order.c.id == order_id)).scalar_one()
        day = website.clock.at.date().isoformat()
        found = simulate_release(SqlStore(connection), depot_id=depot, for_day=day, now=website.clock.at)
        return [reason.value for order in found.stays if order.order_id == order_id for reason in order.reasons]


def held_units(website: Website) -> list[tuple[int, int]]:
    with website.installation.database.reading() as connection:
        query = select(tables.allocation.c.order_line_id, tables.allocation.c.quantity)
        return sorted(tuple(row) for row in connection.execute(query))


@pytest.mark.parametrize(("what", "reason"), [("order", "on_hold"), ("payment", "customer_payment")])
def test_a_hold_stops_the_release_keeps_the_goods_and_is_lifted_again(
    website: Website, desk: Desk, what: str, reason: str
) -> None:
    client, order, goods = website.signed_in(), desk.orders[1], held_units(website)
    assert hold(client, order, what=what, reason="asks for another day").status_code == 302
    assert reason in why_it_stays(website, desk, order)
    assert held_units(website) == goods
    page = client.get(f"/orders/{order}").text
    assert "asks for another day" in page
    assert "user:" not in page, "who did it has a name"
    assert hold(client, order, what=what, lift="1").status_code == 422, "who lets it go says why, as who held it"
    assert reason in why_it_stays(website, desk, order)
    assert hold(client, order, what=what, lift="1", reason="they want it after all").status_code == 302
    assert reason not in why_it_stays(website, desk, order)
    page = client.get(f"/orders/{order}").text
    assert "asks for another day" in page, "the timeline keeps it"
    assert "Why: they want it after all" in page


def test_a_hold_needs_a_reason_an_order_and_somebody_who_may(website: Website, desk: Desk) -> None:
    client, order = website.signed_in(), desk.orders[1]
    for fields, status in (({}, 400), ({"reason": "  "}, 400), ({"reason": "x" * 201}, 400)):
        assert hold(client, order, **fields).status_code in (status, 422)
    assert hold(client, 9999, reason="x").status_code == 404
    viewer = website.signed_in(role="viewer")
    token = form_token(viewer.get("/orders"))
    assert viewer.post(f"/orders/{order}/hold", data={"csrf_token": token, "reason": "x"}).status_code == 403
    assert "on_hold" not in why_it_stays(website, desk, order)


def test_one_order_passes_its_payment_gate_by_hand_and_a_file_does_not_close_it_again(
    website: Website, desk: Desk
) -> None:
    client, order = website.signed_in(role="salesperson"), desk.orders[1]
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.order).where(tables.order.c.id == order).values(payment="pending"))
    assert why_it_stays(website, desk, order) == ["payment"]
    token = form_token(client.get(f"/orders/{order}"))
    gate = f"/orders/{order}/payment"
    assert client.post(gate, data={"csrf_token": token, "reason": " "}).status_code in (400, 422)
    assert why_it_stays(website, desk, order) == ["payment"]
    assert client.post(gate, data={"csrf_token": token, "reason": "the bank confirmed it"}).status_code == 302
    assert "payment" not in why_it_stays(website, desk, order)
    page = client.get(f"/orders/{order}").text
    assert page.count("the bank confirmed it") == 2, "with the order, and in its timeline"
    assert "salesperson 1" in page
    with website.installation.database.reading() as connection:
        existing = SqlStore(connection).orders(["SO-1"])["SO-1"]
    assert compare(existing, as_in_a_file(existing, payment="pending")).header == {}
    assert client.post(gate, data={"csrf_token": token, "again": "1"}).status_code == 302
    assert why_it_stays(website, desk, order) == ["payment"]


def as_in_a_file(existing: dict[str, Any], **values: Any) -> OrderIn:
    header = {name: existing[name] for name in HEADER} | values
    lines = tuple(
        LineIn(
            number=line["number"], product_id=line["product_id"], sku=line["sku"], quantity=line["quantity"],
            unit_price=line["unit_price"],
        )
        for line in existing["lines"]
    )  # fmt: skip
    return OrderIn(row=2, number=existing["number"], lines=lines, **header)


def test_what_is_paid_at_the_door_waits_at_no_payment_gate(website: Website, desk: Desk) -> None:
    client, order = website.signed_in(), desk.orders[1]
    with website.installation.database.writing() as connection:
        connection.execute(
            update(tables.order).where(tables.order.c.id == order).values(payment="pending", currency="EUR")
        )
    assert "payment" in why_it_stays(website, desk, order)
    token = form_token(client.get("/policies"))
    assert client.post(f"/orders/{order}/pay", data={"csrf_token": token, "amount": "40"}).status_code == 302
    assert "payment" not in why_it_stays(website, desk, order)
    page = client.get(f"/orders/{order}").text
    assert "awaited, at the door" in page
    assert "Let it go unpaid" not in page


def test_goods_that_a_door_refused_stand_on_the_order_s_page_with_what_they_are_worth(
    website: Website, desk: Desk
) -> None:
    with website.installation.database.writing() as connection:
        lines = select(tables.order_line.c.id).where(tables.order_line.c.order_id == desk.orders[4])
        connection.execute(update(tables.order_line).where(tables.order_line.c.id.in_(lines)).values(unit_price=200))
        held = update(tables.allocation).where(tables.allocation.c.order_line_id.in_(lines))
        connection.execute(held.values(allocated=0, refused=tables.allocation.c.quantity))
    page = website.signed_in().get(f"/orders/{desk.orders[4]}").text
    assert re.search(r"€[\d.]+ refused", page)
