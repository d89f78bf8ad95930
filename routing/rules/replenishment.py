"""When to order more from a supplier: the reorder point, the inventory position, what is to be bought.

Quantities are base units, times are whole or broken days. Demand is what customers ordered, not what was delivered:
deliveries are cut short by the very shortage that is to be mended.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, pstdev

LEAST_DAYS = 28
"""Days of orders below which no reorder point is worked out: four of every weekday."""
LEAST_LATENESS = 5
"""Receipts of a supplier below which its lead time is what it states, without a deviation."""
FEWEST_SOURCES = 3
SPIKE_WEEKS = 4
"""Whole weeks before the last one that a spike is measured against, at least."""
LEAST_WEEKS = 16
"""Whole weeks of orders below which nothing is forecast: eight to begin with, eight to try it on."""
TRIED_WEEKS = 8


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


# ---------------------------------------------------------------------------- advice for one SKU


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The policies: days between two reviews, the share of cycles without a stock-out, and the lead time in days of
    suppliers about which nothing is known."""

    review_days: int = 7
    cycle_service: float = 0.95
    usual_lead_days: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An inbound that should be here. `units` are still to come; `expected_on` is an ISO day. `supplier_id` is who
    brings it, None when it was not named."""

    number: str
    expected_on: str
    units: int
    supplier_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuFacts:
    """A SKU at a depot. `daily` is what was ordered each day from its first order to yesterday, oldest first.

    `allocated` units are held by orders, on the shelf or of an inbound; `unallocated` are wanted and held of nothing.
    `lateness` are the days by which its supplier's receipts came after the date last told, early ones negative.
    `stated_lead_days` 0: not known. `sources` are those who can bring it, `supplier` the usual one or "".
    """

    product_id: int
    sku: str
    name: str
    unit: str
    case_pack: int
    depot: str
    supplier_id: int | None
    supplier: str
    daily: tuple[int, ...]
    on_hand: int
    allocated: int
    on_order: int
    unallocated: int
    overdue: tuple[Overdue, ...] = ()
    sources: tuple[str, ...] = ()
    lateness: tuple[float, ...] = ()
    stated_lead_days: int = 0

    @property
    def backordered(self) -> int:
        """Units that orders want beyond what lies here, covered by inbound or not."""
        return max(0, self.allocated + self.unallocated - self.on_hand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """The last seven days were unlike the weeks before: units ordered, and their mean a week before."""

    units: int
    usual: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to order of a SKU. `method` is "normal", "empirical" (intermittent demand) or "" with `refused` saying why:
    then only what customers wait for and nothing covers is ordered.

    `lead_from` is "history", "stated" or "usual". `order` is whole case packs in base units, 0: nothing now.
    `uncovered` units are wanted and covered by nothing, here or on order.
    """

    facts: SkuFacts
    demand: Demand
    lead: LeadTime
    lead_from: str
    method: str
    refused: str
    safety_stock: float
    reorder_point: float
    position: int
    order: int
    uncovered: int
    spike: Spike | None

    @property
    def few_sources(self) -> bool:
        """On backorder, and too few can bring it: whoever has it on the shelf does not look for another supplier."""
        return self.facts.backordered > 0 and len(self.facts.sources) < FEWEST_SOURCES

    @property
    def only_waited_for(self) -> bool:
        """The order has no forecast in it: it is what customers wait for and nothing covers."""
        return bool(self.order and not self.method)

    @property
    def cases(self) -> int:
        return self.order // self.facts.case_pack

    @property
    def needs_a_person(self) -> bool:
        return bool(self.order or self.uncovered or self.facts.overdue or self.spike)


def advise(facts: SkuFacts, terms: Terms) -> Advice:
    """When the position lies below the reorder point, the difference is ordered, rounded up to whole cases.

    By hand: 28 days of 10 units (no deviation), lead time 5 stated, review 4: the point is 10 * 9 = 90. On hand 40,
    all of it allocated, 24 on order, 6 wanted beyond: position (40 - 40) + 24 - 6 = 18; 72 are missing: 6 cases of 12.

        >>> from dataclasses import replace
        >>> facts = SkuFacts(product_id=1, sku="OAT", name="", unit="pcs", case_pack=12, depot="N", supplier_id=None,
        ...                  supplier="", daily=(10,) * 28, on_hand=40, allocated=40, on_order=24, unallocated=6,
        ...                  stated_lead_days=5)
        >>> advice = advise(facts, Terms(review_days=4))
        >>> advice.reorder_point, advice.position, advice.order, advice.cases
        (90.0, 18, 72, 6)

    On the third day nobody knows what a day takes, but 30 are wanted and 12 lie there or come: 18 are missing, 2 cases.

        >>> young = replace(facts, daily=(30, 0, 0), on_hand=0, allocated=0, on_order=12, unallocated=30)
        >>> advice = advise(young, Terms())
        >>> advice.method, advice.uncovered, advice.order, advice.only_waited_for
        ('', 18, 24, True)
    """
    lead, lead_from = lead_time(facts.lateness, stated=facts.stated_lead_days, terms=terms)
    demand = Demand(
        mean=fmean(facts.daily) if facts.daily else 0.0, deviation=pstdev(facts.daily) if facts.daily else 0.0
    )
    position = inventory_position(
        on_hand=facts.on_hand, allocated=facts.allocated, on_order=facts.on_order, unallocated=facts.unallocated
    )
    runs = math.ceil(lead.protected_days)
    method, refused, safety, point = "", "", 0.0, 0.0
    if len(facts.daily) < LEAST_DAYS:
        days = len(facts.daily)
        refused = f"{days} day{'' if days == 1 else 's'} of orders; {LEAST_DAYS} are needed to say what a day takes."
    elif not is_intermittent(facts.daily):
        method = "normal"
        z = service_factor(terms.cycle_service)
        safety, point = safety_stock(demand, lead, z), reorder_point(demand, lead, z)
    elif len(facts.daily) < 2 * runs:
        refused = f"It is ordered seldom: {2 * runs} days of orders are needed, and there are {len(facts.daily)}."
    else:
        method = "empirical"
        point = float(empirical_reorder_point(facts.daily, runs, terms.cycle_service))
        safety = max(0.0, point - demand.mean * runs)
    missing = max(0, (math.ceil(point - 1e-9) if method else 0) - position)
    return Advice(
        facts=facts,
        demand=demand,
        lead=lead,
        lead_from=lead_from,
        method=method,
        refused=refused,
        safety_stock=safety,
        reorder_point=point,
        position=position,
        order=math.ceil(missing / facts.case_pack) * facts.case_pack,
        uncovered=max(0, -position),
        spike=spike(facts.daily),
    )


def lead_time(lateness: Sequence[float], *, stated: int, terms: Terms) -> tuple[LeadTime, str]:
    """What the supplier states, or what is usual, moved by how late it was; and which: "history", "stated", "usual".

    By hand: 5 days stated, receipts 0 1 2 1 1 days late: mean 1, so 6 days; deviation sqrt(2 / 5) = 0.63.

        >>> lead, said = lead_time([0, 1, 2, 1, 1], stated=5, terms=Terms())
        >>> lead.days, round(lead.deviation, 2), said
        (6.0, 0.63, 'history')
        >>> lead_time([0, 1], stated=5, terms=Terms())[1], lead_time([], stated=0, terms=Terms())[0].days
        ('stated', 7)
    """
    days, said = (stated, "stated") if stated else (terms.usual_lead_days, "usual")
    if len(lateness) < LEAST_LATENESS:
        return LeadTime(days=days, deviation=0.0, review_days=terms.review_days), said
    moved = max(0.0, days + fmean(lateness))
    return LeadTime(days=moved, deviation=pstdev(lateness), review_days=terms.review_days), "history"


def is_intermittent(daily: Sequence[int]) -> bool:
    """Ordered on fewer than one day in three: a mean and a deviation say nothing of such demand.

    >>> is_intermittent([0, 0, 6, 0, 0, 4]), is_intermittent([0, 0, 6, 0, 0, 0, 0])
    (False, True)
    """
    return sum(units > 0 for units in daily) * 3 < len(daily)


def spike(daily: Sequence[int]) -> Spike | None:
    """When the last 7 days took more than twice a usual week, and more than its mean and three deviations.

    By hand: four weeks of 70, then one of 150: more than 140, and more than 70 + 3 * 0.

        >>> spike([10] * 28 + [20] * 6 + [30])
        Spike(units=150, usual=70.0)
        >>> spike([10] * 28 + [20] * 7) is None
        True
    """
    totals = weeks(daily)
    if len(totals) <= SPIKE_WEEKS:
        return None
    *before, last = totals
    usual = fmean(before)
    return Spike(units=last, usual=usual) if last > 2 * usual and last > usual + 3 * pstdev(before) else None


def weeks(daily: Sequence[int]) -> list[int]:
    """Whole weeks that end yesterday, oldest first; the days before the first whole one are left out.

    >>> weeks([9, 1, 1, 1, 1, 1, 1, 1])
    [7]
    """
    first = len(daily) % 7
    return [sum(daily[i : i + 7]) for i in range(first, len(daily), 7)]


# ---------------------------------------------------------------------------- forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Units next week. `uses` is "smoothed" or "naive" (as last week), whichever erred less; "" with `refused`.

    `error` and `naive_error` are mean absolute errors in units over the `tried` weeks; `scaled` is their ratio, below
    1 when smoothing is better (None when the naive forecast never erred).
    """

    next_week: float = 0.0
    uses: str = ""
    error: float = 0.0
    naive_error: float = 0.0
    tried: int = 0
    refused: str = ""

    @property
    def scaled(self) -> float | None:
        return self.error / self.naive_error if self.naive_error else None


def forecast(totals: Sequence[int], smoothed: Callable[[Sequence[int]], float]) -> Forecast:
    """Next week by `smoothed`, tried on each of the last weeks with only the weeks before it (rolling origin).

    By hand: fifteen weeks of 10 and 20 in turn. The mean of all before (about 15) errs by about 5, last week's by 10.

        >>> found = forecast([10, 20] * 8, fmean)
        >>> found.uses, round(found.scaled, 1), found.next_week
        ('smoothed', 0.5, 15.0)
        >>> forecast([10 * n for n in range(16)], fmean).uses
        'naive'
        >>> forecast([1, 2], fmean).refused
        '2 whole weeks of orders; 16 are needed for a forecast that was tried.'
        >>> forecast([1], fmean).refused
        '1 whole week of orders; 16 are needed for a forecast that was tried.'
    """
    if len(totals) < LEAST_WEEKS:
        weeks = "1 whole week" if len(totals) == 1 else f"{len(totals)} whole weeks"
        return Forecast(refused=f"{weeks} of orders; {LEAST_WEEKS} are needed for a forecast that was tried.")
    tries = range(len(totals) - TRIED_WEEKS, len(totals))
    error = fmean(abs(smoothed(totals[:n]) - totals[n]) for n in tries)
    naive = fmean(abs(totals[n - 1] - totals[n]) for n in tries)
    better = error < naive
    return Forecast(
        next_week=max(0.0, smoothed(totals)) if better else float(totals[-1]),
        uses="smoothed" if better else "naive",
        error=error,
        naive_error=naive,
        tried=TRIED_WEEKS,
    )
