"""A stop that may change vans, in whatever plan the solver found in the time it had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from data.queries.plans import PlanPage, RouteRow, current_plans, plan_page
from data.store import SqlStore, open_store
from routing.rules.changes import effect_of_move
from routing.rules.schedule import Timetable
from routing.services.editing import take_out
from web.wiring import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleMove:
    """`delivery` may go from `source` to the head of `target`; `page` is the plan in which it may."""

    page: PlanPage
    delivery: int
    source: RouteRow
    target: RouteRow

    @property
    def stop_id(self) -> int:
        """The stop at which `delivery` is made."""
        return next(
            stop.stop_id
            for stop in self.source.stops
            if self.delivery in [each.delivery_id for each in stop.deliveries]
        )


def a_possible_move(installation: Installation, *, day: str, now: datetime) -> PossibleMove:
    """The first delivery that may change vans; in a plan too full for any, room is made first, stop by stop."""
    while True:
        with installation.database.reading() as connection:
            page = plan_page(connection, current_plans(connection, day=day)[0].plan_id)
        if (found := _first_move(installation, page, day)) is not None:
            return found
        fullest = max(page.routes, key=lambda route: len(route.stops))
        with open_store(installation.database) as store:
            take_out(
                store,
                plan_id=page.plan_id,
                delivery=fullest.stops[-1].deliveries[0].delivery_id,
                by="dispatcher@example.com",
                now=now,
            )


def _first_move(installation: Installation, page: PlanPage, day: str) -> PossibleMove | None:
    with installation.database.reading() as connection:
        store = SqlStore(connection)
        saved = store.plan(page.plan_id)
        facts = store.day_facts(from_day=day, to_day=day, depot_ids=saved.depot_ids)
    timetable = Timetable(saved.problem)
    for source in sorted(page.routes, key=lambda route: len(route.stops)):
        for stop in source.stops:
            delivery = stop.deliveries[0].delivery_id
            for target in page.routes:
                if target is source:
                    continue
                effect = effect_of_move(
                    saved.plan,
                    saved.problem,
                    facts=facts,
                    delivery=delivery,
                    to_shift=target.shift_id,
                    timetable=timetable,
                )
                if effect.plan is not None:
                    return PossibleMove(page=page, delivery=delivery, source=source, target=target)
    return None
