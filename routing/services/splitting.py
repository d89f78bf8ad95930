"""A delivery that is too big for any van is split over trips: shown first, then done. The parts are deliveries of their
own, and get their places when the day is planned again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from routing.errors import Conflict
from routing.rules.splitting import PartLine, Split, may_be_split, split_of
from routing.services.editing import EditsPlans, as_it_stands
from routing.services.picking import LocksPicks, locked_delivery


class Splits(EditsPlans, LocksPicks, Protocol):
    def part_lines(self, delivery_id: int) -> tuple[PartLine, ...]: ...

    def split_delivery(self, delivery_id: int, parts: Collection[Mapping[int, int]]) -> tuple[tuple[int, str], ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What splitting would make of a delivery. `vehicle` carries each part alone on a trip."""

    number: str
    vehicle: str
    split: Split


def offer_split(store: Splits, *, plan_id: int, delivery: int) -> Offered | None:
    """None where it is not too big for the vans, or splitting does not help. Writes nothing. Raises NotFound."""
    saved, facts, problem = as_it_stands(store, plan_id)
    own = next((each for each in facts.deliveries if each.id == delivery), None)
    if own is None or own.state != "released" or own.direction != "deliver" or not may_be_split(saved.plan, delivery):
        return None
    found = split_of(saved.plan, problem, delivery, store.part_lines(delivery))
    if found is None:
        return None
    shift = next((each for each in facts.shifts if each.id == found.shift_id), None)
    if shift is None:
        return None
    return Offered(number=own.number, vehicle=shift.vehicle.name, split=found)


def split_delivery(
    store: Splits, *, plan_id: int, delivery: int, parts: int, by: str, now: datetime
) -> tuple[tuple[int, str], ...]:
    """Makes so many deliveries of it, as was shown; returns all of them by id and number, the one that was split first.

    Raises NotFound, and Conflict when another split would be made now, the plan is no longer the current one, or its
    goods are picked or loaded.
    """
    held = locked_delivery(store, delivery)
    if held.picked:
        raise Conflict(
            f"{held.number} is being picked. Put back what is picked, or load what fits.",
            code="picked",
            delivery=delivery,
        )
    saved = store.plan(plan_id)
    current = store.current_plans(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    if all(each.plan_id != plan_id for each in current):
        raise Conflict("This plan was changed meanwhile. Look at the board, then ask again.", code="plan_moved_on")
    offered = offer_split(store, plan_id=plan_id, delivery=delivery)
    if offered is None or len(offered.split.parts) != parts:
        raise Conflict("This delivery would be split otherwise now. Look at it again.", code="plan_moved_on")
    made = store.split_delivery(delivery, offered.split.parts)
    numbers = [number for _key, number in made]
    for key, _number in made:
        store.append_event(
            kind="delivery_split",
            actor=by,
            captured_at=now,
            received_at=now,
            delivery_id=key,
            plan_id=plan_id,
            data={"delivery": offered.number, "parts": numbers, "vehicle": offered.vehicle},
        )
    return made
