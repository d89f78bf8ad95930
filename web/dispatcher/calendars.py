"""Holidays, closed days and delivery zones: what a change does to every date is shown first, then committed."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.calendars import calendar_days, whose, zone_cards
from data.store import SqlStore
from data.store.again import in_transaction, tried
from routing.errors import Conflict, InvalidInput
from routing.model.days import today_of
from routing.model.orders import WEEKDAYS
from routing.rules.calendars import day_of, days_between
from routing.services.closing_days import SCOPES, Change, SetDays, ZoneWeek, commit_change, year_of
from web.dispatcher.receipts import fingerprint
from web.dispatcher.supply import anyway, shown_changes
from web.here import here, now
from web.incoming import whole
from web.people import needs_role

calendars = Blueprint("calendars", __name__, url_prefix="/calendars")


def scope_words() -> dict[str, str]:
    return {
        "company": _("Everybody"),
        "depot": _("One depot"),
        "zone": _("One zone"),
        "site": _("One site"),
        "supplier": _("One supplier"),
    }


def weekday_words() -> dict[str, str]:
    words = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return dict(zip(WEEKDAYS, words, strict=True))


@calendars.get("")
@needs_role("dispatcher")
def page() -> ResponseReturnValue:
    return _page()


def _page(*, wrong: str = "") -> str:
    with here().database.reading() as connection:
        company = SqlStore(connection).company()
        today = day_of(today_of(now(), company.zone))
        text = request.values.get("year", "")
        try:
            year = year_of(text, today=today) if text else today.year
        except InvalidInput as problem:
            year, wrong = today.year, wrong or str(problem)
        days = calendar_days(connection, year=year)
        zones = zone_cards(connection)
    return render_template(
        "dispatcher/calendars.html",
        days=days,
        zones=zones,
        year=year,
        years=[(str(each), str(each)) for each in range(today.year, today.year + 3)],
        company_card=company,
        today=today.isoformat(),
        scopes=list(scope_words().items()),
        scope_words=scope_words(),
        weekdays=weekday_words(),
        wrong=wrong,
        form=request.form,
    )


@calendars.post("/simulate")
@needs_role("dispatcher")
def simulate() -> ResponseReturnValue:
    """Shows what the change does. Nothing is kept: a POST only because it comes from a form."""
    try:
        return _show(_change())
    except InvalidInput as problem:
        return _page(wrong=str(problem)), 422


def _show(change: Change, *, moved_on: bool = False) -> str:
    at = now()
    previews = tried(here().database, lambda store: commit_change(store, change, now=at, by=current_user.actor))
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", "seen")]
    return render_template(
        "dispatcher/calendar.html",
        change=change,
        is_zone=isinstance(change, ZoneWeek),
        whom=request.form.get("whom", "")[:100],
        scope_words=scope_words(),
        kept=kept,
        moved_on=moved_on,
        **shown_changes(previews, besides=anyway() if previews else ()),
    )


@calendars.post("/commit")
@needs_role("dispatcher")
def commit() -> ResponseReturnValue:
    """Keeps it in one transaction, if it does what was shown; else shows again what it would do now."""
    at, by, seen = now(), current_user.actor, request.form.get("seen", "")
    try:
        change = _change()
    except InvalidInput as problem:
        return _page(wrong=str(problem)), 422

    def write(store: SqlStore) -> None:
        previews = commit_change(store, change, now=at, by=by)
        if fingerprint(previews) != seen:
            raise Conflict(
                _("The day moved on since this was shown. Look at it again, then commit."), code="shown_is_old"
            )
        if request.form.get("kind") == "holidays":
            company, country = store.company(), request.form.get("country", "").strip().upper()
            store.set_company(
                country=company.country or country, subdivision=request.form.get("subdivision", "").strip()
            )

    try:
        in_transaction(here().database, write)
    except Conflict:
        return _show(change, moved_on=True), 409
    flash(_("Kept. Every date goes by it now."), "done")
    return redirect(url_for("calendars.page", year=request.form.get("year") or None))


def _change() -> Change:
    """The form. Raises InvalidInput with what is wrong and the mend."""
    form = {name: request.form.get(name, "").strip()[:4_000] for name in request.form}
    match form.get("kind"):
        case "zone":
            return _zone(form)
        case "holidays":
            return _holidays(form)
        case "day":
            scope = form.get("scope", "")
            if scope not in SCOPES:
                raise InvalidInput(_("Say for whom: everybody, a depot, a zone, a site or a supplier."), code="scope")
            with here().database.reading() as connection:
                scope_id = whose(connection, scope, form.get("whom", ""), key=whole(form.get("scope_id", "")))
            first = day_of(form.get("day", "")).isoformat()
            why = form.get("why", "")[:200]
            return SetDays(
                scope=scope,
                scope_id=scope_id,
                days=tuple((day.isoformat(), why) for day in days_between(first, form.get("last") or first)),
                is_open=form.get("said") == "open",
                forget=form.get("said") == "forget",
            )
        case _:
            raise InvalidInput(_("Say what to change: a day, a zone, or a year's holidays."), code="kind")


def _holidays(form: dict[str, str]) -> SetDays:
    from routing.engines.public_holidays import public_holidays  # loaded only when somebody fills a year

    with here().database.reading() as connection:
        today = day_of(today_of(now(), SqlStore(connection).company().zone))
        year = year_of(form.get("year", ""), today=today)
        said = {each.day for each in calendar_days(connection, year=year) if each.scope == "company"}
    found = public_holidays(form.get("country", ""), form.get("subdivision", ""), year)
    # What was said of a day stays: somebody switched it to "we deliver", or closed it for a reason of their own.
    days = tuple((day.isoformat(), name) for day, name in found.items() if day.isoformat() not in said and day >= today)
    if not days:
        raise InvalidInput(_("Every holiday of that year stands in the list already."), code="holidays")
    return SetDays(scope="company", days=days)


def _zone(form: dict[str, str]) -> ZoneWeek:
    key, stops = form.get("zone", ""), form.get("stops_a_day", "")
    if not key.isdecimal() or len(key) > 9:
        raise InvalidInput(_("This zone is no longer there. Look at the list again."), code="zone")
    if stops and not (stops.isascii() and stops.isdecimal() and len(stops) < 6):
        raise InvalidInput(_("Stops a day is a whole number; leave it empty for no limit."), code="stops")
    chosen = [day for day in WEEKDAYS if day in request.form.getlist("days")]
    postcodes = {part.strip() for part in form.get("postcodes", "").replace(",", ";").split(";")} - {""}
    return ZoneWeek(
        zone_id=int(key),
        delivery_days=",".join(chosen),
        cut_off=form.get("cut_off", ""),
        postcodes=";".join(sorted(postcodes)),
        stops_a_day=int(stops) if stops else None,
    )
