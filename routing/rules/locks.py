"""A saved plan's problem as the day stands now: what rides, what has happened, and which locks hold.

A plan is saved once; goods are loaded and locks are set after it. So whoever changes a plan asks for its problem here
and never for the locks that were saved with it: those say how the day stood then.

A lock "keeps its place" holds against the planner, not against a person's hand. When a person moves or takes out an
earlier stop, the locked one keeps its turn among those that were left alone, and its lock says from then on the place
that it has now: the preview says so before, nothing is refused for it, and the next plan keeps it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from routing.model.day import DayFacts, LockFacts
from routing.model.plans import Lock, Plan, Problem
from routing.rules.problem import HAPPENED


def as_the_day_stands(problem: Problem, facts: DayFacts, plan: Plan) -> Problem:
    """The problem of this plan with the locks that hold now: goods on a van are locked to it and to the trip they were
    loaded for, what has happened is done, and of all others what a person locked, if that shift goes out. A van that
    has been to a door left the depot when the plan said, and what must be loaded joins no trip that has left; what such
    a trip left behind stays in it until a person moves it or the day is planned again, and bars no other change."""
    several = {offer.id for offer in problem.shifts if offer.most_trips > 1}
    trips_out: dict[int, int] = {offer.id: offer.trips_out for offer in problem.shifts}
    for ride in facts.riding:
        if ride.state != "loaded" and ride.shift_id in several:
            trips_out[ride.shift_id] = max(trips_out.get(ride.shift_id, 0), ride.trip + 1)
    visits = {visit.id: visit for visit in problem.visits}
    on_vans = {ride.delivery_id: ride for ride in facts.riding}
    locks = [
        Lock(
            visit=ride.delivery_id,
            shift=ride.shift_id,
            done=ride.state in HAPPENED,
            trip=ride.trip if ride.shift_id in several else None,
        )
        for ride in on_vans.values()
        if ride.delivery_id in visits
    ]
    behind = {
        key: Lock(visit=key, shift=route.shift, trip=at)
        for route in plan.routes
        if route.shift in several
        for at, trip in enumerate(route.trips[: trips_out[route.shift]])
        for stop in trip.stops
        for key in stop.visits
        if key not in on_vans and key in visits and any(visits[key].load)
    }
    locks += behind.values()
    offered = {offer.id for offer in problem.shifts}
    locks += _without_a_second_claim(
        Lock(visit=lock.delivery_id, shift=lock.shift_id, position=lock.position)
        for lock in facts.locks
        if lock.delivery_id in visits
        and lock.delivery_id not in on_vans
        and lock.delivery_id not in behind
        and lock.shift_id in offered
        and lock.shift_id is not None
    )
    left = {ride.shift_id for ride in on_vans.values() if ride.state in HAPPENED}
    began = {route.shift: route.start_s for route in plan.routes if route.shift in left}
    return replace(
        problem,
        locks=tuple(locks),
        shifts=tuple(
            replace(offer, start_s=began.get(offer.id, offer.start_s), trips_out=trips_out[offer.id])
            for offer in problem.shifts
        ),
    )


def _without_a_second_claim(locks: Iterable[Lock]) -> list[Lock]:
    """Of two locks of one delivery the last holds; of two that claim one place the second keeps its shift only."""
    claimed: set[tuple[int, int]] = set()
    found = []
    for lock in {lock.visit: lock for lock in locks}.values():
        if lock.position is not None and (lock.shift, lock.position) in claimed:
            lock = replace(lock, position=None)
        elif lock.position is not None:
            claimed.add((lock.shift, lock.position))
        found.append(lock)
    return found


def freed(problem: Problem, facts: DayFacts, *deliveries: int) -> Problem:
    """The problem without the locks that say where these deliveries ride; what is on a van stays locked to it."""
    free = set(deliveries) - {ride.delivery_id for ride in facts.riding}
    return replace(problem, locks=tuple(lock for lock in problem.locks if lock.visit not in free))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlace:
    """A delivery that is locked to a place, counted from 1, and has another one now."""

    delivery: int
    name: str
    old: int
    new: int


def in_their_new_places(problem: Problem, orders: Mapping[int, Sequence[int]]) -> tuple[Problem, tuple[NewPlace, ...]]:
    """The problem whose locked places are those of these orders, and which of them changed.

    "Keeps place 3" on van 7, whose first stop is taken out: [1, 2, 3] → [2, 3], so it keeps place 2.
    """
    names = {visit.id: visit.name for visit in problem.visits}
    locks, moved = [], []
    for lock in problem.locks:
        order = orders.get(lock.shift, ())
        if lock.position is not None and lock.visit in order and (at := order.index(lock.visit)) != lock.position:
            moved.append(
                NewPlace(
                    delivery=lock.visit,
                    name=names.get(lock.visit) or f"Delivery {lock.visit}",
                    old=lock.position + 1,
                    new=at + 1,
                )
            )
            lock = replace(lock, position=at)
        locks.append(lock)
    return (replace(problem, locks=tuple(locks)) if moved else problem), tuple(moved)


def followed(locks: Iterable[LockFacts], orders: Mapping[int, Sequence[int]]) -> tuple[LockFacts, ...]:
    """The locks that must be written anew, because a person's change put their delivery elsewhere: a lock follows.

    One that says "stays out" stays, also where somebody else put it on a route.

    >>> kept = LockFacts(delivery_id=3, shift_id=7, position=2)
    >>> followed([kept], {7: [1, 2, 3]}), followed([kept], {7: [2, 3]})[0].position
    ((), 1)
    >>> followed([LockFacts(delivery_id=3, shift_id=7)], {8: [3]})[0].shift_id
    8
    """
    where = {key: (shift, at) for shift, order in orders.items() for at, key in enumerate(order)}
    found = []
    for lock in locks:
        if lock.shift_id is None or lock.delivery_id not in where:
            continue
        shift, at = where[lock.delivery_id]
        wanted = replace(lock, shift_id=shift, position=at if lock.position is not None else None)
        if wanted != lock:
            found.append(wanted)
    return tuple(found)
