"""The board when a van is behind or runs out of time: what breaks if it goes on, and the ways out."""

from __future__ import annotations

import hashlib

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.company import company_card
from data.queries.plans import plan_page
from data.store import SqlStore, open_store
from routing.errors import Conflict, NotFound
from routing.rules.changes import orders_of
from routing.rules.driver_out import OutOption
from routing.services.lateness import LateVan, apply_way_out, late_van
from web.dispatcher import board_day
from web.dispatcher import board_words as words
from web.dispatcher.board import board
from web.dispatcher.board_view import board_of
from web.errors import wants_json
from web.here import here, now
from web.incoming import row_id
from web.people import needs_role

__all__ = ["board", "board_day"]
"""The day's routes stand on the same blueprint: whoever registers it from here has them too."""


def key_of(option: OutOption) -> str:
    """One word for what would be done. Not for its times: while somebody reads the page, they move on."""
    said = (option.kind.value, orders_of(option.plan).get(option.shift_id), [each.visit for each in option.left_out])
    return hashlib.sha256(repr(said).encode()).hexdigest()[:20]


@board.get("/<int:plan_id>/late/<int:shift_id>")
@needs_role("dispatcher")
def late(plan_id: int, shift_id: int) -> ResponseReturnValue:
    """What breaks, the ways out, and what would stay behind first; `leave` names others to stay behind."""
    with here().database.reading() as connection:
        try:
            found = _late_van(SqlStore(connection), plan_id, shift_id)
        except Conflict as problem:
            if wants_json():
                raise
            flash(str(problem), "failed")
            return redirect(url_for("board.late", plan_id=plan_id, shift_id=shift_id), 303)
        route = board_of([plan_page(connection, plan_id)]).route(shift_id)
        card = company_card(connection)
    assert route is not None  # the service has refused a van without a route
    leave = request.values.getlist("leave", type=row_id)
    return render_template(
        "dispatcher/board_late.html",
        found=found,
        options=[(key_of(option), option) for option in found.options],
        staying=set(leave) or {gone.visit for option in found.options for gone in option.left_out},
        leave=leave,
        route=route,
        plan_id=plan_id,
        currency=card.currency,
        zone=card.zone,
        words=words,
    )


@board.post("/<int:plan_id>/late/<int:shift_id>")
@needs_role("dispatcher")
def apply_late(plan_id: int, shift_id: int) -> ResponseReturnValue:
    wanted = request.form.get("option", "")
    try:
        # Worked out before anything is locked: whoever writes meanwhile does not wait for it.
        with here().database.reading() as connection:
            options = _late_van(SqlStore(connection), plan_id, shift_id).options
        chosen = next((option for option in options if key_of(option) == wanted), None)
        if chosen is None:
            raise Conflict(_("The options are no longer the same. Look at them again."), code="plan_moved_on")
        with open_store(here().database) as store:
            apply_way_out(store, plan_id=plan_id, chosen=chosen, by=current_user.actor, now=now())
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(url_for("board.page", day=request.form.get("day")), 303)
    if wants_json():
        return {"said": chosen.title}
    flash(_("Done: %(what)s. Dispatch again to hand the driver the changed list.", what=chosen.title), "done")
    return redirect(url_for("board.page", day=request.form.get("day"), route=shift_id), 303)


def _late_van(store: SqlStore, plan_id: int, shift_id: int) -> LateVan:
    leave = request.values.getlist("leave", type=row_id)
    return late_van(store, plan_id=plan_id, shift_id=shift_id, now=now(), leave=leave or None)
