"""An inbound comes on another day, or not at all: who waits longer and who is told, first shown, then committed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.company import company_card
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import Conflict, InvalidInput
from routing.model.days import day_words
from routing.model.orders import LineChange, Preview
from routing.rules.calendars import day_of
from routing.rules.effect import apart, effect_of, worths_of
from routing.services.ruling import comes_anyway
from routing.services.supplying import Slip, commit_slip, simulate_slip
from routing.services.telling import how_they_hear
from web.dispatcher.receipts import fingerprint
from web.dispatcher.told import done_words
from web.here import here, now
from web.people import needs_role

supply = Blueprint("supply", __name__, url_prefix="/inbound")

LOSERS_NAMED = 12
"""How many of those who lose a date `_told.html` names above the table."""


@supply.post("/simulate")
@needs_role("dispatcher")
def simulate() -> ResponseReturnValue:
    """Shows what the slip does. Changes nothing: a POST only because it comes from a form."""
    return _show(_slip())


def _show(slip: Slip, *, moved_on: bool = False) -> str:
    with here().database.reading() as connection:
        previews = simulate_slip(SqlStore(connection), slip, now=now())
    return render_template("dispatcher/inbound.html", slip=slip, moved_on=moved_on, **shown_changes(previews))


def anyway(*, scope: str = "company", scope_id: int = 0) -> frozenset[LineChange]:
    """What giving these goods out again changes though nothing else does: dates that are past move with each day."""
    with here().database.reading() as connection:
        store = SqlStore(connection)
        concerned = store.open_products_of(scope=scope, scope_id=scope_id)
        decided = comes_anyway(store, concerned, now=now()).values()
        return frozenset(line for each in decided for line in each.preview.concerned)


def shown_changes(previews: list[Preview], *, besides: Collection[LineChange] = ()) -> dict[str, Any]:
    """What `_changes.html` shows: `changes`, their worth, and how their customers hear of them, by the contacts as they
    are now."""
    found = changes(previews, besides=besides)
    with here().database.reading() as connection:
        home = company_card(connection).currency
        hear = how_they_hear(SqlStore(connection), (*found["lines"], *found["along"]), now=now())
    return found | {"hear": hear, "worths": worths_of(found["lines"], home=home)}


def changes(previews: list[Preview], *, besides: Collection[LineChange] = ()) -> dict[str, Any]:
    """What `_changes.html` shows of previews, one a depot, and the `seen` that its form sends back.

    `besides`: changes that are not of what is looked at; they are counted and named apart, and the days that what is
    looked at moves are compared with theirs: a date that was over anyway is not its old one. `along`: what had moved
    before and is only told now.
    """
    found = apart((line for preview in previews for line in preview.concerned), besides)
    lines = found.own
    named, warnings = _warnings_by_loser(
        [line for line in lines if not line.is_told_along], [text for preview in previews for text in preview.warnings]
    )
    return {
        "lines": [line for line in lines if not line.is_told_along],
        "along": [line for line in lines if line.is_told_along],
        "effect": effect_of(lines),
        "besides": found.anyway,
        "warnings": warnings,
        "named": named,
        "seen": fingerprint(previews),
    }


def _warnings_by_loser(
    lines: Collection[LineChange], warnings: Iterable[str]
) -> tuple[dict[str, list[str]], list[str]]:
    """What stands in the row of an order that loses its date, without its name, and the warnings of all others.

    An order is named once above the table: it stood in two warnings and in the list of who loses a date.
    """
    losers = {line.order for line in [line for line in lines if line.loses and not line.moved_by][:LOSERS_NAMED]}
    named: dict[str, list[str]] = {}
    others = []
    for text in warnings:
        own = [order for order in losers if text.startswith(f"Order {order} ")]
        if own:
            # The longest: a number may have spaces, and begin as another one does.
            order = max(own, key=len)
            named.setdefault(order, []).append(text.removeprefix(f"Order {order} "))
        else:
            others.append(text)
    return named, others


@supply.post("/commit")
@needs_role("dispatcher")
def commit() -> ResponseReturnValue:
    """Writes it in one transaction, if it does what was shown; else shows again what it would do now."""
    slip, at, by, seen = _slip(), now(), current_user.actor, request.form.get("seen", "")

    def write(store: SqlStore) -> list[Preview]:
        previews = commit_slip(store, slip, now=at, by=by)
        if fingerprint(previews) != seen:
            raise Conflict(
                _("The day moved on since this was shown. Look at it again, then commit."), code="shown_is_old"
            )
        return previews

    try:
        previews = in_transaction(here().database, write)
    except Conflict:
        return _show(slip, moved_on=True), 409
    if slip.to:
        said = _("%(number)s is expected on %(day)s.", number=slip.number, day=day_words(slip.to.isoformat()))
    else:
        said = _("%(number)s is cancelled.", number=slip.number)
    flash(f"{said} {done_words(line for preview in previews for line in preview.lines)}".strip(), "done")
    return redirect(url_for("receipts.page"))


def _slip() -> Slip:
    number = request.form.get("number", "").strip()[:100]
    if request.form.get("cancel"):
        return Slip(number=number)
    text = request.form.get("to", "").strip()
    if not text:
        raise InvalidInput(_("Name the day on which %(number)s comes instead.", number=number), code="day")
    to: date = day_of(text)
    return Slip(number=number, to=to)
