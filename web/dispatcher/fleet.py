"""Vehicles, drivers and the standing week of each depot: what stands there, and a form for each.

What a change means for days that have a plan is said before it is kept; no plan changes by it.
"""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import Connection

from data.importers.fleet import size_of
from data.queries.company import company_card
from data.queries.fleet import fleet_names, fleet_of, gone_vehicles, plans_to_make_again, shifts_with
from data.queries.plan_prices import plan_prices
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import today_of
from routing.model.money import in_units, minor_digits
from routing.model.parties import Depot
from routing.rules.calendars import day_of
from routing.rules.plan_prices import NAMES, SETTING, read_price
from routing.rules.road_reach import beyond_its_roads
from routing.rules.runs import USUAL, read_mode, settled
from routing.rules.standing_week import is_away
from routing.services.fleet import Edit, Effect, Saved, effect_of, save, too_heavy_for
from web.dispatcher.calendars import weekday_words
from web.dispatcher.fleet_forms import Form, empty_form, form_of, languages, profiles, typed, values_of
from web.dispatcher.words import profile_words
from web.formats import day as written_day
from web.here import here, now
from web.incoming import whole
from web.people import needs_role

fleet = Blueprint("fleet", __name__, url_prefix="/fleet")

KINDS = {"vehicles": "vehicle", "drivers": "driver", "shifts": "shift"}
_KIND = "<any(vehicles, drivers, shifts):kinds>"
_GOES = "<any(vehicles, shifts):kinds>"
"""What may be gone from a day on: a driver is set away."""


@fleet.get("")
@needs_role("dispatcher")
def page() -> ResponseReturnValue:
    return _page(request.args.get("depot", ""))


@fleet.post("/prices")
@needs_role("dispatcher")
def prices() -> ResponseReturnValue:
    """What every plan counts besides, for uneven days, wide areas, vans off their runs and changes. No plan changes by
    it; the next one counts it."""
    form = {name: request.form[name][:40] for name in (*NAMES, "runs", "off_run") if name in request.form}
    depot, by, at = request.form.get("depot", "")[:100], current_user.actor, now()
    wrong: Form = {}

    def keep_them(store: SqlStore) -> None:
        currency, kept = store.company().currency, plan_prices(store.connection)
        stood = asdict(kept)
        values = dict(stood)  # a press that says nothing of a price keeps it
        wrong.clear()
        for name, text in form.items():
            try:
                values[name] = read_mode(text) if name == "runs" else read_price(text, name=name, currency=currency)
            except InvalidInput as problem:
                wrong[name] = str(problem)
        if not wrong and {"runs", "off_run"} & form.keys():
            mode, price = settled(values["runs"], values["off_run"], stood=kept, currency=currency)
            values |= {"runs": mode, "off_run": price}
        if not wrong and values != stood:
            store.set_setting(name=SETTING, value=values, by=by, now=at)

    in_transaction(here().database, keep_them)
    if wrong:
        return _page(depot, typed_prices=form, wrong=wrong), 422
    flash(_("Kept. The next plan that is made counts it."), "done")
    return redirect(url_for("fleet.page", depot=depot or None, _anchor="prices"), 303)


def _page(number: str, *, typed_prices: Form | None = None, wrong: Form | None = None) -> str:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        depots = store.depots()
        chosen = _depot(depots, number)
        kept = plan_prices(connection)
        stands = [(name, getattr(kept, name)) for name in (*NAMES, "off_run")]
        currency = company_card(connection).currency
        today = today_of(now(), company_card(connection).zone)
        return render_template(
            "dispatcher/fleet.html",
            depots=depots,
            depot=chosen,
            found=fleet_of(connection, chosen.id, today=today) if chosen else None,
            old_plans=plans_to_make_again(connection, from_day=today),
            today=today,
            currency=currency,
            prices={name: str(in_units(price, currency)) if price else "" for name, price in stands}
            | {"runs": kept.runs}
            | (typed_prices or {}),
            run_modes=[("free", _("Free")), ("zones", _("Within zones")), ("sequence", _("Sequence only"))],
            usual={mode: f"{price}.00" if minor_digits(currency) else str(price) for mode, price in USUAL.items()},
            wrong=wrong or {},
            weekdays=weekday_words(),
            profile_words=profile_words,
            is_away=is_away,
        )


@fleet.get(f"/{_KIND}/new", defaults={"key": None})
@fleet.get(f"/{_KIND}/<int:key>")
@needs_role("dispatcher")
def one(kinds: str, key: int | None) -> ResponseReturnValue:
    kind = KINDS[kinds]
    with here().database.reading() as connection:
        store = SqlStore(connection)
        if key is None:
            depot = _depot(store.depots(), request.args.get("depot", ""))
            return _form(connection, kind, None, empty_form(kind, depot=depot.number if depot else ""), version=0)
        row = store.fleet_row(kind, key)
        return _form(connection, kind, key, _stands(connection, kind, key), version=row["version"])


@fleet.post(f"/{_KIND}/new", defaults={"key": None})
@fleet.post(f"/{_KIND}/<int:key>")
@needs_role("dispatcher")
def keep(kinds: str, key: int | None) -> ResponseReturnValue:
    """Saves it. Where days with a plan are concerned and were not shown yet, they are shown first, and nothing is kept;
    nor is anything when it cannot be used, or somebody else was faster. What was typed stays in the form each time."""
    kind, at, by = KINDS[kinds], now(), current_user.actor
    form = typed(kind, request.form, request.form.getlist("weekdays"))
    version = whole(request.form.get("version", "")) or 0
    planned_too = request.form.get("planned_too") == "yes"
    with here().database.reading() as connection:
        stands = {} if key is None else _stands(connection, kind, key)
        choices = {name: {row[1]: row[0] for row in rows} for name, rows in fleet_names(connection).items()}
        currency = company_card(connection).currency
        values, wrong = values_of(kind, form, choices, stands=stands, currency=currency)
        if wrong:
            return _form(connection, kind, key, form, version=version, wrong=wrong), 422
    edit = Edit(kind=kind, id=key, values=values, version=version)

    def work(store: SqlStore) -> tuple[Effect, Saved | None]:
        effect = effect_of(store, edit, now=at)
        if effect.days and effect.seen != request.form.get("seen", ""):
            return effect, None
        return effect, save(store, edit, effect, planned_too=planned_too, now=at, by=by)

    try:
        effect, saved = in_transaction(here().database, work)
    except InvalidInput as problem:
        with here().database.reading() as connection:
            return _form(connection, kind, key, form, version=version, wrong={problem.code: str(problem)}), 422
    except Conflict as problem:
        if problem.code != "changed_meanwhile" or key is None:
            raise
        with here().database.reading() as connection:
            theirs = SqlStore(connection).fleet_row(kind, key)["version"]
            return _form(connection, kind, key, form, version=theirs, moved_on=str(problem)), 409
    if saved is None:
        again = bool(request.form.get("seen"))
        with here().database.reading() as connection:
            shown = _form(connection, kind, key, form, version=version, effect=effect, planned_too=planned_too)
        return shown, 409 if again else 200
    flash(_said(saved, form), "done")
    if kind == "vehicle" and (beyond := beyond_its_roads(**size_of(values))):
        flash(
            _(
                "%(name)s is %(beyond)s: a route may lead it where it does not fit. Choose the larger kind.",
                name=form.get("name") or form["number"],
                beyond="; ".join(beyond),
            ),
            "late",
        )
    with here().database.reading() as connection:
        for why in _too_heavy(connection, kind, saved.id):
            flash(why, "late")
    if saved.elsewhere:
        shifts = ", ".join(saved.elsewhere)
        flash(
            _("It comes to another depot and its shifts do not: %(shifts)s. Look at them too.", shifts=shifts), "late"
        )
    return redirect(url_for("fleet.page", depot=form["depot"], _anchor=kinds), 303)


@fleet.get(f"/{_GOES}/<int:key>/gone")
@needs_role("dispatcher")
def look_gone(kinds: str, key: int) -> ResponseReturnValue:
    """What it does that a vehicle or a standing shift is no longer there from `day` on, before it is so."""
    text = request.args.get("day", "")
    with here().database.reading() as connection:
        return _gone_page(connection, kinds, key, day_of(text).isoformat() if text else "")


@fleet.post(f"/{_GOES}/<int:key>/gone")
@needs_role("dispatcher")
def gone(kinds: str, key: int) -> ResponseReturnValue:
    """From `day` on it is no longer there; with an empty day it comes back. Days with a plan are shown first."""
    kind, at, by = KINDS[kinds], now(), current_user.actor
    text = request.form.get("day", "").strip()
    day = day_of(text).isoformat() if text else ""
    edit = Edit(kind=kind, id=key, values={"gone_from": day}, version=whole(request.form.get("version", "")) or 0)

    def work(store: SqlStore) -> Saved | None:
        effect = effect_of(store, edit, now=at)
        if day and effect.days and effect.seen != request.form.get("seen", ""):
            return None
        return save(store, edit, effect, now=at, by=by)

    try:
        saved = in_transaction(here().database, work)
        moved_on = _("Its plans changed since you looked. This is how it is now.")
    except Conflict as problem:
        if problem.code != "changed_meanwhile":
            raise
        saved, moved_on = None, _("Somebody else changed it since you looked. This is how it stands now.")
    if saved is None:
        with here().database.reading() as connection:
            return _gone_page(connection, kinds, key, day, moved_on=moved_on), 409
    with here().database.reading() as connection:
        form = _stands(connection, kind, key)
    name = form.get("name") or form["number"]
    if not saved.changed:
        flash(_("Nothing was changed."), "done")
    elif day:
        flash(_("%(name)s is gone from %(day)s on.", name=name, day=written_day(day, "EEE d MMM")), "done")
    else:
        flash(_("%(name)s stays.", name=name), "done")
    return redirect(url_for("fleet.page", depot=form["depot"], _anchor=kinds), 303)


def _too_heavy(connection: Connection, kind: str, key: int) -> tuple[str, ...]:
    """Of a vehicle, a driver or a standing shift that was saved: which licence is not good for which vehicle."""
    store = SqlStore(connection)
    week = store.standing_shifts(on_or_after=today_of(now(), company_card(connection).zone))
    keys = {each.id: {"vehicle": each.terms.vehicle_id, "driver": each.terms.driver_id} for each in week}
    return too_heavy_for(store, [each for each in week if keys[each.id].get(kind, each.id) == key])


def _gone_page(connection: Connection, kinds: str, key: int, day: str, *, moved_on: str = "") -> str:
    kind, store = KINDS[kinds], SqlStore(connection)
    row, stands = store.fleet_row(kind, key), _stands(connection, kind, key)
    edit = Edit(kind=kind, id=key, values={"gone_from": day}, version=row["version"])
    effect, wrong = None, ""
    if day:
        try:
            effect = effect_of(store, edit, now=now())
        except InvalidInput as problem:
            wrong = str(problem)
    ends = [each for each in store.standing_shifts() if kind == "vehicle" and each.terms.vehicle_id == key]
    return render_template(
        "dispatcher/fleet_gone.html",
        kind=kind,
        kinds=kinds,
        key=key,
        name=stands.get("name") or stands["number"],
        depot=stands["depot"],
        row=row,
        day=day,
        today=today_of(now(), company_card(connection).zone),
        effect=effect,
        ends=[(each.id, each.number) for each in ends if not each.gone_from or each.gone_from > day],
        wrong=wrong,
        moved_on=moved_on,
    )


def _said(saved: Saved, form: Form) -> str:
    name = form.get("name") or form["number"]
    if not saved.changed:
        return _("Nothing was changed.")
    said = _("%(name)s is saved.", name=name)
    if saved.days:
        days = ", ".join(dict.fromkeys(written_day(day.day, "EEE d MMM") for day in saved.days[:4]))
        said += " " + _("The plan of %(days)s is as it was: plan again to use the change.", days=days)
    if saved.by_hand:
        said += " " + ngettext(
            "%(num)s shift that somebody changed for its day stays as it is.",
            "%(num)s shifts that somebody changed for their day stay as they are.",
            len(saved.by_hand),
        )
    return said


def _form(
    connection: Connection,
    kind: str,
    key: int | None,
    form: Form,
    *,
    version: int,
    wrong: Form | None = None,
    effect: Effect | None = None,
    planned_too: bool = False,
    moved_on: str = "",
) -> str:
    names = fleet_names(connection)
    stands = {} if key is None else _stands(connection, kind, key)
    gone = gone_vehicles(connection, today=today_of(now(), company_card(connection).zone))
    gone_from = "" if key is None or kind == "driver" else SqlStore(connection).fleet_row(kind, key)["gone_from"]
    if key is not None:
        form = form | {"number": stands["number"]}
    return render_template(
        f"dispatcher/fleet_{kind}.html",
        kind=kind,
        kinds=next(many for many, each in KINDS.items() if each == kind),
        key=key,
        form=form,
        version=version,
        wrong=wrong or {},
        effect=effect,
        planned_too=planned_too,
        moved_on=moved_on,
        # What somebody else saved meanwhile, beside what was typed.
        theirs={name: value for name, value in stands.items() if value != form[name]} if moved_on else {},
        title=stands.get("name") or stands.get("number") or "",
        depots=[(number, name) for _id, number, name in names["depot"]],
        gone_from=gone_from,
        vehicles=[
            (number, name)
            for _id, number, name in names["vehicle"]
            if number not in gone or number == stands.get("vehicle")
        ],
        drivers=[(number, name) for _id, number, name in names["driver"]],
        used_by=[] if key is None or kind == "shift" else shifts_with(connection, **{f"{kind}_id": key}),
        profiles=[(each, profile_words(each)) for each in profiles(stands.get("profile", ""))],
        languages=[(each, language_words().get(each, each)) for each in languages(stands.get("language", ""))],
        hours=[("none", _("not limited")), ("eu", _("EU: 9 h at the wheel, 45 min of break after 4½ h, 11 h of rest"))],
        weekdays=weekday_words(),
        currency=company_card(connection).currency,
    )


def _stands(connection: Connection, kind: str, key: int) -> Form:
    """What is in the database now, as its form shows it."""
    names = {name: {row[0]: row[1] for row in rows} for name, rows in fleet_names(connection).items()}
    row = SqlStore(connection).fleet_row(kind, key)
    return form_of(kind, row, names, currency=company_card(connection).currency)


def _depot(depots: list[Depot], number: str) -> Depot | None:
    """The one that was asked for by number, or the first."""
    return next((each for each in depots if each.number == number), depots[0] if depots else None)


def language_words() -> dict[str, str]:
    return {"en": _("English"), "fi": _("Finnish"), "sv": _("Swedish")}
