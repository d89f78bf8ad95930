"""The warehouse: what to pick, where it waits, what goes onto which van; by hand on a tablet, or with a scanner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from data.queries.company import company_card
from data.queries.warehouse import FloorDepot, FloorTrip, floor, floor_trip, place_of_shift, wave
from data.store import SqlStore
from data.store.again import in_transaction
from routing.errors import BackrouteError, Conflict, InvalidInput, NotFound
from routing.model.days import today_of
from routing.services.loading import load_delivery, unload_delivery
from routing.services.picking import pick_lines, stage_delivery, unpick_lines, unstage_delivery
from routing.services.undoing import undo_step
from web.dispatcher import words
from web.dispatcher.scanning import Answer, Floor, answer_scan, picked_words
from web.here import here, now
from web.incoming import day_of, row_id
from web.people import needs_role

warehouse = Blueprint("warehouse", __name__, url_prefix="/warehouse")

MODES = ("pick", "load")
CHOICES = ("out_of_order", "not_picked", "still_out")
"""What a person at the van may load all the same."""


@warehouse.get("")
@needs_role("dispatcher", "warehouse")
def page() -> ResponseReturnValue:
    with here().database.reading() as connection:
        today = today_of(now(), company_card(connection).zone)
        day = day_of(request.args.get("day", "") or today)
        homes = floor(connection, day=day, now=now())
    return render_template("dispatcher/warehouse.html", homes=homes, day=day, today=today, words=words)


@warehouse.get("/trips/<int:shift_id>/<int:trip>")
@needs_role("dispatcher", "warehouse")
def one_trip(shift_id: int, trip: int) -> ResponseReturnValue:
    home, day, found = _trip(shift_id, trip)
    mode = request.args.get("mode", "")
    if mode not in MODES:
        mode = "load" if found.stage in ("picked", "staged", "loaded") and not found.away_until else "pick"
    return render_template(
        "dispatcher/warehouse_trip.html", home=home, day=day, trip=found, mode=mode, scan=_scan_state(), words=words
    )


@warehouse.get("/waves/<int:depot_id>")
@needs_role("dispatcher", "warehouse")
def one_wave(depot_id: int) -> ResponseReturnValue:
    day = _day()
    home = _home(depot_id, day)
    return render_template(
        "dispatcher/warehouse_wave.html", home=home, day=day, lines=wave(home), scan=_scan_state(), words=words
    )


# ---------------------------------------------------------------------------- what a scanner and a finger do


@warehouse.post("/scan")
@needs_role("dispatcher", "warehouse")
def scan() -> ResponseReturnValue:
    """One line of a scanner. The answer stands large on the page that it was scanned on."""
    where = _where()
    try:
        said = in_transaction(here().database, lambda store: answer_scan(store, where, now=now(), by=_by()))
    except (Conflict, InvalidInput, NotFound) as problem:
        return _refused(where, problem)
    return _answered(where, said)


@warehouse.post("/pick")
@needs_role("dispatcher", "warehouse")
def pick() -> ResponseReturnValue:
    """A button of a line: +1, -1, a pack, or all of it; without a line the whole delivery."""
    delivery_id, product_id = _delivery(), request.form.get("product", type=row_id)
    do = request.form.get("do", "all")
    many = 0
    if do != "all":
        try:
            many = int(do) if len(do) <= 8 else 0
        except ValueError:
            many = 0
        if not many or product_id is None:
            raise InvalidInput(_("Say how many to pick, like 1 or -1."), code="quantity")

    def work(store: SqlStore) -> Answer:
        if do == "all" and product_id is not None:
            line = next((d.line_of(product_id) for d in store.pick_deliveries([delivery_id])), None)
            units = {product_id: line.left} if line and line.left else {product_id: 1}
        else:
            units = {} if product_id is None else {product_id: abs(many)}
        turn = unpick_lines if many < 0 else pick_lines
        done = turn(store, delivery_id=delivery_id, units=units or None, now=now(), by=_by())
        return Answer(sentence=picked_words(done), event_id=done.event_id, at=done.delivery.number)

    return _pressed(work)


@warehouse.post("/put-back")
@needs_role("dispatcher", "warehouse")
def put_back() -> ResponseReturnValue:
    def work(store: SqlStore) -> Answer:
        done = unpick_lines(store, delivery_id=_delivery(), now=now(), by=_by())
        return Answer(sentence=picked_words(done), event_id=done.event_id)

    return _pressed(work)


@warehouse.post("/stage")
@needs_role("dispatcher", "warehouse")
def stage() -> ResponseReturnValue:
    """Says where a delivery waits; with an empty place it waits nowhere again."""
    place = request.form.get("place", "").strip()

    def work(store: SqlStore) -> Answer:
        if "off" in request.form:
            event_id = unstage_delivery(store, delivery_id=_delivery(), now=now(), by=_by())
            return Answer(sentence=_("It waits nowhere now."), event_id=event_id)
        event_id = stage_delivery(store, delivery_id=_delivery(), place=place, now=now(), by=_by())
        return Answer(sentence=_("It waits at %(place)s.", place=place), event_id=event_id)

    return _pressed(work)


@warehouse.post("/load")
@needs_role("dispatcher", "warehouse")
def load() -> ResponseReturnValue:
    where = _where()

    def work(store: SqlStore) -> Answer:
        done = load_delivery(
            store,
            shift_id=where.shift_id,
            trip=where.trip,
            delivery_id=_delivery(),
            by=_by(),
            now=now(),
            pick_rest="pick_rest" in request.form,
            any_order="any_order" in request.form,
            van_is_here="van_is_here" in request.form,
        )
        return Answer(
            sentence=_("On %(vehicle)s: %(units)s units.", vehicle=done.vehicle, units=done.units),
            event_id=done.event_ids[0],
        )

    return _pressed(work)


@warehouse.post("/unload")
@needs_role("dispatcher", "warehouse")
def unload() -> ResponseReturnValue:
    where = _where()

    def work(store: SqlStore) -> Answer:
        unload_delivery(store, shift_id=where.shift_id, delivery_id=_delivery(), by=_by(), now=now())
        return Answer(sentence=_("Off the van again; its goods are picked."))

    return _pressed(work)


@warehouse.post("/undo")
@needs_role("dispatcher", "warehouse")
def undo() -> ResponseReturnValue:
    event_id = request.form.get("event", type=row_id)
    if event_id is None:
        raise InvalidInput(_("There is nothing to undo."), code="nothing_to_undo")

    def work(store: SqlStore) -> Answer:
        undo_step(store, event_id=event_id, now=now(), by=_by())
        return Answer(sentence=_("Undone."))

    return _pressed(work)


# ---------------------------------------------------------------------------- what they share


def _pressed(work: Callable[[SqlStore], Answer]) -> ResponseReturnValue:
    where = _where()
    try:
        said = in_transaction(here().database, work)
    except (Conflict, InvalidInput) as problem:
        return _refused(where, problem)
    return _answered(where, said)


def _refused(where: Floor, problem: BackrouteError) -> ResponseReturnValue:
    """Says it in red. What was done before can still be undone, and a van may be loaded otherwise by choice."""
    flash(str(problem), "failed")
    choice = problem.code if problem.code in CHOICES and where.mode == "load" else ""
    refused = problem.fields.get("delivery", "") if choice else ""
    return redirect(_back(where, at=where.at, undo=where.event_id, choice=choice, refused=refused))


def _answered(where: Floor, said: Answer) -> ResponseReturnValue:
    if said.sentence:
        flash(said.sentence, said.kind)
    undo = where.event_id if said.keeps_undo else said.event_id
    return redirect(_back(where, at=said.at or where.at, undo=undo, many=said.many))


def _back(where: Floor, *, at: str = "", undo: int = 0, many: int = 0, choice: str = "", refused: object = "") -> str:
    values: dict[str, Any] = {"at": at, "undo": undo, "n": many, "choice": choice, "refused": refused}
    kept = {name: value for name, value in values.items() if value}
    if where.shift_id:
        return url_for("warehouse.one_trip", shift_id=where.shift_id, trip=where.trip, mode=where.mode, **kept)
    return url_for("warehouse.one_wave", depot_id=where.depot_id, day=where.day, **kept)


def _scan_state() -> dict[str, object]:
    """What the address says of the scan before: for whom, how many next, what can be undone, what may be forced."""
    return {
        "at": request.args.get("at", "")[:40],
        "undo": request.args.get("undo", type=row_id),
        "many": request.args.get("n", type=row_id),
        "choice": request.args.get("choice", ""),
        "refused": request.args.get("refused", type=row_id),
    }


def _where() -> Floor:
    """Which page it was done on. Raises InvalidInput for none."""
    shift_id, trip = request.form.get("shift", type=row_id), request.form.get("trip", type=row_id)
    depot_id, day = request.form.get("depot", type=row_id), request.form.get("day", "")
    mode = request.form.get("mode", "pick")
    if shift_id and trip:
        with here().database.reading() as connection:
            place = place_of_shift(connection, shift_id)
        if place is None:
            raise NotFound(_("This trip is not in the plan any more. Start again from the warehouse."), shift=shift_id)
        depot_id, day = place
    elif not depot_id:
        raise InvalidInput(_("Start again from the warehouse: this page names no trip."), code="no_trip")
    return Floor(
        depot_id=depot_id or 0,
        day=day_of(day),
        shift_id=shift_id or 0,
        trip=trip or 0,
        mode=mode if mode in MODES else "pick",
        at=request.form.get("at", "")[:40],
        many=request.form.get("n", type=row_id) or 0,
        text=request.form.get("code", ""),
        event_id=request.form.get("event", type=row_id) or 0,
    )


def _trip(shift_id: int, trip: int) -> tuple[FloorDepot, str, FloorTrip]:
    with here().database.reading() as connection:
        place = place_of_shift(connection, shift_id)
        homes = floor(connection, day=place[1], now=now(), depot_id=place[0]) if place else ()
    found = floor_trip(homes[0], shift_id=shift_id, trip=trip) if homes else None
    if place is None or found is None:
        raise NotFound(_("This trip is not in the plan any more. Start again from the warehouse."), shift=shift_id)
    return homes[0], place[1], found


def _home(depot_id: int, day: str) -> FloorDepot:
    with here().database.reading() as connection:
        homes = floor(connection, day=day, now=now(), depot_id=depot_id)
    if not homes:
        raise NotFound(_("There is no depot %(id)s.", id=depot_id), depot=depot_id)
    return homes[0]


def _day() -> str:
    text = request.args.get("day", "")
    if text:
        return day_of(text)
    with here().database.reading() as connection:
        return today_of(now(), company_card(connection).zone)


def _delivery() -> int:
    found = request.form.get("delivery", type=row_id)
    if found is None:
        raise InvalidInput(_("No delivery was named. Start again from the warehouse."), code="no_delivery")
    return found


def _by() -> str:
    return str(current_user.actor)
