"""`backroute pick`: what the warehouse has to pick on a day, and picking it without a scanner."""

from __future__ import annotations

from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data.queries.warehouse import NOT_PLANNED, FloorDelivery, FloorDepot, floor
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words
from routing.services.picking import a_place, pick_lines, stage_delivery
from web.cli.output import json_option, plain, print_json
from web.cli.values import BY, DAY, the_day
from web.wiring import Installation, open_installation

MOST_SHOWN = 40


@click.command("pick")
@click.option("--day", type=DAY, metavar="DAY", help="The day, as 2026-05-12; left out: today.")
@click.option("--all", "everything", is_flag=True, help="Mark all that the day's vans carry as picked.")
@click.option("--stage", "place", metavar="PLACE", help="With --all: the lane or bay where it all waits.")
@json_option
def pick_command(day: str | None, everything: bool, place: str | None, as_json: bool) -> None:
    """List what is to be picked on a day, trip by trip, last stop first; with --all mark it picked.

    What is released but on no van yet stands apart, with its reason: nobody picks that. Exit code 1 when something
    could not be picked: each with its reason. A second time changes nothing.
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
                for each in home.on_vans:
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
        busy = [home for home in homes if home.on_vans or home.loose]
        if not busy:
            click.echo(f"Nothing is to be picked on {day_words(day)}: nothing is released for that day.")
        for home in homes if busy else ():
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
        "on_no_trip": [{**_delivery(each), "why": each.why} for each in home.loose],
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
    rows = [each for each in home.on_vans if each.delivery.stage in ("to_pick", "part_picked", "picked", "staged")]
    left = sum(each.delivery.quantity - each.delivery.picked for each in rows if each.delivery.direction == "deliver")
    console.print(f"{home.name}: {left} units to pick in {len(rows)} deliveries", markup=False, highlight=False)
    if rows:
        table = _table("Trip", "Stop", "Delivery", "Site", "Goods", "State")
        for each in rows[:MOST_SHOWN]:
            state = each.delivery.stage.replace("_", " ")
            where = "to fetch" if each.delivery.direction == "collect" else f"{state} {each.delivery.staged_place}"
            table.add_row(
                plain(each.trip_name),
                str(each.stop),
                each.delivery.number,
                plain(each.delivery.site),
                plain(_goods(each)),
                plain(where.strip()),
            )
        console.print(table)
        _and_more(console, len(rows))
    if home.loose:
        console.print("Released, on no van yet: not picked", markup=False, highlight=False)
        table = _table("Delivery", "Site", "Goods", "Why")
        for each in (*home.stuck, *home.unplanned)[:MOST_SHOWN]:
            table.add_row(each.delivery.number, plain(each.delivery.site), plain(_goods(each)), _why(each))
        console.print(table)
        _and_more(console, len(home.loose))


def _table(*names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name == "Stop" else "left")
    return table


def _goods(each: FloorDelivery) -> str:
    return ", ".join(f"{line.picked}/{line.quantity} {line.sku}" for line in each.delivery.lines)


def _why(each: FloorDelivery) -> str:
    why = "not planned yet" if each.why == NOT_PLANNED else each.why.replace("_", " ")
    return f"to fetch, {why}" if each.delivery.direction == "collect" else why


def _and_more(console: Console, rows: int) -> None:
    if rows > MOST_SHOWN:
        console.print(f"  ... and {rows - MOST_SHOWN} more (--json names them)", markup=False)
