"""The figures of a period: each with what it was counted from, its chart, the period before and the table behind."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from data.queries.company import company_card, depot_names
from data.queries.period_figures import period_figures, scope_of
from routing.errors import InvalidInput, NotFound
from routing.model.days import today_of
from routing.rules.figures.slips import Cause
from routing.rules.figures.words import ETA, HOURS
from web import charts
from web.figure_rows import PERIODS, figure_rows, named_period, percent, series_of
from web.here import here, now
from web.incoming import day_of
from web.people import needs_role

AT_ONCE = 10_000
"""Deliveries or orders of a period above which the period before is counted only when asked: it takes seconds then."""

figures = Blueprint("figures", __name__, url_prefix="/figures")


@figures.get("")
@needs_role()
def page() -> ResponseReturnValue:
    """What cannot be read is said above the last thirty days."""
    wrong: InvalidInput | NotFound | None = None
    depot_number, customer_number = request.args.get("depot", ""), request.args.get("customer", "").strip()
    with here().database.reading() as connection:
        today = date.fromisoformat(today_of(now(), company_card(connection).zone))
        name, first, last = "30", *named_period("30", today)
        scope = None
        try:
            name, first, last = _asked(today)
            scope = scope_of(connection, depot_number=depot_number, customer_number=customer_number)
            found = period_figures(connection, first=first, last=last, now=now(), scope=scope)
        except (InvalidInput, NotFound) as problem:
            wrong = problem
            name, first, last = "30", *named_period("30", today)
            depot_number = customer_number = ""
            found = period_figures(connection, first=first, last=last, now=now())
        before = None
        if max(found.deliveries, found.orders) <= AT_ONCE or request.args.get("beside"):
            earlier = found.period.before
            before = period_figures(
                connection, first=earlier.first, last=earlier.last, now=now(), scope=None if wrong else scope
            )
        depots = depot_names(connection)
    page = render_template(
        "dispatcher/figures.html",
        name=name,
        names=_names(),
        found=found,
        before=before,
        rows=figure_rows(found),
        rows_before=figure_rows(before) if before else None,
        series=series_of(found),
        series_before=series_of(before) if before else None,
        chart_words=_chart_words(),
        charts=charts,
        percent=percent,
        causes=_causes(),
        hours=HOURS,
        eta=ETA,
        depots=[("", _("All depots")), *depots],
        depot=depot_number,
        customer=customer_number,
        wrong=wrong,
    )
    return page, 422 if wrong else 200


def _asked(today: date) -> tuple[str, date, date]:
    """The name of the period, "" for one of two days, and its first and last day."""
    name = request.args.get("period", "")
    if name:
        return name, *named_period(name, today)
    first, last = request.args.get("from", ""), request.args.get("to", "")
    if not first and not last:
        return "30", *named_period("30", today)
    return "", date.fromisoformat(day_of(first or last)), date.fromisoformat(day_of(last or first))


def _names() -> list[tuple[str, str]]:
    words = (_("Today"), _("Yesterday"), _("This week"), _("7 days"), _("30 days"), _("This month"))
    return list(zip(PERIODS, words, strict=True))


def _chart_words() -> dict[str, tuple[str, str]]:
    """Title and what a point is, of each chart over time."""
    return {
        "stock_units": (_("Backorders of what is open"), _("open units on no shelf, at the end of")),
        "flow_units": (_("Backorders of what was ordered"), _("units on no shelf when ordered")),
        "fill": (_("Fill rate"), _("units there by the day first promised")),
        "otif": (_("Deliveries on time in full"), _("deliveries on time in full")),
    }


def _causes() -> dict[Cause, str]:
    return {
        Cause.SUPPLIER: _("Supplier or receipt"),
        Cause.COUNT: _("Count, damage, loss"),
        Cause.POLICY: _("Policy or hold"),
        Cause.ROAD: _("On the road"),
        Cause.DOOR: _("At the door"),
        Cause.ORDER: _("Changed in the order file"),
        Cause.CUSTOMER: _("The customer's wish"),
        Cause.OTHER: _("Other"),
    }
