"""What a route costs, part by part, in thousandths of a minor unit."""

from __future__ import annotations

from routing.model.plans import CostScheme
from routing.rules.spans import Soft, late_by


def cost_of(cost: CostScheme, duty_s: int, travel_s: int, distance_m: int, work_s: int = 0, overtime_s: int = 0) -> int:
    """Thousandths of a minor unit, each part rounded half up."""
    return (
        cost.fixed
        + (2 * cost.per_hour * duty_s + 3600) // 7200
        + (2 * cost.per_travel_hour * travel_s + 3600) // 7200
        + (2 * cost.per_task_hour * work_s + 3600) // 7200
        + (2 * cost.per_km * distance_m + 1000) // 2000
        + (2 * cost.per_overtime_hour * overtime_s + 3600) // 7200
        + balance_cost(cost, duty_s)
    )


def balance_cost(cost: CostScheme, duty_s: int) -> int:
    """What the length of a duty costs besides its paid hours, thousandths of a minor unit, rounded half up.

    At 1.00 an hour more costs a van that has worked 4 hours about 4.00, and one that has worked 8 about 8.00: two days
    of 6 hours cost less than one of 8 and one of 4.

        >>> one = CostScheme(balance_per_hour=100_000)
        >>> [balance_cost(one, hours * 3600) for hours in (8, 4, 6)]
        [3200000, 800000, 1800000]
    """
    return (cost.balance_per_hour * duty_s * duty_s + 3600**2) // (2 * 3600**2)


def area_cost(cost: CostScheme, apart_m: int) -> int:
    """Thousandths of a minor unit, rounded half up.

    >>> area_cost(CostScheme(area_per_km=50_000), 2400)
    120000
    """
    return (2 * cost.area_per_km * apart_m + 1000) // 2000


def late_cost(soft: Soft | None, start_s: int) -> int:
    """Thousandths of a minor unit, rounded half up; nothing where a visit may not be late."""
    return 0 if soft is None else (2 * soft[1] * late_by(soft[0], start_s) + 3600) // 7200
