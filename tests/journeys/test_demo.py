"""The demo is run as a newcomer runs it, twice; its figures are then computed again from the files, the saved plan and
the mailbox, by plain csv, sqlite3 and email: nothing here asks a query that the demo asks."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from data.mapping.plans import problem_from_bytes
from routing.model.plans import Problem

DAY = "2026-03-03"
FILES = Path(__file__).parents[2] / "data" / "demo"


def run_demo(home: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BACKROUTE_")}
    return subprocess.run(
        [sys.executable, "-c", "from web.cli import main; main()", "demo", "--no-serve", "--time-limit", "3"],
        cwd=FILES.parents[1],
        env=environment | {"BACKROUTE_HOME": str(home), "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )


class Day:
    """What two runs of the demo left behind."""

    def __init__(self, home: Path) -> None:
        self.first, self.second = run_demo(home), run_demo(home)
        self.home = home / "demo"
        self.figures: dict[str, Any] = json.loads((self.home / "figures.json").read_text())

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "backroute.db")) as connection:
            return connection.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return Day(tmp_path_factory.mktemp("demo"))


def lines_of(*names: str) -> list[dict[str, str]]:
    found = []
    for name in names:
        with (FILES / name).open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file))
    return found


def test_both_runs_end_well_and_the_second_reuses_only_the_region(day: Day) -> None:
    assert day.first.returncode == 0, day.first.stdout[-2000:] + day.first.stderr[-2000:]
    assert day.second.returncode == 0, day.second.stdout[-2000:] + day.second.stderr[-2000:]
    assert (day.home / "regions" / "helsinki").is_symlink()
    assert day.rows("SELECT count(DISTINCT day) FROM current_plan WHERE day = ?", DAY) == [(1,)]


def test_what_was_ordered_is_what_the_files_say(day: Day) -> None:
    lines = lines_of("orders.csv", "orders_history.csv")
    assert day.figures["orders"] == len({line["order"] for line in lines}) >= 130
    assert day.figures["lines"] == len(lines)
    assert day.figures["units_ordered"] == sum(int(line["quantity"]) for line in lines)


def test_the_figures_of_the_plan_are_those_of_its_routes_driven_again_by_hand(day: Day) -> None:
    plans = day.rows("SELECT DISTINCT plan_id FROM current_plan WHERE day = ?", DAY)
    planned, stops, metres, out, tiers = set(), 0, 0, [], Counter()
    for (plan_id,) in plans:
        ((blob,),) = day.rows("SELECT problem FROM plan WHERE id = ?", plan_id)
        problem = problem_from_bytes(blob)
        tier_of = {visit.id: visit.tier for visit in problem.visits}
        for route_id, shift_id in day.rows("SELECT id, shift_id FROM route WHERE plan_id = ?", plan_id):
            doors = day.rows(
                "SELECT stop.id, stop.site_id FROM stop JOIN trip ON trip.id = stop.trip_id "
                "WHERE trip.route_id = ? ORDER BY trip.sequence, stop.sequence",
                route_id,
            )
            stops += len(doors)
            metres += driven(problem, shift_id, [site for _, site in doors])
            for stop_id, _ in doors:
                riding = [
                    key for (key,) in day.rows("SELECT delivery_id FROM stop_delivery WHERE stop_id = ?", stop_id)
                ]
                assert planned.isdisjoint(riding), "a delivery rides twice"
                planned.update(riding)
                tiers.update(tier_of[key] for key in riding)
        out += [
            (key, json.loads(reasons))
            for key, reasons in day.rows("SELECT delivery_id, reasons FROM unassigned WHERE plan_id = ?", plan_id)
        ]
    assert planned.isdisjoint(key for key, _ in out)
    due = day.rows("SELECT id FROM delivery WHERE for_day = ?", DAY)
    assert planned | {key for key, _ in out} == {key for (key,) in due}
    assert day.figures["stops"] == stops
    assert day.figures["deliveries_planned"] == len(planned)
    assert day.figures["left_out"] == len(out)
    reasons = Counter(reason for _, mine in out for reason in mine)
    assert day.figures["left_out_reasons"] == dict(reasons)
    assert len(reasons) >= 4, "the demo shows at least four reasons for being left out"
    assert day.figures["distance_m"] == metres
    assert day.figures["served_by_tier"] == {str(tier): tiers[tier] for tier in sorted(tiers, reverse=True)}


def driven(problem: Problem, shift_id: int, sites: list[int]) -> int:
    """Metres from the depot through these doors and back, from the matrix in the saved problem."""
    shift = next(shift for shift in problem.shifts if shift.id == shift_id)
    place_of = {place.site_id: place.index for place in problem.places if place.site_id is not None}
    way = [shift.start, *(place_of[site] for site in sites), shift.end]
    metres = problem.travel[shift.profile].distances_m
    return sum(int(metres[a, b]) for a, b in pairwise(way))


def test_what_was_loaded_is_what_the_planned_orders_were_given(day: Day) -> None:
    given = day.rows(
        "SELECT sum(l.quantity) FROM delivery_line l WHERE l.delivery_id IN (SELECT delivery_id FROM stop_delivery sd "
        "JOIN stop s ON s.id = sd.stop_id JOIN trip t ON t.id = s.trip_id JOIN route r ON r.id = t.route_id "
        "WHERE r.plan_id IN (SELECT plan_id FROM current_plan WHERE day = ?))",
        DAY,
    )
    on_vans = day.rows(
        "SELECT sum(quantity) FROM movement WHERE to_place LIKE 'vehicle:%' AND why = 'loaded' "
        "AND at >= '2026-03-02 22:00'"
    )
    assert day.figures["units_loaded"] == given[0][0] == on_vans[0][0]


def test_never_more_is_allocated_than_was_counted_or_ordered(day: Day) -> None:
    ordered: Counter[tuple[str, str]] = Counter()
    for line in lines_of("orders.csv", "orders_history.csv"):
        ordered[line["order"], line["line"]] += int(line["quantity"])
    for number, line_number, served in day.rows(
        "SELECT o.number, l.number, sum(a.quantity - a.short - a.refused - a.damaged) FROM allocation a "
        "JOIN order_line l ON l.id = a.order_line_id JOIN customer_order o ON o.id = l.order_id GROUP BY l.id"
    ):
        assert served <= ordered[number, line_number]
    for quantity, quarantined, allocated in day.rows(
        "SELECT s.quantity, s.quarantined, sum(a.quantity) FROM supply s JOIN allocation a ON a.supply_id = s.id "
        "WHERE s.kind = 'receipt' GROUP BY s.id"
    ):
        assert allocated <= quantity - quarantined


def test_the_short_truck_goes_to_the_higher_tiers_first(day: Day) -> None:
    tiers = {row["customer"]: int(row["tier"]) for row in lines_of("customers.csv")}
    wanting = {row["order"]: tiers[row["customer"]] for row in lines_of("orders.csv") if row["sku"] == "P201"}
    assert len(set(wanting.values())) > 1, "the receipt is contested between tiers"
    served = {
        number
        for (number,) in day.rows(
            "SELECT DISTINCT o.number FROM allocation a JOIN supply s ON s.id = a.supply_id "
            "JOIN order_line l ON l.id = a.order_line_id JOIN customer_order o ON o.id = l.order_id "
            "WHERE s.number = 'R-2001' AND a.quantity > 0"
        )
    }
    assert min(wanting[number] for number in served) >= max(
        tier for number, tier in wanting.items() if number not in served
    )


def test_every_message_that_was_sent_lies_in_the_mailbox_once(day: Day) -> None:
    mail = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in (day.home / "mail").glob("*.eml")]
    assert day.figures["messages_sent"] == len(mail) > 0
    keys = [message["Message-ID"] or message["X-Backroute-Key"] for message in mail]
    assert None not in keys
    assert len(keys) == len(set(keys))


def test_the_customers_of_the_days_before_were_told_when_their_van_comes(day: Day) -> None:
    """Else nothing of thirty days could be on time or late."""
    ((told,),) = day.rows(
        "SELECT count(*) FROM notice WHERE kind = 'out_today' AND status = 'sent' AND sent_at < '2026-03-02 22:00'"
    )
    assert told > 50


def test_the_story_prints_the_figures_it_saved(day: Day) -> None:
    for name in ("orders", "stops", "units_loaded", "messages_sent"):
        assert str(day.figures[name]) in day.second.stdout
