"""Today: where the day stands, what to decide, and the one next press."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.queries.company import company_card
from data.queries.tasks import task_list
from data.queries.timeline import newest_events
from data.queries.today import DUE_SOON, Figures, figures, left_out_by_reason, routes_of
from routing.model.days import today_of
from routing.rules.standing import Standing
from web.dispatcher import words
from web.here import here, now
from web.people import needs_role

today = Blueprint("today", __name__)

TASKS_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next thing to do: the button's word, where it leads, and why now."""

    word: str
    href: str
    why: str
    icon: str


@today.get("/")
@needs_role()
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        day = today_of(now(), company_card(connection).zone)
        found = figures(connection, day=day, now=now(), mine=current_user.called)
        return render_template(
            "dispatcher/today.html",
            figures=found,
            step=next_step(found),
            routes=routes_of(connection, day=day),
            left_out=left_out_by_reason(connection, day=day),
            tasks=task_list(connection, mine=current_user.called, only_mine=True, limit=TASKS_SHOWN),
            events=newest_events(connection),
            words=words,
        )


@today.get("/counters")
@needs_role()
def counters() -> ResponseReturnValue:
    """The one line alone: what the page asks for every 15 seconds."""
    with here().database.reading() as connection:
        day = today_of(now(), company_card(connection).zone)
        found = figures(connection, day=day, now=now(), mine=current_user.called)
        return render_template("dispatcher/_counters.html", figures=found)


def next_step(found: Figures) -> Step:
    """Receive → release → plan → load → dispatch → follow the day → close: the first that is not done."""
    if not found.depots:
        return Step(
            word=_("Bring in my data"),
            href=url_for("imports.page", kind="products"),
            why=_("Products, customers, fleet, then orders."),
            icon="upload",
        )
    plans = [depot.plan for depot in found.depots]
    board = f"/plan?day={found.day}"
    soon = [each for each in found.due if each.expected_at is not None and each.expected_at <= now() + DUE_SOON]
    if soon and "dispatched" not in plans:
        return Step(
            word=_("Count in %(number)s", number=soon[0].number),
            href=url_for("receipts.page", inbound=soon[0].number),
            why=ngettext(
                "%(num)s of the trucks to count is here, or comes within the hour.",
                "%(num)s of the trucks to count are here, or come within the hour.",
                len(soon),
            ),
            icon="package",
        )
    if found.release.all:
        return Step(
            word=ngettext("Release %(num)s order", "Release %(num)s orders", found.release.all),
            href=url_for("release.page", day=found.day),
            why=words.ready_words(found.release) or _("Their goods are there; released, they can be planned."),
            icon="package-check",
        )
    unplanned = [depot for depot in found.depots if not depot.plan and depot.released]
    if unplanned:
        return Step(
            word=_("Plan the day"),
            href=board,
            why=ngettext(
                "%(num)s delivery is released and in no route.",
                "%(num)s deliveries are released and in no route.",
                sum(depot.released for depot in unplanned),
            ),
            icon="route",
        )
    # A plan in which nobody has a place leaves nothing to load.
    drafts = [
        depot for depot in found.depots if depot.plan == "draft" and (depot.loaded or depot.released > depot.left_out)
    ]
    if drafts and not any(depot.loaded for depot in drafts):
        return Step(word=_("Load the vans"), href=board, why=_("The routes are planned."), icon="truck")
    if drafts:
        return Step(word=_("Dispatch"), href=board, why=_("Vans are loaded; drivers have no route yet."), icon="send")
    out = sum(depot.out for depot in found.depots)
    if out:
        return Step(
            word=_("Follow the day"),
            href=board,
            why=_on_the_way(found.counts.get(Standing.ON_THE_WAY, 0), out),
            icon="map",
        )
    if "dispatched" in plans:
        return Step(
            word=_("Close the day"),
            href=url_for("evening.page", day=found.day),
            why=_("Every stop is done."),
            icon="flag",
        )
    return Step(
        word=_("See what waits"),
        href=url_for("orders.page", state="waiting"),
        why=_("Nothing is left to do for today."),
        icon="list",
    )


def _on_the_way(orders: int, deliveries: int) -> str:
    """Beside the count of orders in the page's first line, so that nobody wonders where one went."""
    said = ngettext("%(num)s order is on the way", "%(num)s orders are on the way", orders)
    return said + " " + ngettext("in %(num)s delivery.", "in %(num)s deliveries.", deliveries)
