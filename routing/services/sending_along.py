"""A part of an order goes along with a van that passes: a person took the offer, or the rule in force lets it.

The part is released and put into the current plan as a new version, or only released while there is no plan. Nothing
else is moved or locked. Ways are measured before the transaction that writes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict, InvalidInput, NotFound, TravelError
from routing.model.orders import RideRule
from routing.ports import TravelTimes
from routing.rules.ride_along import Ride, RideOffer
from routing.services import releasing
from routing.services.editing import EditsPlans, new_version
from routing.services.releasing import Releasing, release_orders
from routing.services.riding import Planned, Reader, Ways, rides


class Store(Reader, releasing.Store, EditsPlans, Protocol):
    """Reads rides, releases, and saves plans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRide:
    """An offer that a person took, with every way to its door measured, for the transaction that writes."""

    offer: RideOffer
    ways: Ways | None


def chosen_ride(
    store: Reader,
    *,
    depot_id: int,
    for_day: str,
    order_id: int,
    plan_id: int | None,
    units: int,
    shift: int | None,
    now: datetime,
    travel: TravelTimes,
) -> ChosenRide:
    """The offer that a person was shown and takes: so many units, with that shift of that plan (None: not planned).

    Raises Conflict when it is no longer the same, or its terms forbid it; NotFound when the order has no part to send.
    """
    found = rides(store, depot_id=depot_id, for_day=for_day, now=now, travel=travel, orders={order_id})
    offer = next(iter(found.offers), None)
    if offer is None:
        raise NotFound("No part of this order waits to be sent along. Look at the list again.", order=order_id)
    if offer.forbidden is not None:
        raise Conflict(
            f"The terms of {offer.order} do not allow it. Ask the customer, and change them first.", code="terms"
        )
    if offer.ride is None:
        raise Conflict(offer.why_not, code="no_ride")
    if (offer.plan_id, offer.units, offer.ride.shift) != (plan_id, units, shift):
        raise _moved_on(offer.order)
    return ChosenRide(offer=offer, ways=_all_ways(store, offer, travel, now))


def _all_ways(store: Reader, offer: RideOffer, travel: TravelTimes, now: datetime) -> Ways | None:
    """From the door to every place of the plan: later somebody may move the stop anywhere."""
    if offer.plan_id is None:
        return None
    day = _planned(store, offer, now)
    return day.ways(store.site_facts([offer.site_id]), travel=travel)


def _planned(store: Reader, offer: RideOffer, now: datetime) -> Planned:
    assert offer.plan_id is not None
    saved = store.plan(offer.plan_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    return Planned(saved=saved, facts=facts, depot_id=offer.depot_id, day=offer.day, now=now)


def send_along(store: Store, chosen: ChosenRide, *, now: datetime, by: str, by_rule: bool = False) -> Releasing:
    """Releases the part and puts it where it was shown, in the store's transaction: a new version of the plan, in
    which no other stop changes vans or order.

    Raises Conflict when goods, vans or the plan have moved on; then nothing is written.
    """
    offer = chosen.offer
    assert offer.ride is not None
    done = release_orders(
        store,
        depot_id=offer.depot_id,
        for_day=offer.day,
        now=now,
        by=by,
        orders={offer.order_id},
        riding={offer.order_id},
    )
    if len(done.deliveries) != 1 or sum(order.quantity for order in done.ready) != offer.units:
        raise _moved_on(offer.order)
    ((delivery_id, number),) = done.deliveries
    plan_id = None
    if chosen.ways is None:
        if store.current_plans(from_day=offer.day, to_day=offer.day, depot_ids=[offer.depot_id]):
            raise _moved_on(offer.order)
    else:
        plan_id = _put_in(store, chosen, chosen.ways, delivery_id, number, now=now, by=by)
    store.append_event(
        kind="rides_along",
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=offer.order_id,
        delivery_id=delivery_id,
        plan_id=plan_id,
        data={
            "delivery": number,
            "van": offer.ride.van,
            "beside": offer.ride.beside,
            "beside_m": offer.ride.beside_m,
            "minutes": round(offer.ride.added.duty_s / 60),
            "metres": offer.ride.added.distance_m,
            "units": offer.units,
            "of": offer.of,
            "by_rule": by_rule,
        },
    )
    return done


def _put_in(
    store: Store, chosen: ChosenRide, ways: Ways, delivery_id: int, number: str, *, now: datetime, by: str
) -> int:
    shown = chosen.offer.ride
    assert shown is not None
    assert shown.shift is not None
    day = _planned(store, chosen.offer, now)
    delivery = next((each for each in day.facts.deliveries if each.id == delivery_id), None)
    door = store.site_facts([chosen.offer.site_id])[0]
    if delivery is None:
        raise _moved_on(chosen.offer.order)
    ride = day.ride(delivery, door, ways, {shown.shift: (shown.beside, shown.beside_m)})
    if not isinstance(ride, Ride) or (ride.position, ride.added) != (shown.position, shown.added):
        raise _moved_on(chosen.offer.order)
    assert ride.plan is not None
    assert ride.problem is not None
    return new_version(
        store,
        day.saved,
        facts=day.facts,
        plan=ride.plan,
        problem=ride.problem,
        why=f"{shown.van} takes {number} along",
        by=by,
        now=now,
        kind="plan_changed",
        data={
            "delivery": number,
            "from_shift": None,
            "to_shift": shown.shift,
            "minutes": round(shown.added.duty_s / 60),
        },
    )


def _moved_on(order: str) -> Conflict:
    return Conflict(
        f"What was shown of {order} is no longer so: its goods or the plan changed meanwhile. Look at it again.",
        code="plan_moved_on",
        order=order,
    )


# ---------------------------------------------------------------------------- by rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedWithRides:
    """A release, and the parts that rode along by the rule in force."""

    releasing: Releasing
    rode: tuple[RideOffer, ...] = ()


def release_with_rides(
    reading: Callable[[], AbstractContextManager[Reader]],
    write: Callable[[Callable[[Store], Releasing]], Releasing],
    *,
    depot_id: int,
    for_day: str,
    now: datetime,
    by: str,
    travel: TravelTimes,
    orders: Collection[int] | None = None,
) -> ReleasedWithRides:
    """Releases what is ready, and the parts whose rule lets them ride along. On a planned day each of these is put into
    the plan, one after the other; the next is priced in the plan that the one before gave.

    `reading` opens a store to read from, `write` runs work in a transaction of its own. Raises Conflict like
    `release_orders`; a part that no longer fits by its turn simply stays.
    """
    with reading() as store:
        found = rides(store, depot_id=depot_id, for_day=for_day, now=now, travel=travel, orders=orders)
    by_rule = [offer for offer in found.offers if offer.by_rule and offer.rule is not RideRule.ALONE]
    before_plan = {offer.order_id for offer in by_rule if offer.plan_id is None}

    def release(store: Store) -> Releasing:
        return release_orders(
            store, depot_id=depot_id, for_day=for_day, now=now, by=by, orders=orders, riding=before_plan
        )

    done = write(release)
    went = {order.order_id for order in done.ready}
    rode = [offer for offer in by_rule if offer.plan_id is None and offer.order_id in went]
    for offer in by_rule:
        if offer.plan_id is not None and (sent := _by_rule(reading, write, offer, now=now, by=by, travel=travel)):
            took, more = sent
            rode.append(took)
            done = _joined(done, more)
    return ReleasedWithRides(releasing=done, rode=tuple(rode))


def _by_rule(
    reading: Callable[[], AbstractContextManager[Reader]],
    write: Callable[[Callable[[Store], Releasing]], Releasing],
    offer: RideOffer,
    *,
    now: datetime,
    by: str,
    travel: TravelTimes,
) -> tuple[RideOffer, Releasing] | None:
    try:
        with reading() as store:
            found = rides(
                store, depot_id=offer.depot_id, for_day=offer.day, now=now, travel=travel, orders={offer.order_id}
            )
            current = next(iter(found.offers), None)
            if current is None or not current.by_rule or current.plan_id is None:
                return None
            chosen = ChosenRide(offer=current, ways=_all_ways(store, current, travel, now))
        return current, write(lambda store: send_along(store, chosen, now=now, by=by, by_rule=True))
    except (Conflict, InvalidInput, TravelError):
        # What was ready is released by now: a part that no longer fits stays, and the page goes on asking about it.
        return None


def _joined(one: Releasing, other: Releasing) -> Releasing:
    """The parts that rode along, counted with the release and no longer among what stays."""
    went = {order.order_id for order in other.ready}
    return replace(
        one,
        ready=one.ready + other.ready,
        stays=tuple(each for each in one.stays if each.order_id not in went),
        deliveries=one.deliveries + other.deliveries,
        moved=one.moved + other.moved,
    )
