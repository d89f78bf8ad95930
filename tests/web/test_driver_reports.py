"""What a phone may send, and what it is told."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import Table, select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from data import tables
from data.store import open_store
from routing.rules.policies import PolicyRow, Scope
from routing.services.delivering import record
from tests.rounds import Round, row
from tests.website import Website, a_website
from web.outbox import send_due, set_outbound
from web.serving import open_demo_mailbox


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        yield made


@pytest.fixture
def this(website: Website) -> Round:
    return website.a_round(stops=2, loaded=12)


def report(this: Round, website: Website, **changes: Any) -> dict[str, Any]:
    stop = this.stops[0]
    return {
        "client_id": "11111111-1111-4111-8111-111111111111",
        "sequence": 1,
        "kind": "outcome",
        "stop_id": stop.stop_id,
        "captured_at": website.clock.at.isoformat(),
        "deliveries": [
            {
                "delivery_id": stop.delivery_id,
                "outcome": "delivered",
                "lines": [{"allocation_id": stop.allocation_id, "delivered": 12}],
            }
        ],
        "recipient": "Goods-in 1",
        "note": "",
        "location": {"lat": 60.165, "lon": 24.94, "accuracy_m": 8},
        **changes,
    }


def post(website: Website, this: Round, data: Any, **files: bytes) -> TestResponse:
    return website.client().post(
        "/d/reports",
        headers={"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)},
        data={
            "report": data if isinstance(data, str) else json.dumps(data),
            **{kind: (io.BytesIO(content), kind) for kind, content in files.items()},
        },
    )


def photo(*, width: int = 80, height: int = 40, turn: int = 6) -> bytes:
    """A JPEG whose EXIF says where it was taken and that it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = turn
    exif[0x010F] = "Camera of somebody"
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "JPEG", exif=exif)
    return out.getvalue()


def files(website: Website) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(tables.file).order_by(tables.file.c.id)))


def rows(website: Website, table: Table) -> list[Any]:
    with website.installation.database.reading() as connection:
        return list(connection.execute(select(table)))


def test_a_report_is_taken_without_a_form_token_and_twice_is_once(website: Website, this: Round) -> None:
    answers = [post(website, this, report(this, website)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json["repeated"] for answer in answers if answer.json] == [False, True]


def test_who_ends_at_the_last_stop_is_not_sent_back_to_the_depot(website: Website, this: Round) -> None:
    url = f"/d/{website.link('driver', 'manifest', this.manifest_id)}/route.json"
    assert website.client().get(url).get_json()["returnsAt"]
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.shift).values(end_place="anywhere"))
    assert website.client().get(url).get_json()["returnsAt"] is None


def test_a_report_that_met_another_on_the_way_is_tried_again(
    website: Website, this: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Met(Exception):
        sqlstate = "40P01"  # PostgreSQL chose this one to give way

    tried: list[datetime] = []

    def meets_another(**asked: Any) -> Any:
        tried.append(asked["now"])
        if len(tried) == 1:
            raise OperationalError("", {}, Met())
        return record(**asked)

    monkeypatch.setattr("web.driver.record", meets_another)
    answer = post(website, this, report(this, website))
    assert (answer.status_code, answer.json and answer.json["repeated"], len(tried)) == (200, False, 2)


@pytest.mark.parametrize("outcome", ["not_home", "refused", "damaged"])
def test_what_was_handed_over_whole_cannot_have_failed(website: Website, this: Round, outcome: str) -> None:
    data = report(this, website)
    data["deliveries"][0]["outcome"] = outcome
    answer = post(website, this, data)
    assert (answer.status_code, answer.json and answer.json["error"]["code"]) == (422, "door_outcome")
    assert answer.json
    assert answer.json["error"]["sentence"] == (
        f"All of D-1-1 was handed over, but the outcome says: {outcome.replace('_', ' ')}. Choose what happened "
        "instead, or count again."
    )
    assert rows(website, tables.proof) == []


def test_a_phone_whose_clock_is_years_behind_is_recorded_when_it_reached_us(website: Website, this: Round) -> None:
    answer = post(website, this, report(this, website, captured_at="2001-01-01T00:00:00+00:00"))
    assert answer.json
    assert answer.json["remarks"] == [
        "The clock of this phone says 2001-01-01 02:00: the time at which the report reached us counts. Set it to "
        "automatic time."
    ]
    (proof,) = rows(website, tables.proof)
    assert proof.captured_at == website.clock.at
    said = next(each for each in rows(website, tables.event) if each.kind == "stop.reported")
    assert (said.captured_at, said.data["phone_said"]) == (website.clock.at, "2001-01-01T00:00:00+00:00")


def test_a_distance_below_nothing_counts_as_not_known(website: Website, this: Round) -> None:
    place = {"lat": 60.165, "lon": 24.94, "accuracy_m": -1e9}
    assert post(website, this, report(this, website, location=place)).status_code == 200
    (proof,) = rows(website, tables.proof)
    assert (proof.lat, proof.accuracy_m) == (60.165, None)


def test_a_picture_of_one_endless_line_is_refused_before_it_is_opened(website: Website, this: Round) -> None:
    out = io.BytesIO()
    Image.new("1", (1, 20_001)).save(out, "PNG")
    answer = post(website, this, report(this, website), photo=out.getvalue())
    assert answer.json
    assert (answer.status_code, answer.json["error"]["sentence"]) == (
        422,
        "This picture is 1 × 20,001 pixels; at most 20,000 a side are read. Take it again.",
    )


def test_the_same_id_for_another_report_is_a_conflict(website: Website, this: Round) -> None:
    post(website, this, report(this, website))
    answer = post(website, this, report(this, website, note="changed"))
    assert (answer.status_code, answer.json and answer.json["error"]["code"]) == (409, "key_reused")


def test_a_photo_is_turned_upright_and_keeps_nothing_of_its_camera(website: Website, this: Round) -> None:
    assert post(website, this, report(this, website), photo=photo()).status_code == 200
    (kept,) = files(website)
    content = website.installation.files.read(kept.sha256)
    picture = Image.open(io.BytesIO(content))
    assert (picture.size, kept.media_type) == ((40, 80), "image/jpeg")
    assert dict(picture.getexif()) == {}
    assert b"Camera of somebody" not in content


@pytest.mark.parametrize(
    "content", [b"no picture at all", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + b"0" * 40]
)
def test_what_is_no_picture_is_refused_and_nothing_is_recorded(website: Website, this: Round, content: bytes) -> None:
    answer = post(website, this, report(this, website), photo=content)
    assert answer.status_code == 422
    assert answer.json == {
        "error": {
            "code": "picture",
            "sentence": "This picture cannot be read. Take it again; JPEG, PNG and WebP work.",
        }
    }
    assert files(website) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"captured_at": "2026-05-12T08:00:00"}, "captured_at has no time zone: write it as 2026-05-12T08:12:00Z."),
        ({"captured_at": "2026-05-13T08:00:00+00:00"}, "The clock of this phone runs ahead."),
        ({"stop_id": "one"}, "stop_id is not a whole number."),
        ({"stop_id": 99999}, "This stop is not on your route. Load the route again."),
        ({"kind": "dance"}, "kind is 'dance', but must be one of: arrived, outcome, loaded."),
        ({"location": {"lat": 600, "lon": 2}}, "(600, 2) is no place on earth"),
        ({"location": {"lat": True, "lon": 2}}, "location needs lat and lon as numbers."),
        ({"deliveries": []}, "A report of what happened names at least one delivery."),
        (
            {"deliveries": [{"delivery_id": 1, "outcome": "delivered"}, {"delivery_id": 1, "outcome": "not_home"}]},
            "A report of what happened names a delivery twice.",
        ),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_in_one_sentence(
    website: Website, this: Round, changes: dict[str, Any], says: str
) -> None:
    answer = post(website, this, report(this, website, **changes))
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["error"]["sentence"].startswith(says)


@pytest.mark.parametrize("data", ["", "[]", "{", "null"])
def test_what_is_no_report_at_all_is_refused(website: Website, this: Round, data: str) -> None:
    assert post(website, this, data).status_code == 422


def test_a_customer_sees_the_pictures_of_their_own_delivery_only(website: Website, this: Round) -> None:
    post(website, this, report(this, website), photo=photo())
    (kept,) = files(website)
    own = website.link("proof", "delivery", this.stops[0].delivery_id)
    client = website.client()
    assert client.get(f"/p/{own}/files/{kept.sha256}").content_type == "image/jpeg"
    assert client.get(f"/p/{own}/files/{'0' * 64}").status_code == 404
    other = website.link("proof", "delivery", this.stops[1].delivery_id)
    assert client.get(f"/p/{other}/files/{kept.sha256}").status_code == 404
    page = client.get(f"/p/{own}")
    assert "Goods-in 1" in page.text
    assert kept.sha256 in page.text


def test_a_position_is_kept_within_the_shift(website: Website, this: Round) -> None:
    answer = website.client().post(
        "/d/positions",
        headers={"X-Backroute-Link": website.link("driver", "manifest", this.manifest_id)},
        json={"location": {"lat": 60.17, "lon": 24.94}, "captured_at": website.clock.at.isoformat()},
    )
    assert answer.json == {"kept": True}


def test_the_driver_is_told_how_long_it_is_kept_where_the_phone_was(website: Website, this: Round) -> None:
    page = f"/d/{website.link('driver', 'manifest', this.manifest_id)}"
    assert "After 14 days that is deleted." in website.client().get(page).text
    week = PolicyRow(scope=Scope.COMPANY, name="positions_days", value=7, effective_from="2026-01-01")
    with open_store(website.installation.database) as store:
        store.set_policy(week, by="test", now=website.clock.at)
    assert "After 7 days that is deleted." in website.client().get(page).text


def test_a_van_that_runs_late_tells_the_next_door_its_new_window_with_its_goods(website: Website) -> None:
    this = website.a_round(stops=2, loaded=12, told=("08:00", "08:45"))
    website.clock.at += timedelta(hours=2)
    with contextlib.ExitStack() as stack:
        mailbox = open_demo_mailbox(website.installation, stack)
        with open_store(website.installation.database) as store:
            set_outbound(store, mode="real", by="test", now=website.clock.at)
        assert post(website, this, report(this, website)).status_code == 200
        done = send_due(website.installation)
        assert (done.failed, done.withheld) == (0, 0)
        (moved,) = [each for each in mailbox.messages() if "out today" in each["Subject"]]
    text = moved.get_content()
    assert "- 12 pcs Oat milk 1 l" in text
    with website.installation.database.reading() as connection:
        reference = connection.scalars(select(tables.order.c.customer_reference).order_by(tables.order.c.id)).all()[1]
    assert reference in text.partition("Your reference: ")[2].splitlines()[0]
    assert "Time: " in text


def test_the_driver_reads_whether_the_customer_has_heard_of_the_window(website: Website) -> None:
    """Nobody had written to the second door; then a late van has a new window for it, which waits, goes out or not."""
    this = website.a_round(stops=2, loaded=12, told=("08:00", "08:45"))

    def heard() -> tuple[str, str | None]:
        link = website.link("driver", "manifest", this.manifest_id)
        second = website.client().get(f"/d/{link}/route.json").json["stops"][1]  # type: ignore[index]
        return second["heard"], second["heardAt"]

    def becomes(**values: Any) -> None:
        with website.installation.database.writing() as connection:
            connection.execute(tables.notice.update().where(tables.notice.c.kind == "out_today").values(**values))

    assert heard() == ("nobody", None)
    website.clock.at += timedelta(hours=2)
    assert post(website, this, report(this, website)).status_code == 200
    assert heard() == ("off", None)
    with open_store(website.installation.database) as store:
        set_outbound(store, mode="real", by="test", now=website.clock.at)
    assert heard() == ("waits", None)
    becomes(status="withheld", problem="Kept by hand.")
    assert heard() == ("withheld", None)
    becomes(status="withheld", problem="Too late to send: it tells of Mon 11 May 2026, and that day is over.")
    assert heard() == ("late", None)
    becomes(status="failed", problem="550 no such mailbox")
    assert heard() == ("failed", None)
    becomes(status="sent", sent_at=website.clock.at, problem="")
    assert heard() == ("told", website.clock.at.isoformat())


def test_a_message_that_cannot_be_written_is_withheld_and_keeps_no_other(website: Website, this: Round) -> None:
    post(website, this, report(this, website))
    with contextlib.ExitStack() as stack:
        mailbox = open_demo_mailbox(website.installation, stack)
        with open_store(website.installation.database) as store:
            set_outbound(store, mode="real", by="test", now=website.clock.at)
        with website.installation.database.writing() as connection:
            first, *others = connection.scalars(select(tables.notice.c.id).order_by(tables.notice.c.id)).all()
            spoilt = tables.notice.update().where(tables.notice.c.id == first)
            connection.execute(spoilt.values(data={"goods": "12 pcs Oat milk"}))
        done = send_due(website.installation)
        assert (done.withheld, done.sent) == (1, len(others))
        assert len(mailbox.messages()) == len(others) > 0


def taken_over(website: Website, this: Round) -> tuple[int, list[int]]:
    """Another driver takes the van and the rest of its round: (the new list, its stops)."""
    with open_store(website.installation.database) as store:
        connection = store.connection

        def again(table: Table, key: int, **changes: Any) -> int:
            (values,) = connection.execute(select(table).where(table.c.id == key)).mappings()
            return row(connection, table, **{k: v for k, v in {**values, **changes}.items() if k != "id"})

        spare = again(tables.driver, this.driver_id, number="DR7", name="Driver 7")
        shift_id = store.copy_shift(shift_id=this.shift_id, driver_id=spare, why="driver out")
        store.set_shift_state(shift_id=this.shift_id, state="replaced", why="driver out")
        plan_id = again(tables.plan, this.plan_id, parent_id=this.plan_id)
        route_id = again(tables.route, this.route_id, plan_id=plan_id, shift_id=shift_id)
        (trip,) = connection.scalars(select(tables.trip.c.id).where(tables.trip.c.route_id == this.route_id))
        trip_id = again(tables.trip, trip, route_id=route_id)
        stops = []
        for each in this.stops:
            stops.append(again(tables.stop, each.stop_id, trip_id=trip_id))
            row(connection, tables.stop_delivery, stop_id=stops[-1], delivery_id=each.delivery_id, sequence=1)
        manifest_id = store.add_manifest(
            plan_id=plan_id, route_id=route_id, shift_id=shift_id, driver_id=spare, day="2026-05-12", version=1,
            content={"stops": []}, by="test", now=website.clock.at,
        )  # fmt: skip
    return manifest_id, stops


def test_who_takes_a_van_over_goes_on_where_the_other_stopped(website: Website, this: Round) -> None:
    post(website, this, report(this, website))
    manifest_id, _stops = taken_over(website, this)
    link = website.link("driver", "manifest", manifest_id)
    answer = website.client().get(f"/d/{link}/route.json").json
    assert answer is not None
    assert answer["driver"] == "Driver 7"
    assert [stop["state"] for stop in answer["stops"]] == ["done", "waiting"]
    assert answer["stops"][0]["outcome"] == "delivered"
    with website.installation.database.reading() as connection:
        lists = connection.execute(select(tables.manifest).order_by(tables.manifest.c.id)).all()
    assert [each.replaced_at is None for each in lists] == [False, True], "one list of a van is in force"


def test_what_the_first_driver_reports_late_is_known_to_the_one_who_took_over(website: Website, this: Round) -> None:
    manifest_id, stops = taken_over(website, this)
    assert post(website, this, report(this, website)).status_code == 200
    link = website.link("driver", "manifest", manifest_id)
    answer = website.client().get(f"/d/{link}/route.json").json
    assert answer is not None
    assert [(stop["id"], stop["state"]) for stop in answer["stops"]] == [(stops[0], "done"), (stops[1], "waiting")]


def test_a_report_that_the_books_do_not_allow_stays_on_the_phone_and_is_one_task(website: Website, this: Round) -> None:
    """The goods of the first stop were taken back, and the phone did not hear of it."""
    with website.installation.database.writing() as connection:
        first = tables.delivery.c.id == this.stops[0].delivery_id
        connection.execute(tables.delivery.update().where(first).values(state="unreleased"))
        connection.execute(tables.movement.delete().where(tables.movement.c.delivery_id == this.stops[0].delivery_id))
    answers = [post(website, this, report(this, website)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [409, 409]
    with website.installation.database.reading() as connection:
        (task,) = connection.execute(select(tables.task)).all()
    assert (task.kind, task.subject_id) == ("report_refused", this.stops[0].delivery_id)
    assert task.sentence == (
        "The phone of Van 3 keeps a report that the books do not allow: D-1-1 does not go with this van any more. Call "
        "the driver: were its goods on board, give the delivery to that van again, and the driver presses Try again."
    )
