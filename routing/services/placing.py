"""Where a delivery fits, and where it costs least: every van and every place tried, nothing written."""

from __future__ import annotations

from dataclasses import dataclass

from routing.model.day import DayFacts
from routing.model.fleet import Shift
from routing.model.plans import Plan, Problem
from routing.rules.changes import MoveEffect, effect_of_move, orders_of
from routing.rules.locks import freed
from routing.rules.problem import HAPPENED
from routing.rules.schedule import Timetable
from routing.services.editing import EditsPlans, as_it_stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What a delivery would do on a van, at its best place there; without a plan it cannot ride on it."""

    shift: Shift
    effect: MoveEffect

    @property
    def worth(self) -> tuple[bool, int, int, int]:
        """Less is better."""
        return (*_worth(self.effect), self.shift.id)


def show_best_place(
    store: EditsPlans, *, plan_id: int, delivery: int, to_shift: int, along: tuple[int, ...] = ()
) -> MoveEffect:
    """The move onto that shift that breaks fewest promises and then costs least; when every place breaks something
    hard, the first of them, with its sentence. `along`: the other deliveries of its stop, when all go. Raises
    NotFound."""
    saved, facts, problem = as_it_stands(store, plan_id)
    move = (delivery, *along)
    return _best_place(saved.plan, problem, facts, move, to_shift, Timetable(freed(problem, facts, *move)))


def where_it_fits(store: EditsPlans, *, plan_id: int, delivery: int) -> tuple[Fit, ...]:
    """Every van of the plan, the one it is on included: first those that break no promise, the cheapest first, at the
    end those that cannot take it. Raises NotFound."""
    saved, facts, problem = as_it_stands(store, plan_id)
    table = Timetable(freed(problem, facts, delivery))
    shifts = {shift.id: shift for shift in facts.shifts}
    found = [
        Fit(shift=shifts[offer.id], effect=_best_place(saved.plan, problem, facts, (delivery,), offer.id, table))
        for offer in problem.shifts
        if offer.id in shifts
    ]
    return tuple(sorted(found, key=lambda each: each.worth))


def _best_place(
    plan: Plan, problem: Problem, facts: DayFacts, move: tuple[int, ...], to_shift: int, table: Timetable
) -> MoveEffect:
    """Every place is priced for `move`, the deliveries that go together; the whole effect is worked out from the
    cheapest on, until one breaks no promise."""

    def at(position: int) -> MoveEffect:
        return effect_of_move(
            plan, problem, facts=facts, delivery=move[0], to_shift=to_shift, position=position, along=move[1:],
            timetable=table,
        )  # fmt: skip

    stays = tuple(key for key in orders_of(plan).get(to_shift, ()) if key not in move)
    happened = {ride.delivery_id for ride in facts.riding if ride.state in HAPPENED}
    priced = []
    if table.visits.keys() >= set(move) and to_shift in table.shifts:
        for position in range(sum(key in happened for key in stays), len(stays) + 1):
            times = table.times(to_shift, (*stays[:position], *move, *stays[position:]))
            if times is not None:
                priced.append((times.cost, position))
    best: MoveEffect | None = None
    for _cost, position in sorted(priced):
        found = at(position)
        if best is None or _worth(found) < _worth(best):
            best = found
        if best.plan is not None and not best.promises_broken:
            break
    return best or at(0)


def _worth(effect: MoveEffect) -> tuple[bool, int, int]:
    """Less is better."""
    return (effect.plan is None, len(effect.promises_broken), effect.cost)
