"""The small wholesaler's day once more, planned by the real solver and changed by hand: two vans, one drives twice."""

from __future__ import annotations

from sqlalchemy import insert, select

from data import tables
from data.store import SqlStore, open_store
from routing.engines.roads.great_circle import GreatCircleTravelTimes
from routing.engines.solver.ortools_solver import solve
from routing.errors import BackrouteError, NotFound
from routing.model.day import SavedPlan
from routing.model.plans import Plan, Problem
from routing.rules.changes import MoveEffect, orders_of
from routing.rules.check import violations
from routing.services.editing import lock_delivery, move_delivery, show_move, take_out, undo, unlock_delivery
from routing.services.loading import load_delivery, unload_delivery
from routing.services.placing import show_best_place, where_it_fits
from routing.services.planning import plan_day
from tests.backorder_world import DEPOT, SITE, World

ROUNDS = 20
CHEAPEST = -1
"""Instead of a position: the cheapest place on that van."""


def solved(problem: Problem, **asked: object) -> Plan:
    return solve(problem, seed=0, time_limit_s=600.0, iterations=ROUNDS)


class PlannedWorld(World):
    """`which` counts the deliveries of the current plan by id, whatever became of them."""

    def doors(self, sites: int) -> None:
        """So many sites instead of three, each with a customer of its own."""
        with self.database.writing() as connection:
            for n in range(4, sites + 1):
                name = f"Café {n}"
                connection.execute(
                    insert(tables.customer).values(number=f"C{n}", name=name, tier=1, rank_rule="normal")
                )
                at = {"lat": 60.17, "lon": 24.94 + n / 1000}
                connection.execute(insert(tables.site).values(customer_id=n, number=f"S{n}", name=name, **at, **SITE))

    def plan(self) -> None:
        with open_store(self.database) as store:
            self._shifts(store)
        plan_day(
            lambda: open_store(self.database), from_day=self.today, to_day=self.today, depot_ids=[DEPOT],
            travel=GreatCircleTravelTimes(), solve=solved, clock=lambda: self.now, by="desk",
        )  # fmt: skip

    def saved(self, store: SqlStore) -> SavedPlan:
        """Raises NotFound when nothing is planned today."""
        plan_id = store.connection.scalar(
            select(tables.current_plan.c.plan_id).where(tables.current_plan.c.day == self.today)
        )
        if plan_id is None:
            raise NotFound("Nothing is planned today.")
        return store.plan(plan_id)

    def trips(self) -> dict[int, list[list[int]]]:
        """Who rides in which trip of which shift, as the current plan says."""
        with open_store(self.database) as store:
            saved = self.saved(store)
        return {
            route.shift: [[key for stop in trip.stops for key in stop.visits] for trip in route.trips]
            for route in saved.plan.routes
        }

    def put(self, *, which: int, to: int | None, position: int, more: int = 0) -> None:
        """Moves, puts on or takes out any delivery that the plan knows, with `more` that go along, as its preview says:
        possible means made. `position` may be CHEAPEST."""
        with open_store(self.database) as store:
            saved, shifts = self.saved(store), self._shifts(store)
            known = sorted(visit.id for visit in saved.problem.visits)
            if not known:
                return
            shift = None if to is None else shifts[to]
            delivery, *others = dict.fromkeys(known[(which + n) % len(known)] for n in range(more + 1))
            along = tuple(others)
            if position == CHEAPEST and shift is not None:
                shown = show_best_place(store, plan_id=saved.id, delivery=delivery, to_shift=shift, along=along)
                where_it_fits(store, plan_id=saved.id, delivery=delivery)
            else:
                shown = show_move(
                    store, plan_id=saved.id, delivery=delivery, to_shift=shift, position=position, along=along
                )
        self._made_as_shown(saved.id, shown)

    def _made_as_shown(self, plan_id: int, shown: MoveEffect) -> None:
        try:
            with open_store(self.database) as store:
                if shown.to_shift is None:
                    take_out(
                        store, plan_id=plan_id, delivery=shown.delivery, along=shown.along, by="desk", now=self.now
                    )
                else:
                    move_delivery(
                        store, plan_id=plan_id, delivery=shown.delivery, to_shift=shown.to_shift,
                        position=shown.position, along=shown.along, by="desk", now=self.now,
                    )  # fmt: skip
        except BackrouteError as refused:
            if shown.plan is not None or (refused.code, str(refused)) != ("move_breaks", " ".join(shown.violations)):
                raise AssertionError(f"not as shown ({shown.violations}): {refused}") from refused
            raise
        assert shown.plan is not None, f"made, but shown as impossible: {shown.violations}"

    def lock(self, *, which: int, place: bool) -> None:
        with open_store(self.database) as store:
            saved = self.saved(store)
            riding = sorted(key for order in orders_of(saved.plan).values() for key in order)
            if riding:
                lock_delivery(
                    store, plan_id=saved.id, delivery=riding[which % len(riding)], by="desk", now=self.now,
                    keep_position=place,
                )  # fmt: skip

    def unlock(self, *, which: int) -> None:
        with open_store(self.database) as store:
            saved = self.saved(store)
            locked = sorted(store.connection.scalars(select(tables.plan_lock.c.delivery_id).distinct()))
            if locked:
                unlock_delivery(
                    store, plan_id=saved.id, delivery=locked[which % len(locked)], by="desk", now=self.now
                )  # fmt: skip

    def undo(self) -> None:
        with open_store(self.database) as store:
            undo(store, plan_id=self.saved(store).id, by="desk", now=self.now)

    def load_one(self, *, which: int, trip: int) -> None:
        """One delivery of whatever van it is planned on, as if nothing else went with that trip."""
        with open_store(self.database) as store:
            homes = {key: shift for shift, order in orders_of(self.saved(store).plan).items() for key in order}
            if homes:
                key = sorted(homes)[which % len(homes)]
                load_delivery(
                    store, shift_id=homes[key], trip=trip, delivery_id=key, by="warehouse", now=self.now,
                    pick_rest=True, any_order=True,
                )  # fmt: skip

    def unload(self, *, which: int) -> None:
        with open_store(self.database) as store:
            saved = self.saved(store)
            facts = store.day_facts(from_day=self.today, to_day=self.today, depot_ids=saved.depot_ids)
            if facts.riding:
                ride = facts.riding[which % len(facts.riding)]
                unload_delivery(
                    store, shift_id=ride.shift_id, delivery_id=ride.delivery_id, by="warehouse", now=self.now
                )  # fmt: skip

    def holds(self) -> None:
        """The current plan keeps every rule, as it was saved."""
        with open_store(self.database) as store:
            try:
                saved = self.saved(store)
            except NotFound:
                return
        assert violations(saved.plan, saved.problem) == []
