"""Small problems of every kind, drawn by Hypothesis: every constraint of the model, alone and together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from routing.model.plans import CostScheme, Lock, Problem, Shipment, SpeedSlice, Travel, Window
from tests.routing.builders_plans import HOUR, MINUTE, between, pause, problem, shift, visit


@st.composite
def problems(draw: st.DrawFn, *, most: int = 7, locks: bool = True, by_clock: bool = False) -> Problem:
    """`by_clock`: ways take longer, or less, at some hours of the day."""
    places = draw(st.integers(2, 6))
    cells = st.integers(-1, 40)
    table = np.array([[draw(cells) for _ in range(places)] for _ in range(places)], dtype=np.int64)
    table = np.where(table < 0, -1, table * MINUTE)
    np.fill_diagonal(table, 0)
    hours = st.integers(6, 15)

    def windows() -> tuple[Window, ...]:
        starts = draw(st.lists(hours, min_size=1, max_size=2, unique=True))
        late = draw(st.sampled_from([0, 0, 0, 20 * MINUTE, 3 * HOUR]))
        return tuple(
            Window(start_s=h * HOUR, end_s=h * HOUR + draw(st.integers(0, 3 * HOUR)), late_s=late) for h in starts
        )

    strange = draw(st.integers(0, 3)) == 0
    street = draw(st.integers(0, 2)) == 0
    skills = st.frozensets(st.sampled_from(["crane", "cold"]), max_size=2)
    visits = tuple(
        visit(
            n + 1,
            draw(st.integers(0, places - 1)),
            service_s=draw(st.integers(0, 60)) * MINUTE,
            setup_s=draw(st.sampled_from([0, 0, 120, 900])),
            windows=windows() if draw(st.booleans()) else between(0, 24 * HOUR),
            motor_windows=tuple(replace(w, late_s=0) for w in windows()) if street and draw(st.booleans()) else (),
            load=(draw(st.integers(0, 6)), draw(st.integers(0, 3))),
            collect=(draw(st.sampled_from([0, 0, 4])), 0),
            tier=draw(st.integers(0, 2)),
            age=draw(st.integers(0, 9)),
            ready_s=draw(st.sampled_from([None, None, 9 * HOUR, 11 * HOUR])),
            skills=draw(skills) if draw(st.booleans()) else frozenset(),
            strangers=(owed := tuple((n, 900) for n in draw(st.sets(st.integers(1, 3), max_size=2)) if strange)),
            # What the page says of it apart: part of what is owed.
            off_run=tuple((n, 400) for n, _ in owed),
            changed=tuple((n, 300) for n, _ in owed),
            late_per_hour=draw(st.sampled_from([0, 3600, 70_000])),
            work_by_type=(("bike", 60 * draw(st.integers(0, 9)), 900),) if draw(st.integers(0, 3)) == 0 else (),
        )
        for n in range(draw(st.integers(0, most)))
    )
    decided_by_hand = locks and draw(st.booleans())
    shipments: tuple[Shipment, ...] = ()
    if not decided_by_hand and len(visits) > 1 and draw(st.booleans()):
        # The first two; in larger problems the next two as well.
        pairs = range(0, len(visits) - 1 if len(visits) > 3 else 2, 2)[:2]
        joined = [one.id for one in visits]
        shipments = tuple(
            Shipment(pickup=joined[n], delivery=joined[n + 1], amount=(draw(st.integers(0, 5)), 0)) for n in pairs
        )
        tier = {one.delivery: visits[n].tier for n, one in zip(pairs, shipments, strict=True)}
        visits = tuple(replace(one, tier=tier.get(one.id, one.tier)) for one in visits)
    noon = pause(2, at=(11 * HOUR, 12 * HOUR))
    rests = [
        (),
        (),
        (pause(),),
        (pause(1), noon),
        (replace(pause(), max_load=(2, 9)),),
        (pause(1), replace(noon, max_load=(0, 0))),
    ]
    even, near = draw(st.sampled_from([0, 0, 3600])), draw(st.sampled_from([0, 0, 70]))
    costs = [CostScheme(), CostScheme(per_travel_hour=3600, per_task_hour=1800), CostScheme(per_overtime_hour=9000)]
    costs.append(CostScheme(per_km=100, per_stop=800))
    shifts = tuple(
        shift(
            n + 1,
            start=draw(st.sampled_from([0, 0, 1, None])),
            end=draw(st.sampled_from([0, 0, 1, None])),
            start_s=draw(st.integers(5, 10)) * HOUR,
            end_s=draw(st.integers(11, 17)) * HOUR,
            capacity=(draw(st.integers(0, 15)), draw(st.integers(0, 9))),
            skills=draw(skills),
            breaks=draw(st.sampled_from(rests)),
            cost=draw(st.sampled_from([CostScheme(fixed=1000, per_hour=3600, per_km=100), *costs])),
            loading_s=draw(st.sampled_from([0, 600])),
            debrief_s=draw(st.sampled_from([0, 600])),
            overtime_s=draw(st.sampled_from([0, 0, 0, HOUR])),
            max_stops=draw(st.sampled_from([None, None, 2])),
            max_visits=draw(st.sampled_from([None, None, 3])),
            max_distance_m=draw(st.sampled_from([None, None, 50_000])),
            max_travel_s=draw(st.sampled_from([None, None, HOUR])),
            speed_factor=draw(st.sampled_from([1.0, 1.0, 0.7])),
            type=draw(st.sampled_from(["", "", "bike"])),
            motor=draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 3)))
    )
    if even or near:
        shifts = tuple(
            replace(one, cost=replace(one.cost, balance_per_hour=even, area_per_km=near))
            if draw(st.booleans())
            else one
            for one in shifts
        )
    if not shipments:
        shifts = tuple(
            replace(
                one,
                most_trips=draw(st.integers(1, 3)),
                reload_s=draw(st.sampled_from([0, 20 * MINUTE])),
                trips_out=draw(st.sampled_from([0, 0, 0, 1])),
            )
            if one.start is not None and one.start == one.end and draw(st.booleans())
            else one
            for one in shifts
        )
    decided: tuple[Lock, ...] = ()
    if decided_by_hand and visits and shifts:
        key = draw(st.sampled_from([one.id for one in visits]))
        where = draw(st.sampled_from([one.id for one in shifts]))
        trip = draw(st.sampled_from([None, None, 0, 1]))
        decided = (Lock(visit=key, shift=where, position=draw(st.sampled_from([None, 0, 1])), trip=trip),)
    borders = sorted(draw(st.sets(st.integers(20, 68), min_size=2, max_size=6))) if by_clock else []
    slices = tuple(
        SpeedSlice(
            profile="van", start_s=a * HOUR // 4, end_s=b * HOUR // 4, factor=draw(st.sampled_from([700, 1300, 2500]))
        )
        for a, b in zip(borders[::2], borders[1::2], strict=False)
    )
    of = problem(
        *visits,
        shifts=shifts,
        locks=decided,
        shipments=shipments,
        travel=Travel(durations_s=table, distances_m=np.where(table < 0, -1, table * 10)),
        dimensions=("kg", "pallets"),
    )
    return replace(of, speeds=slices)
