"""`backroute pick`: what the warehouse has to pick on a day, and picking it without a scanner."""

from __future__ import annotations

from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.queries.warehouse import FloorDelivery, FloorDepot, floor
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words
from routing.services.picking import a_place, pick_lines, stage_delivery
from web.cli.output import json_option, print_json
from web.cli.values import DAY, the_day
from web.wiring import Installation, open_installation

BY = "command line"
MOST_SHOWN = 40


@click.command("pick")
@click.option("--day", type=DAY, metavar="DAY", help="The day, as 2026-05-12; left out: today.")
@click.option("--all", "everything", is_flag=True, help="Mark everything of the day as picked.")
@click.option("--stage", "place", metavar="PLACE", help="With --all: the lane or bay where it all waits.")
@json_option
def pick_command(day: str | None, everything: bool, place: str | None, as_json: bool) -> None:
    """List what is to be picked on a day, trip by trip, last stop first; with --all mark it picked.

    Exit code 1 when something could not be picked: each with its reason. A second time changes nothing.
    """
    if place and not everything:
        raise InvalidInput("--stage goes with --all: there is nothing to stage otherwise.", code="stage")
    if place is not None and everything:
        place = a_place(place)
    not_picked: list[dict[str, str]] = []
    picked = 0
    with open_installation() as here:
        day = the_day(here, day)
        if everything:
            for home in _floor(here, day):
                for each in home.every:
                    try:
                        picked += _pick(here, each, place)
                    except Conflict as problem:
                        not_picked.append({"delivery": each.delivery.number, "why": str(problem)})
        homes = _floor(here, day)
    if as_json:
        print_json(
            {"day": day, "picked": picked, "not_picked": not_picked, "depots": [_document(home) for home in homes]}
        )
    else:
        if everything:
            click.echo(f"{picked} units picked for {day_words(day)}.")
        if not any(home.every for home in homes):
            click.echo(f"Nothing is to be picked on {day_words(day)}: nothing is released for that day.")
        for home in homes if any(home.every for home in homes) else ():
            _print(home)
        for each_no in not_picked:
            click.echo(f"Not picked: {each_no['why']}")
    if not_picked:
        click.get_current_context().exit(1)


def _pick(here: Installation, each: FloorDelivery, place: str | None) -> int:
    """A transaction for each delivery: one that cannot be picked does not keep the others."""

    def work(store: SqlStore) -> int:
        delivery, units = each.delivery, 0
        now = here.clock.now()
        if delivery.state != "released":
            return 0
        if not delivery.whole:
            units = pick_lines(store, delivery_id=delivery.id, now=now, by=BY).total
        if place and delivery.staged_place != place:
            stage_delivery(store, delivery_id=delivery.id, place=place, now=now, by=BY)
        return units

    return in_transaction(here.database, work)


def _floor(here: Installation, day: str) -> tuple[FloorDepot, ...]:
    with here.database.reading() as connection:
        return floor(connection, day=day, now=here.clock.now())


def _document(home: FloorDepot) -> dict[str, Any]:
    return {
        "depot": home.name,
        "trips": [
            {
                "vehicle": trip.vehicle,
                "trip": trip.trip,
                "driver": trip.driver,
                "departs_at": trip.departs_at,
                "units": trip.units,
                "picked": trip.picked,
                "state": trip.stage,
                "deliveries": [_delivery(each) for each in trip.deliveries],
            }
            for trip in home.trips
        ],
        "on_no_trip": [_delivery(each) for each in home.loose],
    }


def _delivery(each: FloorDelivery) -> dict[str, Any]:
    return {
        "delivery": each.delivery.number,
        "site": each.delivery.site,
        "stop": each.stop,
        "state": each.delivery.stage,
        "staged_at": each.delivery.staged_place,
        "lines": [
            {"sku": line.sku, "name": line.name, "quantity": line.quantity, "picked": line.picked, "on": line.to_come}
            for line in each.delivery.lines
        ],
    }


def _print(home: FloorDepot) -> None:
    console = Console()
    rows = [each for each in home.every if each.delivery.stage in ("to_pick", "part_picked", "picked", "staged")]
    left = sum(each.delivery.quantity - each.delivery.picked for each in rows)
    console.print(f"{home.name}: {left} units to pick in {len(rows)} deliveries", markup=False, highlight=False)
    if not rows:
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("Trip", "Stop", "Delivery", "Site", "Goods", "State"):
        table.add_column(name, justify="right" if name == "Stop" else "left")
    for each in rows[:MOST_SHOWN]:
        goods = ", ".join(f"{line.picked}/{line.quantity} {line.sku}" for line in each.delivery.lines)
        state = each.delivery.stage.replace("_", " ")
        where = f"{state} {each.delivery.staged_place}".strip()
        table.add_row(
            escape(each.trip_name or "none"),
            str(each.stop or "–"),
            each.delivery.number,
            escape(each.delivery.site),
            escape(goods),
            escape(where),
        )
    console.print(table)
    if len(rows) > MOST_SHOWN:
        console.print(f"  ... and {len(rows) - MOST_SHOWN} more (--json names them)", markup=False)
