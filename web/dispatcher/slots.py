"""A time for who is on the phone: the windows of the next days with what each costs, for an order or for goods that
nobody has ordered yet. For an order, one of them becomes its appointment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.addresses import region_of_depots
from data.queries.company import company_card
from data.queries.slots import depot_choice
from data.store import SqlStore
from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.days import today_of
from routing.rules.slots import WIDTH, ranked
from web.dispatcher import board_words as words
from web.errors import wants_json
from web.formats import day as written_day
from web.here import here, now
from web.incoming import day_of, whole
from web.people import needs_role
from web.phone_orders import Ordered
from web.security import limiter
from web.slots import (
    USUAL_DAYS,
    Asked,
    Offered,
    document,
    key_of,
    offered_on_the_phone,
    offered_to_new,
    offered_to_order,
    order_at,
    order_document,
    take,
)

slots = Blueprint("slots", __name__)

ASKED_AT_MOST = "30 per minute"
WIDTHS = (60, 120, 180, 240)
BEST_SHOWN = 3
ON_THE_PHONE = ("site", "address", "depot", "load", "minutes", "lines", "number", "customer", "contact", "may_write",
                "from", "days", "width")  # fmt: skip
"""What the form asks of who is on the phone."""


@slots.get("/orders/<int:order_id>/slots")
@needs_role("dispatcher", "salesperson")
def of_order(order_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        order = SqlStore(connection).calling_order(order_id)
    return render_template("dispatcher/slots.html", order=order, **_asked())


@slots.get("/orders/<int:order_id>/slots/offers")
@limiter.limit(ASKED_AT_MOST)
@needs_role("dispatcher", "salesperson")
def offers_of_order(order_id: int) -> ResponseReturnValue:
    return _offers(
        lambda: offered_to_order(here(), order_id, from_day=_day(), days=_days(), width=_width()), order_id=order_id
    )


@slots.post("/orders/<int:order_id>/slots")
@limiter.limit(ASKED_AT_MOST)
@needs_role("dispatcher", "salesperson")
def agree(order_id: int) -> ResponseReturnValue:
    """The offer that was seen becomes the order's appointment, and its promise."""
    form = request.form
    try:
        slot = take(
            here(),
            order_id,
            day=day_of(form.get("day", "")),
            key=form.get("key", "")[:40],
            version=whole(form.get("version", "")) or 0,
            width=_width(),
            by=current_user.actor,
        )
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(url_for("slots.of_order", order_id=order_id), 303)
    if wants_json():
        return {"day": slot.day, "opens": slot.opens, "closes": slot.closes}
    flash(
        _("Agreed: %(day)s, %(from)s-%(to)s. It is promised so, and the plan goes by it.",
          day=written_day(slot.day, "EEE d MMM"), to=slot.closes, **{"from": slot.opens}),
        "done",
    )  # fmt: skip
    return redirect(url_for("orders.one", order_id=order_id), 303)


@slots.get("/slots")
@needs_role("dispatcher", "salesperson")
def on_the_phone() -> ResponseReturnValue:
    """For goods that nobody has ordered yet: the form, and behind it the offers."""
    return render_template("dispatcher/slots.html", order=None, **_asked())


@slots.get("/slots/offers")
@limiter.limit(ASKED_AT_MOST)
@needs_role("dispatcher", "salesperson")
def offers_on_the_phone() -> ResponseReturnValue:
    asked = _on_the_phone(request.args)
    ask = offered_on_the_phone if asked.ordered is None else offered_to_new
    return _offers(lambda: ask(here(), asked, from_day=_day(), days=_days(), width=_width()))


@slots.post("/slots")
@limiter.limit(ASKED_AT_MOST)
@needs_role("dispatcher", "salesperson")
def order() -> ResponseReturnValue:
    """What is on the phone becomes an order, the offer that was seen its appointment: both, or neither."""
    form = request.form
    asked = _on_the_phone(form)
    if asked.ordered is None:
        raise InvalidInput(_("Say what is ordered, then choose a time."), code="lines")
    try:
        order_id, number, slot = order_at(
            here(),
            asked,
            day=day_of(form.get("day", "")),
            key=form.get("key", "")[:40],
            width=_width(),
            by=current_user.actor,
        )
    except (Conflict, InvalidInput, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(url_for("slots.on_the_phone", **_again(form)), 303)
    if wants_json():
        return {"order": number, "id": order_id, "day": slot.day, "opens": slot.opens, "closes": slot.closes}
    flash(
        _("%(order)s is entered and agreed: %(day)s, %(from)s-%(to)s. It is promised so, and the plan goes by it.",
          order=number, day=written_day(slot.day, "EEE d MMM"), to=slot.closes, **{"from": slot.opens}),
        "done",
    )  # fmt: skip
    return redirect(url_for("orders.one", order_id=order_id), 303)


def _on_the_phone(given: Mapping[str, str]) -> Asked:
    minutes = given.get("minutes", "").strip()
    lines = given.get("lines", "").strip()[:4_000]
    return Asked(
        site=given.get("site", "").strip()[:100],
        address=given.get("address", "").strip()[:200],
        depot=given.get("depot", "").strip()[:100],
        load=given.get("load", "")[:200],
        minutes=None if not minutes else whole(minutes) if whole(minutes) is not None else -1,
        ordered=Ordered(
            lines=lines,
            number=given.get("number", "").strip()[:100],
            customer=given.get("customer", "").strip()[:200],
            contact=given.get("contact", "").strip()[:200],
            may_write=given.get("may_write") == "yes",
        )
        if lines
        else None,
    )


def _again(form: Mapping[str, str]) -> dict[str, Any]:
    """What was asked, so that the form shows it again and new offers are made."""
    return {name: form[name] for name in ON_THE_PHONE if form.get(name)}


def _offers(ask: object, *, order_id: int | None = None) -> ResponseReturnValue:
    assert callable(ask)
    wrong, found = "", None
    try:
        found = ask()
    except (InvalidInput, Conflict, NotFound) as problem:
        if wants_json():
            raise
        wrong = str(problem)
    with here().database.reading() as connection:
        currency = company_card(connection).currency
    if wants_json():
        assert isinstance(found, Offered)
        days = [document(each) for each in found.days]
        said = {"whom": found.whom, "version": found.version, "currency": currency, "days": days}
        return said | order_document(found)
    best = [] if found is None else [key_of(each) for each in ranked(found.days)[:BEST_SHOWN]]
    return render_template(
        "dispatcher/slot_offers.html",
        found=found,
        wrong=wrong,
        order_id=order_id,
        # With these the offer that is chosen makes the order: under the number it was shown with, so that it is entered
        # once however often it is sent.
        enters=_again(request.args) | {"number": found.number} if found is not None and found.number else None,
        best=best,
        key_of=key_of,
        currency=currency,
        width=round(_width().total_seconds() / 60),
        words=words,
    ), (422 if wrong else 200)


def _asked() -> dict[str, object]:
    """What the form shows again, and the address that its offers come from."""
    with here().database.reading() as connection:
        depots = depot_choice(connection)
        region = region_of_depots(connection)
        today = today_of(now(), company_card(connection).zone)
    args = {name: value for name, value in request.args.items() if len(value) <= (4_000 if name == "lines" else 200)}
    return {
        "depots": depots,
        "region": region,
        "today": today,
        "args": args,
        "days": _days(),
        "from_day": args.get("from") or today,
        "width": round(_width().total_seconds() / 60),
        "widths": [(each, _("%(n)s h", n=each // 60)) for each in WIDTHS],
        "asks": bool(args.get("site") or args.get("address")),
    }


def _day() -> str:
    given = request.args.get("from", "")
    if given:
        return day_of(given)
    with here().database.reading() as connection:
        return today_of(now(), company_card(connection).zone)


def _days() -> int:
    return min(max(request.args.get("days", USUAL_DAYS, type=int), 1), 14)


def _width() -> timedelta:
    given = request.values.get("width", type=int)
    return timedelta(minutes=given) if given in WIDTHS else WIDTH
