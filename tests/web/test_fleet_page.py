"""Vehicles, drivers and the standing week on their page: kept as typed, refused in a sentence, and no plan changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update
from werkzeug.test import TestResponse

from data import tables
from data.queries.plan_prices import plan_prices
from data.store import open_store
from routing.model.day import PlanPrices
from tests.desk import a_desk
from tests.website import Website, a_website, form_token

VAN = {
    "number": "V9", "name": "Van 9", "depot": "NORTH", "profile": "van", "weight_kg": "520", "volume_m3": "3,6",
    "pieces": "", "height_cm": "240", "length_cm": "", "gross_kg": "", "skills": "cold, tail_lift", "most_trips": "2",
    "reload_minutes": "30", "out_from": "", "out_to": "", "out_why": "",
}  # fmt: skip
DRIVER = {
    "number": "DR9", "name": "Driver 9", "depot": "NORTH", "phone": "+358 40 555 0109", "email": "d9@example.com",
    "language": "fi", "licence": "C1", "skills": "", "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "driving_hours": "eu", "out_from": "", "out_to": "", "out_why": "",
}  # fmt: skip
SHIFT = {
    "number": "S9", "depot": "NORTH", "vehicle": "V9", "driver": "DR9", "crew": "1", "from": "07:00", "to": "15:00",
    "weekdays": ["mon", "tue", "wed", "thu", "fri"], "overtime_minutes": "60", "cost_per_overtime_hour": "12.50",
    "fixed_cost": "48", "cost_per_hour": "26", "cost_per_km": "0,60", "cost_per_stop": "3.5", "max_stops": "",
    "max_km": "120", "start_place": "depot", "end_place": "anywhere", "rest_after": "full", "loading_minutes": "20",
    "debrief_minutes": "", "break_minutes": "30", "break_from": "10:00", "break_to": "12:00",
    "second_break_minutes": "", "second_break_from": "", "second_break_to": "",
}  # fmt: skip


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    with a_website(tmp_path / "home") as made:
        a_desk(made)
        yield made


@pytest.fixture
def client(website: Website) -> FlaskClient:
    return website.signed_in()


def post(client: FlaskClient, path: str, form: dict[str, Any]) -> TestResponse:
    return client.post(path, data={"csrf_token": form_token(client.get("/calendars"))} | form)


def rows(website: Website, table: Any, *columns: str) -> list[tuple[Any, ...]]:
    with website.installation.database.reading() as connection:
        found = connection.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id))
        return [tuple(row) for row in found]


def events(website: Website) -> list[dict[str, Any]]:
    with website.installation.database.reading() as connection:
        of_fleet = select(tables.event.c.data).where(tables.event.c.kind == "fleet_changed").order_by(tables.event.c.id)
        return list(connection.scalars(of_fleet))


def fill(client: FlaskClient) -> None:
    for kinds, form in (("vehicles", VAN), ("drivers", DRIVER), ("shifts", SHIFT)):
        answer = post(client, f"/fleet/{kinds}/new", form)
        assert answer.status_code == 303, answer.text


def planned(website: Website, day: str, *, state: str = "draft") -> int:
    """A plan of that day with one delivery on the shift of Van 9."""
    with website.installation.database.writing() as connection:
        depot_id = connection.scalar(select(tables.depot.c.id))
        shift_id = connection.scalar(select(tables.shift.c.id).where(tables.shift.c.day == day))
        site_id = connection.scalar(select(tables.site.c.id))
        at = website.clock.at

        def add(table: Any, **values: Any) -> int:
            return int(connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one())

        plan = add(
            tables.plan, from_day=day, to_day=day, depot_ids=[depot_id], problem=b"", engine="test", cost=0,
            served_by_tier=[], why="planned", by="test", made_at=at,
        )  # fmt: skip
        add(tables.current_plan, depot_id=depot_id, day=day, plan_id=plan, state=state)
        route = add(
            tables.route, plan_id=plan, shift_id=shift_id, sequence=1, starts_at=at, ends_at=at, breaks=[], cost=0
        )
        trip = add(tables.trip, route_id=route, sequence=1, departs_at=at, returns_at=at)
        stop = add(
            tables.stop, trip_id=trip, sequence=1, site_id=site_id, arrival=at, start=at, departure=at, load=[0, 0, 0]
        )
        release = add(tables.release, depot_id=depot_id, released_at=at, by="test", for_day=day)
        delivery = add(
            tables.delivery, number="D-1", release_id=release, depot_id=depot_id, site_id=site_id, for_day=day,
            oldest_ordered_at=at,
        )  # fmt: skip
        add(tables.stop_delivery, stop_id=stop, delivery_id=delivery, sequence=1)
    return int(shift_id or 0)


def hidden(answer: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert found, answer.text
    return found[1]


def test_what_is_typed_is_kept_in_our_units_and_shown_again_in_theirs(client: FlaskClient, website: Website) -> None:
    fill(client)
    assert rows(website, tables.vehicle, "name", "weight_g", "volume_cm3", "skills", "most_trips") == [
        ("Van 9", 520_000, 3_600_000, "cold;tail_lift", 2)
    ]
    assert rows(website, tables.driver, "name", "licence", "rule_set", "language") == [("Driver 9", "C1", "eu", "fi")]
    assert rows(
        website, tables.shift_template, "overtime_s", "cost_per_overtime_hour", "cost_per_km", "cost_per_stop"
    ) == [(3600, 1250, 60, 350)]
    page = client.get("/fleet").text
    assert "520 kg" in page
    assert "3.6 m³" in page
    assert "07:00–15:00" in page
    assert "3.50" in page
    assert rows(website, tables.shift_template, "max_distance_m", "start_place", "end_place") == [
        (120_000, "depot", "anywhere")
    ]
    assert "at most 120 km" in page
    assert "ends at its last stop" in page
    assert "reduced rest after it" not in page
    shift = client.get("/fleet/shifts/1").text
    assert 'value="3.50"' in shift
    assert 'value="120"' in shift
    assert '<option value="anywhere" selected>anywhere: at its last stop' in shift
    form = client.get("/fleet/vehicles/1").text
    assert 'value="520"' in form
    assert 'value="3.6"' in form
    assert 'value="cold; tail_lift"' in form
    assert [each["new"] for each in events(website)] == [True, True, True]
    # The standing week has made its shifts: ten working days of the coming fourteen.
    assert len(rows(website, tables.shift, "day")) == 10
    assert "3 changes of the fleet." in client.get("/").text


def test_a_vehicle_that_is_larger_than_its_kind_is_saved_with_a_warning(client: FlaskClient, website: Website) -> None:
    fill(client)
    tall = VAN | {"number": "V10", "name": "Truck 10", "profile": "car", "height_cm": "420", "length_cm": ""}
    assert post(client, "/fleet/vehicles/new", tall).status_code == 303
    said = client.get("/fleet").text
    assert "Truck 10 is 4.2 m high, and the roads of a car are measured for 2 m" in said
    fits = VAN | {"number": "V11", "name": "Truck 11", "profile": "truck", "height_cm": "380", "length_cm": "1000"}
    assert post(client, "/fleet/vehicles/new", fits).status_code == 303
    assert "Truck 11 is saved." in (said := client.get("/fleet").text)
    assert "does not fit" not in said


def test_a_licence_that_is_not_good_for_the_vehicle_is_said_wherever_the_three_are_entered(
    client: FlaskClient, website: Website
) -> None:
    """Driver 9 has C1, good for 7.5 t."""
    truck = VAN | {"name": "Truck 9", "profile": "truck", "gross_kg": "9000"}
    for kinds, form in (("vehicles", truck), ("drivers", DRIVER)):
        assert post(client, f"/fleet/{kinds}/new", form).status_code == 303
    assert "licence of" not in client.get("/fleet").text  # no shift has the two together
    words = "Truck 9 weighs 9 t laden, and the licence of Driver 9 (C1) is good for 7.5 t"
    assert post(client, "/fleet/shifts/new", SHIFT).status_code == 303
    assert words in client.get("/fleet").text
    again = {name: value for name, value in truck.items() if name != "number"} | {"version": "1"}
    assert post(client, "/fleet/vehicles/1", again | {"pieces": "9"}).status_code == 303
    assert words in client.get("/fleet").text
    better = {name: value for name, value in DRIVER.items() if name != "number"} | {"version": "1", "licence": "C"}
    assert post(client, "/fleet/drivers/1", better).status_code == 303
    assert "licence of" not in client.get("/fleet").text


def test_saving_it_again_as_it_stands_changes_nothing(client: FlaskClient, website: Website) -> None:
    fill(client)
    for kinds, form in (("vehicles", VAN), ("drivers", DRIVER), ("shifts", SHIFT)):
        again = {name: value for name, value in form.items() if name != "number"}
        assert post(client, f"/fleet/{kinds}/1", again | {"version": "1"}).status_code == 303
    assert rows(website, tables.vehicle, "version") == rows(website, tables.driver, "version") == [(1,)]
    assert rows(website, tables.shift_template, "version") == [(1,)]
    assert len(events(website)) == 3


BAD = (
    ("vehicles", "name", "", "must be filled"),
    ("vehicles", "weight_kg", "much", "is no number"),
    ("vehicles", "weight_kg", "1e5", "is no number"),
    ("vehicles", "volume_m3", "101", "out of range"),
    ("vehicles", "pieces", "-1", "out of range"),
    ("vehicles", "height_cm", "9" * 400, "out of range"),
    ("vehicles", "most_trips", "99", "out of range"),
    ("vehicles", "profile", "rocket", "choose one of the list"),
    ("vehicles", "depot", "MOON", "Choose one of the list"),
    ("vehicles", "out_to", "2026-02-30", "is no day"),
    ("vehicles", "name", "<script>" * 90, "shorten it"),
    ("drivers", "language", "xx", "Choose one of the list"),
    ("drivers", "phone", "call me", "is no phone number"),
    ("drivers", "email", "nobody", "is no address"),
    ("drivers", "weekdays", [], "at least one day"),
    ("drivers", "driving_hours", "mars", "is not one of"),
    ("shifts", "from", "25:00", "is no time of day"),
    ("shifts", "to", "07:00", "give it some hours"),
    ("shifts", "cost_per_hour", "12.345", "more decimals"),
    ("shifts", "vehicle", "", "Choose one of the list"),
    ("shifts", "overtime_minutes", "9999", "out of range"),
    ("shifts", "break_from", "", "must be a time of day"),
)


def test_what_cannot_be_used_is_said_beside_its_field_and_nothing_typed_is_lost(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    of_fleet = (tables.vehicle, tables.driver, tables.shift_template)
    before = [rows(website, table, "version") for table in of_fleet]
    token = form_token(client.get("/calendars"))
    for kinds, field, text, said in BAD:
        form = {"vehicles": VAN, "drivers": DRIVER, "shifts": SHIFT}[kinds] | {"number": "N1", field: text}
        answer = client.post(f"/fleet/{kinds}/new", data={"csrf_token": token} | form)
        case = (kinds, field, str(text)[:20])
        assert (answer.status_code, said in answer.text) == (422, True), case
        assert answer.text.count('aria-invalid="true"') + answer.text.count('id="w-weekdays"') == 1, case
        assert 'value="N1"' in answer.text, case
        assert "<script><script>" not in answer.text
    assert [rows(website, table, "version") for table in of_fleet] == before


def test_a_number_that_is_taken_and_a_van_in_two_shifts_are_refused_by_name(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    assert "There is a vehicle V9 already" in post(client, "/fleet/vehicles/new", VAN).text
    second = SHIFT | {"number": "S10", "driver": "", "from": "14:00", "to": "18:00"}
    answer = post(client, "/fleet/shifts/new", second)
    assert answer.status_code == 422
    assert "Van 9 is in shift S9 from 07:00 to 15:00 already" in answer.text
    assert post(client, "/fleet/shifts/new", second | {"from": "15:00"}).status_code == 303


def test_a_van_that_comes_to_another_depot_without_its_shift_is_said(client: FlaskClient, website: Website) -> None:
    fill(client)
    with website.installation.database.writing() as connection:
        connection.execute(insert(tables.depot).values(number="D9", name="Depot 9", zone="Europe/Helsinki"))
    mine = {name: value for name, value in VAN.items() if name != "number"} | {"depot": "D9", "version": "1"}
    assert post(client, "/fleet/vehicles/1", mine).status_code == 303
    assert "It comes to another depot and its shifts do not: S9." in client.get("/fleet").text


def test_who_was_slower_sees_what_stands_now_and_keeps_what_was_typed(client: FlaskClient, website: Website) -> None:
    fill(client)
    mine = {name: value for name, value in VAN.items() if name != "number"}
    assert post(client, "/fleet/vehicles/1", mine | {"weight_kg": "600", "version": "1"}).status_code == 303
    late = post(client, "/fleet/vehicles/1", mine | {"weight_kg": "700", "version": "1"})
    assert late.status_code == 409
    assert "Somebody else saved this" in late.text
    assert "Saved meanwhile: 600" in late.text
    assert 'value="700"' in late.text
    assert rows(website, tables.vehicle, "weight_g") == [(600_000,)]
    assert (
        post(client, "/fleet/vehicles/1", mine | {"weight_kg": "700", "version": hidden(late, "version")}).status_code
        == 303
    )
    assert rows(website, tables.vehicle, "weight_g") == [(700_000,)]


def test_a_reduced_rest_is_chosen_for_three_days_at_most_and_stands_in_the_week(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    mine = {name: value for name, value in SHIFT.items() if name != "number"} | {
        "version": "1",
        "rest_after": "reduced",
    }
    refused = post(client, "/fleet/shifts/1", mine).text
    assert "A rest may be reduced 3 times between two weekly rests" in refused
    assert post(client, "/fleet/shifts/1", mine | {"weekdays": ["mon", "thu"]}).status_code == 303
    assert rows(website, tables.shift_template, "rest_after", "weekdays") == [("reduced", "mon,thu")]
    assert "reduced rest after it" in client.get("/fleet").text


def test_a_second_break_is_filled_in_stands_in_the_form_and_on_the_shifts_of_the_week(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    assert "15 minutes and then 30 count as one break of 45" in client.get("/fleet/shifts/1").text
    mine = {name: value for name, value in SHIFT.items() if name != "number"} | {
        "version": "1", "break_minutes": "15", "break_from": "09:00", "break_to": "10:00",
        "second_break_minutes": "30", "second_break_from": "10:00", "second_break_to": "11:30",
    }  # fmt: skip
    refused = post(client, "/fleet/shifts/1", mine)
    assert refused.status_code == 422
    assert "The first break may last until 10:15: let the second one begin then, or later." in refused.text
    assert post(client, "/fleet/shifts/1", mine | {"second_break_from": "10:15"}).status_code == 303
    assert re.search(r'name="second_break_from"[^>]*value="10:15"', client.get("/fleet/shifts/1").text)
    found = rows(website, tables.shift_break, "shift_id", "duration_s", "earliest", "latest")
    shifts = {shift for shift, *_ in found}
    both = [(900, "09:00", "10:00"), (1800, "10:15", "11:30")]
    assert shifts
    assert all([tuple(rest) for key, *rest in found if key == shift] == both for shift in shifts)
    # And the week is followed again: one break instead of both.
    one = mine | {"version": "2", "second_break_minutes": "", "second_break_from": "", "second_break_to": ""}
    assert post(client, "/fleet/shifts/1", one).status_code == 303
    assert len(rows(website, tables.shift_break, "shift_id")) == len(shifts)


def test_a_planned_day_is_shown_before_a_vehicle_is_saved_and_its_plan_stays(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    today = website.clock.at.date().isoformat()
    planned(website, today)
    plan = [rows(website, table, *[column.name for column in table.columns]) for table in (tables.plan, tables.route)]
    mine = {name: value for name, value in VAN.items() if name != "number"} | {"weight_kg": "300", "version": "1"}
    shown = post(client, "/fleet/vehicles/1", mine)
    assert (shown.status_code, "these days have a plan" in shown.text) == (200, True)
    assert "1 delivery rides on it" in shown.text
    assert rows(website, tables.vehicle, "weight_g") == [(520_000,)]
    assert post(client, "/fleet/vehicles/1", mine | {"seen": "old"}).status_code == 409
    kept = post(client, "/fleet/vehicles/1", mine | {"seen": hidden(shown, "seen")})
    assert kept.status_code == 303
    assert rows(website, tables.vehicle, "weight_g") == [(300_000,)]
    after = client.get("/fleet").text
    assert "plan again to use the change" in after
    assert f"/plan?day={today}" in after  # and it is offered until the day is planned again
    assert plan == [
        rows(website, table, *[column.name for column in table.columns]) for table in (tables.plan, tables.route)
    ]
    with open_store(website.installation.database) as store:
        store.append_event(
            kind="planned", actor="test", captured_at=website.clock.at, received_at=website.clock.at,
            data={"days": [today, today], "depots": [1], "why": "planned"},
        )  # fmt: skip
    assert f"/plan?day={today}" not in client.get("/fleet").text
    # A new name is nothing that a plan goes by.
    renamed = mine | {"name": "Van nine", "version": "2"}
    assert post(client, "/fleet/vehicles/1", renamed).status_code == 303


def test_other_hours_of_the_week_reach_days_without_a_plan_and_planned_ones_when_asked(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    today = website.clock.at.date().isoformat()
    planned(website, today)
    mine = {name: value for name, value in SHIFT.items() if name != "number"} | {"from": "06:00"}
    shown = post(client, "/fleet/shifts/1", mine | {"version": "1"})
    assert "The shifts of these days stay as they are, too." in shown.text
    assert post(client, "/fleet/shifts/1", mine | {"version": "1", "seen": hidden(shown, "seen")}).status_code == 303
    starts = dict(rows(website, tables.shift, "day", "starts"))
    assert {day for day, begins in starts.items() if begins == "07:00"} == {today}
    assert len(starts) == len(rows(website, tables.shift, "day")) == 10  # none was made a second time
    later = mine | {"from": "06:30", "version": "2", "planned_too": "yes"}
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.shift).where(tables.shift.c.day == today).values(starts="06:00"))
    shown = post(client, "/fleet/shifts/1", later)
    assert post(client, "/fleet/shifts/1", later | {"seen": hidden(shown, "seen")}).status_code == 303
    assert {begins for _day, begins in rows(website, tables.shift, "day", "starts")} == {"06:30"}


def test_a_van_that_is_away_some_days_gets_no_work_on_them(client: FlaskClient, website: Website) -> None:
    fill(client)
    days = sorted(day for (day,) in rows(website, tables.shift, "day"))
    mine = {name: value for name, value in VAN.items() if name != "number"}
    away = {"out_from": days[1], "out_to": days[2], "out_why": "inspection", "version": "1"}
    assert post(client, "/fleet/vehicles/1", mine | away).status_code == 303
    with open_store(website.installation.database) as store:
        shifts = store.shifts_between(days[0], days[-1], [1])
    assert [shift.vehicle.available for shift in shifts[:4]] == [True, False, False, True]
    assert "away from" in client.get("/fleet").text
    turned = mine | away | {"out_to": days[0], "version": "2"}
    assert "swap the two" in post(client, "/fleet/vehicles/1", turned).text


def later(website: Website, days: int) -> str:
    return (website.clock.at.date() + timedelta(days=days)).isoformat()


def goes(client: FlaskClient, kinds: str, day: str, **fields: str) -> TestResponse:
    shown = client.get(f"/fleet/{kinds}/1/gone", query_string={"day": day} if day else {})
    version = {"version": hidden(shown, "version")} | ({"seen": hidden(shown, "seen")} if day else {})
    return post(client, f"/fleet/{kinds}/1/gone", {"day": day} | version | fields)


def test_a_vehicle_is_gone_from_a_day_on_with_its_shifts_and_nothing_of_before_is_lost(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    day = later(website, 3)
    before = {worked for (worked,) in rows(website, tables.shift, "day")}
    shown = client.get(f"/fleet/vehicles/1/gone?day={day}").text
    assert "Nothing has changed yet" in shown
    assert "These shifts of the standing week end with it:" in shown
    assert "No plan has work on it from that day on." in shown
    assert rows(website, tables.vehicle, "gone_from") == [("",)]
    assert goes(client, "vehicles", day).status_code == 303
    assert rows(website, tables.vehicle, "gone_from") == [(day,)]
    assert {worked for (worked,) in rows(website, tables.shift, "day")} == {each for each in before if each < day}
    assert events(website)[-1]["changes"] == [["gone_from", "", day]]
    assert "Van 9 is gone from" in client.get("/fleet").text
    fleet = client.get("/fleet").text
    assert fleet.count("gone from") == 2, "the van and its shift, while they are still there"
    assert "No longer there" not in fleet
    with open_store(website.installation.database) as store:
        assert store.ensure_shifts(later(website, 0), later(website, 20)) == 0
        assert not store.shifts_lack_on(later(website, 7))
        assert [each.id for each in store.spare_vehicles(day=later(website, 2), depot_id=1)] in ([], [1])
        assert store.spare_vehicles(day=day, depot_id=1) == ()
    website.clock.at += timedelta(days=4)
    fleet = client.get("/fleet").text
    assert "No longer there" in fleet
    assert "Shift S9" in fleet
    again = post(client, "/fleet/shifts/new", SHIFT | {"number": "S10"})
    assert again.status_code == 422
    assert "is gone since" in again.text
    assert 'value="V9"' not in client.get("/fleet/shifts/new").text
    assert goes(client, "vehicles", "").status_code == 303
    assert rows(website, tables.vehicle, "gone_from") == [("",)]
    assert max(worked for (worked,) in rows(website, tables.shift, "day")) > day


def test_a_day_with_a_plan_is_shown_before_a_vehicle_goes_and_its_plan_stays(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    today, day = later(website, 0), later(website, 1)
    shift_id = planned(website, day)
    assert "1 delivery rides on it" not in client.get(f"/fleet/vehicles/1/gone?day={later(website, 2)}").text
    shown = client.get(f"/fleet/vehicles/1/gone?day={today}").text
    assert "1 delivery rides on it" in shown
    assert goes(client, "vehicles", today, seen="").status_code == 409
    assert rows(website, tables.vehicle, "gone_from") == [("",)]
    assert goes(client, "vehicles", today).status_code == 303
    assert rows(website, tables.shift, "id", "day") == [(shift_id, day)]
    assert len(rows(website, tables.stop_delivery, "id")) == 1
    with open_store(website.installation.database) as store:
        assert [shift.vehicle.available for shift in store.shifts_between(day, day, [1])] == [False]
    assert f"/plan?day={day}" in client.get("/fleet").text, "it is offered to plan that day again"


def test_a_standing_shift_ends_from_a_day_on_and_its_van_is_free_for_another(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    day = later(website, 2)
    assert post(client, "/fleet/shifts/new", SHIFT | {"number": "S10"}).status_code == 422
    shown = client.get(f"/fleet/shifts/1/gone?day={day}").text
    assert "Its vehicle and its driver stay." in shown
    assert goes(client, "shifts", day).status_code == 303
    assert all(worked < day for (worked,) in rows(website, tables.shift, "day"))
    past = client.get(f"/fleet/shifts/1/gone?day={later(website, -1)}").text
    assert "is over" in past
    token = form_token(client.get("/calendars"))
    gone = {"csrf_token": token, "version": "2", "day": later(website, -1), "seen": ""}
    assert client.post("/fleet/shifts/1/gone", data=gone).status_code == 422
    assert client.post("/fleet/shifts/1/gone", data=gone | {"day": day, "version": "1"}).status_code == 409
    assert client.get("/fleet/shifts/1/gone?day=soon").status_code == 422
    assert client.get("/fleet/shifts/77/gone").status_code == 404
    website.clock.at += timedelta(days=2)
    assert post(client, "/fleet/shifts/new", SHIFT | {"number": "S10"}).status_code == 303
    assert website.signed_in(role="viewer").get("/fleet/shifts/1/gone").status_code == 403


def test_a_kind_of_vehicle_that_only_a_file_knows_stays_when_something_else_is_changed(
    client: FlaskClient, website: Website
) -> None:
    fill(client)
    with website.installation.database.writing() as connection:
        connection.execute(update(tables.vehicle).values(profile="bicycle"))
    assert '<option value="bicycle" selected>' in client.get("/fleet/vehicles/1").text
    mine = {name: value for name, value in VAN.items() if name != "number"} | {"profile": "bicycle", "pieces": "9"}
    assert post(client, "/fleet/vehicles/1", mine | {"version": "1"}).status_code == 303
    assert rows(website, tables.vehicle, "profile", "pieces") == [("bicycle", 9)]


def test_only_who_dispatches_may_and_a_vehicle_that_is_gone_is_not_found(website: Website) -> None:
    client = website.signed_in()
    assert client.get("/fleet/vehicles/77").status_code == 404
    assert post(client, "/fleet/drivers/77", DRIVER).status_code == 404
    assert website.signed_in(role="viewer").get("/fleet").status_code == 403


def test_how_standing_runs_bind_is_chosen_beside_the_prices_of_every_plan(
    website: Website, client: FlaskClient
) -> None:
    def stands() -> PlanPrices:
        with website.installation.database.reading() as connection:
            return plan_prices(connection)

    assert post(client, "/fleet/prices", {"runs": "sequence", "off_run": ""}).status_code == 303
    assert stands() == PlanPrices(runs="sequence", off_run=500_00, change=10_00)
    shown = client.get("/fleet").text
    assert '<option value="sequence" selected>Sequence only</option>' in shown
    assert re.search(r'name="off_run"[^>]*value="500.00"', shown)
    # The price that stood in the field goes with its choice, one's own stays.
    assert post(client, "/fleet/prices", {"runs": "zones", "off_run": "500.00"}).status_code == 303
    assert stands() == PlanPrices(runs="zones", off_run=20_00, change=10_00)
    assert post(client, "/fleet/prices", {"runs": "zones", "off_run": "35"}).status_code == 303
    assert post(client, "/fleet/prices", {"balance": "1"}).status_code == 303
    assert stands() == PlanPrices(balance=100, runs="zones", off_run=35_00, change=10_00)
    wrong = post(client, "/fleet/prices", {"runs": "always", "off_run": "much"})
    assert wrong.status_code == 422
    assert "none of free, zones, sequence" in wrong.text
    assert "is no price" in wrong.text
    assert stands() == PlanPrices(balance=100, runs="zones", off_run=35_00, change=10_00)


def test_the_prices_of_every_plan_are_kept_and_what_is_no_price_is_said_beside_its_field(
    website: Website, client: FlaskClient
) -> None:
    def stands() -> PlanPrices:
        with website.installation.database.reading() as connection:
            return plan_prices(connection)

    assert stands() == PlanPrices(change=10_00)
    assert post(client, "/fleet/prices", {"balance": "0,50", "area": ""}).status_code == 303
    assert stands() == PlanPrices(balance=50, change=10_00)
    assert re.search(r'name="balance"[^>]*value="0.50"', client.get("/fleet").text)
    for wrong, said in (
        ("much", "is no price"),
        ("0.505", "more decimals"),
        ("5000", "too much"),
        ("-1", "is no price"),
    ):
        answer = post(client, "/fleet/prices", {"balance": "0.70", "area": wrong})
        assert answer.status_code == 422
        assert said in answer.text
        assert re.search(rf'name="area"[^>]*value="{wrong}"', answer.text)
        assert stands() == PlanPrices(balance=50, change=10_00)
    assert post(client, "/fleet/prices", {"balance": "", "area": ""}).status_code == 303
    assert stands() == PlanPrices(change=10_00)
