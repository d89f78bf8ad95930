"""The board when something happens: an urgent order in, a stop cancelled, a van smaller, goods that come later.

The ways out stand side by side, each with its price, as they do for a driver who is out.
"""

from __future__ import annotations

import hashlib

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.company import company_card
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput, NotFound
from routing.rules.changes import orders_of
from routing.rules.driver_out import OutOption
from routing.services.replanning import KINDS, Happening, Ways, apply_way, ways_on
from web.dispatcher import board_words as words
from web.dispatcher.board_what_if import board
from web.errors import wants_json
from web.here import here, now
from web.people import needs_role
from web.plan_job import travel_of

__all__ = ["board"]


def key_of(option: OutOption) -> str:
    """One word for what would be done. Not for its times: while somebody reads the page, they move on."""
    sent = (option.added.vehicle.id, option.added.driver.id if option.added.driver else 0) if option.added else None
    said = (
        option.kind.value, sorted(orders_of(option.plan).items()), sorted(each.visit for each in option.left_out),
        option.vehicle_id, sent, option.postponed,
    )  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()[:20]


@board.get("/<int:plan_id>/happened/<kind>/<int:key>")
@needs_role("dispatcher")
def happened(plan_id: int, kind: str, key: int) -> ResponseReturnValue:
    """What can be done; of goods that come later once it is said when (`at`)."""
    happening = _happening(kind, key)
    with here().database.reading() as connection:
        card = company_card(connection)
        day = SqlStore(connection).plan(plan_id).from_day
    found, wrong = None, ""
    if kind != "later" or happening.at:
        try:
            found = _ways(plan_id, happening)
        except (Conflict, InvalidInput, NotFound) as problem:
            if wants_json():
                raise
            wrong = str(problem)
    if wants_json():
        if found is None:
            raise InvalidInput(_("Say when the goods are here, as at=08:30."), code="at")
        return {
            "subject": found.subject,
            "options": [_as_json(each) for each in found.options],
            "why_not": found.why_not,
            "in_parts": found.in_parts,
        }
    return render_template(
        "dispatcher/board_happened.html",
        kind=kind,
        key=key,
        at=happening.at,
        found=found,
        wrong=wrong,
        options=[(key_of(option), option) for option in found.options] if found is not None else [],
        plan_id=plan_id,
        day=day,
        currency=card.currency,
        zone=card.zone,
        words=words,
    ), (409 if wrong else 200)


@board.post("/<int:plan_id>/happened/<kind>/<int:key>")
@needs_role("dispatcher")
def apply_happened(plan_id: int, kind: str, key: int) -> ResponseReturnValue:
    happening, wanted = _happening(kind, key), request.form.get("option", "")
    try:
        # Worked out before anything is locked: whoever writes meanwhile does not wait for it.
        options = _ways(plan_id, happening).options
        chosen = next((option for option in options if key_of(option) == wanted), None)
        if chosen is None:
            raise Conflict(_("The options are no longer the same. Look at them again."), code="plan_moved_on")
        with open_store(here().database) as store:
            apply_way(store, happening, plan_id=plan_id, chosen=chosen, by=current_user.actor, now=now())
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(url_for("board.page", day=request.form.get("day")), 303)
    except InvalidInput as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(url_for("board.happened", plan_id=plan_id, kind=kind, key=key, at=happening.at or None), 303)
    if wants_json():
        return {"said": chosen.title}
    flash(_("Done: %(what)s. Dispatch again to tell those who are out already.", what=chosen.title), "done")
    return redirect(url_for("board.page", day=request.form.get("day")), 303)


def _happening(kind: str, key: int) -> Happening:
    if kind not in KINDS:
        raise NotFound(_("Nothing is known that is called so. Reload the board."))
    why = request.form.get("why", "")
    return Happening(kind=kind, key=key, at=request.values.get("at", "").strip()[:5], why=why)


def _ways(plan_id: int, happening: Happening) -> Ways:
    with here().database.reading() as connection:
        store = SqlStore(connection)
        travel = travel_of(here(), store, store.plan(plan_id).depot_ids)
    return ways_on(
        lambda: open_store(here().database), happening, plan_id=plan_id, travel=travel, now=now()
    )  # fmt: skip


def _as_json(option: OutOption) -> dict[str, object]:
    return {
        "option": key_of(option),
        "kind": option.kind.value,
        "title": option.title,
        "left_out": [each.visit for each in option.left_out],
        "promises_broken": [each.sentence for each in option.promises_broken],
        "moved": len(option.moved),
        "cost": option.cost,
        "told": list(option.told),
    }
