"""Slot offers: an order on the phone is laid into each of the next days, and one of the windows becomes its
appointment.

A day with a plan is asked as it stands, with what is done and on board; a day without one is sketched from what is
expected on it. Reading is one moment, measuring and trying happen with nothing open, and only the choice writes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from routing.errors import Conflict, InvalidInput
from routing.model.day import CurrentPlan, DayFacts, DeliveryFacts, DepotFacts, SavedPlan, SiteFacts
from routing.model.days import day_words
from routing.model.orders import DeliveryDays
from routing.model.places import Location, PinQuality
from routing.model.plans import Plan, Problem
from routing.model.slots import Call, CallingOrder
from routing.ports import Solver, TravelTimes
from routing.rules.calendars import day_of, site_days
from routing.rules.changes import orders_of
from routing.rules.driver_out import insert_cheapest
from routing.rules.locks import as_the_day_stands
from routing.rules.promises import AT_CUSTOMERS_WISH, NewPromise
from routing.rules.room import Room
from routing.rules.slots import CALL, WIDTH, Slot, SlotDay, minutes_of, slots_of_day
from routing.rules.what_if import begun_from
from routing.services import receiving
from routing.services.planning import PlanDraft, make_problem, solve_problem

MOST_DAYS = 14
SKETCHED_BY_HAND = 40
"""Deliveries of a sketched day up to which each is put where it costs least; more are searched for a second."""
SKETCH_S = 1.5
LONGEST_WORK_S = 8 * 3600


class Reads(Protocol):
    def day_facts(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> DayFacts: ...
    def current_plans(self, *, from_day: str, to_day: str, depot_ids: Sequence[int]) -> tuple[CurrentPlan, ...]: ...
    def plan(self, plan_id: int) -> SavedPlan: ...
    def site_facts(self, ids: Collection[int]) -> tuple[SiteFacts, ...]: ...
    def depot_facts(self, depot_ids: Collection[int]) -> tuple[DepotFacts, ...]: ...
    def delivery_days(self, depot_id: int, site_ids: Collection[int]) -> dict[int, DeliveryDays]: ...
    def stops_outside(self, depot_id: int, line_ids: Collection[int]) -> list[tuple[int, str, int]]: ...
    def expected_deliveries(self, *, day: str, depot_id: int) -> tuple[DeliveryFacts, ...]: ...
    def calling_order(self, order_id: int, *, lock: bool = False) -> CallingOrder: ...
    def zone_rows(self) -> dict[tuple[int, str], dict[str, Any]]: ...


class Writes(Reads, receiving.Store, Protocol):
    def set_appointment(
        self, order_id: int, *, version: int, day: str, opens: str, closes: str, not_after: str
    ) -> None: ...
    def promise_of(self, line_ids: Collection[int]) -> dict[int, tuple[int, str]]: ...
    def postpone_delivery(self, *, delivery_id: int, for_day: str, another_attempt: bool = False) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """A day as it was read: its facts with the call in it, and the plan that holds (None: not planned)."""

    day: date
    facts: DayFacts
    saved: SavedPlan | None
    why: str = ""


# ---------------------------------------------------------------------------- who asks


def call_of_order(store: Reads, order_id: int) -> tuple[Call, CallingOrder]:
    """Raises NotFound, and Conflict when nothing of the order can be given a time: all is delivered or on a van."""
    found = store.calling_order(order_id)
    if not found.goods:
        raise Conflict(f"Nothing of {found.number} is open: there is no time to agree on.", code="nothing_open")
    refuse_planned(found)
    (site,) = store.site_facts([found.site_id])
    undated = "" in found.expected_on
    return Call(
        site=site,
        depot_id=found.depot_id,
        goods=found.goods,
        tier=found.tier,
        ordered_at=found.ordered_at,
        # Goods that no dated supply covers have no day: nothing can be offered for them.
        first_day="9999-12-31" if undated else max(found.expected_on, default=""),
        not_after=found.not_after,
        own=tuple(each.id for each in found.released),
        own_order=found.id,
    ), found


def refuse_planned(order: CallingOrder) -> None:
    """Raises Conflict when a delivery of the order is on a van, or stands on a route of a plan that holds."""
    for part in order.released:
        if part.state != "released":
            raise Conflict(f"{part.number} of {order.number} is on a van already: its time stands.", code="on_a_van")
        if part.is_planned:
            raise Conflict(
                f"{part.number} of {order.number} stands on a route: take it out on the board, then agree on a time.",
                code="on_a_route",
            )


def new_door(
    store: Reads, *, name: str, location: Location, address: str, postcode: str, depot_id: int, service_s: int
) -> SiteFacts:
    """A door that nobody has written down yet, served as its zone is: the one that names its postcode, else the only
    one of the depot that names none."""
    if not 0 <= service_s <= LONGEST_WORK_S:
        raise InvalidInput("The work at the door is 0 to 480 minutes.", code="service")
    rows = [row for row in store.zone_rows().values() if row["depot_id"] == depot_id]
    named = [row for row in rows if postcode and postcode in row["postcodes"].replace(",", ";").split(";")]
    free = [row for row in rows if not row["postcodes"]]
    zone = named[0] if named else free[0] if len(free) == 1 else None
    return SiteFacts(
        id=CALL,
        name=name or address,
        customer=name or address,
        address=address,
        location=location,
        pin_quality=PinQuality.EXACT,
        delivery_zone_id=zone["id"] if zone else None,
        delivery_days=site_days("", zone["delivery_days"] if zone else None),
        cut_off=(zone["cut_off"] if zone else "") or "",
        service_s=service_s,
    )


# ---------------------------------------------------------------------------- offers


def read_days(store: Reads, call: Call, *, from_day: str, days: int, now: datetime) -> list[_Day]:
    """Everything the offers stand on, read in one moment. Raises InvalidInput for days that cannot be."""
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(f"Offers are made for 1 to {MOST_DAYS} days.", code="days")
    (depot,) = store.depot_facts([call.depot_id])
    today = now.astimezone(ZoneInfo(depot.zone)).date()
    first = day_of(from_day)
    if first < today:
        raise InvalidInput(f"{day_words(first)} is over. Ask from today on.", code="day")
    limits = store.delivery_days(call.depot_id, [call.site.id]).get(call.site.id, DeliveryDays())
    room = Room(store.stops_outside(call.depot_id, ())) if limits.stops_a_day is not None else Room()
    return [_read(store, call, first + timedelta(days=n), today=today, limits=limits, room=room) for n in range(days)]


def _read(store: Reads, call: Call, day: date, *, today: date, limits: DeliveryDays, room: Room) -> _Day:
    iso = day.isoformat()
    current = store.current_plans(from_day=iso, to_day=iso, depot_ids=[call.depot_id])
    saved = store.plan(current[0].plan_id) if current else None
    depot_ids = saved.depot_ids if saved is not None else (call.depot_id,)
    facts = store.day_facts(from_day=iso, to_day=iso, depot_ids=depot_ids)
    others = [each for each in facts.deliveries if each.id not in call.own]
    if saved is None and day > today:
        # What earlier days have not brought yet is theirs to bring.
        others = [each for each in others if each.for_day == iso]
    expected: tuple[DeliveryFacts, ...] = ()
    if saved is None:
        expected = tuple(
            each
            for each in store.expected_deliveries(day=iso, depot_id=call.depot_id)
            if all(order.id != call.own_order for order in each.orders)
        )
    sites = {each.id: each for each in facts.sites}
    sites |= {each.id: each for each in store.site_facts({each.site_id for each in expected} - set(sites))}
    sites[call.site.id] = call.site
    caller = DeliveryFacts(
        id=CALL,
        number="This order",
        site_id=call.site.id,
        depot_id=call.depot_id,
        for_day=iso,
        tier=call.tier,
        oldest_ordered_at=call.ordered_at,
        goods=call.goods,
    )
    why = ""
    if current and current[0].state == "closed":
        why = f"{day_words(day)} is closed."
    elif call.first_day and iso < call.first_day:
        why = (
            "No supply with a date covers the goods yet."
            if call.first_day.startswith("9999")
            else f"The goods are there on {day_words(call.first_day)}."
        )
    elif call.not_after and iso > call.not_after:
        why = f"The customer takes it until {day_words(call.not_after)}."
    elif not room.takes(call.site.id, limits, day):
        why = f"The zone has all the {limits.stops_a_day} stops that it takes that day."
    return _Day(
        day=day,
        facts=replace(
            facts,
            sites=tuple(sites[key] for key in sorted(sites)),
            deliveries=tuple(sorted((caller, *others, *expected), key=lambda each: each.id)),
            locks=tuple(lock for lock in facts.locks if lock.delivery_id not in call.own),
        ),
        saved=saved,
        why=why,
    )


def offers(
    read: Sequence[_Day],
    *,
    travel: TravelTimes,
    solve: Solver,
    now: datetime,
    width: timedelta = WIDTH,
) -> tuple[SlotDay, ...]:
    """What each of the days offers; nothing is open while it is measured and tried. Raises InvalidInput for a width
    that cannot be, TravelError, SolverError."""
    if not timedelta(minutes=30) <= width <= timedelta(hours=12):
        raise InvalidInput("A window is half an hour to twelve hours wide.", code="width")
    return tuple(_offer(each, travel=travel, solve=solve, now=now, width=width) for each in read)


def _offer(read: _Day, *, travel: TravelTimes, solve: Solver, now: datetime, width: timedelta) -> SlotDay:
    iso = read.day.isoformat()
    if read.why:
        return SlotDay(day=iso, why=read.why)
    if all(each.state != "planned" for each in read.facts.shifts):
        return SlotDay(day=iso, why=f"Nobody drives on {day_words(read.day)} yet.")
    draft = PlanDraft(
        from_day=iso,
        to_day=iso,
        depot_ids=tuple(depot.id for depot in read.facts.depots),
        facts=read.facts,
        current=(),
        fingerprint="",
        now=now,
    )
    problem = make_problem(draft, travel=travel)
    if read.saved is not None:
        plan, problem = _as_planned(read.saved, problem, read.facts)
    else:
        plan = _sketched(problem, solve)
    return slots_of_day(plan, problem, read.facts, day=read.day, width=width, is_sketch=read.saved is None)


def _as_planned(saved: SavedPlan, problem: Problem, facts: DayFacts) -> tuple[Plan, Problem]:
    """The plan that holds, in the day's problem. A van whose route does not hold any more is offered to nobody."""
    problem = as_the_day_stands(problem, facts, saved.plan)
    plan = begun_from(saved.plan, problem)
    lost = set(orders_of(saved.plan)) - set(orders_of(plan))
    if lost:
        everybody = frozenset(offer.id for offer in problem.shifts)
        problem = replace(
            problem,
            visits=tuple(
                replace(each, shifts=(everybody if each.shifts is None else each.shifts) - lost)
                if each.id == CALL
                else each
                for each in problem.visits
            ),
        )
    return plan, problem


def _sketched(problem: Problem, solve: Solver) -> Plan:
    """A plan of what is expected that day, the call not in it."""
    base = replace(problem, visits=tuple(each for each in problem.visits if each.id != CALL))
    if len(base.visits) > SKETCHED_BY_HAND:
        return solve_problem(base, solve=solve, seed=0, time_limit_s=SKETCH_S)
    empty = Plan(routes=(), unassigned=(), cost=0, served_by_tier=(), engine="sketch", seed=0)
    return insert_cheapest(empty, base, [each.id for each in base.visits])


# ---------------------------------------------------------------------------- the choice


def take_slot(store: Writes, order_id: int, slot: Slot, *, version: int, by: str, now: datetime) -> None:
    """The order is wanted on that day, in that window, and promised so, at the customer's wish; its goods are dated
    again by it. A released delivery of it that is on no route waits for that day.

    Raises Conflict when the order changed since the offers were made, is on a route, or its goods cannot be there.
    """
    first = store.calling_order(order_id)
    products = {product for _line, product in first.open_lines}
    store.lock_pools(first.depot_id, products)
    order = store.calling_order(order_id, lock=True)
    if order.version != version or not order.open_lines:
        raise Conflict("Somebody changed this order meanwhile. Look at the offers again.", code="shown_is_old")
    refuse_planned(order)
    stood = receiving.how_they_stand(store, order.depot_id, [order_id], now=now)
    not_after = slot.day if order.not_after and order.not_after < slot.day else order.not_after
    store.set_appointment(
        order_id, version=version, day=slot.day, opens=slot.opens, closes=slot.closes, not_after=not_after
    )
    for part in order.released:
        store.postpone_delivery(delivery_id=part.id, for_day=slot.day)
    lines = [line for line, _product in order.open_lines]
    versions = store.promise_of(lines)
    store.add_promises(
        [
            NewPromise(
                line_id=line,
                version=versions[line][0] + 1 if line in versions else 1,
                promised_on=slot.day,
                why=AT_CUSTOMERS_WISH,
                first=line not in versions,
                slip=False,
                window_from=slot.opens,
                window_to=slot.closes,
            )
            for line in lines
        ],
        by=by,
        made_at=now,
        told=lines,
    )
    preview = receiving.reallocate(
        store, depot_id=order.depot_id, product_ids=products, now=now, by=by, why="agreed on a time", stood=stood
    )
    if any(line.slips for line in preview.lines if line.order_id == order_id):
        raise Conflict("The goods cannot be there by then any more. Look at the offers again.", code="shown_is_old")
    store.append_event(
        kind="slot_agreed",
        actor=by,
        captured_at=now,
        received_at=now,
        order_id=order_id,
        data={
            "day": slot.day,
            "window": [slot.opens, slot.closes],
            "van": slot.van,
            "minutes": minutes_of(slot.opens, slot.closes),
            "cost": slot.cost,
            "pushes": list(slot.pushes),
        },
    )


def same_offer(one: Slot) -> Mapping[str, Any]:
    """What of an offer must still hold when it is taken: its price may have moved with the clock."""
    return {
        "day": one.day,
        "opens": one.opens,
        "closes": one.closes,
        "pushes": list(one.pushes),
        "broken": sorted(each.delivery for each in one.broken),
    }
