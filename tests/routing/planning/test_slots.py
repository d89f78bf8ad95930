"""What a door costs a day's plan, window by window. Door k lies k minutes from the depot; a minute costs 60."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from routing.model.day import DayFacts, DeliveryFacts, DepotFacts, Promised, SiteFacts
from routing.model.places import Location, PinQuality
from routing.model.plans import Lock, Plan, Problem
from routing.rules.check import violations
from routing.rules.slots import CALL, SlotDay, ranked, slots_of_day
from tests.routing.builders_plans import HOUR, MINUTE, between, plan, problem, shift, visit

DAY = date(2026, 3, 3)
HERE = Location(lat=60.0, lon=25.0)


def facts(*ids: int, promised: dict[int, Promised] | None = None) -> DayFacts:
    """Each delivery at a door of its own number; the call at door 99."""
    keys = (*ids, CALL)
    return DayFacts(
        from_day=DAY.isoformat(),
        to_day=DAY.isoformat(),
        depots=(DepotFacts(id=1, name="Depot 1", zone="UTC", location=HERE),),
        sites=tuple(
            SiteFacts(
                id=99 if key == CALL else key, name=f"Café {key}", customer=f"Café {key}", address="", location=HERE,
                pin_quality=PinQuality.EXACT,
            )
            for key in keys
        ),
        deliveries=tuple(
            DeliveryFacts(
                id=key, number=f"D-{key}", site_id=99 if key == CALL else key, depot_id=1, for_day=DAY.isoformat(),
                oldest_ordered_at=datetime(2026, 3, 1, tzinfo=UTC), promised=(promised or {}).get(key),
            )
            for key in keys
        ),
        shifts=(),
    )  # fmt: skip


def asked(of: Problem, held: Plan, *ids: int, promised: dict[int, Promised] | None = None) -> SlotDay:
    return slots_of_day(held, of, facts(*ids, promised=promised), day=DAY)


def test_a_door_on_the_way_costs_its_work_and_no_way() -> None:
    """Van 1 drives to door 10 and back. Door 5 lies on the way: five minutes of service, not a metre."""
    of = problem(visit(1, 10, windows=between(9 * HOUR, 9 * HOUR)), visit(CALL, 5))
    found = asked(of, plan(of, {1: [1]}), 1)
    morning = next(each for each in found.slots if each.opens == "08:00")
    assert (morning.minutes, morning.distance_m, morning.cost) == (5, 0, 5 * 60)
    assert morning.pushes == ()
    assert morning.broken == ()


def test_every_window_lies_in_the_hours_of_the_door_and_of_the_vans() -> None:
    of = problem(visit(1, 10), visit(CALL, 5, windows=between(9 * HOUR, 11 * HOUR)))
    found = asked(of, plan(of, {1: [1]}), 1)
    assert [(each.opens, each.closes) for each in found.slots] == [("09:00", "10:00"), ("10:00", "11:00")]
    for each in found.slots:
        at = each.begins - of.epoch
        opens, closes = (timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in (each.opens, each.closes))
        assert opens <= at <= closes


def test_a_window_that_would_break_a_promise_says_whose() -> None:
    """One van, done by 9:00. D-1 was promised 08:10-08:20; whoever comes before it pushes it past that."""
    of = problem(
        visit(1, 10),
        visit(CALL, 5, service_s=25 * MINUTE, windows=between(8 * HOUR, 8 * HOUR + 10 * MINUTE)),
        shifts=(shift(1, end_s=9 * HOUR + 30 * MINUTE),),
    )
    kept = Promised(day=DAY.isoformat(), window_from="08:05", window_to="08:20")
    (slot,) = slots_of_day(
        plan(of, {1: [1]}), of, facts(1, promised={1: kept}), day=DAY, width=timedelta(hours=12)
    ).slots  # fmt: skip
    assert [each.delivery for each in slot.broken] == [1]
    assert (
        ranked([SlotDay(day="2026-03-03", slots=(slot, replace(slot, broken=(), cost=slot.cost * 9)))])[0].broken == ()
    )


def full(*, tier: int) -> tuple[Problem, Plan]:
    """The van has forty minutes: door 10 (there and back, five minutes of work) fits, door 12 beside it does not."""
    of = problem(
        visit(1, 10, service_s=15 * MINUTE, name="D-1"),
        visit(CALL, 10, service_s=15 * MINUTE, tier=tier),
        shifts=(shift(1, end_s=8 * HOUR + 40 * MINUTE),),
    )
    return of, plan(of, {1: [1]})


def test_where_nothing_is_free_the_lower_one_that_gives_way_is_named() -> None:
    of, held = full(tier=2)
    (slot,) = asked(of, held, 1).slots
    assert slot.pushes == ("D-1",)


def test_nobody_of_the_same_tier_gives_way_and_the_day_says_why() -> None:
    of, held = full(tier=0)
    found = asked(of, held, 1)
    assert found.slots == ()
    assert "full" in found.why


def test_who_is_locked_does_not_give_way() -> None:
    of, _ = full(tier=2)
    of = replace(of, locks=(Lock(visit=1, shift=1),))
    assert asked(of, plan(of, {1: [1]}), 1).slots == ()


def test_what_is_done_stays_before_it() -> None:
    of = problem(
        visit(1, 10), visit(2, 20), visit(CALL, 5),
        locks=(Lock(visit=1, shift=1, done=True),),
    )  # fmt: skip
    held = plan(of, {1: [1, 2]})
    reached = of.epoch + timedelta(seconds=held.routes[0].stops[0].departure_s)
    assert all(each.begins > reached for each in asked(of, held, 1, 2).slots)


@pytest.mark.parametrize("at", range(1, 8))
def test_no_place_that_was_not_tried_is_cheaper(at: int) -> None:
    """Of a short route every place is tried: the offer costs what the cheapest of them costs, and holds."""
    of = problem(visit(1, 3), visit(2, 6), visit(3, 9), visit(CALL, at))
    held = plan(of, {1: [1, 2, 3]})
    best = min(
        plan(of, {1: [*[1, 2, 3][:n], CALL, *[1, 2, 3][n:]]}).cost - held.cost for n in range(4)
    )  # fmt: skip
    found = ranked([asked(of, held, 1, 2, 3)])
    assert found[0].cost == best
    assert violations(held, replace(of, visits=of.visits[:3])) == []
