"""What is ready goes out: orders become deliveries, one per site, and each that stays says why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict
from routing.model.orders import Book, Completeness, DeliveryDays, LineChange
from routing.model.picking import PickDelivery
from routing.model.stock import Claim, UnitState
from routing.model.tasks import TaskKind
from routing.rules.allocation import with_released
from routing.rules.by_itself import RELEASED_FOR_ANOTHER_DAY, SHIPS_OTHERWISE, WAITED_ENOUGH
from routing.rules.collecting import cancelled_because
from routing.rules.release import (
    Candidate,
    NotReleased,
    ReadyUnits,
    judge,
    planned_from,
    then_kept_as,
    wait_ends,
)
from routing.rules.saying_why import short_enough
from routing.services import allocating, committing, reaching
from routing.services.erp import refuse_if_erp
from routing.services.locking import LocksInSteps, LocksPools
from routing.services.picking import one_delivery
from routing.services.story import AsksPeople, KeepsEvents, MovesUnits

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Reader(allocating.Reader, Protocol):
    def release_candidates(
        self, *, depot_id: int, for_day: str, now: datetime, orders: Collection[int] | None = None
    ) -> list[Candidate]: ...


class Store(Reader, allocating.Store, MovesUnits, LocksPools, KeepsEvents, AsksPeople, Protocol):
    def waiting_products(self, *, depot_id: int, orders: Collection[int] | None = None) -> frozenset[int]: ...
    def add_release(self, *, depot_id: int, for_day: str, by: str, now: datetime) -> int: ...
    def add_delivery(
        self,
        *,
        release_id: int,
        site_id: int,
        depot_id: int,
        for_day: str,
        tier: int,
        ready_at: datetime | None,
        oldest_ordered_at: datetime,
        lines: Mapping[int, int],
    ) -> tuple[int, str]: ...
    def pick_deliveries(self, delivery_ids: Collection[int]) -> list[PickDelivery]: ...
    def set_staged(self, *, delivery_id: int, place: str, at: datetime | None) -> None: ...
    def set_unreleased(self, delivery_id: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyOrder:
    """An order that goes: `units` per allocation, of `open_units` that it waits for; `value` in minor units."""

    order_id: int
    order: str
    customer: str
    site_id: int
    site: str
    tier: int
    units: tuple[ReadyUnits, ...]
    open_units: int
    value: int
    ordered_at: datetime
    planned_from: str | None = ""
    """The first ISO day whose plan takes it, where that is after the day it is released for: it came after the
    cut-off; None where no plan within a year does; else "" """
    moves: frozenset[int] = frozenset()
    """Its SKUs, where a line of it was expected before the day it is released for, or goes whole before the day it was
    expected on: that day moves with the release."""
    given: bool = False
    """It has waited as long as it may by that day, or ships more freely by a policy of it, and is given goods by this
    release that it does not hold yet."""
    by_policy: bool = False
    """It is given goods by a policy of that day, without having waited so long."""

    @property
    def quantity(self) -> int:
        return sum(each.quantity for each in self.units)

    @property
    def whole(self) -> bool:
        return self.quantity == self.open_units

    @property
    def on_shelf(self) -> bool:
        """Nothing of it stands on a truck that is still to be counted in."""
        return all(each.ready_at is None for each in self.units)


@dataclass(frozen=True, slots=True, kw_only=True)
class StayingOrder:
    """An order that stays, and why: words for a program, one sentence for a person."""

    order_id: int
    order: str
    customer: str
    site: str
    reasons: tuple[NotReleased, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasing:
    """What a release does, or would do. `deliveries` are (id, number) of what it made; empty when simulated. `moved`:
    the lines whose day moves, or whose customers hear something, because they go out on another day than expected."""

    depot_id: int
    for_day: str
    ready: tuple[ReadyOrder, ...]
    stays: tuple[StayingOrder, ...]
    deliveries: tuple[tuple[int, str], ...] = ()
    moved: tuple[LineChange, ...] = ()

    @property
    def after_cut_off(self) -> tuple[ReadyOrder, ...]:
        """What is released and no plan of this day takes."""
        return tuple(order for order in self.ready if order.planned_from != "")

    @property
    def sites(self) -> int:
        return len({order.site_id for order in self.ready})


def simulate_release(
    store: Reader,
    *,
    depot_id: int,
    for_day: str,
    now: datetime,
    orders: Collection[int] | None = None,
    riding: Collection[int] = (),
) -> Releasing:
    """Which orders are ready for an ISO day, and why the others are not. `riding`: orders a part of which a van takes
    along. Nothing is written.

    Who waits at most so many days and has waited them by that day, or ships more freely by a policy in force on it, is
    given now what there is for it then. Where the ERP allocates, none is ours to release and none to keep.
    """
    if store.erp_allocates():
        return Releasing(depot_id=depot_id, for_day=for_day, ready=(), stays=())
    candidates = store.release_candidates(depot_id=depot_id, for_day=for_day, now=now, orders=orders)
    days = store.delivery_days(depot_id, {candidate.site_id for candidate in candidates})
    given: frozenset[int] = frozenset()
    if for_day > allocating.today_at(store, depot_id, now):
        candidates, given = _given_by_then(store, depot_id, candidates, days, for_day=for_day, now=now)
    return _judged(depot_id, candidates, days, for_day=for_day, riding=riding, given=given)


def _judged(
    depot_id: int,
    candidates: Sequence[Candidate],
    days: Mapping[int, DeliveryDays],
    *,
    for_day: str,
    riding: Collection[int],
    given: Collection[int],
) -> Releasing:
    ready, stays = [], []
    for candidate in candidates:
        rides = candidate.order.id in riding
        verdict = judge(candidate.order, for_day=for_day, days=days[candidate.site_id], rides=rides)
        if verdict.reasons:
            stays.append(
                StayingOrder(
                    order_id=candidate.order.id,
                    order=candidate.order.number,
                    customer=candidate.customer,
                    site=candidate.site,
                    reasons=verdict.reasons,
                    sentence=verdict.sentence,
                )
            )
        else:
            goes = taken_by(candidate, dict(verdict.units), for_day=for_day)
            if candidate.order.id in given:
                every = frozenset(line.product_id for line in candidate.order.lines)
                waited = "" < wait_ends(candidate.order.ordered_on, candidate.order.terms.max_wait_days) <= for_day
                goes = replace(goes, given=True, by_policy=not waited, moves=every)
            ready.append(goes)
    ready = _with_their_day(ready, days, for_day=for_day)
    return Releasing(depot_id=depot_id, for_day=for_day, ready=tuple(ready), stays=tuple(stays))


def _given_by_then(
    store: Reader,
    depot_id: int,
    candidates: Sequence[Candidate],
    days: Mapping[int, DeliveryDays],
    *,
    for_day: str,
    now: datetime,
) -> tuple[list[Candidate], frozenset[int]]:
    """The candidates as they stand once who is given goods more freely on an ISO day to come, having waited enough or
    by a policy of it, is given what there is, and who that is: the orders that go by it."""
    then_kept = {
        candidate.order.id: kept
        for candidate in candidates
        if (kept := then_kept_as(candidate.order, for_day=for_day, days=days[candidate.site_id]))
    }
    zone = ZoneInfo(store.depot(depot_id).zone)
    while then_kept:
        products = {line.product_id for each in candidates if each.order.id in then_kept for line in each.order.lines}
        decision = reaching.decide_change(
            store, depot_id, products, partial(_then_kept, kept=dict(then_kept)), now=now, why=WAITED_ENOUGH
        )
        then = [_holding(each, decision, for_day=for_day, zone=zone) for each in candidates]
        stay = {
            each.order.id
            for each in then
            if each.order.id in then_kept and judge(each.order, for_day=for_day, days=days[each.site_id]).reasons
        }
        if not stay:
            more = {
                each.order.id
                for each, was in zip(then, candidates, strict=True)
                if each.order.id in then_kept and _ready_of(each) != _ready_of(was)
            }
            return then, frozenset(more)
        # Goods that would not go are nobody's to give: who is behind keeps them.
        then_kept = {order_id: kept for order_id, kept in then_kept.items() if order_id not in stay}
    return list(candidates), frozenset()


def _then_kept(book: Book, kept: Mapping[int, Completeness]) -> Book:
    return replace(
        book,
        orders=tuple(
            replace(order, completeness=kept[order.id]) if order.id in kept else order for order in book.orders
        ),
    )


def _ready_of(candidate: Candidate) -> dict[int, int]:
    return {line.id: line.ready for line in candidate.order.lines}


def _holding(candidate: Candidate, decision: allocating.Decision, *, for_day: str, zone: ZoneInfo) -> Candidate:
    """The candidate with what the decision gives it, as far as that can be loaded by the ISO day. What it holds of SKUs
    that are not decided stays."""
    before = decision.before
    supplies = {supply.id: supply for supply in before.supplies}
    decided = {line.id for order in before.orders for line in order.lines if line.id not in before.outside}
    mine = decided.intersection(line.id for line in candidate.order.lines)
    if not mine:
        return candidate
    keys = {(each.line_id, each.supply_id): each.allocation_id for each in candidate.units}
    units = [each for each in candidate.units if each.line_id not in mine]
    for claim in decision.outcome.claims:
        supply = supplies[claim.supply_id]
        ready_at = None if supply.is_stock else supply.ready_at
        if claim.line_id not in mine or (
            not supply.is_stock and (ready_at is None or ready_at.astimezone(zone).date().isoformat() > for_day)
        ):
            continue
        units.append(
            ReadyUnits(
                line_id=claim.line_id,
                allocation_id=keys.get((claim.line_id, claim.supply_id), 0),
                supply_id=claim.supply_id,
                quantity=claim.quantity,
                ready_at=ready_at,
            )
        )
    units.sort(key=lambda each: (each.ready_at is not None, each.ready_at or _LONG_AGO, each.supply_id))
    ready: dict[int, int] = defaultdict(int)
    for each in units:
        ready[each.line_id] += each.quantity
    lines = tuple(replace(line, ready=ready[line.id]) for line in candidate.order.lines)
    return replace(candidate, order=replace(candidate.order, lines=lines), units=tuple(units))


def with_days_moved(store: allocating.Reader, found: Releasing, *, now: datetime) -> Releasing:
    """What was simulated, with the days that it moves: what goes out later than it was expected breaks its promise
    where that day is past the threshold, and its customer is told; what goes out sooner is expected then, and told
    where the policy tells earlier days. Nothing is written.

    Apart from the simulation, because it decides goods again: a list of what is ready needs none of it.
    """
    decision = _days_moved(store, found, now=now)
    return replace(found, moved=decision.preview.concerned) if decision else found


def _days_moved(
    store: allocating.Reader, found: Releasing, *, now: datetime, locking: LocksInSteps | None = None
) -> allocating.Decision | None:
    """What becomes of the dates by this release; None where everything goes out when it is expected."""
    moves = {product_id for order in found.ready for product_id in order.moves}
    if not moves:
        return None
    return reaching.decide_change(
        store,
        found.depot_id,
        moves,
        partial(with_released, units=_units_of(found), for_day=found.for_day),
        now=now,
        why=_why_moves(found),
        locking=locking,
    )


def _why_moves(found: Releasing) -> str:
    given = [order for order in found.ready if order.given]
    if not given:
        return RELEASED_FOR_ANOTHER_DAY
    return SHIPS_OTHERWISE if all(order.by_policy for order in given) else WAITED_ENOUGH


def _units_of(found: Releasing) -> dict[tuple[int, int], int]:
    """What is released, by (line, supply)."""
    units: dict[tuple[int, int], int] = defaultdict(int)
    for order in found.ready:
        for each in order.units:
            units[each.line_id, each.supply_id] += each.quantity
    return units


def _with_their_day(ready: Sequence[ReadyOrder], days: Mapping[int, DeliveryDays], *, for_day: str) -> list[ReadyOrder]:
    """What came after the cut-off says from which day on a plan takes it. A door's orders are one delivery, which goes
    by the oldest of them."""
    oldest: dict[int, datetime] = {}
    for order in ready:
        oldest[order.site_id] = min(order.ordered_at, oldest.get(order.site_id, order.ordered_at))
    first = {site: planned_from(at, for_day=for_day, days=days[site]) for site, at in oldest.items()}
    return [
        order if first[order.site_id] == for_day else replace(order, planned_from=first[order.site_id])
        for order in ready
    ]


def release_orders(
    store: Store,
    *,
    depot_id: int,
    for_day: str,
    now: datetime,
    by: str,
    orders: Collection[int] | None = None,
    riding: Collection[int] = (),
    dates: bool = True,
) -> Releasing:
    """Releases what is ready: one delivery per site. Running it again releases only what has become ready since.

    What goes out on another day than it was expected is dated for that day, in the same transaction, and a promise that
    breaks by it, or an earlier day that the policy tells, is told its customer. Without `dates` none moves: of a day
    that is written down after it happened.

    Raises Conflict when goods were given away meanwhile: nothing was written, run it again; and where the ERP
    allocates.
    """
    refuse_if_erp(store)
    found = _locked_release(store, depot_id=depot_id, for_day=for_day, now=now, orders=orders, riding=riding)
    if not found.ready:
        return found
    moves = _days_moved(store, found, now=now, locking=store) if dates else None
    shown = moves.preview.concerned if moves else ()
    if moves is not None and any(order.given for order in found.ready):
        committing.write_units(store, _not_released_yet(moves, _units_of(found)), by=by, now=now)
        found = _with_keys(store, found, now=now)
        moves = _days_moved(store, found, now=now, locking=store)
    release_id = store.add_release(depot_id=depot_id, for_day=for_day, by=by, now=now)
    by_site: dict[int, list[ReadyOrder]] = defaultdict(list)
    for order in found.ready:
        by_site[order.site_id].append(order)
    deliveries = []
    for site_id, together in by_site.items():
        units = [each for order in together for each in order.units]
        for each in units:
            store.move_units(
                allocation_id=each.allocation_id,
                from_state=UnitState.ALLOCATED,
                to_state=UnitState.RELEASED,
                quantity=each.quantity,
            )
        delivery_id, number = store.add_delivery(
            release_id=release_id,
            site_id=site_id,
            depot_id=depot_id,
            for_day=for_day,
            tier=max(order.tier for order in together),
            ready_at=max((each.ready_at for each in units if each.ready_at is not None), default=None),
            oldest_ordered_at=min(order.ordered_at for order in together),
            lines={each.allocation_id: each.quantity for each in units},
        )
        deliveries.append((delivery_id, number))
        for order in together:
            store.append_event(
                kind="released",
                actor=by,
                captured_at=now,
                received_at=now,
                order_id=order.order_id,
                delivery_id=delivery_id,
                data={"delivery": number, "for_day": for_day, "units": order.quantity, "of": order.open_units},
            )
    if moves is not None:
        # Its units are written already, as released: what is left are the dates, and who hears of them.
        released = with_released(moves.before, _units_of(found), for_day=for_day)
        committing.write(store, replace(moves, before=released), by=by, now=now, why=_why_moves(found), tell=True)
    return Releasing(
        depot_id=depot_id,
        for_day=for_day,
        ready=found.ready,
        stays=found.stays,
        deliveries=tuple(deliveries),
        moved=shown,
    )


def _not_released_yet(decision: allocating.Decision, units: Mapping[tuple[int, int], int]) -> allocating.Decision:
    """The decision with the units that are to be released only given: releasing them comes next."""
    claims: dict[tuple[int, int], int] = defaultdict(int)
    committed: dict[tuple[int, int], int] = defaultdict(int)
    for each, kept in ((decision.outcome.claims, claims), (decision.outcome.committed, committed)):
        for claim in each:
            kept[claim.line_id, claim.supply_id] += claim.quantity
    for key, quantity in units.items():
        moved = min(quantity, committed[key])
        committed[key] -= moved
        claims[key] += moved
    as_claims = [
        tuple(Claim(line_id=line, supply_id=supply, quantity=n) for (line, supply), n in sorted(some.items()) if n)
        for some in (claims, committed)
    ]
    outcome = replace(decision.outcome, claims=as_claims[0], committed=as_claims[1])
    return replace(decision, outcome=outcome)


def _with_keys(store: Reader, found: Releasing, *, now: datetime) -> Releasing:
    """What is released, by the allocations that it was given just now."""
    held = {
        (each.line_id, each.supply_id): each.allocation_id
        for candidate in store.release_candidates(
            depot_id=found.depot_id,
            for_day=found.for_day,
            now=now,
            orders=[order.order_id for order in found.ready],
        )
        for each in candidate.units
    }
    return replace(
        found,
        ready=tuple(
            replace(
                order,
                units=tuple(
                    replace(each, allocation_id=held.get((each.line_id, each.supply_id), each.allocation_id))
                    for each in order.units
                ),
            )
            for order in found.ready
        ),
    )


def _locked_release(
    store: Store,
    *,
    depot_id: int,
    for_day: str,
    now: datetime,
    orders: Collection[int] | None,
    riding: Collection[int],
) -> Releasing:
    """What is ready, with its SKUs locked. Goods may become ready while we wait for the lock: then theirs is taken too
    and all of it is read again."""
    locked = store.waiting_products(depot_id=depot_id, orders=orders)
    while True:
        store.lock_pools(depot_id, locked)
        found = simulate_release(store, depot_id=depot_id, for_day=for_day, now=now, orders=orders, riding=riding)
        # Asked after the reading: what is held now and is locked cannot have come in between.
        needed = store.waiting_products(depot_id=depot_id, orders=orders)
        if needed <= locked:
            return found
        locked |= needed


def unrelease(store: Store, delivery_id: int, *, now: datetime, by: str, why: str) -> None:
    """Takes a delivery back until it is loaded; its goods stay with their orders. Raises NotFound, Conflict.

    What was picked for it goes back on the shelf: a task says so to the warehouse. Of a collection nothing is fetched.
    Raises InvalidInput for a reason that is too long, and of a collection for none.
    """
    short_enough(why, code="reason")
    if not any(each.is_fetched for each in store.pick_deliveries([delivery_id])):
        refuse_if_erp(store)  # what is fetched is the customer's, whoever allocates
    before = one_delivery(store, delivery_id)
    store.lock_pools(before.depot_id, {line.product_id for line in before.lines})
    delivery = one_delivery(store, delivery_id)
    if delivery.state != "released":
        raise Conflict(_why_not(delivery), code="not_released", delivery=delivery_id)
    collects = delivery.is_fetched  # its goods are at the customer and stay there
    if collects:
        why = cancelled_because(why, number=delivery.number)
    for each in () if collects else (units for line in delivery.lines for units in line.units):
        for state, count in ((UnitState.RELEASED, each.quantity - each.picked), (UnitState.PICKED, each.picked)):
            if count:
                store.move_units(
                    allocation_id=each.allocation_id, from_state=state, to_state=UnitState.ALLOCATED, quantity=count
                )
    if delivery.picked:
        goods = ", ".join(f"{line.picked} × {line.sku}" for line in delivery.lines if line.picked)
        where = f" from {delivery.staged_place}" if delivery.staged_place else ""
        store.add_task(
            kind=TaskKind.PUT_BACK,
            subject_kind="delivery",
            subject_id=delivery_id,
            sentence=f"{delivery.number} for {delivery.site} was taken back: put {goods}{where} back on the shelf.",
            made_at=now,
        )
        store.set_staged(delivery_id=delivery_id, place="", at=None)
    store.set_unreleased(delivery_id)
    orders: list[int | None] = [order_id for order_id, _number in sorted(delivery.orders)]
    for order_id in orders or [None]:  # empties may stand with no order: then the delivery alone tells of it
        store.append_event(
            kind="collection_cancelled" if collects else "unreleased",
            actor=by,
            captured_at=now,
            received_at=now,
            order_id=order_id,
            delivery_id=delivery_id,
            data={"delivery": delivery.number, "why": why},
        )


def _why_not(delivery: PickDelivery) -> str:
    """Why one that is not just released is not taken back, with the mend."""
    number, state = delivery.number, delivery.state
    if delivery.is_fetched:
        return {
            "unreleased": f"{number} was cancelled before and cannot be cancelled.",
            "done": f"{number} is done and cannot be cancelled.",
            "failed": f"{number} was not fetched: choose another day under Tasks; once its van is counted, cancel it.",
        }.get(state, f"{number} is on a van already and cannot be cancelled.")
    return {
        "unreleased": f"Delivery {number} was taken back already: there is nothing left to do.",
        "done": f"Delivery {number} was reported at its door: correct that report if it is wrong.",
        "failed": f"Delivery {number} failed and comes back with its van: decide under Tasks what becomes of it.",
        "loaded": f"Delivery {number} is loaded and cannot be taken back. Unload it first.",
    }.get(state, f"Delivery {number} has left the depot and cannot be taken back: its driver reports it at the door.")


def taken_by(candidate: Candidate, units: dict[int, int], *, for_day: str) -> ReadyOrder:
    """Takes the verdict's units per line out of the allocations, the soonest first."""
    # What goes only in part stays expected on the day of its rest.
    moves = any(
        "" < line.expected_on < for_day or (line.expected_on != for_day and units[line.id] >= line.rest)
        for line in candidate.order.lines
        if units.get(line.id)
    )
    prices = {line.id: line.price for line in candidate.order.lines}
    value = sum(quantity * prices[line_id] for line_id, quantity in units.items())
    taken = []
    for each in candidate.units:
        n = min(each.quantity, units.get(each.line_id, 0))
        if n:
            units[each.line_id] -= n
            taken.append(
                ReadyUnits(
                    line_id=each.line_id,
                    allocation_id=each.allocation_id,
                    supply_id=each.supply_id,
                    quantity=n,
                    ready_at=each.ready_at,
                )
            )
    return ReadyOrder(
        order_id=candidate.order.id,
        order=candidate.order.number,
        customer=candidate.customer,
        site_id=candidate.site_id,
        site=candidate.site,
        tier=candidate.tier,
        units=tuple(taken),
        open_units=sum(line.needed - line.committed for line in candidate.order.lines),
        value=value,
        ordered_at=candidate.ordered_at,
        moves=frozenset(line.product_id for line in candidate.order.lines) if moves else frozenset(),
    )
