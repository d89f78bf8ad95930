"""`time_of_day.Pace` over whole arrays, for the sieve: what it says of one leg, of all positions at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from routing.model.plans import FREE
from routing.rules.time_of_day import Pace

LONG_AGO_S = 2**41
"""Before any moment of a problem (limits.py); so far ahead nothing is worked out any more."""
_NEVER = 2**61

type Ints = NDArray[np.int64]


def rows_of(pace: Pace | None) -> list[tuple[int, int, int]]:
    """Its rows, the first from before anything happens: (from which second, progress then, pace from then on)."""
    return [(-LONG_AGO_S, -LONG_AGO_S * FREE, FREE), *(() if pace is None else pace.rows)]


class ManyLegs:
    def __init__(self, pace: Pace) -> None:
        rows = np.array(rows_of(pace), dtype=np.int64)
        self._since, self._known, self._rate = (np.ascontiguousarray(column) for column in rows.T)

    def arrive(self, leave: Ints, travel: Ints, driven: Ints | int = 0) -> Ints:
        """As `Pace.arrive`; `driven`: progress of the way that is behind already. Far in the future where a moment or a
        way is."""
        far = (leave >= LONG_AGO_S) | (travel >= LONG_AGO_S)
        leave, travel = np.where(far, 0, leave), np.where(far, 0, travel)
        row = np.searchsorted(self._since, leave, side="right") - 1
        wanted = self._known[row] + (leave - self._since[row]) * self._rate[row]
        wanted = wanted + np.maximum(travel * FREE - driven, 0)
        row = np.searchsorted(self._known, wanted, side="right") - 1
        out: Ints = np.where(far, _NEVER, self._since[row] - (self._known[row] - wanted) // self._rate[row])
        return out
