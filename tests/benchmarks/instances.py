"""Routing problems to measure plans on: files in Solomon's format, or generated after Gehring & Homberger (1999).

Convention of the 12th DIMACS challenge: d = floor(10 x euclid) / 10 is distance and travel time; the objective is the
distance; the fleet of the file is a limit. Here everything is an integer x 10.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing.model.plans import CostScheme, Place, Problem, ShiftOffer, Travel, Visit, Window

FOLDER = Path(os.environ.get("BACKROUTE_VRP", Path(__file__).parents[3] / "shared" / "vrp"))
"""`vrptw/NAME.txt` and `bks.csv` (columns instance, bks_distance); without it, instances are generated."""

PER_METRE = 1_000_000
"""So that a plan costs exactly its distance, in thousandths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """`best` is the best known distance x 10, None where nobody has published one."""

    name: str
    problem: Problem
    best: int | None

    @property
    def stops(self) -> int:
        return len(self.problem.visits)


def _instance(name: str, rows: NDArray[np.float64], vans: int, capacity: int, best: int | None) -> Instance:
    """`rows`: number, x, y, demand, opens, closes, service; the depot first."""
    xy = rows[:, 1:3]
    # Row by row: at 5,000 stops the differences at once would be a gigabyte.
    apart = np.array([np.floor(10 * np.hypot(*(xy - here).T) + 1e-9) for here in xy], dtype=np.int64)
    tenths = np.rint(rows * 10).astype(np.int64)
    visits = tuple(
        Visit(
            id=n,
            place=n,
            service_s=int(tenths[n, 6]),
            windows=(Window(start_s=int(tenths[n, 4]), end_s=int(tenths[n, 5])),),
            load=(int(rows[n, 3]),),
            collect=(0,),
        )
        for n in range(1, len(rows))
    )
    shifts = tuple(
        ShiftOffer(
            id=van,
            profile="van",
            start=0,
            end=0,
            start_s=int(tenths[0, 4]),
            end_s=int(tenths[0, 5]),
            capacity=(capacity,),
            cost=CostScheme(per_km=PER_METRE),
        )
        for van in range(1, vans + 1)
    )
    problem = Problem(
        epoch=datetime(2026, 3, 3, tzinfo=UTC),
        dimensions=("pieces",),
        places=tuple(Place(index=n, name=str(n)) for n in range(len(rows))),
        travel={"van": Travel(durations_s=apart, distances_m=apart)},
        visits=visits,
        shifts=shifts,
    )
    return Instance(name=name, problem=problem, best=best)


def published(stops: int, *, most: int, only: Collection[str] = ()) -> list[Instance]:
    """Up to `most` instances of so many stops from `FOLDER`, spread over the classes; or exactly those named `only`.
    Empty when the folder is not there."""
    if not (FOLDER / "bks.csv").exists():
        return []
    with (FOLDER / "bks.csv").open() as file:
        best = {row["instance"]: float(row["bks_distance"]) for row in csv.DictReader(file)}
    found = []
    for path in sorted((FOLDER / "vrptw").glob("*.txt")):
        if only and path.stem not in only:
            continue
        lines = path.read_text().splitlines()
        at = next(n for n, line in enumerate(lines) if "NUMBER" in line)
        vans, capacity = (int(word) for word in lines[at + 1].split())
        rows = np.array([[float(word) for word in line.split()] for line in lines[at + 2 :] if len(line.split()) == 7
                         and line.split()[0].isdigit()])  # fmt: skip
        if len(rows) == stops + 1:
            known = round(best[path.stem] * 10) if path.stem in best else None
            found.append((path.stem, rows, vans, capacity, known))
    if not only:
        # Spread over the classes rather than the first ones of the alphabet.
        found = found[:: max(1, len(found) // most)][:most]
    return [_instance(name, rows, vans, capacity, known) for name, rows, vans, capacity, known in found]


KINDS = ("C1", "R1", "RC1", "C2", "R2", "RC2")


def generated(stops: int, *, kind: str, seed: int) -> Instance:
    """After Gehring & Homberger (1999): doors in clusters (C), anywhere (R) or half and half (RC); short days of about
    ten doors a van (1) or long ones of some forty (2). As many doors a square kilometre at every size."""
    chance = np.random.default_rng(seed)
    side = 500 * np.sqrt(stops / 1_000)
    in_clusters = {"C": stops, "R": 0, "RC": stops // 2}[kind[:-1]]
    centres = chance.uniform(0.05 * side, 0.95 * side, (max(1, stops // 50), 2))
    around = chance.normal(0, 7, (in_clusters, 2))
    clustered = np.clip(centres[chance.integers(0, len(centres), in_clusters)] + around, 0, side)
    xy = np.vstack([[side / 2, side / 2], clustered, chance.uniform(0, side, (stops - in_clusters, 2))]).round()
    long = kind.endswith("2")
    day = round((15.4 if long else 3.85) * side)
    service = 90 if kind.startswith("C") else 10
    capacity = 1_000 if long else 200
    away = np.ceil(np.sqrt(((xy - xy[0]) ** 2).sum(-1)))
    last = day - away - service - 1
    middle = chance.uniform(away, last)
    half = chance.normal(0.125 if long else 0.06, 0.02, stops + 1).clip(0.01) * day / 2
    opens, closes = np.maximum(away, middle - half).round(), np.minimum(last, middle + half).round()
    demand = chance.normal(18, 8, stops + 1).clip(1, 50).round()
    rows = np.column_stack(
        [np.arange(stops + 1), xy, demand, opens, np.maximum(opens, closes), np.full(stops + 1, float(service))]
    )
    rows[0, 3:] = 0, 0, day, 0
    return _instance(f"{kind} {stops} {seed}", rows, vans=stops // 4, capacity=capacity, best=None)
