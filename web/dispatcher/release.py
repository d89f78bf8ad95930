"""Release: what can go out on a day, and in words why the rest cannot."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.queries.company import company_card
from data.queries.release import released_deliveries, unsure_sites
from data.queries.taking_back import taking_back
from data.queries.today import today_of
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import InvalidInput
from routing.rules.release import NotReleased
from routing.services.releasing import StayingOrder, release_orders, simulate_release, unrelease
from web.dispatcher import words
from web.here import here, now
from web.incoming import day_of, whole
from web.people import needs_role

release = Blueprint("release", __name__, url_prefix="/release")


@release.get("")
@needs_role()
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        today = today_of(now(), company_card(connection).zone)
        day = day_of(request.args.get("day", today))
        store = SqlStore(connection)
        depots = [
            (depot, simulate_release(store, depot_id=depot.id, for_day=day, now=now())) for depot in store.depots()
        ]
        released = released_deliveries(connection, day=day)
        unsure = unsure_sites(connection)
    stays: dict[NotReleased, list[StayingOrder]] = defaultdict(list)
    for _depot, found in depots:
        for each in found.stays:
            stays[each.reasons[0]].append(each)
    return render_template(
        "dispatcher/release.html",
        day=day,
        today=today,
        earlier=(date.fromisoformat(day) - timedelta(days=1)).isoformat(),
        later=(date.fromisoformat(day) + timedelta(days=1)).isoformat(),
        depots=depots,
        ready=sum(len(found.ready) for _depot, found in depots),
        stays=sorted(stays.items(), key=lambda pair: -len(pair[1])),
        staying=sum(len(each) for each in stays.values()),
        released=released,
        unsure=unsure,
        words=words,
    )


@release.post("")
@needs_role("dispatcher")
def go() -> ResponseReturnValue:
    """Releases the chosen orders, or with `all` everything that is ready then."""
    day = day_of(request.form.get("day", ""))
    chosen = {key for each in request.form.getlist("order") if (key := whole(each)) is not None}
    everything = "all" in request.form
    if not chosen and not everything:
        raise InvalidInput(_("No order was chosen. Tick at least one, or release all."), code="none_chosen")
    at, by = now(), current_user.actor

    def let_go(store: SqlStore) -> tuple[int, int]:
        found = [
            release_orders(store, depot_id=depot.id, for_day=day, now=at, by=by, orders=None if everything else chosen)
            for depot in store.depots()
        ]
        return sum(len(each.ready) for each in found), sum(len(each.deliveries) for each in found)

    orders, deliveries = in_transaction(here().database, let_go)
    if orders:
        said = ngettext("%(num)s order released", "%(num)s orders released", orders)
        into = ngettext("in %(num)s delivery.", "in %(num)s deliveries.", deliveries)
        flash(f"{said} {into}", "done")
    else:
        flash(_("Nothing was released: what was ready has changed meanwhile. This is how it is now."), "late")
    return redirect(url_for("release.page", day=day))


@release.get("/<int:delivery_id>/back")
@needs_role("dispatcher")
def look_back(delivery_id: int) -> ResponseReturnValue:
    """What taking a delivery back does, before it is done; of one that is loaded only why it cannot be."""
    with here().database.reading() as connection:
        found = taking_back(connection, delivery_id)
    day = day_of(request.args.get("day", found.for_day))
    return render_template("dispatcher/taking_back.html", found=found, day=day, words=words)


@release.post("/<int:delivery_id>/back")
@needs_role("dispatcher")
def back(delivery_id: int) -> ResponseReturnValue:
    day = day_of(request.form.get("day", ""))
    why = request.form.get("why", "").strip()[:200]
    with open_store(here().database) as store:
        unrelease(store, delivery_id, now=now(), by=current_user.actor, why=why)
    flash(_("Taken back. Its goods stay with their orders."), "done")
    return redirect(url_for("release.page", day=day))
