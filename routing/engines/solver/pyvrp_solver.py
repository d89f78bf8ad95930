"""PyVRP as a searcher of what a walk has found: strong where routes are long and windows wide, and on few stops.

It is asked only about days it can express: everybody is served, one window each, no breaks, locks, skills or limits of
a route beyond its hours and its load. Its answer is only an offer: the schedule prices it, the checker judges it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from math import log
from typing import Any

import numpy as np
import pyvrp
from pyvrp.search import (
    OPERATORS,
    LocalSearch,
    NeighbourhoodParams,
    PerturbationManager,
    PerturbationParams,
    compute_neighbours,
)

from routing.engines.solver import layout
from routing.engines.solver.walk import RuinAndRecreate

_LEAST = 20
"""Of fewer visits the walk finds the best by itself."""
_NEIGHBOURS = 30
"""Of each visit, where many cool down together: a third more rounds than with its own fifty; of twenty, days of long
routes have too few to leave a poor plan."""
_LATER = 5.0
"""So many times as dear as a second of driving is at first a second too late."""
_HOT_OF, _HOT, _MILDER, _HOTTEST = 1_000, 0.3, 0.75, 1.0
"""Temperature at the beginning of its rounds of so many visits, in costs of an average visit; with fewer visits it is
higher by this power, up to so much: there are more rounds for each. Evidence: long routes of 200, 400 and 1,000 stops,
three temperatures each."""
_COOLS_TO = 0.08
"""Of that, at their end."""
_MOVED_AT_ONCE = (10, 25)
"""Visits that a round moves before it searches. PyVRP's own from one on: of one or two the search undoes what was done,
and of 1,000 stops the gap was a quarter larger."""
_FAR = 2**31
_DEAREST = 2**17
"""Its penalties end at 100,000 a unit of time or load: a leg must not cost much more than that."""
_CLOSED = 2**26
"""Seconds of a leg that no road joins: longer than any day (plain_walk.py), small enough to be summed and weighed."""


def searched(
    walk: RuinAndRecreate,
    *,
    seed: int,
    stopped: Callable[[], bool],
    rounds: int | None,
    part: Callable[[], float],
) -> None:
    """Searches on from the best of `walk`, which takes what is better, until `stopped` or for so many rounds of its.

    `part` tells how much of the time is over, 0 to 1: its rounds cool down with the time (or the rounds) and are cold
    at its end, where PyVRP's own way of accepting stands still early or is not done by then."""
    if not can_be_asked(walk.day) or not walk.serves_all:
        return
    data = _data(walk.day)
    begin = pyvrp.Solution(data, _routes_of(walk, data))
    if not begin.is_feasible():
        return

    class Stop:
        done = 0

        def __call__(self, best_cost: float) -> bool:
            del best_cost
            self.done += 1
            return stopped() or (rounds is not None and self.done > rounds)

    stop = Stop()
    with warnings.catch_warnings():
        # That its penalties are at their end is no news to anybody here: what it finds is judged.
        warnings.simplefilter("ignore", pyvrp.exceptions.PenaltyBoundWarning)
        gone = part if rounds is None else lambda: stop.done / max(rounds, 1)
        best = _cooled(data, begin, seed % 2**32, stop, gone)
    if best.is_feasible():
        walk.take(_lines_of(walk, best))


def _cooled(
    data: pyvrp.ProblemData,
    begin: pyvrp.Solution,
    seed: int,
    stop: Callable[[float], bool],
    part: Callable[[], float],
) -> pyvrp.Solution:
    """PyVRP's iterated local search, annealed: its moves and its penalties, another rule of what is accepted."""
    random = pyvrp.RandomNumberGenerator(seed=seed)
    neighbours = compute_neighbours(data, NeighbourhoodParams(num_neighbours=_NEIGHBOURS))
    search = LocalSearch(data, random, neighbours, PerturbationManager(PerturbationParams(*_MOVED_AT_ONCE)))
    for operator in OPERATORS:
        if operator.supports(data):
            search.add_operator(operator(data))
    penalties = _penalties(data, begin)
    best = current = begin
    price = penalties.cost_evaluator()
    hot = min(_HOTTEST, _HOT * (_HOT_OF / data.num_clients) ** _MILDER) * price.cost(begin) / data.num_clients
    while not stop(price.cost(best)):
        heat = hot * _COOLS_TO ** min(1.0, part())
        price = penalties.cost_evaluator()
        found = search(current, price, exhaustive=False)
        penalties.register(found)
        if price.cost(found) < price.cost(best):
            best = found
            found = search(found, price, exhaustive=True)
            if found.is_feasible():
                best = found
        if price.penalised_cost(found) < price.penalised_cost(current) - heat * log(random.rand() or 1e-300):
            current = found
    return best


def _penalties(data: pyvrp.ProblemData, begin: pyvrp.Solution) -> pyvrp.PenaltyManager:
    """What plans that do not quite fit pay at first for each unit of load or time too much: what `begin` pays for one.

    PyVRP itself begins at 50,000 and comes down by a tenth every 500 rounds: of 1,000 visits it is twenty seconds until
    it tries such plans at all, and the shortest way from one good plan to another leads through them."""
    dear = pyvrp.CostEvaluator([0.0] * data.num_load_dimensions, 0.0, 0.0).cost(begin)
    loads = np.array([[*map(max, client.delivery, client.pickup)] for client in data.clients()], dtype=np.float64)
    seconds = sum(route.travel_duration() for route in begin.routes())
    first = [dear / max(float(load), 1.0) for load in loads.sum(axis=0)]
    return pyvrp.PenaltyManager((first, _LATER * dear / max(seconds, 1), 1.0))


def can_be_asked(day: layout.Day) -> bool:
    """Whether PyVRP knows everything that counts on this day."""
    shift, visit = day.shift, day.visit
    opens, closes = visit[:, layout.WINDOW :: 2], visit[:, layout.WINDOW + 1 :: 2]
    flags = day.flags.copy()
    overtime = shift[:, layout.PER_OVERTIME_HOUR] * (shift[:, layout.UNTIL] - shift[:, layout.OVER])
    flags[[layout.COST_IS_TRAVEL, layout.WAITING_COSTS]] = 0
    anywhere = day.seconds.shape[1] - 1
    open_ = day.seconds < layout.BLOCKED
    return bool(
        len(shift)
        and len(visit) >= _LEAST
        and not overtime.any()
        and int(np.where(open_, day.seconds, 0).max()) < _CLOSED
        and int(np.where(day.prices < layout.BLOCKED, day.prices, 0).max()) < _CLOSED
        and not flags.any()
        and not shift[:, [layout.PAUSES, layout.CAREFUL, layout.PER_TASK_HOUR]].any()
        and (shift[:, layout.MOST_VISITS] >= len(visit)).all()
        and (shift[:, [layout.START, layout.END]] != anywhere).all()
        and (shift[:, layout.LEAVE] < shift[:, layout.UNTIL]).all()
        and not visit[:, [layout.SETUP, layout.DONE, layout.FIXED]].any()
        and (opens == opens[:, :1]).all()
        and (closes == closes[:, :1]).all()
        and day.may.all()
    )


def _data(day: layout.Day) -> pyvrp.ProblemData:
    shift, visit = day.shift, day.visit
    base = int(shift[:, layout.LEAVE].min())
    doors = sorted({int(place) for place in shift[:, [layout.START, layout.END]].flat})
    # What a leg costs is its distance to PyVRP; of the paid hour it must know the driving and the waiting apart.
    tariffs = {int(row[layout.TARIFF]): row for row in shift}
    unit = _unit(day)
    distances: list[Any] = []
    durations: list[Any] = []
    number = {}
    for tariff, row in tariffs.items():
        number[tariff] = len(distances)
        seconds, prices = day.seconds[row[layout.SPEED]][:-1, :-1], day.prices[tariff][:-1, :-1]
        paid = row[layout.PER_HOUR] / 3600
        closed = seconds >= layout.BLOCKED
        driven = np.where(closed, 0, np.rint((prices - paid * np.where(closed, 0, seconds)) / unit))
        distances.append(np.where(closed, _CLOSED, driven).astype(np.int64))
        durations.append(np.where(closed, _CLOSED, seconds).astype(np.int64))
        np.fill_diagonal(distances[-1], 0)
        np.fill_diagonal(durations[-1], 0)
    dimensions = day.capacity.shape[1]
    types = []
    for first, end in day.kinds:
        row = shift[first]
        hour = int(row[layout.PER_HOUR])
        types.append(
            pyvrp.VehicleType(
                num_available=int(end - first),
                capacity=day.capacity[first].tolist(),
                start_depot=doors.index(int(row[layout.START])),
                end_depot=doors.index(int(row[layout.END])),
                fixed_cost=round((int(row[layout.HIRE]) + hour * int(row[layout.STANDING]) / 3600) / unit),
                tw_early=int(row[layout.LEAVE]) - base,
                tw_late=int(row[layout.UNTIL]) - base,
                unit_duration_cost=round(hour / 3600 / unit),
                profile=number[int(row[layout.TARIFF])],
            )
        )
    return pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(day.seconds.shape[1] - 1)],
        clients=[
            pyvrp.Client(
                location=int(row[layout.PLACE]),
                delivery=day.load[x, :dimensions].tolist(),
                service_duration=int(row[layout.SERVICE]),
                tw_early=_clipped(row[layout.WINDOW] - base),
                tw_late=_clipped(row[layout.WINDOW + 1] - base),
            )
            for x, row in enumerate(visit)
        ],
        depots=[pyvrp.Depot(location=place) for place in doors],
        vehicle_types=types,
        distance_matrices=distances,
        duration_matrices=durations,
    )


def _unit(day: layout.Day) -> float:
    """In what PyVRP counts money: what divides all prices, or coarser."""
    prices = day.prices[day.prices < layout.BLOCKED]
    hour = int(day.shift[:, layout.PER_HOUR].max())
    divisor = int(np.gcd(np.gcd.reduce(prices), np.gcd.reduce(day.shift[:, layout.HIRE]))) if not hour else 1
    unit = max(float(divisor), int(prices.max(initial=0)) / _DEAREST)
    # The paid second is a whole number too: a hundredth of it must not be lost.
    return min(unit, max(1.0, hour / 3600 / 100)) if hour else max(1.0, unit)


def _clipped(time: int) -> int:
    return max(0, min(int(time), _FAR))


def _routes_of(walk: RuinAndRecreate, data: pyvrp.ProblemData) -> list[pyvrp.Route]:
    kind = np.zeros(len(walk.shifts), dtype=np.int64)
    for number, (first, end) in enumerate(walk.day.kinds):
        kind[first:end] = number
    return [pyvrp.Route(data, rows, int(kind[k])) for k, rows in enumerate(walk.lines) if rows]


def _lines_of(walk: RuinAndRecreate, found: pyvrp.Solution) -> list[list[int]]:
    """Rows of visits per shift: the routes of a type on its shifts in turn."""
    lines: list[list[int]] = [[] for _ in walk.shifts]
    free = [int(first) for first, _ in walk.day.kinds]
    for route in found.routes():
        kind = route.vehicle_type()
        lines[free[kind]] = [activity.idx for activity in route if activity.is_client()]
        free[kind] += 1
    return lines
