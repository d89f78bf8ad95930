"""An order that somebody else decided: the steps of a vehicle as they are given, and what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from routing.model.plans import PlannedRoute


class GivenStep(NamedTuple):
    """One step. `key` is a visit for a task, the id of a break, 0 for start and end; seconds where a time is forced."""

    kind: str
    """start, task, break or end"""
    key: int
    at_s: int | None = None
    after_s: int | None = None
    before_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """What a given order breaks, in VROOM's words. `step` None: the route as a whole.

    `cause` is one of lead_time, delay, load, max_load, max_tasks, max_travel_time, max_distance, precedence, skills,
    missing_break; `amount_s` is by how many seconds, for the first two.
    """

    cause: str
    step: GivenStep | None = None
    amount_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRoute:
    """The route with the times that break least, and everything it breaks."""

    route: PlannedRoute
    breaches: tuple[Breach, ...]
