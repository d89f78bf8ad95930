"""Routing problems to measure plans on: files in Solomon's format, or generated after Gehring & Homberger (1999).

Convention of the 12th DIMACS challenge: d = floor(10 x euclid) / 10 is distance and travel time; the objective is the
distance; the fleet of the file is a limit. Here everything is an integer x 10.
"""

from __future__ import annotations

import csv
import os
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
    apart = np.floor(10 * np.sqrt(((xy[:, None] - xy[None]) ** 2).sum(-1)) + 1e-9).astype(np.int64)
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


def published(stops: int, *, most: int) -> list[Instance]:
    """Up to `most` instances of so many stops from `FOLDER`, by name; empty when the folder is not there."""
    if not (FOLDER / "bks.csv").exists():
        return []
    with (FOLDER / "bks.csv").open() as file:
        best = {row["instance"]: float(row["bks_distance"]) for row in csv.DictReader(file)}
    found = []
    for path in sorted((FOLDER / "vrptw").glob("*.txt")):
        lines = path.read_text().splitlines()
        at = next(n for n, line in enumerate(lines) if "NUMBER" in line)
        vans, capacity = (int(word) for word in lines[at + 1].split())
        rows = np.array([[float(word) for word in line.split()] for line in lines[at + 2 :] if len(line.split()) == 7
                         and line.split()[0].isdigit()])  # fmt: skip
        if len(rows) == stops + 1:
            known = round(best[path.stem] * 10) if path.stem in best else None
            found.append(_instance(path.stem, rows, vans, capacity, known))
    # Spread over the classes rather than the first ones of the alphabet.
    step = max(1, len(found) // most)
    return found[::step][:most]


def generated(stops: int, *, seed: int) -> Instance:
    """Half of the doors in clusters, half anywhere; three of four with a window; vans of about twelve doors."""
    chance = np.random.default_rng(seed)
    side = 10 * np.sqrt(stops)
    centres = chance.uniform(0, side, (max(1, stops // 40), 2))
    clustered = centres[chance.integers(0, len(centres), stops // 2)] + chance.normal(0, side / 25, (stops // 2, 2))
    xy = np.vstack([[side / 2, side / 2], clustered, chance.uniform(0, side, (stops - stops // 2, 2))])
    day = 6 * side + 1_000
    away = np.sqrt(((xy - xy[0]) ** 2).sum(-1))
    opens, closes = np.zeros(stops + 1), np.full(stops + 1, day)
    middle = chance.uniform(away + 10, day - away - 30)
    half = np.where(chance.random(stops + 1) < 0.75, chance.uniform(30, day / 8, stops + 1), day)
    opens[1:] = np.maximum(away, middle - half)[1:].round()
    closes[1:] = np.minimum(day - away - 20, middle + half)[1:].round()
    demand = chance.integers(5, 40, stops + 1)
    rows = np.column_stack(
        [np.arange(stops + 1), xy.round(), demand, opens, np.maximum(opens, closes), np.full(stops + 1, 10.0)]
    )
    rows[0, 3:] = 0, 0, round(day), 0
    return _instance(f"generated {seed}", rows, vans=max(4, stops // 5), capacity=260, best=None)
