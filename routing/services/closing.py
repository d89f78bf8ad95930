"""Closing: in the evening every van is counted, what came back finds its place, and the day is shut."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict, InvalidInput, NotFound
from routing.model.amounts import how_many
from routing.model.day import (
    LOST_AFTER_THE_DOOR,
    LostGoods,
    SaidUnits,
    UndeliveredUnits,
    VanCash,
    VanGoods,
    VanOfDay,
)
from routing.model.days import day_words
from routing.model.money import amount as in_words
from routing.model.proofs import DeliveryReport, Door, DoorDelivery, DoorEvent, DoorReport, ManifestInHand, Outcome
from routing.model.stock import UnitState
from routing.model.tasks import TaskKind
from routing.rules.closing import what_came_back, what_is_lost, who_goes_without
from routing.services import delivering, receiving
from routing.services.erp import hand_back
from routing.services.settling import bring_to_the_depot

ON_ITS_WAY = ("loaded", "dispatched", "under_way")
"""States of a delivery of which nobody has said yet how it ended."""


class KnowsVans(Protocol):
    def with_other_vans(
        self, shift_id: int, delivery_ids: Collection[int], *, only_if_listed: bool = False
    ) -> dict[int, str]: ...


class Store(delivering.Store, Protocol):
    """What closing needs beside what delivering needs."""

    def manifest_in_hand(self, manifest_id: int, *, lock: bool = False) -> ManifestInHand: ...

    def doors(self, manifest_id: int, stop_ids: Sequence[int]) -> dict[int, Door]: ...

    def vans_of_day(self, *, day: str, depot_id: int) -> tuple[VanOfDay, ...]: ...

    def goods_on_van(self, manifest_id: int) -> tuple[VanGoods, ...]: ...

    def undelivered_on_van(self, manifest_id: int) -> tuple[UndeliveredUnits, ...]: ...

    def said_on_van(self, manifest_id: int) -> tuple[SaidUnits, ...]: ...

    def orders_of_delivery(self, delivery_id: int) -> Sequence[int]: ...

    def take_off_delivery(self, *, delivery_id: int, allocation_id: int, quantity: int) -> None: ...

    def set_unreleased(self, delivery_id: int) -> None: ...

    def take_back_released(self, *, allocation_id: int, quantity: int) -> int: ...

    def cash_of_shift(self, shift_id: int) -> tuple[VanCash, ...]: ...

    def prices_of(
        self, allocation_ids: Collection[int], product_ids: Collection[int]
    ) -> tuple[dict[int, tuple[int, str]], dict[int, tuple[int, str]]]: ...

    def add_cash_counted(self, *, shift_id: int, currency: str, amount: int, by: str, now: datetime) -> None: ...

    def close_shift(self, shift_id: int) -> None: ...

    def set_plan_state(self, *, depot_id: int, day: str, state: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VanClosed:
    """What a count of one van gave, in base units: back for their customers, back without one, and missing. `found` of
    `returned` are more than the ledger had on the van.

    `lost_goods`: what was lost, by SKU. `missing` says of which customers' goods some did not come back; they wait
    again in their old place.
    `cash_off`: counted less collected, minor units by currency, only where they differ.
    """

    shift_id: int
    kept_for_customers: int
    returned: int
    lost: int
    found: int = 0
    missing: tuple[str, ...] = ()
    cash_off: tuple[tuple[str, int], ...] = ()
    lost_goods: tuple[LostGoods, ...] = ()


def close_van(
    *,
    store: Store,
    manifest_id: int,
    counted: Mapping[int, int],
    now: datetime,
    by: str,
    cash: Mapping[str, int] | None = None,
    missing_is_sure: bool = False,
    found_is_sure: bool = False,
) -> VanClosed:
    """Books what was counted on the van (base units by product, cash in minor units by currency), closes its shift.

    Failed deliveries go back on the shelf, still their customer's; what was damaged at a door goes to quarantine; what
    else was found waits as returned until it is inspected; what was not found is lost. Afterwards the ledger has
    nothing of this route on the van any more.

    Raises Conflict while a stop is open or the van is closed already; InvalidInput when something on the van was not
    counted; with the code `found_goods` when more was counted than went out with the van and `found_is_sure` does not
    say so; and, with the code `missing_goods`, when goods of failed deliveries are missing and `missing_is_sure` does
    not say that they were looked for.
    """
    manifest = store.manifest_in_hand(manifest_id, lock=True)
    _refuse_what_is_open(store, manifest)
    on_van, theirs = store.goods_on_van(manifest.id), store.undelivered_on_van(manifest.id)
    _refuse_a_wrong_count(on_van, theirs, counted, missing_is_sure=missing_is_sure, found_is_sure=found_is_sure)
    said = store.said_on_van(manifest.id)
    cash_off = _count_cash(store, manifest, cash or {}, now=now, by=by)
    gone = _not_found_of(on_van, theirs, counted)
    orders = {order_id for each in theirs for order_id in store.orders_of_delivery(each.delivery_id)} if gone else set()
    stood = receiving.how_they_stand(store, manifest.depot_id, orders, now=now)
    missing = tuple(_lose(store, manifest, each, units, on_van, now=now, by=by) for each, units in gone)
    # Only now: a failed delivery comes back without what was lost of it.
    kept = _bring_back(store, manifest, now=now, by=by)
    returned, losses = _book_the_rest(store, manifest, on_van, said, counted, now=now, by=by)
    found = _book_what_was_found(store, manifest, on_van, counted, now=now, by=by)
    returned += found
    losses += [_Loss(product_id=each.product_id, allocation_id=each.allocation_id, units=units) for each, units in gone]
    lost = sum(each.units for each in losses)
    lost_goods = _worth_of(store, losses, on_van)
    if gone and not store.erp_allocates():
        receiving.reallocate(
            store,
            depot_id=manifest.depot_id,
            product_ids={each.product_id for each, _units in gone},
            now=now,
            by=by,
            why=f"goods did not come back on {day_words(manifest.day)}",
            stood=stood,
        )
    store.close_shift(manifest.shift_id)
    store.append_event(
        kind="van_closed",
        actor=by,
        captured_at=now,
        received_at=now,
        shift_id=manifest.shift_id,
        data={
            "kept_for_customers": kept,
            "returned": returned,
            "lost": lost,
            "found": found,
            "missing": list(missing),
            "cash_off": dict(cash_off),
            "lost_goods": [asdict(each) for each in lost_goods],
            "counted": {str(product_id): quantity for product_id, quantity in counted.items()},
            "cash": dict(cash or {}),
        },
    )
    return VanClosed(
        shift_id=manifest.shift_id,
        kept_for_customers=kept,
        returned=returned,
        lost=lost,
        found=found,
        missing=missing,
        cash_off=cash_off,
        lost_goods=lost_goods,
    )


def _not_found_of(
    on_van: Sequence[VanGoods], theirs: Sequence[UndeliveredUnits], counted: Mapping[int, int]
) -> list[tuple[UndeliveredUnits, int]]:
    """Units of failed deliveries that were not found on the van, by whose they are."""
    return [
        (each, units)
        for goods in on_van
        for each, units in who_goes_without(
            [each for each in theirs if each.product_id == goods.product_id],
            missing=max(0, goods.for_customers - counted[goods.product_id]),
        )
    ]


def _bring_back(store: Store, manifest: ManifestInHand, *, now: datetime, by: str) -> int:
    """Failed deliveries of this van go back on the shelf; returns the units that stay their customers'."""
    elsewhere = store.on_vans([each.id for each in _deliveries(store, manifest)])
    deliveries = [
        each for each in _deliveries(store, manifest) if elsewhere.get(each.id) in (None, manifest.vehicle_id)
    ]
    of_the_erp = store.released_by_erp([delivery.id for delivery in deliveries])
    kept = 0
    for delivery in deliveries:
        if delivery.state == "failed" and delivery.direction == "collect":
            # Nothing was fetched, so nothing comes off the van: it is asked for again.
            store.change_delivery_state(delivery_id=delivery.id, from_states=("failed",), to_state="released")
        elif delivery.state == "failed":
            kept += bring_to_the_depot(store=store, delivery=delivery, manifest=manifest, at=now, by=by)
            if delivery.id in of_the_erp:
                hand_back(store, delivery, depot_id=manifest.depot_id, at=now, by=by)
            elif not any(line.loaded for line in delivery.lines):
                store.set_unreleased(delivery.id)
    return kept


def not_attempted(
    *, store: Store, manifest_id: int, stop_id: int, now: datetime, by: str, secret: bytes
) -> tuple[str, ...]:
    """Records that nobody went to what is still open at a stop, and what follows: another day, and a message.

    Returns the numbers of the deliveries. Raises NotFound when the stop is not on this route, Conflict when nothing is
    open there any more.
    """
    manifest = store.manifest_in_hand(manifest_id, lock=True)
    door = store.doors(manifest.id, [stop_id]).get(stop_id)
    if door is None:
        raise NotFound(f"Stop {stop_id} is not on this route. Load the page again.", stop=stop_id)
    open_here = still_open(store, manifest, door.deliveries)
    if not open_here:
        raise Conflict(f"Nothing is open at {door.site} any more. Load the page again.", code="already_reported")
    # The same press twice is one report: its name says which attempts it is about.
    name = "-".join(f"{each.id}.{each.proofs}" for each in open_here)
    delivering.record(
        store=store,
        manifest_id=manifest.id,
        report=DoorReport(
            client_id=f"evening-{stop_id}-{name}",
            sequence=0,
            payload_sha256=hashlib.sha256(name.encode()).hexdigest(),
            kind=DoorEvent.OUTCOME,
            stop_id=stop_id,
            captured_at=now,
            deliveries=tuple(DeliveryReport(delivery_id=each.id, outcome=Outcome.NOT_ATTEMPTED) for each in open_here),
            # Nobody else's time moves in the evening, so nobody else is told one.
            more_follow=True,
        ),
        now=now,
        secret=secret,
        by=by,
    )
    return tuple(each.number for each in open_here)


def close_day(*, store: Store, day: str, depot_id: int, now: datetime, by: str) -> int:
    """Shuts a day whose vans are all counted; returns how many there were. Raises Conflict while one is not."""
    vans = store.vans_of_day(day=day, depot_id=depot_id)
    open_vans = [van for van in vans if not van.closed]
    if open_vans:
        names = ", ".join(van.vehicle for van in open_vans)
        raise Conflict(
            f"{names} not counted yet on {day_words(day)}. Count what came back, then close the day.",
            code="vans_open",
            day=day,
        )
    store.set_plan_state(depot_id=depot_id, day=day, state="closed")
    store.append_event(
        kind="day_closed", actor=by, captured_at=now, received_at=now, data={"day": day, "depot": depot_id}
    )
    return len(vans)


# ---------------------------------------------------------------------------- what stands in the way


def still_open(store: KnowsVans, manifest: ManifestInHand, deliveries: Sequence[DoorDelivery]) -> list[DoorDelivery]:
    """Those of these deliveries of which nobody has said how they ended. What was to go with a later trip is one: its
    customer was told of it. Not what another van has, nor what stands on that van's list instead."""
    later = {key for stop in manifest.stops if stop.trip > 1 for key in stop.deliveries}
    later -= manifest.ended - manifest.noted
    found = [each for each in deliveries if each.state in ON_ITS_WAY or (each.state == "released" and each.id in later)]
    elsewhere = store.with_other_vans(manifest.shift_id, [each.id for each in found], only_if_listed=True)
    return [each for each in found if each.id not in elsewhere]


def _deliveries(store: Store, manifest: ManifestInHand) -> list[DoorDelivery]:
    riding = {key for stop in manifest.stops for key in stop.deliveries}
    doors = store.doors(manifest.id, [stop.stop_id for stop in manifest.stops])
    return [delivery for door in doors.values() for delivery in door.deliveries if delivery.id in riding]


def _refuse_what_is_open(store: Store, manifest: ManifestInHand) -> None:
    for van in store.vans_of_day(day=manifest.day, depot_id=manifest.depot_id):
        if van.shift_id == manifest.shift_id and van.closed:
            raise Conflict(
                f"{van.vehicle} was counted already on {day_words(manifest.day)}. A mistake is mended by a recount.",
                code="van_closed",
            )
    numbers = [each.number for each in still_open(store, manifest, _deliveries(store, manifest))]
    if numbers:
        raise Conflict(
            f"{', '.join(numbers[:5])}{' and more' if len(numbers) > 5 else ''} still open on this route. "
            "Record what happened, or that nobody went there, then count the van.",
            code="open_stops",
        )


def _refuse_a_wrong_count(
    on_van: Sequence[VanGoods],
    theirs: Sequence[UndeliveredUnits],
    counted: Mapping[int, int],
    *,
    missing_is_sure: bool,
    found_is_sure: bool,
) -> None:
    for goods in on_van:
        if goods.product_id not in counted:
            raise InvalidInput(
                f"{goods.name} was not counted: {how_many(goods.quantity, goods.unit)} should be on the van."
            )
        found = counted[goods.product_id]
        if found < 0:
            raise InvalidInput(f"{found} of {goods.name} cannot be on a van. Count again.")
        if found > goods.quantity and not found_is_sure:
            raise InvalidInput(
                f"{how_many(found, goods.unit)} of {goods.name} were counted, but the van went out with no more than "
                f"{goods.quantity} that did not stay at a door. Count again; if they are there, confirm it: they wait "
                "to be inspected.",
                code="found_goods",
                product=goods.sku,
            )
        if found < goods.for_customers and not missing_is_sure:
            mine = [each for each in theirs if each.product_id == goods.product_id]
            without = who_goes_without(mine, missing=goods.for_customers - found)
            whose = ", ".join(f"{units} for {each.site} ({each.number})" for each, units in without)
            raise InvalidInput(
                f"{how_many(found, goods.unit)} of {goods.name} were counted, but {goods.for_customers} of undelivered "
                f"orders must be there. Count again; if they are gone, confirm it: {whose} then wait for goods again.",
                code="missing_goods",
                product=goods.sku,
            )
    known = {goods.product_id for goods in on_van}
    extra = [product_id for product_id, quantity in counted.items() if quantity and product_id not in known]
    if any(quantity < 0 for quantity in counted.values()):
        raise InvalidInput("Less than 0 cannot be on a van. Count again.")
    if extra and not found_is_sure:
        raise InvalidInput(
            f"{len(extra)} products were counted that this van did not carry. Count again; if they are there, confirm "
            "it: they wait to be inspected.",
            code="found_goods",
        )


# ---------------------------------------------------------------------------- what is booked


def _lose(
    store: Store,
    manifest: ManifestInHand,
    whose: UndeliveredUnits,
    units: int,
    on_van: Sequence[VanGoods],
    *,
    now: datetime,
    by: str,
) -> str:
    """Takes missing units off a failed delivery: short, so that the line waits for goods again in its old place."""
    goods = next(each for each in on_van if each.product_id == whose.product_id)
    store.move_units(
        allocation_id=whose.allocation_id, from_state=UnitState.LOADED, to_state=UnitState.SHORT, quantity=units
    )
    store.add_movement(
        at=now,
        product_id=whose.product_id,
        quantity=units,
        from_place=f"vehicle:{manifest.vehicle_id}",
        to_place="lost",
        why="missing",
        by=by,
        allocation_id=whose.allocation_id,
        delivery_id=whose.delivery_id,
    )
    store.take_off_delivery(delivery_id=whose.delivery_id, allocation_id=whose.allocation_id, quantity=units)
    sentence = (
        f"{how_many(units, goods.unit)} of {goods.name} of {whose.number} for {whose.site} did not come back with the "
        f"van. {'It waits' if units == 1 else 'They wait'} for other goods: see at the order whether "
        "those are there, and tell the customer."
    )
    store.add_task(
        kind=TaskKind.MISSING_GOODS,
        subject_kind="delivery",
        subject_id=whose.delivery_id,
        sentence=sentence,
        made_at=now,
        data={"product": goods.sku, "units": units},
    )
    return sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """Base units that the count did not find; `allocation_id` None where no order's line is known."""

    product_id: int
    allocation_id: int | None
    units: int


def _worth_of(store: Store, losses: Sequence[_Loss], on_van: Sequence[VanGoods]) -> tuple[LostGoods, ...]:
    """What was lost, by SKU and currency."""
    of_orders, of_products = store.prices_of(
        {each.allocation_id for each in losses if each.allocation_id is not None}, {each.product_id for each in losses}
    )
    goods = {each.product_id: each for each in on_van}
    sums: dict[tuple[int, str], list[int]] = {}
    for each in losses:
        price, currency = of_products.get(each.product_id, (0, ""))
        if each.allocation_id is not None:
            price, currency = of_orders.get(each.allocation_id, (price, currency))
        units = sums.setdefault((each.product_id, currency), [0, 0])
        units[0] += each.units
        units[1] += each.units * price
    rows = sorted(sums.items(), key=lambda each: (goods[each[0][0]].sku, each[0][1]))
    return tuple(
        LostGoods(
            sku=goods[key].sku,
            name=goods[key].name,
            unit=goods[key].unit,
            quantity=units,
            worth=worth,
            currency=currency,
        )
        for (key, currency), (units, worth) in rows
    )


def _book_the_rest(
    store: Store,
    manifest: ManifestInHand,
    on_van: Sequence[VanGoods],
    said: Sequence[SaidUnits],
    counted: Mapping[int, int],
    *,
    now: datetime,
    by: str,
) -> tuple[int, list[_Loss]]:
    """What no failed delivery claims: found units wait as returned, or in quarantine where the door saw them damaged;
    the others are lost. How many came back, and what did not."""
    returned, lost = 0, []
    for goods in on_van:
        found = max(0, min(counted[goods.product_id], goods.quantity) - goods.for_customers)
        missing = goods.quantity - max(min(counted[goods.product_id], goods.quantity), goods.for_customers)
        mine = [each for each in said if each.product_id == goods.product_id]
        back = what_came_back(mine, found=found)
        for each in back:
            store.add_movement(
                at=now,
                product_id=goods.product_id,
                quantity=each.quantity,
                from_place=f"vehicle:{manifest.vehicle_id}",
                to_place=f"{'quarantine' if each.is_damaged else 'returned'}:{manifest.depot_id}",
                why="came back damaged" if each.is_damaged else "came back",
                by=by,
                allocation_id=each.said.allocation_id,
                delivery_id=each.said.delivery_id,
            )
        of_nobody = found - sum(each.quantity for each in back)
        if of_nobody:
            store.add_movement(
                at=now,
                product_id=goods.product_id,
                quantity=of_nobody,
                from_place=f"vehicle:{manifest.vehicle_id}",
                to_place=f"returned:{manifest.depot_id}",
                why="came back",
                by=by,
            )
        for one, quantity in what_is_lost(mine, back, missing=missing):
            store.add_movement(
                at=now,
                product_id=goods.product_id,
                quantity=quantity,
                from_place=f"vehicle:{manifest.vehicle_id}",
                to_place="lost",
                why=LOST_AFTER_THE_DOOR,
                by=by,
                allocation_id=one.allocation_id if one else None,
                delivery_id=one.delivery_id if one else None,
            )
            lost.append(
                _Loss(product_id=goods.product_id, allocation_id=one.allocation_id if one else None, units=quantity)
            )
        returned += found
    return returned, lost


def _book_what_was_found(
    store: Store,
    manifest: ManifestInHand,
    on_van: Sequence[VanGoods],
    counted: Mapping[int, int],
    *,
    now: datetime,
    by: str,
) -> int:
    """Units that the ledger did not have on this van wait as returned too: somebody looks at them before they are
    promised. They were missed somewhere before, so they come from what was lost. How many there were."""
    had = {goods.product_id: goods.quantity for goods in on_van}
    found = 0
    for product_id, quantity in sorted(counted.items()):
        more = quantity - had.get(product_id, 0)
        if more > 0:
            store.add_movement(
                at=now,
                product_id=product_id,
                quantity=more,
                from_place="lost",
                to_place=f"returned:{manifest.depot_id}",
                why="found on the van",
                by=by,
            )
            found += more
    return found


def _count_cash(
    store: Store, manifest: ManifestInHand, cash: Mapping[str, int], *, now: datetime, by: str
) -> tuple[tuple[str, int], ...]:
    """Books what was counted and returns the differences. Raises InvalidInput when cash was not counted."""
    expected = {each.currency: each for each in store.cash_of_shift(manifest.shift_id)}
    for currency, each in expected.items():
        if currency not in cash and each.must_be_counted:
            raise InvalidInput(
                f"The cash of this route was not counted: {in_words(each.collected, currency)} were collected.",
                code="cash_not_counted",
            )
    off = []
    for currency, amount in sorted(cash.items()):
        if amount < 0:
            raise InvalidInput(f"{in_words(amount, currency)} cannot be counted. Give 0 or more.")
        collected = expected[currency].collected if currency in expected else 0
        if not amount and currency not in expected:
            continue  # an empty till of a route without cash
        store.add_cash_counted(shift_id=manifest.shift_id, currency=currency, amount=amount, by=by, now=now)
        if amount != collected:
            off.append((currency, amount - collected))
            store.add_task(
                kind=TaskKind.CASH_DIFFERENCE,
                subject_kind="shift",
                subject_id=manifest.shift_id,
                sentence=(
                    f"The cash of {day_words(manifest.day)} does not add up: "
                    f"{in_words(amount, currency)} were counted, {in_words(collected, currency)} collected. "
                    "Ask the driver."
                ),
                made_at=now,
                data={"currency": currency, "counted": amount, "collected": collected},
            )
    return tuple(off)
