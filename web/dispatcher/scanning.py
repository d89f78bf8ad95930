"""What one scan does on a page of the warehouse, and the large sentence that answers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from data.queries.warehouse import FloorDelivery, FloorDepot, FloorTrip, floor, floor_trip
from data.store import SqlStore
from routing.errors import Conflict, InvalidInput, NotFound
from routing.rules.scanning import Scan, read_scan
from routing.services.loading import load_delivery
from routing.services.picking import Picked, pick_lines, stage_delivery
from routing.services.undoing import undo_step


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Where a scan was made: a trip (`shift_id`, `trip`) or the wave of a depot's day; for which delivery (`at`), with
    how many of the next product (`many`, 0: one)."""

    depot_id: int
    day: str
    shift_id: int = 0
    trip: int = 0
    mode: str = "pick"
    at: str = ""
    many: int = 0
    text: str = ""
    event_id: int = 0
    """What the page did last: an undo that is scanned turns it round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to say, and what the page keeps: the delivery in hand, a quantity that waits, what can be undone."""

    sentence: str
    kind: str = "done"
    at: str = ""
    many: int = 0
    event_id: int = 0
    keeps_undo: bool = False
    """Nothing was done: what the page did before can still be undone."""


def picked_words(done: Picked) -> str:
    """ "8 of 12 OAT, D-000012 Café 3": the count first, it is read from two metres away."""
    delivery = done.delivery
    parts = []
    for product_id, _units in done.units:
        line = delivery.line_of(product_id)
        if line is not None:
            parts.append(_("%(n)s of %(of)s %(sku)s", n=line.picked, of=line.quantity, sku=line.sku))
    shown = ", ".join(parts[:3]) + (" …" if len(parts) > 3 else "")
    said = f"{shown}  ·  {delivery.number} {delivery.site}"
    return _("%(said)s: complete", said=said) if delivery.whole else said


def answer_scan(store: SqlStore, where: Floor, *, now: datetime, by: str) -> Answer:
    """Does what was scanned. Raises Conflict, InvalidInput or NotFound with the sentence that is shown in red."""
    scan = read_scan(where.text)
    if scan.undo:
        if not where.event_id:
            raise InvalidInput(_("There is nothing to undo."), code="nothing_to_undo")
        undo_step(store, event_id=where.event_id, now=now, by=by)
        return Answer(sentence=_("Undone."), kind="info", at=where.at)
    home = next(iter(floor(store.connection, day=where.day, now=now, depot_id=where.depot_id)), None)
    if home is None:
        raise NotFound(_("There is no depot %(id)s.", id=where.depot_id), depot=where.depot_id)
    trip = floor_trip(home, shift_id=where.shift_id, trip=where.trip) if where.shift_id else None
    if where.shift_id and trip is None:
        raise NotFound(_("This trip is not in the plan any more. Start again from the warehouse."))
    if scan.place:
        return _stage(store, home, trip, where, scan.place, now=now, by=by)
    if not scan.code:
        return Answer(
            sentence=_("%(n)s × the next product", n=scan.quantity),
            kind="info",
            many=scan.quantity or 0,
            at=where.at,
            keeps_undo=True,
        )
    delivery_id = store.delivery_id(scan.code.upper())
    if delivery_id is not None:
        return _delivery(store, home, trip, where, delivery_id, now=now, by=by)
    product_id = store.scanned_product(scan.code)
    if product_id is None:
        raise NotFound(
            _('"%(code)s" is no product, barcode or delivery that is known here.', code=scan.code[:40]), code="unknown"
        )
    if where.mode == "load":
        raise Conflict(_("The van is loaded by delivery: scan the code on its slip."), code="scan_delivery")
    return _product(store, home, trip, where, scan, product_id, now=now, by=by)


def _stage(
    store: SqlStore, home: FloorDepot, trip: FloorTrip | None, where: Floor, place: str, *, now: datetime, by: str
) -> Answer:
    """The delivery that was scanned last; on a trip without one, all that is picked and waits nowhere yet."""
    mine = trip.deliveries if trip else home.on_vans
    if where.at:
        chosen = [each.delivery for each in mine if each.delivery.number == where.at]
    elif trip is not None:
        chosen = [each.delivery for each in mine if each.delivery.stage == "picked"]
    else:
        chosen = []
    if not chosen:
        raise Conflict(_("Scan the delivery first, then its place."), code="scan_delivery")
    event_id = 0
    for delivery in chosen:
        event_id = stage_delivery(store, delivery_id=delivery.id, place=place, now=now, by=by)
    said = chosen[0].number if len(chosen) == 1 else _("%(n)s deliveries", n=len(chosen))
    return Answer(
        sentence=_("%(what)s at %(place)s", what=said, place=place), event_id=event_id if len(chosen) == 1 else 0
    )


def _delivery(
    store: SqlStore,
    home: FloorDepot,
    trip: FloorTrip | None,
    where: Floor,
    delivery_id: int,
    *,
    now: datetime,
    by: str,
) -> Answer:
    if where.mode == "load" and trip is not None:
        done = load_delivery(store, shift_id=trip.shift_id, trip=trip.trip, delivery_id=delivery_id, by=by, now=now)
        (delivery,) = store.pick_deliveries([delivery_id])
        return Answer(
            sentence=_("On %(vehicle)s: %(number)s %(site)s", vehicle=done.vehicle, number=delivery.number,
                       site=delivery.site),
            event_id=done.event_ids[0],
        )  # fmt: skip
    found = next(
        (each for each in (trip.deliveries if trip else home.on_vans) if each.delivery.id == delivery_id), None
    )
    if found is None:
        raise Conflict(_elsewhere(store, delivery_id, trip), code="other_trip", delivery=delivery_id)
    delivery = found.delivery
    if delivery.stage == "taken_back":
        raise Conflict(
            _("%(number)s was taken back: put nothing of it on a van.", number=delivery.number), code="taken_back"
        )
    if delivery.stage in ("loaded", "gone"):
        raise Conflict(_("%(number)s is loaded or gone already.", number=delivery.number), code="complete")
    left = delivery.quantity - delivery.picked
    said = _("%(number)s %(site)s: %(left)s to pick", number=delivery.number, site=delivery.site, left=left)
    if not left:
        said = _("%(number)s %(site)s is picked. Scan its place.", number=delivery.number, site=delivery.site)
    return Answer(sentence=said, kind="info", at=delivery.number, many=where.many, keeps_undo=True)


def _elsewhere(store: SqlStore, delivery_id: int, trip: FloorTrip | None) -> str:
    place = store.trip_place(delivery_id)
    (delivery,) = store.pick_deliveries([delivery_id])
    here = trip.name if trip else _("this depot's day")
    if place is None:
        return _(
            "%(number)s for %(site)s is on no route: it does not go with %(here)s.",
            number=delivery.number, site=delivery.site, here=here,
        )  # fmt: skip
    return _(
        "%(number)s for %(site)s goes with %(vehicle)s, trip %(trip)s, not with %(here)s.",
        number=delivery.number, site=delivery.site, vehicle=place.vehicle, trip=place.trip, here=here,
    )  # fmt: skip


def _product(
    store: SqlStore,
    home: FloorDepot,
    trip: FloorTrip | None,
    where: Floor,
    scan: Scan,
    product_id: int,
    *,
    now: datetime,
    by: str,
) -> Answer:
    """One unit, or the quantity that was typed, for the delivery in hand; without one, whoever is loaded first."""
    many = scan.quantity or where.many or 1
    chosen = _who_wants(store, home, trip, where, product_id)
    done = pick_lines(store, delivery_id=chosen.delivery.id, units={product_id: many}, now=now, by=by)
    # A delivery that is complete is not in hand any more: the next scan is for the next one.
    at = where.at if where.at and not done.delivery.whole else ""
    return Answer(sentence=picked_words(done), event_id=done.event_id, at=at)


def _who_wants(
    store: SqlStore, home: FloorDepot, trip: FloorTrip | None, where: Floor, product_id: int
) -> FloorDelivery:
    sku, name = store.product_named(product_id)
    every = trip.deliveries if trip else home.on_vans
    mine, here = every, trip.name if trip else home.name
    if where.at:
        mine = tuple(each for each in mine if each.delivery.number == where.at)
        here = where.at
    having = [each for each in mine if each.delivery.line_of(product_id) is not None]
    theirs = [each for each in every if each.delivery.line_of(product_id) is not None]
    if not having and theirs:
        other = next((each for each in theirs if (line := each.delivery.line_of(product_id)) and line.left), theirs[0])
        raise Conflict(
            _(
                "%(sku)s %(name)s is not in %(here)s. It is for %(number)s, stop %(stop)s, on %(van)s.",
                sku=sku, name=name, here=here, number=other.delivery.number, stop=other.stop,
                van=_("this van") if trip else other.trip_name,
            ),
            code="not_here",
        )  # fmt: skip
    if not having:
        raise Conflict(_("%(sku)s %(name)s is not on %(here)s.", sku=sku, name=name, here=here), code="not_here")
    waiting = [
        each
        for each in having
        if each.delivery.state == "released" and (line := each.delivery.line_of(product_id)) is not None and line.left
    ]
    if not waiting:
        raise Conflict(_("%(sku)s %(name)s is complete on %(here)s.", sku=sku, name=name, here=here), code="complete")
    return waiting[0]
