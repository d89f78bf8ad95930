"""Why a delivery was left out: proven impossible, or it competed and lost.

A delivery is proven impossible when no shift can serve it on a trip of its own, not even over the quickest chain of
legs by way of other doors (chains.py). Then every shift has a reason against
it, and the reasons of the shifts that came closest are told first: a van that is there twenty minutes late says more
than a bike that has no crane.
"""

from __future__ import annotations

from collections.abc import Sequence

from routing.model.plans import Lock, Plan, Problem, Reason, ShiftOffer, Unassigned, Visit
from routing.rules.chains import Chains
from routing.rules.schedule import Failure, Timetable

_CLOSEST_FIRST = (
    Reason.NOT_READY,
    Reason.WINDOW_UNREACHABLE,
    Reason.WINDOW_TOO_SHORT,
    Reason.SHIFT_TOO_SHORT,
    Reason.DRIVER_HOURS,
    Reason.CAPACITY,
    Reason.NO_ROAD,
    Reason.CREW,
    Reason.ACCESS,
    Reason.SKILLS,
)
"""How far a lone trip got before it failed: times are asked last, so a shift that fails there passed all else."""

OF_THE_ROAD = frozenset(
    {
        Reason.NOT_READY,
        Reason.WINDOW_UNREACHABLE,
        Reason.WINDOW_TOO_SHORT,
        Reason.SHIFT_TOO_SHORT,
        Reason.DRIVER_HOURS,
        Reason.NO_ROAD,
    }
)
"""What a quicker way may mend."""


def why_left_out(problem: Problem, plan: Plan, *, timetable: Timetable | None = None) -> tuple[Unassigned, ...]:
    """One entry for each visit of the problem that no route of the plan serves, in the problem's order.

    What a plan already gives as LOCKED_BY_YOU stays so: the lock, not the day, kept it out.
    """
    table = timetable or Timetable(problem)
    served = {key for route in plan.routes for key in route.visits}
    locked = {lock.visit: lock for lock in problem.locks}
    alone: dict[int, list[Failure]] = {}
    chains = Chains(table)
    out = []
    for visit in problem.visits:
        if visit.id in served:
            continue
        if visit.id in locked:
            out.append(_locked(table, visit, locked[visit.id]))
            continue
        failures = alone.setdefault(visit.id, [])
        for shift in _could_serve(visit, problem):
            answer = table.route(shift.id, together(table, visit.id))
            if not isinstance(answer, Failure):
                failures.clear()
                break
            failures.append(answer)
        else:
            unit = together(table, visit.id)
            by_way = any(
                (f.reason in OF_THE_ROAD or _of_the_street(table, f)) and chains.may_do(table.shifts[f.shift], unit)
                for f in failures
            )
            out.append(_impossible(visit, failures, by_way_of_others=by_way))
            continue
        out.append(
            Unassigned(
                visit=visit.id,
                reasons=(Reason.COMPETED_OUT,),
                proven=False,
                detail=f"{_name(visit)} fits on a trip of its own, but others came first: "
                "add hours or a van, or raise its tier.",
            )
        )
    return tuple(out)


def together(table: Timetable, visit: int) -> list[int]:
    """The visits of a trip of its own: of a shipment both, what is fetched first."""
    if visit in table.mate:
        return [visit, table.mate[visit]]
    if visit in table.pickup_of:
        return [table.pickup_of[visit], visit]
    return [visit]


def _could_serve(visit: Visit, problem: Problem) -> Sequence[ShiftOffer]:
    """The shifts that were considered for it: that the vans of another depot may not come is no reason of this door.
    All, when none was."""
    shut_out = {shift for shift, _ in visit.why_not}
    considered = [
        shift for shift in problem.shifts if visit.shifts is None or shift.id in visit.shifts or shift.id in shut_out
    ]
    return considered or problem.shifts


def _impossible(visit: Visit, failures: list[Failure], *, by_way_of_others: bool) -> Unassigned:
    if not failures:
        return Unassigned(
            visit=visit.id, reasons=(Reason.DRIVER_HOURS,), proven=True, detail="No shift is offered: nobody drives."
        )
    failures = sorted(failures, key=_closeness)
    reasons = tuple(dict.fromkeys(failure.reason for failure in failures))
    detail = failures[0].sentence
    if by_way_of_others:
        detail += " So it is on a trip of its own: by way of other doors, where the roads are quicker, it may fit."
    return Unassigned(visit=visit.id, reasons=reasons, proven=not by_way_of_others, detail=detail)


def _of_the_street(table: Timetable, failure: Failure) -> bool:
    """Whether it failed at the hours in which motor vehicles may drive to a door: what is quicker may keep them."""
    visit = None if failure.visit is None else table.visits[failure.visit]
    shift = table.shifts[failure.shift]
    return (
        failure.reason is Reason.ACCESS
        and visit is not None
        and shift.motor
        and bool(visit.motor_windows)
        and (visit.shifts is None or shift.id in visit.shifts)
    )


def _locked(table: Timetable, visit: Visit, lock: Lock) -> Unassigned:
    answer = table.route(lock.shift, [visit.id])
    name = table.shifts[lock.shift].name or f"shift {lock.shift}"
    if lock.position is not None:
        name = f"place {lock.position + 1} of {name}"
    if isinstance(answer, Failure):
        return Unassigned(
            visit=visit.id,
            reasons=(Reason.LOCKED_BY_YOU, answer.reason),
            proven=True,
            detail=f"{_name(visit)} is locked to {name}. {answer.sentence} Take the lock off.",
        )
    beside = "where it does not fit beside the rest"
    if lock.position:
        beside += f", or fewer than {lock.position} can ride before it"
    return Unassigned(
        visit=visit.id,
        reasons=(Reason.LOCKED_BY_YOU,),
        proven=False,
        detail=f"{_name(visit)} is locked to {name}, {beside}. Take the lock off.",
    )


def _closeness(failure: Failure) -> tuple[int, int]:
    rank = _CLOSEST_FIRST.index(failure.reason) if failure.reason in _CLOSEST_FIRST else len(_CLOSEST_FIRST)
    return rank, failure.amount


def _name(visit: Visit) -> str:
    return visit.name or f"Delivery {visit.id}"
