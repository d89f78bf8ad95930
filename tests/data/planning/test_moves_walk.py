"""Whatever a person does to a plan, in any order: what the preview calls possible is made, and every rule is kept.

`PlannedWorld.put` compares each preview with what then happens; a fault of the solver's kind fails the walk.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from data.db import Database
from routing.model.proofs import Outcome
from tests.backorder_world import SKUS
from tests.planned_world import CHEAPEST, PlannedWorld

WHICH = st.integers(0, 9)
VAN = st.sampled_from((0, 0, 1))
AT_A_DOOR = st.sampled_from((Outcome.DELIVERED, Outcome.DELIVERED, Outcome.NOT_HOME, Outcome.NOT_ATTEMPTED))


def machine(template: Path) -> type[RuleBasedStateMachine]:
    class Board(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp(prefix="moves-"))
            shutil.copyfile(template, self.folder / "day.db")
            self.world = PlannedWorld(Database(f"sqlite:///{self.folder / 'day.db'}"), two_vans=True)

        def do(self, what: str, **values: Any) -> None:
            said = self.world.do(what, **values)
            assert not said.startswith(("SolverError", "InvalidProblem")), f"{what} {values}: {said}"

        @initialize(units=st.lists(st.integers(3, 18), min_size=6, max_size=6))
        def a_planned_morning(self, units: list[int]) -> None:
            self.world.doors(6)
            for site, quantity in enumerate(units, start=1):
                self.do("order", lines=[(1, quantity)], site=site, completeness="partial", wanted_in=0)
            for product in SKUS:
                self.do("receive", product=product, quantity=120, quarantined=0, of_inbound=False, more_to_come=False)
            self.do("release")
            self.do("plan")

        @rule(which=WHICH, to=VAN, position=st.sampled_from((0, 1, 2, 3, CHEAPEST)), more=st.sampled_from((0, 0, 1, 2)))
        def put(self, **values: Any) -> None:
            self.do("put", **values)

        @rule(which=WHICH, more=st.sampled_from((0, 0, 1)))
        def take_out(self, which: int, more: int) -> None:
            self.do("put", which=which, to=None, position=0, more=more)

        @rule(which=WHICH, place=st.sampled_from((True, True, False)))
        def lock(self, **values: Any) -> None:
            self.do("lock", **values)

        @rule(which=WHICH)
        def unlock(self, which: int) -> None:
            self.do("unlock", which=which)

        @rule()
        def plan(self) -> None:
            self.do("plan")

        @rule()
        def undo(self) -> None:
            self.do("undo")

        @rule(van=VAN)
        def load(self, van: int) -> None:
            self.do("load", van=van)

        @rule(which=WHICH, trip=st.sampled_from((1, 2, 2)))
        def load_one(self, **values: Any) -> None:
            self.do("load_one", **values)

        @rule(which=WHICH)
        def unload(self, which: int) -> None:
            self.do("unload", which=which)

        @rule()
        def new_lists(self) -> None:
            self.do("new_lists")

        @rule(which=WHICH, outcome=AT_A_DOOR)
        def at_the_door(self, **values: Any) -> None:
            self.do("at_the_door", **values, parts=[0, 0, 0])

        @rule(site=st.integers(1, 6), quantity=st.integers(1, 12))
        def one_more(self, site: int, quantity: int) -> None:
            self.do("order", lines=[(2, quantity)], site=site, completeness="partial", wanted_in=0)
            self.do("release")

        @invariant()
        def the_plan_keeps_its_rules(self) -> None:
            self.world.holds()

        def teardown(self) -> None:
            self.world.database.close()
            shutil.rmtree(self.folder)

    return Board


QUICK = settings(
    max_examples=3, stateful_step_count=16, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_a_move_is_made_as_it_was_shown_whatever_happened_before(sqlite_template: Path) -> None:
    run_state_machine_as_test(machine(sqlite_template), settings=QUICK)


@pytest.mark.slow
def test_a_move_is_made_as_it_was_shown_whatever_happened_before_for_long(sqlite_template: Path) -> None:
    long = settings(QUICK, max_examples=60, stateful_step_count=50, derandomize=False, print_blob=True)
    run_state_machine_as_test(machine(sqlite_template), settings=long)
