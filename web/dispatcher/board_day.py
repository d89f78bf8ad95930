"""The board on the day itself: a driver is out, vans are loaded, routes are handed over, and how far they are."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from data.queries.board import newest_notice, notices_after
from data.queries.company import company_card
from data.queries.plans import plan_page
from data.store import SqlStore, open_store
from data.store.again import in_transaction
from routing.errors import Conflict, NotFound
from routing.rules.driver_out import OutOption
from routing.rules.progress import forecast
from routing.services import editing
from routing.services.dispatching import DispatchedDay, dispatch_day, renew_driver_link
from routing.services.loading import load_route
from web.dispatcher import board_words as words
from web.dispatcher.board import asked, back_to_board, board, plans_of
from web.dispatcher.board_view import Board, board_of, live_of
from web.errors import wants_json
from web.here import here, now
from web.incoming import row_id
from web.people import needs_role
from web.security import limiter

OUT_SEARCH_S = 4.0
OPTIONS_KEPT = 16
OUT_SEARCHES = "10 per minute"
_one_search = threading.Lock()


# ---------------------------------------------------------------------------- the driver is out


class _Shown:
    """The options that were shown last, so that what is applied is what was looked at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, int, int], list[OutOption]] = OrderedDict()

    def keep(self, key: tuple[Path, int, int], options: list[OutOption]) -> None:
        with self._lock:
            self._kept[key] = options
            self._kept.move_to_end(key)
            while len(self._kept) > OPTIONS_KEPT:
                self._kept.popitem(last=False)

    def find(self, key: tuple[Path, int, int]) -> list[OutOption] | None:
        with self._lock:
            return self._kept.get(key)


_shown = _Shown()


def key_of(option: OutOption) -> str:
    """One word for everything that was shown of an option: another process that finds the same makes the same word."""
    said = (
        option.kind.value, option.driver_id, option.via_shift, option.stops_moved, option.cost,
        [(each.delivery, each.new) for each in option.moved], [each.visit for each in option.left_out],
    )  # fmt: skip
    return hashlib.sha256(repr(said).encode()).hexdigest()[:20]


@board.get("/<int:plan_id>/out/<int:shift_id>")
@needs_role("dispatcher")
def driver_out(plan_id: int, shift_id: int) -> ResponseReturnValue:
    """The page; the options come behind it, because finding them takes seconds."""
    with here().database.reading() as connection:
        shown = board_of([plan_page(connection, plan_id)])
    route = shown.route(shift_id)
    if route is None:
        raise NotFound(_("This van has no route in the plan any more. Reload the board."), shift=shift_id)
    return render_template("dispatcher/board_out.html", route=route, plan_id=plan_id, words=words)


@board.get("/<int:plan_id>/out/<int:shift_id>/options")
@limiter.limit(OUT_SEARCHES)
@needs_role("dispatcher")
def out_options(plan_id: int, shift_id: int) -> ResponseReturnValue:
    options = _options(plan_id, shift_id)
    _shown.keep((here().home, plan_id, shift_id), options)
    with here().database.reading() as connection:
        card = company_card(connection)
        day = SqlStore(connection).shift(shift_id).day
    return render_template(
        "dispatcher/board_options.html",
        options=[(key_of(option), option) for option in options],
        plan_id=plan_id,
        shift_id=shift_id,
        day=day,
        currency=card.currency,
        zone=card.zone,
        words=words,
    )


@board.post("/<int:plan_id>/out/<int:shift_id>")
@needs_role("dispatcher")
def apply_out(plan_id: int, shift_id: int) -> ResponseReturnValue:
    wanted = request.form.get("option", "")
    options = _shown.find((here().home, plan_id, shift_id)) or []
    chosen = next((option for option in options if key_of(option) == wanted), None)
    if chosen is None:  # shown by another process, or before a restart: find them again
        chosen = next((option for option in _options(plan_id, shift_id) if key_of(option) == wanted), None)
    try:
        if chosen is None:
            raise Conflict(_("The options are no longer the same. Look at them again."), code="plan_moved_on")
        with open_store(here().database) as store:
            editing.apply_driver_out(store, plan_id=plan_id, chosen=chosen, by=current_user.actor, now=now())
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return redirect(url_for("board.page", day=request.form.get("day")), 303)
    if wants_json():
        return jsonify(said=chosen.title)
    flash(_("Done: %(what)s. Dispatch again to tell those who are out already.", what=chosen.title), "done")
    return redirect(url_for("board.page", day=request.form.get("day")), 303)


def _options(plan_id: int, shift_id: int) -> list[OutOption]:
    # One search at a time: it takes whole cores, and the pages of everybody else must not wait for it.
    with _one_search:
        return editing.driver_out_options(
            lambda: open_store(here().database),
            plan_id=plan_id,
            shift_id=shift_id,
            solve=here().solver,
            time_limit_s=OUT_SEARCH_S,
        )


# ---------------------------------------------------------------------------- loading


@board.post("/load")
@needs_role("dispatcher", "warehouse")
def load() -> ResponseReturnValue:
    """Loads the vans named by `shift`; one that cannot be loaded does not keep the others."""
    loaded = unpicked = 0
    for shift_id in request.form.getlist("shift", type=row_id):
        try:
            # Tried again where it meets somebody who wants the same goods: a receipt, a report from a door.
            done = in_transaction(
                here().database, partial(load_route, shift_id=shift_id, by=current_user.actor, now=now())
            )
            loaded, unpicked = loaded + done.deliveries, unpicked + done.unpicked
        except (Conflict, NotFound) as problem:
            if wants_json():
                raise
            flash(str(problem), "failed")
    if wants_json():
        return jsonify(loaded=loaded)
    if loaded:
        said = ngettext("%(num)s delivery loaded.", "%(num)s deliveries loaded.", loaded)
        if unpicked:
            said += " " + _("%(n)s units of it nobody had marked as picked.", n=unpicked)
        flash(said, "done")
    return back_to_board(**{name: request.form[name] for name in ("route",) if request.form.get(name)})


# ---------------------------------------------------------------------------- dispatching


class _NotYet(Exception):
    """Ends a transaction in which something was only tried out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a dispatch would do: the routes, and the messages by (kind, channel)."""

    day: DispatchedDay
    messages: tuple[tuple[tuple[str, str], int], ...]
    people: int


@board.get("/dispatch")
@needs_role("dispatcher")
def dispatch_preview() -> ResponseReturnValue:
    """Says what would go out, to whom, by trying it and taking it back."""
    with here().database.reading() as connection:
        day, chosen, depots = asked(connection)
        outbound = SqlStore(connection).setting("outbound") or {}
    found = _try_dispatch(day, [depot.id for depot in chosen])
    return render_template(
        "dispatcher/board_dispatch.html",
        preview=found,
        day=day,
        depot_id=chosen[0].id if len(chosen) == 1 and len(depots) > 1 else "",
        outbound=str(outbound.get("mode", "off")),
        words=words,
    )


def _try_dispatch(day: str, depot_ids: Sequence[int]) -> Preview:
    found: Preview | None = None
    try:
        with open_store(here().database) as store:
            before = newest_notice(store.connection)
            result = _dispatch(store, day, depot_ids)
            written = notices_after(store.connection, before)
            counted = Counter((kind, channel) for kind, channel, _recipient in written)
            found = Preview(
                day=result,
                messages=tuple(counted.most_common()),
                people=len({recipient for _kind, _channel, recipient in written}),
            )
            raise _NotYet
    except _NotYet:
        pass
    assert found is not None
    return found


def _dispatch(store: SqlStore, day: str, depot_ids: Sequence[int]) -> DispatchedDay:
    return dispatch_day(store, day=day, depot_ids=depot_ids, secret=here().secret, by=current_user.actor, now=now())


@board.post("/dispatch")
@needs_role("dispatcher")
def dispatch() -> ResponseReturnValue:
    with open_store(here().database) as store:
        day, chosen, _depots = asked(store.connection)
        result = _dispatch(store, day, [depot.id for depot in chosen])
    if wants_json():
        return jsonify(dispatched=[each.shift_id for each in result.dispatched], left=len(result.left))
    if result.dispatched:
        flash(
            ngettext("%(num)s route is out.", "%(num)s routes are out.", len(result.dispatched))
            + " "
            + _("Each driver's link stands on the route."),
            "done",
        )
    for each in result.left:
        flash(_("Stays: %(sentence)s", sentence=each.sentence), "late")
    if not result.dispatched and not result.left:
        flash(_("Everything was out already, unchanged."), "info")
    return back_to_board()


@board.post("/route/<int:shift_id>/link")
@needs_role("dispatcher")
def renew_link(shift_id: int) -> ResponseReturnValue:
    """For a phone that was lost: its link dies, and the route's panel shows another."""
    with open_store(here().database) as store:
        renew_driver_link(store, shift_id=shift_id, secret=here().secret, by=current_user.actor, now=now())
    if wants_json():
        return jsonify(renewed=shift_id)
    flash(_("The old link opens nothing any more. Let the driver scan the new code."), "done")
    return back_to_board(route=shift_id)


# ---------------------------------------------------------------------------- how far it is


@board.get("/live")
@needs_role()
def live() -> ResponseReturnValue:
    """Each stop's state and forecast, each route's progress: what the board asks for every ten seconds."""
    with here().database.reading() as connection:
        day, chosen, _depots = asked(connection)
        shown = board_of(plans_of(connection, day=day, depots=chosen))
        return jsonify(live_of(shown, _etas(SqlStore(connection), shown)) | {"state": shown.state})


def _etas(store: SqlStore, shown: Board) -> dict[int, tuple[datetime, timedelta]]:
    found: dict[int, tuple[datetime, timedelta]] = {}
    for route in shown.routes:
        if route.row.manifest_id is None:
            continue
        held = store.manifest_in_hand(route.row.manifest_id)
        for eta in forecast(held.stops, held.facts, departs_at=held.departs_at, now=now()):
            found[eta.stop_id] = (eta.start, eta.late_by)
    return found
