"""Other solvers on the same problem: one core, the same seconds. Each answers the visits per shift, or None.

They are asked as their own documentation asks; what they answer is timed and judged by our schedule and checker. The
seconds are of the process's own work, so that a busy machine treats all alike.
"""

from __future__ import annotations

from datetime import timedelta
from time import process_time

import numpy as np
import pyvrp
import vroom
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from routing.engines.solver.insertion import Routes
from routing.model.plans import Problem

_PATIENCE = 5
"""So many times its seconds of work OR-Tools may take by the clock on the wall."""


def pyvrp_routes(problem: Problem, *, seconds: float, seed: int) -> Routes | None:
    travel, shifts = problem.travel["van"], problem.shifts
    day = (shifts[0].start_s, shifts[0].end_s)
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in problem.places],
        clients=[
            pyvrp.Client(
                location=visit.place,
                delivery=list(visit.load),
                service_duration=visit.service_s,
                tw_early=visit.windows[0].start_s,
                tw_late=visit.windows[0].end_s,
            )
            for visit in problem.visits
        ],
        depots=[pyvrp.Depot(location=0, tw_early=day[0], tw_late=day[1])],
        vehicle_types=[
            pyvrp.VehicleType(
                num_available=len(shifts), capacity=list(shifts[0].capacity), tw_early=day[0], tw_late=day[1]
            )
        ],
        distance_matrices=[travel.distances_m],
        duration_matrices=[travel.durations_s],
    )
    began = process_time()
    found = pyvrp.solve(data, stop=lambda _: process_time() - began > seconds, seed=seed, display=False)
    if not found.best.is_feasible():
        return None
    routes = {}
    for shift, route in zip(shifts, found.best.routes(), strict=False):
        routes[shift.id] = [problem.visits[activity.idx].id for activity in route if activity.is_client()]
    return routes


def vroom_routes(problem: Problem, *, seconds: float, seed: int) -> Routes | None:
    """VROOM knows no seed: its answer is the same each time. It ends when it finds nothing better. It reads no other
    clock than the wall's: on a busy machine give it more of that."""
    del seed
    travel = problem.travel["van"]
    asked = vroom.Input()
    asked.set_durations_matrix(profile="car", matrix_input=travel.durations_s.astype(np.uint32))
    asked.set_costs_matrix(profile="car", matrix_input=travel.distances_m.astype(np.uint32))
    for shift in problem.shifts:
        window = vroom.TimeWindow(shift.start_s, shift.end_s)
        asked.add_vehicle(vroom.Vehicle(shift.id, start=0, end=0, capacity=list(shift.capacity), time_window=window))
    for visit in problem.visits:
        window = vroom.TimeWindow(visit.windows[0].start_s, visit.windows[0].end_s)
        asked.add_job(
            vroom.Job(
                visit.id,
                location=visit.place,
                default_service=visit.service_s,
                delivery=vroom.Amount(list(visit.load)),
                time_windows=[window],
            )
        )
    found = asked.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=seconds)).to_dict()
    if found["unassigned"]:
        return None
    return {
        route["vehicle"]: [step["id"] for step in route["steps"] if step["type"] == "job"] for route in found["routes"]
    }


def ortools_routes(problem: Problem, *, seconds: float, seed: int) -> Routes | None:
    """As OR-Tools' own examples do it: the cheapest arc first, then guided local search. It takes no seed."""
    del seed
    travel = problem.travel["van"]
    manager = pywrapcp.RoutingIndexManager(len(problem.places), len(problem.shifts), 0)
    model = pywrapcp.RoutingModel(manager)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(travel.distances_m.tolist()))
    service = np.array([0] + [visit.service_s for visit in problem.visits], dtype=np.int64)
    time = model.RegisterTransitMatrix((travel.durations_s + service[:, None]).tolist())
    end = problem.shifts[0].end_s
    model.AddDimension(time, end, end, False, "time")
    clock = model.GetDimensionOrDie("time")
    load = model.RegisterUnaryTransitVector([0] + [visit.load[0] for visit in problem.visits])
    model.AddDimension(load, 0, problem.shifts[0].capacity[0], True, "load")
    for visit in problem.visits:
        clock.CumulVar(manager.NodeToIndex(visit.place)).SetRange(visit.windows[0].start_s, visit.windows[0].end_s)
    search = pywrapcp.DefaultRoutingSearchParameters()
    search.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    search.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    search.time_limit.FromSeconds(round(seconds * _PATIENCE))
    began = process_time()

    def end_in_time() -> None:
        if process_time() - began > seconds:
            model.solver().FinishCurrentSearch()

    model.AddAtSolutionCallback(end_in_time)
    found = model.SolveWithParameters(search)
    if found is None:
        return None
    routes: Routes = {}
    for number, shift in enumerate(problem.shifts):
        ids, index = [], found.Value(model.NextVar(model.Start(number)))
        while not model.IsEnd(index):
            ids.append(problem.visits[manager.IndexToNode(index) - 1].id)
            index = found.Value(model.NextVar(index))
        routes[shift.id] = ids
    return routes
