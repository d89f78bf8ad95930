"""The board's advice: what would serve more, as a button; what is too big, in parts; and why a stop is with this
driver, at this time."""

from __future__ import annotations

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.queries.company import company_card
from data.queries.plans import plan_page
from data.store import SqlStore, open_store
from routing.errors import Conflict, NotFound
from routing.rules.fixes import Fix, fixes_with
from routing.services.advising import apply_fix, find_fixes, why_here
from routing.services.placing import where_it_fits
from routing.services.splitting import offer_split, split_delivery
from web.dispatcher import board_words as words
from web.dispatcher.board import back_to_board, vans_of
from web.dispatcher.board_late import board
from web.dispatcher.board_view import board_of
from web.errors import wants_json
from web.here import here, now
from web.incoming import row_id
from web.people import needs_role

__all__ = ["board"]

MOST_SHOWN = 3


@board.get("/<int:plan_id>/fixes")
@needs_role("dispatcher")
def fixes_part(plan_id: int) -> ResponseReturnValue:
    """The best fixes of the plan; with `left`, the cheapest that serve this delivery."""
    left = request.args.get("left", type=row_id)
    with here().database.reading() as connection:
        found = find_fixes(SqlStore(connection), plan_id=plan_id, now=now())
        currency = company_card(connection).currency
    chosen = found if left is None else fixes_with(found, left)
    if wants_json():
        return {"fixes": [_as_json(fix) for fix in chosen]}
    return render_template(
        "dispatcher/board_fixes.html",
        fixes=_one_a_shift(chosen)[:MOST_SHOWN],
        plan_id=plan_id,
        left=left,
        currency=currency,
        words=words,
    )


@board.post("/<int:plan_id>/fix")
@needs_role("dispatcher")
def fix(plan_id: int) -> ResponseReturnValue:
    """Applies the fix that was shown: `shift`, or `vehicle` with `driver`, works from `starts` to `ends`."""
    try:
        with open_store(here().database) as store:
            _new, done = apply_fix(
                store,
                plan_id=plan_id,
                shift_id=request.form.get("shift", 0, type=int),
                starts=request.form.get("starts", ""),
                ends=request.form.get("ends", ""),
                by=current_user.actor,
                now=now(),
                sent=(request.form.get("vehicle", 0, type=int), request.form.get("driver", 0, type=int)),
            )
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return back_to_board()
    if wants_json():
        return {"gained": list(done.names)}
    said = ngettext("%(num)s order more is on its way.", "%(num)s orders more are on their way.", len(done.gained))
    hours = _("%(van)s works %(starts)s-%(ends)s.", van=done.vehicle, starts=done.starts, ends=done.ends)
    flash(f"{hours} {said}", "done")
    return back_to_board(route=done.shift_id)


@board.get("/<int:plan_id>/split/<int:delivery_id>")
@needs_role("dispatcher")
def split_part(plan_id: int, delivery_id: int) -> ResponseReturnValue:
    """What is too big for any van, in as few parts as can be."""
    with here().database.reading() as connection:
        found = offer_split(SqlStore(connection), plan_id=plan_id, delivery=delivery_id)
    if wants_json():
        return {"vehicle": found.vehicle, "parts": list(found.split.amounts)} if found is not None else {"parts": []}
    return render_template(
        "dispatcher/board_split.html",
        found=found,
        plan_id=plan_id,
        delivery_id=delivery_id,
        words=words,
    )


@board.post("/<int:plan_id>/split/<int:delivery_id>")
@needs_role("dispatcher")
def split(plan_id: int, delivery_id: int) -> ResponseReturnValue:
    """Splits it into as many `parts` as were shown."""
    try:
        with open_store(here().database) as store:
            made = split_delivery(
                store,
                plan_id=plan_id,
                delivery=delivery_id,
                parts=request.form.get("parts", 0, type=int),
                by=current_user.actor,
                now=now(),
            )
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return back_to_board()
    numbers = [number for _key, number in made]
    if wants_json():
        return {"deliveries": numbers}
    flash(_("Split into %(parts)s. Plan again, and each gets its place.", parts=", ".join(numbers)), "done")
    return back_to_board()


@board.get("/<int:plan_id>/why/<int:delivery_id>")
@needs_role("dispatcher")
def why_part(plan_id: int, delivery_id: int) -> ResponseReturnValue:
    """Why this driver, why this time, and what it costs the lower tiers."""
    with here().database.reading() as connection:
        found = why_here(SqlStore(connection), plan_id=plan_id, delivery=delivery_id)
        card = company_card(connection)
    return render_template(
        "dispatcher/board_why.html", found=found, zone=card.zone, currency=card.currency, words=words
    )


@board.get("/<int:plan_id>/vans/<int:delivery_id>")
@needs_role("dispatcher")
def vans_part(plan_id: int, delivery_id: int) -> ResponseReturnValue:
    """Every van with what this delivery would do on it, the cheapest first, and why the others cannot take it."""
    with here().database.reading() as connection:
        shown = board_of([plan_page(connection, plan_id)])
        fits = where_it_fits(SqlStore(connection), plan_id=plan_id, delivery=delivery_id)
        currency = company_card(connection).currency
    names = vans_of(shown, plan_id)
    return render_template(
        "dispatcher/board_vans.html",
        vans=[each for each in fits if each.shift.id in names],
        names=names,
        # Every effect says where it is now.
        here=fits[0].effect.from_shift if fits else None,
        delivery_id=delivery_id,
        plan_id=plan_id,
        currency=currency,
        words=words,
    )


def _one_a_shift(found: tuple[Fix, ...]) -> list[Fix]:
    """The best of each van: three lengths of the same day are one thought, and so is who drives the spare one."""
    kept: dict[tuple[int, int], Fix] = {}
    for each in found:
        kept.setdefault((each.sent[0], 0 if each.added is not None else each.shift_id), each)
    return list(kept.values())


def _as_json(fix: Fix) -> dict[str, object]:
    return {
        "shift": fix.shift_id,
        "vehicle": fix.vehicle,
        "sent": {"vehicle": fix.sent[0], "driver": fix.sent[1]} if fix.added is not None else None,
        "starts": fix.starts,
        "ends": fix.ends,
        "gained": list(fix.names),
        "cost": fix.cost,
    }
