"""A van that is out and behind: what is shown, what is chosen, and what the store keeps of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from data import tables
from data.db import Database
from data.store import SqlStore, open_store
from routing.errors import Conflict, InvalidInput, NotFound
from routing.rules.check import violations
from routing.rules.driver_out import OutKind
from routing.services.dispatching import dispatch_day
from routing.services.lateness import apply_way_out, late_van, late_vans
from routing.services.loading import load_route
from routing.services.planning import plan_day


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database is enough here: what these decisions write is tested on both where it is planned and dispatched."""
    return sqlite_url


class Out:
    """A van with four doors of five minutes each, out since 07:00; its shift ends at 15:00. Nothing is reported."""

    def __init__(self, day: Any, database: Database, kit: Any) -> None:
        self.database, self.kit = database, kit
        day.company()
        self.depot, product = day.depot(), day.product()
        self.deliveries = [
            day.delivery(site_id=day.site(), depot_id=self.depot, product_id=product, tier=tier)
            for tier in (1, 2, 3, 1)
        ]
        self.shift = day.shift(depot_id=self.depot)
        self.plan_id = plan_day(
            self.open, from_day=kit.DAY, to_day=kit.DAY, depot_ids=[self.depot], travel=kit.StraightTravel(),
            solve=kit.greedy, clock=lambda: kit.NOW, by="test",
        ).plan_id  # fmt: skip
        with self.open() as store:
            load_route(store, shift_id=self.shift, by="test", now=kit.NOW)
            dispatch_day(store, day=kit.DAY, depot_ids=[self.depot], secret=b"s" * 32, by="test", now=kit.NOW)

    def open(self) -> AbstractContextManager[SqlStore]:
        return open_store(self.database)

    def at(self, hours: float) -> Any:
        """So long after 07:00."""
        return self.kit.NOW + timedelta(hours=1, minutes=20) + timedelta(hours=hours)


@pytest.fixture
def out(day: Any, database: Database, kit: Any) -> Out:
    return Out(day, database, kit)


def test_a_van_on_time_is_not_listed_and_one_that_stood_half_an_hour_is(out: Out) -> None:
    with out.open() as store:
        assert late_vans(store, plan_id=out.plan_id, now=out.at(0)) == ()
        (late,) = late_vans(store, plan_id=out.plan_id, now=out.at(0.5))
    assert late.behind is not None
    assert 25 * 60 <= late.behind.late_s <= 30 * 60
    assert (late.behind.is_out_of_time, late.behind.broken, late.options) == (False, (), ())


def test_what_stays_behind_comes_back_is_meant_for_the_next_day_and_a_person_calls(out: Out) -> None:
    now = out.at(7.8)  # 14:48: two of four doors can be done by 15:00
    with out.open() as store:
        late = late_van(store, plan_id=out.plan_id, shift_id=out.shift, now=now)
        (listed,) = late_vans(store, plan_id=out.plan_id, now=now, with_options=False)
        assert late.behind is not None
        assert late.behind.is_out_of_time
        assert listed.behind is not None
        assert (listed.behind.over_s, listed.options) == (late.behind.over_s, ())
        chosen = next(each for each in late.options if each.kind is OutKind.LEAVE)
        left = [gone.visit for gone in chosen.left_out]
        assert left == [out.deliveries[0], out.deliveries[3]], "the lowest tier stays behind"
        new = apply_way_out(store, plan_id=out.plan_id, chosen=chosen, by="test", now=now)
    with out.open() as store:
        saved = store.plan(new)
        assert violations(saved.plan, saved.problem) == []
        assert sum(store.goods_at(f"depot:{out.depot}").values()) == 20
    with out.database.reading() as connection:
        rows = connection.execute(
            select(tables.delivery.c.id, tables.delivery.c.state, tables.delivery.c.for_day, tables.delivery.c.attempts)
        ).all()
        tasks = connection.execute(
            select(tables.task.c.kind, tables.task.c.subject_id, tables.task.c.sentence).order_by(tables.task.c.id)
        ).all()
    after = {row.id: (row.state, row.for_day, row.attempts) for row in rows}
    assert [after[key] for key in left] == [("released", "2026-05-13", 0)] * 2, "nobody drove there: no attempt"
    assert {after[key][0] for key in out.deliveries[1:3]} == {"dispatched"}
    assert sorted(row.subject_id for row in tasks if row.kind == "call_customer") == left
    assert all("It comes on Wed 13 May 2026 instead" in row.sentence for row in tasks if row.kind == "call_customer")


def test_the_driver_gets_the_changed_list_when_it_is_dispatched_again(out: Out) -> None:
    now = out.at(7.8)
    with out.open() as store:
        late = late_van(store, plan_id=out.plan_id, shift_id=out.shift, now=now)
        apply_way_out(store, plan_id=out.plan_id, chosen=late.options[0], by="test", now=now)
        again = dispatch_day(store, day=out.kit.DAY, depot_ids=[out.depot], secret=b"s" * 32, by="test", now=now)
    assert [(each.version, each.stops) for each in again.dispatched] == [(2, 2)]


def test_a_way_out_that_the_day_has_overtaken_is_refused_and_changes_nothing(out: Out) -> None:
    now = out.at(7.8)
    with out.open() as store:
        late = late_van(store, plan_id=out.plan_id, shift_id=out.shift, now=now)
    with out.database.writing() as connection:
        connection.execute(
            update(tables.delivery).where(tables.delivery.c.id == out.deliveries[0]).values(state="under_way")
        )
    with pytest.raises(Conflict, match="went on meanwhile"), out.open() as store:
        apply_way_out(store, plan_id=out.plan_id, chosen=late.options[0], by="test", now=now)
    with out.open() as store:
        assert store.goods_at(f"depot:{out.depot}") == {}


def test_what_was_brought_meanwhile_cannot_stay_behind_and_says_look_again(out: Out) -> None:
    first = out.deliveries[0]
    with out.database.writing() as connection:
        connection.execute(update(tables.delivery).where(tables.delivery.c.id == first).values(state="done"))
    with pytest.raises(Conflict, match="Look at the options again"), out.open() as store:
        late_van(store, plan_id=out.plan_id, shift_id=out.shift, now=out.at(7.8), leave=[first])


def test_only_what_is_on_the_van_can_stay_behind(out: Out) -> None:
    with out.open() as store:
        with pytest.raises(InvalidInput, match="not among what Van 1 still has to bring"):
            late_van(store, plan_id=out.plan_id, shift_id=out.shift, now=out.at(7.8), leave=[999])
        with pytest.raises(NotFound):
            late_van(store, plan_id=out.plan_id, shift_id=999, now=out.at(7.8))


def test_the_doors_of_a_day_are_those_that_are_promised_or_released_for_it(out: Out, kit: Any) -> None:
    with out.open() as store:
        assert len(store.doors_of_day(day=kit.DAY, depot_ids=[out.depot])) == 4
        assert store.doors_of_day(day="2026-05-13", depot_ids=[out.depot]) == ()
        assert store.doors_of_day(day=kit.DAY, depot_ids=[out.depot + 1]) == ()
