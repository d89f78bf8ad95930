"""A day that is under way, as the dispatcher's pages tell it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import insert, select

from data import tables
from tests.rounds import DAY, Round
from tests.website import Website, a_website


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def this(website: Website) -> Round:
    """Two stops of Van 3, dispatched, and the plan that holds."""
    made = website.a_round(stops=2, loaded=12)
    with website.installation.database.writing() as connection:
        connection.execute(
            insert(tables.current_plan).values(
                depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched"
            )
        )
    return made


def order_of(website: Website, stop: Any) -> int:
    with website.installation.database.reading() as connection:
        query = (
            select(tables.order_line.c.order_id)
            .join(tables.allocation, tables.allocation.c.order_line_id == tables.order_line.c.id)
            .where(tables.allocation.c.id == stop.allocation_id)
        )
        return connection.scalars(query).one()


def report(website: Website, this: Round, outcome: str, lines: dict[str, int], **files: bytes) -> None:
    stop = this.stops[0]
    said = {
        "client_id": "11111111-1111-4111-8111-111111111111",
        "sequence": 1,
        "kind": "outcome",
        "stop_id": stop.stop_id,
        "captured_at": website.clock.at.isoformat(),
        "deliveries": [
            {
                "delivery_id": stop.delivery_id,
                "outcome": outcome,
                "lines": [{"allocation_id": stop.allocation_id, **lines}] if lines else [],
            }
        ],
        "recipient": "Goods-in 1" if lines else "",
        "note": "",
        "location": None,
    }
    answer = website.client().post(
        "/d/reports",
        headers={"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)},
        data={"report": json.dumps(said), **{kind: (io.BytesIO(content), kind) for kind, content in files.items()}},
        content_type="multipart/form-data",
    )
    assert answer.status_code in (200, 201), answer.text


def a_photo() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (60, 40), "white").save(content, "JPEG")
    return content.getvalue()


def test_where_it_is_names_van_stop_and_time(website: Website, this: Round) -> None:
    client = website.signed_in()
    assert "Van 3, stop 2 of 2, today about 08:20." in client.get(f"/orders/{order_of(website, this.stops[1])}").text


def test_a_window_that_was_told_is_the_answer(website: Website) -> None:
    made = website.a_round(stops=1, told=("08:00", "09:00"))
    with website.installation.database.writing() as connection:
        connection.execute(
            insert(tables.current_plan).values(
                depot_id=made.depot_id, day=DAY, plan_id=made.plan_id, state="dispatched"
            )
        )
    assert "today 08:00–09:00." in website.signed_in().get(f"/orders/{order_of(website, made.stops[0])}").text


def test_a_delivery_shows_who_took_it_and_the_proof(website: Website, this: Round) -> None:
    report(website, this, "delivered", {"delivered": 12}, signature=a_photo())
    client = website.signed_in()
    page = client.get(f"/orders/{order_of(website, this.stops[0])}").text
    assert "Received by Goods-in 1." in page
    with website.installation.database.reading() as connection:
        proof_id, file_id = connection.execute(select(tables.proof_file.c.proof_id, tables.proof_file.c.file_id)).one()
    picture = client.get(f"/orders/proofs/{proof_id}/{file_id}")
    assert picture.status_code == 200
    assert picture.mimetype.startswith("image/")
    assert client.get(f"/orders/proofs/{proof_id + 1}/{file_id}").status_code == 404
    assert website.signed_in(role="viewer").get(f"/orders/proofs/{proof_id}/{file_id}").status_code == 403
    assert "1 / 2" in client.get("/").text


def test_a_failed_try_says_why_and_what_is_next(website: Website, this: Round) -> None:
    report(website, this, "not_home", {})
    page = website.signed_in().get(f"/orders/{order_of(website, this.stops[0])}").text
    assert "failed: nobody there." in page
    assert "could not be delivered: nobody there" in page
