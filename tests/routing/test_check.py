"""Each thing the checker can object to, with a plan that was broken on purpose."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from routing.model.plans import Break, CostScheme, Lock, Plan, Problem, Reason, Shipment, Unassigned, Window
from routing.rules import check
from routing.rules.check import violations
from tests.routing.builders_plans import HOUR, MINUTE, between, line, pause, plan, problem, shift, visit


def codes(of: Plan, day: Problem) -> set[str]:
    return {one.code for one in violations(of, day)}


def day(**changes: object) -> Problem:
    one, two = visit(1, 3, ready_s=8 * HOUR, setup_s=60), visit(2, 5, windows=between(9 * HOUR, 10 * HOUR))
    return problem(one, two, shifts=(shift(loading_s=600, debrief_s=600, breaks=(pause(),), **changes),))


def test_a_plan_as_the_schedule_times_it_has_no_violation() -> None:
    assert violations(plan(day(), {1: [1, 2]}), day()) == []


def route(**changes: object) -> Callable[[Plan], Plan]:
    return lambda p: replace(p, routes=(replace(p.routes[0], **changes),))


def trip(**changes: object) -> Callable[[Plan], Plan]:
    return lambda p: route(trips=(replace(p.routes[0].trips[0], **changes),))(p)


def stop(n: int, **changes: object) -> Callable[[Plan], Plan]:
    def change(p: Plan) -> Plan:
        stops = list(p.routes[0].stops)
        stops[n] = replace(stops[n], **changes)
        return trip(stops=tuple(stops))(p)

    return change


def rest(**changes: object) -> Callable[[Plan], Plan]:
    return lambda p: route(breaks=(replace(p.routes[0].breaks[0], **changes),))(p)


@pytest.mark.parametrize(
    ("code", "spoil"),
    [
        ("unknown_shift", route(shift=9)),
        ("shift_twice", lambda p: replace(p, routes=p.routes * 2)),
        ("visit_twice", lambda p: replace(p, routes=p.routes * 2)),
        ("unknown_visit", stop(0, visits=(9,))),
        ("visit_missing", lambda p: replace(p, routes=())),
        ("empty_route", trip(stops=())),
        ("wrong_place", stop(0, place=4)),
        ("travel", stop(0, arrival_s=8 * HOUR)),
        ("travel", stop(0, travel_s=1)),
        ("travel", stop(0, distance_m=1)),
        ("travel", trip(distance_m=1)),
        ("order", stop(1, start_s=8 * HOUR)),
        ("order", lambda p: route(trips=p.routes[0].trips * 2)(p)),
        ("service", stop(0, departure_s=11 * HOUR)),
        ("window", stop(1, start_s=11 * HOUR)),
        ("ready", trip(departure_s=7 * HOUR)),
        ("shift_hours", route(start_s=7 * HOUR)),
        ("shift_hours", route(end_s=13 * HOUR)),
        ("loading", lambda p: route(start_s=p.routes[0].trips[0].departure_s)(p)),
        ("debrief", lambda p: route(end_s=p.routes[0].trips[0].return_s)(p)),
        ("break_missing", route(breaks=())),
        ("break_unknown", rest(break_id=7)),
        ("break_length", rest(end_s=12 * HOUR)),
        ("break_window", rest(start_s=8 * HOUR, end_s=8 * HOUR + 1800)),
        ("break_overlap", rest(after_stop=0)),
        ("break_overlap", rest(after_stop=5)),
        ("load", stop(0, load=(7,))),
        ("load", stop(0, load=())),
        ("cost", route(cost=1)),
        ("cost", lambda p: replace(p, cost=1)),
        ("tiers", lambda p: replace(p, served_by_tier=((0, 9),))),
    ],
)
def test_a_broken_plan_is_found_out(code: str, spoil: Callable[[Plan], Plan]) -> None:
    whole = plan(day(), {1: [1, 2]})
    assert code in codes(spoil(whole), day())


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("capacity", {"capacity": (1,)}),
        ("max_stops", {"max_stops": 1}),
        ("max_visits", {"max_visits": 1}),
        ("max_distance", {"max_distance_m": 9999}),
        ("max_travel", {"max_travel_s": 599}),
        ("shift_hours", {"end_s": 9 * HOUR}),
    ],
)
def test_a_plan_for_a_larger_shift_is_found_out(code: str, changes: dict) -> None:
    assert code in codes(plan(day(), {1: [1, 2]}), day(**changes))


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("skills", {"skills": frozenset({"crane"})}),
        ("shift_not_allowed", {"shifts": frozenset({2})}),
        ("ready", {"ready_s": 11 * HOUR}),
    ],
)
def test_a_plan_for_an_easier_visit_is_found_out(code: str, changes: dict) -> None:
    easy = problem(visit(1, 3))
    assert code in codes(plan(easy, {1: [1]}), problem(visit(1, 3, **changes)))


def test_a_motor_vehicle_in_a_street_that_is_closed_to_it_is_found_out_and_a_bike_is_not() -> None:
    street = {"motor_windows": (Window(start_s=9 * HOUR, end_s=10 * HOUR),)}
    for motor, found in ((True, {"motor_hours"}), (False, set())):
        shifts = (shift(motor=motor),)
        at_once = plan(problem(visit(1, 3), shifts=shifts), {1: [1]})
        assert codes(at_once, problem(visit(1, 3, **street), shifts=shifts)) == found
        gone = (Lock(visit=1, shift=1, position=0, done=True),)
        assert codes(at_once, problem(visit(1, 3, **street), shifts=shifts, locks=gone)) == set()


def test_a_price_of_overtime_or_lateness_that_was_not_counted_is_found_out() -> None:
    rates = CostScheme(per_overtime_hour=3600)
    over = problem(visit(1, 3, service_s=HOUR), shifts=(shift(end_s=9 * HOUR, overtime_s=HOUR, cost=rates),))
    assert violations(plan(over, {1: [1]}), over) == []
    assert codes(plan(over, {1: [1]}), replace(over, shifts=(replace(over.shifts[0], cost=CostScheme()),))) == {"cost"}
    less = replace(over.shifts[0], overtime_s=5 * MINUTE)
    assert codes(plan(over, {1: [1]}), replace(over, shifts=(less,))) == {"shift_hours"}
    window = Window(start_s=0, end_s=8 * HOUR, late_s=10 * MINUTE)
    late = problem(visit(1, 3, windows=(window,), late_per_hour=3600))
    assert violations(plan(late, {1: [1]}), late) == []
    free = replace(late, visits=(replace(late.visits[0], late_per_hour=0),))
    assert codes(plan(late, {1: [1]}), free) == {"cost"}
    strict = replace(late, visits=(visit(1, 3, windows=between(0, 8 * HOUR), late_per_hour=3600),))
    assert codes(plan(late, {1: [1]}), strict) == {"window"}


def test_a_price_of_a_new_driver_that_was_not_counted_is_found_out() -> None:
    new = problem(visit(1, 3, strangers=((1, 900),)), visit(2, 3, strangers=((1, 900),)), visit(3, 4))
    assert violations(plan(new, {1: [1, 2, 3]}), new) == []
    known = replace(new, visits=tuple(replace(one, strangers=()) for one in new.visits))
    assert codes(plan(new, {1: [1, 2, 3]}), known) == {"cost"}
    assert codes(plan(known, {1: [1, 2, 3]}), new) == {"cost"}


@pytest.mark.parametrize(
    "rates", [CostScheme(balance_per_hour=3600), CostScheme(area_per_km=900), CostScheme(per_stop=350)]
)
def test_a_price_of_balance_area_or_a_stop_that_was_not_counted_is_found_out(rates: CostScheme) -> None:
    priced = problem(visit(1, 3), visit(2, 8), visit(3, 8), shifts=(shift(cost=rates),))
    made = plan(priced, {1: [1, 2, 3]})
    assert made.cost > 0
    assert violations(made, priced) == []
    assert codes(made, replace(priced, shifts=(shift(cost=CostScheme()),))) == {"cost"}
    assert codes(plan(priced, {1: [2, 1, 3]}), priced) == set()


def test_a_road_that_is_not_there_is_found_out() -> None:
    broken = line(4)
    broken.durations_s[0, 3] = -1
    assert "no_road" in codes(plan(problem(visit(1, 3)), {1: [1]}), problem(visit(1, 3), travel=broken))


def test_a_collection_on_top_of_a_full_van_is_found_out() -> None:
    give, take = visit(1, 3, load=(10,)), visit(2, 5, load=(0,), collect=(10,))
    small, large = problem(give, take), problem(give, take, shifts=(shift(capacity=(20,)),))
    assert codes(plan(large, {1: [2, 1]}), small) == {"capacity"}


def test_two_breaks_at_once_are_found_out() -> None:
    two = problem(visit(1, 3), shifts=(shift(breaks=(pause(1), pause(2))),))
    whole = plan(two, {1: [1]})
    one, other = whole.routes[0].breaks
    together = replace(other, start_s=one.start_s, end_s=one.end_s)
    assert "break_overlap" in codes(route(breaks=(one, together))(whole), two)


@pytest.mark.parametrize(
    "lock", [Lock(visit=1, shift=2), Lock(visit=1, shift=1, position=1), Lock(visit=3, shift=1, done=True)]
)
def test_a_lock_that_was_not_kept_is_found_out(lock: Lock) -> None:
    free = problem(visit(1, 3), visit(2, 5), visit(3, 6), shifts=(shift(), shift(2)))
    out = (Unassigned(visit=3, reasons=(Reason.LOCKED_BY_YOU,), proven=False),)
    assert codes(plan(free, {1: [1, 2]}, left_out=out), replace(free, locks=(lock,))) == {"lock"}


def test_a_locked_visit_may_be_left_out_under_its_own_reason() -> None:
    free = problem(visit(1, 3), visit(3, 6))
    out = (Unassigned(visit=3, reasons=(Reason.LOCKED_BY_YOU,), proven=False),)
    assert violations(plan(free, {1: [1]}, left_out=out), replace(free, locks=(Lock(visit=3, shift=1),))) == []


def test_a_done_visit_is_not_judged_by_window_and_ready_time() -> None:
    late = problem(
        visit(1, 3, windows=between(0, HOUR), ready_s=11 * HOUR), locks=(Lock(visit=1, shift=1, position=0, done=True),)
    )
    assert violations(plan(late, {1: [1]}), late) == []


def shipped(shipments: tuple[Shipment, ...], **changes: object) -> Problem:
    return problem(visit(1, 2), visit(2, 6), visit(3, 7), shifts=(shift(**changes), shift(2)), shipments=shipments)


def test_a_shipment_that_is_not_brought_afterwards_by_the_same_van_is_found_out() -> None:
    joined = shipped((Shipment(pickup=1, delivery=2, amount=(5,)),))
    alone = shipped(())
    assert codes(plan(joined, {1: [1, 2, 3]}), joined) == set()
    assert "shipment" in codes(plan(alone, {1: [2, 1, 3]}), joined)
    assert "shipment" in codes(plan(alone, {1: [1, 3], 2: [2]}), joined)
    left_out = (Unassigned(visit=2, reasons=(Reason.COMPETED_OUT,), proven=False),)
    assert "shipment" in codes(plan(alone, {1: [1, 3]}, left_out=left_out), joined)


def test_what_a_shipment_weighs_on_board_is_found_out() -> None:
    assert {"load", "capacity"} <= codes(
        plan(shipped(()), {1: [1, 2, 3]}), shipped((Shipment(pickup=1, delivery=2, amount=(9,)),))
    )


def test_a_break_with_too_much_on_board_is_found_out() -> None:
    def resting(limit: tuple[int, ...] | None) -> Problem:
        tea = Break(id=1, duration_s=60, windows=between(8 * HOUR, 8 * HOUR), max_load=limit)
        return problem(visit(1, 2), shifts=(shift(breaks=(tea,)),))

    assert codes(plan(resting((1,)), {1: [1]}), resting((1,))) == set()
    assert codes(plan(resting(None), {1: [1]}), resting((0,))) == {"break_load"}


def test_times_of_another_type_of_vehicle_are_found_out() -> None:
    one = visit(1, 2, work_by_type=(("bike", 0, 60),))
    bike, van = (problem(one, shifts=(shift(type=kind),)) for kind in ("bike", ""))
    assert codes(plan(bike, {1: [1]}), bike) == set()
    assert "service" in codes(plan(van, {1: [1]}), bike)


def test_hours_at_the_door_are_counted_in_the_cost() -> None:
    free, paid = (problem(visit(1, 2), shifts=(shift(cost=CostScheme(per_task_hour=n)),)) for n in (0, 3600))
    assert codes(plan(paid, {1: [1]}), paid) == set()
    assert codes(plan(free, {1: [1]}), paid) == {"cost"}


def test_the_table_of_codes_names_every_violation_that_is_found() -> None:
    table = [line.split("|")[1] for line in (check.__doc__ or "").splitlines() if line.startswith("| ")]
    named = {word for cell in table for word in re.findall(r"\w+", cell)} - {"code"}
    words = {node.value for node in ast.walk(ast.parse(inspect.getsource(check))) if isinstance(node, ast.Constant)}
    said = {word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z]{2,}(_[a-z]+)*", word)}
    assert said == named
