"""`backroute plan`, `dispatch`, `notify` and `locate` on an installation of their own, with the real solver."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select

from data import tables
from routing.engines.roads.great_circle import GreatCircleTravelTimes
from routing.errors import TravelError
from routing.ports import NO_ROADS
from tests.website import SetClock, Website
from web.app import create_app
from web.cli import main
from web.wiring import Installation, open_installation

DAY = "2026-05-12"
EARLIER = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """An installation whose clock stands on a Tuesday at 05:40 in Helsinki; without a region: great circle."""
    monkeypatch.setenv("BACKROUTE_HOME", str(tmp_path / "home"))
    with open_installation() as installation:
        installation.clock.jump(to=datetime(2026, 5, 12, 2, 40, tzinfo=UTC), running=False)
        yield installation


def add(here: Installation, table: Any, **values: Any) -> int:
    with here.database.writing() as connection:
        key: int = connection.execute(insert(table).values(values).returning(table.c.id)).scalar_one()
        return key


@pytest.fixture
def day(here: Installation) -> Installation:
    """Three doors, one of them with goods of unknown weight; one van with its driver."""
    add(here, tables.company, name="Example Wholesale", currency="EUR", zone="Europe/Helsinki")
    depot = add(here, tables.depot, number="D1", name="Depot 1", lat=60.17, lon=24.94, zone="Europe/Helsinki")
    customer = add(here, tables.customer, number="C1", name="Customer 1")
    release = add(here, tables.release, depot_id=depot, released_at=EARLIER, by="test", for_day=DAY)
    for n in range(1, 4):
        site = add(
            here, tables.site, customer_id=customer, number=f"S{n}", name=f"Café {n}", address=f"Testgatan {n}",
            lat=60.17, lon=24.94 + n / 1000, pin_quality="exact", pin_at=EARLIER,
        )  # fmt: skip
        product = add(here, tables.product, number=f"SKU-{n}", name=f"Beans {n}", weight_g=None if n == 3 else 500)
        order = add(
            here, tables.order, number=f"SO-{n}", customer_id=customer, site_id=site, depot_id=depot,
            ordered_at=EARLIER, currency="EUR",
        )  # fmt: skip
        line = add(here, tables.order_line, order_id=order, number="1", product_id=product, quantity=6)
        supply = add(
            here, tables.supply, kind="receipt", number=f"R{n}", depot_id=depot, product_id=product, quantity=6
        )
        add(
            here, tables.movement, at=EARLIER, product_id=product, quantity=6, from_place="supplier",
            to_place=f"depot:{depot}", why="received", by="test",
        )  # fmt: skip
        allocation = add(
            here, tables.allocation, supply_id=supply, order_line_id=line, quantity=6, released=6, at=EARLIER
        )
        delivery = add(
            here, tables.delivery, number=f"D-{n}", release_id=release, site_id=site, depot_id=depot, for_day=DAY,
            oldest_ordered_at=EARLIER,
        )  # fmt: skip
        add(here, tables.delivery_line, delivery_id=delivery, allocation_id=allocation, quantity=6)
    van = add(here, tables.vehicle, number="V1", name="Van 1", depot_id=depot, weight_g=100_000)
    driver = add(here, tables.driver, number="DR1", name="Driver 1", depot_id=depot, email="driver1@example.com")
    add(
        here, tables.shift, day=DAY, depot_id=depot, vehicle_id=van, driver_id=driver, starts="07:00", ends="15:00",
        cost_per_hour=3000, cost_per_km=50,
    )  # fmt: skip
    return here


def test_a_day_is_planned_loaded_and_dispatched_from_the_command_line(day: Installation) -> None:
    planned = run("plan", "--time-limit", "1", "--json")
    assert planned.exit_code == 1, planned.stderr  # one delivery was left out
    document = json.loads(planned.stdout)
    assert [each["reasons"] for each in document["left_out"]] == [["missing_weight"]]
    assert [len(route["stops"]) for route in document["routes"]] == [2]
    assert "great circle" in document["travel"]
    (route,) = document["routes"]
    assert (document["currency"], document["cost"]) == ("EUR", route["cost"])
    assert 100 < route["cost"] < 100_00  # minor units: a few euros, not thousandths of them

    shown = run("plan", "--from", DAY, "--time-limit", "1", "--seed", "3")
    assert re.search(r"2 deliveries on 1 route, €\d+\.\d\d", shown.stdout)
    left_out = next(line for line in shown.stdout.splitlines() if "D-3" in line)
    assert "Café 3" in left_out
    assert "missing weight" in left_out

    early = run("dispatch")
    assert (early.exit_code, "not loaded" in early.stdout) == (1, True)
    out = run("dispatch", "--day", DAY, "--load", "--json")
    assert out.exit_code == 0
    sent = json.loads(out.stdout)
    assert (sent["loaded"][0]["deliveries"], sent["dispatched"][0]["stops"]) == (2, 2)
    assert "/d/" in sent["dispatched"][0]["link"]
    again = json.loads(run("dispatch", "--load", "--json").stdout)
    assert (again["dispatched"], again["as_before"]) == ([], 1)
    with day.database.reading() as connection:
        assert connection.execute(select(tables.notice.c.kind)).scalars().all() == ["driver_route"]


def second_depot(here: Installation, *, drives: bool = True, **values: Any) -> int:
    """A depot with a van, beside the one of `day`."""
    depot = add(here, tables.depot, number="D2", name="Depot 2", zone="Europe/Helsinki", **values)
    van = add(here, tables.vehicle, number="V2", name="Van 2", depot_id=depot, weight_g=100_000)
    if drives:
        add(here, tables.shift, day=DAY, depot_id=depot, vehicle_id=van, starts="07:00", ends="15:00")
    return depot


def region_row(here: Installation, name: str, **facts: Any) -> int:
    return add(here, tables.region, name=name, build="one", facts=facts, built_at=EARLIER)


def test_a_region_from_which_nothing_goes_keeps_no_other_from_being_planned(day: Installation) -> None:
    second_depot(day, lat=39.4, lon=-76.7, region_id=region_row(day, "a-quiet-one"))
    planned = run("plan", "--time-limit", "1", "--json")
    assert planned.exit_code == 1, planned.stderr  # one delivery was left out
    assert [len(route["stops"]) for route in json.loads(planned.stdout)["routes"]] == [2]


@pytest.mark.parametrize(("drives", "why"), [(True, 'There is no region "gone"'), (False, "Nobody drives on")])
def test_a_depot_that_cannot_be_planned_is_named_and_keeps_no_other_from_it(
    day: Installation, drives: bool, why: str
) -> None:
    """Its region was deleted, or nobody drives there."""
    depot = second_depot(day, drives=drives, lat=39.4, lon=-76.7, region_id=region_row(day, "gone"))
    with day.database.writing() as connection:
        release = connection.execute(select(tables.release.c.id)).scalar_one()
        site = connection.execute(select(tables.site.c.id)).scalars().first()
    delivery = add(
        day, tables.delivery, number="D-9", release_id=release, site_id=site, depot_id=depot, for_day=DAY,
        oldest_ordered_at=EARLIER,
    )  # fmt: skip
    with day.database.reading() as connection:
        allocation = connection.execute(select(tables.allocation.c.id)).scalars().first()
    add(day, tables.delivery_line, delivery_id=delivery, allocation_id=allocation, quantity=6)
    planned = run("plan", "--time-limit", "1", "--json")
    assert planned.exit_code == 1
    assert f"Depot 2: not planned. {why}" in planned.stderr
    assert [len(route["stops"]) for route in json.loads(planned.stdout)["routes"]] == [2]


def test_messages_wait_while_outbound_is_off(here: Installation) -> None:
    assert "Sending is off" in run("notify").stdout


def test_what_cannot_be_planned_is_refused_with_the_mend_and_no_traceback(here: Installation) -> None:
    refused = run("plan")
    assert (refused.exit_code, refused.stderr.startswith("There is no depot")) == (2, True)
    add(here, tables.depot, number="D1", name="Depot 1", lat=60.17, lon=24.94)
    assert run("plan", "--from", "yesterday").exit_code == 2
    assert "Nothing is released" in run("plan").stderr
    assert "Plan the day first" in run("dispatch").stderr


def test_locating_without_a_region_says_how_to_build_one(here: Installation) -> None:
    refused = run("locate")
    assert (refused.exit_code, "region add" in refused.stderr) == (2, True)


def test_the_day_is_picked_and_staged_from_the_command_line(day: Installation) -> None:
    run("plan", "--time-limit", "1", "--json")
    shown = run("pick", "--day", DAY)
    assert (shown.exit_code, "Depot 1: 12 units to pick in 2 deliveries" in shown.stdout) == (0, True)
    later = run("pick", "--day", "9999-12-31")
    assert later.stdout.splitlines() == [
        "Nothing is to be picked on Fri 31 Dec 9999: nothing is released for that day."
    ]
    assert run("pick", "--stage", "A3").exit_code == 2
    with day.database.writing() as connection:
        connection.execute(tables.supply.update().where(tables.supply.c.number == "R2").values(kind="inbound"))
    done = run("pick", "--all", "--stage", "A3", "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["picked"]) == (1, 6)
    assert document["not_picked"] == [
        {"delivery": "D-2", "why": "SKU-2 for D-2 is still on R2: count that truck in first."}
    ]
    (trip,) = document["depots"][0]["trips"]
    assert {each["delivery"]: each["state"] for each in trip["deliveries"]} == {"D-1": "staged", "D-2": "to_pick"}
    again = json.loads(run("pick", "--all", "--json").stdout)
    assert again["picked"] == 0


def test_what_no_van_carries_stands_apart_with_its_reason_and_is_not_picked(day: Installation) -> None:
    before = run("pick")
    assert "Released, on no van yet: not picked" in before.stdout
    assert before.stdout.count("not planned yet") == 3
    assert json.loads(run("pick", "--all", "--json").stdout)["picked"] == 0
    with day.database.writing() as connection:
        mine = tables.site.c.number == "S1"
        connection.execute(tables.site.update().where(mine).values(pin_quality="approximate"))
    run("plan", "--time-limit", "1", "--json")
    document = json.loads(run("pick", "--all", "--json").stdout)
    loose = document["depots"][0]["on_no_trip"]
    assert document["picked"] == 6
    assert [(each["delivery"], each["state"], each["why"]) for each in loose] == [
        ("D-1", "to_pick", "address_in_review"), ("D-3", "to_pick", "missing_weight")
    ]  # fmt: skip
    shown = run("pick").stdout.partition("not picked")
    assert ("D-2" in shown[0], "D-1" in shown[0], "D-1" in shown[2], "address in review" in shown[2]) == (
        True, False, True, True
    )  # fmt: skip
    with day.database.writing() as connection:  # somebody said where it is: the next plan may take it
        connection.execute(tables.site.update().where(mine).values(pin_quality="by_person"))
    (home,) = json.loads(run("pick", "--json").stdout)["depots"]
    assert home["on_no_trip"][0]["why"] == "not_planned"


class NoTrucks:
    """The ways of this region for all but trucks, for which its map has no road."""

    def __init__(self, ways: Any) -> None:
        self.ways = ways

    def table(self, places: Any, *, profile: str) -> Any:
        if profile == "truck":
            raise TravelError("No road that a truck may use.", code=NO_ROADS, profile=profile)
        return self.ways.table(places, profile=profile)

    def path(self, places: Any, *, profile: str) -> Any:
        return self.ways.path(places, profile=profile)


def test_a_vehicle_without_roads_stays_and_the_command_and_the_board_say_why(
    day: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The truck may use no road of this map; Van 2 has roads and nothing to do. Van 1 goes."""
    with day.database.reading() as connection:
        depot = connection.scalars(select(tables.depot.c.id)).one()
    for number, name, profile in (("T1", "Truck [1]", "truck"), ("V2", "Van 2", "van")):
        vehicle = add(day, tables.vehicle, number=number, name=name, depot_id=depot, profile=profile, weight_g=100_000)
        add(
            day, tables.shift, day=DAY, depot_id=depot, vehicle_id=vehicle, starts="07:00", ends="15:00",
            cost_fixed=500_00, cost_per_hour=3000, cost_per_km=50,
        )  # fmt: skip
    monkeypatch.setattr("routing.engines.roads.travel.travel_times", lambda _region: NoTrucks(GreatCircleTravelTimes()))
    document = json.loads(run("plan", "--time-limit", "1", "--json").stdout)
    assert [route["vehicle"] for route in document["routes"]] == ["Van 1"]
    assert [(each["vehicle"], each["reason"], each["day"]) for each in document["unused"]] == [
        ("Truck [1]", "no_road", DAY),
        ("Van 2", "", DAY),
    ]

    said = " ".join(run("plan", "--time-limit", "1").stdout.split())
    assert "Truck [1] stays: the map has no road that it may use between these places." in said
    assert "Van 2 stays" not in said

    website = Website(installation=day, clock=SetClock(day.clock.now()), app=create_app(day))
    board = website.signed_in().get(f"/plan?day={DAY}").text
    assert "Stays, because the map has no road for it: Truck [1]" in board
    assert "Not used: Van 2<" in board, "one van, one sentence"


@pytest.mark.parametrize("command", ["locate", "plan", "advise", "dispatch", "notify", "pick"])
def test_every_command_of_the_day_has_help(command: str) -> None:
    assert "Usage" in run(command, "--help").stdout


def test_advice_names_what_would_bring_more_and_changes_nothing(day: Installation) -> None:
    assert run("advise", "--day", DAY).exit_code == 2
    run("plan", "--time-limit", "1", "--json")
    said = run("advise")
    assert (said.exit_code, said.stdout) == (
        0, "Every van is on time, and neither longer hours nor another van would bring more.\n"
    )  # fmt: skip
    assert "of it nobody had ticked as picked." in run("dispatch", "--load").stdout
    day.clock.jump(to=datetime(2026, 5, 12, 11, 50, tzinfo=UTC), running=False)  # 14:50, its shift ends at 15:00
    late = run("advise", "--json")
    document = json.loads(late.stdout)
    assert late.exit_code == 1
    assert [each["van"] for each in document["late"]] == ["Van 1 (Driver 1)"]
    assert document["late"][0]["after_shift_s"] > 0
    assert [each["kind"] for each in document["late"][0]["options"]] == ["leave", "overtime"]
    assert len(document["late"][0]["ranked"]) == 2
    with day.database.reading() as connection:
        assert connection.execute(select(tables.plan.c.id)).scalars().all() == [1]
