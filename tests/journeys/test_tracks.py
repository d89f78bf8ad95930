"""From the drivers' phones to the plan: where a van was on eight days becomes the table that times the ninth, and
its ETAs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate, cycle, pairwise
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import func, insert, select, update

from data import tables
from data.store import open_store
from routing.engines.roads.osrm import OsrmTravelTimes
from routing.model.places import Location, metres_between
from routing.model.plans import PlannedStop
from routing.services.dispatching import dispatch_day
from routing.services.loading import load_route
from routing.services.planning import plan_day
from tests.backorder_world import DEPOT, World, one_after_another
from tests.conftest import PATIENCE_MS
from tests.demo_day import built_regions
from tests.phone import PHONE
from tests.website import PASSWORD, Website, a_website, served
from web.due import do_due

REGION = "helsinki"
DEPOT_AT = Location(lat=60.1690, lon=24.9400)
SITES = (
    Location(lat=60.1711, lon=24.9432),
    Location(lat=60.1712, lon=24.9500),
    Location(lat=60.1676, lon=24.9450),
)
SLOWER = 1.6
"""What a way takes on these days, by its free time."""
SURE_M = 8.0
MINUTE = timedelta(minutes=1)


@dataclass
class Town:
    """A wholesaler's days on the roads of the demo: planned and dispatched by the real services."""

    website: Website
    world: World
    vans: Iterator[int]

    @property
    def travel(self) -> Any:
        return self.website.installation.travel(REGION)

    def drive_out(self) -> int:
        """Today's orders released, planned, loaded and dispatched; the manifest of the van whose turn it is."""
        world, opened = self.world, partial(open_store, self.world.database)
        for site in (1, 2, 3):
            world.order(lines=[(1, 4)], site=site, completeness="partial", wanted_in=0)
        world.release()
        hours = {"day": world.today, "depot_id": DEPOT, "starts": "09:00", "ends": "18:00"}
        with world.database.writing() as connection:
            connection.execute(insert(tables.shift).values(vehicle_id=next(self.vans), driver_id=1, **hours))
        plan_day(
            opened, from_day=world.today, to_day=world.today, depot_ids=[DEPOT], travel=self.travel,
            solve=one_after_another, clock=lambda: world.now, by="desk",
        )  # fmt: skip
        with opened() as store:
            (shift_id,) = store.routes_of_day(day=world.today, depot_ids=[DEPOT])
            load_route(store, shift_id=shift_id, by="warehouse", now=world.now)
            secret = self.website.installation.secret
            dispatch_day(store, day=world.today, depot_ids=[DEPOT], secret=secret, by="desk", now=world.now)
            held = store.held_manifest(shift_id)
        assert held is not None
        world.lists = [held.first_id]
        return int(held.id)

    def link(self, manifest_id: int) -> str:
        self.website.clock.at = self.world.now
        return self.website.link("driver", "manifest", manifest_id)

    def drive(self) -> Iterator[tuple[datetime, Location]]:
        """Each minute from 09:30 on: where the van is, on four rounds of its doors; the house's clock goes along."""
        corners = [DEPOT_AT, *SITES] * 4 + [DEPOT_AT]
        line = self.travel.path(corners, profile="van")
        # A drive ends on the road, not at the door.
        with OsrmTravelTimes(self.website.installation.regions.directory(REGION)) as travel:
            free = travel.on_roads(corners, profile="van").durations_s
        took_s = SLOWER * sum(free[n, n + 1] for n in range(len(corners) - 1))
        along = [0.0, *accumulate(metres_between(one, other) for one, other in pairwise(line))]
        begins = self.world.now.replace(hour=6, minute=30, second=0)  # 09:30 in Helsinki
        for minute in range(int(took_s // 60) + 1):
            done = along[-1] * 60 * minute / took_s
            lat, lon = (float(np.interp(done, along, [getattr(at, name) for at in line])) for name in ("lat", "lon"))
            self.website.clock.at = begins + minute * MINUTE
            yield self.website.clock.at, Location(lat=lat, lon=lon)

    def next_day(self, link: str, days: int) -> None:
        """The driver reports every door, the van is counted, and so many days later begins."""
        for stop in route_on(self.website, link)["stops"]:
            hand_over(self, link, stop)
        self.world.now = self.website.clock.at
        self.world.come_back(missing=0)
        self.world.now += timedelta(days=days - 1)

    def planned_ways(self) -> list[tuple[int, int]]:
        """(free, planned) seconds of each way between two doors of today's plan."""
        with open_store(self.world.database) as store:
            plan_id = store.connection.scalar(
                select(tables.current_plan.c.plan_id).where(tables.current_plan.c.day == self.world.today)
            )
            assert plan_id is not None
            saved = store.plan(plan_id)
        (route,) = saved.plan.routes
        place = {visit.id: visit.place for visit in saved.problem.visits}
        free = saved.problem.travel["van"].durations_s
        stops: list[PlannedStop] = [stop for trip in route.trips for stop in trip.stops]
        return [
            (int(free[place[one.visits[0]], place[other.visits[0]]]), other.arrival_s - one.departure_s)
            for one, other in pairwise(stops)
        ]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "regions").symlink_to(built_regions(), target_is_directory=True)
    with a_website(home) as website:
        world = World(website.installation.database)
        build = website.installation.regions.facts(REGION).build
        with open_store(world.database) as store:
            region_id = store.save_region(name=REGION, build=build, facts={}, built_at=world.now)
            store.save_depot(DEPOT, {"region_id": region_id, "lat": DEPOT_AT.lat, "lon": DEPOT_AT.lon})
            store.connection.execute(update(tables.vehicle).values(profile="van"))
            van = store.connection.execute(select(tables.vehicle).where(tables.vehicle.c.id == 1)).mappings().one()
            vans = [1]
            for n in (2, 3):
                another = {**van, "number": f"{van['number']}-{n}"}
                del another["id"]
                added = store.connection.execute(insert(tables.vehicle).values(**another))
                vans.append(added.inserted_primary_key[0])
            for n, at in enumerate(SITES, 1):
                site = update(tables.site).where(tables.site.c.id == n)
                store.connection.execute(site.values(lat=at.lat, lon=at.lon))
        world.receive(product=1, quantity=500, quarantined=0, of_inbound=False, more_to_come=False)
        yield Town(website=website, world=world, vans=cycle(vans))


def told_by_the_browser(town: Town, browser: Browser, address: str, link: str) -> int:
    """The driver's page in a real browser that may say where it is: it tells once a minute by itself."""
    drive = town.drive()
    at, place = next(drive)
    context = browser.new_context(**PHONE | {"geolocation": told(place)})
    try:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.clock.install(time=at)
        is_told = partial(page.expect_response, lambda answer: answer.url.endswith("/d/positions"))
        with is_told() as first:
            page.goto(f"{address}/d/{link}")
        answered = [first.value.status]
        for _, place in drive:
            with is_told() as answer:
                page.clock.fast_forward(60_000)
                context.set_geolocation(told(place))
            answered.append(answer.value.status)
    finally:
        context.close()
    assert set(answered) == {200}
    return len(answered)


def told(place: Location) -> Any:
    return {"latitude": place.lat, "longitude": place.lon, "accuracy": SURE_M}


def told_by_calls(town: Town, link: str, day: int) -> int:
    """The same calls as the page makes, of another phone."""
    client, fixes = town.website.client(), 0
    for at, place in town.drive():
        answer = client.post(
            "/d/positions",
            headers={"X-Backroute-Link": link},
            json={
                "location": {"lat": place.lat, "lon": place.lon, "accuracy_m": SURE_M},
                "captured_at": at.isoformat(),
            },
            environ_base={"REMOTE_ADDR": f"127.0.1.{day}"},
        )
        assert (answer.status_code, answer.json) == (200, {"kept": True})
        fixes += 1
    return fixes


@pytest.mark.slow
def test_what_the_phones_told_on_eight_days_times_the_plan_and_the_etas_of_the_ninth(
    town: Town, browser: Browser
) -> None:
    world, website = town.world, town.website
    kept = 0
    with served(website) as address:
        for day, ahead in enumerate((1, 1, 1, 3, 1, 1, 1, 1)):  # from Tuesday on, without the weekend
            link = town.link(town.drive_out())
            free_ways = town.planned_ways()
            kept += told_by_calls(town, link, day) if day else told_by_the_browser(town, browser, address, link)
            with world.database.reading() as connection:
                assert connection.scalar(select(func.count()).select_from(tables.position)) == kept
            town.next_day(link, ahead)
        assert all(planned == free for free, planned in free_ways), "nobody knew yet that ways take longer"

        # The next morning the house lays the tracks on the roads by itself; a person looks and takes over.
        website.clock.at = world.now
        do_due(website.installation)
        email = website.an_account()
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{address}/login")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.goto(f"{address}/regions/{REGION}")
        page.get_by_role("link", name="What the drivers' ways say").click()
        expect(page.get_by_role("heading", name=re.compile(r"^Learnt from \d+ ways driven since"))).to_be_visible()
        page.get_by_role("button", name=re.compile("^Take over what was learnt")).click()
        expect(page.get_by_text("Taken over. The next plan is timed with it")).to_be_visible()
        page.close()
    with open_store(world.database) as store:
        (row,) = store.speeds_of_region(REGION)
    assert (row.begins, row.ends, row.learnt) == ("09:00", "15:00", True)
    assert row.percent == pytest.approx(100 * SLOWER, abs=15)

    # The day's plan is timed with it, way by way.
    link = town.link(town.drive_out())
    ways = town.planned_ways()
    assert [free for free, _ in ways] == [free for free, _ in free_ways]
    longer = [-(-free * row.percent // 100) for free, _ in ways]
    assert [planned for _, planned in ways] == pytest.approx(longer, abs=1)

    # And the ETA of the next door, once the van is an hour late at the first.
    first, second, *_ = route_on(website, link)["stops"]
    website.clock.at = datetime.fromisoformat(first["eta"]) + timedelta(hours=1)
    hand_over(town, link, first)
    (again,) = [stop for stop in route_on(website, link)["stops"] if stop["id"] == second["id"]]
    away = datetime.fromisoformat(again["eta"]) - website.clock.at
    assert away.total_seconds() == pytest.approx(longer[0], abs=60)


def hand_over(town: Town, link: str, stop: Any) -> None:
    """The report of a driver who handed everything over, sent now."""
    name = str(uuid5(NAMESPACE_URL, f"{town.world.today} {stop['id']}"))
    report = {
        "client_id": name, "sequence": stop["number"], "kind": "outcome", "stop_id": stop["id"],
        "captured_at": town.website.clock.at.isoformat(), "recipient": "Goods-in 1", "note": "", "location": None,
        "deliveries": [
            {
                "delivery_id": each["id"], "outcome": "delivered",
                "lines": [{"allocation_id": it["allocationId"], "delivered": it["loaded"]} for it in each["lines"]],
            }
            for each in stop["deliveries"]
        ],
    }  # fmt: skip
    answer = town.website.client().post(
        "/d/reports", headers={"X-Backroute-Link": link}, data={"report": json.dumps(report)}
    )
    assert answer.status_code == 200, answer.text


def route_on(website: Website, link: str) -> Any:
    page = website.client().get(f"/d/{link}").text
    found = re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])["route"]
