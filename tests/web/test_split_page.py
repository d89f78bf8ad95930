"""What is too big for any van is split over trips, by a press on the board."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from data.tables import delivery, event
from tests.demo_day import DAY, current, demo_home, demo_website, planned_website, sign_in
from tests.website import Website, form_token

__all__ = ["demo_home", "demo_website", "planned_website"]

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(planned_website: Website) -> FlaskClient:
    return sign_in(planned_website)


def left_out(website: Website, reason: str) -> list[int]:
    return [row.delivery_id for row in current(website).left_out if reason in row.reasons]


def test_what_is_too_big_is_split_by_a_press_and_says_so_wherever_it_is_read(
    planned_website: Website, client: FlaskClient
) -> None:
    plan = current(planned_website)
    (key, *_) = left_out(planned_website, "capacity")
    panel = client.get(f"/plan/{plan.plan_id}/left-out/{key}").get_data(as_text=True)
    path = f"/plan/{plan.plan_id}/split/{key}"
    assert f'data-load="{path}' in panel
    parts = client.get(path, headers=JSON).get_json()["parts"]
    assert len(parts) > 1
    said = client.get(path).get_data(as_text=True)
    assert f"Split it over {len(parts)} trips" in said
    assert " kg + " in said

    token = form_token(client.get(f"/plan?day={DAY}"))
    answer = client.post(path, data={"csrf_token": token, "day": DAY, "parts": len(parts)}, follow_redirects=True)
    page = answer.get_data(as_text=True)
    with planned_website.installation.database.reading() as connection:
        split = select(event.c.delivery_id).where(event.c.kind == "delivery_split")
        made = list(connection.scalars(split.order_by(event.c.id)))
        numbers = list(
            connection.scalars(select(delivery.c.number).where(delivery.c.id.in_(made)).order_by(delivery.c.id))
        )
    assert (len(made), made[0]) == (len(parts), key)
    assert f"Split into {', '.join(numbers)}. Plan again, and each gets its place." in page
    again = client.post(path, data={"csrf_token": token, "day": DAY, "parts": len(parts)}, headers=JSON)
    assert again.status_code == 409


def test_what_other_things_keep_out_is_offered_no_parts(planned_website: Website, client: FlaskClient) -> None:
    plan = current(planned_website)
    (key, *_) = left_out(planned_website, "competed_out")
    assert "data-split" not in client.get(f"/plan/{plan.plan_id}/left-out/{key}").get_data(as_text=True)
    assert client.get(f"/plan/{plan.plan_id}/split/{key}", headers=JSON).get_json() == {"parts": []}
    token = form_token(client.get(f"/plan?day={DAY}"))
    path = f"/plan/{plan.plan_id}/split/{key}"
    assert client.post(path, data={"csrf_token": token, "parts": 2}, headers=JSON).status_code == 409
