"""The evening: what is still open, what each van brought back, and the figures of the day."""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.exporters.results import write_results
from data.exporters.sheets import FORMATS
from data.importers.counts import MOST_COUNTED, minor_units
from data.queries.company import company_card
from data.queries.day_figures import DayFigures, day_figures
from data.queries.evening import evening as evening_of
from data.queries.results import period_results
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import BackrouteError, Conflict, InvalidInput, NotFound
from routing.model.days import today_of
from routing.rules.figures.words import why_no_door_counts
from routing.services.closing import close_day, close_van, not_attempted
from web.dispatcher import board_words, words
from web.formats import duration, money
from web.here import here, now
from web.incoming import day_of, whole
from web.people import needs_role

evening = Blueprint("evening", __name__, url_prefix="/evening")


@evening.get("")
@needs_role()
def page() -> ResponseReturnValue:
    return _page(_day(request.args.get("day", "")))


@evening.post("/vans/<int:manifest_id>/close")
@needs_role("dispatcher", "warehouse")
def close_one(manifest_id: int) -> ResponseReturnValue:
    """Books the count. A count that cannot be true shows the form again, as it was filled in."""
    day = _day(request.form.get("day", ""))
    try:
        result = in_transaction(
            here().database,
            lambda store: close_van(
                store=store,
                manifest_id=manifest_id,
                counted=_counted(request.form) | _also_found(store, request.form),
                cash=_cash(request.form),
                missing_is_sure="missing" in request.form,
                found_is_sure="found" in request.form,
                now=now(),
                by=current_user.actor,
            ),
        )
    except (InvalidInput, Conflict) as problem:
        return _page(day, wrong=problem, wrong_van=manifest_id)
    flash(
        _(
            "Counted: %(kept)s back for their customers, %(returned)s returned, %(lost)s lost.",
            kept=result.kept_for_customers,
            returned=result.returned,
            lost=result.lost,
        ),
        "late" if result.lost or result.cash_off else "done",
    )
    if result.found:
        flash(
            ngettext(
                "%(num)s more unit was there than went out: it waits to be inspected.",
                "%(num)s more units were there than went out: they wait to be inspected.",
                result.found,
            ),
            "late",
        )
    if result.lost_goods:
        flash(_("Lost: %(goods)s.", goods=words.lost_goods(result.lost_goods)), "late")
    for sentence in result.missing:
        flash(sentence, "late")
    return redirect(url_for("evening.page", day=day))


@evening.post("/vans/<int:manifest_id>/stops/<int:stop_id>/not-attempted")
@needs_role("dispatcher")
def nobody_went(manifest_id: int, stop_id: int) -> ResponseReturnValue:
    numbers = in_transaction(
        here().database,
        lambda store: not_attempted(
            store=store,
            manifest_id=manifest_id,
            stop_id=stop_id,
            now=now(),
            by=current_user.actor,
            secret=here().secret,
        ),
    )
    flash(_("%(numbers)s: nobody went there. It comes again on its next day.", numbers=", ".join(numbers)), "done")
    return redirect(url_for("evening.page", day=_day(request.form.get("day", ""))))


@evening.post("/depots/<int:depot_id>/close")
@needs_role("dispatcher")
def close_all(depot_id: int) -> ResponseReturnValue:
    day = _day(request.form.get("day", ""))
    at, by = now(), current_user.actor

    def close(store: SqlStore) -> int:
        home = next(iter(evening_of(store.connection, day=day, depot_id=depot_id)), None)
        if home is None:
            raise NotFound(_("There is no depot %(id)s.", id=depot_id), depot=depot_id)
        if home.plan == "closed":
            raise Conflict(_("%(depot)s was closed already.", depot=home.name), code="day_closed")
        if not home.vans:
            raise NotFound(_("No van went out from %(depot)s that day.", depot=home.name))
        return close_day(store=store, day=day, depot_id=depot_id, now=at, by=by)

    vans = in_transaction(here().database, close)
    flash(ngettext("The day is closed: %(num)s van.", "The day is closed: %(num)s vans.", vans), "done")
    return redirect(url_for("evening.page", day=day))


@evening.get("/results.csv", defaults={"format": "csv"})
@evening.get("/results.xlsx", defaults={"format": "xlsx"})
@needs_role("dispatcher", "salesperson")
def results(format: str) -> ResponseReturnValue:
    """What became of every order line, for the ERP: of a day, or from a day to another."""
    day, to = _day(request.args.get("day", "")), request.args.get("to", "")
    to = day_of(to) if to else day
    if to < day:
        raise InvalidInput(_("The period would end before it begins. Swap the two days."), code="day")
    out = BytesIO()
    with here().database.reading() as connection:
        store = SqlStore(connection)
        rows = period_results(
            connection,
            from_day=day,
            to_day=to,
            today=today_of(now(), store.company().zone),
            address_of=lambda link_id: here().address(f"/p/{store.link_token(link_id=link_id, secret=here().secret)}"),
        )
        write_results(out, rows, format=format)
    name = f"results-{day}.{format}" if to == day else f"results-{day}-{to}.{format}"
    response: Response = make_response(out.getvalue())
    response.headers["Content-Type"] = FORMATS[format]
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# ---------------------------------------------------------------------------- reading


def _page(day: str, *, wrong: BackrouteError | None = None, wrong_van: int = 0) -> ResponseReturnValue:
    with here().database.reading() as connection:
        homes = [home for home in evening_of(connection, day=day) if home.vans]
        figures = day_figures(connection, day=day) if any(home.vans for home in homes) else None
        currency = company_card(connection).currency
        today = today_of(now(), company_card(connection).zone)
    page = render_template(
        "dispatcher/evening.html",
        day=day,
        today=today,
        homes=homes,
        waiting=[each for home in homes for each in home.vans if not each.van.closed],
        figures=figures,
        rows=figure_rows(figures, currency) if figures else [],
        wrong=wrong,
        wrong_van=wrong_van,
        typed=request.form,
        words=words,
        board_words=board_words,
    )
    return page, 422 if wrong else 200


def _day(text: str) -> str:
    if not text:
        with here().database.reading() as connection:
            return today_of(now(), company_card(connection).zone)
    return day_of(text)


def _counted(form: dict[str, str]) -> dict[int, int]:
    found = {}
    for name, text in form.items():
        key = whole(name.removeprefix("count-"))
        if not name.startswith("count-") or key is None:
            continue
        count = whole(text)
        if count is None:
            raise InvalidInput(_('"%(text)s" is no count: write a whole number of 0 or more.', text=text[:20]))
        if count > MOST_COUNTED:
            raise InvalidInput(_("%(count)s is more than a van carries: check the number.", count=count))
        found[key] = count
    return found


def _also_found(store: SqlStore, form: dict[str, str]) -> dict[int, int]:
    """What is on the van beside what should be: a SKU, and how many of it."""
    sku, text = form.get("also", "").strip(), form.get("also-count", "").strip()
    if not sku and not text:
        return {}
    product_id = store.product_ids([sku]).get(sku)
    if product_id is None:
        raise InvalidInput(_('There is no SKU "%(sku)s": write it as it stands on the box.', sku=sku[:40]))
    if f"count-{product_id}" in form:
        raise InvalidInput(_("%(sku)s stands in the list above: write how many of it there are there.", sku=sku))
    return _counted({f"count-{product_id}": text})


def _cash(form: dict[str, str]) -> dict[str, int]:
    found = {}
    for name, text in form.items():
        if not name.startswith("cash-") or not text.strip():
            continue  # left empty: the rule says whether it had to be counted
        currency = name.removeprefix("cash-")
        amount = minor_units(text, currency)
        if amount is None:
            raise InvalidInput(_('"%(text)s" is no amount: write it like 112.50.', text=text[:20]))
        found[currency] = amount
    return found


# ---------------------------------------------------------------------------- the figures in words


def figure_rows(found: DayFigures, currency: str) -> list[tuple[str, str, str, str]]:
    """(name, value, what it was counted from, definition) of each figure."""
    return [(name, *_ratio(key, found, currency), definition) for key, (name, definition) in _figure_words().items()]


def _ratio(key: str, found: DayFigures, currency: str) -> tuple[str, str]:
    ratio = found.ratios[key]
    if ratio.value is None:
        why = why_no_door_counts(key, found.ratios, deliveries=found.deliveries)
        return "–", why or _("nothing to count yet")
    n, of = ratio.numerator, ratio.denominator
    match key:
        case "stops_per_hour":
            return f"{ratio.value:.1f}", _("%(n)s doors in %(time)s", n=round(n), time=duration(of * 3600))
        case "km_per_stop":
            return f"{ratio.value:.2f} km", _("%(n)s km, %(of)s stops", n=f"{n:.1f}", of=round(of))
        case "cost_per_door":
            return money(round(ratio.value), currency), _(
                "%(n)s, %(of)s doors", n=money(round(n), currency), of=round(of)
            )
    return f"{ratio.value * 100:.0f} %", _("%(n)s of %(of)s", n=round(n), of=round(of))


def _figure_words() -> dict[str, tuple[str, str]]:
    return {
        "otif": (
            _("On time and in full"),
            _("Handed over in full and on time, of the deliveries whose customer was told a window when the van left."),
        ),
        "in_full": (_("In full"), _("Every unit on the list handed over, of all deliveries on the lists.")),
        "on_time": (
            _("On time"),
            _("The van stood at the door inside the told window, of the deliveries with one. Early is not on time."),
        ),
        "first_attempt": (
            _("First attempt"),
            _("Handed over at the first attempt, of the deliveries first attempted that day. Not attempted stays out."),
        ),
        "stops_per_hour": (
            _("Stops per paid hour"),
            _("Doors at which a delivery was attempted, per hour on duty as planned, loading and breaks included."),
        ),
        "km_per_stop": (_("Km per stop"), _("Kilometres of the routes as planned, per door.")),
        "cost_per_door": (
            _("Cost per door"),
            _("Cost of the routes as planned, per door at which a delivery was attempted."),
        ),
        "left_out": (
            _("Left out"),
            _("Deliveries and collections that the plan left out, of all that it knew, as on the plan's board."),
        ),
    }
