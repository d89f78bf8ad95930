"""What the services ask of the outside world. Engines fit these by shape; nobody inherits from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from routing.model.notices import Message
from routing.model.places import Located, Location
from routing.model.plans import Plan, Problem, SolveProgress

NO_ROADS = "profile_without_roads"
"""The code of the TravelError that a vehicle meets where the whole map has no road for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TravelTable:
    """Travel between n places, [i, j] from i to j; -1 where no road joins them.

    `durations_s` and `distances_m` are int64 of shape (n, n), whole seconds and metres.
    To a place that stands far from its road the durations hold the way from there too (`rules.to_the_door`); the
    distances are those of the roads.
    `snapped_m` (n,) is how far each place lies from its road; -1 where none lies within the snapping radius.
    `engine` is "osrm", "road graph" or "great circle": pages label anything that is not "osrm".
    """

    durations_s: NDArray[np.int64]
    distances_m: NDArray[np.int64]
    snapped_m: NDArray[np.int64]
    engine: str
    build: str


class TravelTimes(Protocol):
    def table(self, places: Sequence[Location], *, profile: str) -> TravelTable:
        """Raises TravelError."""
        ...

    def path(self, places: Sequence[Location], *, profile: str) -> list[Location]:
        """The line to draw through the places in order. Raises TravelError."""
        ...


class AddressFinder(Protocol):
    def locate(self, address: str, *, postcode: str = "", city: str = "") -> Located:
        """Never raises for an address it cannot read: it answers NOT_FOUND with a sentence."""
        ...

    def reverse(self, location: Location) -> Located: ...


class Solver(Protocol):
    def __call__(
        self,
        problem: Problem,
        *,
        seed: int,
        time_limit_s: float,
        iterations: int | None = None,
        start: Plan | None = None,
        progress: Callable[[SolveProgress], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Plan:
        """The best plan found in the limit. Raises InvalidProblem, SolverError, Cancelled (nothing found yet)."""
        ...


class Sender(Protocol):
    def send(self, message: Message) -> str:
        """Hands the message over and returns the other side's reference. Raises SendError, SendRefused."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The present, zoned (UTC)."""
        ...
