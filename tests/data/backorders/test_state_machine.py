"""Whatever happens to orders and goods, in any order: the ledger stays right."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import URL, Connection, NullPool, create_engine, select

from data import tables
from data.db import Database
from data.health import check_rows
from data.store import SqlStore
from routing.model.orders import AllocationRule, Completeness, RankRule
from routing.model.proofs import DoorEvent, Outcome
from routing.services.inspecting import PLACES as WAIT_FOR_INSPECTION
from routing.services.inspecting import Verdict
from tests.backorder_world import DEPOT, SKUS, STATES, World

SKU = st.sampled_from(sorted(SKUS))
UNITS = st.integers(1, 24)
WHICH = st.integers(0, 30)
DAYS = st.sampled_from((0, 1, 3))
PARTS = st.lists(st.integers(0, 6), min_size=3, max_size=3)
AT_A_DOOR = st.sampled_from(
    (Outcome.DELIVERED, Outcome.DELIVERED, Outcome.NOT_HOME, Outcome.REFUSED, Outcome.DAMAGED, Outcome.MISSING,
     Outcome.CLOSED, Outcome.NOT_ATTEMPTED)
)  # fmt: skip
SAID = st.sampled_from((DoorEvent.OUTCOME, DoorEvent.OUTCOME, DoorEvent.ARRIVED, DoorEvent.LOADED))
PLACES = {"depot", "vehicle", "quarantine", "returned", "delivered"}
DECIDED = (
    tables.order_line, tables.supply, tables.allocation, tables.promise, tables.delivery, tables.delivery_line,
    tables.movement, tables.task, tables.event, tables.empties_line,
)  # fmt: skip
"""What the same inputs must make again to the byte; events hold the hash of everything before them."""
MOVED = (tables.order_line, tables.allocation, tables.promise, tables.notice, tables.task)
"""What another decision of the same book leaves as it is."""
POLICIES = (
    *(("allocation_rule", each.value) for each in AllocationRule),
    *(("rank_rule", each.value) for each in RankRule),
    *(("completeness", each.value) for each in Completeness),
    ("reservation_horizon_days", "0"),
    ("reservation_horizon_days", "14"),
    ("min_percent", "50"),
    ("max_shipments", "2"),
    ("substitutes", "never"),
)


@pytest.fixture
def on_sqlite(sqlite_template: Path, tmp_path: Path) -> Callable[[str], str]:
    """The URL of a database with our tables, empty again each time that its name is asked for."""

    def empty(name: str) -> str:
        for left in tmp_path.glob(f"{name}.db*"):
            left.unlink()
        shutil.copyfile(sqlite_template, tmp_path / f"{name}.db")
        return f"sqlite:///{tmp_path / name}.db"

    return empty


@pytest.fixture
def on_postgres(postgres_server: URL) -> Iterator[Callable[[str], str]]:
    """The same on PostgreSQL."""
    names: set[str] = set()

    @contextmanager
    def outside() -> Iterator[Connection]:
        engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def empty(name: str) -> str:
        with outside() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE template')
        names.add(name)
        return postgres_server.set(database=name).render_as_string(hide_password=False)

    yield empty
    with outside() as connection:
        for name in names:
            connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')


def machine(empty: Callable[[str], str]) -> type[RuleBasedStateMachine]:
    class Backorders(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.world = World(Database(empty("first")), two_vans=True)
            self.log: list[tuple[str, dict[str, Any], str]] = []
            self.promises: dict[int, tuple[Any, ...]] = {}

        def do(self, what: str, **values: Any) -> None:
            self.log.append((what, values, self.world.do(what, **values)))

        @initialize(out=st.booleans())
        def a_morning_with_too_little(self, out: bool) -> None:
            """Else most sequences would end before a van leaves. `out`: the small one has, for the first of two
            trips."""
            self.do("order", lines=[(1, 12), (2, 6)], site=1, completeness="partial", wanted_in=0)
            self.do("order", lines=[(1, 8), (2, 4)], site=2, completeness="complete", wanted_in=0)
            self.do("expect", product=1, quantity=24, days=1)
            for product in SKUS:
                self.do("receive", product=product, quantity=14, quarantined=0, of_inbound=False, more_to_come=False)
            self.do("order", lines=[(1, 40)], site=3, completeness="partial", wanted_in=0)
            self.do("substitute", which=2)
            assert any(row.instead_of_id for row in self.rows(tables.order_line)), self.log[-1]
            self.do("come_back", missing=0)
            self.do("collect_empties", site=1, product=2, quantity=5)
            if out:
                self.do("receive", product=1, quantity=24, quarantined=0, of_inbound=True, more_to_come=False)
                self.do("release")
                self.do("drive_out")
                assert self.world.lists, self.log[-1]

        @rule(
            lines=st.lists(st.tuples(SKU, UNITS), min_size=1, max_size=3),
            site=st.integers(1, 3),
            completeness=st.sampled_from(("partial", "per_line", "complete")),
            wanted_in=st.sampled_from((0, 0, 0, 2, 40)),
        )
        def order(self, **values: Any) -> None:
            self.do("order", **values)

        @rule(
            which=WHICH,
            quantities=st.lists(st.integers(0, 24), min_size=3, max_size=3),
            wanted_in=st.sampled_from((None, None, None, 3, 40)),
        )
        def change(self, **values: Any) -> None:
            self.do("change", **values)

        @rule(product=SKU, quantity=UNITS, days=st.sampled_from((None, 0, 1, 3)))
        def expect(self, **values: Any) -> None:
            self.do("expect", **values)

        @rule(
            product=SKU, quantity=st.integers(0, 40), quarantined=st.sampled_from((0, 0, 0, 2)),
            of_inbound=st.booleans(), more_to_come=st.booleans(),
        )  # fmt: skip
        def receive(self, **values: Any) -> None:
            self.do("receive", **values)

        @rule(product=SKU, off_by=st.integers(-15, 5))
        def recount(self, **values: Any) -> None:
            self.do("recount", **values)

        @rule(which=WHICH, days=st.sampled_from((None, 0, 2)))
        def slip(self, **values: Any) -> None:
            self.do("slip", **values)

        @rule()
        def allocate(self) -> None:
            self.do("allocate")
            then = {table.name: self.rows(table) for table in MOVED}
            self.do("allocate")
            assert {table.name: self.rows(table) for table in MOVED} == then, "deciding twice moves nothing"

        @rule(policy=st.sampled_from(POLICIES))
        def policy(self, policy: tuple[str, str]) -> None:
            self.do("policy", name=policy[0], value=policy[1])

        @rule(which=WHICH, reason=st.sampled_from(("", "asked to wait")))
        def hold(self, **values: Any) -> None:
            self.do("hold", **values)

        @rule(which=WHICH)
        def substitute(self, **values: Any) -> None:
            self.do("substitute", **values)

        @rule()
        def release(self) -> None:
            self.do("release")

        @rule(which=WHICH)
        def unrelease(self, **values: Any) -> None:
            self.do("unrelease", **values)

        @rule(which=WHICH)
        def pick(self, **values: Any) -> None:
            self.do("pick", **values)

        @rule(which=WHICH, product=SKU, missing=st.integers(1, 24))
        def short_pick(self, **values: Any) -> None:
            self.do("short_pick", **values)

        @rule()
        def drive_out(self) -> None:
            self.do("release")
            self.do("drive_out")

        @rule(
            which=WHICH,
            outcome=AT_A_DOOR,
            parts=PARTS,
        )
        def at_the_door(self, **values: Any) -> None:
            self.do("at_the_door", **values)

        @rule(which=WHICH, outcome=AT_A_DOOR, parts=PARTS)
        def correct(self, **values: Any) -> None:
            self.do("correct", **values)

        @rule(which=WHICH, first=AT_A_DOOR, then=AT_A_DOOR, parts=PARTS, other_parts=PARTS)
        def at_the_door_and_put_right(
            self, which: int, first: Outcome, then: Outcome, parts: list[int], other_parts: list[int]
        ) -> None:
            self.do("at_the_door", which=which, outcome=first, parts=parts)
            self.do("correct", which=0, outcome=then, parts=other_parts)

        @rule(which=WHICH, to=st.integers(0, 1), position=st.integers(0, 3))
        def move(self, **values: Any) -> None:
            self.do("move", **values)

        @rule(van=st.integers(0, 1))
        def load(self, **values: Any) -> None:
            self.do("load", **values)

        @rule()
        def new_lists(self) -> None:
            self.do("new_lists")

        @rule(which=WHICH, kind=SAID, outcome=AT_A_DOOR, parts=PARTS)
        def by_an_old_list(self, **values: Any) -> None:
            self.do("by_an_old_list", **values)

        @rule(which=WHICH, listed=st.booleans(), stop=WHICH, kind=SAID, outcome=AT_A_DOOR, parts=PARTS)
        def moved_behind_the_back_of_a_phone(self, which: int, listed: bool, stop: int, **said: Any) -> None:
            self.do("move", which=which, to=1, position=0)
            if listed:
                self.do("new_lists")
            self.do("load", van=1)
            self.do("by_an_old_list", which=stop, **said)

        @rule(missing=st.sampled_from((0, 0, 1, 5)))
        def come_back(self, **values: Any) -> None:
            self.do("come_back", **values)

        @rule(site=st.integers(1, 3), product=SKU, quantity=st.integers(1, 6))
        def collect(self, **values: Any) -> None:
            self.do("collect", **values)

        @rule(site=st.integers(1, 3), product=SKU, quantity=st.integers(1, 6))
        def collect_empties(self, **values: Any) -> None:
            self.do("collect_empties", **values)

        @rule(
            product=SKU, place=st.sampled_from(WAIT_FOR_INSPECTION), quantity=st.integers(1, 3),
            verdict=st.sampled_from(Verdict),
        )  # fmt: skip
        def inspect(self, **values: Any) -> None:
            self.do("inspect", **values)

        # -------------------------------------------------------------- what must hold

        @invariant()
        def the_doctor_finds_nothing(self) -> None:
            with self.world.database.reading() as connection:
                assert [check for check in check_rows(connection) if check.state == "fail"] == []

        @invariant()
        def what_came_from_suppliers_is_somewhere(self) -> None:
            at = self.goods()
            for product in SKUS:
                mine = {place: units for (place, of), units in at.items() if of == product}
                assert -mine.pop("supplier", 0) == self.world.received[product]
                given = sum(row.collected for row in self.rows(tables.empties_line) if row.product_id == product)
                assert -mine.pop("customer", 0) == given, "what customers gave that we never delivered"
                assert self.world.received[product] + given == sum(mine.values())
                assert all(units >= 0 for place, units in mine.items() if place.partition(":")[0] in PLACES), mine

        @invariant()
        def every_delivery_knows_where_its_goods_are(self) -> None:
            at, units, fetched = self.goods(), self.units(), self.fetched()
            for product in SKUS:
                handed_over = sum(u["delivered"] for p, _, u in units if p == product)
                assert at.get(("delivered", product), 0) == handed_over - fetched[product]
                on_vans = sum(n for (place, of), n in at.items() if of == product and place.startswith("vehicle:"))
                assert on_vans >= sum(u["loaded"] for p, _, u in units if p == product)

        @invariant()
        def no_van_gives_out_what_another_has(self) -> None:
            on_vans: dict[tuple[int, str], int] = defaultdict(int)
            for row in self.rows(tables.movement):
                if row.delivery_id is not None:
                    on_vans[row.delivery_id, row.to_place] += row.quantity
                    on_vans[row.delivery_id, row.from_place] -= row.quantity
            aboard: dict[int, int] = defaultdict(int)
            for (delivery_id, place), units in on_vans.items():
                if place.startswith("vehicle:"):
                    assert units >= 0, (delivery_id, place, units)
                    aboard[delivery_id] += units
            carried: dict[int, int] = defaultdict(int)
            for line in self.rows(tables.delivery_line):
                carried[line.delivery_id] += line.quantity
            for row in self.rows(tables.delivery):
                if row.direction == "deliver" and row.state in ("loaded", "dispatched", "under_way", "failed"):
                    assert aboard[row.id] == carried[row.id], (row.number, row.state, aboard[row.id])
                elif row.direction == "deliver" and row.state in ("released", "unreleased"):
                    assert not aboard[row.id], (row.number, row.state, aboard[row.id])

        @invariant()
        def no_promise_is_changed_or_lost(self) -> None:
            now = {row.id: tuple(row) for row in self.rows(tables.promise)}
            assert self.promises.items() <= now.items()
            self.promises = now

        @invariant()
        def what_is_derived_is_what_short_arithmetic_says(self) -> None:
            needed: dict[int, int] = {}
            for line in self.rows(tables.order_line):
                served = sum(
                    row.loaded + row.delivered + row.refused
                    for row in self.rows(tables.allocation)
                    if row.order_line_id == line.id
                )
                if line.quantity - line.cancelled - served > 0:
                    needed[line.id] = line.quantity - line.cancelled - served
            here: dict[int, int] = defaultdict(int)
            for (place, product), units in self.goods().items():
                if place == f"depot:{DEPOT}":
                    here[product] += units
            with self.world.database.reading() as connection:
                store = SqlStore(connection)
                book = store.book(DEPOT, set(SKUS), now=self.world.now)
                assert {line.id: line.needed for order in book.orders for line in order.lines} == needed
                for product in SKUS:
                    assert sum(shelf.here for shelf in store.shelves(DEPOT, product)) == here[product]

        def goods(self) -> dict[tuple[str, int], int]:
            at: dict[tuple[str, int], int] = defaultdict(int)
            for row in self.rows(tables.movement):
                at[row.to_place, row.product_id] += row.quantity
                at[row.from_place, row.product_id] -= row.quantity
            return at

        def units(self) -> list[tuple[int, int, dict[str, int]]]:
            product = {row.id: row.product_id for row in self.rows(tables.order_line)}
            return [
                (product[row.order_line_id], row.order_line_id, {state: getattr(row, state) for state in STATES})
                for row in self.rows(tables.allocation)
            ]

        def fetched(self) -> dict[int, int]:
            product = {row.id: row.product_id for row in self.rows(tables.order_line)}
            line = {row.id: row.order_line_id for row in self.rows(tables.allocation)}
            units: dict[int, int] = defaultdict(int)
            for row in self.rows(tables.proof_line):
                units[product[line[row.allocation_id]]] += row.collected
            return units

        def rows(self, table: Any) -> list[Any]:
            with self.world.database.reading() as connection:
                return list(connection.execute(select(table).order_by(table.c.id)))

        def teardown(self) -> None:
            again = World(Database(empty("second")), two_vans=True)
            for what, values, said in self.log:
                assert again.do(what, **values) == said
            for table in DECIDED:
                with again.database.reading() as connection:
                    assert list(connection.execute(select(table).order_by(table.c.id))) == self.rows(table)
            for world in (self.world, again):
                world.database.close()

    return Backorders


QUICK = settings(
    max_examples=8, stateful_step_count=20, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_the_ledger_stays_right_whatever_happens(on_sqlite: Callable[[str], str]) -> None:
    run_state_machine_as_test(machine(on_sqlite), settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_ledger_stays_right_whatever_happens_for_long(kind: str, request: pytest.FixtureRequest) -> None:
    # About six CPU minutes each, most of what `make test-slow` takes; other examples each time.
    long = settings(QUICK, max_examples=60, stateful_step_count=60, derandomize=False, print_blob=True)
    run_state_machine_as_test(machine(request.getfixturevalue(f"on_{kind}")), settings=long)
