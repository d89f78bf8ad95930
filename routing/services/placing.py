"""Where on a route a delivery costs least: every place tried, nothing written."""

from __future__ import annotations

from routing.rules.changes import MoveEffect, effect_of_move, freed, orders_of, with_riding
from routing.rules.schedule import Timetable
from routing.services.editing import EditsPlans


def show_best_place(store: EditsPlans, *, plan_id: int, delivery: int, to_shift: int) -> MoveEffect:
    """The move onto that shift that breaks fewest promises and then costs least; when every place breaks something
    hard, the last of them, with its sentence. Raises NotFound."""
    saved = store.plan(plan_id)
    facts = store.day_facts(from_day=saved.from_day, to_day=saved.to_day, depot_ids=saved.depot_ids)
    problem = with_riding(saved.problem, facts.riding, saved.plan)
    table = Timetable(freed(problem, delivery))
    stays = [key for key in orders_of(saved.plan).get(to_shift, ()) if key != delivery]
    best: MoveEffect | None = None
    for position in range(len(stays) + 1):
        found = effect_of_move(
            saved.plan, problem, facts=facts, delivery=delivery, to_shift=to_shift, position=position, timetable=table
        )
        if best is None or _worth(found) < _worth(best):
            best = found
    assert best is not None  # there is always one place
    return best


def _worth(effect: MoveEffect) -> tuple[bool, int, int]:
    """Less is better."""
    return (effect.plan is None, len(effect.promises_broken), effect.cost)
