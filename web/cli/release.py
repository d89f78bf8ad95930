"""`backroute release`: what is ready goes out, and what a part that rides along, or waits, costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from data.queries.company import company_card
from data.queries.release import UnsureSites, ready_parts, unsure_sites
from data.store import SqlStore
from routing.errors import InvalidInput
from routing.model.days import day_words
from routing.model.orders import RideRule
from routing.rules.release import WORDS, NotReleased
from routing.rules.ride_along import Added, RideOffer
from routing.services.erp import refuse_if_erp
from routing.services.releasing import ReadyOrder, Releasing, simulate_release, with_days_moved
from routing.services.sending_along import ReleasedWithRides
from routing.services.telling import Hear, how_they_hear
from web.along import Along, release_day, rides_on
from web.changes import besides_document, heard_document, line_document, told_document
from web.cli.output import MOST_SHOWN, clean, counted, json_option, plain, print_json
from web.cli.told import print_causes, print_lines, print_told
from web.cli.values import BY, DAY, depots_named
from web.wiring import open_installation

FURTHEST_RELEASE = 366
"""Days ahead. Goods that are released are nobody else's: a slip of the year would lock them away."""
"""Rows of a table on a terminal; the rest is counted, `--json` has them all."""


SHORT = {
    NotReleased.ON_HOLD: "on hold",
    NotReleased.PAYMENT: "waiting for payment",
    NotReleased.CUSTOMER_PAYMENT: "of a customer on payment hold",
    NotReleased.WAITS_FOR_STOCK: "waiting for stock",
    NotReleased.INCOMPLETE: "ship complete and are not",
    NotReleased.LINE_INCOMPLETE: "ship whole lines and have none",
    NotReleased.BELOW_MIN_PERCENT: "below the minimum share",
    NotReleased.BELOW_MIN_VALUE: "below the minimum value",
    NotReleased.LAST_SHIPMENT: "with one shipment left",
    NotReleased.NO_RIDE: "waiting for a van that passes",
    NotReleased.NOT_YET: "not wanted yet",
    NotReleased.TOO_LATE: "wanted earlier",
    NotReleased.CLOSED_THAT_DAY: "whose site is not served",
}
"""Behind a number: `9 waiting for stock, 3 not wanted yet`."""


@click.command("release")
@click.option("--day", type=DAY, metavar="DAY", help="The day they go out, as 2026-05-12; today if not given.")
@click.option("--depot", "depot_number", help="Only this depot; every depot if not given.")
@click.option("--simulate", is_flag=True, help="Show what would go and what stays, and change nothing.")
@json_option
def release_command(day: str | None, depot_number: str | None, simulate: bool, as_json: bool) -> None:
    """Release what is ready for a day: one delivery a site. What stays says why.

    What goes out on another day than it was expected is shown with its new day; a later one is told its customer.

    Where only a part of an order is there, it says what shipping it now with a van that passes, or waiting for the
    rest, costs. A part rides along by itself where the policy "ride_along" lets it; on a planned day it is put into
    the plan.
    """
    done: list[tuple[str, ReleasedWithRides, Along, Hear]] = []
    unsure = UnsureSites()
    with open_installation() as here:
        now = here.clock.now()
        with here.database.reading() as connection:
            refuse_if_erp(SqlStore(connection))
            depots = SqlStore(connection).depots()
            currency = company_card(connection).currency
        for depot in depots_named(depots, depot_number):
            for_day = _day(day, now, depot.zone)
            if simulate:
                with here.database.reading() as connection:
                    store = SqlStore(connection)
                    found = simulate_release(store, depot_id=depot.id, for_day=for_day, now=now)
                    found = with_days_moved(store, found, now=now)
                went = ReleasedWithRides(releasing=found)
            else:
                went = release_day(here, depot_id=depot.id, day=for_day, now=now, by=BY)
            with here.database.reading() as connection:
                along = rides_on(here, connection, day=for_day, depot_ids=[depot.id], now=now)
                unsure = unsure_sites(connection)
                hear = how_they_hear(SqlStore(connection), went.releasing.moved, now=now)
            done.append((depot.name, went, along, hear))
    if as_json:
        print_json(
            {"simulated": simulate, "currency": currency, "depots": [_release_document(*each, unsure) for each in done]}
        )
        return
    for name, went, along, hear in done:
        _print_release(name, went.releasing, unsure, simulate=simulate)
        _print_moved(went.releasing, hear)
        for offer in went.rode:
            click.echo(clean(f"{_headline(offer)}: rode along by the rule {offer.rule.value}."))
        _print_parts(along, currency, simulate=simulate)


def _day(day: str | None, now: datetime, zone: str) -> str:
    today = now.astimezone(ZoneInfo(zone)).date()
    if day is None:
        return today.isoformat()
    if not today <= date.fromisoformat(day) <= today + timedelta(days=FURTHEST_RELEASE):
        raise InvalidInput(
            f"Nothing is released for {day}: it is {today} at the depot. Name today or a day of the next year.",
            code="day",
        )
    return day


def _release_document(
    name: str, went: ReleasedWithRides, along: Along, hear: Hear, unsure: UnsureSites
) -> dict[str, Any]:
    found = went.releasing
    return {
        "depot": name,
        "day": found.for_day,
        "ready": [
            {
                "order": order.order,
                "customer": order.customer,
                "site": order.site,
                "units": order.quantity,
                "of": order.open_units,
                "value": order.value,
                "in_review": order.site_id in unsure.all - unsure.new,
                "not_looked_up": order.site_id in unsure.new,
                "planned_from": found.for_day if order.planned_from == "" else order.planned_from,
                "given": order.given,
                "by_policy": order.by_policy,
                "on_truck": sum(each.quantity for each in order.units if each.ready_at is not None),
            }
            for order in found.ready
        ],
        "deliveries": [number for _, number in found.deliveries],
        "stays": [
            {"order": order.order, "reasons": [reason.value for reason in order.reasons], "sentence": order.sentence}
            for order in found.stays
        ],
        "lines": [line_document(line) | heard_document(line, hear) for line in found.moved],
        **told_document([(found.moved, hear)]),
        **besides_document([(found.moved, hear)]),
        "rode_along": [_offer_document(offer) for offer in went.rode],
        "could_ride_along": [_offer_document(offer) for offer in (*along.asked, *along.agreed, *along.nobody)],
        "parts_not_priced": along.more,
        "parts_problem": along.wrong,
    }


def _offer_document(offer: RideOffer) -> dict[str, Any]:
    """Minor units, seconds, metres. `now`: what sending it along adds; `stop`: what a stop of its own later costs."""
    ride, stop = offer.ride, offer.stop
    return {
        "order": offer.order,
        "site": offer.site,
        "units": offer.units,
        "of": offer.of,
        "forbidden": offer.forbidden.value if offer.forbidden else "",
        "rule": offer.rule.value,
        "rule_max_minutes": offer.max_minutes,
        "by_rule": offer.by_rule,
        "whole_on": offer.whole_on,
        "days_sooner": offer.days_sooner,
        "now": None
        if ride is None
        else {
            "van": ride.van,
            "beside": ride.beside,
            "beside_m": ride.beside_m,
            "position": ride.position,
            "start": ride.start.isoformat() if ride.start else "",
            **_added_document(ride.added),
        },
        "why_not": offer.why_not,
        "stop": None
        if stop is None
        else {"of_stops": stop.stops, "of_zone": stop.of_zone, **_added_document(stop.added)},
    }


def _added_document(added: Added) -> dict[str, int]:
    return {"duty_s": added.duty_s, "distance_m": added.distance_m, "cost": round(added.cost / 1000)}


def _print_parts(along: Along, currency: str, *, simulate: bool) -> None:
    if along.wrong:
        click.echo(clean(f"What could ride along is not known: {along.wrong}"))
    goes = [offer for offer in along.asked if offer.rule is RideRule.ALONE]
    asked = [offer for offer in along.asked if offer.rule is not RideRule.ALONE]
    for head, offers in (
        ("Goes in part by its rule, unless it is told to wait:", goes),
        ("Could ride along:" if simulate else "Could still ride along:", asked),
    ):
        if offers:
            click.echo(head)
        for offer in offers:
            click.echo(clean(f"  {_headline(offer)}; {_costs(offer, currency)}"))
    for offer in along.agreed:
        assert offer.forbidden is not None
        click.echo(clean(f"  {_headline(offer)}; ask the customer first: {WORDS[offer.forbidden]}"))
    if along.nobody:
        click.echo("No van can take along:")
    for offer in along.nobody:
        click.echo(clean(f"  {offer.order}: {offer.units} of {offer.of}; {offer.why_not}"))
    if along.more:
        click.echo(f"{along.more} more parts were not priced.")


def _headline(offer: RideOffer) -> str:
    """SO-1099: Van 3 passes 40 m away, 8 of 12 now for +2 min, or complete on 2026-03-05"""
    assert offer.ride is not None
    van = offer.ride.van or "a van"
    passes = f"{van} passes {offer.ride.beside_m} m away" if offer.ride.beside_m else f"{van} stops at this door"
    minutes = round(offer.ride.added.duty_s / 60)
    whole = f"complete on {day_words(offer.whole_on)}" if offer.whole_on else "wait for a day nobody knows yet"
    return f"{offer.order}: {passes}, {offer.units} of {offer.of} now for {minutes:+d} min, or {whole}"


def _costs(offer: RideOffer, currency: str) -> str:
    assert offer.ride is not None
    now, kilometres = offer.ride.added.cost / 100_000, offer.ride.added.distance_m / 1000
    said = f"now {kilometres:+.1f} km, {now:+.2f} {currency}".rstrip()
    if offer.stop is None:
        return said
    minutes, money = round(offer.stop.added.duty_s / 60), offer.stop.added.cost / 100_000
    return f"{said}; the rest as a stop of its own about {minutes} min, {money:.2f} {currency}".rstrip()


def _print_moved(found: Releasing, hear: Hear) -> None:
    """What goes out on another day than it was expected: its old and new day, and who hears of it."""
    if not found.moved:
        return
    console = Console()
    own = [line for line in found.moved if not line.is_told_along]
    along = [line for line in found.moved if line.is_told_along]
    if own:
        console.print("Goes on another day than it was expected:", markup=False, highlight=False)
        print_lines(console, own)
    if along:
        console.print("Moved before, told now:", markup=False, highlight=False)
        print_lines(console, [replace(line, old_day=line.promised_on) for line in along])
        print_causes(console, along)
    print_told(console, found.moved, hear)


def _by_day(found: Releasing) -> list[tuple[str, list[ReadyOrder]]]:
    """What came after the cut-off by the ISO day whose plan takes it; "" where none does, and those first."""
    days: dict[str, list[ReadyOrder]] = defaultdict(list)
    for order in found.after_cut_off:
        days[order.planned_from or ""].append(order)
    return sorted(days.items())


def _print_release(name: str, found: Releasing, unsure: UnsureSites, *, simulate: bool) -> None:
    console = Console()
    made = f"{counted(found.sites, 'delivery', 'deliveries')} {'would be made' if simulate else 'made'}"
    parts = ready_parts(found.ready, unsure)
    where = [
        f"{parts.on_truck} with goods on a truck that is not counted in" if parts.on_truck else "",
        f"{parts.in_review} whose address is in review" if parts.in_review else "",
        f"{parts.not_looked_up} whose address is not looked up yet" if parts.not_looked_up else "",
    ]
    among = f" ({', '.join(filter(None, where))})" if any(where) else ""
    go = "would go" if simulate else "released"
    console.print(
        f"{name}, {day_words(found.for_day)}: {counted(len(found.ready), 'order')} {go}{among}, "
        f"{len(found.stays)} stay; {made}",
        markup=False,
        highlight=False,
    )
    if in_part := [order for order in found.ready if not order.whole]:
        several = ", ".join(f"{order.order} {order.quantity} of {order.open_units}" for order in in_part[:8])
        more = f" and {len(in_part) - 8} more" if len(in_part) > 8 else ""
        console.print(f"In part: {clean(several)}{more}", markup=False, highlight=False)
    for by_policy, said in (
        (False, "Have waited as long as they may by then, and"),
        (True, "Ship more freely by a policy of that day, and"),
    ):
        if given := [order for order in found.ready if order.given and order.by_policy is by_policy]:
            several = ", ".join(order.order for order in given[:8])
            more = f" and {len(given) - 8} more" if len(given) > 8 else ""
            console.print(
                f"{said} {'would be' if simulate else 'were'} given what there is: {clean(several)}{more}",
                markup=False,
                highlight=False,
            )
    for day, late in _by_day(found):
        several = ", ".join(f"{order.order} {order.site}" for order in late[:8])
        more = f" and {len(late) - 8} more" if len(late) > 8 else ""
        when = (
            f"; {day_words(day)} at the earliest"
            if day
            else ", and their doors are served on no later day within a year: open one in their calendar"
        )
        console.print(
            f"Ordered after the cut-off, so no plan of {day_words(found.for_day)} takes them{when} "
            f"(backroute what-if --cut-off shows what a later one would change): {clean(several)}{more}",
            markup=False,
            highlight=False,
        )
    if parts.on_truck:
        console.print(
            f"{parts.on_truck} {'waits' if parts.on_truck == 1 else 'wait'} for the count of a truck: what stands on "
            "it is neither picked nor loaded before.",
            markup=False,
            highlight=False,
        )
    for head, sites in (
        ("Not looked up yet: run backroute locate (or press Look up under /addresses)", unsure.new),
        ("No van takes these until a person says where they are (/addresses)", unsure.all - unsure.new),
    ):
        doors = {f"{order.order} {order.site}": None for order in found.ready if order.site_id in sites}
        if doors:
            several = ", ".join(list(doors)[:8])
            more = f" and {len(doors) - 8} more" if len(doors) > 8 else ""
            console.print(f"{head}: {clean(several)}{more}", markup=False, highlight=False)
    if found.stays:
        reasons = Counter(reason for order in found.stays for reason in order.reasons)
        console.print(
            ", ".join(f"{count} {SHORT[reason]}" for reason, count in reasons.most_common()),
            markup=False,
            highlight=False,
        )
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("Order", no_wrap=True)
        table.add_column("Customer", no_wrap=True, overflow="ellipsis", max_width=28)
        table.add_column("Why it stays")
        for order in found.stays[:MOST_SHOWN]:
            table.add_row(
                plain(order.order),
                plain(order.customer),
                plain(order.sentence.removeprefix(f"Order {order.order} stays: ")),
            )
        console.print(table)
        if len(found.stays) > MOST_SHOWN:
            console.print(f"... and {len(found.stays) - MOST_SHOWN} more (--json lists them)", markup=False)
