"""What is left out is said in the words of its door, and only of vans that could have come."""

from __future__ import annotations

from typing import Any

from routing.model.day import DayFacts, WallWindow
from routing.model.plans import Plan, Reason, Unassigned
from routing.rules.changes import said_of_the_door
from routing.rules.reasons import why_left_out
from routing.rules.schedule import Failure, Timetable
from tests.routing import builders_plans as build
from tests.routing.planning.test_problem import delivery, shift, site
from tests.routing.planning.test_problem import facts as facts_of


def nothing_on_a_van() -> Plan:
    return Plan(routes=(), unassigned=(), cost=0, served_by_tier=(), engine="nobody", seed=0)


def test_a_van_of_another_depot_is_no_reason() -> None:
    needs_crane = build.visit(1, 1, skills=frozenset({"crane"}), shifts=frozenset({1}))
    problem = build.problem(needs_crane, shifts=(build.shift(1), build.shift(2)))
    (gone,) = why_left_out(problem, nothing_on_a_van())
    assert gone.reasons == (Reason.SKILLS,)
    assert gone.proven


def test_a_van_that_was_shut_out_for_a_reason_is_one() -> None:
    behind_arch = build.visit(1, 1, shifts=frozenset(), why_not=((1, Reason.ACCESS),))
    problem = build.problem(behind_arch, shifts=(build.shift(1), build.shift(2)))
    (gone,) = why_left_out(problem, nothing_on_a_van())
    assert gone.reasons == (Reason.ACCESS,)


def said(reason: Reason, facts: DayFacts) -> str:
    gone = Unassigned(visit=1, reasons=(reason,), proven=True, detail="D-1 may not ride on Van 1 (access).")
    return said_of_the_door(gone, facts).detail


def facts(**door: Any) -> DayFacts:
    return facts_of(sites=(site(1, **door),), deliveries=(delivery(1),), shifts=(shift(1),))


def test_the_door_says_what_it_needs() -> None:
    assert said(Reason.CREW, facts(crew=3)) == "Café 1 needs 3 people, the largest crew of Depot 1 has 1."
    assert said(Reason.SKILLS, facts(skills=("crane",))) == "Café 1 needs crane: no van of Depot 1 has all of it."
    assert said(Reason.ACCESS, facts(max_length_cm=100)) == (
        "Van 1 is an unknown size long, Café 1 takes 1.0 m, and no larger vehicle of Depot 1 fits."
    )
    assert said(Reason.CAPACITY, facts()) == "D-1 may not ride on Van 1 (access)."


def test_the_door_says_which_vehicles_may_come() -> None:
    assert said(Reason.ACCESS, facts(vehicles=("V-7", "V-8", "V-9"))) == (
        "Café 1 takes only the vehicles V-7, V-8 and V-9: none of them goes out from Depot 1 in this plan."
    )
    high = facts_of(
        sites=(site(1, vehicles=("V-2",), max_height_cm=250),), deliveries=(delivery(1),),
        shifts=(shift(1, van={"height_cm": 240}), shift(2, van={"number": "V-2", "height_cm": 310})),
    )  # fmt: skip
    # The one that may come is too high: of the other, its size is beside the point.
    assert said(Reason.ACCESS, high) == "Van 2 is 3.1 m high, Café 1 takes 2.5 m, and no other vehicle may come."


def test_the_door_says_when_motor_vehicles_may_come() -> None:
    street = {"motor_hours": (WallWindow(opens="06:00", closes="10:00"), WallWindow(opens="18:00", closes="22:00"))}
    assert said(Reason.ACCESS, facts(**street)) == (
        "Café 1 takes motor vehicles 06:00-10:00 and 18:00-22:00 only, Van 1 would not be there and gone in that time, "
        "and no bike of Depot 1 can bring it."
    )
    # Of two vans, one of which is too high, the one that fits is told.
    two = facts_of(
        sites=(site(1, max_height_cm=250, **street),), deliveries=(delivery(1),),
        shifts=(shift(1, van={"height_cm": 310}), shift(2, van={"height_cm": 240, "length_cm": 600})),
    )  # fmt: skip
    assert said(Reason.ACCESS, two).startswith("Café 1 takes motor vehicles 06:00-10:00 and 18:00-22:00 only, Van 2")


def test_a_load_is_said_in_kilograms() -> None:
    heavy = build.visit(1, 1, load=(281_760,))
    problem = build.problem(
        heavy, shifts=(build.shift(1, capacity=(110_000,), name="Bike 1"),), dimensions=("weight_g",)
    )
    answer = Timetable(problem).route(1, [1])
    assert isinstance(answer, Failure)
    assert answer.sentence == "Bike 1 may carry 110.0 kg, but 281.8 kg would be on board."
