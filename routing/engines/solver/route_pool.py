"""The routes that a walk over a plain day has driven, kept while it cools down: columns of a set partitioning.

A walk finds a good route here while another is poor there, and loses it again; recombine.py puts the best of all
moments together. To write down where a walk stands costs it next to nothing; routes are made of that only when they are
asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from routing.engines.solver import plain

_MOMENTS = 6_000
"""More are thinned out by half: of 1,000 visits these are 14 MB."""
_MOST = 15_000
"""Columns: those that were driven at the most moments. The others were steps from one to another."""
_HASHED_BY = 7
"""Any seed: with 64 bits a visit two sets of visits have the same sum once in a very long life."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Distinct sets of visits, each in the cheapest order that was driven."""

    visits: NDArray[np.int64]
    """(columns, most visits): the numbers of the visits in order, then n where there are no more."""
    costs: NDArray[np.int64]
    """(columns,): legs and hire of the van."""


@dataclass(slots=True)
class RoutePool:
    """`note` where a walk stands; `columns` are all routes of it. Of days on which all shifts are alike."""

    _after: list[NDArray[np.uint16]] = field(default_factory=list)
    """(n,): who follows each visit; n + 1: nobody."""
    _heads: list[NDArray[np.uint16]] = field(default_factory=list)
    """The first visits of the routes."""
    _asked: int = 0
    _every: int = 1

    def __len__(self) -> int:
        return len(self._heads)

    def note(self, walk: plain.PlainWalk) -> None:
        self._asked += 1
        if self._asked % self._every:
            return
        rows = walk.node.reshape(-1, plain.COLUMNS)
        heads = walk.shift[:, plain.HEAD]
        self._after.append(rows[:-2, plain.NEXT].astype(np.uint16))
        self._heads.append(heads[heads < len(rows) - 2].astype(np.uint16))
        self._thin_out()

    def add(self, others: Sequence[RoutePool]) -> None:
        """What others have noted, too."""
        for other in others:
            self._after += other._after
            self._heads += other._heads
        self._thin_out()

    def _thin_out(self) -> None:
        while len(self) > _MOMENTS:
            del self._after[::2], self._heads[::2]
            self._every *= 2

    def columns(self, day: plain.PlainDay) -> Columns:
        n = len(day.load)
        price = day.legs.reshape(n + 2, n + 2, 2)[:, :, 1]
        key = np.random.default_rng(_HASHED_BY).integers(1, 2**63, n, dtype=np.uint64)
        after = np.full((len(self), n), n, dtype=np.uint16)
        for row, one in zip(after, self._after, strict=True):
            row[:] = one
        moment = np.repeat(np.arange(len(self)), [len(heads) for heads in self._heads])
        x = np.concatenate([np.zeros(0, dtype=np.uint16), *self._heads]).astype(np.int64)
        costs = price[n, x].astype(np.int64) + (int(day.hire[0]) if len(day.hire) else 0)
        sums, steps, driving = np.zeros(len(x), dtype=np.uint64), [], np.arange(len(x))
        while len(driving):
            here = x[driving]
            step = np.full(len(x), n, dtype=np.uint16)
            step[driving] = here
            steps.append(step)
            sums[driving] += key[here]
            there = after[moment[driving], here].astype(np.int64)
            costs[driving] += price[here, there]
            x[driving] = there
            driving = driving[there < n]
        # Of each set of visits the cheapest, whoever noted it first.
        order = np.lexsort((costs, sums))
        begins = np.flatnonzero(np.diff(sums[order], prepend=np.uint64(0)) != 0)
        often = np.diff(begins, append=len(order))
        first = order[begins[np.sort(np.argsort(-often, kind="stable")[:_MOST])]]
        visits = np.stack(steps, axis=1)[first] if steps else np.zeros((0, 1))
        return Columns(visits.astype(np.int64), costs[first])
