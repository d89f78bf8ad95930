"""Release: one count and one meaning from the headline to the list, and what no plan of the day takes says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from data import tables
from data.queries.release import UnsureSites
from data.store import SqlStore
from routing.services.releasing import simulate_release
from routing.services.sending_along import ReleasedWithRides
from routing.services.telling import Hear
from tests.desk import Desk, a_desk
from tests.website import Website, a_website, form_token
from web.along import Along
from web.cli.release import _print_release, _release_document


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def desk(website: Website) -> Desk:
    return a_desk(website)


@pytest.fixture
def client(website: Website) -> FlaskClient:
    return website.signed_in()


def test_the_list_of_what_stays_counts_as_the_headline_does(client: FlaskClient, website: Website, desk: Desk) -> None:
    """Cafés 1 to 3 wait for a truck: of 2 nothing would come anyhow, and 3 is wanted next week."""
    with website.installation.database.writing() as connection:
        connection.execute(
            update(tables.order).where(tables.order.c.id == desk.orders[2]).values(hold_reason="asked to wait")
        )
        later = (website.clock.at + timedelta(days=7)).date().isoformat()
        connection.execute(update(tables.order).where(tables.order.c.id == desk.orders[3]).values(wanted_on=later))
    page = client.get("/release").text
    headline = dict(
        (word.strip(), int(count))
        for count, word in re.findall(r"<b>(\d+)</b> ([a-z ]+)", page.split('id="standing"')[1].split("</p>")[0])
    )
    listed = {
        word.strip(): int(count)
        for count, word in re.findall(r'fold-head"><b class="number">(\d+)</b> ([a-z ]+)', page)
    }
    assert listed == {"waiting": 1, "held": 1, "for another day": 1}
    assert listed.items() <= headline.items()
    parts = [int(n) for n in re.findall(r'</span><span class="count">(\d+)</span></summary>', page)]
    assert sum(parts) == sum(listed.values()), "the groups add up to their heads"
    assert "On a truck that is not counted in" in page


def test_what_came_after_the_cut_off_is_released_with_the_day_whose_plan_takes_it(
    client: FlaskClient, website: Website, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Café 2 ordered yesterday in the evening, and its zone takes orders until 14:00 of the day before."""
    evening = website.clock.at - timedelta(hours=8)
    with website.installation.database.writing() as connection:
        zone = connection.execute(
            insert(tables.zone)
            .values(depot_id=desk.depot, number="Z1", name="Harbour", delivery_days="tue,thu", cut_off="14:00")
            .returning(tables.zone.c.id)
        ).scalar_one()
        mine = tables.site.c.id == desk.sites[2]
        connection.execute(update(tables.site).where(mine).values(delivery_zone_id=zone, delivery_days=""))
        for café in (1, 2):
            connection.execute(
                update(tables.order).where(tables.order.c.id == desk.orders[café]).values(ordered_at=evening)
            )
    with website.installation.database.reading() as connection:
        found = simulate_release(SqlStore(connection), depot_id=desk.depot, for_day="2026-05-12", now=website.clock.at)
    assert {each.order: each.planned_from for each in found.ready} == {
        "SO-1": "", "SO-2": "2026-05-14", "SO-3": "", "SO-4": "",
    }, "Café 1 is of no zone, and no cut-off binds it"  # fmt: skip
    _print_release("Depot North", found, UnsureSites(), simulate=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "no plan of Tue 12 May 2026 takes them; Thu 14 May 2026 at the earliest" in said
    assert "after the cut-off: Thu 14 May" in client.get("/release").text
    answer = client.post(
        "/release", data={"csrf_token": form_token(client.get("/release")), "day": "2026-05-12", "all": "1"}
    )
    assert "SO-2 was ordered after the cut-off" in client.get(answer.headers["Location"]).text


def test_no_day_is_made_up_for_what_came_after_the_cut_off_of_the_only_day_its_door_is_served_on(
    client: FlaskClient, website: Website, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Café 2 is of a Sunday zone, nobody drives on Sundays, and it was opened for 12 May alone: ordered the evening
    before, no plan takes it."""
    evening = website.clock.at - timedelta(hours=8)
    with website.installation.database.writing() as connection:
        zone = connection.execute(
            insert(tables.zone)
            .values(depot_id=desk.depot, number="Z1", name="Harbour", delivery_days="sun", cut_off="14:00")
            .returning(tables.zone.c.id)
        ).scalar_one()
        mine = tables.site.c.id == desk.sites[2]
        connection.execute(update(tables.site).where(mine).values(delivery_zone_id=zone, delivery_days=""))
        for scope, scope_id in (("depot", desk.depot), ("site", desk.sites[2])):
            calendar = connection.execute(
                insert(tables.calendar).values(scope=scope, scope_id=scope_id).returning(tables.calendar.c.id)
            ).scalar_one()
        connection.execute(insert(tables.calendar_day).values(calendar_id=calendar, day="2026-05-12", open=True))
        order = tables.order.c.id == desk.orders[2]
        connection.execute(update(tables.order).where(order).values(ordered_at=evening))
    with website.installation.database.reading() as connection:
        found = simulate_release(SqlStore(connection), depot_id=desk.depot, for_day="2026-05-12", now=website.clock.at)
    assert {each.order: each.planned_from for each in found.ready}["SO-2"] is None
    assert [each.order for each in found.after_cut_off] == ["SO-2"]
    document = _release_document("Depot North", ReleasedWithRides(releasing=found), Along(), Hear(), UnsureSites())
    assert {each["order"]: each["planned_from"] for each in document["ready"]}["SO-2"] is None
    _print_release("Depot North", found, UnsureSites(), simulate=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "no plan of Tue 12 May 2026 takes them, and their doors are served on no later day within a year" in said
    assert "after the cut-off: no later day" in client.get("/release").text
    answer = client.post(
        "/release", data={"csrf_token": form_token(client.get("/release")), "day": "2026-05-12", "all": "1"}
    )
    assert "no later day is known on which its door is served" in client.get(answer.headers["Location"]).text


def test_a_release_for_a_later_day_says_first_which_promises_break_and_then_tells_them(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """All four could go today; Café 4, whose coffee lies on the shelf, is released for Thursday."""
    page = client.get("/release?day=2026-05-14").text
    said = " ".join(page.split('id="goes-later"')[1].split("</div>")[0].split())
    assert "If all of this day is released, 4 orders get a later date: 4 told by message, 0 by a call." in said
    assert 'id="goes-later"' not in client.get("/release").text
    answer = client.post(
        "/release",
        data={"csrf_token": form_token(client.get("/release")), "day": "2026-05-14", "order": str(desk.orders[4])},
    )
    assert "1 order got a later date." in client.get(answer.headers["Location"]).text
    with website.installation.database.reading() as connection:
        kinds = connection.scalars(select(tables.notice.c.kind).order_by(tables.notice.c.id)).all()
    assert kinds[-1] == "date_changed"


def test_a_truck_has_one_time_and_one_word_on_receipts_and_release(
    client: FlaskClient, website: Website, desk: Desk
) -> None:
    """Put-away takes ten minutes: the goods can be loaded later than the truck is there."""
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.depot).values(put_away_s=600))
    due = re.search(r"today \d\d:\d\d", client.get("/receipts").text)
    assert due is not None
    assert f"truck {due[0]}" in client.get("/release").text
