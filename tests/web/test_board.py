"""The board's pages: who may do what, what is refused, and that every number on it is the plan's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, Table, func, insert, select, update
from sqlalchemy.event import listen, remove
from werkzeug.test import TestResponse

from data import tables
from data.mapping.plans import problem_to_bytes
from data.queries.board import driver_links, running_plan_jobs
from data.queries.plans import PlanPage, RouteRow, current_plans, plan_page
from data.store import open_store
from data.store.plans import PlanStore
from data.tables import depot, driver, event, manifest, notice, plan, plan_lock, region, shift, site
from routing.engines.roads.great_circle import GreatCircleTravelTimes
from routing.model.plans import CostScheme, Window
from tests.demo_day import DAY, current, demo_home, demo_website, planned_website, sign_in
from tests.moves import PossibleMove, a_possible_move
from tests.website import Website, form_token
from web.clock import wall_clock
from web.dispatcher import board
from web.jobs import run_job_now
from web.plan_job import start_plan
from web.wiring import Installation

__all__ = ["demo_home", "demo_website", "planned_website"]

JSON = {"Accept": "application/json"}


@pytest.fixture
def client(planned_website: Website) -> FlaskClient:
    return sign_in(planned_website)


def count(website: Website, table: Table) -> int:
    with website.installation.database.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def post(client: FlaskClient, path: str, *, json: bool = True, **data: object) -> TestResponse:
    token = form_token(client.get(f"/plan?day={DAY}"))
    headers = JSON if json else {}
    return client.post(path, data={"csrf_token": token, "day": DAY, **data}, headers=headers)


def possible_move(website: Website) -> PossibleMove:
    return a_possible_move(website.installation, day=DAY, now=website.clock.now())


# ---------------------------------------------------------------------------- looking


def test_the_board_shows_every_stop_of_the_plan_once_in_the_timeline(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    text = client.get(f"/plan?day={DAY}").text
    shown = re.findall(r'class="tl-stop"[^>]*data-key="(\d+)"', text)
    assert sorted(map(int, shown)) == sorted(stop.stop_id for route in page.routes for stop in route.stops)
    assert f"{page.served} / {page.served + len(page.left_out)}" in text


def test_overtime_and_lateness_stand_on_the_board_with_what_they_cost(
    planned_website: Website, client: FlaskClient
) -> None:
    """The first route's shift ends twelve minutes before it does, its first door's hours eight before it comes."""
    page = current(planned_website)
    row = page.routes[0]
    with planned_website.installation.database.writing() as connection:
        saved = PlanStore(connection).plan(page.plan_id)
        route = next(each for each in saved.plan.routes if each.shift == row.shift_id)
        (first, *_), starts_s = route.stops[0].visits, route.stops[0].start_s
        rates = CostScheme(per_overtime_hour=45_00_000)
        hours = (Window(start_s=0, end_s=starts_s - 8 * 60, late_s=3600),)
        problem = replace(
            saved.problem,
            shifts=tuple(
                replace(each, end_s=route.end_s - 12 * 60, overtime_s=3600, cost=rates)
                if each.id == route.shift
                else each
                for each in saved.problem.shifts
            ),
            visits=tuple(
                replace(
                    each,
                    windows=hours,
                    late_per_hour=30_00_000,
                    strangers=((route.shift, 600_000),),
                    off_run=((route.shift, 300_000),),
                    changed=((route.shift, 100_000),),
                )
                if each.id == first
                else each
                for each in saved.problem.visits
            ),
        )
        values = {"problem": problem_to_bytes(problem)}
        longer = {"overtime_s": 2700, "cost_per_overtime_hour": 1800}
        connection.execute(update(shift).where(shift.c.id == row.shift_id).values(longer))
        later = {"late_s": 900, "late_per_minute": 50}
        connection.execute(update(site).where(site.c.id == row.stops[0].site_id).values(later))
        connection.execute(update(plan).where(plan.c.id == page.plan_id).values(values))
    board = client.get(f"/plan?day={DAY}").text
    assert re.search(
        r"<dt>Overtime</dt><dd>12 min, €9.00</dd>.*<dt>1 stop late</dt><dd>8 min, €4.00</dd>", board, re.DOTALL
    )
    van = client.get(f"/plan/{page.plan_id}/route/{row.shift_id}").text
    assert "12 min overtime, €9.00" in van
    assert "and 45 min overtime at €18.00 an hour" in van
    door = client.get(f"/plan/{page.plan_id}/stop/{row.stops[0].stop_id}").text
    assert "8 min late, €4.00" in door
    assert "and 15 min later at €0.50 a minute" in door
    assert "new to this door, €2.00" in door
    assert "not a van of its zone, €3.00" in door
    assert "on another driver's list, €1.00" in door


def test_prices_of_balance_and_area_stand_on_the_board_beside_overtime(
    planned_website: Website, client: FlaskClient
) -> None:
    """Two vans of the plan have prices, 1.00 for an hour more and 0.50 for a km; the other ones none."""
    page = current(planned_website)
    with planned_website.installation.database.writing() as connection:
        saved = PlanStore(connection).plan(page.plan_id)
        priced = [each.shift for each in saved.plan.routes[:2]]
        problem = replace(
            saved.problem,
            shifts=tuple(
                replace(each, cost=CostScheme(balance_per_hour=100_000, area_per_km=50_000, per_stop=350_000))
                if each.id in priced
                else each
                for each in saved.problem.shifts
            ),
        )
        values = {"problem": problem_to_bytes(problem)}
        connection.execute(update(plan).where(plan.c.id == page.plan_id).values(values))
    rows = {row.shift_id: row for row in current(planned_website).routes}
    for key in priced:
        row = rows[key]
        hours = (row.ends_at - row.starts_at).total_seconds() / 3600
        assert row.balance == pytest.approx(100_000 * hours**2 / 2, abs=1)
        assert row.area is not None
        assert row.area.cost == row.area.metres * 50 > 0
    assert all(row.balance == 0 and row.area is None for key, row in rows.items() if key not in priced)
    text = client.get(f"/plan?day={DAY}").text
    assert re.search(r"<dt>Balance of hours</dt><dd>€[\d.]+, €[\d.]+ of it uneven</dd>", text)
    assert re.search(r"<dt>Stops from their centre</dt><dd>[\d.,]+ k?m, €[\d.]+</dd>", text)
    van = client.get(f"/plan/{page.plan_id}/route/{priced[0]}").text
    paid = rows[priced[0]].by_the_stop
    assert paid is not None
    assert paid.stops > 1
    assert paid.cost == paid.stops * 350_000
    assert f"{paid.stops} stops for €{paid.stops * 3.5:.2f}" in van
    assert "balance of hours €" in van
    assert "from their centre, €" in van


def test_what_was_left_out_is_listed_with_its_reason_and_the_sentence(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    assert len({row.reasons[0] for row in page.left_out}) >= 5
    text = client.get(f"/plan?day={DAY}").text
    assert len(re.findall(r'data-pick="left"', text)) == len(page.left_out)
    row = page.left_out[0]
    part = client.get(f"/plan/{page.plan_id}/left-out/{row.delivery_id}")
    assert row.number in part.text


def test_without_a_day_the_board_opens_today_by_the_installations_clock(
    planned_website: Website, client: FlaskClient
) -> None:
    assert f'data-day="{DAY}"' in client.get("/plan").text
    planned_website.clock.at += timedelta(days=1)
    assert 'data-day="2026-03-04"' in client.get("/plan").text


def test_what_was_changed_since_the_plan_was_made_stands_on_its_board_and_no_other(
    planned_website: Website, client: FlaskClient
) -> None:
    depot_id = current(planned_website).routes[0].depot_id
    with open_store(planned_website.installation.database) as store:
        store.append_event(
            kind="fleet_changed", actor="test", captured_at=planned_website.clock.at,
            received_at=planned_website.clock.at,
            data={"what": "vehicle", "number": "V1", "name": "Van 1", "new": False, "changes": [],
                  "days": [[DAY, depot_id]]},
        )  # fmt: skip
    assert "Van 1: changed since this plan was made." in client.get(f"/plan?day={DAY}").text
    assert "changed since this plan" not in client.get("/plan?day=2026-03-04").text


def test_a_depot_shows_only_its_own_routes(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    depot = page.routes[0].depot_id
    text = client.get(f"/plan?day={DAY}&depot={depot}").text
    shown = set(map(int, re.findall(r'data-shift="(\d+)"', text)))
    assert shown == {route.shift_id for route in page.routes if route.depot_id == depot}


def test_each_route_is_drawn_along_the_roads_of_its_depots_region(
    planned_website: Website, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()

    def travel(_installation: Installation, name: str) -> GreatCircleTravelTimes:
        asked.add(name)
        return GreatCircleTravelTimes()

    monkeypatch.setattr(Installation, "travel", travel)
    monkeypatch.setattr(board, "_drawings", board._Drawings())
    with planned_website.installation.database.writing() as connection:
        second = connection.execute(
            insert(region)
            .values(name="second", build="one", facts={}, built_at=datetime.now(UTC))
            .returning(region.c.id)
        ).scalar_one()
        last = current(planned_website).routes[-1].depot_id
        connection.execute(update(depot).where(depot.c.id == last).values(region_id=second))
    assert client.get(f"/plan?day={DAY}").status_code == 200
    assert "second" in asked
    assert len(asked) == 2


def test_a_route_has_its_number_in_the_panel_that_it_has_on_a_board_of_several_plans(demo_website: Website) -> None:
    with open_store(demo_website.installation.database) as store:
        jobs = [
            start_plan(store, from_day=DAY, to_day=DAY, depot_ids=[each], by="test", time_limit_s=0.5, seed=0)
            for each in store.depot_ids()
        ]
    for job_id in jobs:
        run_job_now(demo_website.installation, job_id)
    with demo_website.installation.database.reading() as connection:
        plans = {each.plan_id for each in current_plans(connection, day=DAY)}
        day = board.board_of([plan_page(connection, plan_id) for plan_id in sorted(plans)])
    assert len(day.plans) == 2
    last = day.routes[-1]
    client = sign_in(demo_website)
    badge = re.compile(r'<h2><span class="route-badge route-(\d+)[^"]*">(\d+)</span>')
    path = f"/plan/{last.plan_id}/route/{last.row.shift_id}"
    for query, number in (({"day": DAY}, last.number), ({}, last.row.sequence)):
        found = badge.search(client.get(path, query_string=query).text)
        assert found
        assert found.groups() == (str(number), str(number))


def test_names_reach_the_map_as_data_and_never_stand_in_its_script(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    text = client.get(f"/plan?day={DAY}").text
    scripts = "".join(re.findall(r"<script.*?</script>", text, re.DOTALL))
    found = client.get(f"/plan/names?day={DAY}").json
    for route in page.routes:
        for stop in route.stops:
            assert found["stops"][str(stop.stop_id)][0] == stop.site
            assert stop.site not in scripts


def test_a_hostile_note_and_name_stay_text(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    stop = page.routes[0].stops[0]
    hostile = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    with planned_website.installation.database.writing() as connection:
        connection.execute(update(site).where(site.c.id == stop.site_id).values(notes=hostile, name=hostile))
    for path in (f"/plan?day={DAY}&stop={stop.stop_id}", f"/plan/{page.plan_id}/route/{page.routes[0].shift_id}"):
        text = client.get(path).text
        assert "&lt;img src=x" in text
        assert "<img src=x" not in text
        assert "<script>alert" not in text
    assert client.get(f"/plan/names?day={DAY}").json["stops"][str(stop.stop_id)][0] == hostile


def test_what_waits_is_listed_before_there_is_a_plan(demo_website: Website) -> None:
    text = sign_in(demo_website).get(f"/plan?day={DAY}").text
    waits = re.search(r"(\d+) wait for a route", text)
    assert waits is not None
    assert int(waits[1]) > 90


def test_the_page_has_no_inline_style_and_no_address_outside(client: FlaskClient) -> None:
    answer = client.get(f"/plan?day={DAY}")
    assert not re.search(r"<[^>]+\sstyle=", answer.text)
    assert not re.findall(r'(?:src|href)="https?://', answer.text)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


# ---------------------------------------------------------------------------- who may do what


def test_nobody_sees_the_board_without_signing_in(planned_website: Website) -> None:
    answer = planned_website.client().get("/plan", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]


def test_a_viewer_looks_and_changes_nothing(planned_website: Website) -> None:
    viewer = sign_in(planned_website, "viewer")
    page = current(planned_website)
    text = viewer.get(f"/plan?day={DAY}").text
    assert 'id="run"' not in text
    stop = page.routes[0].stops[0]
    assert "data-move" not in viewer.get(f"/plan/{page.plan_id}/stop/{stop.stop_id}").text
    token = form_token(viewer.get("/plan"))
    for path in ("/plan/run", f"/plan/{page.plan_id}/undo", "/plan/load", "/plan/dispatch"):
        answer = viewer.post(path, data={"csrf_token": token, "day": DAY}, headers=JSON)
        assert answer.status_code == 403, path
    assert current(planned_website).plan_id == page.plan_id


def test_the_warehouse_loads_and_does_not_dispatch(planned_website: Website) -> None:
    warehouse = sign_in(planned_website, "warehouse")
    page = current(planned_website)
    route = page.routes[0]
    loaded = post(warehouse, "/plan/load", shift=route.shift_id)
    assert loaded.status_code == 200
    assert loaded.json == {"loaded": route.deliveries}
    assert post(warehouse, "/plan/dispatch").status_code == 403


def test_a_form_without_its_token_changes_nothing(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    delivery = page.routes[0].stops[0].deliveries[0].delivery_id
    answer = client.post(f"/plan/{page.plan_id}/take-out", data={"delivery": delivery, "day": DAY}, headers=JSON)
    assert answer.status_code == 400
    assert current(planned_website).plan_id == page.plan_id


# ---------------------------------------------------------------------------- planning


def test_the_board_ends_only_plannings(demo_website: Website) -> None:
    with open_store(demo_website.installation.database) as store:
        job_id = store.add_job(kind="region", data={}, by="test", now=wall_clock())
    client = sign_in(demo_website)
    assert post(client, f"/plan/job/{job_id}/stop").status_code == 404
    with open_store(demo_website.installation.database) as store:
        assert store.job(job_id).state == "waiting"


def test_planning_is_a_job_that_is_followed_to_its_end(demo_website: Website) -> None:
    client = sign_in(demo_website)
    started = post(client, "/plan/run", seconds=2)
    assert started.status_code == 202
    (job_id,) = started.json["jobs"]
    assert client.get(f"/plan/job/{job_id}").json["state"] == "waiting"
    assert f'data-jobs="{job_id}"' in client.get(f"/plan?day={DAY}").text
    run_job_now(demo_website.installation, job_id)
    ended = client.get(f"/plan/job/{job_id}").json
    assert ended["state"] == "done", ended
    assert current(demo_website).served > 60
    assert [said.split(":")[0] for said in ended["tiers"]] == ["Tier 3", "Tier 2", "Tier 1", "Tier 0"]


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf"])
def test_a_time_that_is_no_number_of_seconds_starts_no_search(demo_website: Website, seconds: str) -> None:
    refused = post(sign_in(demo_website), "/plan/run", seconds=seconds)
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "seconds")
    with demo_website.installation.database.reading() as connection:
        assert running_plan_jobs(connection, day=DAY) == []


def test_pressing_plan_twice_searches_once(demo_website: Website) -> None:
    client = sign_in(demo_website)
    first = post(client, "/plan/run")
    second = post(client, "/plan/run")
    assert first.json == second.json


def test_a_day_without_anything_released_says_so(demo_website: Website) -> None:
    client = sign_in(demo_website)
    token = form_token(client.get(f"/plan?day={DAY}"))
    started = client.post("/plan/run", data={"csrf_token": token, "day": "2026-03-01"}, headers=JSON)
    run_job_now(demo_website.installation, started.json["jobs"][0])
    ended = client.get(f"/plan/job/{started.json['jobs'][0]}").json
    assert ended["state"] == "failed"
    assert ended["problem"]
    assert "\n" not in ended["problem"]


def test_an_unreadable_day_is_refused_in_one_sentence(client: FlaskClient) -> None:
    answer = client.get("/plan?day=tomorrow", headers=JSON)
    assert answer.status_code == 422
    assert "tomorrow" in answer.json["error"]["sentence"]


# ---------------------------------------------------------------------------- changing


def test_the_effect_is_shown_first_and_writes_nothing(planned_website: Website, client: FlaskClient) -> None:
    move = possible_move(planned_website)
    page, delivery, target = move.page, move.delivery, move.target
    plans = count(planned_website, plan)
    found = client.get(
        f"/plan/{page.plan_id}/effect?delivery={delivery}&shift={target.shift_id}&position=0", headers=JSON
    ).json
    assert found["possible"]
    assert found["moved"] >= 1
    assert count(planned_website, plan) == plans


def test_several_deliveries_of_a_stop_are_asked_about_and_moved_in_one_step(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    source = page.routes[0]
    one, two = (stop.deliveries[0].delivery_id for stop in source.stops[:2])
    where = f"/plan/{page.plan_id}/effect?delivery={one}&delivery={two}&delivery={one}&shift="
    found = client.get(where, headers=JSON).json
    assert found["possible"]
    assert re.match(r"[+−±]\d+ min, ", found["said"])
    asked = client.get(where).text
    assert re.findall(r'name="delivery" value="(\d+)"', asked) == [str(one), str(two)]
    taken = post(client, f"/plan/{page.plan_id}/take-out", delivery=[one, two])
    assert taken.status_code == 200, taken.json
    after = current(planned_website)
    assert {one, two} <= {row.delivery_id for row in after.left_out}
    assert after.parent_id == page.plan_id
    for wrong in ("", "delivery=x&", "".join(f"delivery={n}&" for n in range(1, 400))):
        assert client.get(f"/plan/{after.plan_id}/effect?{wrong}shift=", headers=JSON).status_code == 422


def test_the_cheapest_place_is_no_dearer_than_any_other(planned_website: Website, client: FlaskClient) -> None:
    move = possible_move(planned_website)
    page, delivery, target = move.page, move.delivery, move.target
    where = f"/plan/{page.plan_id}/effect?delivery={delivery}&shift={target.shift_id}"
    best = client.get(where, headers=JSON).json
    others = [client.get(f"{where}&position={n}", headers=JSON).json for n in range(target.deliveries + 1)]
    possible = [each for each in others if each["possible"]]
    assert (len(best["promises_broken"]), best["cost"]) == min(
        (len(each["promises_broken"]), each["cost"]) for each in possible
    )


def test_the_cheapest_van_that_can_take_it_is_proposed_and_the_others_say_why_they_cannot(
    planned_website: Website, client: FlaskClient
) -> None:
    move = possible_move(planned_website)
    plan_id = move.page.plan_id
    text = client.get(f"/plan/{plan_id}/vans/{move.delivery}").text
    (proposed,) = re.findall(r'<option value="(\d+)" selected', text)
    unable = re.findall(r'<option value="(\d+)"', text.partition("<optgroup")[2])
    effects = {
        shift: client.get(f"/plan/{plan_id}/effect?delivery={move.delivery}&shift={shift}", headers=JSON).json
        for shift in re.findall(r'<option value="(\d+)"', text)
    }
    as_now = re.findall(r'<option value="(\d+)"[^>]*>[^<]*\(as now\)', text)
    assert as_now == [str(move.source.shift_id)]
    assert str(move.target.shift_id) in effects
    assert {shift for shift, found in effects.items() if not found["possible"]} == set(unable)
    able = [found for shift, found in effects.items() if found["possible"] and shift not in as_now]
    assert effects[proposed] == min(able, key=lambda found: (len(found["promises_broken"]), found["cost"]))
    why = text.partition("<details")[2].partition("</details>")[0]
    assert len(re.findall("<li>", why)) == len(unable) > 0


def test_a_move_is_a_new_version_and_undo_brings_the_old_one_back(
    planned_website: Website, client: FlaskClient
) -> None:
    move = possible_move(planned_website)
    page, delivery, target = move.page, move.delivery, move.target
    moved = post(client, f"/plan/{page.plan_id}/move", delivery=delivery, shift=target.shift_id, position=0)
    assert moved.status_code == 200, moved.json
    after = current(planned_website)
    assert after.parent_id == page.plan_id
    on = next(route for route in after.routes if route.shift_id == target.shift_id)
    assert delivery in [each.delivery_id for stop in on.stops for each in stop.deliveries]
    undone = post(client, f"/plan/{after.plan_id}/undo")
    assert undone.status_code == 200
    assert current(planned_website).plan_id == page.plan_id


def test_who_decides_on_an_old_version_is_refused_and_reads_why(planned_website: Website, client: FlaskClient) -> None:
    move = possible_move(planned_website)
    page, delivery, target = move.page, move.delivery, move.target
    assert post(client, f"/plan/{page.plan_id}/take-out", delivery=delivery).status_code == 200
    newer = current(planned_website).plan_id
    again = post(client, f"/plan/{page.plan_id}/move", delivery=delivery, shift=target.shift_id, position=0)
    assert again.status_code == 409
    assert again.json["error"]["code"] == "plan_moved_on"
    answer = post(
        client, f"/plan/{page.plan_id}/move", json=False, delivery=delivery, shift=target.shift_id, position=0
    )
    assert answer.status_code == 303
    assert "changed by somebody else" in client.get(answer.headers["Location"]).text
    assert current(planned_website).plan_id == newer


def test_what_was_taken_out_is_locked_out_until_it_is_unlocked(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    delivery = page.routes[0].stops[0].deliveries[0].delivery_id
    post(client, f"/plan/{page.plan_id}/take-out", delivery=delivery)
    after = current(planned_website)
    row = next(row for row in after.left_out if row.delivery_id == delivery)
    assert row.reasons == ("locked_by_you",)
    assert row.locked
    assert post(client, f"/plan/{after.plan_id}/unlock", delivery=delivery).status_code == 200
    assert count(planned_website, plan_lock) == 0


def test_a_lock_keeps_the_van_or_the_place_too(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    route = page.routes[0]
    first, second = (stop.deliveries[0].delivery_id for stop in route.stops[:2])
    post(client, f"/plan/{page.plan_id}/lock", delivery=first)
    post(client, f"/plan/{page.plan_id}/lock", delivery=second, keep="place")
    with planned_website.installation.database.reading() as connection:
        locks = {row.delivery_id: (row.shift_id, row.position) for row in connection.execute(select(plan_lock))}
    assert locks[first] == (route.shift_id, None)
    assert locks[second][0] == route.shift_id
    assert locks[second][1] is not None


# ---------------------------------------------------------------------------- the driver is out


def test_before_loading_a_spare_driver_takes_the_van_and_no_time_moves(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    route = page.routes[-1]
    text = client.get(f"/plan/{page.plan_id}/out/{route.shift_id}/options").text
    kinds = re.findall(r'data-kind="(\w+)"', text)
    assert kinds == ["spare_driver", "spread", "postpone"]
    key = re.findall(r'name="option" value="(\w+)"', text)[0]
    done = post(client, f"/plan/{page.plan_id}/out/{route.shift_id}", option=key)
    assert done.status_code == 200, done.json
    after = current(planned_website)
    taken = next(each for each in after.routes if each.vehicle == route.vehicle and each.starts_at == route.starts_at)
    assert taken.driver == "Driver 7"
    assert [stop.arrival for stop in taken.stops] == [stop.arrival for stop in route.stops]


def test_after_loading_the_goods_stay_on_that_van(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    route = page.routes[0]
    post(client, "/plan/load", shift=route.shift_id)
    text = client.get(f"/plan/{page.plan_id}/out/{route.shift_id}/options").text
    kinds = re.findall(r'data-kind="(\w+)"', text)
    assert kinds[0] == "other_driver"
    assert kinds[-1] == "back_to_depot"
    assert "spread" not in kinds


def test_an_option_that_nobody_was_shown_is_not_applied(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    route = page.routes[0]
    post(client, "/plan/load", shift=route.shift_id)
    answer = post(client, f"/plan/{page.plan_id}/out/{route.shift_id}", option="made-up")
    assert answer.status_code == 409
    with planned_website.installation.database.reading() as connection:
        assert connection.scalar(select(shift.c.state).where(shift.c.id == route.shift_id)) == "planned"


# ---------------------------------------------------------------------------- loading and dispatching


def test_the_preview_of_a_dispatch_is_what_then_happens_and_writes_nothing(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    post(client, "/plan/load", shift=[route.shift_id for route in page.routes])
    before = {table.name: count(planned_website, table) for table in (notice, manifest, event)}
    preview = client.get(f"/plan/dispatch?day={DAY}").text
    assert {table.name: count(planned_website, table) for table in (notice, manifest, event)} == before
    messages = sum(map(int, re.findall(r"<li>(\d+) × ", preview)))
    done = post(client, "/plan/dispatch")
    assert done.status_code == 200
    assert len(done.json["dispatched"]) == len(page.routes)
    assert count(planned_website, manifest) == len(page.routes)
    assert count(planned_website, notice) - before["notice"] == messages > 0


def test_a_van_that_is_not_loaded_stays_and_the_others_go(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    post(client, "/plan/load", shift=page.routes[0].shift_id)
    done = post(client, "/plan/dispatch").json
    assert done["dispatched"] == [page.routes[0].shift_id]
    assert done["left"] == len(page.routes) - 1
    assert state_said(client) == f"1 of {len(page.routes)} vans dispatched"
    post(client, "/plan/load", shift=[route.shift_id for route in page.routes[1:]])
    post(client, "/plan/dispatch")
    assert state_said(client) == "dispatched"


def state_said(client: FlaskClient) -> str:
    """What the board's header says of the day."""
    head = client.get(f"/plan?day={DAY}").text.split('class="board-day"')[1].split("</div>")[0]
    (said,) = re.findall(r'class="chip[^>]*>.*</svg>\s*(.+?)\s*</span>', head, re.DOTALL)
    return str(said)


def test_after_the_dispatch_the_drivers_link_opens_and_has_a_code_to_scan(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    route = page.routes[0]
    post(client, "/plan/load", shift=route.shift_id)
    post(client, "/plan/dispatch")
    text = client.get(f"/plan/{page.plan_id}/route/{route.shift_id}").text
    found = re.search(r'href="[^"]*(/d/[^"]+)"', text)
    assert found is not None
    assert "<svg" in text
    assert "style=" not in text
    assert planned_website.client().get(found[1]).status_code == 200


def link_shown(client: FlaskClient, page: PlanPage, route: RouteRow) -> str:
    found = re.search(r'href="[^"]*(/d/[^"]+)"', client.get(f"/plan/{page.plan_id}/route/{route.shift_id}").text)
    assert found is not None
    return found[1]


def test_a_lost_phones_link_is_replaced_and_opens_nothing_any_more(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    route = page.routes[0]
    assert post(client, f"/plan/route/{route.shift_id}/link").status_code == 404, "it is not out yet"
    post(client, "/plan/load", shift=route.shift_id)
    post(client, "/plan/dispatch")
    lost = link_shown(client, page, route)
    assert post(client, f"/plan/route/{route.shift_id}/link").status_code == 200
    new = link_shown(client, page, route)
    phone = planned_website.client()
    assert phone.get(lost).status_code == 403
    assert phone.get(new).status_code == 200
    with planned_website.installation.database.reading() as connection:
        told = connection.scalars(select(event.c.actor).where(event.c.kind == "driver_link_renewed")).all()
    assert len(told) == 1


def test_finding_the_ways_out_is_asked_for_only_so_often(planned_website: Website, client: FlaskClient) -> None:
    where = f"/plan/{current(planned_website).plan_id}/out/{10**9}/options"  # nothing to solve, but counted
    answers = [client.get(where, headers=JSON).status_code for _ in range(11)]
    assert answers[:10] == [404] * 10
    assert answers[10] == 429


def test_a_viewer_never_sees_a_drivers_link(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    route = page.routes[0]
    post(client, "/plan/load", shift=route.shift_id)
    post(client, "/plan/dispatch")
    with planned_website.installation.database.reading() as connection:
        assert route.shift_id in driver_links(connection, [route.shift_id])
    assert "/d/" not in sign_in(planned_website, "viewer").get(f"/plan/{page.plan_id}/route/{route.shift_id}").text


def test_a_van_that_has_not_moved_for_an_hour_is_late_on_the_board(
    planned_website: Website, client: FlaskClient
) -> None:
    page = current(planned_website)
    route = page.routes[0]
    post(client, "/plan/load", shift=route.shift_id)
    post(client, "/plan/dispatch")
    on_time = client.get(f"/plan/live?day={DAY}").json
    assert on_time["stops"][str(route.stops[0].stop_id)]["state"] == "dispatched"
    planned_website.clock.at = route.stops[0].arrival + timedelta(hours=1)
    late = client.get(f"/plan/live?day={DAY}").json
    assert late["stops"][str(route.stops[0].stop_id)]["late"] == 60
    assert late["stops"][str(route.stops[0].stop_id)]["state"] == "late"
    assert late["routes"][str(route.shift_id)]["state"] == "late"


def test_a_closed_day_keeps_its_plan(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    with open_store(planned_website.installation.database) as store:
        for each in page.states:
            store.set_plan_state(depot_id=each.depot_id, day=DAY, state="closed")
    delivery = page.routes[0].stops[0].deliveries[0].delivery_id
    token = form_token(client.get("/plan?day=2026-03-05"))
    answer = client.post(
        f"/plan/{page.plan_id}/take-out", data={"csrf_token": token, "day": DAY, "delivery": delivery}, headers=JSON
    )
    assert answer.status_code == 409
    assert 'id="run"' not in client.get(f"/plan?day={DAY}").text


def test_the_page_of_a_whole_day_asks_the_database_no_oftener_the_more_stops_it_has(
    planned_website: Website, client: FlaskClient
) -> None:
    """A hundred stops on the board: as many questions as of a day without any, and a few for each depot."""
    asked: list[str] = []

    def hear(_connection: object, _cursor: object, said: str, *_rest: object) -> None:
        asked.append(said)

    listen(Engine, "before_cursor_execute", hear)
    try:
        client.get(f"/plan?day={DAY}")
        of_the_day = len(asked)
        client.get("/plan?day=2026-03-04")
        of_an_empty_day = len(asked) - of_the_day
    finally:
        remove(Engine, "before_cursor_execute", hear)
    assert sum(len(route.stops) for route in current(planned_website).routes) > 60
    assert of_the_day - of_an_empty_day < 40


def test_a_door_says_when_motor_vehicles_may_drive_there(planned_website: Website, client: FlaskClient) -> None:
    page = current(planned_website)
    stop = page.routes[0].stops[0]
    path = f"/plan/{page.plan_id}/stop/{stop.stop_id}"
    assert "Motor vehicles" not in client.get(path).text
    with planned_website.installation.database.writing() as connection:
        connection.execute(update(site).where(site.c.id == stop.site_id).values(motor_hours="06:00-10:00;18:00-22:00"))
    assert "<dt>Motor vehicles</dt><dd>06:00-10:00; 18:00-22:00" in client.get(path).text


def test_a_route_says_what_the_hours_of_its_driver_allow(planned_website: Website, client: FlaskClient) -> None:
    found = current(planned_website)
    path = f"/plan/{found.plan_id}/route/{found.routes[0].shift_id}"
    assert "data-driver-hours" not in client.get(path).get_data(as_text=True)
    with planned_website.installation.database.writing() as connection:
        mine = select(shift.c.driver_id).where(shift.c.id == found.routes[0].shift_id).scalar_subquery()
        connection.execute(update(driver).where(driver.c.id == mine).values(rule_set="eu"))
    assert "EU hours: 13 h on duty, 11 h of rest after it" in client.get(path).get_data(as_text=True)
    with planned_website.installation.database.writing() as connection:
        connection.execute(update(shift).values(rest_after="reduced"))
    page = client.get(path).get_data(as_text=True)
    assert "EU hours, reduced rest today: 15 h on duty, 9 h of rest after it" in page


def test_the_board_names_the_driver_who_would_drive_more_than_a_week_allows(
    planned_website: Website, client: FlaskClient
) -> None:
    found = current(planned_website)
    row = found.routes[0]
    path = f"/plan/{found.plan_id}/route/{row.shift_id}"
    with planned_website.installation.database.writing() as connection:
        mine = select(shift.c.driver_id).where(shift.c.id == row.shift_id).scalar_subquery()
        connection.execute(update(driver).where(driver.c.id == mine).values(rule_set="eu"))
    assert "in the week from" not in client.get(f"/plan?day={DAY}").text
    with planned_website.installation.database.writing() as connection:
        connection.execute(
            update(tables.stop).where(tables.stop.c.id == row.stops[0].stop_id).values(travel_s=57 * 3600)
        )
    for page in (client.get(path).text, client.get(f"/plan?day={DAY}").text):
        assert page.count("more than the 56 h allowed: give a day to another driver.") == 1
        assert f"{row.driver} drives 57 h" in page
