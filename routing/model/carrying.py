"""Where a delivery is by the books, while routes change and phones do not hear of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """`vehicle_id`: on whose account the ledger has its goods; None: on no van's (at a depot, or nothing to carry).

    `loaded_for`: the shift for which they were loaded there, None when that is not known or they were handed over.
    `shift_id`: the route that takes it by the newest plan in force, of a shift that was not counted yet; `listed`: the
    driver of that route has it on the list.
    """

    vehicle_id: int | None = None
    vehicle: str = ""
    loaded_for: int | None = None
    shift_id: int | None = None
    planned_vehicle: str = ""
    listed: bool = False
