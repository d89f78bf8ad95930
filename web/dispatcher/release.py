"""Release: what can go out on a day, and in words why the rest cannot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import Connection

from data.queries.company import company_card
from data.queries.orders import depot_of
from data.queries.receipts import InboundLine, inbound_by_ids
from data.queries.release import UnsureSites, released_deliveries, unsure_sites
from data.queries.standing import standings
from data.queries.taking_back import taking_back
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words, today_of
from routing.rules.effect import effect_of
from routing.services.releasing import ReadyOrder, unrelease, with_days_moved
from routing.services.sending_along import chosen_ride, send_along
from routing.services.telling import how_they_hear
from web.along import NOTHING, release_day, rides_on
from web.dispatcher import ride_words, words
from web.dispatcher.staying import staying
from web.dispatcher.told import done_words
from web.errors import wants_json
from web.here import here, now
from web.incoming import day_of, row_id, whole
from web.people import needs_role
from web.plan_job import travel_of

release = Blueprint("release", __name__, url_prefix="/release")


@release.get("")
@needs_role()
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        today = today_of(now(), company_card(connection).zone)
        day = day_of(request.args.get("day", today))
        store = SqlStore(connection)
        found = standings(connection, day=day, now=now())
        by_depot = {each.depot_id: each for each in found.releases}
        depots = [(depot, by_depot[depot.id]) for depot in store.depots()]
        along = (
            rides_on(here(), connection, day=day, depot_ids=sorted(by_depot), now=now()) if day >= today else NOTHING
        )
        released = released_deliveries(connection, day=day)
        moved = [
            line
            for each in (found.releases if day >= today else ())
            for line in with_days_moved(store, each, now=now()).moved
        ]
        hear = how_they_hear(store, moved, now=now())
        last_truck = _last_trucks(connection, [order for each in found.releases for order in each.ready])
    return render_template(
        "dispatcher/release.html",
        day=day,
        today=today,
        earlier=(date.fromisoformat(day) - timedelta(days=1)).isoformat(),
        later=(date.fromisoformat(day) + timedelta(days=1)).isoformat(),
        depots=depots,
        found=found,
        ready=found.release.all,
        parts=found.release,
        stays=staying(found),
        released=released,
        last_truck=last_truck,
        unsure=found.unsure,
        after_cut_off=sum(len(each.after_cut_off) for each in found.releases),
        along=along,
        goes_otherwise=[line for line in moved if not line.is_told_along],
        told_along=[line for line in moved if line.is_told_along],
        effect=effect_of(moved),
        hear=hear,
        ride_words=ride_words,
        words=words,
    )


def _last_trucks(connection: Connection, orders: Sequence[ReadyOrder]) -> dict[int, InboundLine]:
    """By order what it waits for last of what is still on a truck; an order whose goods all lie here is not there."""
    coming = {each.supply_id for order in orders for each in order.units if each.ready_at is not None}
    lines = inbound_by_ids(connection, sorted(coming)) if coming else {}
    last: dict[int, InboundLine] = {}
    for order in orders:
        on_trucks = [
            (each.ready_at, each.supply_id) for each in order.units if each.ready_at and each.supply_id in lines
        ]
        if on_trucks:
            last[order.order_id] = lines[max(on_trucks)[1]]
    return last


@release.post("")
@needs_role("dispatcher")
def go() -> ResponseReturnValue:
    """Releases the chosen orders, or with `all` everything that is ready then."""
    day = day_of(request.form.get("day", ""))
    chosen = {key for each in request.form.getlist("order") if (key := whole(each)) is not None}
    everything = "all" in request.form
    if not chosen and not everything:
        raise InvalidInput(_("No order was chosen. Tick at least one, or release all."), code="none_chosen")
    done = [
        release_day(
            here(),
            depot_id=depot_id,
            day=day,
            now=now(),
            by=current_user.actor,
            orders=None if everything else chosen,
        )
        for depot_id in _depot_ids()
    ]
    orders = sum(len(each.releasing.ready) for each in done)
    deliveries = sum(len(each.releasing.deliveries) for each in done)
    if orders:
        said = ngettext("%(num)s order released", "%(num)s orders released", orders)
        into = ngettext("in %(num)s delivery.", "in %(num)s deliveries.", deliveries)
        flash(f"{said} {into}", "done")
    else:
        flash(_("Nothing was released: what was ready has changed meanwhile. This is how it is now."), "late")
    with here().database.reading() as connection:
        unsure = unsure_sites(connection)
    taken = [order for each in done for order in each.releasing.ready]
    _say_what_waits(taken)
    _say_which_doors(taken, unsure)
    if said := done_words(line for each in done for line in each.releasing.moved):
        flash(said, "late")
    for offer in [offer for each in done for offer in each.rode]:
        flash(_("By the rule in force: %(what)s.", what=ride_words.went(offer)), "done")
    return redirect(url_for("release.page", day=day))


def _say_what_waits(taken: Sequence[ReadyOrder]) -> None:
    """Of what was released: what is on a truck still, and what was ordered after the cut-off."""
    if to_count := sum(not order.on_shelf for order in taken):
        flash(
            ngettext(
                "%(num)s of them has goods on a truck that is not counted in: it is picked once that is counted.",
                "%(num)s of them have goods on a truck that is not counted in: they are picked once that is counted.",
                to_count,
            ),
            "late",
        )
    if never := [order.order for order in taken if order.planned_from is None]:
        flash(
            ngettext(
                "%(which)s was ordered after the cut-off, and no later day is known on which its door is served: no "
                "plan takes it until a day is opened for it.",
                "%(num)s of them were ordered after the cut-off (%(which)s), and no later day is known on which their "
                "doors are served: no plan takes them until a day is opened for them.",
                len(never),
                which=_few(never),
            ),
            "late",
        )
    days = [order.planned_from for order in taken if order.planned_from]
    if late := [order for order in taken if order.planned_from]:
        flash(
            ngettext(
                "%(which)s was ordered after the cut-off: no plan of this day takes it, but that of %(day)s.",
                "%(num)s of them were ordered after the cut-off (%(which)s): no plan of this day takes them, that of "
                "%(day)s at the earliest.",
                len(late),
                which=_few([order.order for order in late]),
                day=day_words(min(days)),
            ),
            "late",
        )


def _say_which_doors(taken: Sequence[ReadyOrder], unsure: UnsureSites) -> None:
    """Of what was released: the doors that no van finds yet, and who is to do what."""
    new = {order.site_id: order.site for order in taken if order.site_id in unsure.new}
    if new:
        flash(
            ngettext(
                "The address of %(which)s is not looked up yet: press Look up under Addresses, then it can be planned.",
                "%(num)s addresses are not looked up yet (%(which)s): press Look up under Addresses, then they can be "
                "planned.",
                len(new),
                which=_few([*new.values()]),
            ),
            "late",
        )
    doors = {order.site_id: order.site for order in taken if order.site_id in unsure.all - unsure.new}
    if doors:
        flash(
            ngettext(
                "No van takes %(which)s until somebody says where it is: its address is in review.",
                "No van takes %(num)s of the deliveries until somebody says where they are: %(which)s.",
                len(doors),
                which=_few([*doors.values()]),
            ),
            "late",
        )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" …" if len(names) > 5 else "")


def _depot_ids() -> list[int]:
    with here().database.reading() as connection:
        return [depot.id for depot in SqlStore(connection).depots()]


@release.post("/along")
@needs_role("dispatcher")
def along() -> ResponseReturnValue:
    """Sends a part along with the van that was shown: so many units, in that plan."""
    day = day_of(request.form.get("day", ""))
    order_id = request.form.get("order", type=row_id)
    units = request.form.get("units", type=row_id)
    if order_id is None or units is None:
        raise InvalidInput(_("Nothing was chosen. Press the button beside the order."), code="none_chosen")
    try:
        with here().database.reading() as connection:
            store, depot_id = SqlStore(connection), depot_of(connection, order_id)
            chosen = chosen_ride(
                store,
                depot_id=depot_id,
                for_day=day,
                order_id=order_id,
                plan_id=request.form.get("plan", type=row_id),
                units=units,
                shift=request.form.get("shift", type=row_id),
                now=now(),
                travel=travel_of(here(), store, [depot_id]),
            )
        at, by = now(), current_user.actor
        in_transaction(here().database, lambda store: send_along(store, chosen, now=at, by=by))
    except Conflict as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(_back(day, order_id), 303)
    if wants_json():
        return jsonify(order=chosen.offer.order, units=chosen.offer.units)
    flash(_("Done: %(what)s.", what=ride_words.went(chosen.offer)), "done")
    return redirect(_back(day, order_id), 303)


def _back(day: str, order_id: int) -> str:
    if request.form.get("back") == "order":
        return url_for("orders.one", order_id=order_id)
    return url_for("release.page", day=day, _anchor="along")


@release.get("/<int:delivery_id>/back")
@needs_role("dispatcher")
def look_back(delivery_id: int) -> ResponseReturnValue:
    """What taking a delivery back, or not fetching a collection, does, before it is done; of one that is on a van only
    why it cannot be."""
    with here().database.reading() as connection:
        found = taking_back(connection, delivery_id)
    day = day_of(request.args.get("day", found.for_day))
    return render_template("dispatcher/taking_back.html", found=found, day=day, words=words)


@release.post("/<int:delivery_id>/back")
@needs_role("dispatcher")
def back(delivery_id: int) -> ResponseReturnValue:
    day = day_of(request.form.get("day", ""))
    why = request.form.get("why", "").strip()[:200]
    by, at = current_user.actor, now()
    with here().database.reading() as connection:
        found = taking_back(connection, delivery_id)
    in_transaction(here().database, lambda store: unrelease(store, delivery_id, now=at, by=by, why=why))
    if found.fetches:
        flash(_("%(delivery)s is cancelled: nothing is fetched.", delivery=found.number), "done")
    else:
        flash(_("Taken back. Its goods stay with their orders."), "done")
    return redirect(url_for("release.page", day=day))
