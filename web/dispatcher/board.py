"""The board: the day's plan as list, map and timeline; planning it, and changing it stop by stop."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from math import isfinite
from pathlib import Path
from typing import Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Connection
from werkzeug.datastructures import MultiDict

from data.queries.board import (
    DepotPin,
    depot_pins,
    door_facts,
    pins_of,
    running_plan_jobs,
    shift_hours,
    waits_for_a_plan,
)
from data.queries.company import company_card
from data.queries.fleet import plans_to_make_again
from data.queries.plans import PlanPage, current_plans, plan_page, versions
from data.store import SqlStore, open_store
from data.store.system import Job
from routing.errors import Conflict, InvalidInput, NotFound, RegionError, TravelError
from routing.model.days import today_of
from routing.model.places import Location
from routing.rules.changes import MoveEffect
from routing.services import editing
from routing.services.placing import show_best_place
from web.assets import asset, basemap_url
from web.clock import wall_clock
from web.dispatcher import board_words as words
from web.dispatcher.board_links import link_of
from web.dispatcher.board_view import Board, BoardRoute, board_of, places_of, word_of
from web.errors import wants_json
from web.here import here, now
from web.incoming import day_of, row_id
from web.maps import Line, Pin, Tiles, draw_board_map
from web.people import needs_role
from web.plan_job import SEARCH_S, start_plan
from web.security import csp_nonce

board = Blueprint("board", __name__, url_prefix="/plan")

MOST_AT_A_DOOR = 200
"""So many deliveries of one stop move together."""

PLANS_DRAWN = 24
"""Plans whose ways along the roads a process keeps: a plan never changes, so neither does its drawing."""


# ---------------------------------------------------------------------------- the page


@board.get("")
@needs_role()
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        day, chosen, depots = asked(connection)
        shown = board_of(plans_of(connection, day=day, depots=chosen))
        waits = waits_for_a_plan(
            connection,
            day=day,
            depot_ids=[depot.id for depot in chosen],
            plan_ids=[plan.plan_id for plan in shown.plans],
        )
        left = pins_of(connection, [row.delivery_id for group in shown.groups for _plan, row in group.rows])
        fragment = _chosen_part(connection, shown)
        jobs = running_plan_jobs(connection, day=day)
        changed = plans_to_make_again(connection, from_day=day, to_day=day, depot_ids=[depot.id for depot in chosen])
    return render_template(
        "dispatcher/board.html",
        day=day,
        earlier=_moved(day, -1),
        later=_moved(day, 1),
        depots=depots,
        depot_id=chosen[0].id if len(chosen) == 1 and len(depots) > 1 else "",
        board=shown,
        waits=waits,
        drawn=_drawn(shown, chosen, left),
        fragment=fragment,
        jobs=jobs,
        changed=changed,
        zone=chosen[0].zone if chosen else "UTC",
        words=words,
        may_edit=may_edit(),
        may_load=may_load(),
    )


@board.get("/names")
@needs_role()
def names() -> ResponseReturnValue:
    """What the map's markers and the timeline's bars say, by id: text, never markup."""
    with here().database.reading() as connection:
        day, chosen, _depots = asked(connection)
        shown = board_of(plans_of(connection, day=day, depots=chosen))
    return jsonify(
        stops={
            str(stop.stop_id): [stop.site, words.clock_span(stop.arrival, stop.departure, route.row.zone)]
            for route in shown.routes
            for stop in route.row.stops
        },
        left_out={
            str(row.delivery_id): [row.site, words.left_out_reason(group.reason)]
            for group in shown.groups
            for _plan, row in group.rows
        },
        depots={str(depot.id): [depot.name, ""] for depot in chosen},
    )


@board.get("/<int:plan_id>/stop/<int:stop_id>")
@needs_role()
def stop_part(plan_id: int, stop_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        return _stop_html(connection, _board_with(connection, plan_id), stop_id)


@board.get("/<int:plan_id>/route/<int:shift_id>")
@needs_role()
def route_part(plan_id: int, shift_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        return _route_html(connection, _board_with(connection, plan_id), shift_id)


@board.get("/<int:plan_id>/left-out/<int:delivery_id>")
@needs_role()
def left_out_part(plan_id: int, delivery_id: int) -> ResponseReturnValue:
    with here().database.reading() as connection:
        return _left_out_html(connection, _board_with(connection, plan_id), delivery_id)


def _board_with(connection: Connection, plan_id: int) -> Board:
    """The board of the `day` and `depot` that are asked for, where that plan is on it: its routes bear the numbers and
    colours that they have beside those of other plans. Else the plan by itself."""
    if request.args.get("day"):
        day, chosen, _depots = asked(connection)
        pages = plans_of(connection, day=day, depots=chosen)
        if plan_id in {page.plan_id for page in pages}:
            return board_of(pages)
    return board_of([plan_page(connection, plan_id)])


def _chosen_part(connection: Connection, shown: Board) -> str:
    """The right panel as the address asks for it: `stop`, `route` or `left`. What is gone from the plan is skipped."""
    for name, draw in (("stop", _stop_html), ("route", _route_html), ("left", _left_out_html)):
        key = request.args.get(name, type=row_id)
        if key is not None:
            try:
                return draw(connection, shown, key)
            except NotFound:
                return ""
    return ""


def _stop_html(connection: Connection, shown: Board, stop_id: int) -> str:
    found = shown.stop(stop_id)
    if found is None:
        raise NotFound(_("This stop is not in the plan any more. Reload the board."), stop=stop_id)
    route, stop = found
    return render_template(
        "dispatcher/board_stop.html",
        word_of=word_of,
        route=route,
        stop=stop,
        door=door_facts(connection, stop.site_id),
        plan=_plan(shown, route.plan_id),
        words=words,
        may_edit=may_edit(),
    )


def _route_html(connection: Connection, shown: Board, shift_id: int) -> str:
    route = shown.route(shift_id)
    if route is None:
        raise NotFound(_("This van has no route in the plan any more. Reload the board."), shift=shift_id)
    return render_template(
        "dispatcher/board_route.html",
        route=route,
        hours=shift_hours(connection, shift_id),
        link=link_of(connection, shift_id) if may_edit() and route.is_out else None,
        words=words,
        may_edit=may_edit(),
        may_load=may_load(),
    )


def _left_out_html(connection: Connection, shown: Board, delivery_id: int) -> str:
    for group in shown.groups:
        for plan_id, row in group.rows:
            if row.delivery_id == delivery_id:
                return render_template(
                    "dispatcher/board_left_out.html",
                    row=row,
                    group=group,
                    plan=_plan(shown, plan_id),
                    door=door_facts(connection, row.site_id),
                    words=words,
                    may_edit=may_edit(),
                )
    raise NotFound(_("This delivery is not left out any more. Reload the board."), delivery=delivery_id)


def vans_of(shown: Board, plan_id: int) -> dict[int, str]:
    """What each van is called that the plan may use, by shift."""
    used = {
        route.row.shift_id: f"{route.number} · {route.row.vehicle}, {route.row.driver or _('no driver')}"
        for route in shown.routes
        if route.plan_id == plan_id
    }
    free = {
        row.shift_id: _("%(van)s, %(driver)s (not used yet)", van=row.vehicle, driver=row.driver or _("no driver"))
        for row in _plan(shown, plan_id).free
    }
    return used | free


def _plan(shown: Board, plan_id: int) -> PlanPage:
    return next(plan for plan in shown.plans if plan.plan_id == plan_id)


# ---------------------------------------------------------------------------- what is asked for


def asked(connection: Connection) -> tuple[str, tuple[DepotPin, ...], tuple[DepotPin, ...]]:
    """The day, the depots that were picked (all when none is), and all there are."""
    values = request.values
    day = day_of(values.get("day") or today_of(now(), company_card(connection).zone))
    depots = depot_pins(connection)
    depot_id = values.get("depot", type=row_id)
    chosen = depots if depot_id is None else tuple(depot for depot in depots if depot.id == depot_id)
    if depot_id is not None and not chosen:
        raise NotFound(_("There is no depot %(id)s. Choose one of the list.", id=depot_id), depot=depot_id)
    return day, chosen, depots


def _moved(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def plans_of(connection: Connection, *, day: str, depots: Sequence[DepotPin]) -> list[PlanPage]:
    """The plans that hold for these depots on that day; of a plan of several depots only what is theirs."""
    at: dict[int, list[int]] = defaultdict(list)
    for each in current_plans(connection, day=day, depot_ids=[depot.id for depot in depots]):
        at[each.plan_id].append(each.depot_id)
    return [
        plan_page(connection, plan_id, day=day, depot_id=depot_ids[0] if len(depot_ids) == 1 else None)
        for plan_id, depot_ids in sorted(at.items())
    ]


def may_edit() -> bool:
    return current_user.role in ("dispatcher", "admin")


def may_load() -> bool:
    return current_user.role in ("dispatcher", "warehouse", "admin")


def back_to_board(**selected: Any) -> ResponseReturnValue:
    """The board of the day and depot that the form came from."""
    wanted: dict[str, Any] = {name: request.values[name] for name in ("day", "depot") if request.values.get(name)}
    return redirect(url_for("board.page", **wanted, **selected), 303)


# ---------------------------------------------------------------------------- the map


class _Drawings:
    """The ways along the roads of the plans shown last, by installation and plan."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, int, int], tuple[Location, ...]] = OrderedDict()

    def get(self, key: tuple[Path, int, int], draw: Callable[[], tuple[Location, ...]]) -> tuple[Location, ...]:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        drawn = draw()
        with self._lock:
            self._kept[key] = drawn
            while len(self._kept) > PLANS_DRAWN * 10:
                self._kept.popitem(last=False)
        return drawn


_drawings = _Drawings()


def _drawn(shown: Board, depots: Sequence[DepotPin], left: dict[int, tuple[float, float]]) -> object:
    g.depots = {depot.id: depot for depot in depots}
    pins = [
        Pin(kind="depot", key=depot.id, at=Location(lat=depot.lat, lon=depot.lon))
        for depot in depots
        if depot.lat is not None and depot.lon is not None
    ]
    pins += [
        Pin(kind="left_out", key=delivery_id, at=Location(lat=lat, lon=lon)) for delivery_id, (lat, lon) in left.items()
    ]
    pins += [
        Pin(
            kind="stop",
            key=stop.stop_id,
            at=Location(lat=stop.lat, lon=stop.lon),
            text=str(stop.number),
            shift=route.row.shift_id,
            number=route.number,
        )
        for route in shown.routes
        for stop in route.row.stops
        if stop.lat is not None and stop.lon is not None
    ]
    default = _default_region()
    region_of = {depot.id: depot.region or default for depot in depots}
    driven = Counter(region_of.get(route.row.depot_id, default) for route in shown.routes)
    # It opens where most routes are, else where the first depot is: of several regions there are but dots on a world.
    region = max(driven, key=driven.__getitem__) if driven else next(iter(region_of.values()), default)
    there = {route.row.shift_id for route in shown.routes if region_of.get(route.row.depot_id, default) == region}
    served = [
        pin.at
        for pin in pins
        if (pin.kind == "depot" and region_of[pin.key] == region) or (pin.kind == "stop" and pin.shift in there)
    ]
    return draw_board_map(
        lines=[
            Line(
                shift=route.row.shift_id,
                number=route.number,
                points=_way(route, region_of.get(route.row.depot_id, default)),
            )
            for route in shown.routes
        ],
        pins=pins,
        bounds=served,
        tiles=_tiles([region, *region_of.values()]),
        lang=str(get_locale() or "en"),
        nonce=csp_nonce(),
        asset=asset,
    )


def _tiles(regions: Iterable[str]) -> list[Tiles]:
    """The maps under a board: each region's own over its box, or the one of a tile server under all."""
    by_url = {url: name for name in dict.fromkeys(regions) if (url := basemap_url(name))}
    if len(by_url) == 1:
        return [Tiles(url=url) for url in by_url]
    tiles = []
    for url, name in by_url.items():
        # Where one lies whose facts cannot be read, nobody knows.
        with suppress(RegionError):
            tiles.append(Tiles(url=url, bounds=here().area(name)))
    return tiles


def _default_region() -> str:
    try:
        return here().regions.default().name
    except (NotFound, RegionError):
        return ""


def _way(route: BoardRoute, region: str) -> tuple[Location, ...]:
    """Along the roads; straight from door to door where no road is known."""
    depot = g.depots.get(route.row.depot_id)
    home = [] if depot is None or depot.lat is None else [Location(lat=depot.lat, lon=depot.lon)]
    places = list(home) if route.row.starts_at_depot else []
    for trip in route.row.trips:
        places += [
            Location(lat=stop.lat, lon=stop.lon)
            for stop in route.row.stops
            if stop.trip == trip.number and stop.lat is not None and stop.lon is not None
        ]
        if route.row.ends_at_depot:
            places += home  # between two trips it passes by the depot

    def along() -> tuple[Location, ...]:
        if not region or len(places) < 2:
            return tuple(places)
        try:
            return tuple(here().travel(region).path(places, profile=route.row.profile))
        except (TravelError, NotFound):
            return tuple(places)

    return _drawings.get((here().home, route.plan_id, route.row.shift_id), along)


# ---------------------------------------------------------------------------- planning


@board.post("/run")
@needs_role("dispatcher")
def run() -> ResponseReturnValue:
    """Starts the search for the day, one job for each region's depots."""
    with open_store(here().database) as store:
        day, chosen, _depots = asked(store.connection)
        if not chosen:
            raise InvalidInput(_("There is no depot to plan from. Import the fleet first."), code="no_depot")
        store.assign_regions()
        groups = store.depots_by_region([depot.id for depot in chosen])
        already = running_plan_jobs(store.connection, day=day)
        jobs = already or [
            start_plan(
                store,
                from_day=day,
                to_day=day,
                depot_ids=depot_ids,
                by=current_user.actor,
                time_limit_s=_seconds(),
                seed=0,
            )
            for depot_ids in _with_work(store, day, groups.values())
        ]
    if wants_json():
        return jsonify(jobs=jobs), 202
    return back_to_board()


def _with_work(store: SqlStore, day: str, groups: Iterable[Sequence[int]]) -> list[Sequence[int]]:
    """The regions' depots from which something is to go that day; all when there is nothing, so that it is said."""
    every = list(groups)
    working = [ids for ids in every if store.day_facts(from_day=day, to_day=day, depot_ids=ids).deliveries]
    return working or every


def _seconds() -> float:
    seconds = request.form.get("seconds", SEARCH_S, type=float)
    if not isfinite(seconds):
        raise InvalidInput(_("Name the seconds to search as a number, as 10."), code="seconds")
    return min(max(seconds, 1.0), 300.0)


@board.get("/job/<int:job_id>")
@needs_role()
def job(job_id: int) -> ResponseReturnValue:
    """How the search stands: state, what it does, served of how many and of each tier (from the top; where there are
    several), cost, seconds."""
    with here().database.reading() as connection:
        found = _planning(SqlStore(connection), job_id)
        currency = company_card(connection).currency
    progress = found.progress or {}
    seconds = (found.ended_at or wall_clock()) - (found.started_at or found.made_at)
    tiers = progress.get("served_by_tier") or ()
    return jsonify(
        state=found.state,
        problem=found.problem,
        cancel_asked=found.cancel_asked,
        phase=words.search_phase(str(progress.get("phase", ""))),
        served=progress.get("served", 0),
        of=progress.get("of", 0),
        tiers=[_("Tier %(n)s: %(served)s", n=tier, served=served) for tier, served in tiers] if len(tiers) > 1 else [],
        cost=words.cost(int(progress.get("cost") or 0), currency) if progress.get("cost") else "",
        seconds=round(seconds.total_seconds(), 1),
        limit=float(found.data.get("time_limit_s", SEARCH_S)),
    )


@board.post("/job/<int:job_id>/stop")
@needs_role("dispatcher")
def stop_job(job_id: int) -> ResponseReturnValue:
    """Ends the search; the best plan found until then is kept."""
    with open_store(here().database) as store:
        _planning(store, job_id)
        found = store.cancel_job(job_id=job_id, now=wall_clock())
    if wants_json():
        return jsonify(state=found.state)
    return back_to_board()


def _planning(store: SqlStore, job_id: int) -> Job:
    """Raises NotFound, also for a job of another kind: the board neither shows nor ends those."""
    found = store.job(job_id)
    if found.kind != "plan":
        raise NotFound(_("Job %(id)s is no planning.", id=job_id), job=job_id)
    return found


# ---------------------------------------------------------------------------- changing


@board.get("/<int:plan_id>/effect")
@needs_role("dispatcher")
def effect(plan_id: int) -> ResponseReturnValue:
    """What a move would do, before anybody decides on it: `delivery` (several: those of one stop), `shift` (empty:
    out), `position` (empty: the cheapest place)."""
    delivery_id, along = _who_moves(request.args)
    to_shift = request.args.get("shift", type=row_id)
    position = request.args.get("position", type=row_id)
    with here().database.reading() as connection:
        store = SqlStore(connection)
        if to_shift is not None and position is None:
            found = show_best_place(store, plan_id=plan_id, delivery=delivery_id, to_shift=to_shift, along=along)
        else:
            found = editing.show_move(
                store, plan_id=plan_id, delivery=delivery_id, to_shift=to_shift, position=position or 0, along=along
            )
        zone = company_card(connection).zone
        currency = company_card(connection).currency
    if wants_json():
        return jsonify(_as_json(found, currency))
    return render_template(
        "dispatcher/board_effect.html", effect=found, plan_id=plan_id, zone=zone, currency=currency, words=words
    )


def _who_moves(given: MultiDict[str, str]) -> tuple[int, tuple[int, ...]]:
    """The delivery that moves, and those of its stop that go along. Raises InvalidInput."""
    moves = list(dict.fromkeys(given.getlist("delivery", type=row_id)))
    if not 1 <= len(moves) <= MOST_AT_A_DOOR:
        raise InvalidInput(_("Choose the delivery that moves."))
    return moves[0], tuple(moves[1:])


def _as_json(found: MoveEffect, currency: str) -> dict[str, object]:
    return {
        "said": words.move_effect(found, currency),
        "delivery": found.delivery,
        "to_shift": found.to_shift,
        "position": found.position,
        "possible": found.plan is not None,
        "unchanged": words.changes_nothing(found),
        "minutes": found.minutes,
        "distance_m": found.distance_m,
        "cost": found.cost,
        "moved": len(found.moved),
        "promises_broken": [each.sentence for each in found.promises_broken],
        "violations": list(found.violations),
        "places": [{"delivery": each.name, "old": each.old, "new": each.new} for each in found.places],
    }


@board.get("/<int:plan_id>/places/<int:shift_id>")
@needs_role("dispatcher")
def places(plan_id: int, shift_id: int) -> ResponseReturnValue:
    """The places on a route where `delivery` can go: [position, word], the words in the order of driving."""
    delivery_id = request.args.get("delivery", 0, type=row_id)
    with here().database.reading() as connection:
        shown = board_of([plan_page(connection, plan_id)])
    route = shown.route(shift_id)
    behind = [] if route is None else places_of(route.row, without=delivery_id)
    several = route is not None and len(route.row.trips) > 1
    return jsonify(
        places=[[0, _("first")]]
        + [
            [position, _("after %(n)s · %(site)s, trip %(trip)s", n=stop.number, site=stop.site, trip=stop.trip)]
            if several
            else [position, _("after %(n)s · %(site)s", n=stop.number, site=stop.site)]
            for position, stop in behind
        ]
    )


@board.post("/<int:plan_id>/move")
@needs_role("dispatcher")
def move(plan_id: int) -> ResponseReturnValue:
    (delivery_id, along), to_shift = _who_moves(request.form), _form_int("shift")

    def change(store: SqlStore) -> str:
        editing.move_delivery(
            store,
            plan_id=plan_id,
            delivery=delivery_id,
            to_shift=to_shift,
            position=request.form.get("position", 0, type=row_id),
            along=along,
            by=current_user.actor,
            now=now(),
        )
        return _("Moved. The new times stand in the timeline.")

    return _change(change, route=to_shift)


@board.post("/<int:plan_id>/take-out")
@needs_role("dispatcher")
def take_out(plan_id: int) -> ResponseReturnValue:
    delivery_id, along = _who_moves(request.form)

    def change(store: SqlStore) -> str:
        editing.take_out(store, plan_id=plan_id, delivery=delivery_id, along=along, by=current_user.actor, now=now())
        return _("Taken out. It stays out of the next plans of this day until you unlock it.")

    return _change(change, left=delivery_id)


@board.post("/<int:plan_id>/lock")
@needs_role("dispatcher")
def lock(plan_id: int) -> ResponseReturnValue:
    delivery_id = _form_int("delivery")

    def change(store: SqlStore) -> str:
        editing.lock_delivery(
            store,
            plan_id=plan_id,
            delivery=delivery_id,
            by=current_user.actor,
            now=now(),
            keep_position=request.form.get("keep") == "place",
        )
        return _("Locked: the next plan keeps it where it is.")

    return _change(change, **_selected())


@board.post("/<int:plan_id>/unlock")
@needs_role("dispatcher")
def unlock(plan_id: int) -> ResponseReturnValue:
    delivery_id = _form_int("delivery")

    def change(store: SqlStore) -> str:
        editing.unlock_delivery(store, plan_id=plan_id, delivery=delivery_id, by=current_user.actor, now=now())
        return _("Unlocked: the next plan may put it anywhere.")

    return _change(change, **_selected())


@board.post("/<int:plan_id>/undo")
@needs_role("dispatcher")
def undo(plan_id: int) -> ResponseReturnValue:
    def change(store: SqlStore) -> str:
        kept = versions(store.connection, plan_id, limit=1)
        what = kept[0].why if kept else ""
        editing.undo(store, plan_id=plan_id, by=current_user.actor, now=now())
        return _("Undone: %(what)s.", what=what)

    return _change(change)


def _change(change: Callable[[SqlStore], str], **selected: object) -> ResponseReturnValue:
    """Makes a change in one transaction and shows the board again; what is refused is said there in its sentence."""
    try:
        with open_store(here().database) as store:
            said = change(store)
    except (Conflict, NotFound) as problem:
        if wants_json():
            raise
        flash(str(problem), "failed")
        return back_to_board(**_selected())
    if wants_json():
        return jsonify(said=said)
    flash(said, "done")
    return back_to_board(**{name: key for name, key in selected.items() if key is not None})


def _selected() -> dict[str, object]:
    """What was selected when the form was sent, to be selected again."""
    return {name: request.form[name] for name in ("stop", "route", "left") if request.form.get(name)}


def _form_int(name: str) -> int:
    value = request.form.get(name, type=row_id)
    if value is None:
        raise InvalidInput(_("The form lacks %(name)s. Reload the board and try again.", name=name), code="form")
    return value
