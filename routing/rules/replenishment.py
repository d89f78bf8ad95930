"""When to order more from a supplier: the reorder point, the inventory position, what is to be bought.

Quantities are base units, times are whole or broken days. Demand is what customers ordered, not what was delivered:
deliveries are cut short by the very shortage that is to be mended.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Units ordered per day of one SKU: the mean and the standard deviation over days."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadTime:
    """Days from the order to the receipt, its standard deviation, and the days between two reviews of the stock."""

    days: float
    deviation: float
    review_days: float

    @property
    def protected_days(self) -> float:
        """The days one order must last: until the next review, and then until its goods are here."""
        return self.days + self.review_days


def service_factor(cycle_service: float) -> float:
    """z of the normal distribution: the share of cycles without a stock-out, above 0 and below 1. 0.5 gives 0."""
    if not 0 < cycle_service < 1:
        raise ValueError(f"Cycle service is {cycle_service}; it lies above 0 and below 1, for example 0.95.")
    return NormalDist().inv_cdf(cycle_service)


def safety_stock(demand: Demand, lead: LeadTime, z: float) -> float:
    """SS = z * sqrt((L + R) * sd_d^2 + d^2 * sd_L^2), in units.

    By hand: d 10, sd_d 2, L 5, sd_L 0.8, R 4, z 2: 2 * sqrt(9 * 4 + 100 * 0.64) = 2 * sqrt(100) = 20.
    """
    return z * math.sqrt(lead.protected_days * demand.deviation**2 + demand.mean**2 * lead.deviation**2)


def reorder_point(demand: Demand, lead: LeadTime, z: float) -> float:
    """d * (L + R) + SS, in units. By hand, with the numbers of `safety_stock`: 10 * 9 + 20 = 110."""
    return demand.mean * lead.protected_days + safety_stock(demand, lead, z)


def empirical_reorder_point(daily: Sequence[int], protected_days: int, cycle_service: float) -> int:
    """For intermittent demand: the smallest quantity that covered that share of all runs of days in the history.

    By hand: 0 0 6 0 0 4, runs of 2 days: 0 6 6 0 4, sorted 0 0 4 6 6; 60 % of five runs is the third: 4.
    """
    if not 0 < cycle_service < 1:
        raise ValueError(f"Cycle service is {cycle_service}; it lies above 0 and below 1, for example 0.95.")
    if protected_days < 1 or len(daily) < protected_days:
        raise ValueError(f"There are {len(daily)} days of demand; {max(protected_days, 1)} are needed for one run.")
    runs = sorted(sum(daily[i : i + protected_days]) for i in range(len(daily) - protected_days + 1))
    # The tiny step back keeps 0.6 * 5 = 3.0000000000000004 from being counted as four runs.
    return runs[max(math.ceil(cycle_service * len(runs) - 1e-9), 1) - 1]


def inventory_position(*, on_hand: int, allocated: int, on_order: int, unallocated: int) -> int:
    """(on hand - allocated) + on order - all open unallocated. By hand: (60 - 40) + 96 - 30 = 86; may be negative."""
    return on_hand - allocated + on_order - unallocated
