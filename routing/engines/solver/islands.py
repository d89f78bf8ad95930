"""Several walks at once, a thread each: the compiled rounds let go of the interpreter's lock.

After every so many rounds the walk that is behind goes on from the best of the one that is ahead. Who is ahead is asked
when all have made their rounds, so that the same seed, rounds and threads give the same plan.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from routing.engines.solver.walk import RuinAndRecreate

_EXCHANGE = 50_000
"""Rounds of each walk."""


class Islands:
    """`run` walks on in all; `ahead` is the one with the best plan."""

    def __init__(self, first: RuinAndRecreate, *, seed: int, threads: int, exchange: int = _EXCHANGE) -> None:
        self.walks = [first, *(first.beside(seed + 7919 * n) for n in range(1, threads))]
        self._exchange, self._since = exchange, 0

    @property
    def ahead(self) -> RuinAndRecreate:
        return max(self.walks, key=lambda walk: walk.standing)

    def run(self, rounds: int, part: float) -> bool:
        """So many rounds of each at the temperature of this part of the walk. True when a better plan was found."""
        if len(self.walks) == 1:
            return self.walks[0].run(rounds, part)
        before = self.ahead.standing
        moves: list[Callable[[int, float], bool]] = [walk.run for walk in self.walks]
        with ThreadPoolExecutor(len(moves)) as pool:
            for done in [pool.submit(move, rounds, part) for move in moves]:
                done.result()
        better = self.ahead.standing > before
        self._since += rounds
        if self._since >= self._exchange:
            self._since = 0
            behind = min(self.walks, key=lambda walk: walk.standing)
            if behind is not self.ahead:
                behind.go_to(self.ahead)
        return better
