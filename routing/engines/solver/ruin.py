"""Ruin and recreate: takes out strings of neighbouring visits and puts them back better, for as long as it is given.

After Christiaens & Vanden Berghe, "Slack Induction by String Removals" (2020): strings from routes near a random
visit, greedy insertion in changing orders, annealing. Two things differ. Visits that wait take part in every round,
so that a tight day fills up; and what is kept as best is compared strictly rank by rank, while the walk itself may
pay for an absence.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from routing.engines.solver.insertion import Insertion, Routes, Score, Sieve
from routing.model.plans import ShiftOffer, Visit

_AVERAGE_OUT = 10
"""Visits taken out per round, on average."""
_LONGEST_STRING = 10
_NEIGHBOURS = 40
_TRIED = 15
"""Of the visits that wait, so many are tried per round."""


class Ruin:
    """A walk from one plan. `round()` is one try; `best` and `best_score` are what it found."""

    def __init__(self, insertion: Insertion, routes: Routes, *, seed: int) -> None:
        self.insertion = insertion
        self.random = random.Random(seed)
        self.routes: Routes = {shift: list(ids) for shift, ids in routes.items()}
        self.best: Routes = {shift: list(ids) for shift, ids in routes.items()}
        self.best_score: Score = insertion.score(routes)
        self.cost = {shift: self._cost(shift, ids) for shift, ids in routes.items()}
        self.near = _near(insertion)
        self.keys = [visit.id for visit in insertion.problem.visits]
        self.fixed = set(insertion.position_of) | set(insertion.table.done)
        served = sum(len(ids) for ids in routes.values())
        # An absence costs a few times what a visit costs on average, ten times more per rank: enough to steer the walk.
        # Age adds less than an absence of the lowest rank: it lifts within a rank only.
        base = 4.0 * max(1.0, sum(self.cost.values()) / max(1, served))
        self.price = {
            key: base
            * (
                10 ** min(8, len(insertion.ranks) - 1 - insertion.ranks.index(insertion.rank[key]))
                + 0.5 * insertion.age[key] / (1 + max(insertion.age.values()))
            )
            for key in self.keys
        }
        self.unit = base / 4.0
        self.away = set(insertion.waiting(routes))
        self.penalty = sum(self.price[key] for key in self.away)
        self.where = {key: shift for shift, ids in routes.items() for key in ids}

    def _cost(self, shift: int, ids: list[int]) -> float:
        return self.insertion.weigh(shift, ids)

    def round(self, heat: float) -> bool:
        """One ruin and recreate at a temperature of `heat` average visits. True when a better plan was found."""
        touched, out = self._ruin()
        if not out and not self.away:
            return False
        before = {shift: self.routes[shift] for shift in touched}
        for shift in touched:
            self.routes[shift] = [key for key in self.routes[shift] if key not in out]
        pool = out | self._some_away()
        changed = None
        # Taking out a visit may leave two others without a road between them.
        if all(self.insertion.fits(shift, self.routes[shift]) for shift in touched):
            changed = self._recreate(pool, touched, before)
        if changed is None:
            for shift, ids in before.items():
                self.routes[shift] = ids
            return False
        fresh = {shift: self._cost(shift, self.routes[shift]) for shift in changed}
        away = (self.away | out) - {key for shift in changed for key in self.routes[shift]}
        penalty = sum(self.price[key] for key in away)
        delta = sum(fresh.values()) - sum(self.cost[shift] for shift in changed) + penalty - self.penalty
        if delta > -heat * self.unit * math.log(max(self.random.random(), 1e-12)):
            for shift in changed:
                self.routes[shift] = before[shift]
            return False
        self.cost.update(fresh)
        self.away, self.penalty = away, penalty
        for shift in changed:
            for key in self.routes[shift]:
                self.where[key] = shift
        for key in away:
            self.where.pop(key, None)
        return self._keep()

    def _keep(self) -> bool:
        insertion = self.insertion
        total = -round(sum(self.cost.values()))
        tops, low = self.best_score
        # The counts need summing only when somebody came or went.
        ranks = insertion.served_by_rank(self.where)
        if (ranks, total) <= (tops, low) or not insertion.settled(self.routes):
            return False
        self.best = {shift: list(ids) for shift, ids in self.routes.items()}
        self.best_score = (ranks, total)
        return True

    def _some_away(self) -> set[int]:
        """Those that wait and are tried in this round: on a day with far too much work not all at once."""
        if len(self.away) <= _TRIED:
            return self.away
        return set(self.random.sample(sorted(self.away), _TRIED))

    # ---- ruin

    def _ruin(self) -> tuple[list[int], set[int]]:
        served = max(1, len(self.where))
        used = sum(1 for ids in self.routes.values() if ids)
        longest = min(float(_LONGEST_STRING), served / max(1, used))
        most = 4.0 * _AVERAGE_OUT / (1 + longest) - 1
        strings = int(self.random.random() * max(1.0, most) + 1)
        seed = self.random.choice(self.keys)
        touched: list[int] = []
        out: set[int] = set()
        for key in (seed, *self.near[seed]):
            if len(touched) >= strings:
                break
            shift = self.where.get(key)
            if shift is None or shift in touched:
                continue
            touched.append(shift)
            out |= self._string(self.routes[shift], key, longest)
        return touched, out - self.fixed

    def _string(self, ids: list[int], key: int, longest: float) -> set[int]:
        length = int(self.random.random() * min(float(len(ids)), longest) + 1)
        length = min(length, len(ids))
        at = ids.index(key)
        spare = 0
        # Half of the strings keep a piece in their middle.
        if self.random.random() < 0.5:
            while length + spare < len(ids) and self.random.random() > 0.5:
                spare += 1
        span = length + spare
        first = self.random.randint(max(0, at - span + 1), min(at, len(ids) - span))
        string = ids[first : first + span]
        if spare:
            hole = self.random.randint(0, length)
            string = string[:hole] + string[hole + spare :]
        return set(string)

    # ---- recreate

    def _recreate(self, pool: set[int], touched: list[int], before: Routes) -> list[int] | None:
        """Greedy insertion of the pool in a random kind of order; the shifts that changed, None when all came back as
        it was."""
        insertion = self.insertion
        keys = self._order(pool)
        rows = np.array([insertion.row[key] for key in keys], dtype=np.int64)
        shifts = insertion.distinct(self.routes, self._around(pool, touched))
        sieves: list[Sieve] = [insertion.sieve(shift, self.routes[shift], rows) for shift in shifts]
        best = np.stack([sieve.best for sieve in sieves], axis=1)
        # From which row on each sieve stands.
        first = [0] * len(sieves)
        changed = list(touched)
        for row, key in enumerate(keys):
            while True:
                column = int(best[row].argmin())
                if not math.isfinite(best[row, column]):
                    break
                if self.random.random() < 0.01:
                    # A blink: the best place is overlooked once in a while.
                    best[row, column] = sieves[column].strike(row - first[column])
                    continue
                shift, at = shifts[column], int(sieves[column].position[row - first[column]])
                ids = self.routes[shift]
                candidate = [*ids[:at], key, *ids[at:]]
                if insertion.fits(shift, candidate):
                    if shift not in changed:
                        changed.append(shift)
                        before[shift] = ids
                    self.routes[shift] = candidate
                    # Only those that come later in the order are asked again.
                    sieves[column] = insertion.sieve(shift, candidate, rows[row + 1 :])
                    first[column] = row + 1
                    best[row + 1 :, column] = sieves[column].best
                    if not ids:
                        more = [s for s in insertion.distinct(self.routes, list(self.routes)) if s not in shifts]
                        for other in more:
                            shifts.append(other)
                            sieves.append(insertion.sieve(other, self.routes[other], rows))
                            first.append(0)
                            best = np.column_stack([best, sieves[-1].best])
                    break
                best[row, column] = sieves[column].strike(row - first[column])
        if all(self.routes[shift] == before[shift] for shift in changed):
            return None
        return changed

    def _around(self, pool: set[int], touched: list[int]) -> list[int]:
        """The shifts worth asking: the ruined ones, those that serve a neighbour of the pool, and the unused."""
        if len(self.routes) <= 12:
            return list(self.routes)
        asked = dict.fromkeys(touched)
        for key in sorted(pool):
            for other in self.near[key][:15]:
                if other in self.where:
                    asked[self.where[other]] = None
        asked.update(dict.fromkeys(shift for shift, ids in self.routes.items() if not ids))
        return list(asked)

    def _order(self, pool: set[int]) -> list[int]:
        keys = sorted(pool)
        self.random.shuffle(keys)
        insertion = self.insertion
        visits = insertion.table.visits
        kinds: list[Callable[[int], float]] = [
            lambda _: 0.0,
            lambda key: -float(sum(visits[key].load) + sum(visits[key].collect)),
            lambda key: float(min(w.end_s for w in visits[key].windows)),
            lambda key: float(sum(w.end_s - w.start_s for w in visits[key].windows)),
        ]
        kind = self.random.choices(kinds, weights=[4, 2, 2, 2])[0]
        # A higher rank goes first most of the time, so that it does not find the room taken.
        if self.random.random() < 0.8:
            return sorted(keys, key=lambda key: (-insertion.rank[key], kind(key)))
        return sorted(keys, key=kind)


def _near(insertion: Insertion) -> dict[int, list[int]]:
    """For each visit, those it could follow or precede with little travel and waiting, nearest first."""
    problem, table = insertion.problem, insertion.table
    visits = problem.visits
    shift: ShiftOffer = problem.shifts[0]
    place = [visit.place for visit in visits]
    travel = table.durations(shift)[np.ix_(place, place)].astype(float)
    travel[travel < 0] = 1e9

    def first(visit: Visit) -> float:
        return -1e9 if visit.id in table.done else float(min(w.start_s for w in visit.windows))

    def last(visit: Visit) -> float:
        return 1e9 if visit.id in table.done else float(max(w.end_s for w in visit.windows))

    begin, end = np.array([first(v) for v in visits]), np.array([last(v) for v in visits])
    service = np.array([float(v.service_s) for v in visits])
    reach = service[:, None] + travel
    wait = np.maximum(0, begin[None, :] - reach - end[:, None])
    late = np.maximum(0, begin[:, None] + reach - end[None, :])
    far = travel + 0.2 * wait + late
    far = np.minimum(far, far.T)
    np.fill_diagonal(far, np.inf)
    order = np.argsort(far, axis=1, kind="stable")[:, :_NEIGHBOURS]
    return {visit.id: [visits[n].id for n in line] for visit, line in zip(visits, order.tolist(), strict=True)}
